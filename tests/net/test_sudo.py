"""The installed script, under real sudo, where homes are private (0700, Debian's default)."""

import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.helpers.network.chain import Chain
from tests.helpers.network.netns import Netns
from tests.helpers.network.terminals import Tmux
from tests.helpers.network.users import ROOT, SHARED_GROUP, User, Users

NOTHING = "0" * 16
ADVISED = (
    *("setpriv", "--reuid=64001", "--regid=64001", "--init-groups"),
    *("--inh-caps=+net_raw", "--ambient-caps=+net_raw"),
)
"""As the program advises alice."""


class Place(NamedTuple):
    """Who runs the program, how, and where it lies."""

    space: Netns
    target: str
    script: str
    """alice's."""
    user: User | None
    """Who calls sudo; None: root itself, without sudo."""
    home: Path
    """Where files are to land."""

    def command(self, *args: str, env: Mapping[str, str] | None = None) -> list[str]:
        """The command line; all of it runs in the namespace."""
        if self.user is None:
            root = {"HOME": str(self.home), "PATH": os.environ["PATH"], "TERM": "xterm-256color"}
            words = [f"{name}={value}" for name, value in {**root, **(env or {})}.items()]
            return ["env", "-i", "LANG=C.UTF-8", *words, self.script, *args]
        return self.user.command(("sudo", "-n", self.script, *args), env)

    def run(self, *args: str, check: bool = True) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        done = self.space.run(self.command(*args), check=check, timeout=60)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    @property
    def uid(self) -> int:
        """Whom the process runs as once rights are given up."""
        return 0 if self.user is None else self.user.uid

    def owns(self, path: Path) -> bool:
        """The file belongs to whom the program runs as, and nobody else may read it."""
        found = path.stat(follow_symlinks=False)
        return (found.st_uid, found.st_gid, found.st_mode & 0o077) == (self.uid, self.uid, 0)


@pytest.fixture(scope="module")
def users(plain: Chain) -> Iterator[Users]:
    """alice has the program."""
    with Users(plain.client) as both:
        both.install(both.alice)
        yield both


@pytest.fixture(params=["alice", "bob", "root"])
def place(request: pytest.FixtureRequest, plain: Chain, users: Users) -> Iterator[Place]:
    """Her own home; one that bob may not read, once he is bob again; or root without its rights."""
    user = {"alice": users.alice, "bob": users.bob, "root": None}[request.param]
    home = users.alice.home.parent / "root" if user is None else user.home
    home.mkdir(mode=0o700, exist_ok=True)
    yield Place(plain.client, plain.target_address(4), users.alice.script, user, home)
    for left in home.iterdir():
        if left.name != ".venv":
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def _files(place: Place) -> list[Path]:
    return sorted(path for path in place.home.rglob("*") if ".venv" not in path.parts)


OUTPUTS = {
    "report": ("-r",),
    "json": ("-j",),
    "lines": ("--jsonl",),
    "tcp": ("-T", "-r", "-z"),
    "markdown": ("--markdown",),
    "mtu": ("--mtu", "-r"),
}


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_reports_are_printed(place: Place, output: Sequence[str]) -> None:
    _, out, err = place.run(*output, "-n", "-c1", "-i0.1", place.target)
    assert err == ""
    assert place.target in out
    assert _files(place) == []


def test_other_programs_of_ours(place: Place) -> None:
    assert place.run("--as", "tcptraceroute", "-n", place.target)[1].count("\n") == 9
    assert " 12.|-- " in place.run("--lab", "-r", "-c1")[1]
    assert place.run("--sessions")[1] == "no recorded sessions\n"
    assert "plain" in place.run("--lab", "list")[1]


def test_files_are_the_users_own(place: Place) -> None:
    kept = place.home / "kept.session"
    place.run("-r", "-n", "-c1", "--record", str(kept), place.target)
    assert place.owns(kept)
    assert place.target in place.run("--replay", str(kept), "-r")[1]


