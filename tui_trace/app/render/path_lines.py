"""The paths of a session as lines: which there were, when, and what changed between them."""

from tui_trace.app.render.cells import StyledLine, TextStyle, clock, wrapped
from tui_trace.app.render.host_labels import HostLabels
from tui_trace.app.render.session_overview import happenings, overview, path_tone
from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.session.paths import PathDiffLine, diff_paths, varies_flow
from tui_trace.session.snapshot import Path, PathHop, Snapshot

_SIGNS = {"same": " ", "moved": "≠", "gone": "−", "new": "+"}


def balance_words(snapshot: Snapshot, run: int) -> str:
    """What the flows of a run saw: `load is balanced: at least 3 ways at hop 4`."""
    hops = [
        hop
        for path in snapshot.paths
        if any(visit.run == run for visit in path.visits)
        for hop in path.hops
        if len(hop.addresses) > 1
    ]
    if not hops:
        return "all flows take the same path: no load balancing seen"
    told = ", ".join(f"{len(hop.addresses)} ways at hop {hop.ttl}" for hop in hops[:4])
    return f"load is balanced: at least {told}{' …' if len(hops) > 4 else ''} · H shows them"


def paths_lines(snapshot: Snapshot, width: int, people: HostLabels) -> list[StyledLine]:
    """Every path of the session, newest last: when it was taken, and what moved."""
    paths = snapshot.paths
    if not paths:
        return [[(" Nobody answered yet: no path is known.", TextStyle.STRONG)]]
    lines = [*wrapped(_sentence(snapshot), width, TextStyle.STRONG), []]
    if above := overview(snapshot.timeline, width):
        lines += [*above, []]
    for place, path in enumerate(paths):
        lines += _visits(path, snapshot)
        if place:
            lines += _steps(diff_paths(paths[place - 1], path), paths[place - 1], width, people)
        else:
            lines += [_hop_line(" ", hop, width, people, TextStyle.PLAIN) for hop in path.hops]
        lines.append([])
    lines.append([(" What happened", TextStyle.STRONG)])
    return lines + happenings(snapshot.timeline.moments, width)


def _sentence(snapshot: Snapshot) -> str:
    now = snapshot.path
    count = len(snapshot.paths)
    if count == 1 or now is None:
        if varies_flow(snapshot.run.settings):
            return "One path in all this session, or one bundle of ways that its flows take."
        return "One path in all this session, as far as a constant flow can tell: x sends more."
    return f"{count} paths in this session; path {now.letter} since {clock(now.since)}."


def _visits(path: Path, snapshot: Snapshot) -> list[StyledLine]:
    now = snapshot.path
    lasts = now is not None and now.letter == path.letter
    tone = TextStyle.FLAG if lasts else path_tone(path.letter)
    line: StyledLine = [(f" path {path.letter} ", tone)]
    lines = [line]
    for number, visit in enumerate(path.visits):
        current = lasts and number == len(path.visits) - 1
        until = "now" if current else clock(visit.until)
        text = f"  {clock(visit.since)}–{until} (run {visit.run})"
        if number and number % 3 == 0:
            lines.append([("        ", TextStyle.PLAIN)])
        lines[-1].append((text, TextStyle.PLAIN if current else TextStyle.DIM))
    return lines


def _steps(
    steps: tuple[PathDiffLine, ...], before: Path, width: int, people: HostLabels
) -> list[StyledLine]:
    told = [step for step in steps if step.move != "same" or _balances(step)]
    if not told:
        return [[(f"   the hops of path {before.letter}", TextStyle.DIM)]]
    lines: list[StyledLine] = [[(f"   against path {before.letter}:", TextStyle.DIM)]]
    for step in steps:
        sign = _SIGNS[step.move]
        if step.move == "gone" and step.before is not None:
            lines.append(_hop_line(sign, step.before, width, people, TextStyle.WARN))
        elif step.after is not None:
            tone = TextStyle.WARN if step in told else TextStyle.DIM
            line = _hop_line(sign, step.after, width, people, tone)
            if step.move == "moved" and step.before is not None:
                line.append((f"   was {_everybody(step.before, people)}", TextStyle.DIM))
            lines.append(line)
    return lines


def _balances(step: PathDiffLine) -> bool:
    """Load is balanced there, and was not before."""
    before = step.before.balanced if step.before is not None else None
    return step.after is not None and step.after.balanced not in (None, before)


def _everybody(hop: PathHop, people: HostLabels) -> str:
    shown = ", ".join(people.host(address) for address in hop.addresses[:4])
    more = f" and {len(hop.addresses) - 4} more" if len(hop.addresses) > 4 else ""
    return f"{shown}{more}" or "(no reply)"


def _hop_line(
    sign: str, hop: PathHop, width: int, people: HostLabels, tone: TextStyle
) -> StyledLine:
    balanced = f"   balanced {hop.balanced.value}" if hop.balanced else ""
    text = f"  {sign} {hop.ttl:>2} {_everybody(hop, people)}{balanced}"
    return [(text if cell_width(text) <= width else pad_or_truncate(text, width), tone)]
