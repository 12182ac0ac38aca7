"""Answers that come twice, and SYN/ACKs that the target sends again."""

from collections.abc import Iterator

from tui_trace.core.sanitize import sanitize
from tui_trace.session.evidence import Findable
from tui_trace.session.finding import Finding, FindingKind, Sure

_LEAST = 3


def find_repeated_replies(session: Findable) -> Iterator[Finding]:
    """Find `duplicates` and `repeats` at each hop of the runs that are being probed."""
    for run in session.active:
        for ttl, hop in run.hops.items():
            log = run.log.hops.get(ttl)
            if log is None or not log.answered:
                continue
            address = sanitize(next(reversed(log.by_address), ""))
            for kind, count, text, short in (
                (FindingKind.DUPLICATES, hop.duplicates, "answers come twice", "dup"),
                (
                    FindingKind.REPEATS,
                    hop.repeats,
                    "the target repeats SYN/ACKs: answers or our RSTs are lost",
                    "repeats",
                ),
            ):
                if count >= _LEAST:
                    yield Finding(
                        kind=kind,
                        harm=False,
                        sure=Sure.CERTAIN,
                        since=run.log.times[0],
                        text=f"hop {ttl}: {text}",
                        past=f"hop {ttl}: {text}",
                        details=f"({count})",
                        short=short,
                        hop=ttl,
                        address=address,
                        run=run.number,
                        evidence={"count": count},
                    )
