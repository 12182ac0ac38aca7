"""The simulation: for a packet, the answers and the times of their arrival. No clock, no socket."""

import ipaddress
import struct
import zlib
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from tui_trace.lab.forwarding import Fork, ForwardingTimeline, PathPart, Router
from tui_trace.lab.hosts import HostReply, LabHosts, time_exceeded, too_big, unreachable
from tui_trace.lab.malformed import Forger
from tui_trace.lab.packets import (
    ACK,
    ICMP,
    ICMP6,
    MAX_ERROR,
    SYN,
    TCP,
    UDP,
    IcmpError,
    Packet,
    build_datagram,
    build_error,
    build_extension,
    mpls_object,
    parse_packet,
    with_checksum,
)
from tui_trace.lab.retransmit import Arrivals, Retransmissions
from tui_trace.lab.scenario import LabDnat, LabHop, Rule, Scenario

NS_PER_MS = 1_000_000
DUPLICATE_DELAY = 100_000
"""Nanoseconds from an answer to its duplicate."""

FIRST_LINK = (b"\xc0\x00\x02", b"\x20\x01\x0d\xb8" + bytes(4))
"""The prefixes of the link to the prober and the servers: 192.0.2.0/24, 2001:db8::/64."""

_NUMBERS = {"icmp": (ICMP, ICMP6), "tcp": (TCP,), "udp": (UDP,)}


class _Nat(NamedTuple):
    """An address translation of a packet."""

    place: int
    dnat: LabDnat
    address: bytes
    """The original destination of the packet."""
    port: int | None


class _PacketTrip:
    """A packet on its path through the routers."""

    __slots__ = ("nat", "now", "packet", "path", "travel")

    def __init__(self, packet: Packet, path: list[Router], now: int) -> None:
        self.packet = packet
        self.path = path
        self.now = now
        self.travel = 0
        """Nanoseconds of round trip so far."""
        self.nat: _Nat | None = None


