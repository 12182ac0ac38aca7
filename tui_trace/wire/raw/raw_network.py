"""The network of one target, through raw sockets."""

import contextlib
import errno
import os
import random
import select
import socket
import time
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from tui_trace.core.events import Stamp
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire import linux
from tui_trace.wire.egress_route import EgressRoute, find_egress, interface_index, route_query
from tui_trace.wire.linux import IP_VERSIONS
from tui_trace.wire.network import (
    NOTHING_QUOTED,
    Egress,
    ProbeSpec,
    QuoteDetails,
    ReceivedReply,
    SendError,
    SendStamp,
)
from tui_trace.wire.packets import builder, decoder, icmp_extensions, quote_diff
from tui_trace.wire.packets.decoder import EXTENSIONS
from tui_trace.wire.packets.probe_protocol import ProbeProtocol
from tui_trace.wire.packets.received_packet import ReceivedPacket
from tui_trace.wire.packets.registry import PROBE_PROTOCOLS
from tui_trace.wire.raw import bpf
from tui_trace.wire.raw.next_hop import NextHop, find_next_hop
from tui_trace.wire.raw.sockets import Family, LoopedPacket, RawSockets, read_sent
from tui_trace.wire.send_errors import refusal

_MAX_ROUTES = 64
"""Settings whose templates are kept."""

_MAX_READS = 512
"""Packets that one `receive` takes from each socket, so that the engine can send in a flood."""

_Decoder: TypeAlias = Callable[[ReceivedPacket], ReceivedReply | None]


class _Route(NamedTuple):
    """How the probes of some settings leave."""

    egress: EgressRoute
    source: str
    """The address that they carry."""
    next_hop: NextHop
    template: builder.Template


