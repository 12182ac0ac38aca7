"""The probes that the wire sent, by the fields of a reply that lead back to them."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from tui_trace.core.settings import NS_PER_S, Protocol
from tui_trace.wire.linux import IP_VERSIONS
from tui_trace.wire.network import OutgoingProbe, ProbeT
from tui_trace.wire.packets.probe_protocol import ProbeProtocol

KEEP_TIME = 60 * NS_PER_S
"""How long (ns) a probe is kept, to tell late and duplicate replies from foreign ones."""
MAX_PROBES = 65_000
"""Probes that are kept: IDs of 16 bits repeat after 65,535."""

HEADER_LENGTH = {version: ip.header_length for version, ip in IP_VERSIONS.items()}
"""Bytes of the IP header of our own packets, by IP version."""

T = TypeVar("T")

_IP = Protocol.IP
_ALL = list(Protocol)
_CODES = {protocol._value_: _ALL.index(protocol.transport) << 32 for protocol in Protocol}
"""Each protocol's range of keys. QUIC has that of UDP."""


def _slot(protocol: Protocol, number: int) -> int:
    return _CODES[protocol._value_] | number


class SentProbes(Generic[ProbeT]):
    """Finds a probe for as long as a reply to it may come."""

    def __init__(self) -> None:
        """Begin without any probe."""
        self._by_key: dict[int, ProbeT] = {}
        self._by_ip_id: dict[int, ProbeT] = {}
        self._by_port: dict[int, ProbeT] = {}
        self._by_copy: dict[bytes, ProbeT] = {}
        self._by_nat_sum: dict[int, ProbeT] = {}
        self._by_number: dict[int, ProbeT] = {}
        self._by_age: deque[tuple[ProbeT, ProbeProtocol]] = deque()

    def add(self, probe: ProbeT, protocol: ProbeProtocol) -> None:
        """Keep a probe that is about to leave, and forget those that are too old or too many.

        It replaces a probe with the same key, from a full cycle of keys ago.
        """
        ages = self._by_age
        while ages and (
            probe.monotonic - ages[0][0].monotonic > KEEP_TIME or len(ages) >= MAX_PROBES
        ):
            self._forget(*ages.popleft())
        name = probe.settings.protocol
        slot = _CODES[name._value_]
        self._by_key[slot | probe.key] = probe
        if probe.data_length:
            self._by_key[slot | _after_data(probe)] = probe
        self._by_ip_id[probe.ip_id] = probe
        self._by_port[slot | probe.flow[0]] = probe
        if name is _IP:
            self._by_number[probe.settings.number] = probe
        if protocol.key_is_checksum:
            start = HEADER_LENGTH[protocol.family]
            self._by_copy[protocol.secret_copy(probe.packet, start)] = probe
            self._by_nat_sum[protocol.nat_sum(probe.packet, start) or 0] = probe
        ages.append((probe, protocol))

    def remove_last(self) -> None:
        """Forget the probe that was added last: it could not leave."""
        self._forget(*self._by_age.pop())

    def _forget(self, probe: ProbeT, protocol: ProbeProtocol) -> None:
        name = probe.settings.protocol
        keys = [_slot(name, probe.key)]
        if probe.data_length:
            keys.append(_slot(name, _after_data(probe)))
        for key in keys:
            _drop(self._by_key, key, probe)
        _drop(self._by_ip_id, probe.ip_id, probe)
        _drop(self._by_port, _slot(name, probe.flow[0]), probe)
        _drop(self._by_number, probe.settings.number, probe)
        if protocol.key_is_checksum:
            start = HEADER_LENGTH[protocol.family]
            _drop(self._by_copy, protocol.secret_copy(probe.packet, start), probe)
            _drop(self._by_nat_sum, protocol.nat_sum(probe.packet, start) or 0, probe)

    def by_key(self, protocol: Protocol, key: int) -> ProbeT | None:
        """Return the probe with this key; of TCP, also the one whose data this number is behind."""
        return self._by_key.get(_CODES[protocol._value_] | key)

    def by_port(self, protocol: Protocol, port: int) -> ProbeT | None:
        """Return the latest probe that was sent from this port."""
        return self._by_port.get(_slot(protocol, port))

    def by_copy(self, copy: bytes) -> ProbeT | None:
        """Return the probe with this copy of a secret (`ProbeProtocol.secret_copy`)."""
        return self._by_copy.get(copy)

    def by_number(self, number: int) -> ProbeT | None:
        """Return the latest probe of this IP protocol, of those that have no ports."""
        return self._by_number.get(number)

    def candidates(self, protocol: ProbeProtocol, quote: bytes, start: int) -> Iterator[ProbeT]:
        """Yield the probes that agree with a quote in a field that may identify them.

        `start` is the offset of the transport header in the quote. The key comes after what NAT
        leaves alone, because NAT may have turned the key into another probe's.
        """
        name = protocol.protocol
        copy = protocol.secret_copy(quote, start)
        flow_and_key = protocol.flow_and_key(quote, start)
        found = [
            self._by_ip_id.get(int.from_bytes(quote[4:6], "big")) if protocol.family == 4 else None
        ]
        if protocol.key_is_checksum:
            found += [
                self._by_copy.get(copy),
                self._by_nat_sum.get(protocol.nat_sum(quote, start) or 0),
            ]
        elif copy:
            found.append(self.by_key(name, int.from_bytes(copy, "big")))
        if flow_and_key is not None:
            (source, _), key = flow_and_key
            found += [self.by_key(name, key), self.by_port(name, source)]
        for probe in found:
            if probe is not None and probe.settings.protocol.transport is name:
                yield probe


def _after_data(probe: OutgoingProbe) -> int:
    return (probe.key + probe.data_length) & 0xFFFF_FFFF


def _drop(index: dict[T, ProbeT], key: T, probe: ProbeT) -> None:
    if index.get(key) is probe:
        del index[key]
