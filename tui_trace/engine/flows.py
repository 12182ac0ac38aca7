"""The flow of each probe of a run: the two numbers that load balancers hash."""

import errno
import random
from functools import partial
from typing import Any

from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import NS_PER_S, ProbeIdField, ProbeSettings, Protocol, TcpFlags
from tui_trace.core.settings import FlowMode as Mode
from tui_trace.engine.first_sweep import ScheduledProbe
from tui_trace.engine.probe import Probe
from tui_trace.engine.source_ports import RST_CONFIRMATION, ChosenFlow, SourcePorts
from tui_trace.wire.network import PORTED, Network, SendError
from tui_trace.wire.sent_probes import KEEP_TIME

SCATTER = 0x9E37_79B1
"""Odd, and near 2³² divided by the golden ratio: its multiples are spread evenly (Knuth)."""
VARIED = 16
"""Number of source ports that `--flow vary` goes through."""
TRACKED = 128
"""Number of source ports that `--track port` goes through: so many probes have one of their own."""

_HALF_OPEN = "the target holds a connection half open on every source port: no RST of ours arrives"

SEPARATION = 3 * NS_PER_S
"""How long each probe has a port of its own after the path may have become shorter."""


class PortBook:
    """The source ports of a session. All its runs use the same ports."""

    def __init__(self, network: Network[Any]) -> None:
        """Begin without any reserved port."""
        self._network = network
        self._flows: dict[Protocol, list[SourcePorts]] = {}
        self._given: dict[tuple[Protocol, int], SourcePorts] = {}
        self.icmp_checksum = random.SystemRandom().randrange(1, 0xFFFF)
        """The checksum that every ICMP probe of a constant flow carries."""

    def flow(self, protocol: Protocol, index: int, *, is_spare: bool = False) -> SourcePorts:
        """Return the ports (ICMP: the identifier) of the flow with this index; `SendError`.

        A spare flow is refused where file descriptors get scarce.
        """
        flows = self._flows.setdefault(protocol, [])
        spare = partial(self._network.reserve_port, protocol, is_spare=True)
        while len(flows) <= index:
            port = self._network.reserve_port(protocol, is_spare=is_spare)
            flows.append(SourcePorts(port, spare))
        return flows[index]

    def given(self, protocol: Protocol, port: int) -> SourcePorts:
        """Return the one port that the user wants; `SendError`."""
        if (protocol, port) not in self._given:
            self._network.reserve_port(protocol, port)
            self._given[protocol, port] = SourcePorts(port, None)
        return self._given[protocol, port]