def test_no_file_of_somebody_elses_can_be_written(place: Place) -> None:
    # root without capabilities may not enter alice's home, and she may not write to root's folders
    folder = Path("/etc") if place.user is not None else Path(place.script).parents[2]
    kept = str(folder / "tt.session")
    code, out, err = place.run("-r", "-n", "-c1", "--record", kept, place.target, check=False)
    assert (code, out) == (1, "")
    assert "Permission denied" in err


def test_a_scenario_file_is_read_as_the_user(place: Place) -> None:
    scenario = (ROOT / "tui_trace/lab/scenarios/mtu.toml").read_text()
    own = place.home / "own.toml"
    own.write_text(scenario)
    own.chmod(0o600)
    os.chown(own, place.uid, place.uid)
    assert "1400" in place.run("--lab", str(own), "--mtu", "-r", "-c1")[1]
    os.chown(own, 65_533, 65_533)
    code, out, err = place.run("--lab", str(own), "-r", "-c1", check=False)
    assert (code, out, err) == (1, "", f"tui-trace: {own}: Permission denied\n")


def _status(place: Place) -> dict[str, str]:
    """Of the program, while it runs."""
    pids = place.space.run(["ip", "netns", "pids", place.space.name]).stdout.split()
    for pid in pids:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if len(words) > 1 and words[1] == place.script.encode() and b"python" in words[0]:
            text = Path(f"/proc/{pid}/status").read_text()
            return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    raise AssertionError(f"not running: {pids}")


def test_the_live_view_needs_nothing_that_it_can_not_read(place: Place) -> None:
    with Tmux(place.space, columns=150) as tmux:
        # one key after another that imports what was not needed before
        tmux.start(place.command("-n", "-i", "0.2", place.target))
        tmux.wait_for(rf"^ *9 .*{re.escape(place.target)}")
        status = _status(place)
        assert status["Uid"].split() == [str(place.uid)] * 4
        assert status["Gid"].split() == [str(place.uid)] * 4
        if place.user is not None:
            assert sorted(status["Groups"].split()) == [str(place.uid), str(SHARED_GROUP)]
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert status[name].strip() == NOTHING, name
        time.sleep(2)
        tmux.press("t")
        tmux.wait_for("TCP port 80")
        time.sleep(2)
        for key, shown in (("c", "Runs compared"), ("g", "Charts"), ("H", "^ Events")):
            tmux.press(key)
            screen = tmux.wait_for(shown)
            assert "no plots" not in screen
            tmux.press("Escape")
            tmux.wait_for("Host +(ASN +)?Loss%")
        tmux.press("Enter")
        tmux.wait_for("─ hop ")
        time.sleep(1.5)  # a plot is imported in a thread
        assert "no plots" not in tmux.screen()
        for ending in ("md", "svg", "jsonl"):
            tmux.press("e")
            tmux.wait_for("Write to file")
            tmux.press("C-u")
            tmux.wait_for("› *$")
            tmux.write(f"{place.home}/out.{ending}")
            tmux.press("Enter")
            tmux.wait_for(rf"written: .*out\.{ending}")
            time.sleep(0.2)
        tmux.press("q")
        tmux.wait_for(r"prompt> *$")
    files = _files(place)
    assert {path.name for path in files} >= {"out.md", "out.svg", "out.jsonl"}
    assert len([path for path in files if path.suffix == ".session"]) == 1
    owners = {path.stat(follow_symlinks=False).st_uid for path in files}
    assert owners == {place.uid}
    (session,) = (path for path in files if path.suffix == ".session")
    assert session.is_relative_to(place.home / ".local/state/tui-trace")
    assert session.stem in place.run("--sessions")[1]
    assert place.target in place.run("--replay", session.stem, "-r")[1]


