"""The recordings of the usual folder, and what is known of each: listed and read in a thread."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from tui_trace.app.render.recording_lines import RecordingRow
from tui_trace.recording import Recording, RecordingError, SessionInfo, list_sessions

INTERVAL = 2.0
"""Seconds from one look at the folder to the next."""
_State: TypeAlias = tuple[int, bool]
"""Events of a recording, and whether it is being recorded."""


class RecordingCatalog:
    """Looks at the folder again and again; the episodes of each recording come one by one."""

    def __init__(self, changed: Callable[[list[RecordingRow]], object]) -> None:
        """`changed` gets all rows, in the thread, whenever something is new."""
        self._changed = changed
        self._wake = threading.Event()
        self._over = False
        self._places: dict[Path, int] = {}
        self._episodes: dict[Path, tuple[_State, tuple[str, ...]]] = {}
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def refresh(self) -> None:
        """Look again at once; thread-safe."""
        self._wake.set()

    def stop(self) -> None:
        """End soon; thread-safe."""
        self._over = True
        self._wake.set()

    def _run(self) -> None:
        before: list[RecordingRow] | None = None
        while not self._over:
            self._wake.clear()
            listed = list_sessions()
            for info in (None, *listed):
                if self._over or (info is not None and not self._read_episodes(info)):
                    continue
                rows = [self._row(each) for each in listed]
                if rows != before:
                    before = rows
                    self._changed(rows)
            self._wake.wait(INTERVAL)

    def _row(self, info: SessionInfo) -> RecordingRow:
        place = self._places.setdefault(info.path, len(self._places))
        known = self._episodes.get(info.path)
        return RecordingRow(place, info, None if known is None else known[1])

    def _read_episodes(self, info: SessionInfo) -> bool:
        """Read the kinds of its episodes unless they are known; return whether they were read."""
        state = info.events, info.running
        known = self._episodes.get(info.path)
        if known is not None and known[0] == state:
            return False
        try:
            with Recording(info.path) as recording:
                snapshot = recording.snapshot(recording.end)
        except RecordingError:
            return False
        kinds = tuple(one.finding.kind.value for one in snapshot.episodes)
        self._episodes[info.path] = state, kinds
        return True
