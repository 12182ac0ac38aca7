"""What the sources of all targets have in common: options, a command, and a recording each."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.core.stream import Source, SourceError
from tui_trace.core.word_lists import listed
from tui_trace.options.command_line import Options
from tui_trace.options.output import Output
from tui_trace.options.targets import LONGEST_FILE, MOST_TARGETS, Target
from tui_trace.remote.place import Place

if TYPE_CHECKING:
    from tui_trace.alerts.event_command import EventCommand
    from tui_trace.metrics.exporter import MetricsExporter
    from tui_trace.recording.sessions import RetentionLimits


class NewRecordings:
    """What becomes of each source of a session: a recording, unless the options say no."""

    def __init__(self, options: Options) -> None:
        """Record as the options say."""
        self._options = options
        self._path = options.record
        """File of the first recording; those of later targets get a name derived from it."""
        self.kept: RetentionLimits | None = None
        """Limits of the usual folder of recordings; None: the default limits."""
        self.exporter: MetricsExporter | None = None
        """What serves the metrics of all targets; None: nothing does."""
        self.event_command: EventCommand | None = None
        """What is run for each episode."""

    def meter(self, source: Source, host: str, place: Place) -> Source:
        """Return the source, with metrics if they are asked for.

        A recording goes around it, for whoever looks for one. An empty `host` is this machine.
        """
        if self.exporter is None:
            return source
        from tui_trace.metrics.metered_source import MeteredSource

        return MeteredSource(source, host or "this machine", place.host, self.exporter)

    def told(self, source: Source) -> Source:
        """Return the source, with a command that is run for its episodes if there is one."""
        if self.event_command is None:
            return source
        from tui_trace.alerts.event_command import EventCommandSource

        return EventCommandSource(source, self.event_command)

    def record(self, source: Source) -> Source:
        """Return the source, with a recording unless the options say no."""
        from tui_trace.recording import RecordedSource
        from tui_trace.recording.sessions import DEFAULT_RETENTION, free_path

        if not self._options.recorded:
            return source
        path, self._path = self._path, None
        if path is None and self._options.record is not None:
            path = free_path(self._options.record)
        rolls = self._options.output is Output.WATCH
        return RecordedSource(source, path, self.kept or DEFAULT_RETENTION, rolls=rolls)


class RecordingFactory(ABC):
    """The base of what makes sources for several targets."""

    def __init__(self, options: Options, recordings: NewRecordings | None = None) -> None:
        """Record as the options say, or with the `recordings` of several factories."""
        self.options = options
        self.recordings = recordings or NewRecordings(options)
        others = [place.host for place in options.places if not place.is_local]
        self.greeting = f"connecting to {listed(others)} …" if others else ""
        """A line for the view until the first event."""

    @property
    def first_host(self) -> str:
        """The host of the command line; empty if it names none."""
        return self.options.host or ""

    @property
    def broke_off(self) -> bool:
        """Whether a session ended before its time."""
        return False

    @abstractmethod
    def open_target(self, host: str, settings: ProbeSettings, pace: Pace) -> Source:
        """Return a live trace to another host with these settings; raise `SourceError`."""

    def opener(self, place: Place) -> Callable[[str, ProbeSettings, Pace], Source]:  # noqa: ARG002
        """Return what opens another target from a place, as `open_target` does."""
        return self.open_target

    def targets(self) -> list[Target]:
        """Return the targets of the command line, and of the file that it names.

        `SourceError` if the file cannot be read, `TargetsError` for what is in it.
        """
        options = self.options
        text = "" if options.targets_file is None else _read(options.targets_file)
        targets = options.targets_in(text) or [Target(self.first_host, options.settings)]
        if not targets[0].host and not options.reverse:
            raise SourceError(f"{options.targets_file} names no target")
        if len(targets) > MOST_TARGETS:
            raise SourceError(f"{len(targets)} targets: at most {MOST_TARGETS} can be probed")
        return targets


def _read(path: Path) -> str:
    """Return the text of a file of targets; `SourceError`."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise SourceError(f"{sanitize(str(path))}: {error.strerror}") from None
    if len(data) > LONGEST_FILE:
        raise SourceError(f"{sanitize(str(path))}: longer than {LONGEST_FILE >> 20} MiB")
    return data.decode("utf-8", "replace")
