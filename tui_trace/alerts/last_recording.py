"""What the recordings of before say to a `--watch` that begins: since when nobody has watched."""

import contextlib
import re
from pathlib import Path

from tui_trace.core.durations import format_duration
from tui_trace.core.settings import NS_PER_S
from tui_trace.recording import Recording, RecordingError
from tui_trace.recording.sessions import file_name_for, recordings_in
from tui_trace.report.finding_lines import rfc3339
from tui_trace.session.snapshot import Snapshot

_LEAST = NS_PER_S
"""A shorter gap is none that anybody could see."""
_LOOKED_AT = 10
"""Recordings of names alike that are opened at most."""


def describe_gap(folder: Path, target: str, lab: str, now: int, vantage: str = "") -> str | None:
    """Return since when this target has not been watched, and what lasted then.

    None if it never was, or was until now. `lab` is the name of the lab's scenario, `vantage`
    the place that probes leave from, if it is another one, and `now` in ns since 1970.
    """
    last = _last_of(folder, (target, lab, vantage))
    if last is None or now - last.wall_at(last.at) < _LEAST:
        return None
    ended = last.wall_at(last.at)
    since, length = rfc3339(last, last.at, "seconds"), format_duration(now - ended)
    lasting = [
        f"{finding.kind.value.upper()} since {rfc3339(last, finding.since, 'seconds')}"
        for finding in last.findings
        if finding.harm
    ]
    lasted = f"; lasted then: {', '.join(lasting)}" if lasting else ""
    return f"not watched since {since} ({length}){lasted}"


def _last_of(folder: Path, wanted: tuple[str, str, str]) -> Snapshot | None:
    """Return the end of the newest recording of this target, lab and vantage that can be read."""
    host = re.escape(file_name_for(wanted[0], 0).partition("-")[2].removesuffix(".session"))
    names = re.compile(rf"[^-]+-{host}(?:-\d+)?\.session")
    alike = (path for path in recordings_in(folder) if names.fullmatch(path.name))
    for path, _ in zip(alike, range(_LOOKED_AT), strict=False):
        with contextlib.suppress(RecordingError), Recording(path) as recording:
            end = recording.end
            snapshot = recording.snapshot(end)
            if (snapshot.target, snapshot.lab, snapshot.vantage) == wanted:
                return snapshot
    return None
