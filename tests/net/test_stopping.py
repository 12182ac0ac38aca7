"""Ctrl-C, TERM and HUP end the program soon, whatever it waits for; QUIT leaves a sane terminal."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import Sending
from tests.helpers.network.silent_resolver import DeadResolver, FullPipe
from tests.helpers.network.terminals import Terminal, assert_sane
from tests.helpers.pairs import in_turn
from tests.helpers.recordings.recording_builders import record, rounds
from tui_trace.core.events import RoundBegan, SessionEnded

HANGS = 2.0
"""Seconds; what hangs takes many more, and what does not a tenth of one."""
NAME = "target.example"

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SIGNALS = pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)


def each_with_a_signal(cases: Mapping[str, tuple[str, ...]]) -> pytest.MarkDecorator:
    """The first with all of them, each other with one: by which it ends is decided in one place."""
    names = list(cases)
    pairs = [(names[0], number) for number in ENDING] + in_turn(names[1:], ENDING)
    return pytest.mark.parametrize(
        ("args", "number"),
        [(cases[name], number) for name, number in pairs],
        ids=[f"{name}-{number.name}" for name, number in pairs],
    )


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with Chain(2) as chain:
        yield chain


@pytest.fixture
def dead(chain: Chain) -> Iterator[DeadResolver]:
    with DeadResolver(chain.client) as resolver:
        yield resolver


def start(
    chain: Chain,
    *args: str,
    stdout: int = PIPE,
    env: Mapping[str, str] | None = None,
    program: Sequence[str] = (),
) -> "Popen[bytes]":
    return chain.client.popen(
        [*(program or tui_trace_process.command()), *args],
        stdout=stdout,
        env={**tui_trace_process.environment(), **(env or {})},
    )


def end(process: "Popen[bytes]", number: int) -> tuple[int, bytes, bytes]:
    """Send the signal: exit code, standard output, standard error."""
    began = time.monotonic()
    process.send_signal(number)
    try:
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    _soon(began, number)
    assert b"Traceback" not in err
    return process.returncode, out or b"", err


def _soon(began: float, number: int) -> None:
    took = time.monotonic() - began
    print(f"{signal.Signals(number).name}: {took:.3f} s")
    assert took < HANGS


def assert_broken_off(process: "Popen[bytes]", number: int) -> None:
    """The signal ends it, and it had nothing to say."""
    code, _, err = end(process, number)
    assert code in (-number, 128 + number)
    # what the classic programs begin with, and what python was asked to print
    said = [line for line in err.splitlines() if not line.startswith(QUIET)]
    assert said == []


QUIET = (b"Selected device", b"Tracing the path", b"traceroute to", b"import time:")


WAITING = {
    "report": ("-r", NAME),
    "json": ("-j", "-n", NAME),
    "json lines": ("--jsonl", NAME),
    "markdown": ("--markdown", "-4", NAME),
    "path MTU": ("--mtu", "-r", NAME),
    "resolver of one's own": ("--dns-server", "127.0.0.1", "-n", "-r", NAME),
    "unprivileged": ("--unprivileged", "-r", NAME),
    "tcptraceroute": ("--as", "tcptraceroute", NAME),
    "nanog": ("--as", "traceroute-nanog", NAME),
}


@each_with_a_signal(WAITING)
def test_while_the_target_is_asked_for(
    chain: Chain, dead: DeadResolver, args: tuple[str, ...], number: int
) -> None:
    process = start(chain, *args)
    dead.wait_until_asked()
    code, out, err = end(process, number)
    assert code in (-number, 128 + number)
    assert (out, err) == (b"", b"")


@SIGNALS
def test_while_the_live_view_waits_for_its_target(
    chain: Chain, dead: DeadResolver, number: int
) -> None:
    with Terminal(
        chain.client, tui_trace_process.command(NAME), env=tui_trace_process.environment()
    ) as terminal:
        dead.wait_until_asked()
        began = time.monotonic()
        terminal.process.send_signal(number)
        assert terminal.process.wait(30) in (-number, 128 + number)
        _soon(began, number)
        assert terminal.modes() == terminal.before
        assert b"Traceback" not in terminal.raw


UNDER_WAY = {
    "report": ("-r", "-n"),
    "json": ("-j", "-n"),
    "path MTU": ("--mtu", "-r", "-n"),
    "json lines": ("--jsonl", "-n"),
    "json lines and names": ("--jsonl",),
    "names": ("-r", "-z"),
    "tcptraceroute": ("--as", "tcptraceroute", "-n"),
    "nanog": ("--as", "traceroute-nanog", "-n"),
}


@pytest.mark.usefixtures("dead")
@each_with_a_signal(UNDER_WAY)
def test_while_it_traces(chain: Chain, args: tuple[str, ...], number: int) -> None:
    classic = args[0] == "--as"
    # a target that answers nothing keeps the classic programs busy
    rest = ("-w5", "198.18.3.99") if classic else ("-i0.1", "-c100000", chain.target_address())
    sending = Sending(chain.client)
    before = sending.count()
    process = start(chain, *args, *rest)
    while sending.count() < before + 4:
        assert process.poll() is None
        time.sleep(0.02)
    if classic:
        assert_broken_off(process, number)
        return
    code, out, err = end(process, number)
    assert (code, err) == (0, b"")
    if "--jsonl" in args:
        assert isinstance(tui_trace_process.decode(out.decode())[-1], SessionEnded)
    elif "-j" in args:
        json.loads(out)
    else:
        # of a size that the interface refuses, no probe has left
        assert chain.hop(1).encode() in out or b"larger than the interface" in out


@SIGNALS
def test_while_the_report_waits_for_names(chain: Chain, dead: DeadResolver, number: int) -> None:
    process = start(chain, "-r", "-c1", "-Z0.2", chain.target_address())
    dead.wait_until_asked()
    time.sleep(1)  # all is measured by now; names are waited for three seconds
    assert process.poll() is None
    code, out, err = end(process, number)
    assert (code, err) == (0, b"")
    assert chain.hop(1).encode() in out


@SIGNALS
@pytest.mark.parametrize("program", ["tcptraceroute", "traceroute-nanog"])
def test_while_a_classic_line_waits_for_names(
    chain: Chain, dead: DeadResolver, program: str, number: int
) -> None:
    process = start(chain, "--as", program, chain.target_address())
    dead.wait_until_asked()
    assert_broken_off(process, number)


BLOCKED = {
    "report": ("-r", "-n", "-c1"),
    "json": ("-j", "-n", "-c1"),
    "json lines": ("--jsonl", "-n"),
    "names": ("-r", "-c1"),
    "recorded": ("--jsonl", "-n", "--record", "{tmp}/x"),
    "tcptraceroute": ("--as", "tcptraceroute", "-n"),
    "nanog": ("--as", "traceroute-nanog", "-n"),
}


@pytest.mark.usefixtures("dead")
@each_with_a_signal(BLOCKED)
def test_while_nobody_reads(
    chain: Chain, args: tuple[str, ...], number: int, tmp_path: Path
) -> None:
    words = [word.format(tmp=tmp_path) for word in args]
    with FullPipe() as pipe:
        process = start(chain, *words, chain.target_address(), stdout=pipe.write)
        pipe.wait_until_blocked(process)
        assert_broken_off(process, number)


@pytest.mark.parametrize("args", [("--help",), ("--lab", "list"), ("--completion", "bash")])
def test_while_nobody_reads_what_is_no_trace(chain: Chain, args: tuple[str, ...]) -> None:
    with FullPipe() as pipe:
        process = start(chain, *args, stdout=pipe.write)
        pipe.wait_until_blocked(process)
        assert_broken_off(process, signal.SIGINT)


def test_a_signal_while_it_traces_and_then_nobody_reads(chain: Chain) -> None:
    """The report is interrupted, and cannot be written."""
    with FullPipe() as pipe:
        sending = Sending(chain.client)
        before = sending.count()
        args = ("-r", "-n", "-i0.1", "-c100000", chain.target_address())
        process = start(chain, *args, stdout=pipe.write)
        while sending.count() < before + 20:
            assert process.poll() is None
            time.sleep(0.02)
        assert_broken_off(process, signal.SIGTERM)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(rounds(200), tmp_path_factory.mktemp("kept") / "a.session")


@each_with_a_signal({word: (word,) for word in ("-r", "-j", "--jsonl", "--markdown")})
def test_while_a_recording_is_played(
    chain: Chain, session: Path, args: tuple[str, ...], number: int
) -> None:
    with FullPipe() as pipe:
        process = start(chain, "--replay", str(session), *args, stdout=pipe.write)
        pipe.wait_until_blocked(process)
        assert_broken_off(process, number)


@SIGNALS
def test_while_sessions_are_listed(
    chain: Chain, session: Path, tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "tui-trace" / "sessions"
    folder.mkdir(parents=True)
    for second in range(5000):
        os.link(session, folder / f"20260101T{second:06}Z-t.session")
    process = start(chain, "--sessions", env={"XDG_STATE_HOME": str(tmp_path)})
    time.sleep(1)  # it takes many seconds
    assert process.poll() is None
    assert_broken_off(process, number)


@pytest.mark.parametrize(
    ("module", "number"),
    in_turn(("tui_trace.cli.main", "tui_trace.engine.run_state", "scapy.layers"), ENDING),
)
def test_while_modules_are_imported(chain: Chain, module: str, number: int) -> None:
    program = [sys.executable, "-X", "importtime", "-m", "tui_trace"]
    process = start(chain, "-r", "-n", "-c3", chain.target_address(), program=program)
    assert process.stderr is not None
    while f"| {module}" not in " ".join(process.stderr.readline().decode().split()):
        assert process.poll() is None
    assert_broken_off(process, number)


@SIGNALS
@pytest.mark.usefixtures("dead")
def test_while_the_view_asks_for_names(chain: Chain, number: int) -> None:
    args = tui_trace_process.command(chain.target_address())
    with Terminal(chain.client, args, env=tui_trace_process.environment()) as terminal:
        terminal.wait_for(chain.hop(1))
        terminal.write(b"\x1b[B")
        terminal.wait_for("› 1")
        terminal.write(b"w")
        terminal.wait_for("registry|reserved")
        _left(terminal, number)


@SIGNALS
def test_while_the_view_plays_a_recording(chain: Chain, session: Path, number: int) -> None:
    args = tui_trace_process.command("--replay", str(session))
    with Terminal(chain.client, args, env=tui_trace_process.environment()) as terminal:
        terminal.wait_for("ICMP echo")
        _left(terminal, number)


def _left(terminal: Terminal, number: int) -> None:
    began = time.monotonic()
    terminal.process.send_signal(number)
    code = terminal.wait(30)
    _soon(began, number)
    assert code == (0 if number == signal.SIGINT else 128 + number)
    assert_sane(terminal)
    assert b"Traceback" not in terminal.raw


@pytest.mark.parametrize("how", ["signal", "key"])
def test_quit_leaves_a_sane_terminal(chain: Chain, how: str) -> None:
    args = tui_trace_process.command("-n", chain.target_address())
    with Terminal(chain.client, args, env=tui_trace_process.environment()) as terminal:
        terminal.wait_for(chain.hop(1))
        began = time.monotonic()
        if how == "signal":
            terminal.process.send_signal(signal.SIGQUIT)
        else:
            terminal.write(b"\x1c")
        assert terminal.wait(30) == 128 + signal.SIGQUIT
        _soon(began, signal.SIGQUIT)
        assert_sane(terminal)
        assert b"Traceback" not in terminal.raw


def test_what_is_ignored_stays_ignored(chain: Chain) -> None:
    program = ["nohup", *tui_trace_process.command()]
    process = start(
        chain, "--jsonl", "-n", "-i0.1", "-c10", chain.target_address(), program=program
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    stream = tui_trace_process.decode((first + process.stdout.read()).decode())
    assert process.wait(30) == 0
    assert len(tui_trace_process.only(RoundBegan, stream)) == 10
