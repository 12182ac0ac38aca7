"""Which probe a reply answers: every probe from its sending until it is too old to be answered."""

import enum
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from tui_trace.core.events import Stamp
from tui_trace.core.settings import NS_PER_S, Protocol
from tui_trace.wire.network import FlowTuple

RunT = TypeVar("RunT")
"""What a run is to the engine: a probe only says which one is its own."""

KEEP_DECIDED = 60 * NS_PER_S
"""How long (ns) a decided probe is kept, so that what still comes is told as late or duplicate."""


class ProbeState(enum.Enum):
    """What has become of a probe."""

    PENDING = enum.auto()
    ANSWERED = enum.auto()
    LOST = enum.auto()
    VOID = enum.auto()


class Probe(Generic[RunT]):
    """One probe that left."""

    __slots__ = (
        "epoch",
        "flow",
        "flow_index",
        "ip_id",
        "is_first",
        "key",
        "may_reach_target",
        "monotonic",
        "number",
        "protocol",
        "run",
        "stamp",
        "state",
        "tcp_data_length",
        "ttl",
        "wall",
    )

    def __init__(
        self,
        *,
        number: int,
        run: RunT,
        ttl: int,
        protocol: Protocol,
        flow_index: int,
        flow: FlowTuple,
        key: int,
        ip_id: int,
        tcp_data_length: int,
        monotonic: int,
        wall: int,
        epoch: int,
        may_reach_target: bool,
        is_first: bool,
    ) -> None:
        """`monotonic` and `wall` are ns, read just before it was sent; `data` is bytes of TCP.

        `index` says which of the run's flows it belongs to, `at_target` that it may reach the
        target, `is_first` that the first round of its run sent it.
        """
        self.number = number
        self.run = run
        self.ttl = ttl
        self.protocol = protocol
        self.flow_index = flow_index
        self.flow = flow
        self.key = key
        self.ip_id = ip_id
        self.tcp_data_length = tcp_data_length
        self.monotonic = monotonic
        self.wall = wall
        self.stamp = Stamp.USER
        self.epoch = epoch
        self.may_reach_target = may_reach_target
        self.is_first = is_first
        self.state = ProbeState.PENDING


class ProbeRegistry(Generic[RunT]):
    """Probes by what a quote of them says."""

    def __init__(self) -> None:
        """Empty."""
        self._by_key: dict[tuple[Protocol, int], Probe[RunT]] = {}
        self._by_ip_id: dict[int, Probe[RunT]] = {}
        self._by_port: dict[tuple[Protocol, int], Probe[RunT]] = {}
        self._by_checksum_invariant: dict[int, Probe[RunT]] = {}
        self._by_age: deque[Probe[RunT]] = deque()
        self._data_lengths: set[int] = {0}

    def add(self, probe: Probe[RunT]) -> None:
        """Take a probe in. One of the same key, a full cycle of keys ago, is forgotten."""
        self._by_key[probe.protocol, probe.key] = probe
        self._by_ip_id[probe.ip_id] = probe
        self._by_port[probe.protocol, probe.flow[0]] = probe
        if probe.protocol is Protocol.UDP:
            self._by_checksum_invariant[_checksum_invariant(probe)] = probe
        self._by_age.append(probe)
        self._data_lengths.add(probe.tcp_data_length)

    def discard(self, probe: Probe[RunT]) -> None:
        """Take the youngest back: it never left."""
        self._by_age.pop()
        del self._by_key[probe.protocol, probe.key]
        self._by_ip_id.pop(probe.ip_id, None)
        self._by_port.pop((probe.protocol, probe.flow[0]), None)
        if probe.protocol is Protocol.UDP:
            self._by_checksum_invariant.pop(_checksum_invariant(probe), None)

    def is_pending(self, protocol: Protocol, key: int) -> bool:
        """A probe of that key is in flight; its key must not be given away."""
        probe = self._by_key.get((protocol, key))
        return probe is not None and probe.state is ProbeState.PENDING

    def find(self, protocol: Protocol, key: int) -> Probe[RunT] | None:
        """The probe that was sent with this key."""
        return self._by_key.get((protocol, key))

    def find_ip_id(self, ip_id: int) -> Probe[RunT] | None:
        """The latest probe that was sent with this IP ID."""
        return self._by_ip_id.get(ip_id)

    def find_port(self, protocol: Protocol, port: int) -> Probe[RunT] | None:
        """The latest probe that was sent from this port."""
        return self._by_port.get((protocol, port))

    def find_checksum_invariant(self, weight: int) -> Probe[RunT] | None:
        """The latest UDP probe whose flow and key add up to this (`Answer.weight`)."""
        return self._by_checksum_invariant.get(weight)

    def find_acknowledged(self, acknowledged: int) -> Probe[RunT] | None:
        """The TCP probe that a SYN/ACK or RST acknowledges, with its data or without."""
        for length in self._data_lengths:
            probe = self._by_key.get((Protocol.TCP, (acknowledged - length) & 0xFFFFFFFF))
            if probe is not None and length in (0, probe.tcp_data_length):
                return probe
        return None

    def by_age(self) -> Iterator[Probe[RunT]]:
        """All that are remembered."""
        return iter(self._by_age)

    def forget_old(self, now: int) -> None:
        """Forget what was decided and sent more than `KEEP_DECIDED` before `now` (monotonic ns)."""
        ages = self._by_age
        while (
            ages
            and now - ages[0].monotonic > KEEP_DECIDED
            and ages[0].state is not ProbeState.PENDING
        ):
            probe = ages.popleft()
            slot = (probe.protocol, probe.key)
            if self._by_key.get(slot) is probe:
                del self._by_key[slot]
            if self._by_ip_id.get(probe.ip_id) is probe:
                del self._by_ip_id[probe.ip_id]
            port = (probe.protocol, probe.flow[0])
            if self._by_port.get(port) is probe:
                del self._by_port[port]
            weight = _checksum_invariant(probe)
            if self._by_checksum_invariant.get(weight) is probe:
                del self._by_checksum_invariant[weight]


def _checksum_invariant(probe: Probe[RunT]) -> int:
    return (sum(probe.flow) + probe.key) % 0xFFFF
