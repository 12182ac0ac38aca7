"""The real engine, templates, decoders and matching on the lab's internet, and an enemy.

Nothing is simulated but time and sockets: probes are the bytes that would leave, answers are the
bytes that the lab would send, and the decoders read what a raw socket would give them.
"""

import heapq
import ipaddress
import itertools
from collections.abc import Iterator
from random import Random

from tui_trace.core import events
from tui_trace.core.events import Stamp
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.lab.packets import ICMP, ICMP6, TCP, UDP, build_datagram, checksum, with_checksum
from tui_trace.lab.scenario import Scenario
from tui_trace.lab.simulator import Simulator
from tui_trace.wire.matching import Matcher
from tui_trace.wire.network import (
    NOTHING_QUOTED,
    Answer,
    Egress,
    OutgoingProbe,
    Received,
    ReceivedReply,
)
from tui_trace.wire.packets import builder, decoder
from tui_trace.wire.packets.received_packet import ReceivedPacket
from tui_trace.wire.packets.registry import PROBE_PROTOCOLS
from tui_trace.wire.probe_ids import ProbeIdGenerator
from tui_trace.wire.quotes import KEPT_BYTES, quote_details
from tui_trace.wire.sent_probes import SentProbes

SOURCE = {4: "192.0.2.2", 6: "2001:db8::2"}
WALL = 1_700_000_000_000_000_000


