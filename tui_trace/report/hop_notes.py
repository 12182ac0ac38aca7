"""The notes of a hop: what its answers said, and the counters that are zero where all is well."""

from tui_trace.core.sanitize import sanitize
from tui_trace.session.snapshot import Hop


def short_notes(hop: Hop) -> str:
    """Return the notes for a narrow cell: `[open] MTU 1400 late 2 dup 1`.

    The state of the port comes first, then notes with a number: the end may be cut off.
    """
    notes = sorted(map(sanitize, hop.marks), key=lambda note: (note[:1] != "[", not _number(note)))
    return " ".join([*notes, *(f"{word} {n}" for word, n in _counts(hop, "late", "dup"))])


def full_notes(hop: Hop) -> str:
    """Return the notes for a report: `[open] · MTU 1400 · 2 late · 1 duplicate`."""
    counts = (f"{n} {word}" for word, n in _counts(hop, "late", "duplicate"))
    return " · ".join([*map(sanitize, hop.marks), *counts])


def has_notes(hop: Hop) -> bool:
    """Return whether there is anything to note."""
    return bool(hop.marks or hop.late or hop.duplicates)


def _counts(hop: Hop, late: str, duplicates: str) -> list[tuple[str, int]]:
    """Each counter that is not zero, with its word."""
    return [(word, n) for word, n in ((late, hop.late), (duplicates, hop.duplicates)) if n]


def _number(note: str) -> bool:
    return any(sign.isdigit() for sign in note)
