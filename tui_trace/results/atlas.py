"""Traceroutes of RIPE Atlas: results of one measurement or many, as its API and its stream give.

A probe of Atlas waits for each packet, so the order of the results is that of the packets. It tells
when a traceroute began, but not when each packet was sent.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, field

from tui_trace.core.events import Event, MplsLabel, ReplyKind
from tui_trace.core.ranges import Byte, Ttl
from tui_trace.core.settings import NS_PER_S, FlowMode, ProbeSettings, Protocol
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
"""Most pairs of probe and target in one file."""
_MPLS = (1, 1)
"""Class and type of an MPLS label stack (RFC 4950)."""
_PORT_UNREACHABLE = "p"
_CODES = {
    4: {"N": 0, "H": 1, "P": 2, _PORT_UNREACHABLE: 3, "A": 13},
    6: {"N": 0, "A": 1, "h": 2, "H": 3, _PORT_UNREACHABLE: 4},
}
"""The code of an ICMP unreachable by Atlas's letter, for each family."""
_UNKNOWN_PROTOCOL = (4, 1)
"""Type and code of ICMPv6 for an unknown protocol (RFC 4443 §3.4)."""
_LATE = (
    "late answers without an RTT: which probes they are for is not told, so unanswered probes of"
    " such a traceroute count neither as lost nor as sent"
)


class _Label(msgspec.Struct, frozen=True):
    label: Annotated[int, Meta(ge=0, le=(1 << 20) - 1)] = 0
    exp: Annotated[int, Meta(ge=0, le=7)] = 0
    s: Annotated[int, Meta(ge=0, le=1)] = 0
    ttl: Ttl = 0


class _Object(msgspec.Struct, frozen=True):
    class_: int = field(name="class", default=0)
    type: int = 0
    mpls: Annotated[tuple[_Label, ...], Meta(max_length=512)] = ()


class _Extensions(msgspec.Struct, frozen=True):
    obj: Annotated[tuple[_Object, ...], Meta(max_length=64)] = ()


class _Reply(msgspec.Struct, frozen=True):
    from_: Text = field(name="from", default="")
    rtt: Milliseconds | None = None
    ttl: Ttl | None = None
    err: Text | Byte | None = None
    late: Small | None = None
    dup: Small | bool | None = None
    mtu: Small | None = None
    ittl: Ttl | None = None
    itos: Byte | None = None
    flags: Text = ""
    icmpext: _Extensions | None = None
    x: Text = ""
    error: Text = ""


class _Hop(msgspec.Struct, frozen=True):
    hop: Ttl = 1
    result: Annotated[tuple[_Reply, ...], Meta(max_length=1000)] = ()
    error: Text = ""


class _Head(msgspec.Struct, frozen=True):
    """What says to which session a result belongs, and when it was."""

    type: Text = ""
    prb_id: Small = 0
    timestamp: Seconds = 0
    dst_addr: Text = ""
    dst_name: Text = ""


class _Result(_Head, frozen=True):
    src_addr: Text = ""
    from_: Text = field(name="from", default="")
    fw: Any = None
    af: int | None = None
    pf: int | None = None
    """What `af` was called in the first firmwares."""
    proto: Any = None
    size: Annotated[int, Meta(ge=0, le=1 << 16)] | None = None
    tos: Byte = 0
    paris_id: Small | None = None
    result: Annotated[tuple[_Hop, ...], Meta(max_length=512)] = ()

    @property
    def family(self) -> int:
        """Return 4 or 6."""
        return 6 if 6 in (self.af, self.pf) else 4


_head_decoder = msgspec.json.Decoder(_Head)
_result_decoder = msgspec.json.Decoder(_Result)


def read_atlas(objects: Iterator[bytes]) -> Iterator[Iterator[Event]]:
    """Iterate over the sessions: one for each probe and target, by their first traceroute."""
    found: dict[tuple[int, str], list[tuple[int, bytes]]] = {}
    size = others = 0
    for text in objects:
        head = _head_decoder.decode(text)
        if head.type != "traceroute":
            others += 1
            continue
        size += len(text)
        if size > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES >> 20} MiB")
        key = (head.prb_id, head.dst_addr or head.dst_name)
        found.setdefault(key, []).append((head.timestamp, text))
        if len(found) > MAX_SESSIONS:
            raise ValueError(f"more than {MAX_SESSIONS} pairs of probe and target")
    if not found:
        raise ValueError(f"no traceroute among {others} results of RIPE Atlas")
    for results in found.values():
        results.sort(key=lambda result: result[0])
        interval = shortest_interval(at for at, _ in results) * NS_PER_S
        yield _session([text for _, text in results], interval)


def _session(texts: list[bytes], interval: int) -> Iterator[Event]:
    first = _result_decoder.decode(texts[0])
    traced = Traced(
        target=first.dst_name or first.dst_addr,
        address=first.dst_addr or first.dst_name,
        source=first.src_addr or first.from_,
        vantage=f"RIPE Atlas probe {first.prb_id}",
        family=first.family,
    )
    flows = {msgspec.json.decode(text, type=_Paris).paris_id for text in texts}
    # 0: each packet has another flow; several: each traceroute has
    mode = FlowMode.CONSTANT if len(flows) == 1 and flows != {0} else FlowMode.VARY
    rounds = (_round(_result_decoder.decode(text), mode) for text in texts)
    version = f"RIPE Atlas firmware {first.fw}" if isinstance(first.fw, int) else "RIPE Atlas"
    return play_rounds(traced, interval, rounds, version)


