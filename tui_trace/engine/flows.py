"""The flow of each probe of a run: the two numbers that load balancers hash."""

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
"""Number of source ports that `--flow vary` goes through."""
TRACKED = 128
"""Number of source ports that `--track port` goes through: so many probes have one of their own."""


class PortBook:
    """The source ports of a session. All its runs use the same ports."""

    def __init__(self, network: Network) -> None:
        """Begin without any reserved port."""
        self._network = network
        self._ports: dict[Protocol, list[int]] = {}

    def port(self, protocol: Protocol, index: int) -> int:
        """Return the port (ICMP: the identifier) of the flow with this index; `SendError`."""
        ports = self._ports.setdefault(protocol, [])
        while len(ports) <= index:
            ports.append(self._network.reserve_port(protocol))
        return ports[index]

    def reserve(self, protocol: Protocol, port: int | None = None) -> int:
        """Reserve `port`, or any free port, and return it; `SendError`."""
        return self._network.reserve_port(protocol, port)


class Flows:
    """Chooses the flow of each probe of one run."""

    def __init__(self, settings: ProbeSettings, book: PortBook, icmp_checksum: int) -> None:
        """Reserve the ports of the run; `SendError` if no port is free."""
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
            # several flows count up from the port that the user gave
            self._ports = [
                book.reserve(protocol, 1 + (settings.source_port + index - 1) % 0xFFFF)
                for index in range(count)
            ]
        self._syn_ports: list[SynPortPool] = []
        if protocol is Protocol.TCP and settings.tcp_flags in (TcpFlags.SYN, TcpFlags.ECN):
            reserve = None if settings.source_port else lambda: book.reserve(Protocol.TCP)
            self._syn_ports = [SynPortPool(port, reserve) for port in self._ports]
        self._by_port = dict(zip(self._ports, self._syn_ports, strict=False))
        """The pool that each source port belongs to."""

    @property
    def opens_connections(self) -> bool:
        """Return whether probes are SYNs, which leave a half-open connection at the target."""
        return bool(self._syn_ports)

    @property
    def first_port(self) -> int:
        """Return the source port of the first flow; 0 if the protocol has no ports."""
        return self._ports[0] if self._settings.protocol in (Protocol.UDP, Protocol.TCP) else 0

    def choose(self, index: int, exclusive: bool, now: int) -> FlowTuple | None:
        """Return the flow of the next probe; None if it must not leave at `now` (monotonic ns).

        `exclusive`: do not reuse a source port that has an unanswered SYN at the target.
        """
        if self._settings.flow is Mode.CLASSIC and self._settings.protocol is Protocol.UDP:
            return self._ports[index], self._second + self._sent % (0x10000 - self._second)
        if self._settings.track is ProbeIdField.PORT:
            index = self._sent % len(self._ports)
        elif self._settings.flow is Mode.VARY:
            # in step neither with hops nor with rounds: each hop sees all flows in time
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
        """Count a probe that left."""
        self._sent += 1
        if ports := self._pool_at_target(probe):
            ports.on_sent(probe.flow[0])

    def on_reply(
        self, probe: Probe[Any], kind: ReplyKind, previous_state: ProbeState, now: int
    ) -> None:
        """Count a reply to a probe that had this state until then."""
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
        """Count a probe whose timeout has passed."""
        if ports := self._pool_at_target(probe):
            ports.on_lost(probe.flow[0], now)

    def on_void(self, probe: Probe[Any]) -> None:
        """Count a probe that was never sent after all."""
        if ports := self._pool_at_target(probe):
            ports.on_answered(probe.flow[0])

    def _pool_at_target(self, probe: Probe[Any]) -> SynPortPool | None:
        return self._pool(probe) if probe.may_reach_target and self._syn_ports else None

    def _pool(self, probe: Probe[Any]) -> SynPortPool:
        return self._by_port[probe.flow[0]]