def test_options_of_the_config_are_the_users(place: Place) -> None:
    config = place.home / ".config/tui-trace/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("[options]\ntcp = true\nport = 443\ntos = 'EF'\nno-dns = true\n")
    for path in (config.parent.parent, config.parent, config):
        path.chmod(0o700)
        os.chown(path, place.uid, place.uid)
    with Tmux(place.space, columns=150) as tmux:
        tmux.start(place.command(place.target))
        tmux.wait_for(rf"^ *9 .*{re.escape(place.target)}")
        assert "TCP port 443 · TOS 184 (EF)" in tmux.screen()
        assert _status(place)["CapPrm"].strip() == NOTHING
        tmux.press("q")
        tmux.wait_for(r"prompt> *$")
    config.write_text("[options]\nunprivileged = true\n")
    with Tmux(place.space, columns=150) as tmux:
        tmux.start(place.command(place.target))
        tmux.wait_for(r"options.unprivileged works on the command line alone")


@pytest.mark.parametrize(
    "words",
    [
        ("sudo", "-n", "-E"),
        ("sudo", "-n", "HOME=/dev/null"),
        ("sudo", "-n", "XDG_CONFIG_HOME=/root", "XDG_STATE_HOME=/root"),
        ("sudo", "-n", *ADVISED),
    ],
    ids=["-E", "HOME", "XDG", "setpriv"],
)
def test_home_is_the_callers_however_it_was_called(
    plain: Chain, users: Users, words: Sequence[str]
) -> None:
    alice = users.alice
    target = plain.target_address(4)
    with Tmux(plain.client, columns=150) as tmux:
        tmux.start(alice.command((*words, alice.script, "-n", target)))
        screen = tmux.wait_for(rf"^ *9 .*{re.escape(target)}")
        assert "cannot be" not in screen
        tmux.press("q")
        tmux.wait_for(r"prompt> *$")
    sessions = list((alice.home / ".local/state/tui-trace/sessions").glob("*.session"))
    assert len(sessions) == 1
    assert alice.owns(sessions[0])
    shutil.rmtree(alice.home / ".local")


def test_scapy_leaves_no_trace_and_reads_no_pickle(plain: Chain, users: Users) -> None:
    alice = users.alice
    trap = alice.home / ".cache/scapy"
    trap.mkdir(parents=True)
    # what scapy 2.7 would have run, and 2.8 would have written through
    precious = alice.home.parent / "precious"
    precious.write_text("precious")
    (trap / "ethertypes.pickle").symlink_to(precious)
    (trap / "services.pickle").write_bytes(b"cos\nsystem\n(S'touch /tmp/tt-pickled'\ntR.")
    plain.client.run(
        alice.command(
            ("sudo", "-n", "-E", alice.script, "-r", "-n", "-c1", plain.target_address(4))
        )
    )
    assert precious.read_text() == "precious"
    assert not Path("/tmp/tt-pickled").exists()
    assert sorted(path.name for path in trap.iterdir()) == ["ethertypes.pickle", "services.pickle"]
    shutil.rmtree(alice.home / ".cache")


def test_the_command_of_an_episode_has_the_rights_of_who_called(place: Place) -> None:
    told = place.home / "told"
    unreachable = place.target.rpartition(".")[0] + ".77"
    command = f"sh -c 'cat /proc/self/status > {told}'"
    place.run("-r", "-n", "-c12", "-i0.1", "-Z0.1", "--on-event", command, unreachable)
    end = time.monotonic() + 10
    while not (told.exists() and "nonvoluntary" in told.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    status = dict(line.split(":\t", 1) for line in told.read_text().splitlines())
    assert status["Uid"].split() == [str(place.uid)] * 4
    assert status["Gid"].split() == [str(place.uid)] * 4
    # what is set-user-ID works as it does at a shell
    assert status["NoNewPrivs"] == "0"
    if place.user is not None:
        assert str(SHARED_GROUP) in status["Groups"].split()
        assert {status[f"Cap{kind}"] for kind in ("Prm", "Eff", "Inh", "Amb")} == {NOTHING}
    assert told.stat().st_uid == place.uid
