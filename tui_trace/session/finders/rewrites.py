"""What routers quote: fields of our probes that arrived otherwise than they were sent."""

from collections.abc import Iterator

from tui_trace.core.events import Change
from tui_trace.core.events import RewrittenField as Field
from tui_trace.core.sanitize import sanitize
from tui_trace.session.evidence import Findable
from tui_trace.session.finding import Finding, FindingKind, Sure
from tui_trace.session.quote_text import QuoteSummary, format_change
from tui_trace.session.run_fold import RunFold

_TRANSLATED = frozenset(
    {
        Field.SOURCE,
        Field.DESTINATION,
        Field.SOURCE_PORT,
        Field.DESTINATION_PORT,
        Field.IDENTIFIER,
        Field.CHECKSUM,
    }
)
"""Fields that address translation rewrites; the checksum, if the quote was repaired in part."""
_KINDS: dict[FindingKind, tuple[frozenset[Field], str, str]] = {
    FindingKind.NAT: (_TRANSLATED, "a NAT rewrites probes", "NAT"),
    FindingKind.TOS_REWRITTEN: (frozenset({Field.TOS}), "the TOS byte is rewritten", "TOS"),
    FindingKind.ECN_CLEARED: (
        frozenset({Field.ECN, Field.TCP_FLAGS}),
        "ECN is cleared",
        "ECN",
    ),
    FindingKind.MSS_CLAMPED: (frozenset({Field.MSS}), "the MSS is rewritten", "MSS"),
}
_LEAST = 2
"""Answers of a hop from which on its quotes are believed."""


def find_rewrites(session: Findable) -> Iterator[Finding]:
    """Find `nat`, `tos-rewritten`, `ecn-cleared` and `mss-clamped` in each run being probed.

    Each begins at the first hop from which on all later quotes show it, as far as they go: a router
    that quotes eight bytes says nothing of what lies behind them.
    """
    for run in session.active:
        quotes = {
            ttl: quote
            for ttl, hop in run.hops.items()
            if (quote := hop.quote) is not None
            and (log := run.log.hops.get(ttl)) is not None
            and log.answered.bit_count() >= _LEAST
        }
        for kind, (fields, _, _) in _KINDS.items():
            first = _first_changed(quotes, fields)
            if first is not None:
                yield _describe(session, run, kind, first, _changes(quotes[first], fields))


def _first_changed(quotes: dict[int, QuoteSummary], fields: frozenset[Field]) -> int | None:
    first: int | None = None
    for ttl in sorted(quotes, reverse=True):
        if _changes(quotes[ttl], fields):
            first = ttl
        elif first is not None and quotes[ttl].bytes is None:
            break
    return first


def _changes(quote: QuoteSummary, fields: frozenset[Field]) -> list[Change]:
    """Return the changes of these fields."""
    return [change for change in quote.changed if change.field in fields and _clears(change)]


def _clears(change: Change) -> bool:
    """Return whether a change of ECN clears it: a router may also mark congestion (RFC 3168 §5)."""
    if change.field is Field.ECN:
        return change.received == 0
    if change.field is Field.TCP_FLAGS:
        received = str(change.received or "")
        return any(flag in str(change.sent or "") and flag not in received for flag in "EW")
    return True


def _describe(
    session: Findable, run: RunFold, kind: FindingKind, ttl: int, changes: list[Change]
) -> Finding:
    _, text, short = _KINDS[kind]
    known = session.lasts(kind, run.number, ttl)
    log = run.log.hops.get(ttl)
    words = f"{text} before hop {ttl}"
    return Finding(
        kind=kind,
        harm=False,
        sure=Sure.CERTAIN,
        since=known.finding.since if known is not None else session.at,
        text=words,
        past=words.replace(" is ", " was ").replace("rewrites", "rewrote"),
        details=f"({sanitize(', '.join(map(format_change, changes)))})",
        short=short,
        hop=ttl,
        address=sanitize(next(reversed(log.by_address), "")) if log is not None else "",
        run=run.number,
        evidence={change.field.value: sanitize(str(change.received)) for change in changes},
    )
