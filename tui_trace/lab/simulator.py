"""The lab's internet: a packet goes in, what comes back and when comes out. No clock, no socket."""

import ipaddress
import struct
import zlib
from random import Random
from typing import NamedTuple

from tui_trace.lab.forwarding import Fork, ForwardingTimeline, Router
from tui_trace.lab.hosts import Direct, LabHosts, time_exceeded, too_big, unreachable
from tui_trace.lab.malformed import trick
from tui_trace.lab.packets import (
    ACK,
    ICMP,
    ICMP6,
    MAX_ERROR,
    SYN,
    TCP,
    UDP,
    Error,
    Packet,
    build_datagram,
    error_body,
    extension,
    mpls_extension,
    parse_packet,
    sealed,
)
from tui_trace.lab.retransmit import Arrivals, Repeats
from tui_trace.lab.scenario import LabDnat, LabHop, Rule, Scenario

NS_PER_MS = 1_000_000
DUPLICATE_AFTER = 100_000
"""Nanoseconds from an answer to its duplicate."""

FIRST_LINK = (b"\xc0\x00\x02", b"\x20\x01\x0d\xb8" + bytes(4))
"""The prefixes that this machine shares with the servers: 192.0.2.0/24, 2001:db8::/64."""

_NUMBERS = {"icmp": (ICMP, ICMP6), "tcp": (TCP,), "udp": (UDP,)}


class _Nat(NamedTuple):
    """A translation that a packet has gone through."""

    place: int
    dnat: LabDnat
    address: bytes
    """What the packet was sent to."""
    port: int | None


class _PacketTrip:
    """A packet that has come so far."""

    __slots__ = ("nat", "now", "packet", "travel", "way")

    def __init__(self, packet: Packet, way: list[Router], now: int) -> None:
        self.packet = packet
        self.way = way
        self.now = now
        self.travel = 0
        """Nanoseconds of round trip so far."""
        self.nat: _Nat | None = None