class Simulator:
    """All routers and hosts of a scenario, as seen from the first link."""

    def __init__(self, scenario: Scenario) -> None:
        """Simulate this scenario; its seed makes all that is random repeatable."""
        self._rng = Random(scenario.seed)  # noqa: S311
        self._timeline = ForwardingTimeline(scenario)
        self._hosts = LabHosts(self._rng)
        self._forger = Forger(self._rng)
        self.retransmissions = Retransmissions()
        """Packets that hosts send again, in addition to those that `receive` returns."""
        self._ident = 0

    def receive(self, raw: bytes, now: int) -> Arrivals:
        """Process the IP packet `raw` at `now` (ns); return the answers and their arrival times.

        `raw` may be any bytes; nothing is raised.
        """
        packet = parse_packet(raw)
        if packet is None or not self._is_for_us(packet):
            return []
        self._forger.saw(packet)
        elapsed = self._timeline.advance(now)
        path, found = self._path(packet)
        trip = _PacketTrip(packet, path, now)
        last = len(path) - 1
        for place, router in enumerate(path):
            mtu = router.hop.mtu
            if mtu is not None and packet.df and packet.length > mtu:
                return self._too_big(trip, place, mtu)
            trip.travel += router.link_delay(elapsed, self._rng)
            if router.hop.loss and self._chance(router.hop.loss):
                return []
            if place == last and found:
                return self._delivered(trip, place)
            answers = self._not_forwarded(trip, place, place == last)
            if answers is not None:
                return answers
            packet.ttl -= 1
            if router.rewrites:
                self._rewrite(trip, place, router.hop)
        return []

    def _is_for_us(self, packet: Packet) -> bool:
        """Return whether the packet leaves the first link, or is for a hop that is on it."""
        if packet.dst in self._timeline.by_address:
            return True
        return not _is_multicast(packet) and not packet.dst.startswith(FIRST_LINK)

    def _too_big(self, trip: _PacketTrip, place: int, mtu: int) -> Arrivals:
        """Handle a packet that is too big for the link to the hop at `place`.

        The hop before it may send an error.
        """
        if place == 0 or not trip.path[place].hop.mtu_reported:
            return []
        return self._error(trip, place - 1, too_big(trip.packet.family, mtu))

    def _not_forwarded(self, trip: _PacketTrip, place: int, last: bool) -> Arrivals | None:
        """Return the answers if the router at `place` does not forward; None if it does."""
        packet = trip.packet
        hop = trip.path[place].hop
        if packet.ttl <= 1 and not (hop.forwards_zero and packet.ttl == 1):
            return self._error(trip, place, time_exceeded(packet.family))
        rule = _matching_rule(hop, packet)
        if rule is not None:
            return self._refused(trip, place, rule)
        if last:
            return self._error(trip, place, unreachable(packet.family, 1))
        return None

    def _path(self, packet: Packet) -> tuple[list[Router], bool]:
        """Return the routers on the path of this packet, and whether the last one is its target."""
        goal = self._timeline.by_address.get(packet.dst)
        path: list[Router] = []
        if self._follow(self._timeline.path, packet, goal, path):
            return path, True
        # no host has the address: the last router before the target reports that
        return (path[:-1] or path), False

    def _follow(
        self,
        parts: Sequence[PathPart],
        packet: Packet,
        goal: Router | None,
        path: list[Router],
    ) -> bool:
        """Add the routers that a packet passes; return whether `goal` is the last of them."""
        for part in parts:
            if isinstance(part, Fork):
                if self._follow(self._branch(part, packet, goal), packet, goal, path):
                    return True
                continue
            path.append(part)
            if part is goal:
                return True
        return False

    def _branch(self, fork: Fork, packet: Packet, goal: Router | None) -> Sequence[PathPart]:
        if goal is not None:
            for branch in fork.branches:
                if _has(branch, goal):
                    return branch
        if fork.per_packet:
            return self._rng.choice(fork.branches)
        return fork.branches[zlib.crc32(packet.flow(), fork.salt) % len(fork.branches)]

    def _chance(self, percent: float) -> bool:
        return self._rng.random() * 100 < percent

    def _rewrite(self, trip: _PacketTrip, place: int, hop: LabHop) -> None:
        packet = trip.packet
        if hop.tos is not None:
            packet.tos = hop.tos
        if hop.clear_ecn:
            packet.clear_ecn()
        if hop.mss is not None:
            packet.clamp_mss(hop.mss)
        if hop.dnat is None or trip.nat is not None:
            return
        inside = hop.dnat.v4 if packet.family == 4 else hop.dnat.v6
        if inside is not None and self._timeline.by_address.get(packet.dst) is trip.path[-1]:
            trip.nat = _Nat(place, hop.dnat, packet.dst, packet.port())
            packet.readdress(ipaddress.ip_address(inside).packed, hop.dnat.port)

    def _refused(self, trip: _PacketTrip, place: int, rule: Rule) -> Arrivals:
        if rule.action == "drop":
            return []
        error = unreachable(trip.packet.family, rule.code, rule.code6)
        return self._error(trip, place, error)

    def _delivered(self, trip: _PacketTrip, place: int) -> Arrivals:
        packet = trip.packet
        rule = _matching_rule(trip.path[place].hop, packet)
        if rule is not None:
            return self._refused(trip, place, rule)
        answer = self._hosts.answer(packet, trip.path[place].hop, trip.now)
        if isinstance(answer, IcmpError):
            return self._error(trip, place, answer)
        if answer is None:
            return []
        if answer.protocol == TCP and answer.body[13] & (SYN | ACK) == SYN | ACK:
            self._retransmit(trip, place, answer)
        return self._host_reply(trip, place, answer)

    def _retransmit(self, trip: _PacketTrip, place: int, answer: HostReply) -> None:
        """Retransmit a SYN/ACK until the connection is open, reset or given up."""
        packet, travel = trip.packet, trip.travel
        our_seq = int.from_bytes(answer.body[4:8], "big")

        def resend(now: int) -> Arrivals | None:
            if not self._hosts.is_half_open(packet, our_seq, now):
                return None
            trip.now, trip.travel = now, travel
            return self._host_reply(trip, place, answer)

        key = packet.src + packet.dst + packet.body[:4] + answer.body[4:8]
        self.retransmissions.schedule(key, trip.now, resend)

    def _host_reply(self, trip: _PacketTrip, place: int, answer: HostReply) -> Arrivals:
        """Return the answer of a host, with the source address that NAT gives it."""
        nat = trip.nat
        source = trip.packet.dst if nat is None else nat.address
        if nat is not None and nat.port is not None and answer.protocol in (TCP, UDP):
            answer = answer._replace(body=struct.pack("!H", nat.port) + answer.body[2:])
        return self._send_back(trip, place, source, answer)

    def _error(self, trip: _PacketTrip, place: int, error: IcmpError) -> Arrivals:
        """Return an ICMP error of the router at `place`, which quotes the packet it received."""
        packet = trip.packet
        router = trip.path[place]
        hop = router.hop
        nat = trip.nat if trip.nat is not None and trip.nat.place < place else None
        source = router.v4 if packet.family == 4 else router.v6
        if nat is not None and self._timeline.by_address.get(nat.address) is router:
            source = nat.address
        if source is None or hop.silent or not router.may_send(trip.now):
            return []
        if nat is not None and nat.dnat.repair:
            packet.readdress(nat.address, nat.port)
        quoted = packet.packed()
        base = 28 if packet.family == 4 else 48
        room = MAX_ERROR[packet.family] - base
        if hop.quote is not None:
            room = min(room, len(packet.header) + hop.quote)
        extensions = b""
        if (hop.mpls or hop.interface) and not (packet.family == 6 and error.kind in (2, 4)):
            extensions = _build_extensions(hop)
        body = build_error(packet.family, error, quoted[:room], extensions)
        protocol = ICMP if packet.family == 4 else ICMP6
        return self._send_back(trip, place, source, HostReply(protocol, body, 2))

    def _send_back(
        self, trip: _PacketTrip, place: int, source: bytes, answer: HostReply
    ) -> Arrivals:
        """Return the packets that the prober receives if the router at `place` sends `answer`."""
        packet = trip.packet
        router = trip.path[place]
        hop = router.hop
        ttl = (packet.ttl if hop.reply_ttl_from_probe else hop.reply_ttl) - place
        for passed in trip.path[: place + 1]:
            ttl -= passed.hop.back_hops
            trip.travel += passed.back_delay
        if ttl < 1 or (hop.answer_loss and self._chance(hop.answer_loss)):
            return []
        at = trip.now + trip.travel + router.answer_delay
        if hop.hold is not None and self._chance(hop.hold.percent):
            at += round(hop.hold.by * NS_PER_MS)
        answers = [(at, self._forger.reply(kind, source, packet, ttl)) for kind in hop.also]
        if hop.instead is not None:
            return [*answers, (at, self._forger.reply(hop.instead, source, packet, ttl))]
        body = with_checksum(source, packet.src, answer.protocol, answer.body, answer.check_at)
        self._ident = self._ident % 0xFFFF + 1
        raw = build_datagram(source, packet.src, answer.protocol, ttl, body, ident=self._ident)
        answers.append((at, raw))
        if hop.duplicate and self._chance(hop.duplicate):
            answers.append((at + DUPLICATE_DELAY, raw))
        return answers


