"""What was measured during each episode of a session, read from its recording."""

from tui_trace.recording.reader import Recording
from tui_trace.recording.stretch import read_stretch
from tui_trace.session.finding import Episode
from tui_trace.session.snapshot import Run, Snapshot

MOST_EPISODES = 20
"""The latest episodes, which are read."""


def episode_runs(recording: Recording, snapshot: Snapshot) -> tuple[Run | None, ...]:
    """Return, for each episode of the snapshot, the run that it is about as measured during it.

    None for older ones than the last `MOST_EPISODES`, and where nothing was measured: some have no
    duration. `RecordingError` if the file is damaged.
    """
    older = len(snapshot.episodes) - MOST_EPISODES
    return tuple(
        None if number < older else _during(recording, snapshot, episode)
        for number, episode in enumerate(snapshot.episodes)
    )


def _during(recording: Recording, snapshot: Snapshot, episode: Episode) -> Run | None:
    finding = episode.finding
    since = max(finding.since, snapshot.began)
    until = min(snapshot.at if episode.until is None else episode.until, snapshot.at)
    if until <= since:
        return None
    report = read_stretch(recording, since, until)
    wanted = finding.run or report.snapshot.run.number
    found = next((run for run in report.runs if run.number == wanted), None)
    return found if found is not None and found.hops else None
