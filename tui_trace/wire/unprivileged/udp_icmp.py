"""UDP and ICMP echo probes without rights: datagram sockets, of icmp(7) for ICMP."""

import abc
import socket
import struct
from typing import NamedTuple

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import FlowMode, Protocol
from tui_trace.wire.egress_route import EgressRoute
from tui_trace.wire.linux import socket_address
from tui_trace.wire.network import Answer, OutgoingProbe
from tui_trace.wire.packets import decoder
from tui_trace.wire.packets.checksum import ONES_COMPLEMENT_MODULUS, ones_sum
from tui_trace.wire.packets.icmp_class import ECHO_REQUEST
from tui_trace.wire.packets.quic_packet import (
    ConnectionIds,
    ids_of_probe,
    initial_packet,
    read_version_negotiation,
)
from tui_trace.wire.packets.received_packet import ReceivedPacket
from tui_trace.wire.unprivileged.error_queue import Datagram, QueuedIcmpError, QueuedStamp
from tui_trace.wire.unprivileged.probe_socket import ProbeSocket
from tui_trace.wire.unprivileged.socket_pool import BATCH, ProbeSockets

_MAX_ICMP_SOCKETS = 32
"""ICMP sockets: one for each flow and route."""
_ECHO_HEADER = struct.Struct("!BBHHHH")


class Route(NamedTuple):
    """How the probes of some settings leave."""

    egress: EgressRoute
    source: str
    """The address that they carry."""


class _Datagrams(abc.ABC):
    """The sending and receiving that UDP and ICMP have in common."""

    def __init__(self, pool: ProbeSockets) -> None:
        self._pool = pool
        self._wants_scheduler_stamps = True

    def take(self, probe_socket: ProbeSocket, wall: int) -> None:  # noqa: ARG002
        """Read all that a socket has received."""
        taken = self._take_errors(probe_socket)
        for _ in range(BATCH):
            datagram = self._pool.user_sockets.read(probe_socket.sock, self._pool.ip)
            if datagram is None:
                break
            taken = True
            self._answered(probe_socket, datagram)
        if not taken:
            # an error whose entry did not fit in the queue would wake us again and again
            probe_socket.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def _leave(
        self, probe_socket: ProbeSocket, probe: OutgoingProbe, message: bytes, port: int
    ) -> None:
        probe_socket.apply_settings(probe.settings, probe.ttl)
        probe_socket.stamp(self._wants_scheduler_stamps)
        place = socket_address(
            self._pool.ip, self._pool.address, port, probe_socket.egress.interface
        )
        for _ in range(BATCH):
            try:
                probe_socket.sock.sendto(message, place)
                break
            except OSError:
                # an ICMP error for an earlier probe makes this send fail once
                if not self._take_errors(probe_socket):
                    raise
        # usually the stamp is there already: read now, it does not end a later wait
        self._take_errors(probe_socket)

    def _take_errors(self, probe_socket: ProbeSocket) -> bool:
        """Read the error queue; return whether it held ICMP errors."""
        failed = False
        for entry in self._pool.errors(probe_socket):
            if isinstance(entry, QueuedStamp):
                self._stamped(probe_socket, entry)
            else:
                failed = True
                self._failed(probe_socket, entry)
        return failed

    def _stamped(self, probe_socket: ProbeSocket, sending: QueuedStamp) -> None:
        key = self._key_of_sending(probe_socket, sending)
        probe = self._pool.find(probe_socket.protocol, key)
        if probe is not None:
            probe.wall, probe.stamp = sending.wall, sending.stamp
            # the scheduler's stamps cost as much as the rest: not needed if the driver takes any
            if sending.stamp is Stamp.KERNEL:
                self._wants_scheduler_stamps = False

    def _add_router_reply(self, probe: OutgoingProbe, failure: QueuedIcmpError) -> None:
        reply = self._pool.router_reply(probe, failure)
        if reply is not None:
            self._pool.answers.append(Answer(probe, reply))

    @abc.abstractmethod
    def _key_of_sending(self, probe_socket: ProbeSocket, sending: QueuedStamp) -> int | None:
        """Return the key of the probe that a stamp is of; None if that cannot be told."""

    @abc.abstractmethod
    def _failed(self, probe_socket: ProbeSocket, failure: QueuedIcmpError) -> None:
        """Take in an ICMP error for a probe of this socket."""

    @abc.abstractmethod
    def _answered(self, probe_socket: ProbeSocket, datagram: Datagram) -> None:
        """Take in what the target sent to this socket."""


