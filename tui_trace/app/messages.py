"""Messages that threads post to the app."""

from collections.abc import Mapping

from textual.message import Message

from tui_trace.app import textual_imports  # noqa: F401  (imported to have it imported)
from tui_trace.app.source_thread import SourceThread
from tui_trace.core.stream import Source
from tui_trace.session.finding import Episode
from tui_trace.session.snapshot import Snapshot


class SnapshotTaken(Message):
    """A new snapshot; it replaces an older one that was not handled yet."""

    def __init__(self, tracing: SourceThread, snapshot: Snapshot) -> None:
        """From the thread of `tracing`."""
        super().__init__()
        self.tracing = tracing
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts, so that a slow terminal never queues work."""
        return isinstance(message, SnapshotTaken)


class EpisodeTold(Message):
    """An episode began or ended."""

    def __init__(self, tracing: SourceThread, episode: Episode) -> None:
        """From the thread of `tracing`."""
        super().__init__()
        self.tracing = tracing
        self.episode = episode


class PastFetched(Message):
    """A snapshot of the past, or why there is none."""

    def __init__(self, found: Snapshot | str) -> None:
        """`found` is the snapshot, or one line that says why there is none."""
        super().__init__()
        self.found = found

    def can_replace(self, message: Message) -> bool:
        """A newer one takes the place of a snapshot, not of a line to be read."""
        return isinstance(message, PastFetched) and isinstance(self.found, Snapshot)


class Exported(Message):
    """A file was written, or why it was not."""

    def __init__(self, said: str, well: bool) -> None:
        """`said` is one line: the file's name, or why it was not written."""
        super().__init__()
        self.said = said
        self.well = well


class SourceEnded(Message):
    """The thread of a source has ended."""

    def __init__(self, tracing: SourceThread) -> None:
        """`tracing` is the thread that ended."""
        super().__init__()
        self.tracing = tracing


class SourceOpened(Message):
    """The sources of another target are there, or why they are not."""

    def __init__(self, target: str, sources: Mapping[int, Source], why_not: str) -> None:
        """`sources` are by the place whose target they replace.

        `why_not` is one line; empty if they are there.
        """
        super().__init__()
        self.target = target
        self.sources = sources
        self.why_not = why_not
