"""On macOS recordings are shown in every way, and a live trace says in one line what is missing."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import other_system
from tests.helpers.app.emulated_terminal import Terminal
from tests.helpers.network.tui_trace_process import environment
from tests.helpers.places import DATA, ROOT

pytestmark = pytest.mark.slow

SESSION = str(DATA / "lab-turns.session")
MISSING = (
    "tui-trace: a live trace needs Linux: this system has no"
    " AF_NETLINK, AF_PACKET, MSG_ERRQUEUE, epoll and eventfd;"
    " --replay, --sessions and --from ssh:HOST work here\n"
)
TABLE = "every 0.25 s"
NOBODY = pwd.getpwnam("nobody")


def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        other_system.command(*words), capture_output=True, text=True, check=False, timeout=60,
        env={**environment(), **more}, cwd=ROOT,
    )  # fmt: skip


def test_what_typeshed_says_is_what_cpythons_documentation_says() -> None:
    lacking = other_system.lacking()
    # each "Availability: Linux", or "not macOS"
    documented = {
        "socket": {"AF_NETLINK", "AF_PACKET", "SO_BINDTODEVICE", "SO_MARK", "SOCK_NONBLOCK"},
        "os": {"eventfd", "setresuid", "getresuid", "sched_getaffinity", "pidfd_open", "pipe2"},
        "select": {"epoll", "EPOLLIN"},
        "signal": {"sigtimedwait", "sigwaitinfo", "pidfd_send_signal"},
        "time": {"CLOCK_BOOTTIME"},
    }
    for module, names in documented.items():
        assert names <= set(lacking[module])
    kept = {"socket": "IPV6_RECVHOPLIMIT", "os": "initgroups", "signal": "sigwait"}
    for module, name in kept.items():
        assert name not in lacking[module]


def test_all_of_it_is_hidden() -> None:
    look = f"""
import ctypes, importlib, os
for module, names in {other_system.lacking()!r}.items():
    found = importlib.import_module(module)
    assert not [name for name in names if hasattr(found, name)], module
assert not os.path.exists("/proc/self/nothing")
for path in ("/proc/self/stat", "/sys/class/net"):
    try:
        open(path)
    except FileNotFoundError:
        pass
    else:
        raise AssertionError(path)
assert not hasattr(ctypes.CDLL(None), "prctl")
"""
    subprocess.run(
        [sys.executable, "-c", other_system.code(look)], check=True, timeout=60, cwd=ROOT
    )


@pytest.mark.parametrize(
    "kind", ["-r", "-w", "-j", "-C", "--markdown", "--html", "--jsonl", "-j --ways"]
)
def test_a_recording_is_reported_as_on_linux(kind: str) -> None:
    words = ("--replay", SESSION, *kind.split())
    here = subprocess.run(
        [sys.executable, "-m", "tui_trace", *words],
        capture_output=True, text=True, check=True, timeout=60, env=environment(), cwd=ROOT,
    )  # fmt: skip
    there = run(*words)
    assert (there.returncode, there.stderr) == (0, "")
    assert there.stdout == here.stdout


@pytest.mark.parametrize("sample", ["atlas", "mtr", "scamper-udp-paris"])
def test_results_of_others_are_read(sample: str) -> None:
    done = run("--replay", str(DATA / "results" / f"{sample}.json"), "-j")
    assert (done.returncode, done.stderr) == (0, "")
    json.loads(done.stdout)


@pytest.mark.parametrize("words", ["--version", "--help", "--lab list", "--completion zsh"])
def test_what_needs_no_network_works(words: str) -> None:
    done = run(*words.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize(
    "words",
    ["-r 127.0.0.1", "-j --unprivileged 127.0.0.1", "--lab -r", "--watch 127.0.0.1",
     "--from local,ssh:there -r 127.0.0.1",
     "--as tcptraceroute 127.0.0.1", "--as traceroute-nanog 127.0.0.1"],
)  # fmt: skip
def test_a_live_trace_says_in_one_line_what_is_missing(words: str) -> None:
    done = run(*words.split())
    assert (done.returncode, done.stdout, done.stderr) == (1, "", MISSING)


def test_a_command_for_episodes_says_what_is_missing() -> None:
    done = run("--on-event", "true", "-r", "127.0.0.1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tui-trace: --on-event: SOCK_SEQPACKET: Protocol not supported\n"


@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-"])
def test_a_closed_stream_is_no_traceback(stream: str) -> None:
    code = shutil.which("sh"), "-c", f'exec "$@" {stream}', "sh"
    done = subprocess.run(
        [*map(str, code), *other_system.command("--replay", SESSION, "-r")],
        capture_output=True, text=True, check=False, timeout=60, env=environment(), cwd=ROOT,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == (1 if stream.startswith(">") else 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_under_sudo_it_becomes_the_user_for_good() -> None:
    look = f"""
from tui_trace.core import privileges
os.environ.update(SUDO_UID="{NOBODY.pw_uid}", SUDO_GID="{NOBODY.pw_gid}")
privileges.give_up_rights(lambda: None)
sys.platform = "linux"
print(os.getuid(), os.geteuid(), os.getgid(), os.getegid(), os.getgroups())
try:
    os.setuid(0)
except PermissionError:
    print("for good")
"""
    done = subprocess.run(
        [sys.executable, "-c", other_system.code(look)],
        capture_output=True, text=True, check=False, timeout=60, cwd=ROOT,
    )  # fmt: skip
    uid, gid = NOBODY.pw_uid, NOBODY.pw_gid
    assert (done.stderr, done.stdout) == ("", f"{uid} {uid} {gid} {gid} [{gid}]\nfor good\n")


def view(*words: str) -> Terminal:
    _, *rest = other_system.command(*words)
    return Terminal(*rest, env=environment())


def test_a_recording_is_played_in_the_view() -> None:
    terminal = view("--replay", SESSION)
    try:
        terminal.wait_for(TABLE)
        for key, text in (
            (b"g", "Charts"), (b"\x1b", TABLE), (b"c", "Runs compared"), (b"\x1b", TABLE),
        ):  # fmt: skip
            terminal.press(key)
            terminal.wait_for(text)
        terminal.press(b"q")
        assert terminal.wait() == 0
        assert "Traceback" not in terminal.text
        assert "www.example.com" in terminal.text
    finally:
        terminal.close()


def test_a_signal_ends_the_view() -> None:
    terminal = view("--replay", SESSION)
    before = terminal.modes
    try:
        terminal.wait_for("www.example.com")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait() == 143
        assert terminal.modes == before
    finally:
        terminal.close()


def test_the_screen_of_recordings_opens_one(tmp_path: Path) -> None:
    # the folder that platformdirs names on macOS
    folder = tmp_path / "Library" / "Application Support" / "tui-trace" / "sessions"
    folder.mkdir(parents=True)
    shutil.copy(SESSION, folder / "20261123T000700Z-www.example.com.session")
    home = {"HOME": str(tmp_path), **{f"XDG_{kind}_HOME": "" for kind in ("STATE", "CONFIG")}}
    listed = run("--sessions", **home)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "www.example.com" in listed.stdout
    _, *rest = other_system.command("--sessions")
    terminal = Terminal(*rest, env={**environment(), **home})
    try:
        terminal.wait_for("www.example.com")
        terminal.press(b"\r")
        terminal.wait_until_gone("Sessions ·")
        terminal.wait_for("edge7.hosting.example")
        terminal.press(b"q")
        terminal.wait_for("Sessions ·")
        terminal.press(b"q")
        assert terminal.wait() == 0
    finally:
        terminal.close()
