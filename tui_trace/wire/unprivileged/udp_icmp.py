"""Probes without rights that are datagrams: UDP, and ICMP echo by icmp(7)'s sockets."""

import socket
import struct
from typing import NamedTuple

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import FlowMode, Protocol
from tui_trace.wire.network import ProbeSpec, SendStamp
from tui_trace.wire.packets import decoder
from tui_trace.wire.packets.builder import ones_sum
from tui_trace.wire.unprivileged.error_queue import Datagram, Failure, Sending
from tui_trace.wire.unprivileged.probe_socket import EgressRoute, ProbeSocket
from tui_trace.wire.unprivileged.socket_pool import BATCH, ProbeSockets

_MAX_ECHOING = 32
"""ICMP sockets: one for each flow and way to leave."""
_ECHO = struct.Struct("!BBHHHH")
_ONES = 0xFFFF


class Route(NamedTuple):
    """How probes of some settings leave."""

    way: EgressRoute
    source: str
    """The address that they carry."""


class _Datagrams:
    """What UDP and ICMP have in common."""

    def __init__(self, hub: ProbeSockets) -> None:
        self._hub = hub
        self._asks_scheduler = True

    def take(self, slot: ProbeSocket, wall: int) -> None:  # noqa: ARG002
        """Read what a socket has."""
        taken = self._take_errors(slot)
        for _ in range(BATCH):
            datagram = self._hub.sockets.read(slot.sock, self._hub.dialect)
            if datagram is None:
                break
            taken = True
            self._answered(slot, datagram)
        if not taken:
            # an error whose entry found no room in the queue would wake us for ever
            slot.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def _leave(self, slot: ProbeSocket, probe: ProbeSpec, message: bytes, port: int) -> None:
        slot.dress(probe.settings, probe.ttl)
        slot.stamp(self._asks_scheduler)
        place = self._hub.dialect.place(self._hub.address, port, slot.way.interface)
        for _ in range(BATCH):
            try:
                slot.sock.sendto(message, place)
                break
            except OSError:
                # an error that came for an earlier probe fails this send once
                if not self._take_errors(slot):
                    raise
        # the stamp is there already, as a rule: taken now, it wakes nobody
        self._take_errors(slot)

    def _take_errors(self, slot: ProbeSocket) -> bool:
        """True if the network sent some."""
        failed = False
        for entry in self._hub.errors(slot):
            if isinstance(entry, Sending):
                self._stamped(slot, entry)
            else:
                failed = True
                self._failed(slot, entry)
        return failed

    def _stamped(self, slot: ProbeSocket, sending: Sending) -> None:
        key = self._key_of_sending(slot, sending)
        flow = self._hub.flow(slot.protocol, key)
        if key is not None and flow is not None:
            stamp = SendStamp(slot.protocol, flow, key, sending.stamp, sending.wall)
            self._hub.sent.append(stamp)
            # the scheduler's stand in where a driver takes none, and cost as much as the rest
            if sending.stamp is Stamp.KERNEL:
                self._asks_scheduler = False

    def _key_of_sending(self, slot: ProbeSocket, sending: Sending) -> int | None:
        raise NotImplementedError

    def _failed(self, slot: ProbeSocket, failure: Failure) -> None:
        raise NotImplementedError

    def _answered(self, slot: ProbeSocket, datagram: Datagram) -> None:
        raise NotImplementedError


