"""`-r --report-since`: what happened in a stretch of a recording, on one screen."""

import textwrap
from collections.abc import Iterator, Sequence

from tui_trace.core.durations import format_duration
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_MS
from tui_trace.report.finding_lines import cut_words, dated_clock, day_clock
from tui_trace.report.formatting import describe_probe, format_notes, time_of
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.mtr_text import table_lines
from tui_trace.report.run_summary import other_runs
from tui_trace.report.time_strip import time_strip
from tui_trace.session.data_warnings import all_warnings
from tui_trace.session.finding_text import Clock, describe_episode
from tui_trace.session.host_labels import NO_REPLY, HostLabels
from tui_trace.session.paths import diff_paths
from tui_trace.session.snapshot import Hop, Path, PathHop, Run, Snapshot

_WIDTH = 100
_STRIP = 72
_MOST_EPISODES = 12
"""Episodes that are told one by one; the rest are counted."""
_MOST_PATHS = 4
_MOST_SPANS = 3
_MOST_NOTES = 3
_DAY = 86_400_000_000_000


def render_stretch(snapshot: Snapshot, layout: ReportLayout, runs: Sequence[Run] = ()) -> str:
    """Return figures of the target, a time strip, episodes and paths; `wide`: also the table.

    A night with a few episodes takes no more than 20 lines without the table.
    """
    lines = [describe_probe(snapshot), stretch_span(snapshot), target_figures(snapshot.run)]
    lines += _strip(snapshot)
    lines += list(_episodes(snapshot))
    lines += list(path_lines(snapshot, layout))
    notes = format_notes(snapshot)
    lines += [*notes[:_MOST_NOTES], *_more(len(notes) - _MOST_NOTES, "note")]
    lines += [*other_runs(snapshot, runs), *all_warnings(snapshot)]
    if layout.wide:
        lines += table_lines(snapshot, layout)
    return "\n".join(lines) + "\n"


def stretch_span(snapshot: Snapshot) -> str:
    """Return `2026-03-04 22:00:00 – 2026-03-05 06:00:00 +0100 (8:00:00, 28800 rounds)`."""
    length = format_duration(snapshot.at - snapshot.began)
    rounds = f"{snapshot.run.rounds} round{'' if snapshot.run.rounds == 1 else 's'}"
    if not snapshot.wall:
        begin, end = (format_duration(at) for at in (snapshot.began, snapshot.at))
        return f"from {begin} to {end} ({length}, {rounds})"
    begin, end = (
        time_of(snapshot, at).strftime("%Y-%m-%d %H:%M:%S") for at in (snapshot.began, snapshot.at)
    )
    zone = time_of(snapshot, snapshot.at).strftime("%z")
    return f"{begin} – {end} {zone} ({length}, {rounds})"


def target_figures(run: Run) -> str:
    """Return `target: 0.5 % loss (150 of 28800), RTT 26.6±0.1 ms, 26.3 to 27.2`."""
    hop = _target(run)
    if hop is None:
        return "the target did not answer"
    figures = hop.figures
    loss = hop.loss_percent or 0.0
    told = f"target: {loss:.1f} % loss ({hop.lost} of {hop.lost + figures.count} probes)"
    if figures.mean is None or figures.min is None or figures.max is None:
        return told
    spread = "" if figures.sd is None else f"±{figures.sd / NS_PER_MS:.1f}"
    low, high = figures.min / NS_PER_MS, figures.max / NS_PER_MS
    return f"{told}, RTT {figures.mean / NS_PER_MS:.1f}{spread} ms, {low:.1f} to {high:.1f}"


def _target(run: Run) -> Hop | None:
    return next((hop for hop in run.hops if hop.is_target), None)


def _strip(snapshot: Snapshot) -> list[str]:
    timeline = snapshot.timeline
    if not timeline.buckets:
        return []
    strip = time_strip(timeline, min(_STRIP, len(timeline.buckets)))
    begin, end = (clock_of(snapshot)(at) for at in (snapshot.began, snapshot.at))
    return [f"{begin} {strip} {end}"]


def clock_of(snapshot: Snapshot) -> Clock:
    """Return what gives the time of day, or the date too where the stretch is a day or longer."""
    is_long = bool(snapshot.wall) and snapshot.at - snapshot.began >= _DAY
    return dated_clock(snapshot) if is_long else day_clock(snapshot)


def _episodes(snapshot: Snapshot) -> Iterator[str]:
    if not snapshot.episodes:
        yield "No episode: nothing was seen to be wrong, and the path did not move"
        return
    yield f"{len(snapshot.episodes)} episode{'' if len(snapshot.episodes) == 1 else 's'}:"
    # an episode that began on another day needs a date
    short, dated = clock_of(snapshot), dated_clock(snapshot)
    harmful = [episode for episode in snapshot.episodes if episode.finding.harm]
    shown = snapshot.episodes
    if len(shown) > _MOST_EPISODES:
        shown = tuple(harmful[:_MOST_EPISODES])
    for episode in shown:
        is_old = snapshot.wall and episode.finding.since < snapshot.began
        told = describe_episode(episode, dated if is_old else short)
        yield f"  {told}{cut_words(snapshot, episode)}"
    yield from _more(len(snapshot.episodes) - len(shown), "episode")


def _more(count: int, what: str) -> list[str]:
    return [f"  and {count} more {what}{'' if count == 1 else 's'}"] if count > 0 else []


def path_lines(snapshot: Snapshot, layout: ReportLayout) -> Iterator[str]:
    """Return the paths that were taken: the first hop by hop, of the others what differs."""
    labels = HostLabels(snapshot.who, layout.label_mode)
    clock = clock_of(snapshot)
    paths = [
        path for path in snapshot.paths if any(v.run == snapshot.run.number for v in path.visits)
    ]
    paths.sort(key=lambda path: path.visits[0].since)
    for path in paths[:_MOST_PATHS]:
        visits = [visit for visit in path.visits if visit.run == snapshot.run.number]
        spans = ", ".join(f"{clock(v.since)}–{clock(v.until)}" for v in visits[:_MOST_SPANS])
        more = f" and {len(visits) - _MOST_SPANS} times more" if len(visits) > _MOST_SPANS else ""
        head = f"Path {path.letter} {spans}{more}: "
        hops = _all(path, labels) if path is paths[0] else _differences(paths[0], path, labels)
        yield from textwrap.wrap(
            head + hops, _WIDTH, subsequent_indent="  ", max_lines=3, placeholder=" …",
            break_on_hyphens=False, break_long_words=False,
        )  # fmt: skip
    yield from _more(len(paths) - _MOST_PATHS, "path")


def _all(path: Path, labels: HostLabels) -> str:
    return " → ".join(_host(hop, labels) for hop in path.hops)


def _differences(first: Path, other: Path, labels: HostLabels) -> str:
    words = []
    for line in diff_paths(first, other):
        if line.after is not None and line.move in ("moved", "new"):
            words.append(f"hop {line.after.ttl} {_host(line.after, labels)}")
        elif line.before is not None and line.move == "gone":
            words.append(f"without {_host(line.before, labels)}")
    return f"as path {first.letter}, but {', '.join(words)}" if words else f"as {first.letter}"


def _host(hop: PathHop, labels: HostLabels) -> str:
    return ", ".join(sanitize(labels.host(address)) for address in hop.addresses[:3]) or NO_REPLY
