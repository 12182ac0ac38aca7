"""From a host and settings to a source of events: the resolver, the sockets, the lab."""

import os
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tui_trace import __version__, names
from tui_trace.cli.resolve import resolve
from tui_trace.core.events import Notice
from tui_trace.core.probe_size import fit_size
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.core.stream import Inject, Source, SourceError
from tui_trace.names.name_options import NameOptions
from tui_trace.names.named_source import NamedSource
from tui_trace.options.command_line import Options

if TYPE_CHECKING:
    from tui_trace.lab import Lab
    from tui_trace.recording.sessions import RetentionLimits
    from tui_trace.wire.backends import Sockets


class ResolvedTarget(NamedTuple):
    """A target, ready to be probed."""

    host: str
    """As the user called it."""
    address: str
    family: int
    settings: ProbeSettings
    """With a size that holds the headers, and a source address of the target's family."""
    warnings: tuple[str, ...]
    """A line each."""


class SourceFactory:
    """Makes a source for one target after another, on the sockets that were opened once."""

    def __init__(self, sockets: "Sockets", options: Options, lab: "Lab | None") -> None:
        """Nothing is resolved or sent yet."""
        self._sockets = sockets
        self._lab = lab
        self._record = options.record
        """For the first target; those after it get a file beside it."""
        self.options = options
        self.kept: RetentionLimits | None = None
        """How many recordings the usual folder holds; None: as many as usual."""

    @property
    def first_host(self) -> str:
        """The host of the command line, or the lab's own target."""
        return self.options.host or (self._lab.target if self._lab else "")

    @property
    def has_rights(self) -> bool:
        """Probes of all kinds can be sent."""
        from tui_trace.wire import backends

        return (
            backends.backend_limits(self._sockets, unprivileged=self.options.unprivileged) is None
        )

    def find(self, host: str, settings: ProbeSettings) -> ResolvedTarget:
        """Ask the resolver, and wait for it; `SourceError` says why there is nothing to probe."""
        from tui_trace.wire import backends
        from tui_trace.wire.network import SendError

        address, family = self.resolve(host, self.options.family)
        by_name = self.options.icmp_by_name
        limits = backends.backend_limits(self._sockets, unprivileged=self.options.unprivileged)
        try:
            settings, instead = backends.fallback_protocol(
                self._sockets, settings, family, by_name=by_name
            )
        except SendError as error:
            raise SourceError(error.reason) from error
        settings, raised = fit_size(settings, family)
        if settings.source is not None:
            source, _ = self.resolve(settings.source, family)
            settings = msgspec.structs.replace(settings, source=source)
        warnings = tuple(line for line in (limits, raised, instead) if line)
        return ResolvedTarget(host, address, family, settings, warnings)

    def source(self, found: ResolvedTarget, pace: Pace, patience: float = 0.0) -> Source:
        """A live trace, which takes the sockets over when it is run.

        Its end waits at most `patience` seconds for names that are still being asked for.
        """
        source = self.unnamed(found, pace)
        if self.options.naming.asks:
            source = NamedSource(source, self.naming(), patience=patience)
        return self._recorded(source)

    def unnamed(self, found: ResolvedTarget, pace: Pace) -> Source:
        """The same, but nothing is asked about addresses, and nothing recorded."""
        from tui_trace.engine.engine import Engine
        from tui_trace.engine.path_mtu import PathMtuSource, first_settings, largest_size
        from tui_trace.wire import backends
        from tui_trace.wire.network import SendError

        try:
            network = backends.open_network(self._sockets, found.address, found.family)
        except SendError as error:
            raise SourceError(error.reason) from error
        scenario = self._lab.scenario if self._lab else None
        options = self.options
        first = found.settings
        if options.path_mtu:
            first = first_settings(first, found.family)
        engine = Engine(
            network,
            target=found.host,
            settings=first,
            pace=pace,
            version=__version__,
            lab=options.lab or "",
        )
        title = (scenario.title,) if scenario else ()
        for line in (*title, *found.warnings):
            engine.command(Inject(Notice(at=0, text=line)))
        if not options.path_mtu:
            return engine
        largest = largest_size(options.largest)
        return PathMtuSource(engine, found.settings, pace, found.family, largest)

    def _recorded(self, source: Source) -> Source:
        from tui_trace.recording import RecordedSource
        from tui_trace.recording.sessions import DEFAULT_RETENTION, free_path

        if not self.options.recorded:
            return source
        path, self._record = self._record, None
        if path is None and self.options.record is not None:
            path = free_path(self.options.record)
        return RecordedSource(source, path, self.kept or DEFAULT_RETENTION)

    def open(self, host: str, settings: ProbeSettings, pace: Pace) -> Source:
        """A live trace to another host, with settings in use."""
        return self.source(self.find(host, settings), pace)

    def resolve(self, host: str, family: int | None) -> tuple[str, int]:
        """The address and its family, 4 or 6; `SourceError` if there is none."""
        if self._lab is None:
            return resolve(host, family, self.options.naming.server)
        address = self._lab.scenario.resolve(host.strip(), family)
        if address is None:
            wanted = f"IPv{family} address" if family else "address"
            raise SourceError(f"the lab knows no {wanted} of {host.strip()[:80]!r}")
        return address, 6 if ":" in address else 4

    def naming(self) -> NameOptions:
        """What is asked about addresses, and whom: the lab's own servers in the lab."""
        naming = self.options.naming
        if self._lab is None:
            return msgspec.structs.replace(
                naming,
                cache=names.default_cache(),
                radb=names.Radb.from_environment(os.environ),
            )
        return msgspec.structs.replace(
            naming,
            server=naming.server or names.parse_dns_server(self._lab.dns_server),
            radb=names.Radb(server=self._lab.whois_server),
            documentation=True,
        )
