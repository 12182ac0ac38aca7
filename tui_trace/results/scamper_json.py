"""Traceroutes of scamper, as `sc_warts2json` writes them: an object on each line.

Only answered probes are listed (newer versions list the others, too). scamper tries a hop up to
`attempts` times and goes on at the first answer, so the losses before it follow from its number.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta, field

from tui_trace.core.events import Event, MplsLabel, ReplyKind, Stamp
from tui_trace.core.ip_literals import parse_literal
from tui_trace.core.ranges import Byte, Port, Ttl
from tui_trace.core.settings import NS_PER_S, FlowMode, ProbeSettings, Protocol, TcpFlags
from tui_trace.results.json_text import Milliseconds, Seconds, Small, Text, ns
from tui_trace.results.result_input import MAX_BYTES
from tui_trace.results.rounds import (
    Answer,
    Probe,
    Round,
    Traced,
    play_rounds,
    same_address,
    shortest_interval,
)

MAX_SESSIONS = 20_000
"""Most pairs of source and target in one file."""
MAX_ATTEMPTS = 20
"""Most attempts at a hop that scamper makes: a short line must not claim endless losses."""
_NS_PER_US = 1000
_MPLS = (1, 1)
"""Class and type of an MPLS label stack (RFC 4950)."""
_RST = 0x04
_UNREACHABLE = {4: 3, 6: 1}
_TIME_EXCEEDED = {4: 11, 6: 3}
_ECHO_REPLY = {4: 0, 6: 129}
_PORT_UNREACHABLE = {4: 3, 6: 4}
_FRAGMENTATION_NEEDED = (3, 4)
_TOO_BIG = 2
"""Type of ICMPv6 Packet Too Big."""
_METHODS = {
    "icmp-echo": (Protocol.ICMP, FlowMode.VARY),
    "icmp-echo-paris": (Protocol.ICMP, FlowMode.CONSTANT),
    "udp": (Protocol.UDP, FlowMode.CLASSIC),
    "udp-paris": (Protocol.UDP, FlowMode.CONSTANT),
    "tcp": (Protocol.TCP, FlowMode.CONSTANT),
    "tcp-ack": (Protocol.TCP, FlowMode.CONSTANT),
}


class _Time(msgspec.Struct, frozen=True):
    sec: Seconds = 0
    usec: Annotated[int, Meta(ge=0, le=999_999)] = 0

    @property
    def wall(self) -> int:
        """Return ns since 1970."""
        return self.sec * NS_PER_S + self.usec * _NS_PER_US


class _Label(msgspec.Struct, frozen=True):
    mpls_label: Annotated[int, Meta(ge=0, le=(1 << 20) - 1)] = 0
    mpls_exp: Annotated[int, Meta(ge=0, le=7)] = 0
    mpls_s: Annotated[int, Meta(ge=0, le=1)] = 0
    mpls_ttl: Ttl = 0


class _Extension(msgspec.Struct, frozen=True):
    ie_cn: Byte = 0
    ie_ct: Byte = 0
    mpls_labels: Annotated[tuple[_Label, ...], Meta(max_length=512)] = ()


class _Sent(msgspec.Struct, frozen=True):
    probe_ttl: Ttl
    probe_id: Byte = 0
    tx: _Time | None = None
    flags: Annotated[tuple[Text, ...], Meta(max_length=16)] = ()


class _Hop(_Sent, frozen=True):
    addr: Text = ""
    rtt: Milliseconds = 0.0
    reply_ttl: Ttl | None = None
    icmp_type: Byte | None = None
    icmp_code: Byte | None = None
    icmp_q_ttl: Ttl | None = None
    icmp_q_tos: Byte | None = None
    icmp_nhmtu: Small | None = None
    misspelt_nhmtu: Small | None = field(name="icmp_nhmtu:", default=None)
    """What versions up to 2025 write."""
    tcp_flags: Byte | None = None
    icmpext: Annotated[tuple[_Extension, ...], Meta(max_length=64)] = ()


class _Head(msgspec.Struct, frozen=True):
    """What says to which session an object belongs, and when it was."""

    type: Text = ""
    src: Text = ""
    dst: Text = ""
    start: _Time = _Time()
    hostname: Text = ""
    """Of a `cycle-start`: the machine that traces after it."""


class _Trace(_Head, frozen=True):
    method: Text = ""
    monitor: Text = ""
    sport: Port | None = None
    dport: Port = 0
    hop_count: Ttl = 0
    attempts: Annotated[int, Meta(ge=0, le=MAX_ATTEMPTS)] = 1
    firsthop: Ttl = 1
    tos: Byte = 0
    probe_size: Annotated[int, Meta(ge=0, le=1 << 16)] = 0
    probe_count: Small | None = None
    errmsg: Text = ""
    hops: Annotated[tuple[_Hop, ...], Meta(max_length=1 << 16)] = ()
    no_hops: Annotated[tuple[_Sent, ...], Meta(max_length=1 << 16)] | None = None


_head_decoder = msgspec.json.Decoder(_Head)
_trace_decoder = msgspec.json.Decoder(_Trace)


def read_scamper(objects: Iterator[bytes]) -> Iterator[Iterator[Event]]:
    """Iterate over the sessions: one for each source and target. Only `trace` is read."""
    found: dict[tuple[str, str], list[tuple[int, bytes]]] = {}
    machines: dict[tuple[str, str], str] = {}
    size = others = 0
    machine = ""
    for text in objects:
        head = _head_decoder.decode(text)
        if head.type != "trace":
            others += 1
            machine = head.hostname or machine
            continue
        size += len(text)
        if size > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES >> 20} MiB")
        key = (head.src, head.dst)
        machines.setdefault(key, machine)
        found.setdefault(key, []).append((head.start.wall, text))
        if len(found) > MAX_SESSIONS:
            raise ValueError(f"more than {MAX_SESSIONS} pairs of source and target")
    if not found:
        raise ValueError(f"no trace among {others} objects of scamper")
    for key, traces in found.items():
        traces.sort(key=lambda trace: trace[0])
        yield _session(
            [text for _, text in traces], shortest_interval(at for at, _ in traces), machines[key]
        )


def _session(texts: list[bytes], interval: int, machine: str) -> Iterator[Event]:
    first = _trace_decoder.decode(texts[0])
    traced = Traced(
        target=first.dst,
        address=first.dst,
        source=first.src,
        vantage=first.monitor or machine or first.src,
        family=_family(first),
    )
    rounds = (_round(_trace_decoder.decode(text)) for text in texts)
    return play_rounds(traced, interval, rounds, "scamper")


def _family(trace: _Trace) -> int:
    address = parse_literal(trace.dst)
    return 4 if address is None else address.version


def _round(trace: _Trace) -> Round:
    failures = ((trace.firsthop, trace.errmsg),) if trace.errmsg else ()
    return Round(trace.start.wall, _settings(trace), tuple(_probes(trace)), failures)


def _settings(trace: _Trace) -> ProbeSettings:
    if trace.method not in _METHODS:
        raise ValueError(f"scamper's method {trace.method!r} is not known")
    protocol, flow = _METHODS[trace.method]
    has_ports = protocol is not Protocol.ICMP
    return ProbeSettings(
        protocol=protocol,
        port=trace.dport if has_ports else 0,
        # each traceroute has another one: it would be another run
        source_port=None,
        tos=trace.tos,
        size=trace.probe_size,
        flow=flow,
        tcp_flags=TcpFlags.ACK if trace.method == "tcp-ack" else TcpFlags.SYN,
    )


def _probes(trace: _Trace) -> Iterator[Probe]:
    """Iterate over the probes in their order: by TTL, then by attempt."""
    if trace.no_hops is not None:
        lost = [(one.probe_ttl, one.probe_id) for one in trace.no_hops]
        sent = {place: one.tx for place, one in zip(lost, trace.no_hops, strict=True)}
    else:
        base = _first_number(trace)
        lost = [(ttl, base + number) for ttl, number in _unlisted(trace, base)]
        sent = {}
    answered: dict[tuple[int, int], _Hop] = {}
    duplicates: Counter[tuple[int, int]] = Counter()
    for hop in trace.hops:
        place = (hop.probe_ttl, hop.probe_id)
        if answered.setdefault(place, hop) is not hop:
            duplicates[place] += 1
    for place in sorted({*lost, *answered}):
        hop_found = answered.get(place)
        if hop_found is None:
            at = sent.get(place)
            yield Probe(place[0], at=at.wall if at else None)
        else:
            answer = _answer(hop_found, trace)._replace(duplicates=duplicates[place])
            at = hop_found.tx
            yield Probe(place[0], answer, at=at.wall if at else None)


def _first_number(trace: _Trace) -> int:
    """Return the number of a hop's first attempt: 0 in some versions, 1 in others."""
    for base in (1, 0):
        if len(trace.hops) + len(_unlisted(trace, base)) == trace.probe_count:
            return base
    return 0 if any(hop.probe_id == 0 for hop in trace.hops) else 1


