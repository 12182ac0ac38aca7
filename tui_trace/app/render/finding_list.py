"""All findings with their evidence, and the episodes that are over, as lines."""

from collections.abc import Iterator

from tui_trace.app.render.path_mtu_lines import path_mtu_list
from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.app.render.troubles import troubles_list
from tui_trace.core.durations import format_duration
from tui_trace.report.cell_text import TextStyle
from tui_trace.report.finding_lines import wall_clock
from tui_trace.session.finding import Evidence, Finding, FindingKind, Sure
from tui_trace.session.finding_text import Clock, describe_episode, describe_finding, is_event
from tui_trace.session.snapshot import Snapshot

_UNITS = {"ms": "ms", "percent": "%", "s": "s"}
"""Units at the end of a name of evidence."""


def findings_list(snapshot: Snapshot, width: int, failure: str | None = None) -> list[StyledLine]:
    """Return what is so now, the worst first, each with its evidence; notices; what is over.

    `failure` says why the source broke, if it did.
    """
    clock = wall_clock(snapshot)
    harmful = [finding for finding in snapshot.findings if finding.harm]
    quiet = [finding for finding in snapshot.findings if not finding.harm]
    lines: list[StyledLine] = []
    if harmful:
        lines.append([(" The target suffers", TextStyle.STRONG)])
        for finding in harmful:
            lines += _described(finding, clock, width)
    else:
        is_fine = any(finding.kind is FindingKind.OK for finding in quiet)
        words = " Nothing harmful" if is_fine else " Nothing harmful is known yet"
        lines.append([(words, TextStyle.STRONG)])
    if quiet:
        lines += [[], [(" Harmless", TextStyle.STRONG)]]
        for finding in quiet:
            lines += _described(finding, clock, width)
    path_mtu = list(path_mtu_list(snapshot, clock, width))
    if path_mtu:
        lines += [[], [(" Path MTU", TextStyle.STRONG)], *path_mtu]
    told = list(troubles_list(snapshot, failure, clock, width))
    if told:
        lines += [[], *told[:-1]]
    over = [episode for episode in snapshot.episodes if episode.until is not None]
    if over:
        lines += [[], [(" Over", TextStyle.STRONG)]]
    for episode in reversed(over):
        lasted = format_duration((episode.until or 0) - episode.finding.since)
        text = f"{describe_episode(episode, clock)} · {lasted}"
        lines += wrapped(text, width, TextStyle.DIM, indent=2)
    return lines


def _described(finding: Finding, clock: Clock, width: int) -> Iterator[StyledLine]:
    style = TextStyle.PLAIN
    if finding.harm:
        style = TextStyle.BAD if finding.sure is Sure.CERTAIN else TextStyle.WARN
    sign = "!" if finding.harm else ""
    yield from wrapped(describe_finding(finding, clock), width, style, indent=2, sign=sign)
    since = "" if is_event(finding) else f" · since {clock(finding.since)}"
    facts = " · ".join(_facts(finding.evidence))
    known = f"{finding.sure.value}{since}{f' · {facts}' if facts else ''}"
    yield from wrapped(known, width, TextStyle.DIM, indent=4)
    if finding.next:
        yield from wrapped(f"→ {finding.next}", width, TextStyle.DIM, indent=4)


def _facts(evidence: Evidence) -> Iterator[str]:
    """Return each number with its name and unit: `low 8.1 %`."""
    for name, value in evidence.items():
        if isinstance(value, str):
            # the sentence says it
            continue
        words = name.split("_")
        unit = _UNITS.get(words[-1]) if len(words) > 1 else None
        label = " ".join(words[:-1] if unit else words)
        yield f"{label} {value}{f' {unit}' if unit else ''}"