class RawNetwork:
    """Implement `tui_trace.wire.network.Network`. A process's sockets serve one at a time."""

    def __init__(
        self,
        sockets: RawSockets,
        target_address: str,
        family: int,
        interface: str | None = None,
        source: str | None = None,
    ) -> None:
        """Open nothing yet. `interface` and `source` are used where the settings name none.

        `target_address` may carry a scope (`fe80::1%eth0`). `SendError` if the machine does not
        have the `family` (4 or 6).
        """
        if family not in sockets.families:
            raise SendError(errno.EAFNOSUPPORT, f"this machine has no IPv{family}")
        self.family = family
        address, _, scope = target_address.partition("%")
        self._ip = IP_VERSIONS[family]
        self._packed_address = socket.inet_pton(self._ip.af, address)
        # in the form of RFC 5952, as it stands in replies
        self.address = socket.inet_ntop(self._ip.af, self._packed_address)
        self._interface = interface or scope or None
        self._source = source
        self._sockets = sockets
        self._raw: Family = sockets.families[family]
        self._protocols = PROBE_PROTOCOLS[family]
        self._sender = self._raw.sender
        self._header_of_addresses = 12 if family == 4 else 8
        self._has_scheduler_stamps = False
        self._label = random.SystemRandom().randrange(1, 1 << 20)
        self._routes: dict[ProbeSettings, _Route] = {}
        self._settings: ProbeSettings | None = None
        self._route: _Route
        self._addresses: dict[bytes, None] = {}
        self._current_source = ""
        self._applied: tuple[str, int, int, bool] | None = None
        self._ports: dict[tuple[Protocol, int], socket.socket] = {}
        self._pending_stamps: list[SendStamp] = []
        self._watched: tuple[str, int] | None = None
        """Source address and IP protocol of the datagrams that the packet socket lets in."""
        decode_icmp = decoder.decode_icmpv4 if family == 4 else decoder.decode_icmpv6
        self._receivers: dict[int, tuple[socket.socket, _Decoder]] = {
            self._raw.icmp.fileno(): (self._raw.icmp, decode_icmp),
            self._raw.tcp.fileno(): (self._raw.tcp, self._protocols[Protocol.TCP].decode_reply),
            self._raw.udp.fileno(): (self._raw.udp, self._protocols[Protocol.UDP].decode_reply),
        }
        self._set_packet_decoder(self._protocols[Protocol.IP])
        self._quote = decoder.quote4 if family == 4 else decoder.quote6
        self._waiting = [*self._receivers, sockets.wake]
        self._poll = select.poll()
        for handle in self._waiting:
            self._poll.register(handle, select.POLLIN)
        self._sender_handle = self._sender.fileno()
        # no events asked for: what is reported is POLLERR, the error queue
        self._poll.register(self._sender_handle, 0)

    def open(self) -> None:
        """Let packets in from now on. `close` comes before another target's `open`."""
        self._let_nothing_in()
        bpf.EVERYTHING.attach(self._raw.icmp)

    def monotonic(self) -> int:
        """Return nanoseconds that only move forward."""
        return time.monotonic_ns()

    def wall(self) -> int:
        """Return nanoseconds since 1970 by CLOCK_REALTIME, as the kernel's stamps are."""
        return time.time_ns()

    def egress(self, settings: ProbeSettings) -> Egress:
        """Return how probes of these settings leave now. See `Network`.

        The interface's index is looked up each time: an interface may be created again under its
        old name.
        """
        protocol = self._protocols[settings.protocol]
        number = protocol.number(settings)
        if self.family == 6 and number in EXTENSIONS:
            reason = f"IP protocol {number} is an extension header in IPv6, not a protocol"
            raise SendError(errno.EPROTONOSUPPORT, reason)
        index = interface_index(settings.interface or self._interface)
        bound = "" if settings.spoofed_source else settings.source or self._source or ""
        egress = EgressRoute(bound, index)
        mark = self._sender.getsockopt(socket.SOL_SOCKET, socket.SO_MARK)
        found = find_egress(self._ip, self.address, settings, egress, mark)
        if settings.spoofed_source:
            found = found._replace(source=settings.source or found.source)
        source = found.source
        query = route_query(self._ip, self.address, settings, egress, mark)
        owner = os.fstat(self._sender_handle).st_uid
        next_hop = find_next_hop(self._ip, query, found, owner)
        known = self._routes.get(settings)
        if known is None or (known.next_hop, known.source) != (next_hop, source):
            self._stamp_at_scheduler(True)
        if known is not None and known.source == source:
            template = known.template
        else:
            template = builder.Template(settings, source, self.address, self.family, self._label)
            self._addresses[socket.inet_pton(self._ip.af, source) + self._packed_address] = None
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        self._current_source = source
        if not protocol.has_raw_socket:
            self._watch(source, protocol, number)
        self._routes[settings] = _Route(egress, source, next_hop, template)
        self._settings = None
        return found

    def reserve_port(self, protocol: Protocol, port: int | None = None) -> int:
        """Reserve a source port by a bound socket; without ports, any identifier. See `Network`.

        The kernel answers a SYN/ACK with RST, because no socket listens on the port; it drops what
        comes to a UDP port silently. A port below 1024 is used without being reserved: the right to
        bind it is given up by then (ip(7), net.ipv4.ip_unprivileged_port_start). If a program
        listens there, the kernel answers a SYN/ACK with RST all the same.
        """
        port_socket = self._protocols[protocol].port_socket
        if port_socket is None:
            return port or random.SystemRandom().randrange(1, 1 << 16)
        if port is not None and (protocol, port) in self._ports:
            return port
        is_tcp = protocol is Protocol.TCP
        holder = socket.socket(self._ip.af, port_socket)
        try:
            if self.family == 6:
                holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if not is_tcp:
                bpf.NOTHING.attach(holder)
            holder.bind(("", port or 0))
        except OSError as error:
            number = error.errno or 0
            if number != errno.EACCES or port is None:
                holder.close()
                is_used = number == errno.EADDRINUSE
                reason = f"source port {port} is in use" if is_used else os.strerror(number)
                raise SendError(number, reason) from None
        taken = port or int(holder.getsockname()[1])
        self._ports[protocol, taken] = holder
        ours = [number for each, number in self._ports if each is protocol]
        program = bpf.from_target(self.address, self.family, ours, is_tcp)
        program.attach(self._raw.tcp if is_tcp else self._raw.udp)
        return taken

    def data_length(self, settings: ProbeSettings) -> int:
        """Return the bytes that an RST may acknowledge beyond a probe's key."""
        return self._protocols[settings.protocol].data_length(settings)

    def send(self, probe: ProbeSpec) -> None:
        """Send one probe; `SendError` if this machine's kernel refuses."""
        settings, ttl, flow, key, ip_id = probe
        if settings is not self._settings:
            self._prepare(settings)
        route = self._route
        packet = route.template.probe(ttl, flow, key, ip_id)
        try:
            self._sender.sendto(packet, route.next_hop.flags, route.next_hop.address)
        except OSError as error:
            raise self._refusal(error, route.egress.source) from None

    def receive(self, timeout: int) -> tuple[list[SendStamp], list[ReceivedReply]]:
        """Wait at most `timeout` ns for replies, and return all that came. See `Network`.

        Send stamps do not end the wait.
        """
        sent: list[SendStamp] = self._pending_stamps
        self._pending_stamps = []
        replies: list[ReceivedReply] = []
        if timeout > 0:
            # poll(2) and epoll wait in whole milliseconds
            select.select(self._waiting, (), (), timeout / 1e9)
        ready = self._poll.poll(0)
        # The last poll finds nothing. So the stamp of a probe, which was queued before the reply
        # came, has been read when the reply is handed over.
        reads = 0
        while ready and reads < _MAX_READS:
            for handle, _ in ready:
                self._take(handle, sent, replies)
            ready = self._poll.poll(0)
            reads += 1
        if ready:
            self._take_stamps(sent)
        return sent, replies

    def quoted(self, probe: ProbeSpec, reply: ReceivedReply) -> QuoteDetails:
        """Return what a reply with a `message` says about the probe that was sent."""
        settings, _, flow, key, ip_id = probe
        route = self._route if settings is self._settings else self._routes.get(settings)
        if route is None:
            return NOTHING_QUOTED
        quote, extension = icmp_extensions.split_extensions(reply.message, self.family)
        sent = route.template.probe(reply.quoted_ttl or 0, flow, key, ip_id)
        extensions = icmp_extensions.decode_extensions(extension) if extension else ((), ())
        if quote_diff.is_as_sent(sent, quote, self.family):
            is_whole = len(quote) >= len(sent)
            if is_whole and not extension:
                return NOTHING_QUOTED
            return QuoteDetails((), None if is_whole else len(quote), True, *extensions)
        ends = slice(self._header_of_addresses, 20 if self.family == 4 else 40)
        if quote[ends] != sent[ends] and quote[ends] in self._addresses:
            # sent before the route changed to another address of ours, with another template
            return QuoteDetails((), None, False, *extensions)
        return QuoteDetails(*quote_diff.diff_quote(bytes(sent), quote, self.family), *extensions)

    def wake(self) -> None:
        """End a `receive` early; for any thread, and for signal handlers."""
        os.eventfd_write(self._sockets.wake, 1)

    def close(self) -> None:
        """Free the reserved ports, and let no packets in any more."""
        self._let_nothing_in()
        for holder in self._ports.values():
            holder.close()
        self._ports.clear()

    def _let_nothing_in(self) -> None:
        self._raw.let_nothing_in()
        self._sockets.watch(self.family, None)
        self._watched = None

    def _watch(self, source: str, protocol: ProbeProtocol, number: int) -> None:
        """Let in the target's packets of this protocol.

        Not where this machine is the target: our own probes would come back.
        """
        if source != self.address and (source, number) != self._watched:
            program = bpf.datagrams(self.address, source, self.family, number)
            self._sockets.watch(self.family, program)
            self._set_packet_decoder(protocol)
            self._watched = source, number

    def _set_packet_decoder(self, protocol: ProbeProtocol) -> None:
        packets = self._sockets.packets
        if packets is not None:
            self._receivers[packets.fileno()] = packets, protocol.decode_reply

    def _take(self, handle: int, sent: list[SendStamp], replies: list[ReceivedReply]) -> None:
        """Read one packet or stamp from a socket that is ready."""
        if handle == self._sender_handle:
            looped = read_sent(self._sender)
            if isinstance(looped, LoopedPacket):
                self._add_stamp(looped, sent)
        elif handle == self._sockets.wake:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(handle)
        else:
            receiver, decode = self._receivers[handle]
            packet = self._sockets.read(receiver, self.family)
            reply = None if packet is None else decode(packet)
            if reply is not None:
                if reply.message and self._is_readdressed(reply):
                    reply = quote_diff.undo_nat(reply, self._current_source, self.address)
                replies.append(reply)

    def _is_readdressed(self, reply: ReceivedReply) -> bool:
        """Return whether NAT changed the quoted addresses, and a checksum with them."""
        if self.family == 6 and self._protocols[reply.protocol].key_is_checksum:
            # another address of ours: the probe left before the route changed
            return reply.message[quote_diff.QUOTED_ADDRESSES6] not in self._addresses
        return reply.destination != self.address

    def _take_stamps(self, sent: list[SendStamp]) -> int | None:
        """Read all send stamps; return the MTU in bytes, if a link refused a packet."""
        mtu = None
        while (looped := read_sent(self._sender)) is not None:
            if isinstance(looped, LoopedPacket):
                self._add_stamp(looped, sent)
            else:
                mtu = looped
        return mtu

    def _add_stamp(self, looped: LoopedPacket, sent: list[SendStamp]) -> None:
        """Find the IP header by its addresses: a link header of unknown length comes first."""
        data, stamp, wall = looped
        for addresses in self._addresses:
            start = data.find(addresses) - self._header_of_addresses
            if start >= 0:
                break
        else:
            return
        probe = self._quote(data, start)
        if probe is None:
            return
        sent.append(SendStamp(probe.protocol, probe.flow, probe.key, stamp, wall))
        if self._has_scheduler_stamps and stamp is Stamp.KERNEL:
            self._stamp_at_scheduler(False)

    def _stamp_at_scheduler(self, on: bool) -> None:
        """Have the kernel's scheduler stamp probes too, or stop it.

        Its stamps are needed where a driver takes none, and cost 7 µs a probe. So whenever the
        route changes, they are asked for until the driver's first stamp.
        """
        if on != self._has_scheduler_stamps:
            self._sockets.stamp_scheduler(self.family, on)
            self._has_scheduler_stamps = on

    def _prepare(self, settings: ProbeSettings) -> None:
        """Have the sender use the route of these settings; `SendError`."""
        if settings not in self._routes:
            self.egress(settings)
        route = self._routes[settings]
        source, interface = route.egress.source, route.next_hop.interface
        wanted = source, interface, settings.tos, settings.dont_route
        if wanted != self._applied:
            self._applied = None
            try:
                linux.set_dont_route(self._sender, self._ip, settings.dont_route)
                linux.leave_by_interface(self._sender, self._ip, interface)
                self._sender.setsockopt(self._ip.level, self._ip.set_tos, settings.tos)
                self._sender.bind(linux.socket_address(self._ip, source, 0, interface))
            except OSError as error:
                raise self._refusal(error, source) from None
            self._applied = wanted
        self._route, self._settings = route, settings

    def _refusal(self, error: OSError, bound: str) -> SendError:
        mtu = None
        if error.errno == errno.EMSGSIZE:
            mtu = self._take_stamps(self._pending_stamps)
        return refusal(error, bound, mtu)
