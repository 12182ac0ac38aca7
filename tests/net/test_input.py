"""The keyboard is hostile, too: whatever a terminal sends, the view goes on and can be left."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.helpers.network import hostile_keys, tui_trace_process
from tests.helpers.network.netns import Netns, make_all
from tests.helpers.network.terminals import Terminal

SETTLED = 1.5
"""Seconds after which what was begun and not ended (a paste) is over."""

Start = Callable[..., Terminal]


@pytest.fixture(scope="module")
def space() -> Iterator[Netns]:
    """Nothing but a loopback; the lab is inside the program."""
    (made,) = make_all(["input"])
    yield made
    made.delete()


@pytest.fixture
def start(space: Netns, tmp_path: Path) -> Iterator[Start]:
    """The live view over the lab, in a folder of its own."""
    with ExitStack() as stack:

        def run(*before: str, module: str = "tui_trace") -> Terminal:
            view = [sys.executable, "-m", module, "--lab", "-n"]
            args = ["env", "-C", str(tmp_path), *before, *view]
            terminal = stack.enter_context(
                Terminal(space, args, env=tui_trace_process.environment())
            )
            terminal.wait_for(r"203\.0\.113\.80")
            return terminal

        yield run


def read_for(terminal: Terminal, seconds: float) -> None:
    """Draw what the program writes meanwhile."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        terminal.read(left)


def parting(terminal: Terminal) -> str:
    """What a program that has left wrote behind the view."""
    left = bytes(terminal.raw).rpartition(b"\x1b[?1049l")[2]
    return left[-3000:].decode("utf-8", "replace")


def assert_left_in_order(terminal: Terminal, key: bytes) -> None:
    assert terminal.process.poll() is None, parting(terminal)
    terminal.write(key)
    assert terminal.wait(30) == 0
    assert terminal.modes() == terminal.before
    assert b"Traceback" not in terminal.raw
    assert b"display failed" not in terminal.raw


BYTES = {
    "no UTF-8": b"\xff",
    "Latin-1": b"\xe9",
    "half a character": b"\xe2\x82",
    "half a surrogate": b"\xed\xa0\x80",
    "NUL": b"\x00" * 100,
    "a huge code point": b"\x1b[4294967296A",
    "a surrogate by number": b"\x1b[55296u\x1b[97;;55296u",
    "a key with an event type": b"\x1b[115;5:1u",
    "a sequence without an end": b"\x1b[" + b"1;" * 5000,
    "a string without an end": b"\x1b]0;" + b"x" * 5000,
    "a paste without an end": b"\x1b[200~" + b"x" * 5000,
    "no screen": b"\x1b[?2048;1$y\x1b[48;0;0;0;0t\x1b[<0;3;3M",
    "a huge screen": b"\x1b[?2048;2$y\x1b[48;1000000000;1000000000;1;1t\x1b[<0;3;3M",
    "a far mouse": b"\x1b[<0;1000000000000;1000000000000M\x1b[<0;-5;-5M\x1b[<35;0;0M",
    "reports that nobody asked for": b"\x1b[?1;2c\x1b[5;7R\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[0n",
}


@pytest.mark.parametrize("sent", BYTES.values(), ids=BYTES.keys())
def test_no_byte_ends_the_view(start: Start, sent: bytes) -> None:
    terminal = start()
    terminal.write(sent)
    read_for(terminal, SETTLED)
    terminal.wait_for("● live")
    assert_left_in_order(terminal, b"q")


@pytest.mark.parametrize("module", ["tui_trace", "tests.helpers.network.held_up_view"])
def test_strings_made_by_chance(start: Start, module: str) -> None:
    terminal = start(module=module)
    for number, data in enumerate(hostile_keys.strings(seed=20, count=1500)):
        terminal.write(data)
        if number % 10 == 0:
            read_for(terminal, 0.02)
            assert terminal.process.poll() is None, (number, parting(terminal))
    read_for(terminal, SETTLED)
    assert_left_in_order(terminal, b"\x03")


@pytest.mark.parametrize("keys", [b"hcHg?" * 50, b"hh" * 100], ids=["screens", "help"])
def test_it_is_left_while_screens_open_and_close(start: Start, keys: bytes) -> None:
    terminal = start()
    assert_left_in_order(terminal, keys + b"\x03hh")


def test_a_flood_of_keys_is_over_at_once(start: Start) -> None:
    terminal = start()
    for _ in range(6):
        terminal.write(b"ud" * 10_000)
    read_for(terminal, 5)
    assert_left_in_order(terminal, b"\x03")


def test_keys_are_still_keys(start: Start) -> None:
    terminal = start()
    terminal.write(b"N")
    terminal.wait_for("Note ›")
    terminal.write(b"\x1b[200~caf\xc3\xa9 \x1b[31m\nno more\x1b[201~")
    terminal.wait_for(r"Note › café \[31m")
    for part in (b" \xe2", b"\x82", b"\xac"):
        terminal.write(part)
        read_for(terminal, 0.2)
    terminal.wait_for("31m €")
    terminal.write(b"\x1b[127u")  # backspace, as kitty's protocol has it
    terminal.wait_for("31m {9}")
    terminal.write(b"\x1b")
    terminal.wait_for("q quit")
    assert_left_in_order(terminal, b"q")


_BROKEN = """
import sys
from tui_trace.app.keyboard import Keyboard
from tui_trace.cli.main import main

def broken(keyboard, data):
    raise RuntimeError("broken\\x1b[31m on\\npurpose")

Keyboard.feed = broken
sys.exit(main())
"""


def test_a_view_that_cannot_hear_ends(space: Netns) -> None:
    args = [sys.executable, "-c", _BROKEN, "--lab", "-n"]
    with Terminal(space, args, env=tui_trace_process.environment()) as terminal:
        terminal.wait_for(r"203\.0\.113\.80")
        terminal.write(b"n")
        assert terminal.wait() == 1
        assert terminal.modes() == terminal.before
        left = terminal.raw.rpartition(b"\x1b[?1049l")[2]
        said = (
            "tui-trace: display failed (internal error): RuntimeError: broken\\x1b[31m on purpose"
        )
        assert [line for line in left.decode().splitlines() if line.startswith("tui-")] == [said]