class Wire:
    """Implements `tui_trace.wire.network.Network`; is the engine's sink, too, and its judge.

    One packet a `receive`, so that each event has the packet that caused it.
    """

    def __init__(
        self, scenario: Scenario, family: int, enemy: "Enemy", each: int, rng: Random
    ) -> None:
        """`each` hostile packets for every valid one."""
        self.family = family
        self.keeps_ports = True
        target = scenario.target.v4 if family == 4 else scenario.target.v6
        assert target is not None
        self.address = target
        self.internet = Simulator(scenario)
        self.enemy = enemy
        self.each = each
        self.rng = rng
        self.now = 1_000_000_000
        self.heap: list[tuple[int, int, bytes, bool]] = []
        self.order = itertools.count()
        self.ports = itertools.count(40_000)
        self.templates: dict[ProbeSettings, builder.Template] = {}
        self.ids = ProbeIdGenerator(rng)
        self.probes: SentProbes[OutgoingProbe] = SentProbes()
        self.matcher = Matcher(self.probes)
        self.last_sent = b""
        self.sent: dict[int, bytes] = {}
        """Probes as they left, by number."""
        self.packets: list[tuple[bytes, bool]] = []
        """What the last `receive` credited: the packet, or two of them, kept back and new."""
        self.read: tuple[bytes, bool] | None = None
        """The packet that the last `receive` read."""
        self.kept_back: dict[ReceivedReply, tuple[bytes, bool]] = {}
        self.credited: list[events.Reply] = []
        self.hostile = 0
        self.valid = 0
        self.hostile_credited = 0
        self.may_be_translated = False
        """A quote may be one that NAT has rewritten; set by who makes the probes so."""

    # --- the network

    def open(self) -> None: ...

    def close(self) -> None: ...

    def wake(self) -> None: ...

    def monotonic(self) -> int:
        return self.now

    def wall(self) -> int:
        return self.now + WALL

    def egress(self, _settings: ProbeSettings) -> Egress:
        return Egress(SOURCE[self.family])

    def reserve_port(
        self,
        _protocol: Protocol,
        port: int | None = None,
        *,
        is_spare: bool = False,  # noqa: ARG002
    ) -> int:
        return port if port is not None else next(self.ports)

    def send(self, probe: OutgoingProbe) -> None:
        settings = probe.settings
        protocol = PROBE_PROTOCOLS[self.family][settings.protocol]
        if settings not in self.templates:
            self.templates[settings] = builder.Template(
                settings, SOURCE[self.family], self.address, self.family
            )
        probe.target = self.address
        probe.data_length = protocol.data_length(settings)
        probe.key, probe.ip_id = self.ids.next_ids(settings.protocol, probe.data_length)
        probe.wall, probe.stamp = self.wall(), Stamp.KERNEL
        raw = bytes(self.templates[settings].probe(probe.ttl, probe.flow, probe.key, probe.ip_id))
        probe.packet = raw[:KEPT_BYTES]
        self.probes.add(probe, protocol)
        self.last_sent = raw
        for at, answer in self.internet.receive(raw, self.now):
            heapq.heappush(self.heap, (at, next(self.order), answer, True))
            for hostile in self.enemy.packets(answer, self.each):
                moment = at + self.rng.randrange(-500_000, 500_000)
                heapq.heappush(self.heap, (max(moment, self.now), next(self.order), hostile, False))

    def receive(self, timeout: int, *, wake_on_reply: bool = True) -> Received[OutgoingProbe]:  # noqa: ARG002
        self.judge()
        deadline = self.now + timeout
        if not self.heap or self.heap[0][0] > deadline:
            self.now = max(deadline, self.now + 1)
            return Received([])
        at, _, raw, valid = heapq.heappop(self.heap)
        self.now = max(self.now, at)
        self.read = (raw, valid)
        reply = self.decoded(raw)
        return Received([]) if reply is None else self.matched(reply, raw, valid)

    def matched(self, reply: ReceivedReply, raw: bytes, valid: bool) -> Received[OutgoingProbe]:
        """What belongs to a probe, and which packets it came in."""
        matches = self.matcher.match(reply)
        if matches is None:
            return Received([], 1)
        if not matches:
            self.kept_back[reply] = raw, valid
        answers = []
        for probe, each in matches:
            is_new = each is reply or not each.message  # only quotes are kept back
            self.packets.append((raw, valid) if is_new else self.kept_back.pop(each))
            details = quote_details(probe, each, self.family) if each.message else NOTHING_QUOTED
            answers.append(Answer(probe, each, details))
        return Received(answers)

    def decoded(self, raw: bytes) -> ReceivedReply | None:
        """As the sockets hand it over: whole packets of IPv4, of IPv6 only what is above."""
        if self.family == 4:
            packet = decoder.from_ip4(raw, self.wall(), Stamp.KERNEL)
            number = raw[9]
        else:
            address = str(ipaddress.ip_address(raw[8:24]))
            packet = ReceivedPacket(raw[40:], 0, address, raw[7], self.wall(), Stamp.KERNEL, True)
            number = raw[6]
        decoders = {
            ICMP: decoder.decode_icmpv4,
            ICMP6: decoder.decode_icmpv6,
            TCP: PROBE_PROTOCOLS[self.family][Protocol.TCP].decode_reply,
            UDP: PROBE_PROTOCOLS[self.family][Protocol.UDP].decode_reply,
        }
        return decoders[number](packet) if packet is not None else None

    # --- the sink, and the verdict

    def event(self, event: events.Event) -> None:
        if isinstance(event, events.ProbeSent):
            self.sent[event.probe] = self.last_sent
        elif isinstance(event, events.Reply):
            self.credited.append(event)

    def pulse(self, _at: int) -> None: ...

    def judge(self) -> None:
        """What the last packet led to is right."""
        packets, self.packets = self.packets, []
        credited, self.credited = self.credited, []
        assert len(credited) <= len(packets)
        if self.read is not None:
            (raw, valid), self.read = self.read, None
            self.valid += valid
            self.hostile += not valid
            if valid:
                assert len(credited) == len(packets) >= 1, raw.hex()
        for reply_event, (raw, valid) in zip(credited, packets, strict=True):
            probe = self.sent[reply_event.probe]
            right = speaks_of(raw, probe, self.family)
            right = right or (self.may_be_translated and shares_a_number(raw, probe, self.family))
            assert right, raw.hex()
            self.hostile_credited += not valid


def speaks_of(raw: bytes, probe: bytes, family: int) -> bool:
    """Whether a packet carries what only the answer to this probe can, wherever it stands."""
    start = (raw[0] & 15) * 4 if family == 4 else 40
    above = probe[20:] if family == 4 else probe[40:]
    number = raw[9] if family == 4 else raw[6]
    body = raw[start:]
    if number in (ICMP, ICMP6):
        if body[0] == (0 if family == 4 else 129):
            return body[4:8] == above[4:8]
        if family == 4 and probe[4:6] not in body[8:]:  # the IP ID
            return False
        if probe[9 if family == 4 else 6] == UDP:  # ports and checksum; a length tells nothing
            ends = (body.find(above[6:8], at) for at in range(8 + 20 + 6, len(body) - 1))
            return any(end >= 6 and body[end - 6 : end - 2] == above[:4] for end in ends)
        return above[:8] in body[8:]
    if body[0:2] != above[2:4] or body[2:4] != above[0:2]:
        return False
    if number == UDP:
        return True
    sequence = int.from_bytes(above[4:8], "big")
    data = len(above) - (above[12] >> 4) * 4
    acknowledged = int.from_bytes(body[8:12], "big")
    if body[13] & 0x10:
        return (acknowledged - 1 - sequence) % 2**32 in range(data + 1)
    return int.from_bytes(body[4:8], "big") == sequence


