"""Annotations of replies, as traceroute(8) and `tcptraceroute` print them: `!H`, `[open]`.

A hop keeps an annotation as long as one of its last 20 replies had it, so that alternating replies
do not make it blink. The code calls an annotation a mark.
"""

from tui_trace.core.events import Reply, ReplyKind
from tui_trace.core.settings import ProbeSettings, Protocol, TcpFlags
from tui_trace.session.checkpoint import MAX_MARKS
from tui_trace.session.quote_text import quote_marks

REMEMBERED_REPLIES = 20
"""Number of replies after which a mark that did not come again is dropped."""

_UNREACHABLE = {
    4: {
        0: "!N", 1: "!H", 2: "!P", 3: "!p", 4: "!F", 5: "!S", 6: "!U", 7: "!U", 8: "!I",
        9: "!A", 10: "!C", 11: "!T", 12: "!T", 13: "!A",
    },
    # RFC 4443 §3.1: no route, prohibited, beyond the source's scope, address, port,
    # source address refused, route refused
    6: {0: "!N", 1: "!A", 2: "!H", 3: "!H", 4: "!p", 5: "!S", 6: "!U"},
}  # fmt: skip
"""ICMP type 3 (RFC 792, 1812 §5.2.7.1) and ICMPv6 type 1, by code."""

# looked up once: an enum lookup takes longer than all other work on a usual reply
_USUAL = ReplyKind.TIME_EXCEEDED
"""The kind of most replies; it has no mark."""
_ERRORS = frozenset({ReplyKind.UNREACHABLE, ReplyKind.TOO_BIG})
_OTHER = ReplyKind.OTHER
REFUSALS = {
    "!N": "no route to the network",
    "!H": "host unreachable",
    "!P": "protocol unreachable",
    "!p": "port unreachable",
    "!S": "source route failed, or source address refused",
    "!U": "network or host unknown, or a route that rejects",
    "!I": "source host isolated",
    "!A": "forbidden by a filter",
    "!C": "forbidden by a filter: the host",
    "!T": "unreachable with this TOS",
}
"""Marks of replies from a router that refused the probe, and what they mean."""
TOO_BIG = "!F"
"""The mark of a reply that says that the probe is larger than the next link's MTU."""


def is_refusal(mark: str) -> bool:
    """Return whether a router that sends this mark refused the probe: `!H`, `!<99>`, `icmp 12/0`.

    Of one for which it is only too large, `TOO_BIG`, the size is the matter.
    """
    return mark in REFUSALS or mark.startswith(("!<", "icmp "))


def refuses(reply: Reply) -> bool:
    """Return whether a reply is an ICMP error of somebody who is not the target.

    It says that the probe was dropped, and does not answer it. A Time Exceeded message does.
    """
    if reply.kind is _USUAL or reply.reached:
        return False
    return reply.kind in _ERRORS or (reply.kind is _OTHER and reply.icmp_type is not None)


_PORT_UNREACHABLE = {4: 3, 6: 4}
_PARAMETER_PROBLEM = 4
"""The ICMPv6 type that, with code 1, says that the protocol is unknown (RFC 4443 §3.4)."""


def marks_of(reply: Reply, settings: ProbeSettings, family: int) -> tuple[str, ...]:
    """Return the marks of one reply to a probe with these settings; `family` is 4 or 6."""
    marks = () if reply.kind is _USUAL else _of_kind(reply, settings, family)
    if reply.reply_ttl is not None and reply.reply_ttl <= 1:
        marks = (*marks, "!")
    if reply.changed or reply.labels:
        marks = (*quote_marks(reply, settings.dnat), *marks)
    if reply.quoted_tos is not None and reply.quoted_tos != settings.tos:
        marks = (*marks, f"TOS={reply.quoted_tos}!")
    return marks


def _of_kind(reply: Reply, settings: ProbeSettings, family: int) -> tuple[str, ...]:
    marks: tuple[str, ...] = ()
    match reply.kind:
        case ReplyKind.SYN_ACK:
            marks = ("[open, ecn]",) if reply.ecn else ("[open]",)
            if settings.tcp_flags is TcpFlags.ECN and not reply.ecn:
                marks = ("ECN refused", *marks)
        case ReplyKind.UDP:
            marks = ("[open]",)
        case ReplyKind.VERSION_NEGOTIATION:
            marks = ("[quic]",)
        case ReplyKind.RST:
            marks = ("[closed]",)
        case ReplyKind.TOO_BIG:
            marks = (f"MTU {reply.mtu}", TOO_BIG) if reply.mtu else (TOO_BIG,)
        case ReplyKind.UNREACHABLE:
            # port unreachable from the target means that a UDP probe arrived: no mark. Of QUIC,
            # whose port is meant to be open, it is told.
            closed = reply.reached and reply.code == _PORT_UNREACHABLE.get(family)
            if family == 6 and reply.icmp_type == _PARAMETER_PROBLEM:
                marks = ("!P",)
            elif closed and settings.protocol is Protocol.QUIC:
                marks = ("[closed]",)
            elif not (closed and settings.protocol is Protocol.UDP):
                code = reply.code or 0
                marks = (_UNREACHABLE.get(family, {}).get(code, f"!<{code}>"),)
        case ReplyKind.OTHER if reply.icmp_type is not None:
            marks = (f"icmp {reply.icmp_type}/{reply.code}",)
    return marks


class Annotations:
    """Keeps the recent marks of one hop."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        """Begin without any mark."""
        self._seen: dict[str, int] = {}

    def record(self, marks: tuple[str, ...], answer: int) -> None:
        """Record the marks of the hop's reply number `answer`."""
        for mark in marks:
            self._seen.pop(mark, None)
            self._seen[mark] = answer
        while len(self._seen) > MAX_MARKS:
            del self._seen[next(iter(self._seen))]

    def checkpoint(self) -> dict[str, int]:
        """Return the whole state, for `from_checkpoint`."""
        return self._seen

    @classmethod
    def from_checkpoint(cls, state: dict[str, int]) -> "Annotations":
        """Restore the marks of a checkpoint."""
        marks = cls()
        marks._seen = dict(state)
        return marks

    def recent(self, answer: int) -> tuple[str, ...]:
        """Return the marks of the last replies up to number `answer`, latest first."""
        if not self._seen:
            return ()
        return tuple(
            m for m, seen in reversed(self._seen.items()) if seen > answer - REMEMBERED_REPLIES
        )
