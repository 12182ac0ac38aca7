"""The notes of a hop: what its answers said, and the counters that are zero where all is well."""

from tui_trace.core.quic_versions import describe_versions
from tui_trace.core.sanitize import sanitize
from tui_trace.session.annotations import TOO_BIG, is_refusal
from tui_trace.session.snapshot import Hop

_MTU = "MTU "
"""What the mark of a router begins with that says how large a packet may be."""


def short_notes(hop: Hop) -> str:
    """Return the notes for a narrow cell: `[open] NAT late 2 dup 1`.

    What is wrong comes first, then the state of the port, then notes with a number: the end may be
    cut off.
    """
    wrong = wrong_notes(hop)
    others = [note for note in mark_words(hop) if note not in wrong]
    others.sort(key=lambda note: (note[:1] != "[", not _number(note)))
    counts = (f"{word} {n}" for word, n in _counts(hop, "late", "dup", "rep"))
    return " ".join([*wrong, *others, *counts, *other_flows(hop)])


def wrong_notes(hop: Hop) -> list[str]:
    """Return those of its notes that say why probes do not get any further: `!H`, `MTU 1400 !F`."""
    pairs = zip(hop.marks, mark_words(hop), strict=True)
    found = [words for mark, words in pairs if _is_wrong(mark)]
    return [*local_reason(hop), *sorted(found, key=lambda note: not _number(note))]


def _is_wrong(mark: str) -> bool:
    return is_refusal(mark) or mark == TOO_BIG or mark.startswith(_MTU)


def full_notes(hop: Hop) -> str:
    """Return the notes for a report: `[open] · MTU 1400 · 2 late · 1 duplicate`."""
    counts = [f"{n} {word}" for word, n in _counts(hop, "late", "duplicate", "repeated")]
    told = [*mark_words(hop), *quic_versions(hop), *counts]
    return " · ".join([*told, *other_flows(hop), *local_reason(hop)])


def has_notes(hop: Hop) -> bool:
    """Return whether there is anything to note."""
    return bool(full_notes(hop))


def mark_words(hop: Hop) -> list[str]:
    """Return the marks of a hop, harmless for a terminal.

    The latest refusal says whose it is, unless the row says that itself: `!N from 10.0.1.1`.
    """
    words = [sanitize(mark) for mark in hop.marks]
    if hop.refuser and all(one.address != hop.refuser for one in hop.responders):
        place = (i for i, mark in enumerate(hop.marks) if is_refusal(mark) or mark == TOO_BIG)
        if (first := next(place, None)) is not None:
            words[first] += f" from {sanitize(hop.refuser)}"
    return words


def quic_versions(hop: Hop) -> list[str]:
    """Return the versions of a QUIC server, in one text: `QUIC v1, v2`; none if it told none."""
    if not hop.versions:
        return []
    return [f"QUIC {describe_versions(hop.versions) or 'of no known version'}"]


def local_reason(hop: Hop) -> list[str]:
    """Return why the local kernel gives the hop's probes up, in one text; none if it does not."""
    return [sanitize(hop.reason.text)] if hop.reason is not None and hop.reason.text else []


def _counts(hop: Hop, late: str, duplicates: str, repeats: str) -> list[tuple[str, int]]:
    """Each counter that is not zero, with its word."""
    counters = ((late, hop.late), (duplicates, hop.duplicates), (repeats, hop.repeats))
    return [(word, n) for word, n in counters if n]


def other_flows(hop: Hop) -> list[str]:
    """Return that its probes have other flows than those to the hops before; none if not.

    One more is nothing: it takes the place of the first one until that connection is known to be
    closed.
    """
    return [f"{hop.spare_ports + 1} flows"] if hop.spare_ports > 1 else []


def _number(note: str) -> bool:
    return any(sign.isdigit() for sign in note)
