"""Colours and attributes of cells as a terminal is told of them (SGR, ECMA-48 §8.3.117).

A pen is a character that stands for the SGR parameters of a cell, so that the pens of a row are a
string, compared and cut as fast as its text.
"""

from functools import cache
from typing import NamedTuple

UNKNOWN = "\U0010ffff"
"""The pen of a cell of which nothing is known; no cell that is wanted has it."""
PLAIN = "\0"
"""No colour, no attribute."""

_UNDONE_BY = {
    **dict.fromkeys("12", "22"),
    "3": "23",
    **dict.fromkeys(("4", "21"), "24"),
    **dict.fromkeys("56", "25"),
    "7": "27",
    "8": "28",
    "9": "29",
    **dict.fromkeys(("51", "52"), "54"),
    "53": "55",
}
_EXTENDED = {"38": "39", "48": "49"}
_LENGTHS = {"5": 3, "2": 5}
"""Parameters of an extended colour, from the `38` or `48` on: of a palette, and as RGB."""


class _Style(NamedTuple):
    """SGR parameters, by what they set."""

    attributes: frozenset[str]
    foreground: str
    """Empty: the terminal's own, as for the background."""
    background: str

    @property
    def parameters(self) -> list[str]:
        colours = [one for one in (self.foreground, self.background) if one]
        return [*sorted(self.attributes), *colours]


def _parse(parameters: str) -> _Style:
    left = parameters.split(";") if parameters else []
    attributes: set[str] = set()
    colours = {"39": "", "49": ""}
    while left:
        code = left[0]
        if code in _EXTENDED:
            length = _LENGTHS.get(left[1] if len(left) > 1 else "", 1)
            colours[_EXTENDED[code]] = ";".join(left[:length])
            del left[:length]
            continue
        del left[0]
        if code in colours:
            colours[code] = ""
        elif code in _UNDONE_BY:
            attributes.add(code)
        elif len(code) >= 2:
            colours["49" if code.startswith(("4", "10")) else "39"] = code
    return _Style(frozenset(attributes), colours["39"], colours["49"])


_styles = [_parse("")]
_pens: dict[str, str] = {"": PLAIN}
_known: dict[_Style, str] = {_styles[0]: PLAIN}


def pen(parameters: str) -> str:
    """Return the pen of these SGR parameters, as `1;38;2;10;20;30`.

    There are as many as the themes and the charts have colours; none is ever forgotten.
    """
    try:
        return _pens[parameters]
    except KeyError:
        return _pens.setdefault(parameters, _known_pen(_parse(parameters)))


def _known_pen(style: _Style) -> str:
    if style not in _known:
        number = len(_styles)
        # not the halves of a character that needs two in UTF-16
        _known[style] = chr(number if number < 0xD800 else number + 0x800)
        _styles.append(style)
    return _known[style]


def _style(pen: str) -> _Style:
    number = ord(pen)
    return _styles[number if number < 0xD800 else number - 0x800]


_SEEN_ON_BLANKS = frozenset({"4", "7", "9", "21", "51", "52", "53"})
"""Lines and reversal."""


@cache
def ground(pen: str) -> str:
    """Return the plainest pen that gives a blank cell the look that this one gives it."""
    style = _style(pen)
    if style.attributes & _SEEN_ON_BLANKS:
        return pen
    return _known_pen(_Style(frozenset(), "", style.background))


@cache
def can_erase(pen: str) -> bool:
    """Whether erased cells look as blanks of this pen do, where they get its background."""
    return not _style(pen).attributes & _SEEN_ON_BLANKS


@cache
def change(before: str, after: str) -> str:
    """Return the shortest control sequence from one pen to another one; `UNKNOWN` is any."""
    if before == after:
        return ""
    new = _style(after)
    anew = ";".join(new.parameters and ["0", *new.parameters])
    if before == UNKNOWN:
        return f"\x1b[{anew}m"
    old = _style(before)
    undone = {_UNDONE_BY[one] for one in old.attributes - new.attributes}
    kept = {one for one in old.attributes & new.attributes if _UNDONE_BY[one] not in undone}
    steps = sorted(undone) + sorted(new.attributes - kept)
    for was, wanted, usual in (
        (old.foreground, new.foreground, "39"),
        (old.background, new.background, "49"),
    ):
        if was != wanted:
            steps.append(wanted or usual)
    return f"\x1b[{min(anew, ';'.join(steps), key=len)}m"