class _Paris(msgspec.Struct, frozen=True):
    paris_id: Small | None = None


def _round(result: _Result, mode: FlowMode) -> Round:
    settings = _settings(result, mode)
    has_late = any(reply.late is not None for hop in result.result for reply in hop.result)
    probes: list[Probe] = []
    failures: list[tuple[int, str]] = []
    for hop in result.result:
        if hop.error:
            failures.append((hop.hop, hop.error))
        for reply in hop.result:
            if reply.error:
                failures.append((hop.hop, reply.error))
            elif reply.late is not None:
                continue
            elif reply.dup:
                _count_duplicate(probes)
            elif reply.from_ and reply.rtt is not None:
                probes.append(Probe(hop.hop, _answer(reply, reply.rtt, result, settings)))
            else:
                # neither an answer nor the star of a loss
                is_unknown = has_late or not reply.x
                probes.append(Probe(hop.hop, is_unknown=is_unknown))
    return Round(
        result.timestamp * NS_PER_S,
        settings,
        tuple(probes),
        tuple(failures),
        _LATE if has_late else "",
    )


def _count_duplicate(probes: list[Probe]) -> None:
    if probes and (answer := probes[-1].answer) is not None:
        probes[-1] = probes[-1]._replace(answer=answer._replace(duplicates=answer.duplicates + 1))


def _settings(result: _Result, mode: FlowMode) -> ProbeSettings:
    name = str(result.proto).upper()[:1]
    protocol = {"I": Protocol.ICMP, "T": Protocol.TCP}.get(name, Protocol.UDP)
    headers = (40 if result.family == 6 else 20) + (20 if protocol is Protocol.TCP else 8)
    return ProbeSettings(
        protocol=protocol,
        tos=result.tos,
        # Atlas counts the bytes behind the headers
        size=headers + (result.size or 0),
        flow=mode,
    )


def _answer(reply: _Reply, rtt: float, result: _Result, settings: ProbeSettings) -> Answer:
    is_target = same_address(reply.from_, result.dst_addr)
    kind, icmp_type, code = _kind(reply, is_target, result.family, settings.protocol)
    quotes = kind in (ReplyKind.TIME_EXCEEDED, ReplyKind.UNREACHABLE, ReplyKind.TOO_BIG)
    return Answer(
        address=reply.from_,
        kind=kind,
        rtt=ns(rtt) or 0,
        reached=is_target and _is_of_target(kind, reply, settings.protocol),
        icmp_type=icmp_type,
        code=code,
        reply_ttl=reply.ttl,
        mtu=reply.mtu,
        # the TTL in the quote is told only if it is not 1
        quoted_ttl=(1 if reply.ittl is None else reply.ittl) if quotes else None,
        quoted_tos=reply.itos,
        labels=_labels(reply),
    )


def _kind(
    reply: _Reply, is_target: bool, family: int, protocol: Protocol
) -> tuple[ReplyKind, int | None, int | None]:
    """Return the kind of a reply, and its ICMP type and code where they say more."""
    if reply.err is not None:
        return _error_kind(reply.err, family)
    if reply.mtu is not None:
        return ReplyKind.TOO_BIG, None, None
    if protocol is Protocol.TCP and reply.flags:
        return (ReplyKind.RST if "R" in reply.flags else ReplyKind.SYN_ACK), None, None
    if is_target and protocol is Protocol.ICMP:
        return ReplyKind.ECHO, None, None
    if is_target and protocol is Protocol.UDP:
        # where the target refuses its port, Atlas is at the goal, and tells no error
        return _error_kind(_PORT_UNREACHABLE, family)
    return ReplyKind.TIME_EXCEEDED, None, None


def _error_kind(error: str | int, family: int) -> tuple[ReplyKind, int | None, int | None]:
    """Return the same for an error: a letter of Atlas, or a code."""
    if family == 6 and error == "P":
        return ReplyKind.UNREACHABLE, *_UNKNOWN_PROTOCOL
    code = _CODES[family].get(error) if isinstance(error, str) else error
    if code is None:
        return ReplyKind.OTHER, None, None
    return ReplyKind.UNREACHABLE, 1 if family == 6 else 3, code


def _is_of_target(kind: ReplyKind, reply: _Reply, protocol: Protocol) -> bool:
    """Return whether a reply from the target's address answers a probe that arrived there."""
    if kind is ReplyKind.UNREACHABLE:
        return protocol is Protocol.UDP and reply.err in (None, _PORT_UNREACHABLE)
    return kind in (ReplyKind.ECHO, ReplyKind.SYN_ACK, ReplyKind.RST)


def _labels(reply: _Reply) -> tuple[MplsLabel, ...]:
    if reply.icmpext is None:
        return ()
    return tuple(
        MplsLabel(label.label, label.exp, bool(label.s), label.ttl)
        for one in reply.icmpext.obj
        if (one.class_, one.type) == _MPLS
        for label in one.mpls
    )
