"""Which probe a reply belongs to.

Two kinds of replies are told apart. A *direct* reply comes from the target, with the probe's flow
and key. An ICMP error *quotes* the probe. A quote that is right in every field is credited at once.
If a middlebox rewrote something, what is left has to prove which probe it was: `ENOUGH` bits of it
that only a host which saw the probe knows. A blind forger then hits one of 65,000 probes with a
chance below 2⁻³². With fewer bits, down to `SOME`, the first quote is kept back until a second one,
of another probe and rewritten in the same fields, shows that a middlebox does so.

Secret are the source port or the ICMP identifier, the key, the IP ID or the flow label, and what
repeats them farther behind (`ProbeProtocol.secret_copy`) or in a sum (`ProbeProtocol.nat_sum`).
"""

import socket
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeAlias

from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import DnatMode, ProbeIdField, Protocol
from tui_trace.wire.network import PORTED, FlowTuple, OutgoingProbe, ProbeT, ReceivedReply
from tui_trace.wire.packets.checksum import ONES_COMPLEMENT_MODULUS, ones_sum
from tui_trace.wire.packets.decoder import behind_extensions
from tui_trace.wire.packets.probe_protocol import ProbeProtocol
from tui_trace.wire.packets.registry import PROBE_PROTOCOLS
from tui_trace.wire.sent_probes import HEADER_LENGTH, SentProbes

_VERSION_NEGOTIATION = ReplyKind.VERSION_NEGOTIATION

ENOUGH = 48
SOME = 32

ICMP_HEADER = 8
_FLOW_LABEL_BITS = 20

_Rewritten: TypeAlias = tuple[Protocol, tuple[bool, ...]]
"""Which of the secrets a quote still has."""


class Match(NamedTuple, Generic[ProbeT]):
    """A reply, and the probe that it belongs to."""

    probe: ProbeT
    reply: ReceivedReply


class Matcher(Generic[ProbeT]):
    """Finds the probes of replies."""

    def __init__(self, sent: SentProbes[ProbeT]) -> None:
        """Match replies with these probes."""
        self._sent = sent
        self._kept_back: dict[_Rewritten, Match[ProbeT]] = {}
        self._proven: set[_Rewritten] = set()

    def match(self, reply: ReceivedReply) -> Sequence[Match[ProbeT]] | None:
        """Return `reply` with its probe, and a reply kept back that is proven by it.

        None if it belongs to no probe; nothing if it is kept back.
        """
        if reply.kind is _VERSION_NEGOTIATION:
            return self._match_negotiation(reply)
        if not reply.message:
            probe = self._find_direct(reply)
            return None if probe is None else (Match(probe, reply),)
        probe = None if reply.key is None else self._sent.by_key(reply.protocol, reply.key)
        if probe is not None and _is_exact(probe, reply):
            return (Match(probe, reply),)
        return self._match_rewritten(reply)

    def _find_direct(self, reply: ReceivedReply) -> ProbeT | None:
        if reply.key is None:
            probe = self._find_datagram(reply)
        else:
            probe = self._sent.by_key(reply.protocol, reply.key)
        if probe is None:
            return None
        if reply.address == probe.target:
            return probe if reply.key is None or probe.flow == reply.flow else None
        # a host may answer an echo request from another address of its own (RFC 4443 §4.2), and
        # then identifier, checksum and sequence prove it
        is_echo = reply.kind is ReplyKind.ECHO and probe.flow == _flow_from_elsewhere(probe, reply)
        return probe if is_echo else None

    def _match_negotiation(self, reply: ReceivedReply) -> Sequence[Match[ProbeT]] | None:
        """Match what a QUIC server sent by its connection IDs, which nobody else can know."""
        probe = self._sent.by_copy(reply.ids)
        if probe is not None:
            is_from_target = reply.address == probe.target and reply.flow == probe.flow
            return (Match(probe, reply._replace(key=probe.key)),) if is_from_target else None
        # a service that is none of QUIC may send a UDP probe back what looks so
        datagram = reply._replace(kind=ReplyKind.UDP, ids=b"", versions=())
        probe = self._find_direct(datagram)
        if probe is None or probe.settings.protocol is Protocol.QUIC:
            return None
        return (Match(probe, datagram),)

    def _find_datagram(self, reply: ReceivedReply) -> ProbeT | None:
        if reply.protocol is Protocol.IP and reply.number not in PORTED:
            return self._sent.by_number(reply.number)
        probe = self._sent.by_port(reply.protocol, reply.flow[0])
        if probe is None or probe.flow[1] != reply.flow[1]:
            return None
        return probe if reply.number in (0, probe.settings.number) else None

    def _match_rewritten(self, reply: ReceivedReply) -> Sequence[Match[ProbeT]] | None:
        quote = reply.message[ICMP_HEADER:]
        family = 4 if quote[0] >> 4 == 4 else 6
        protocol = PROBE_PROTOCOLS[family][reply.protocol]
        start = transport_start(quote)
        most = 0, 0
        for probe in self._sent.candidates(protocol, quote, start):
            if probe.settings.dnat is DnatMode.OFF:
                continue
            if _tracked_field_agrees(probe, reply):
                return (Match(probe, reply),)
            agreeing, left = _agreement(probe, quote, start, protocol)
            # an IP ID that was rewritten may have become another probe's
            rank = agreeing, sum(left[1])
            if rank > most:
                most, match, rewritten = rank, Match(probe, reply), left
        if most[0] < SOME:
            return None
        if most[0] >= ENOUGH or rewritten in self._proven:
            return (match,)
        return self._keep_back(rewritten, match)

    def _keep_back(self, rewritten: _Rewritten, match: Match[ProbeT]) -> Sequence[Match[ProbeT]]:
        before = self._kept_back.get(rewritten)
        if before is None or before.probe is match.probe:
            self._kept_back[rewritten] = match
            return ()
        self._proven.add(rewritten)
        del self._kept_back[rewritten]
        return before, match


