"""The paths of a session as lines: which there were, when, and what changed between them."""

from tui_trace.app.render.session_overview import happenings, overview, path_style
from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.core.durations import format_duration
from tui_trace.report.cell_text import TextStyle
from tui_trace.report.finding_lines import day_clock, wall_clock
from tui_trace.session.host_labels import NO_REPLY, HostLabels
from tui_trace.session.path_sentences import describe_one_path
from tui_trace.session.paths import PathDiffLine, diff_paths, varies_flow
from tui_trace.session.snapshot import Path, PathHop, Snapshot

_SIGNS = {"same": " ", "moved": "≠", "gone": "−", "new": "+"}


def paths_lines(snapshot: Snapshot, width: int, labels: HostLabels) -> list[StyledLine]:
    """Return every path of the session, newest last: when it was in use, and what changed."""
    paths = snapshot.paths
    if not paths:
        return [[(" No answer yet: no path is known.", TextStyle.STRONG)]]
    lines = [*wrapped(_sentence(snapshot), width, TextStyle.STRONG), []]
    if above := overview(snapshot.timeline, width, day_clock(snapshot)):
        lines += [*above, []]
    for place, path in enumerate(paths):
        lines += _visits(path, snapshot)
        if place:
            lines += _steps(diff_paths(paths[place - 1], path), paths[place - 1], width, labels)
        else:
            lines += [_hop_line(" ", hop, width, labels, TextStyle.PLAIN) for hop in path.hops]
        lines.append([])
    lines.append([(" Events", TextStyle.STRONG)])
    return lines + happenings(snapshot.timeline.moments, width, wall_clock(snapshot))


def _sentence(snapshot: Snapshot) -> str:
    now = snapshot.path
    count = len(snapshot.paths)
    if count == 1 or now is None:
        more = "" if varies_flow(snapshot.run.settings) else " Press x to probe more flows."
        return describe_one_path(snapshot) + more
    since = f"{format_duration(now.since)}, {wall_clock(snapshot)(now.since)}"
    return f"{count} paths in this session; path {now.letter} since {since}."


def _visits(path: Path, snapshot: Snapshot) -> list[StyledLine]:
    now = snapshot.path
    lasts = now is not None and now.letter == path.letter
    style = TextStyle.FLAG if lasts else path_style(path.letter)
    line: StyledLine = [(f" path {path.letter} ", style)]
    lines = [line]
    for number, visit in enumerate(path.visits):
        current = lasts and number == len(path.visits) - 1
        until = "now" if current else format_duration(visit.until)
        text = f"  {format_duration(visit.since)}–{until} (run {visit.run})"
        if number and number % 3 == 0:
            lines.append([("        ", TextStyle.PLAIN)])
        lines[-1].append((text, TextStyle.PLAIN if current else TextStyle.DIM))
    return lines


def _steps(
    steps: tuple[PathDiffLine, ...], before: Path, width: int, labels: HostLabels
) -> list[StyledLine]:
    changed = [step for step in steps if step.move != "same" or _balances(step)]
    if not changed:
        return [[(f"   same hops as path {before.letter}", TextStyle.DIM)]]
    lines: list[StyledLine] = [[(f"   compared with path {before.letter}:", TextStyle.DIM)]]
    for step in steps:
        sign = _SIGNS[step.move]
        if step.move == "gone" and step.before is not None:
            lines.append(_hop_line(sign, step.before, width, labels, TextStyle.WARN))
        elif step.after is not None:
            style = TextStyle.WARN if step in changed else TextStyle.DIM
            line = _hop_line(sign, step.after, width, labels, style)
            if step.move == "moved" and step.before is not None:
                line.append((f"   was {_host_list(step.before, labels)}", TextStyle.DIM))
            lines.append(line)
    return lines


def _balances(step: PathDiffLine) -> bool:
    """Load is balanced there, and was not before."""
    before = step.before.balanced if step.before is not None else None
    return step.after is not None and step.after.balanced not in (None, before)


def _host_list(hop: PathHop, labels: HostLabels) -> str:
    shown = ", ".join(labels.host(address) for address in hop.addresses[:4])
    more = f" and {len(hop.addresses) - 4} more" if len(hop.addresses) > 4 else ""
    return f"{shown}{more}" or NO_REPLY


def _hop_line(
    sign: str, hop: PathHop, width: int, labels: HostLabels, style: TextStyle
) -> StyledLine:
    balanced = f"   balanced {hop.balanced.value}" if hop.balanced else ""
    text = f"  {sign} {hop.ttl:>2} {_host_list(hop, labels)}{balanced}"
    return [(text if cell_width(text) <= width else pad_or_truncate(text, width), style)]
