"""Bytes of a terminal, read into keys, pastes and mouse reports, or into nothing."""

import time

import pytest
from textual import events
from textual.message import Message

from tui_trace.app.keyboard import FARTHEST, MOST_PASTED, Keyboard, TerminalAnswer


def read(*parts: bytes, silent: float = 0) -> list[Message]:
    """What comes of these parts, and of so many seconds of silence after them."""
    keyboard = Keyboard()
    found = [message for part in parts for message in keyboard.feed(part)]
    end = time.monotonic() + silent
    while time.monotonic() < end:
        time.sleep(0.05)
        found += keyboard.tick()
    return found


def keys(*parts: bytes, silent: float = 0) -> list[str]:
    found = read(*parts, silent=silent)
    assert all(isinstance(message, events.Key) for message in found), found
    return [message.key for message in found if isinstance(message, events.Key)]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([b"q"], ["q"]),
        ([b"\xc3", b"\xa9q"], ["é", "q"]),
        ([b"\xf0\x9f", b"\x8c", b"\x90"], ["globe_with_meridians"]),
        ([b"\x1b[A\x1b[1;5C\x1bOP\x1b[[A"], ["up", "ctrl+right", "f1", "f1"]),
        ([b"\x1b", b"[1;", b"5C"], ["ctrl+right"]),
        ([b"\x1b[99;5u\x1b[113u\x03"], ["ctrl+c", "q", "ctrl+c"]),
        ([b"\t\r\x7f "], ["tab", "enter", "backspace", "space"]),
    ],
)
def test_keys(parts: list[bytes], expected: list[str]) -> None:
    assert keys(*parts) == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"\x1b", ["escape"]),
        (b"\x1b\x1b", ["escape", "escape"]),
        (b"\x1bt", ["alt+t"]),
        (b"\x1bP", ["alt+shift+p"]),
        (b"\x1b]", ["right_square_bracket"]),
    ],
)
def test_silence_tells_a_key_from_a_sequence(sent: bytes, expected: list[str]) -> None:
    assert keys(sent, silent=0.4) == expected


@pytest.mark.parametrize(
    "sent",
    [
        b"\x1b[4294967296A",
        b"\x1b[55296u",
        b"\x1b[97;;55296u",
        b"\x1b[97;5:1u",
        b"\x1b[48;0;0;0;0t",
        b"\x1b[48;1000000000;1000000000;1;1t",
        b"\x1b[?2048;1$y",
        b"\x1b[?1;2c",
        b"\x1b[" + b"1;" * 3000 + b"c",
        b"\x1b]11;rgb:ffff/ffff/ffff\x07",
        b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\",
        b"\x1bP1+r436f=323536\x1b\\",
        b"\x1b_Gi=31;OK\x1b\\",
        b"\x1b[<0;-5;5M",
        b"\x1b[<0;%d;5M" % (FARTHEST + 2),
        b"\x1b[<0;5;" + b"9" * 26 + b"M",
        b"\x1b[M !!",
    ],
)
def test_what_means_nothing_is_nothing_and_the_next_key_counts(sent: bytes) -> None:
    assert keys(sent + b"q") == ["q"]


def test_bytes_that_are_no_text_are_one_key_and_the_next_counts() -> None:
    assert keys(b"\xffq\xe9q") == ["replacement_character", "q"] * 2


def test_a_mouse_is_still_one_after_a_size_was_sent() -> None:
    (down,) = read(b"\x1b[48;40;120;1;1t\x1b[<0;5;7M")
    assert isinstance(down, events.MouseDown)
    assert (down.x, down.y) == (4, 6)


def pasted(*parts: bytes, silent: float = 0) -> str:
    paste, *others = read(*parts, silent=silent)
    assert isinstance(paste, events.Paste)
    assert others == []
    return paste.text


def test_a_paste_is_one_whatever_is_in_it() -> None:
    parts = b"\x1b[20", b"0~caf\xc3", b"\xa9\tq\x1b[31m\x00\x07\xff\r\nnext \xe2\x80\xae\x1b[20"
    assert pasted(*parts, b"1~") == "café q[31m�\r\nnext "


def test_a_paste_ends_though_nobody_says_so() -> None:
    assert pasted(b"\x1b[200~text", silent=1.5) == "text"


@pytest.mark.parametrize("more", range(-7, 8))
def test_a_paste_is_cut(more: int) -> None:
    size = MOST_PASTED + more
    assert pasted(b"\x1b[200~" + b"x" * size + b"\x1b[201~") == "x" * min(size, MOST_PASTED)


def test_megabytes_are_read_and_not_kept() -> None:
    found = read(b"\x1b[200~" + b"x" * 3_000_000 + b"\x1b[201~q")
    assert [type(message) for message in found] == [events.Paste, events.Key]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([b"\x1b[0n"], 1),
        ([b"\x1b[", b"0n\x1b[0n"], 2),
        ([b"\x1b[3n\x1b[0;1n\x1b[200~\x1b[0n\x1b[201~"], 0),
    ],
)
def test_the_terminal_says_that_it_is_well(parts: list[bytes], expected: int) -> None:
    found = read(*parts)
    assert sum(isinstance(message, TerminalAnswer) for message in found) == expected
    assert not any(isinstance(message, events.Key) for message in found)
    assert keys(b"q") == ["q"]
