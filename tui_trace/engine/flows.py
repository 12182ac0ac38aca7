"""Which flow each probe of a run belongs to: the two numbers that load balancers hash."""

from typing import Any

from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import FlowMode as Mode
from tui_trace.core.settings import ProbeIdField, ProbeSettings, Protocol, TcpFlags
from tui_trace.engine.probe_registry import Probe, ProbeState
from tui_trace.engine.syn_ports import SynPortPool
from tui_trace.wire.network import FlowTuple, Network

SCATTER = 0x9E37_79B1
"""Odd, and far from any power of two: multiples of it are spread evenly (Knuth)."""
VARIED = 16
"""Source ports that `--flow vary` goes through."""
TRACKED = 128
"""Source ports that `--track port` goes through: the last of so many probes are told apart."""


class PortBook:
    """The source ports of a session; a run that is opened again, or another one, has the same."""

    def __init__(self, network: Network) -> None:
        """Nothing is reserved yet."""
        self._network = network
        self._ports: dict[Protocol, list[int]] = {}

    def port(self, protocol: Protocol, index: int) -> int:
        """The port (for ICMP the identifier) of the flow of this index; `SendError`."""
        ports = self._ports.setdefault(protocol, [])
        while len(ports) <= index:
            ports.append(self._network.reserve_port(protocol))
        return ports[index]

    def reserve(self, protocol: Protocol, port: int | None = None) -> int:
        """A port of its own, or this one; `SendError`."""
        return self._network.reserve_port(protocol, port)


class Flows:
    """The flows of one run."""

    def __init__(self, settings: ProbeSettings, book: PortBook, icmp_checksum: int) -> None:
        """Reserves its ports; `SendError` if there are none to be had."""
        self._settings = settings
        self._port_book = book
        self._sent = 0
        protocol = settings.protocol
        self._second = icmp_checksum if protocol is Protocol.ICMP else settings.port
        count = VARIED if settings.flow is Mode.VARY else settings.flows
        if settings.track is ProbeIdField.PORT:
            count = TRACKED
        if settings.source_port is None:
            self._ports = [book.port(protocol, index) for index in range(count)]
        else:
            # flows on purpose count up from the port that the user gave
            self._ports = [
                book.reserve(protocol, 1 + (settings.source_port + index - 1) % 0xFFFF)
                for index in range(count)
            ]
        self._syn_ports: list[SynPortPool] = []
        if protocol is Protocol.TCP and settings.tcp_flags in (TcpFlags.SYN, TcpFlags.ECN):
            reserve = None if settings.source_port else lambda: book.reserve(Protocol.TCP)
            self._syn_ports = [SynPortPool(port, reserve) for port in self._ports]
        self._by_port = dict(zip(self._ports, self._syn_ports, strict=False))
        """Whose each source port is."""

    @property
    def opens_connections(self) -> bool:
        """Its probes are SYNs, which leave the target half open."""
        return bool(self._syn_ports)

    @property
    def first_port(self) -> int:
        """The source port of the first flow; 0 where there are no ports."""
        return self._ports[0] if self._settings.protocol in (Protocol.UDP, Protocol.TCP) else 0

    def choose(self, index: int, exclusive: bool, now: int) -> FlowTuple | None:
        """The flow of the next probe; None if it must not be sent now (monotonic ns).

        `alone`: as a SYN, it must be the only one on its way to the target with this port.
        """
        if self._settings.flow is Mode.CLASSIC and self._settings.protocol is Protocol.UDP:
            return self._ports[index], self._second + self._sent % (0x10000 - self._second)
        if self._settings.track is ProbeIdField.PORT:
            index = self._sent % len(self._ports)
        elif self._settings.flow is Mode.VARY:
            # neither in step with the hops nor with the rounds: each hop sees all flows in time
            index = (self._sent * SCATTER >> 16) % len(self._ports)
        if exclusive and self._syn_ports:
            ports = self._syn_ports[index]
            port = ports.choose(now)
            if port is None:
                return None
            self._by_port[port] = ports
            return port, self._second
        return self._ports[index], self._second

    def on_sent(self, probe: Probe[Any]) -> None:
        """It left."""
        self._sent += 1
        if ports := self._pool_at_target(probe):
            ports.on_sent(probe.flow[0])

    def on_reply(
        self, probe: Probe[Any], kind: ReplyKind, previous_state: ProbeState, now: int
    ) -> None:
        """An answer came for a probe that `was` in this state until then."""
        port = probe.flow[0]
        if previous_state is ProbeState.PENDING and (ports := self._pool_at_target(probe)):
            ports.on_answered(port)
        if kind is ReplyKind.SYN_ACK and self._syn_ports:
            ports = self._pool(probe)
            if previous_state is ProbeState.ANSWERED:
                ports.on_repeated_syn_ack(port, now)
            else:
                ports.on_syn_ack(port, now)

    def on_lost(self, probe: Probe[Any], now: int) -> None:
        """Its wait has passed."""
        if ports := self._pool_at_target(probe):
            ports.on_lost(probe.flow[0], now)

    def on_void(self, probe: Probe[Any]) -> None:
        """It counts as never sent."""
        if ports := self._pool_at_target(probe):
            ports.on_answered(probe.flow[0])

    def _pool_at_target(self, probe: Probe[Any]) -> SynPortPool | None:
        return self._pool(probe) if probe.may_reach_target and self._syn_ports else None

    def _pool(self, probe: Probe[Any]) -> SynPortPool:
        return self._by_port[probe.flow[0]]