def _matching_rule(hop: LabHop, packet: Packet) -> Rule | None:
    """Return the rule that stops this packet; None if it passes."""
    for rule in hop.rules:
        if rule.protocol is not None and packet.protocol not in _NUMBERS[rule.protocol]:
            continue
        if rule.port is not None and packet.port() != rule.port:
            continue
        return rule if rule.action != "pass" else None
    return None


def _build_extensions(hop: LabHop) -> bytes:
    objects = []
    if hop.mpls:
        objects.append(mpls_object([(entry.label, entry.exp, entry.ttl) for entry in hop.mpls]))
    if hop.interface:
        name = hop.interface.encode()[:62]
        padded = name.ljust(-(-(len(name) + 1) // 4) * 4 - 1, b"\0")
        # class 2, the incoming interface, its name only (RFC 5837 §4)
        objects.append((2, 2, bytes((len(padded) + 1,)) + padded))
    return build_extension(objects)


def _is_multicast(packet: Packet) -> bool:
    return packet.dst[0] >= 224 if packet.family == 4 else packet.dst[0] == 0xFF


def _has(branch: Sequence[PathPart], goal: Router) -> bool:
    for part in branch:
        ways = part.branches if isinstance(part, Fork) else ()
        if part is goal or any(_has(way, goal) for way in ways):
            return True
    return False
