"""The raw sockets of a process at work: sends packets of probes, and finds the probes of replies.

It serves every target of one IP version. What differs by target, route and template, is in
`tui_trace.wire.raw.raw_network`.
"""

import contextlib
import errno
import itertools
import os
import random
import select
import socket
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from operator import attrgetter
from typing import Any, Generic, TypeAlias

from tui_trace.core.events import Stamp
from tui_trace.core.settings import Protocol
from tui_trace.wire import linux
from tui_trace.wire.egress_route import open_socket
from tui_trace.wire.linux import IP_VERSIONS
from tui_trace.wire.matching import Matcher
from tui_trace.wire.network import (
    NOTHING_QUOTED,
    Answer,
    ProbeT,
    Received,
    ReceivedReply,
    SendError,
)
from tui_trace.wire.packets import decoder
from tui_trace.wire.packets.probe_protocol import ProbeProtocol
from tui_trace.wire.packets.received_packet import ReceivedPacket
from tui_trace.wire.packets.registry import PROBE_PROTOCOLS, protocol_of
from tui_trace.wire.probe_ids import ProbeIdGenerator
from tui_trace.wire.quotes import KEPT_BYTES, quote_details
from tui_trace.wire.raw import bpf
from tui_trace.wire.raw.message_reader import MAX_MESSAGES
from tui_trace.wire.raw.next_hop import NextHop
from tui_trace.wire.raw.sockets import Family, LoopedPacket, RawSockets
from tui_trace.wire.route_monitor import RouteMonitor
from tui_trace.wire.send_errors import cannot_open
from tui_trace.wire.sent_probes import SentProbes

_MAX_READS = 8
"""Times that one `receive` reads from each socket, so that the engine can send in a flood."""

_MAX_PORTS = 1000
"""Source ports that are reserved at most; each takes a file descriptor."""

_Decoder: TypeAlias = Callable[[ReceivedPacket], ReceivedReply | None]

_arrival = attrgetter("wall")


