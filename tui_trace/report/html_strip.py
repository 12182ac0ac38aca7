"""The time strip of `--html`: RTT upwards, losses from above, episodes as bands, as one SVG."""

import math
from xml.etree import ElementTree as ET

from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_MS
from tui_trace.report.stretch_text import clock_of
from tui_trace.session.snapshot import MomentKind, Snapshot

_WIDTH, _HEIGHT, _TOP, _FOOT = 960, 150, 16, 18
_FLOOR = _HEIGHT - _FOOT
_LEAST_BAND = 2.0
_LABEL = 14.0
_TICKS = 6


def strip_svg(snapshot: Snapshot) -> ET.Element | None:
    """Return a figure with the target's RTT and losses over time; None if nothing is known."""
    timeline = snapshot.timeline
    if not timeline.buckets:
        return None
    figure = ET.Element("figure")
    svg = ET.SubElement(
        figure,
        "svg",
        {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "aria-label": "time strip"},
    )

    length = max(snapshot.at - timeline.start, 1)
    bucket_width = timeline.width / length * _WIDTH

    def x(at: int) -> float:
        place = (at - timeline.start) / length
        return round(min(max(place, 0.0), 1.0) * _WIDTH, 1)

    label_at = 0.0
    for number, episode in enumerate(snapshot.episodes, 1):
        begin = x(episode.finding.since)
        end = x(snapshot.at if episode.until is None else episode.until)
        if not episode.finding.harm:
            end = begin
        size = {"width": f"{max(end - begin, _LEAST_BAND):.1f}", "height": str(_FLOOR - _TOP)}
        band = {"class": "band", "x": str(begin), "y": str(_TOP)} | size
        rect = ET.SubElement(svg, "rect", band)
        ET.SubElement(rect, "title").text = sanitize(episode.finding.past)
        label = ET.SubElement(svg, "text", {"x": str(max(begin, label_at)), "y": str(_TOP - 4)})
        label.text = str(number)
        label_at = max(begin, label_at) + _LABEL
    low, high = _bounds(snapshot)
    ET.SubElement(svg, "path", {"class": "rtt", "d": _rtt(snapshot, low, high, bucket_width)})
    ET.SubElement(svg, "path", {"class": "loss", "d": _loss(snapshot, bucket_width)})
    for note in timeline.moments:
        if note.what is MomentKind.NOTE:
            line = {"x1": str(x(note.at)), "x2": str(x(note.at)), "y1": "0", "y2": str(_FLOOR)}
            mark = ET.SubElement(svg, "line", {"class": "mark"} | line)
            ET.SubElement(mark, "title").text = sanitize(note.text)
    _axis(svg, snapshot, length)
    caption = ET.SubElement(figure, "figcaption")
    scale = f"{low / NS_PER_MS:.1f} to {high / NS_PER_MS:.1f} ms, logarithmic" if high else "none"
    caption.text = (
        f"From below: RTT of the target ({scale}). From above: its lost probes, as a share."
        " Bands: episodes by number."
    )
    return figure


def _bounds(snapshot: Snapshot) -> tuple[float, float]:
    means = [bucket.mean for bucket in snapshot.timeline.buckets if bucket.mean]
    return min(means, default=0.0), max(means, default=0.0)


def _rtt(snapshot: Snapshot, low: float, high: float, width: float) -> str:
    room = (_FLOOR - _TOP) * 0.6
    bars = []
    for place, bucket in enumerate(snapshot.timeline.buckets):
        if bucket.mean:
            # a scale that is at least one octave wide, or noise would fill it
            share = math.log(bucket.mean / low) / max(math.log(high / low), math.log(2))
            bars.append(_bar(place * width, width, _FLOOR, -room * (0.15 + 0.85 * share)))
    return "".join(bars)


def _loss(snapshot: Snapshot, width: float) -> str:
    bars = []
    for place, bucket in enumerate(snapshot.timeline.buckets):
        if bucket.lost > 0 and bucket.loss_percent:
            # a single loss in a long bucket has to be seen, too
            height = max(bucket.loss_percent / 100 * (_FLOOR - _TOP), 3.0)
            bars.append(_bar(place * width, width, _TOP, height))
    return "".join(bars)


def _bar(left: float, width: float, base: float, height: float) -> str:
    width = max(min(width, _WIDTH - left), 0.0)  # the last bucket is not over
    return f"M{left:.1f} {base:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"


def _axis(svg: ET.Element, snapshot: Snapshot, length: int) -> None:
    line = {"x1": "0", "x2": str(_WIDTH), "y1": str(_FLOOR), "y2": str(_FLOOR)}
    ET.SubElement(svg, "line", {"class": "axis"} | line)
    clock = clock_of(snapshot)
    for tick in range(_TICKS + 1):
        anchor = "start" if not tick else "end" if tick == _TICKS else "middle"
        at = {"x": f"{tick * _WIDTH / _TICKS:.0f}", "y": str(_HEIGHT - 4), "text-anchor": anchor}
        moment = snapshot.timeline.start + tick * length // _TICKS
        ET.SubElement(svg, "text", at).text = clock(moment)
