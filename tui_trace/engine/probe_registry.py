"""All probes that a reply may still come for, by the fields that a quote contains."""

import enum
from collections import deque
from collections.abc import Iterator
from itertools import takewhile
from typing import Generic, TypeVar

from tui_trace.core.events import Stamp
from tui_trace.core.settings import NS_PER_S, Protocol
from tui_trace.wire.network import FlowTuple

RunT = TypeVar("RunT")
"""The engine's run type; a probe only refers to its run."""

KEEP_DECIDED = 60 * NS_PER_S
"""How long (ns) a decided probe is kept, to tell late and duplicate replies from foreign ones."""


class ProbeState(enum.Enum):
    """Whether a probe is in flight, or how it ended."""

    PENDING = enum.auto()
    ANSWERED = enum.auto()
    LOST = enum.auto()
    VOID = enum.auto()


class Probe(Generic[RunT]):
    """One probe, and its state."""

    __slots__ = (
        "epoch",
        "flow",
        "flow_index",
        "ip_id",
        "is_first",
        "is_scout",
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
        is_scout: bool,
    ) -> None:
        """`monotonic` and `wall` are clock times in ns, read just before the probe is sent.

        `flow_index` is the number of the flow in its run, `tcp_data_length` is in bytes,
        `may_reach_target` says that no router is known to stop the probe, and `is_first` that it
        belongs to the first round of its run. `is_scout` says that its TTL reaches past the known
        end of the path: it counts only if it is answered.
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
        self.is_scout = is_scout
        self.state = ProbeState.PENDING


class ProbeRegistry(Generic[RunT]):
    """Finds probes by the fields of a reply."""

    def __init__(self) -> None:
        """Begin without any probe."""
        self._by_key: dict[tuple[Protocol, int], Probe[RunT]] = {}
        self._by_ip_id: dict[int, Probe[RunT]] = {}
        self._by_port: dict[tuple[Protocol, int], Probe[RunT]] = {}
        self._by_checksum_invariant: dict[int, Probe[RunT]] = {}
        self._by_age: deque[Probe[RunT]] = deque()
        self._data_lengths: set[int] = {0}

    def add(self, probe: Probe[RunT]) -> None:
        """Add a probe. It replaces a probe with the same key, from a full cycle of keys ago."""
        self._by_key[probe.protocol, probe.key] = probe
        self._by_ip_id[probe.ip_id] = probe
        self._by_port[probe.protocol, probe.flow[0]] = probe
        if probe.protocol is Protocol.UDP:
            self._by_checksum_invariant[_checksum_invariant(probe)] = probe
        self._by_age.append(probe)
        self._data_lengths.add(probe.tcp_data_length)

    def discard(self, probe: Probe[RunT]) -> None:
        """Remove the youngest probe: it could not leave."""
        self._by_age.pop()
        del self._by_key[probe.protocol, probe.key]
        self._by_ip_id.pop(probe.ip_id, None)
        self._by_port.pop((probe.protocol, probe.flow[0]), None)
        if probe.protocol is Protocol.UDP:
            self._by_checksum_invariant.pop(_checksum_invariant(probe), None)

    def is_pending(self, protocol: Protocol, key: int) -> bool:
        """Return whether a probe with this key is in flight."""
        probe = self._by_key.get((protocol, key))
        return probe is not None and probe.state is ProbeState.PENDING

    def find(self, protocol: Protocol, key: int) -> Probe[RunT] | None:
        """Return the probe that was sent with this key."""
        return self._by_key.get((protocol, key))

    def find_ip_id(self, ip_id: int) -> Probe[RunT] | None:
        """Return the latest probe that was sent with this IP ID."""
        return self._by_ip_id.get(ip_id)

    def find_port(self, protocol: Protocol, port: int) -> Probe[RunT] | None:
        """Return the latest probe that was sent from this port."""
        return self._by_port.get((protocol, port))

    def find_checksum_invariant(self, checksum_invariant: int) -> Probe[RunT] | None:
        """Return the latest UDP probe with this `ReceivedReply.checksum_invariant`."""
        return self._by_checksum_invariant.get(checksum_invariant)

    def find_acknowledged(self, acknowledged: int) -> Probe[RunT] | None:
        """Return the TCP probe that a SYN/ACK or RST acknowledges, with or without its data."""
        for length in self._data_lengths:
            probe = self._by_key.get((Protocol.TCP, (acknowledged - length) & 0xFFFFFFFF))
            if probe is not None and length in (0, probe.tcp_data_length):
                return probe
        return None

    def by_age(self) -> Iterator[Probe[RunT]]:
        """Iterate over all probes, oldest first."""
        return iter(self._by_age)

    def lost_since(self, time: int) -> Iterator[Probe[RunT]]:
        """Iterate over the lost probes that left after `time` (monotonic ns)."""
        young = takewhile(lambda probe: probe.monotonic > time, reversed(self._by_age))
        return (probe for probe in young if probe.state is ProbeState.LOST)

    def forget_old(self, now: int) -> None:
        """Remove decided probes that left more than `KEEP_DECIDED` before `now` (monotonic ns)."""
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
            invariant = _checksum_invariant(probe)
            if self._by_checksum_invariant.get(invariant) is probe:
                del self._by_checksum_invariant[invariant]


def _checksum_invariant(probe: Probe[RunT]) -> int:
    return (sum(probe.flow) + probe.key) % 0xFFFF