def _flow_from_elsewhere(probe: OutgoingProbe, reply: ReceivedReply) -> FlowTuple:
    """Return the flow of an echo reply as if it had come from the target's own address.

    The checksum of ICMPv6 covers the addresses (RFC 4443 §2.3).
    """
    identifier, checksum = reply.flow
    if ":" in reply.address:
        here, there = (
            ones_sum(socket.inet_pton(socket.AF_INET6, each))
            for each in (reply.address, probe.target)
        )
        checksum = (checksum + here - there) % ONES_COMPLEMENT_MODULUS
    return identifier, checksum


def transport_start(packet: bytes) -> int:
    """Return the offset of the transport header in an IP packet."""
    if packet[0] >> 4 == 4:
        return (packet[0] & 15) * 4
    return behind_extensions(packet, packet[6], HEADER_LENGTH[6])[1]


def _is_exact(probe: OutgoingProbe, reply: ReceivedReply) -> bool:
    if probe.flow != reply.flow or probe.target != reply.destination:
        return False
    if reply.ip_id is None:
        return _has_label(probe.packet, reply.message[ICMP_HEADER : ICMP_HEADER + 4])
    return probe.ip_id == reply.ip_id


def _has_label(sent: bytes, quote: bytes) -> bool:
    """Return whether the flow label, the last 20 bits of the first four bytes, is the same."""
    return (sent[1] ^ quote[1]) & 15 == 0 and sent[2:4] == quote[2:4]


def _tracked_field_agrees(probe: OutgoingProbe, reply: ReceivedReply) -> bool:
    """Return whether the field agrees that the user says is left alone (`--track`)."""
    track = probe.settings.track
    if track is ProbeIdField.SEQUENCE or probe.flow[0] != reply.flow[0]:
        return False
    if probe.flow[1] != reply.flow[1] and probe.target == reply.destination:
        return False
    return track is ProbeIdField.PORT or reply.ip_id == probe.ip_id


def _agreement(
    probe: OutgoingProbe, quote: bytes, start: int, protocol: ProbeProtocol
) -> tuple[int, _Rewritten]:
    """Return how many secret bits of a quote are the probe's, and which of them are not.

    None are, if no field agrees that differs between probes of one flow.
    """
    sent, sent_start = probe.packet, HEADER_LENGTH[protocol.family]
    ours, theirs = sent[sent_start : sent_start + 8], quote[start : start + 8]
    agrees = [ours[secret] == theirs[secret] for secret in protocol.secrets]
    sizes = [secret.stop - secret.start for secret in protocol.secrets]
    agreeing = sum(size for size, same in zip(sizes, agrees, strict=True) if same)
    copy = protocol.secret_copy(quote, start)
    repeats = bool(copy) and copy == protocol.secret_copy(sent, sent_start)
    total = protocol.nat_sum(quote, start)
    if not repeats and total is not None:
        # two bytes that follow from the others, as the filler does
        repeats, copy = total == protocol.nat_sum(sent, sent_start), ours[:2]
    if repeats:
        # connection IDs of QUIC are longer than all that they repeat
        agreeing = max(len(copy), min(sum(sizes), agreeing + len(copy)))
    bits = 8 * agreeing
    if protocol.family == 6:
        same_ip = _has_label(sent, quote)
        bits += _FLOW_LABEL_BITS * same_ip
    else:
        same_ip = sent[4:6] == quote[4:6]
        bits += 16 * same_ip
    if not (agrees[-1] or repeats or (same_ip and protocol.family == 4)):
        bits = 0
    return bits, (protocol.protocol, (*agrees, repeats, same_ip))
