"""The columns of a report, by mtr's letters (mtr(8), `--order`)."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from tui_trace.session.model import Figures, Hop
from tui_trace.settings import NS_PER_MS, SettingError

USUAL = "LS NABWV"
MOST = 20
"""Columns at most, as in mtr."""


class Field(NamedTuple):
    """One column."""

    title: str
    width: int
    """Characters, the space before it included."""
    value: Callable[[Hop], float]
    """Of a hop: percent, a count, or ms; 0 where there are too few answers."""
    digits: int
    """Behind the point; 0 for counts."""


class Layout(msgspec.Struct, frozen=True):
    """What a report shows."""

    fields: str = USUAL
    """Letters of `FIELDS`; a space is a gap."""
    wide: bool = False
    """Names in full, however wide the table gets."""
    names: bool = True
    """Hosts by name where they have one."""
    both: bool = False
    """Address and name of each host."""
    about: int | None = None
    """Which of `words.ABOUT` stands before each host; None: nothing."""


def _time(pick: Callable[[Figures], float | None]) -> Callable[[Hop], float]:
    return lambda hop: (pick(hop.figures) or 0.0) / NS_PER_MS


FIELDS = {
    "L": Field("Loss%", 6, lambda hop: hop.loss_percent or 0.0, 1),
    "D": Field("Drop", 5, lambda hop: hop.lost, 0),
    "R": Field("Rcv", 6, lambda hop: hop.figures.count, 0),
    "S": Field("Snt", 6, lambda hop: hop.sent, 0),
    "N": Field("Last", 6, _time(lambda figures: figures.last), 1),
    "B": Field("Best", 6, _time(lambda figures: figures.min), 1),
    "A": Field("Avg", 6, _time(lambda figures: figures.mean), 1),
    "W": Field("Wrst", 6, _time(lambda figures: figures.max), 1),
    "V": Field("StDev", 6, _time(lambda figures: figures.sd), 1),
    "G": Field("Gmean", 6, _time(lambda figures: figures.gmean), 1),
    "J": Field("Jttr", 5, _time(lambda figures: figures.last_jitter), 1),
    "M": Field("Javg", 5, _time(lambda figures: figures.jitter), 1),
    "X": Field("Jmax", 5, _time(lambda figures: figures.max_jitter), 1),
    "I": Field("Jint", 5, _time(lambda figures: figures.smooth_jitter), 1),
}


def parse_fields(text: str, option: str = "--order") -> str:
    """Letters of `FIELDS`, with spaces for gaps; an underscore keeps words together, as in mtr."""
    letters = text.replace("_", "")
    if not letters.strip() or len(letters) > MOST or not set(letters) <= {*FIELDS, " "}:
        takes = f"1 to {MOST} of the letters {''.join(FIELDS)}, with spaces for gaps"
        raise SettingError(option, text, takes)
    return letters


def chosen(layout: Layout) -> list[Field]:
    """Its columns without the gaps."""
    return [FIELDS[letter] for letter in layout.fields if letter != " "]


def exact(field: Field, hop: Hop, digits: int) -> int | float:
    """A value for programs: a count as it is, else so many digits."""
    value = field.value(hop)
    return round(value, digits) if field.digits else int(value)
