"""From a host and settings to a source of events, on the real network or in the lab."""

import os
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tui_trace import __version__, names
from tui_trace.app.control.lab_quiz import LabScenario
from tui_trace.cli.recorded import RecordingFactory
from tui_trace.cli.resolve import ANYHOW, Egress, find_addresses, resolve
from tui_trace.core.events import Notice
from tui_trace.core.ip_literals import parse_literal
from tui_trace.core.probe_size import fit_size
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.core.stream import FindWays, Inject, Source, SourceError
from tui_trace.engine.shared_hops import SharedHops
from tui_trace.names.name_options import NameOptions
from tui_trace.options.command_line import LAB_QUIZ, Options
from tui_trace.options.output import Output
from tui_trace.remote.place import LOCAL, Place

if TYPE_CHECKING:
    from tui_trace.engine.loop import ProbingLoop
    from tui_trace.lab import Lab
    from tui_trace.names.shared_names import SharedNames
    from tui_trace.wire.backends import Sockets


MOST_RECORDED = 16
"""Targets at the same time that are recorded without being asked to: each has a recording of its
own, and only so many recordings are kept."""


class ResolvedTarget(NamedTuple):
    """A target with its address and with settings that fit it."""

    host: str
    """The host as the user wrote it."""
    address: str
    family: int
    settings: ProbeSettings
    """Settings with a size that holds the headers, and a source address of the IP version."""
    warnings: tuple[str, ...]
    """Lines to print before the trace."""
    place: Place = LOCAL
    """Where the probes leave from."""
    turn: tuple[int, int] | None = None
    """It is probed from this machine beside others: its number, from 0 on, and how many there are;
    None: alone."""