class Simulator:
    """All routers and hosts of a scenario, seen from the first link."""

    def __init__(self, scenario: Scenario, seed: int | None = None) -> None:
        """`seed` in place of the scenario's."""
        self._rng = Random(scenario.seed if seed is None else seed)  # noqa: S311
        self._timeline = ForwardingTimeline(scenario)
        self._hosts = LabHosts(self._rng)
        self.repeats = Repeats()
        """What hosts say again of their own accord, besides what `receive` gives."""
        self._ident = 0

    def receive(self, raw: bytes, now: int) -> Arrivals:
        """Take the IP packet `raw` at `now` (ns); return answers with when they arrive (ns).

        Never raises, whatever `raw` is.
        """
        packet = parse_packet(raw)
        if packet is None or not self._is_for_us(packet):
            return []
        elapsed = self._timeline.advance(now)
        way, found = self._way(packet)
        journey = _PacketTrip(packet, way, now)
        last = len(way) - 1
        for place, router in enumerate(way):
            mtu = router.hop.mtu
            if mtu is not None and packet.df and packet.length > mtu:
                return self._stuck(journey, place, mtu)
            journey.travel += router.crossing(elapsed, self._rng)
            if router.hop.loss and self._chance(router.hop.loss):
                return []
            if place == last and found:
                return self._arrived(journey, place)
            answers = self._stopped(journey, place, place == last)
            if answers is not None:
                return answers
            packet.ttl -= 1
            if router.rewrites:
                self._rewrite(journey, place, router.hop)
        return []

    def _is_for_us(self, packet: Packet) -> bool:
        """Leaves the first link, or is for a hop of ours that stands on it."""
        if packet.dst in self._timeline.by_address:
            return True
        return not _multicast(packet) and not packet.dst.startswith(FIRST_LINK)

    def _stuck(self, journey: _PacketTrip, place: int, mtu: int) -> Arrivals:
        """Too big for the link to the hop at `place`: the one before it may say so."""
        if place == 0 or not journey.way[place].hop.mtu_reported:
            return []
        return self._error(journey, place - 1, too_big(journey.packet.family, mtu))

    def _stopped(self, journey: _PacketTrip, place: int, last: bool) -> Arrivals | None:
        """What comes back if the router at `place` does not forward; None if it does."""
        packet = journey.packet
        hop = journey.way[place].hop
        if packet.ttl <= 1 and not (hop.forwards_zero and packet.ttl == 1):
            return self._error(journey, place, time_exceeded(packet.family))
        rule = _decided(hop, packet)
        if rule is not None:
            return self._refused(journey, place, rule)
        if last:
            return self._error(journey, place, unreachable(packet.family, 1))
        return None

    def _way(self, packet: Packet) -> tuple[list[Router], bool]:
        """The routers that this packet meets; whether the last of them is who it is for."""
        goal = self._timeline.by_address.get(packet.dst)
        way: list[Router] = []
        for part in self._timeline.parts:
            if isinstance(part, Fork):
                way += self._branch(part, packet, goal)
                if goal is not None and goal in way:
                    return way[: way.index(goal) + 1], True
                continue
            way.append(part)
            if part is goal:
                return way, True
        # nobody: the last router before the target finds that out
        return (way[:-1] or way), False

    def _branch(self, fork: Fork, packet: Packet, goal: Router | None) -> tuple[Router, ...]:
        if goal is not None:
            for branch in fork.branches:
                if goal in branch:
                    return branch
        if fork.per_packet:
            return self._rng.choice(fork.branches)
        return fork.branches[zlib.crc32(packet.flow(), fork.salt) % len(fork.branches)]

    def _chance(self, percent: float) -> bool:
        return self._rng.random() * 100 < percent

    def _rewrite(self, journey: _PacketTrip, place: int, hop: LabHop) -> None:
        packet = journey.packet
        if hop.tos is not None:
            packet.tos = hop.tos
        if hop.clear_ecn:
            packet.clear_ecn()
        if hop.mss is not None:
            packet.clamp_mss(hop.mss)
        if hop.dnat is None or journey.nat is not None:
            return
        inside = hop.dnat.v4 if packet.family == 4 else hop.dnat.v6
        if inside is not None and self._timeline.by_address.get(packet.dst) is journey.way[-1]:
            journey.nat = _Nat(place, hop.dnat, packet.dst, packet.port())
            packet.readdress(ipaddress.ip_address(inside).packed, hop.dnat.port)

    def _refused(self, journey: _PacketTrip, place: int, rule: Rule) -> Arrivals:
        if rule.action == "drop":
            return []
        error = unreachable(journey.packet.family, rule.code, rule.code6)
        return self._error(journey, place, error)

    def _arrived(self, journey: _PacketTrip, place: int) -> Arrivals:
        packet = journey.packet
        rule = _decided(journey.way[place].hop, packet)
        if rule is not None:
            return self._refused(journey, place, rule)
        answer = self._hosts.answer(packet, journey.way[place].hop, journey.now)
        if isinstance(answer, Error):
            return self._error(journey, place, answer)
        if answer is None:
            return []
        if answer.protocol == TCP and answer.body[13] & (SYN | ACK) == SYN | ACK:
            self._await(journey, place, answer)
        return self._direct(journey, place, answer)

    def _await(self, journey: _PacketTrip, place: int, answer: Direct) -> None:
        """Repeat a SYN/ACK until the connection is open, or reset, or given up."""
        packet, travel = journey.packet, journey.travel
        our_seq = int.from_bytes(answer.body[4:8], "big")

        def again(now: int) -> Arrivals | None:
            if not self._hosts.is_half_open(packet, our_seq, now):
                return None
            journey.now, journey.travel = now, travel
            return self._direct(journey, place, answer)

        key = packet.src + packet.dst + packet.body[:4] + answer.body[4:8]
        self.repeats.add(key, journey.now, again)

    def _direct(self, journey: _PacketTrip, place: int, answer: Direct) -> Arrivals:
        """A host's own answer, as NAT makes it look."""
        nat = journey.nat
        source = journey.packet.dst if nat is None else nat.address
        if nat is not None and nat.port is not None and answer.protocol in (TCP, UDP):
            answer = answer._replace(body=struct.pack("!H", nat.port) + answer.body[2:])
        return self._answer(journey, place, source, answer)

    def _error(self, journey: _PacketTrip, place: int, error: Error) -> Arrivals:
        """An ICMP error of the router at `place`, about the packet as it has come there."""
        packet = journey.packet
        router = journey.way[place]
        hop = router.hop
        nat = journey.nat if journey.nat is not None and journey.nat.place < place else None
        source = router.v4 if packet.family == 4 else router.v6
        if nat is not None and self._timeline.by_address.get(nat.address) is router:
            source = nat.address
        if source is None or hop.silent or not router.may_send(journey.now):
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
            extensions = _extensions(hop)
        body = error_body(packet.family, error, quoted[:room], extensions)
        protocol = ICMP if packet.family == 4 else ICMP6
        return self._answer(journey, place, source, Direct(protocol, body, 2))

    def _answer(self, journey: _PacketTrip, place: int, source: bytes, answer: Direct) -> Arrivals:
        """`answer` on its way back from the router at `place`."""
        packet = journey.packet
        router = journey.way[place]
        hop = router.hop
        ttl = (packet.ttl if hop.reply_ttl_from_probe else hop.reply_ttl) - place
        for passed in journey.way[: place + 1]:
            ttl -= passed.hop.back_hops
            journey.travel += passed.back_delay
        if ttl < 1 or (hop.answer_loss and self._chance(hop.answer_loss)):
            return []
        at = journey.now + journey.travel + router.answer_delay
        if hop.hold is not None and self._chance(hop.hold.percent):
            at += round(hop.hold.by * NS_PER_MS)
        answers = [(at, trick(kind, source, packet, ttl, self._rng)) for kind in hop.also]
        if hop.instead is not None:
            return [*answers, (at, trick(hop.instead, source, packet, ttl, self._rng))]
        body = sealed(source, packet.src, answer.protocol, answer.body, answer.check_at)
        self._ident = self._ident % 0xFFFF + 1
        raw = build_datagram(source, packet.src, answer.protocol, ttl, body, ident=self._ident)
        answers.append((at, raw))
        if hop.duplicate and self._chance(hop.duplicate):
            answers.append((at + DUPLICATE_AFTER, raw))
        return answers


def _decided(hop: LabHop, packet: Packet) -> Rule | None:
    """The rule that stops this packet."""
    for rule in hop.rules:
        if rule.protocol is not None and packet.protocol not in _NUMBERS[rule.protocol]:
            continue
        if rule.port is not None and packet.port() != rule.port:
            continue
        return rule if rule.action != "pass" else None
    return None


def _extensions(hop: LabHop) -> bytes:
    objects = []
    if hop.mpls:
        objects.append(mpls_extension([(entry.label, entry.exp, entry.ttl) for entry in hop.mpls]))
    if hop.interface:
        name = hop.interface.encode()[:62]
        padded = name.ljust(-(-(len(name) + 1) // 4) * 4 - 1, b"\0")
        # class 2, the incoming interface, its name only (RFC 5837 §4)
        objects.append((2, 2, bytes((len(padded) + 1,)) + padded))
    return extension(objects)


def _multicast(packet: Packet) -> bool:
    return packet.dst[0] >= 224 if packet.family == 4 else packet.dst[0] == 0xFF
