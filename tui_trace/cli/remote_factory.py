"""From a host and settings to a source of events on another machine."""

from tui_trace.cli.recorded import RecordingFactory
from tui_trace.cli.source_factory import ResolvedTarget
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.core.stream import Source
from tui_trace.options.remote_words import remote_words
from tui_trace.remote.remote_source import RemoteSource


class RemoteFactory(RecordingFactory):
    """Makes sources that probe from the place of `--from`; nothing is resolved or sent here."""

    _latest: RemoteSource | None = None

    @property
    def first_host(self) -> str:
        """The host of the command line."""
        return self.options.host or ""

    def resolve_target(self, host: str, settings: ProbeSettings) -> ResolvedTarget:
        """Return the target as it was given: the other machine resolves it."""
        return ResolvedTarget(host, "", self.options.family or 4, settings, ())

    def source(self, found: ResolvedTarget, pace: Pace, patience: float = 0.0) -> Source:
        """Return a trace from there. There it is decided how long lookups are waited for."""
        del patience
        words = remote_words(self.options, found.host.strip(), found.settings, pace)
        self._latest = RemoteSource(self.options.place, words)
        return self._recorded(self._latest)

    @property
    def broke_off(self) -> bool:
        """Whether the connection, or the program at its other end, ended the latest session."""
        return self._latest is not None and self._latest.broke_off

    def open_target(self, host: str, settings: ProbeSettings, pace: Pace) -> Source:
        """Return a trace to another host with these settings; what fails, fails in `run`."""
        return self.source(self.resolve_target(host, settings), pace)