def shares_a_number(raw: bytes, probe: bytes, family: int) -> bool:
    """An ICMP error that quotes one of the numbers that only this probe has.

    These are the IP ID, the key, and what follows from the key: the checksum filler, and the sum
    that NAT does not change.
    """
    start, above = (20, probe[20:]) if family == 4 else (40, probe[40:])
    quote = raw[start + 8 :]
    numbers = [above[6:8]] if family == 6 else [probe[4:6], above[6:8]]
    if probe[9 if family == 4 else 6] != TCP:
        numbers.append(above[8:10])
    if raw[9 if family == 4 else 6] not in (ICMP, ICMP6):
        return False
    return any(each in quote for each in numbers) or nat_sum(quote, start) == nat_sum(probe, start)


def nat_sum(packet: bytes, top: int) -> int:
    """The sum of the addresses and of eight bytes from the transport header on (RFC 1071)."""
    summed = packet[12 if top == 20 else 8 : top + 8]
    return (
        sum(int.from_bytes(summed[at : at + 2], "big") for at in range(0, len(summed), 2)) % 65535
    )


class Enemy:
    """Makes packets out of right answers: broken, cut, forged, swapped or just random."""

    def __init__(self, rng: Random) -> None:
        """Everything comes from `rng`."""
        self.rng = rng
        self.seen: list[bytes] = []

    def packets(self, answer: bytes, count: int) -> Iterator[bytes]:
        """`count` of them about one answer; never the answer itself."""
        self.seen = [*self.seen[-50:], answer]
        family = answer[0] >> 4
        start = 20 if family == 4 else 40
        source, here = (
            (answer[12:16], answer[16:20]) if family == 4 else (answer[8:24], answer[24:40])
        )
        protocol = answer[9] if family == 4 else answer[6]
        tricks = (self.flipped, self.cut, self.grown, self.spliced, self.forged, self.random)
        while count:
            number, body = protocol, self.rng.choice(tricks)(answer[start:], start)
            if self.rng.random() < 0.1:
                number = self.rng.choice((TCP, UDP, ICMP if family == 4 else ICMP6))
            if number in (ICMP, ICMP6) and len(body) >= 4 and self.rng.random() < 0.8:
                body = with_checksum(source, here, number, body[:2] + b"\0\0" + body[4:], 2)
            elif family == 6 and number == ICMP6 and not whole(source, here, body):
                continue  # the kernel drops it
            hostile = build_datagram(source, here, number, self.rng.randrange(1, 256), body)
            if hostile[start:] != answer[start:]:
                yield hostile
                count -= 1

    def flipped(self, body: bytes, _start: int) -> bytes:
        changed = bytearray(body)
        for _ in range(self.rng.randrange(1, 9)):
            changed[self.rng.randrange(len(changed))] = self.rng.randrange(256)
        return bytes(changed)

    def cut(self, body: bytes, _start: int) -> bytes:
        return body[: self.rng.randrange(len(body))]

    def grown(self, body: bytes, _start: int) -> bytes:
        return self.cut(body, 0) + self.rng.randbytes(self.rng.randrange(1, 300))

    def spliced(self, body: bytes, start: int) -> bytes:
        other = self.rng.choice(self.seen)[start:]
        at = self.rng.randrange(len(body))
        return body[:at] + other[at:]

    def forged(self, body: bytes, start: int) -> bytes:
        """Only the numbers that tell probes apart are wrong."""
        at = 8 + start if len(body) > 8 + start + 8 and body[0] in (1, 2, 3, 11) else 0
        changed = bytearray(body)
        for _ in range(self.rng.randrange(1, 3)):
            place = at + self.rng.randrange(8)
            if place < len(changed):
                changed[place] ^= self.rng.randrange(1, 256)
        return bytes(changed)

    def random(self, body: bytes, _start: int) -> bytes:
        kind = self.rng.choice((body[:1], b"\x0b", b"\x03", b"\0", b"\x81", self.rng.randbytes(1)))
        return kind + self.rng.randbytes(self.rng.randrange(len(body) + 40))


def whole(source: bytes, here: bytes, body: bytes) -> bool:
    """An ICMPv6 message with a right checksum; no socket gets another."""
    pseudo = source + here + len(body).to_bytes(4, "big") + ICMP6.to_bytes(4, "big")
    return checksum(pseudo + body) == 0