class SourceFactory(RecordingFactory):
    """Makes sources for targets, at the same time or one after another, on sockets of before."""

    def __init__(self, sockets: "Sockets", options: Options, lab: "Lab | None") -> None:
        """Use these sockets and options; `lab` None: the real network."""
        super().__init__(options)
        self._sockets = sockets
        self._lab = lab
        self._loop: ProbingLoop | None = None
        self._shared_hops = {4: SharedHops(), 6: SharedHops()}
        self._shared_names: SharedNames | None = None

    @property
    def first_host(self) -> str:
        """The host of the command line, or the target of the lab's scenario."""
        return self.options.host or (self._lab.target if self._lab else "")

    @property
    def lab_scenario(self) -> LabScenario:
        """What the network of the lab does."""
        if self._lab is None:
            return LabScenario()
        from tui_trace.lab import scenario_names

        guesses = scenario_names() if self.options.lab == LAB_QUIZ else ()
        return LabScenario(self._lab.scenario.name, self._lab.scenario.title, guesses)

    @property
    def has_rights(self) -> bool:
        """Whether all kinds of probes can be sent."""
        from tui_trace.wire import backends

        return (
            backends.backend_limits(self._sockets, unprivileged=self.options.unprivileged) is None
        )

    def resolve_target(
        self, host: str, settings: ProbeSettings, address: str | None = None
    ) -> ResolvedTarget:
        """Resolve the host and fit the settings to it; blocks. Raise `SourceError`.

        `address`: the one of the host's that is meant; None: the best one.
        """
        from tui_trace.wire import backends
        from tui_trace.wire.network import SendError

        interface = settings.interface
        egress = Egress(interface, self._source_families(host, settings.source))
        address, family = self.resolve(address or host, self.options.family, egress)
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
            scope = address.partition("%")[2] or None
            source, _ = self.resolve(settings.source, family, Egress(interface or scope))
            source, _, own = source.partition("%")
            settings = msgspec.structs.replace(
                settings, source=source, interface=interface or own or None
            )
        warnings = tuple(line for line in (limits, raised, instead) if line)
        return ResolvedTarget(host, address, family, settings, warnings)

    def find_targets(self) -> tuple[list[ResolvedTarget], list[str]]:
        """Resolve all targets; blocks. Return them, and a line on each that cannot be probed.

        `SourceError` if the file of targets cannot be read, `TargetsError` for what is in it.
        """
        found: list[ResolvedTarget] = []
        failures: list[str] = []
        for target in self.targets():
            try:
                found += [
                    self.resolve_target(target.host, target.settings, address)
                    for address in self._addresses(target.host)
                ]
            except SourceError as error:
                failures.append(str(error))
        if len(found) < 2:
            return found, failures
        return [
            one._replace(turn=(number, len(found))) for number, one in enumerate(found)
        ], failures

    def _addresses(self, host: str) -> list[str | None]:
        """Return each address of a host if all are wanted; else None: the best one."""
        options = self.options
        if not options.resolve_all or self._lab is not None:
            return [None]
        found = find_addresses(host, options.family, options.naming.server)
        return [*dict.fromkeys(address for address, _ in found)] or [None]

    def source(self, found: ResolvedTarget, pace: Pace, patience: float = 0.0) -> Source:
        """Return a live trace; at its end it waits at most `patience` seconds for lookups."""
        source = self.engine_source(found, pace)
        if self.options.naming.asks:
            from tui_trace.names.named_source import NamedSource

            shared = None if found.turn is None else self._names_of_all()
            source = NamedSource(source, self.name_options(), patience=patience, shared=shared)
        source = self.recordings.located(source, patience)
        source = self.recordings.meter(source, found.host, found.place)
        is_one_of_many = found.turn is not None and found.turn[1] > MOST_RECORDED
        if is_one_of_many and self.options.record is None:
            return self.recordings.told(self.recordings.shown(source))
        return self.recordings.told(self.recordings.record(source))

    def _names_of_all(self) -> "SharedNames":
        from tui_trace.names.shared_names import SharedNames

        if self._shared_names is None or self._shared_names.is_over:
            self._shared_names = SharedNames(self.name_options())
        return self._shared_names

    def engine_source(self, found: ResolvedTarget, pace: Pace) -> Source:
        """Return a live trace without lookups and without a recording."""
        from tui_trace.engine.engine import Engine
        from tui_trace.engine.joined_engine import JoinedEngine
        from tui_trace.engine.loop import ProbingLoop
        from tui_trace.engine.path_mtu import PathMtuSource, first_settings, largest_size
        from tui_trace.engine.run_state import RunProbe
        from tui_trace.wire import backends
        from tui_trace.wire.network import Network, SendError

        try:
            network: Network[RunProbe] = backends.open_network(
                self._sockets, found.address, found.family, wait=pace.wait
            )
        except SendError as error:
            raise SourceError(error.reason) from error
        scenario = self._lab.scenario if self._lab else None
        options = self.options
        first = found.settings
        if options.path_mtu:
            first = first_settings(first, found.family)
        source: Source
        source = engine = Engine(
            network,
            target=found.host,
            settings=first,
            pace=pace,
            version=__version__,
            lab=options.lab or "",
            waits_for_route=options.output.is_endless,
            shared=None if found.turn is None else self._shared_hops[found.family],
        )
        # whoever watches finds out, or asks for help
        is_secret = options.output is Output.LIVE or options.lab == LAB_QUIZ
        title = (scenario.title,) if scenario and not is_secret else ()
        for line in (*title, *found.warnings):
            engine.command(Inject(Notice(at=0, text=line)))
        if options.ways is not None:
            engine.command(FindWays(found.settings, options.ways))
        if found.turn is not None:
            number, count = found.turn
            self._loop = self._loop or ProbingLoop()
            source = JoinedEngine(engine, self._loop, pace.interval * number // count)
        if not options.path_mtu:
            return source
        largest = largest_size(options.largest)
        return PathMtuSource(source, found.settings, pace, found.family, largest)

    def open_target(self, host: str, settings: ProbeSettings, pace: Pace) -> Source:
        """Return a live trace to another host with these settings; raise `SourceError`."""
        settings = self.recordings.true_settings(settings)
        # one loop reads what comes for all
        turn = None if self._loop is None else (0, 1)
        return self.source(self.resolve_target(host, settings)._replace(turn=turn), pace)

    def _source_families(self, host: str, source: str | None) -> frozenset[int]:
        """Return the IP versions of the source; all where it cannot decide anything."""
        is_decided = self.options.family is not None or parse_literal(host) is not None
        if source is None or is_decided or self._lab is not None:
            return ANYHOW.families
        try:
            found = find_addresses(source, None, self.options.naming.server)
        except SourceError:
            return ANYHOW.families  # said when the source is resolved for the target's version
        return frozenset(family for _, family in found)

    def resolve(self, host: str, family: int | None, egress: Egress = ANYHOW) -> tuple[str, int]:
        """Return the address and its IP version (4 or 6); raise `SourceError` if there is none."""
        if self._lab is None:
            return resolve(host, family, self.options.naming.server, egress)
        address = self._lab.scenario.resolve(host.strip(), family)
        if address is None:
            wanted = f"IPv{family} address" if family else "address"
            raise SourceError(f"no {wanted} for {host.strip()[:80]!r} in the lab")
        return address, 6 if ":" in address else 4

    def name_options(self) -> NameOptions:
        """Return the options of lookups; in the lab they use the lab's servers."""
        naming = self.options.naming
        if self._lab is None:
            return msgspec.structs.replace(
                naming,
                # who commands a session from elsewhere owns nothing on this machine
                cache=None if self.options.commands else names.default_cache(),
                radb=names.Radb.from_environment(os.environ),
            )
        return msgspec.structs.replace(
            naming,
            server=naming.server or names.parse_dns_server(self._lab.dns_server),
            radb=names.Radb(server=self._lab.whois_server),
            documentation=True,
        )