def _unlisted(trace: _Trace, base: int) -> list[tuple[int, int]]:
    """Return TTL and number, from 0 on, of the probes that were lost before a hop's last answer.

    Of a hop without any answer, all attempts.
    """
    answered: dict[int, set[int]] = {}
    for hop in trace.hops:
        answered.setdefault(hop.probe_ttl, set()).add(hop.probe_id - base)
    last = max(trace.hop_count, *answered, 0) if answered else trace.hop_count
    return [
        (ttl, number)
        for ttl in range(trace.firsthop, last + 1)
        for number in range(max(answered[ttl]) if ttl in answered else trace.attempts)
        if number not in answered.get(ttl, ())
    ]


def _answer(hop: _Hop, trace: _Trace) -> Answer:
    family = _family(trace)
    settings = _settings(trace)
    kind = _kind(hop, family)
    is_target = same_address(hop.addr, trace.dst)
    return Answer(
        address=hop.addr,
        kind=kind,
        rtt=ns(hop.rtt) or 0,
        reached=is_target and _is_of_target(kind, hop, family, settings.protocol),
        icmp_type=hop.icmp_type,
        code=hop.icmp_code,
        reply_ttl=hop.reply_ttl,
        mtu=hop.icmp_nhmtu if hop.icmp_nhmtu is not None else hop.misspelt_nhmtu,
        quoted_ttl=hop.icmp_q_ttl,
        quoted_tos=hop.icmp_q_tos,
        labels=tuple(
            MplsLabel(one.mpls_label, one.mpls_exp, bool(one.mpls_s), one.mpls_ttl)
            for extension in hop.icmpext
            if (extension.ie_cn, extension.ie_ct) == _MPLS
            for one in extension.mpls_labels
        ),
        sent_stamp=Stamp.KERNEL if "dltxts" in hop.flags else Stamp.USER,
        received_stamp=(
            Stamp.KERNEL if {"dlrxts", "sockrxts"}.intersection(hop.flags) else Stamp.USER
        ),
    )