class Flows:
    """Chooses the flow of each probe of one run."""

    def __init__(self, settings: ProbeSettings, book: PortBook) -> None:
        """Reserve the ports of the run; `SendError` if no port is free."""
        self._settings = settings
        self._sent = 0
        # a run of QUIC has the ports of UDP, so that a switch between them keeps them
        protocol = self._transport = settings.protocol.transport
        self._second = book.icmp_checksum if protocol is Protocol.ICMP else settings.port
        count = VARIED if settings.flow is Mode.VARY else settings.flows
        if settings.track is ProbeIdField.PORT:
            count = TRACKED
        given = settings.source_port
        if given is None:
            self._flows = [book.flow(protocol, index) for index in range(count)]
        else:
            # several flows count up from the port that the user gave
            self._flows = [
                book.given(protocol, self._given_port(given, index)) for index in range(count)
            ]
        self._book = book
        self.opens_connections = protocol is Protocol.TCP and settings.tcp_flags in (
            TcpFlags.SYN,
            TcpFlags.ECN,
        )
        """Whether probes are SYNs, which leave a half-open connection at the target."""
        self.has_spare_ports = given is None or not self.opens_connections
        """Whether a probe that is for the target alone takes no other one's port there."""
        self._shared: dict[int, ChosenFlow] = {}
        """By index: what `main` returned."""
        self._has_ports = protocol.has_ports or settings.number in PORTED
        self._meets_service = False
        self._separates_until = 0

    @property
    def first_port(self) -> int:
        """Return the source port of the first flow; 0 if the protocol has no ports."""
        return self._flows[0].main if self._transport.has_ports else 0

    def choose(self, scheduled: ScheduledProbe, now: int, *, may_reach_target: bool) -> ChosenFlow:
        """Return the flow of the next probe; `SendError` if no port can be had for it.

        The probes of a first sweep share one port: the nearest one that meets the target is there
        before the others.
        """
        settings, index = self._settings, scheduled.flow
        if settings.flow is Mode.CLASSIC and settings.protocol is Protocol.UDP:
            port = self._second + self._sent % (0x10000 - self._second)
            return ChosenFlow((self._flows[index].main, port), None, False)
        if settings.track is ProbeIdField.PORT:
            index = self._sent % len(self._flows)
        elif settings.flow is Mode.VARY:
            # in step neither with hops nor with rounds: each hop sees all flows in time
            index = (self._sent * SCATTER >> 16) % len(self._flows)
        ports = self._flows[index]
        separates = now < self._separates_until
        if not (may_reach_target or separates) or not self._has_ports:
            return self.main(index)
        has_to_differ = self.opens_connections or self._meets_service
        if has_to_differ and not scheduled.is_sweep:
            leased = ports.lease(now)
            if leased is None:
                raise SendError(errno.EADDRINUSE, _HALF_OPEN)
            return ChosenFlow((leased, self._second), ports, True)
        return ChosenFlow((ports.share_main(), self._second_of(index)), ports, False)

    @property
    def ports(self) -> tuple[int, ...]:
        """Return the source port of each flow, of ICMP the identifier."""
        return tuple(ports.main for ports in self._flows)

    def main(self, index: int) -> ChosenFlow:
        """Return what all probes of a flow are sent with that may share its port."""
        chosen = self._shared.get(index)
        if chosen is None:
            flow = self._flows[index].main, self._second_of(index)
            chosen = self._shared[index] = ChosenFlow(flow, None, False)
        return chosen

    def _second_of(self, index: int) -> int:
        """Return the destination port; of ICMP the checksum, which load balancers hash."""
        if self._settings.protocol is not Protocol.ICMP or not index:
            return self._second
        return 1 + (self._second + index * SCATTER) % 0xFFFE

    def open(self, index: int) -> int:
        """Have this flow and all before it; return its source port, ICMP: its identifier.

        `SendError` if no port is to be had. Where the kernel chooses: any number.
        """
        while len(self._flows) <= index:
            given, new = self._settings.source_port, len(self._flows)
            if given is None:
                self._flows.append(self._book.flow(self._transport, new, is_spare=True))
            else:
                port = self._given_port(given, new)
                self._flows.append(self._book.given(self._transport, port))
        return self._flows[index].main

    @staticmethod
    def _given_port(first: int, index: int) -> int:
        return 1 + (first + index - 1) % 0xFFFF

    def is_spare_port(self, probe: Probe[Any]) -> bool:
        """Return whether a probe has a source port that is the main one of no flow of the run."""
        return probe.has_own_port and all(ports.main != probe.flow[0] for ports in self._flows)

    def on_sent(self) -> None:
        """Count a probe that left."""
        self._sent += 1

    def on_service_reply(self) -> None:
        """Tell probes apart by their ports from now on: the target answers without their IDs."""
        self._meets_service = True

    def on_nearer_service(self, now: int) -> None:
        """Tell all probes apart by their ports for a while: the path may have become shorter.

        A probe that a router used to stop has met the target, and its reply does not say which one.
        """
        self._separates_until = now + SEPARATION

    def on_answered(self, probe: Probe[Any], kind: ReplyKind, now: int) -> None:
        """Free the source port of a probe that was answered at `now` (monotonic ns)."""
        ports, probe.ports = probe.ports, None
        if ports is None:
            return
        if kind is ReplyKind.SYN_ACK:
            ports.on_syn_ack(probe.flow[0], now)
        else:
            ports.give_back(probe.flow[0], now)

    def on_lost(self, probe: Probe[Any], now: int) -> None:
        """Free the source port of a lost probe; what still comes there is not another's reply."""
        ports, probe.ports = probe.ports, None
        if ports is None:
            return
        if self.opens_connections:
            ports.on_syn_lost(probe.flow[0], now)
        else:
            ports.give_back(probe.flow[0], now + KEEP_TIME if self._meets_service else now)

    def on_void(self, probe: Probe[Any], now: int) -> None:
        """Free the source port of a probe that counts as never sent.

        A SYN beyond the end of the path may have met the target all the same.
        """
        ports, probe.ports = probe.ports, None
        if ports is not None:
            rests = self.opens_connections and probe.has_own_port
            ports.give_back(probe.flow[0], now + RST_CONFIRMATION if rests else now)

    def on_repeated_syn_ack(self, probe: Probe[Any], now: int) -> None:
        """Count a SYN/ACK that the target sent again."""
        for ports in self._flows:
            ports.on_repeated_syn_ack(probe.flow[0], now)
