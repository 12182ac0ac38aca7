"""From the places of `--from` to sources, some of which probe from here and some from elsewhere."""

from collections.abc import Callable

from tui_trace.cli.recorded import RecordingFactory
from tui_trace.cli.remote_factory import RemoteFactory
from tui_trace.cli.source_factory import ResolvedTarget, SourceFactory
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.core.stream import Source, SourceError
from tui_trace.options.command_line import Options
from tui_trace.remote.place import LOCAL, Place
from tui_trace.remote.ssh_config import real_host


class VantageFactory(RecordingFactory):
    """Makes sources for each target at each place, by the factory of that place."""

    def __init__(self, options: Options, local: SourceFactory | None) -> None:
        """`local` probes from this machine; None: nothing does."""
        super().__init__(options)
        self._factories: dict[Place, SourceFactory | RemoteFactory] = {}
        if local is not None:
            local.recordings = self.recordings
            self._factories[LOCAL] = local
        for place in options.places:
            if not place.is_local:
                self._factories[place] = RemoteFactory(options, place, self.recordings)

    def find_targets(self) -> tuple[list[ResolvedTarget], list[str]]:
        """Return each target at each place; blocks. And a line on each that cannot be probed.

        `SourceError` if the file of targets cannot be read, `TargetsError` for what is in it.
        """
        if self.options.reverse:
            return self._there_and_back()
        found: list[ResolvedTarget] = []
        failures: list[str] = []
        for place in self.options.places:
            more, why_not = self._factories[place].find_targets()
            found += more
            failures += why_not
        order = {host: number for number, host in enumerate(dict.fromkeys(x.host for x in found))}
        return sorted(found, key=lambda one: order[one.host]), failures

    def resolve_target(self, host: str, settings: ProbeSettings) -> ResolvedTarget:
        """Return a target at the first place; blocks. Raise `SourceError`."""
        return self._factories[self.options.places[0]].resolve_target(host, settings)

    def _there_and_back(self) -> tuple[list[ResolvedTarget], list[str]]:
        (place,) = self.options.places
        settings = self.options.settings
        back = self._factories[place].resolve_target(self.first_host, settings)
        try:
            there = self._factories[LOCAL].resolve_target(real_host(place), settings)
        except SourceError as error:
            return [], [f"{place.host}: {error}"]
        return [there, back], []

    def source(self, found: ResolvedTarget, pace: Pace, patience: float = 0.0) -> Source:
        """Return a live trace from the target's place; for `patience` see `SourceFactory`."""
        return self._factories[found.place].source(found, pace, patience)

    @property
    def broke_off(self) -> bool:
        """Whether a session ended before its time."""
        return any(factory.broke_off for factory in self._factories.values())

    def open_target(self, host: str, settings: ProbeSettings, pace: Pace) -> Source:
        """Return a live trace to another host from the first place; raise `SourceError`."""
        return self.opener(self.options.places[0])(host, settings, pace)

    def opener(self, place: Place) -> Callable[[str, ProbeSettings, Pace], Source]:
        """Return what opens another target from a place, as `open_target` does."""
        return self._factories[place].open_target
