"""The columns of a report, by mtr's letters (mtr(8), `--order`)."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from tui_trace.core.settings import NS_PER_MS, SettingError
from tui_trace.report.hop_columns import COLUMNS
from tui_trace.session.host_labels import LabelMode
from tui_trace.session.snapshot import Hop

USUAL = "LS NABWV"
MOST = 20
"""Columns at most, as in mtr."""


class ReportField(NamedTuple):
    """One column of mtr's report."""

    title: str
    width: int
    """Characters, the space before it included."""
    value: Callable[[Hop], float | None]
    """Of a hop: percent, a count, or ms; 0 where there are too few answers; None: another program
    measured, and does not tell it."""
    digits: int
    """Behind the point; 0 for counts."""


class ReportLayout(msgspec.Struct, frozen=True):
    """The columns of a report, and how it names hosts."""

    fields: str = USUAL
    """Letters of `FIELDS`; a space is a gap."""
    wide: bool = False
    """Names in full, however wide the table gets."""
    names: bool = True
    """Hosts by name where they have one."""
    both: bool = False
    """Address and name of each host."""
    about: int | None = None
    """Which of `formatting.IP_INFO` stands before each host; None: nothing."""

    @property
    def label_mode(self) -> LabelMode:
        """How the report names hosts."""
        if not self.names:
            return LabelMode.ADDRESS
        return LabelMode.BOTH if self.both else LabelMode.NAME


def _in_ms(value: Callable[[Hop], float | None]) -> Callable[[Hop], float | None]:
    def in_ms(hop: Hop) -> float | None:
        time = value(hop)
        if time is None:
            # two answers suffice for each of these values
            return None if hop.figures.count > 1 else 0.0
        return time / NS_PER_MS

    return in_ms


_VALUES = {
    column.mtr_letter: column.value
    for column in COLUMNS.values()
    if column.mtr_letter and column.value is not None
}
"""What the columns of the live table show, by mtr's letters."""


FIELDS = {
    "L": ReportField("Loss%", 6, lambda hop: _VALUES["L"](hop) or 0.0, 1),
    "D": ReportField("Drop", 5, lambda hop: hop.lost, 0),
    "R": ReportField("Rcv", 6, lambda hop: hop.figures.count, 0),
    "S": ReportField("Snt", 6, lambda hop: _VALUES["S"](hop) or 0, 0),
    "N": ReportField("Last", 6, _in_ms(_VALUES["N"]), 1),
    "B": ReportField("Best", 6, _in_ms(_VALUES["B"]), 1),
    "A": ReportField("Avg", 6, _in_ms(_VALUES["A"]), 1),
    "W": ReportField("Wrst", 6, _in_ms(_VALUES["W"]), 1),
    "V": ReportField("StDev", 6, _in_ms(_VALUES["V"]), 1),
    "G": ReportField("Gmean", 6, _in_ms(lambda hop: hop.figures.gmean), 1),
    "J": ReportField("Jttr", 5, _in_ms(lambda hop: hop.figures.last_jitter), 1),
    "M": ReportField("Javg", 5, _in_ms(_VALUES["M"]), 1),
    "X": ReportField("Jmax", 5, _in_ms(lambda hop: hop.figures.max_jitter), 1),
    "I": ReportField("Jint", 5, _in_ms(lambda hop: hop.figures.smooth_jitter), 1),
    "K": ReportField("Back", 5, _VALUES["K"], 0),
}


def parse_fields(text: str, option: str = "--order") -> str:
    """Return letters of `FIELDS` with spaces for gaps; underscores are ignored, as in mtr."""
    letters = text.replace("_", "")
    if not letters.strip() or len(letters) > MOST or not set(letters) <= {*FIELDS, " "}:
        takes = f"1 to {MOST} of the letters {''.join(FIELDS)}, with spaces for gaps"
        raise SettingError(option, text, takes)
    return letters


def chosen(layout: ReportLayout) -> list[ReportField]:
    """Return the columns of a layout without the gaps."""
    return [FIELDS[letter] for letter in layout.fields if letter != " "]


def exact(field: ReportField, hop: Hop, digits: int) -> int | float | None:
    """Return a value for programs: a count as an integer, other values rounded to `digits`."""
    value = field.value(hop)
    if value is None:
        return None
    return round(value, digits) if field.digits else int(value)
