"""A target's view of the world through raw sockets."""

import contextlib
import errno
import os
import random
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from tui_trace.core.events import Stamp
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire.network import (
    NOTHING_QUOTED,
    ProbeSpec,
    QuoteDetails,
    ReceivedReply,
    SendError,
    SendStamp,
)
from tui_trace.wire.packets import builder, decoder, icmp_extensions, quote_diff
from tui_trace.wire.packets.decoder import EXTENSIONS
from tui_trace.wire.raw import bpf
from tui_trace.wire.raw.sockets import Family, LoopedPacket, RawSockets, read_sent
from tui_trace.wire.send_errors import refusal

_IP_UNICAST_IF = 50
_IPV6_UNICAST_IF = 76

_MAX_ROUTES = 64
"""Settings whose templates are kept."""

_ROUNDS = 512
"""Packets taken from each socket at a time, so that the engine goes on sending in a flood."""

_Decoder: TypeAlias = Callable[[decoder.Received], ReceivedReply | None]


class _Route(NamedTuple):
    """How probes of some settings leave."""

    interface: int
    """Index; 0: the routing table decides."""
    bound: str
    """Address given by the user; empty: the routing table decides."""
    source: str
    destination: tuple[str, int] | tuple[str, int, int, int]
    template: builder.Template