class RawWire(Generic[ProbeT]):
    """Sends and receives for the targets of one IP version."""

    def __init__(self, sockets: RawSockets, family: int) -> None:
        """Open nothing yet. `SendError` if the machine does not have the `family` (4 or 6)."""
        if family not in sockets.families:
            raise SendError(errno.EAFNOSUPPORT, f"this machine has no IPv{family}")
        self.family = family
        self.ip = IP_VERSIONS[family]
        self._sockets = sockets
        self._raw: Family = sockets.families[family]
        self._sender = self._raw.sender
        self._ids = ProbeIdGenerator(random.SystemRandom())
        self._probes: SentProbes[ProbeT] = SentProbes()
        self._matcher = Matcher(self._probes)
        self.routes = RouteMonitor()
        self.networks: dict[int, Any] = {}
        """What each open network is, for one that collects for all."""
        self._numbers = itertools.count(1)
        self._owners: dict[int, str] = {}
        """The open networks by number, and the address of the target of each."""
        self._has_scheduler_stamps = False
        self._header_of_addresses = 12 if family == 4 else 8
        self._addresses: dict[bytes, None] = {}
        """The addresses, source and destination, of the packets that were sent."""
        self._applied: tuple[str, int, int, bool] | None = None
        self._ports: dict[tuple[Protocol, int], socket.socket] = {}
        self._holders: Counter[tuple[Protocol, int]] = Counter()
        """By reserved port: networks that use it."""
        self._max_ports = 0
        self._watched: tuple[str, str, int] | None = None
        """Target, source and IP protocol of the datagrams that the packet socket lets in."""
        self._link_headers: dict[int, None] = {}
        """Lengths of the link headers that came before the IP headers of stamped packets."""
        decode_icmp = decoder.decode_icmpv4 if family == 4 else decoder.decode_icmpv6
        protocols = PROBE_PROTOCOLS[family]
        self._receivers: dict[int, tuple[socket.socket, _Decoder]] = {
            self._raw.icmp.fileno(): (self._raw.icmp, decode_icmp),
            self._raw.tcp.fileno(): (self._raw.tcp, protocols[Protocol.TCP].decode_reply),
            self._raw.udp.fileno(): (self._raw.udp, protocols[Protocol.UDP].decode_reply),
        }
        self._set_packet_decoder(protocols[Protocol.IP])
        self._waiting = [*self._receivers, sockets.wake]
        self._poll = select.poll()
        for handle in self._waiting:
            self._poll.register(handle, select.POLLIN)
        self._sender_handle = self._sender.fileno()
        # no events asked for: what is reported is POLLERR, the error queue
        self._poll.register(self._sender_handle, 0)

    def open(self, target: str) -> int:
        """Let packets in from now on for a network of this target; return its number."""
        if not self._owners:
            self._max_ports = linux.half_of_descriptors(_MAX_PORTS)
            self._let_nothing_in()
            bpf.EVERYTHING.attach(self._raw.icmp)
        owner = next(self._numbers)
        self._owners[owner] = target
        return owner

    def close(self, owner: int, ports: Iterable[tuple[Protocol, int]]) -> None:
        """Free the ports of a network; let no packets in any more if it was the last one."""
        self._owners.pop(owner, None)
        for port in ports:
            self._holders[port] -= 1
            if self._holders[port] <= 0 and port in self._ports:
                self._ports.pop(port).close()
        if not self._owners:
            self._let_nothing_in()
            self.routes.close()

    def wake(self) -> None:
        """End a `receive` early; for any thread, and for signal handlers."""
        os.eventfd_write(self._sockets.wake, 1)

    def reserve_port(
        self, protocol: Protocol, port: int | None = None, *, is_spare: bool = False
    ) -> int:
        """Reserve a source port by a bound socket; without ports, any identifier. See `Network`.

        The kernel answers a SYN/ACK with RST, because no socket listens on the port; it drops what
        comes to a UDP port silently. A port below 1024 is used without being reserved: the right to
        bind it is given up by then (ip(7), net.ipv4.ip_unprivileged_port_start). If a program
        listens there, the kernel answers a SYN/ACK with RST all the same.
        """
        port_socket = PROBE_PROTOCOLS[self.family][protocol].port_socket
        if port_socket is None:
            return port or random.SystemRandom().randrange(1, 1 << 16)
        if port is not None and (protocol, port) in self._ports:
            self._holders[protocol, port] += 1
            return port
        if is_spare and len(self._ports) >= self._max_ports:
            raise cannot_open(OSError(errno.EMFILE, ""))
        is_tcp = protocol is Protocol.TCP
        holder = open_socket(self.ip.af, port_socket)
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
        program = bpf.to_ports(self.family, ours, is_tcp)
        try:
            program.attach(self._raw.tcp if is_tcp else self._raw.udp)
        except OSError as error:
            del self._ports[protocol, taken]
            holder.close()
            raise cannot_open(error) from None
        self._holders[protocol, taken] = 1
        return taken

    def watch(self, target: str, source: str, protocol: ProbeProtocol, number: int) -> None:
        """Let in the target's packets of this IP protocol, which has no raw socket.

        Not where this machine is the target: our own probes would come back.
        """
        if source != target and (target, source, number) != self._watched:
            self._sockets.watch(self.family, bpf.datagrams(target, source, self.family, number))
            self._set_packet_decoder(protocol)
            self._watched = target, source, number

    def know_addresses(self, addresses: bytes) -> None:
        """Take note of the source and destination of packets that will be sent.

        The kernel's next stamps may come from another interface: its driver may take none.
        """
        self._addresses[addresses] = None
        self._stamp_at_scheduler(True)

    @property
    def mark(self) -> int:
        """Return the mark that packets carry (SO_MARK, socket(7))."""
        return self._sender.getsockopt(socket.SOL_SOCKET, socket.SO_MARK)

    @property
    def owner(self) -> int:
        """Return the user whom the sending socket belongs to, which routing rules look at."""
        return os.fstat(self._sender_handle).st_uid

    def apply_route(self, source: str, interface: int, tos: int, *, dont_route: bool) -> None:
        """Have the next packets leave by this route; `OSError`.

        `source` is empty and `interface` 0 where the routing table decides, which looks at `tos`.
        """
        wanted = source, interface, tos, dont_route
        if wanted != self._applied:
            self._applied = None
            linux.set_dont_route(self._sender, self.ip, dont_route)
            linux.leave_by_interface(self._sender, self.ip, interface)
            self._sender.setsockopt(self.ip.level, self.ip.set_tos, tos)
            self._sender.bind(linux.socket_address(self.ip, source, 0, interface))
            self._applied = wanted

    def assign_ids(self, probe: ProbeT) -> None:
        """Give a probe its key and its IP ID, from its protocol and its data."""
        probe.key, probe.ip_id = self._ids.next_ids(probe.settings.protocol, probe.data_length)

    def send(
        self, probe: ProbeT, protocol: ProbeProtocol, packet: bytearray, next_hop: NextHop
    ) -> None:
        """Send the packet of a probe, and keep what replies need; `OSError`."""
        probe.packet = bytes(packet if len(packet) <= KEPT_BYTES else packet[:KEPT_BYTES])
        self._probes.add(probe, protocol)
        try:
            self._sender.sendto(packet, next_hop.flags, next_hop.address)
        except OSError:
            self._probes.remove_last()
            raise

    def handles(self, *, wake_on_reply: bool) -> Collection[int]:
        """Return the file descriptors to wait for. Send stamps do not end a wait."""
        return self._waiting if wake_on_reply else (self._sockets.wake,)

    def wait(self, timeout: int, *, wake_on_reply: bool) -> None:
        """Wait at most `timeout` ns for something to collect."""
        if timeout > 0:
            # poll(2) and epoll wait in whole milliseconds
            handles = self.handles(wake_on_reply=wake_on_reply)
            select.select(handles, (), (), timeout / 1e9)

    def collect(self) -> dict[int, Received[ProbeT]]:
        """Return all that came, by the number of the network that sent; never waits."""
        replies: list[ReceivedReply] = []
        has_stamps = False
        for handle, _ in self._poll.poll(0):
            if handle == self._sender_handle:
                has_stamps = True
            elif handle == self._sockets.wake:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(handle)
            else:
                self._read_replies(handle, replies)
        # a probe's stamp was queued before its reply, so it is there by now
        if has_stamps or replies:
            self.read_stamps()
        if not replies:
            return {}
        if len(replies) > 1:
            replies.sort(key=_arrival)
        return self._match(replies)

    def read_stamps(self) -> int | None:
        """Read all send stamps; return the MTU in bytes, if a link refused a packet."""
        mtu = None
        while True:
            sent = self._sockets.read_sent(self._sender)
            for looped in sent:
                if isinstance(looped, LoopedPacket):
                    self._take_stamp(looped)
                else:
                    mtu = looped
            if len(sent) < MAX_MESSAGES:
                return mtu

    def _match(self, replies: list[ReceivedReply]) -> dict[int, Received[ProbeT]]:
        found: dict[int, Received[ProbeT]] = {}
        for reply in replies:
            matches = self._matcher.match(reply)
            if matches is None:
                owner = self._owner_of(reply.destination)
                if owner is not None:
                    answers, foreign = found.get(owner, Received([]))
                    found[owner] = Received(answers, foreign + 1)
                continue
            for probe, answer in matches:
                details = NOTHING_QUOTED
                if answer.message:
                    details = quote_details(probe, answer, self.family)
                received = found.get(probe.owner)
                if received is None:
                    received = found[probe.owner] = Received([])
                received.answers.append(Answer(probe, answer, details))
        return found

    def _owner_of(self, target: str) -> int | None:
        """Return a network of this target, to which a reply that answers no probe was meant."""
        return next((owner for owner, each in self._owners.items() if each == target), None)

    def _read_replies(self, handle: int, replies: list[ReceivedReply]) -> None:
        receiver, decode = self._receivers[handle]
        for _ in range(_MAX_READS):
            packets = self._sockets.read(receiver, self.family)
            for packet in packets:
                reply = decode(packet)
                if reply is not None:
                    replies.append(reply)
            if len(packets) < MAX_MESSAGES:
                return

    def _take_stamp(self, looped: LoopedPacket) -> None:
        """Find the IP header by its addresses: a link header of unknown length comes first."""
        data, stamp, wall = looped
        start = self._ip_header(data)
        if start is None:
            return
        number = data[start + 9] if self.family == 4 else data[start + 6]
        protocol = protocol_of(number, self.family)
        above = start + self.ip.header_length
        if len(data) < above + 8:
            return
        flow_and_key = protocol.flow_and_key(data, above)
        probe = flow_and_key and self._probes.by_key(protocol.protocol, flow_and_key[1])
        if not probe:
            return
        probe.wall, probe.stamp = wall, stamp
        if self._has_scheduler_stamps and stamp is Stamp.KERNEL:
            self._stamp_at_scheduler(False)

    def _ip_header(self, data: bytes) -> int | None:
        """Return the offset of the IP header; None: it is none of ours."""
        before, length = self._header_of_addresses, 2 * (4 if self.family == 4 else 16)
        for start in self._link_headers:
            if data[start + before : start + before + length] in self._addresses:
                return start
        for addresses in self._addresses:
            start = data.find(addresses) - before
            if start >= 0:
                self._link_headers[start] = None
                return start
        return None

    def _stamp_at_scheduler(self, on: bool) -> None:
        """Have the kernel's scheduler stamp probes too, or stop it.

        Its stamps are needed where a driver takes none, and cost 7 µs a probe. So whenever the
        route changes, they are asked for until the driver's first stamp.
        """
        if on != self._has_scheduler_stamps:
            self._sockets.stamp_scheduler(self.family, on)
            self._has_scheduler_stamps = on

    def _let_nothing_in(self) -> None:
        self._raw.let_nothing_in()
        self._sockets.watch(self.family, None)
        self._watched = None

    def _set_packet_decoder(self, protocol: ProbeProtocol) -> None:
        packets = self._sockets.packets
        if packets is not None:
            self._receivers[packets.fileno()] = packets, protocol.decode_reply
