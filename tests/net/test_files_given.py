"""What the user's files and folders can be, and what is said of them: a line, or nothing."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.netns import Netns, make_all
from tests.helpers.network.params import NOBODY
from tests.helpers.network.terminals import Terminal

ODD: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "pipe": (os.mkfifo, 1, "cannot be read: Not a regular file"),
    "zeros": (lambda path: path.symlink_to("/dev/zero"), 1, "cannot be read: Not a regular file"),
    "folder": (Path.mkdir, 1, "cannot be read: Is a directory"),
    "huge": (lambda path: path.write_bytes(b"#" * 1_000_000), 1, "cannot be read: More than"),
    "nested": (lambda path: path.write_text("a = " + "[" * 99_999), 2, "nested too deeply"),
    "dots": (lambda path: path.write_text("a." * 60_000 + "b = 1"), 2, "nested too deeply"),
    "digits": (lambda path: path.write_text("refresh = " + "9" * 5000), 2, "too many digits"),
    "Latin-1": (lambda path: path.write_bytes(b"theme = 'caf\xe9'"), 2, "not UTF-8 text"),
    "escapes": (
        lambda path: path.write_text('"\\u001b[31m\\n\\u202e" = 1'),
        2,
        r"unknown field `\x1b[31m \u202e`",
    ),
}


@pytest.fixture(scope="module")
def space() -> Iterator[Netns]:
    """Nothing but a loopback; the lab is inside the program."""
    (made,) = make_all(["files"])
    yield made
    made.delete()


def assert_one_line(said: str, says: str) -> None:
    assert said.startswith("tui-trace: ")
    assert says in said
    assert said.endswith("\n")
    assert said[:-1].isprintable(), said


@pytest.mark.parametrize(("make", "code", "says"), ODD.values(), ids=ODD.keys())
def test_a_config_that_is_none(
    space: Netns, tmp_path: Path, make: Callable[[Path], object], code: int, says: str
) -> None:
    (tmp_path / "tui-trace").mkdir()
    make(tmp_path / "tui-trace" / "config.toml")
    env = {**tui_trace_process.environment(), "XDG_CONFIG_HOME": str(tmp_path)}
    with Terminal(space, tui_trace_process.command("--lab", "-n"), env=env) as terminal:
        assert terminal.wait(30) == code
        assert_one_line(terminal.raw.decode().replace("\r\n", "\n"), says)


@pytest.mark.parametrize("kind", ODD)
def test_a_scenario_that_is_none(space: Netns, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a\x1b[31m\nb.toml"
    ODD[kind][0](path)
    done = tui_trace_process.program(space, "--lab", str(path), "-r", "-n", "-c1", check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert_one_line(done.stderr, r"/a\x1b[31m\nb.toml:")


def _unset(name: str) -> tuple[str, ...]:
    return ("env", "-u", name)


HOMES: dict[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "no folder": ((), {"HOME": "/dev/null"}),
    "empty": ((), {"HOME": ""}),
    "another's": (NOBODY, {"HOME": "/root"}),
    "unset": (_unset("HOME"), {}),
    "unset, of a user whom nobody knows": (
        (*_unset("HOME"), "setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"),
        {},
    ),
    "closed": (NOBODY, {"HOME": "closed"}),
    "a circle": ((), {"HOME": "circle"}),
}


@pytest.mark.parametrize(("before", "home"), HOMES.values(), ids=HOMES.keys())
def test_a_home_that_is_none(
    space: Netns, tmp_path: Path, before: tuple[str, ...], home: Mapping[str, str]
) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed" / ".config").mkdir()
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    kept = {
        name: value for name, value in tui_trace_process.environment().items() if "XDG" not in name
    }
    for name, value in home.items():
        kept[name] = str(tmp_path / value) if value in ("closed", "circle") else value
    blank = [word for name in os.environ if name.startswith("XDG") for word in ("-u", name)]
    args = ["env", "-C", str(tmp_path), *blank, *before, *tui_trace_process.command("--lab", "-n")]
    with Terminal(space, args, env=kept) as terminal:
        terminal.wait_for(r"203\.0\.113\.80")
        terminal.write(b"q")
        assert terminal.wait(30) == 0
        left = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
        assert "tui-trace:" not in left
        assert "cannot be read" not in left
    assert {path.name for path in tmp_path.iterdir()} <= {"closed", "circle", ".local", ".cache"}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that everybody can look into, unlike pytest's own."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_config_that_is_there_and_closed(space: Netns, open_folder: Path) -> None:
    (open_folder / "tui-trace").mkdir()
    (open_folder / "tui-trace" / "config.toml").touch(mode=0o000)
    env = {**tui_trace_process.environment(), "XDG_CONFIG_HOME": str(open_folder)}
    with Terminal(space, [*NOBODY, *tui_trace_process.command("--lab", "-n")], env=env) as terminal:
        assert terminal.wait(30) == 1
        said = terminal.raw.decode().replace("\r\n", "\n")
        assert_one_line(said, "config.toml: cannot be read: Permission denied")


HOSTILE = "x\x1b[31m\n\u202e\udcff"
ECHOED = (
    (HOSTILE,),
    (f"--{HOSTILE}",),
    ("-Q", HOSTILE, "198.51.100.1"),
    ("-T", "-P", HOSTILE, "198.51.100.1"),
    ("-I", HOSTILE, "198.51.100.1"),
    ("-a", HOSTILE, "198.51.100.1"),
    ("--lab", HOSTILE),
    ("--lab", f"{HOSTILE}.toml"),
    ("--lab", "plain", HOSTILE),
    ("--replay", HOSTILE),
    ("--record", f"/{HOSTILE}/x", "--lab", "plain"),
    ("--completion", HOSTILE),
    ("--as", HOSTILE),
)


def run_bytes(space: Netns, *args: str) -> "subprocess.Popen[bytes]":
    return space.popen(tui_trace_process.command(*args), env=tui_trace_process.environment())


@pytest.mark.parametrize("args", ECHOED, ids=lambda args: args[0][:10].strip("x\x1b[31m\n"))
def test_what_is_echoed_is_harmless(space: Netns, args: tuple[str, ...]) -> None:
    given = args if args[0].startswith("--as") else ("-r", "-n", "-c1", *args)
    output, errors = run_bytes(space, *given).communicate(timeout=60)
    assert output == b""
    assert errors.count(b"\n") == 1
    assert_one_line(errors.decode(), r"\x1b[31m\n\u202e\udcff"[:7])


@pytest.mark.parametrize(
    "args",
    [
        ("tcptraceroute", HOSTILE),
        ("tcptraceroute", "198.51.100.1", HOSTILE),
        ("tcptraceroute", "-i", HOSTILE, "198.51.100.1"),
        ("tcptraceroute", "-s", HOSTILE, "198.51.100.1"),
        ("traceroute-nanog", HOSTILE),
        ("traceroute-nanog", "-I", HOSTILE, "198.51.100.1"),
        ("traceroute-nanog", "-T", "{0.x}{y}", "nowhere.invalid"),
    ],
    ids=lambda args: " ".join(args)[:22],
)
def test_the_classic_programs_echo_as_harmlessly(space: Netns, args: tuple[str, ...]) -> None:
    output, errors = run_bytes(space, "--as", *args).communicate(timeout=60)
    assert output == b""
    assert errors.strip().decode().isprintable(), errors


@pytest.mark.parametrize("word", [f"--{HOSTILE}", "-\x1b"])
def test_an_unknown_option_of_tcptraceroute(space: Netns, word: str) -> None:
    _, errors = run_bytes(space, "--as", "tcptraceroute", word).communicate(timeout=60)
    assert rb"\x1b" in errors
    assert all(line.isprintable() for line in errors.decode().splitlines())
