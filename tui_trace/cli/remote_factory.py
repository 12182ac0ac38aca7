"""From a host and settings to a source of events on another machine."""

from tui_trace.cli.recorded import NewRecordings, RecordingFactory
from tui_trace.cli.source_factory import ResolvedTarget
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.core.stream import Source
from tui_trace.options.command_line import Options
from tui_trace.options.remote_words import remote_words
from tui_trace.remote.place import Place
from tui_trace.remote.remote_source import RemoteSource


class RemoteFactory(RecordingFactory):
    """Makes sources that probe from another machine; nothing is resolved or sent here."""

    def __init__(
        self, options: Options, place: Place, recordings: NewRecordings | None = None
    ) -> None:
        """Probe from `place`."""
        super().__init__(options, recordings)
        self._place = place
        self._remote: list[RemoteSource] = []

    def find_targets(self) -> tuple[list[ResolvedTarget], list[str]]:
        """Return all targets, and nothing that cannot be probed: that shows there."""
        return [self.resolve_target(each.host, each.settings) for each in self.targets()], []

    def resolve_target(self, host: str, settings: ProbeSettings) -> ResolvedTarget:
        """Return the target as it was given: the other machine resolves it."""
        return ResolvedTarget(host, "", self.options.family or 4, settings, (), self._place)

    def source(self, found: ResolvedTarget, pace: Pace, patience: float = 0.0) -> Source:
        """Return a trace from there, by an ssh of its own.

        There it is decided how long names are waited for. An empty host is whoever calls there.
        """
        words = remote_words(self.options, found.host.strip(), found.settings, pace)
        source = RemoteSource(self._place, words)
        self._remote.append(source)
        located = self.recordings.located(source, patience)
        metered = self.recordings.meter(located, found.host, self._place)
        return self.recordings.told(self.recordings.record(metered))

    @property
    def broke_off(self) -> bool:
        """Whether the connection, or the program at its other end, ended a session."""
        return any(source.broke_off for source in self._remote)

    def open_target(self, host: str, settings: ProbeSettings, pace: Pace) -> Source:
        """Return a trace to another host with these settings; what fails, fails in `run`."""
        settings = self.recordings.true_settings(settings)
        return self.source(self.resolve_target(host, settings), pace)
