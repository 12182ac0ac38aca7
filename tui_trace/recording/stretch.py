"""Reads a stretch of a recording from its checkpoints, without folding it anew."""

from tui_trace.recording.reader import Recording
from tui_trace.session.snapshot import Stretch
from tui_trace.session.stretch import StretchReport, stretch_report


def read_stretch(recording: Recording, since: int, until: int) -> StretchReport:
    """Return what was measured after `since` and up to `until` (ns since the session began).

    `RecordingError` if the file is damaged.
    """
    before, after = recording.session(since), recording.session(until)
    end = recording.end
    known = recording.snapshot(end).episodes
    with recording.blaming_the_file():
        rows = recording.rows(since, until)
        return stretch_report(before, after, known, Stretch(since, until, end), rows)
