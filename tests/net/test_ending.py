"""A report that is interrupted prints what it has; the terminal is sane whatever ends the view."""

import json
import re
import signal
import sys
import time

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import Sending
from tests.helpers.network.terminals import Terminal, Tmux, assert_sane
from tui_trace.core.events import Reply, SessionEnded

INTERRUPTS = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name
)


def _interrupted(number: int, *args: str) -> tuple[Chain, str]:
    """What a report without end prints when the signal comes after some rounds."""
    with Chain(3) as chain:
        sending = Sending(chain.client)
        process = chain.client.popen(
            tui_trace_process.command("-n", "-i0.1", "-c100000", *args, chain.target_address()),
            env=tui_trace_process.environment(),
        )
        while sending.count() < 50 and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert err == b""
        assert process.returncode in (0, 128 + number)
        return chain, out.decode()


@INTERRUPTS
def test_a_report_ends_with_the_figures_so_far(number: int) -> None:
    chain, text = _interrupted(number, "-r")
    for ttl in range(1, chain.length + 1):
        assert re.search(rf"^\W*{ttl}\W.*\b{re.escape(chain.hop(ttl))}\b", text, re.MULTILINE)


@INTERRUPTS
def test_json_ends_whole(number: int) -> None:
    chain, text = _interrupted(number, "-j")
    hubs = json.loads(text)["report"]["hubs"]
    assert [hub["host"] for hub in hubs] == chain.hops()
    assert all(hub["Snt"] > 1 and hub["Loss%"] == 0 for hub in hubs)


@INTERRUPTS
def test_json_lines_end_in_order(number: int) -> None:
    chain, text = _interrupted(number, "--jsonl")
    stream = tui_trace_process.check_stamps(tui_trace_process.decode(text))
    assert tui_trace_process.hops(stream) == chain.hops()
    assert len(tui_trace_process.only(Reply, stream)) > 10
    assert isinstance(stream[-1], SessionEnded)


def test_json_lines_are_flushed_one_by_one(plain: Chain) -> None:
    process = plain.client.popen(
        tui_trace_process.command("--jsonl", "-n", "-c100000", plain.target_address()),
        env=tui_trace_process.environment(),
    )
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(20)]
    process.kill()
    process.wait(10)
    assert len(tui_trace_process.decode(b"".join(first).decode())) == 20


def _start(chain: Chain) -> Terminal:
    terminal = Terminal(
        chain.client,
        tui_trace_process.command("-n", chain.target_address()),
        env=tui_trace_process.environment(),
    )
    terminal.wait_for(re.escape(chain.hop(chain.length - 1)))
    return terminal


@pytest.mark.parametrize(
    "number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name
)
def test_the_terminal_is_sane_after_a_signal(plain: Chain, number: int) -> None:
    with _start(plain) as terminal:
        terminal.process.send_signal(number)
        terminal.wait()
        assert_sane(terminal)
        assert b"Traceback" not in terminal.raw


@pytest.mark.parametrize("keys", [b"q", b"\x03"], ids=["q", "Ctrl-C"])
def test_the_terminal_is_sane_after_quitting(plain: Chain, keys: bytes) -> None:
    with _start(plain) as terminal:
        terminal.write(keys)
        assert terminal.wait() == 0
        assert_sane(terminal)


def test_it_ends_when_the_terminal_is_gone(plain: Chain) -> None:
    with _start(plain) as terminal:
        terminal.hang_up()
        assert terminal.process.wait(10) is not None


_CRASHING = """
import sys
import tui_trace.app.app
import tui_trace.app.render.header
from tui_trace.cli.main import main

whole = tui_trace.app.render.header.heading

def broken(*args, **more):
    raise RuntimeError("broken on purpose")

for module in list(sys.modules.values()):
    if getattr(module, "heading", None) is whole:
        module.heading = broken
sys.exit(main())
"""


def test_the_terminal_is_sane_after_a_crash(plain: Chain) -> None:
    args = [sys.executable, "-c", _CRASHING, "-n", plain.target_address()]
    with Terminal(plain.client, args, env=tui_trace_process.environment()) as terminal:
        assert terminal.wait() != 0
        assert_sane(terminal)
        assert b"broken on purpose" in terminal.raw


def test_the_last_table_stays_in_the_terminal(plain: Chain) -> None:
    with Tmux(plain.client) as tmux:
        tmux.start(
            tui_trace_process.command("-n", plain.target_address()), tui_trace_process.environment()
        )
        tmux.wait_for(re.escape(plain.hop(plain.length - 1)))
        tmux.press("q")
        screen = tmux.wait_for(r"prompt> *$")
        for hop in plain.hops():
            assert hop is not None
            assert re.search(rf"\b{re.escape(hop)}\b", screen)
        tmux.write("stty -a | tr ';' '\\n' | grep -cE '(^| )(icanon|echo|isig)( |$)'")
        tmux.press("Enter")
        tmux.wait_for(r"^[1-9]", 5)