class RawNetwork:
    """Implements `tui_trace.wire.network.Network`. One at a time uses a process's sockets."""

    def __init__(
        self,
        sockets: RawSockets,
        target_address: str,
        family: int,
        interface: str | None = None,
        source: str | None = None,
    ) -> None:
        """`interface` and `source` hold where the settings name none.

        `target_address` may carry a scope (`fe80::1%eth0`). `SendError` if the machine does not
        have the `family` (4 or 6).
        """
        if family not in sockets.families:
            raise SendError(errno.EAFNOSUPPORT, f"this machine has no IPv{family}")
        self.family = family
        address, _, scope = target_address.partition("%")
        self._af = socket.AF_INET if family == 4 else socket.AF_INET6
        # in the one form that answers name it in (RFC 5952)
        self.address = socket.inet_ntop(self._af, socket.inet_pton(self._af, address))
        self._interface = interface or scope or None
        self._source = source
        self._sockets = sockets
        self._raw: Family = sockets.families[family]
        self._sender = self._raw.sender
        self._header_of_addresses = 12 if family == 4 else 8
        self._asks_scheduler = False
        self._label = random.SystemRandom().randrange(1, 1 << 20)
        self._routes: dict[ProbeSettings, _Route] = {}
        self._settings: ProbeSettings | None = None
        self._route: _Route
        self._addresses: dict[bytes, None] = {}
        self._source_now = ""
        self._applied: tuple[int, str, bool] | None = None
        self._ports: dict[tuple[Protocol, int], socket.socket] = {}
        self._early: list[SendStamp] = []
        self._watched: tuple[str, int] | None = None
        """Where the datagrams of which protocol are let in."""
        decode_icmp = decoder.decode_icmpv4 if family == 4 else decoder.decode_icmpv6
        self._receivers: dict[int, tuple[socket.socket, _Decoder]] = {
            self._raw.icmp.fileno(): (self._raw.icmp, decode_icmp),
            self._raw.tcp.fileno(): (self._raw.tcp, decoder.decode_tcp),
            self._raw.udp.fileno(): (self._raw.udp, decoder.decode_udp),
        }
        if sockets.packets is not None:
            self._receivers[sockets.packets.fileno()] = sockets.packets, decoder.decode_other_ip
        self._quote = decoder.quote4 if family == 4 else decoder.quote6
        self._waiting = [*self._receivers, sockets.wake]
        self._poll = select.poll()
        for handle in self._waiting:
            self._poll.register(handle, select.POLLIN)
        self._sender_handle = self._sender.fileno()
        # no events asked for: what is reported is POLLERR, the error queue
        self._poll.register(self._sender_handle, 0)

    def open(self) -> None:
        """Let in what comes from now on; `close` comes before another target's `open`."""
        self._hush()
        bpf.EVERYTHING.attach(self._raw.icmp)

    def monotonic(self) -> int:
        """Nanoseconds that only move forward."""
        return time.monotonic_ns()

    def wall(self) -> int:
        """Nanoseconds since 1970 by CLOCK_REALTIME, which the kernel stamps by."""
        return time.time_ns()

    def source(self, settings: ProbeSettings) -> str:
        """The address that probes of these settings leave from now; `SendError` if none does.

        Asks the routing table and sends nothing. The interface is looked up afresh, so one that
        was made anew under its old name serves again.
        """
        if self.family == 6 and settings.protocol is Protocol.IP and settings.number in EXTENSIONS:
            reason = f"IP protocol {settings.number} is an extension header in IPv6, not a protocol"
            raise SendError(errno.EPROTONOSUPPORT, reason)
        name = settings.interface or self._interface
        try:
            index = socket.if_nametoindex(name) if name else 0
        except OSError:
            raise SendError(errno.ENODEV, f"interface {name} is not there") from None
        bound = "" if settings.spoofed_source else settings.source or self._source or ""
        with socket.socket(self._af, socket.SOCK_DGRAM) as asking:
            try:
                self._leave_by(asking, index, settings.dont_route)
                if bound:
                    asking.bind(self._sockaddr(bound, 0, index))
                asking.connect(self._sockaddr(self.address, settings.port or 9, index))
                source = str(asking.getsockname()[0]).partition("%")[0]
            except OSError as error:
                raise self._refusal(error, bound, settings.dont_route) from None
        if settings.spoofed_source:
            source = settings.source or source
        known = self._routes.get(settings)
        if known is None or (known.interface, known.source) != (index, source):
            self._ask_scheduler(True)
        if known is not None and known.source == source:
            made = known.template
        else:
            made = builder.Template(settings, source, self.address, self.family, self._label)
            self._addresses[
                socket.inet_pton(self._af, source) + socket.inet_pton(self._af, self.address)
            ] = None
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        self._source_now = source
        if settings.protocol is Protocol.IP:
            self._watch(source, settings.number)
        destination = self._sockaddr(self.address, 0, index)
        self._routes[settings] = _Route(index, bound, source, destination, made)
        self._settings = None
        return source

    def reserve_port(self, protocol: Protocol, port: int | None = None) -> int:
        """Reserve a source port, by a bound socket; without ports, any identifier. See `Network`.

        To a SYN/ACK the kernel answers RST, for the port does not listen; what comes to a UDP port
        is dropped in silence. A port below 1024 is used without being reserved: the right to do
        that is given up by then (ip(7), net.ipv4.ip_unprivileged_port_start), and a program that
        listens there answers a SYN/ACK with RST all the same.
        """
        if protocol in (Protocol.ICMP, Protocol.IP):
            return port or random.SystemRandom().randrange(1, 1 << 16)
        if port is not None and (protocol, port) in self._ports:
            return port
        is_tcp = protocol is Protocol.TCP
        holder = socket.socket(self._af, socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM)
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
        """What an RST may acknowledge beyond a probe's key; see `template.data_length`."""
        return builder.data_length(settings, self.family)

    def send(self, probe: ProbeSpec) -> None:
        """Send one probe; `SendError` if our kernel refuses."""
        settings, ttl, flow, key, ip_id = probe
        if settings is not self._settings:
            self._prepare(settings)
        route = self._route
        packet = route.template.probe(ttl, flow, key, ip_id)
        try:
            self._sender.sendto(packet, route.destination)
        except OSError as error:
            raise self._refusal(error, route.bound) from None

    def receive(self, timeout: int) -> tuple[list[SendStamp], list[ReceivedReply]]:
        """Wait at most `timeout` ns, and take all there is. See `Network`.

        Waits for answers alone: stamps of sending are taken along and never end the wait.
        """
        sent: list[SendStamp] = self._early
        self._early = []
        answers: list[ReceivedReply] = []
        if timeout > 0:
            # poll(2) and epoll wait in whole milliseconds
            select.select(self._waiting, (), (), timeout / 1e9)
        ready = self._poll.poll(0)
        # The last look finds nothing: so the stamp of a probe, queued before its answer came, is
        # read by the time the answer is handed over.
        rounds = 0
        while ready and rounds < _ROUNDS:
            for handle, _ in ready:
                self._take(handle, sent, answers)
            ready = self._poll.poll(0)
            rounds += 1
        if ready:
            self._take_stamps(sent)
        return sent, answers

    def quoted(self, probe: ProbeSpec, answer: ReceivedReply) -> QuoteDetails:
        """What an answer with a `message` says of the probe that was sent. See `Network`."""
        settings, _, flow, key, ip_id = probe
        route = self._route if settings is self._settings else self._routes.get(settings)
        if route is None:
            return NOTHING_QUOTED
        quote, extension = icmp_extensions.split_extensions(answer.message, self.family)
        sent = route.template.probe(answer.quoted_ttl or 0, flow, key, ip_id)
        told = icmp_extensions.decode_extensions(extension) if extension else ((), ())
        if quote_diff.is_as_sent(sent, quote, self.family):
            is_whole = len(quote) >= len(sent)
            if is_whole and not extension:
                return NOTHING_QUOTED
            return QuoteDetails((), None if is_whole else len(quote), True, *told)
        ends = slice(self._header_of_addresses, 20 if self.family == 4 else 40)
        if quote[ends] != sent[ends] and quote[ends] in self._addresses:
            # sent before the route turned to another address of ours, with another template
            return QuoteDetails((), None, False, *told)
        return QuoteDetails(*quote_diff.diff_quote(bytes(sent), quote, self.family), *told)

    def wake(self) -> None:
        """End a `receive` early; thread-safe and from a signal handler too."""
        os.eventfd_write(self._sockets.wake, 1)

    def close(self) -> None:
        """Give ports back, and let nothing in any more."""
        self._hush()
        for holder in self._ports.values():
            holder.close()
        self._ports.clear()

    def _hush(self) -> None:
        self._raw.hush()
        self._sockets.watch(self.family, None)
        self._watched = None

    def _watch(self, source: str, number: int) -> None:
        """For datagrams of this protocol; not our own, which come back where we are the target."""
        if source != self.address and (source, number) != self._watched:
            program = bpf.datagrams(self.address, source, self.family, number)
            self._sockets.watch(self.family, program)
            self._watched = source, number

    def _take(self, handle: int, sent: list[SendStamp], answers: list[ReceivedReply]) -> None:
        """Read one thing from a socket that has something."""
        if handle == self._sender_handle:
            looped = read_sent(self._sender)
            if isinstance(looped, LoopedPacket):
                self._note(looped, sent)
        elif handle == self._sockets.wake:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(handle)
        else:
            receiver, decode = self._receivers[handle]
            packet = self._sockets.read(receiver, self.family)
            answer = None if packet is None else decode(packet)
            if answer is not None:
                if answer.message and self._is_readdressed(answer):
                    answer = quote_diff.undo_nat(answer, self._source_now, self.address)
                answers.append(answer)

    def _is_readdressed(self, answer: ReceivedReply) -> bool:
        """A checksum that tells which probe it is may be another's than ours."""
        if self.family == 6 and answer.protocol is Protocol.UDP:
            # what left before the route turned to another address of ours is as it was
            return answer.message[quote_diff.QUOTED_ENDS] not in self._addresses
        return answer.destination != self.address

    def _take_stamps(self, sent: list[SendStamp]) -> int | None:
        """All stamps there are; and the MTU in bytes, if a link refused a packet for its size."""
        mtu = None
        while (looped := read_sent(self._sender)) is not None:
            if isinstance(looped, LoopedPacket):
                self._note(looped, sent)
            else:
                mtu = looped
        return mtu

    def _note(self, looped: LoopedPacket, sent: list[SendStamp]) -> None:
        """A link header of unknown length comes first: our addresses show where IP begins."""
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
        if self._asks_scheduler and stamp is Stamp.KERNEL:
            self._ask_scheduler(False)

    def _ask_scheduler(self, on: bool) -> None:
        """The scheduler's stamps stand in where a driver takes none, and cost 7 µs a probe.

        So each time that the way out is a new one, they are asked for until the driver shows one.
        """
        if on != self._asks_scheduler:
            self._sockets.stamp_scheduler(self.family, on)
            self._asks_scheduler = on

    def _prepare(self, settings: ProbeSettings) -> None:
        """Make the sender leave as these settings say."""
        if settings not in self._routes:
            self.source(settings)
        route = self._routes[settings]
        wanted = route.interface, route.bound, settings.dont_route
        if wanted != self._applied:
            self._applied = None
            try:
                self._leave_by(self._sender, route.interface, settings.dont_route)
                self._sender.bind(self._sockaddr(route.bound, 0, route.interface))
            except OSError as error:
                raise self._refusal(error, route.bound) from None
            self._applied = wanted
        self._route, self._settings = route, settings

    def _leave_by(self, sock: socket.socket, index: int, neighbours: bool) -> None:
        """Not SO_BINDTODEVICE: without rights that works once a socket."""
        if neighbours and self.family == 6:
            # Linux takes the option and heeds it not
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, neighbours)
        value = struct.pack("!I", index)
        if self.family == 4:
            sock.setsockopt(socket.IPPROTO_IP, _IP_UNICAST_IF, value)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_UNICAST_IF, value)

    def _sockaddr(
        self, address: str, port: int, index: int
    ) -> tuple[str, int] | tuple[str, int, int, int]:
        if self.family == 4:
            return address, port
        # only link-local addresses, fe80::/10, have a scope (RFC 4007)
        is_local = address.lower().startswith(("fe8", "fe9", "fea", "feb"))
        scope = index if is_local else 0
        return address.partition("%")[0], port, 0, scope

    def _refusal(self, error: OSError, bound: str, neighbours: bool = False) -> SendError:
        mtu = None
        if error.errno == errno.EMSGSIZE:
            mtu = self._take_stamps(self._early)
        return refusal(error, bound, mtu, neighbours=neighbours)
