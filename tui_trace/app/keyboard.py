"""What a terminal sends, read into messages for the view, whatever it sends.

Keys, mouse reports, pastes and answers to questions that some other program asked come as one
stream of bytes. Textual's parser understands the sequences that it knows. What stands in front of
it here holds for all others: they are ignored whole instead of being taken for typed letters, and
no sequence of bytes ends the reading, makes it wait for ever, or says how large the screen is.
"""

import re
import time
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import NamedTuple

from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.message import Message
from textual.messages import InBandWindowResize

from tui_trace.app.terminal.link import ANSWER

MOST_PASTED = 4096
"""Characters of one paste that are kept; no answer to a question of ours is longer."""
FARTHEST = 10_000
"""Cells from the corner that a mouse can be; no terminal is larger."""

_ESCAPE = "\x1b"
_LONGEST = 30
"""Characters of a control sequence; Textual's parser takes what is longer for typed letters."""
# ECMA-48 §5.4, and `-`, which some terminals send in coordinates. `ESC [ M` (X10 mouse) and
# `ESC [ [` (function keys of the Linux console) go on after what looks like their end.
_WHOLE = re.compile(r"\x1b\[(?![M\[])[ -?]*[@-~]")
_BEGUN = re.compile(r"\x1b\[[ -?]*")
_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")


class TerminalAnswer(Message):
    """The terminal answers that it is well: all that came before the question is drawn."""


class _Enclosure(NamedTuple):
    """A stretch of input that is read as one, and not as keys."""

    ends: tuple[str, ...]
    patience: float
    """Seconds of silence after which the end will not come any more."""


_LONG = _Enclosure(tuple(map(chr, range(0x40, 0x7F))), constants.ESCAPE_DELAY)
_STRING = _Enclosure(("\x07", "\x1b\\", "\x9c"), constants.ESCAPE_DELAY)
_PASTE = _Enclosure(("\x1b[201~",), 1.0)
_OPENED_BY = {
    "\x1b[200~": _PASTE,
    **dict.fromkeys((_ESCAPE + kind for kind in "]P_^X"), _STRING),
}
_LONGEST_END = 6


class Keyboard:
    """Turns bytes into messages. An object belongs to one thread."""

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._parser = XTermParser()
        self._sequence = ""
        """From its ESC on, as long as more may belong to it."""
        self._enclosure: _Enclosure | None = None
        self._pasted: list[str] = []
        self._tail = ""
        self._heard = 0.0

    def feed(self, data: bytes) -> Iterator[Message]:
        """Return the messages that these bytes complete."""
        self._heard = time.monotonic()
        for character in self._decode(data):
            if self._enclosure is None:
                yield from self._outside(character)
            else:
                yield from self._inside(character, self._enclosure)

    def tick(self) -> Iterator[Message]:
        """Return the messages that silence completes; call it at least every 0.1 s."""
        enclosure = self._enclosure
        if enclosure is not None and time.monotonic() - self._heard >= enclosure.patience:
            yield from self._close()
        if self._enclosure is None or not self._tail:
            yield from self._parsed("")
            if not self._parser_waits:
                self._sequence = ""

    @property
    def _parser_waits(self) -> bool:
        """The parser holds the beginning of a sequence."""
        return self._parser._awaiting.timeout is not None

    def _outside(self, character: str) -> Iterator[Message]:
        if character == _ESCAPE or self._sequence:
            begun = "" if character == _ESCAPE else self._sequence
            self._sequence = begun + character
        if self._sequence == ANSWER:
            self._forget()
            yield TerminalAnswer()
            return
        opened = _OPENED_BY.get(self._sequence)
        if opened is None and len(self._sequence) >= _LONGEST and _BEGUN.fullmatch(self._sequence):
            opened = _LONG
        if opened is not None:
            self._open(opened)
        # a string may yet be Alt and a letter, if nothing follows
        if opened is None or opened is _STRING:
            yield from self._parsed(character)
        if not self._parser_waits:
            self._sequence = ""
        elif _WHOLE.fullmatch(self._sequence):
            self._forget()

    def _open(self, enclosure: _Enclosure) -> None:
        self._enclosure = enclosure
        self._tail = ""
        self._pasted = []
        if enclosure is not _STRING:
            self._forget()

    def _inside(self, character: str, enclosure: _Enclosure) -> Iterator[Message]:
        if not self._tail:
            self._forget()
        self._tail = (self._tail + character)[-_LONGEST_END:]
        if enclosure is _PASTE and len(self._pasted) < MOST_PASTED + _LONGEST_END:
            self._pasted.append(character)
        if self._tail.endswith(enclosure.ends):
            yield from self._close()

    def _close(self) -> Iterator[Message]:
        enclosure, self._enclosure = self._enclosure, None
        text = "".join(self._pasted)
        self._pasted = []
        if enclosure is _PASTE:
            yield events.Paste(_printable(text.removesuffix(_PASTE.ends[0])[:MOST_PASTED]))

    def _forget(self) -> None:
        self._sequence = ""
        self._parser = XTermParser()

    def _parsed(self, character: str) -> Iterator[Message]:
        """Return the messages that Textual's parser reads, without those that cannot be true."""
        parser = self._parser
        try:
            found = list(parser.feed(character) if character else parser.tick())
        except Exception:  # it is in pieces now, and so was what it read
            self._forget()
            return
        for message in found:
            if isinstance(message, (events.Resize, InBandWindowResize)):
                self._forget()  # it would count the mouse in the pixels of that size
            elif _is_possible(message):
                yield message


def _printable(text: str) -> str:
    """Return the text with only printable characters and line ends."""
    return "".join(
        character if character.isprintable() or character in "\r\n" else " " * character.isspace()
        for character in text
    )


def _is_possible(message: Message) -> bool:
    if isinstance(message, events.MouseEvent):
        return 0 <= message.x <= FARTHEST and 0 <= message.y <= FARTHEST
    if isinstance(message, events.Key):
        return not _HALF_A_CHARACTER.search(message.key + (message.character or ""))
    return True