class UdpSender(_Datagrams):
    """UDP probes: each has its own socket until it is decided.

    Its payload begins with its key, that of QUIC has it in the connection IDs.
    """

    def __init__(self, pool: ProbeSockets) -> None:
        super().__init__(pool)
        self._connection_ids = ConnectionIds()

    def send(self, probe: OutgoingProbe, route: Route, now: int) -> None:
        """Send one probe; `SendError` or `OSError` if this machine refuses."""
        idle = self._pool.idle
        while (old := idle.take_expired(now)) is not None:
            self._pool.remove(old)
        is_same_flow = probe.settings.flow is not FlowMode.VARY
        probe_socket = idle.take(route.egress) if is_same_flow else None
        probe_socket = probe_socket or self._pool.add(Protocol.UDP, route.egress, now)
        probe_socket.last_probe = probe
        idle.carry(probe_socket, now)
        try:
            self._leave(probe_socket, probe, self._payload(probe), probe.flow[1])
        except OSError:
            idle.give_back(probe_socket)
            raise

    def _payload(self, probe: OutgoingProbe) -> bytes:
        settings, key = probe.settings, probe.key
        length = settings.size - self._pool.ip.header_length - 8
        if settings.protocol is Protocol.QUIC:
            return initial_packet(self._connection_ids.of(key), length, settings.payload_byte)
        return key.to_bytes(2, "big") + bytes([settings.payload_byte]) * (length - 2)

    def _quoted_key(self, payload: bytes, last: OutgoingProbe | None) -> int | None:
        """Return the key in the payload of a probe; None if it is cut short before that, 0, which
        no probe has, if it is none of ours.
        """
        ids = ids_of_probe(payload)
        if ids is not None:
            return self._connection_ids.key_of(ids) or 0
        # up to its IDs, a probe of QUIC begins as all others do
        is_quic = last is not None and last.settings.protocol is Protocol.QUIC
        return None if is_quic or len(payload) < 2 else int.from_bytes(payload[:2], "big")

    def _key_of_sending(self, probe_socket: ProbeSocket, sending: QueuedStamp) -> int | None:  # noqa: ARG002
        return probe_socket.last_probe.key if probe_socket.last_probe else None

    def _failed(self, probe_socket: ProbeSocket, failure: QueuedIcmpError) -> None:
        """Add the reply of an ICMP error.

        If the key is quoted, it identifies the probe; if not, the socket does. Such a socket is not
        freed: the same error, if repeated, would be credited to the next probe.
        """
        last = probe_socket.last_probe
        key = self._quoted_key(failure.data, last)
        if key is not None:
            if last is not None and key == last.key:
                self._pool.idle.give_back(probe_socket)
        elif last is not None:
            key = last.key
        else:
            return
        probe = self._pool.find(Protocol.UDP, key)
        if probe is not None and probe.flow[1] == failure.port:
            self._add_router_reply(probe, failure)

    def _answered(self, probe_socket: ProbeSocket, datagram: Datagram) -> None:
        """Add the target's reply. The socket is not freed: a duplicate may follow.

        A Version Negotiation names the probe of QUIC that it answers, so it frees the socket.
        """
        probe, last = probe_socket.last_probe, probe_socket.last_probe
        kind = ReplyKind.UDP
        versions: tuple[int, ...] = ()
        if last is not None and last.settings.protocol is Protocol.QUIC:
            told = read_version_negotiation(datagram.data)
            if told is not None:
                probe = self._pool.find(Protocol.UDP, self._connection_ids.key_of(told.ids))
                kind, versions = ReplyKind.VERSION_NEGOTIATION, told.versions
        if probe is None or (datagram.address, datagram.port) != (
            self._pool.address,
            probe.flow[1],
        ):
            return
        if kind is ReplyKind.VERSION_NEGOTIATION and probe is last:
            self._pool.idle.give_back(probe_socket)
        reply = self._pool.target_reply(
            probe, kind, datagram.wall, datagram.stamp, datagram.ttl, versions=versions
        )
        self._pool.answers.append(Answer(probe, reply))