def _kind(hop: _Hop, family: int) -> ReplyKind:
    if hop.tcp_flags is not None:
        return ReplyKind.RST if hop.tcp_flags & _RST else ReplyKind.SYN_ACK
    if hop.icmp_type is None:
        return ReplyKind.UDP
    if hop.icmp_type == _TIME_EXCEEDED[family]:
        return ReplyKind.TIME_EXCEEDED
    if hop.icmp_type == _ECHO_REPLY[family]:
        return ReplyKind.ECHO
    too_big = (
        hop.icmp_type == _TOO_BIG
        if family == 6
        else (hop.icmp_type, hop.icmp_code) == _FRAGMENTATION_NEEDED
    )
    if too_big:
        return ReplyKind.TOO_BIG
    return ReplyKind.UNREACHABLE if hop.icmp_type == _UNREACHABLE[family] else ReplyKind.OTHER


def _is_of_target(kind: ReplyKind, hop: _Hop, family: int, protocol: Protocol) -> bool:
    """Return whether a reply from the target's address answers a probe that arrived there."""
    if kind is ReplyKind.UNREACHABLE:
        return protocol is Protocol.UDP and hop.icmp_code == _PORT_UNREACHABLE[family]
    return kind in (ReplyKind.ECHO, ReplyKind.SYN_ACK, ReplyKind.RST, ReplyKind.UDP)
