"""The log of `--watch`: one line as an episode begins, one as it ends.

A line is a time (RFC 3339, with the zone of this machine), the target (with `@` and the place, if
probes leave from elsewhere), a word in capitals, and what there is to say. The word is the kind of
the finding, `OVER` and the kind at its end, or `TAKEN-BACK` and the kind where it was a mistake.
"""

from tui_trace.core.sanitize import MESSAGE_LIMIT, sanitize
from tui_trace.redaction.secrets import HIDDEN
from tui_trace.report.finding_lines import rfc3339
from tui_trace.session.finding import Episode, Finding, FindingKind
from tui_trace.session.snapshot import Snapshot


def place_of(snapshot: Snapshot) -> str:
    """Return the machine that probes leave from, if it is another one: this one may be hidden."""
    return "" if snapshot.vantage == HIDDEN else snapshot.vantage


def log_line(snapshot: Snapshot, at: int, word: str, text: str) -> str:
    """Return a line about the moment `at` (ns since the session began)."""
    place = f"@{place_of(snapshot)}" if place_of(snapshot) else ""
    parts = (rfc3339(snapshot, at, "seconds"), f"{snapshot.target}{place}", word, text)
    return " ".join(filter(None, (sanitize(part, MESSAGE_LIMIT) for part in parts)))


def episode_line(snapshot: Snapshot, episode: Episode) -> str:
    """Return the line of an episode that began, or that is over."""
    finding, until = episode.finding, episode.until
    word = finding.kind.value.upper()
    if until is None:
        return log_line(snapshot, finding.since, word, _what_is(finding))
    since = f"since {rfc3339(snapshot, finding.since, 'seconds')}"
    if until < finding.since:
        return log_line(snapshot, snapshot.at, f"TAKEN-BACK {word}", since)
    past = "" if finding.kind is FindingKind.DOWN else finding.past
    text = " ".join(filter(None, (since, past, finding.details)))
    return log_line(snapshot, until, f"OVER {word}", text)


def _what_is(finding: Finding) -> str:
    if finding.kind is FindingKind.DOWN:
        # the word says that the target is silent, and the count of probes is that of the moment
        return finding.details.partition("), ")[2]
    return " ".join(filter(None, (finding.text, finding.details)))


def has_end(episode: Episode) -> bool:
    """Return whether the end of such an episode is news: a move of the path has none."""
    moved = episode.finding.kind is FindingKind.PATH_CHANGE
    return not moved or (episode.until or 0) < episode.finding.since