class Udp(_Datagrams):
    """Each probe has a socket of its own until it is decided. Its payload begins with its key."""

    def send(self, probe: ProbeSpec, route: Route, now: int) -> None:
        """Send one; `SendError` or `OSError`."""
        pool = self._hub.pool
        while (old := pool.outlived(now)) is not None:
            self._hub.remove(old)
        is_same_flow = probe.settings.flow is not FlowMode.VARY
        slot = pool.take(route.way) if is_same_flow else None
        slot = slot or self._hub.add(Protocol.UDP, route.way, now)
        slot.carried = probe
        pool.carry(slot, now)
        length = probe.settings.size - self._hub.dialect.header - 8
        message = probe.key.to_bytes(2, "big") + bytes([probe.settings.payload_byte]) * (length - 2)
        try:
            self._leave(slot, probe, message, probe.flow[1])
        except OSError:
            pool.give_back(slot)
            raise

    def _key_of_sending(self, slot: ProbeSocket, sending: Sending) -> int | None:  # noqa: ARG002
        return slot.carried.key if slot.carried else None

    def _failed(self, slot: ProbeSocket, failure: Failure) -> None:
        """The key tells the probe where it is quoted. Where it is not, the socket does.

        Such a socket stays with its probe: the same error again would be taken for the next one's.
        """
        last = slot.carried
        if len(failure.data) >= 2:
            key = int.from_bytes(failure.data[:2], "big")
            if last is not None and key == last.key:
                self._hub.pool.give_back(slot)
        elif last is not None:
            key = last.key
        else:
            return
        flow = self._hub.flow(Protocol.UDP, key)
        if flow is not None and flow[1] == failure.port:
            self._hub.answer_of_router(Protocol.UDP, flow, key, failure)

    def _answered(self, slot: ProbeSocket, datagram: Datagram) -> None:
        """The socket stays with this probe, too: it may be answered again."""
        probe = slot.carried
        if probe is None or (datagram.address, datagram.port) != (
            self._hub.address,
            probe.flow[1],
        ):
            return
        self._hub.answer_of_target(
            probe, ReplyKind.UDP, datagram.wall, datagram.stamp, datagram.ttl
        )


class Icmp(_Datagrams):
    """All probes of a flow leave from one socket, whose identifier the kernel picked."""

    def __init__(self, hub: ProbeSockets) -> None:
        """Nothing is open yet."""
        super().__init__(hub)
        self._slots: dict[tuple[int, EgressRoute], ProbeSocket] = {}
        self._pairs: dict[bytes, None] = {}
        is_4 = hub.dialect.version == 4
        self._header_of_addresses = 12 if is_4 else 8
        self._quote = decoder.quote4 if is_4 else decoder.quote6
        self._decode = decoder.decode_icmpv4 if is_4 else decoder.decode_icmpv6

    def send(self, probe: ProbeSpec, route: Route, now: int) -> None:
        """Send one; `SendError` or `OSError`."""
        place = probe.flow[0], route.way
        slot = self._slots.get(place)
        if slot is None:
            if len(self._slots) >= _MAX_ECHOING:
                self._hub.remove(self._slots.pop(next(iter(self._slots))))
            slot = self._slots[place] = self._hub.add(Protocol.ICMP, route.way, now)
        addresses = socket.inet_pton(self._hub.dialect.af, route.source) + self._hub.packed
        self._pairs[addresses] = None
        self._leave(slot, probe, self._request(probe, slot.port, addresses), 0)

    def close(self) -> None:
        """The hub has closed the sockets."""
        self._slots.clear()

    def _request(self, probe: ProbeSpec, identifier: int, addresses: bytes) -> bytes:
        """An echo request with two bytes that make its checksum, the kernel's work, the flow's."""
        dialect = self._hub.dialect
        length = probe.settings.size - dialect.header
        rest = bytes([probe.settings.payload_byte]) * (length - _ECHO.size)
        total = (dialect.echo << 8) + identifier + probe.flow[1] + probe.key + ones_sum(rest)
        if dialect.version == 6:  # RFC 4443 §2.3
            total += ones_sum(addresses) + length + dialect.icmp
        return _ECHO.pack(dialect.echo, 0, 0, identifier, probe.key, -total % _ONES) + rest

    def _key_of_sending(self, slot: ProbeSocket, sending: Sending) -> int | None:  # noqa: ARG002
        """A link header of unknown length comes first: our addresses show where IP begins."""
        for addresses in self._pairs:
            start = sending.data.find(addresses) - self._header_of_addresses
            if start >= 0:
                quote = self._quote(sending.data, start)
                return quote.key if quote else None
        return None

    def _failed(self, slot: ProbeSocket, failure: Failure) -> None:  # noqa: ARG002
        if len(failure.data) < 8:
            return
        key = int.from_bytes(failure.data[6:8], "big")
        flow = self._hub.flow(Protocol.ICMP, key)
        if flow is not None:
            self._hub.answer_of_router(Protocol.ICMP, flow, key, failure)

    def _answered(self, slot: ProbeSocket, datagram: Datagram) -> None:  # noqa: ARG002
        address, _, data, wall, stamp, ttl, whole = datagram
        answer = self._decode(decoder.Received(data, 0, address, ttl, wall, stamp, whole))
        flow = self._hub.flow(Protocol.ICMP, answer.key) if answer else None
        if answer is not None and flow is not None:
            self._hub.answers.append(answer._replace(flow=flow))