class IcmpSender(_Datagrams):
    """ICMP probes: all of a flow leave from one socket, whose identifier the kernel picked."""

    def __init__(self, pool: ProbeSockets) -> None:
        super().__init__(pool)
        self._probe_sockets: dict[tuple[int, EgressRoute], ProbeSocket] = {}
        self._address_pairs: dict[bytes, None] = {}
        is_4 = pool.ip.version == 4
        self._echo_request = ECHO_REQUEST[pool.ip.version]
        self._header_of_addresses = 12 if is_4 else 8
        self._quote = decoder.quote4 if is_4 else decoder.quote6
        self._decode = decoder.decode_icmpv4 if is_4 else decoder.decode_icmpv6

    def send(self, probe: OutgoingProbe, route: Route, now: int) -> None:
        """Send one probe; `SendError` or `OSError` if this machine refuses."""
        place = probe.flow[0], route.egress
        probe_socket = self._probe_sockets.get(place)
        if probe_socket is None:
            if len(self._probe_sockets) >= _MAX_ICMP_SOCKETS:
                self._pool.remove(self._probe_sockets.pop(next(iter(self._probe_sockets))))
            probe_socket = self._probe_sockets[place] = self._pool.add(
                Protocol.ICMP, route.egress, now
            )
        addresses = socket.inet_pton(self._pool.ip.af, route.source) + self._pool.packed_address
        self._address_pairs[addresses] = None
        self._leave(probe_socket, probe, self._request(probe, probe_socket.port, addresses), 0)

    def close(self) -> None:
        """Forget the sockets; the pool has closed them."""
        self._probe_sockets.clear()

    def _request(self, probe: OutgoingProbe, identifier: int, addresses: bytes) -> bytes:
        """Return an echo request; two bytes of it make the checksum, which the kernel computes.

        The checksum is then what the flow says.
        """
        ip, echo = self._pool.ip, self._echo_request
        length = probe.settings.size - ip.header_length
        rest = bytes([probe.settings.payload_byte]) * (length - _ECHO_HEADER.size)
        total = (echo << 8) + identifier + probe.flow[1] + probe.key + ones_sum(rest)
        if ip.version == 6:  # RFC 4443 §2.3
            total += ones_sum(addresses) + length + ip.icmp
        return (
            _ECHO_HEADER.pack(echo, 0, 0, identifier, probe.key, -total % ONES_COMPLEMENT_MODULUS)
            + rest
        )

    def _key_of_sending(self, probe_socket: ProbeSocket, sending: QueuedStamp) -> int | None:  # noqa: ARG002
        """Find the IP header by its addresses: a link header of unknown length comes first."""
        for addresses in self._address_pairs:
            start = sending.data.find(addresses) - self._header_of_addresses
            if start >= 0:
                quote = self._quote(sending.data, start)
                return quote.key if quote else None
        return None

    def _failed(self, probe_socket: ProbeSocket, failure: QueuedIcmpError) -> None:  # noqa: ARG002
        if len(failure.data) < 8:
            return
        key = int.from_bytes(failure.data[6:8], "big")
        probe = self._pool.find(Protocol.ICMP, key)
        if probe is not None:
            self._add_router_reply(probe, failure)

    def _answered(self, probe_socket: ProbeSocket, datagram: Datagram) -> None:  # noqa: ARG002
        address, _, data, wall, stamp, ttl, whole = datagram
        answer = self._decode(ReceivedPacket(data, 0, address, ttl, wall, stamp, whole))
        probe = self._pool.find(Protocol.ICMP, answer.key) if answer else None
        if answer is not None and probe is not None:
            self._pool.answers.append(Answer(probe, answer))
