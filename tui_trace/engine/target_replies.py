"""Whose reply it is: the target's own, a router's, or what the target merely says again."""

from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.wire.network import ReceivedReply

_REPEATED_AFTER = tuple(seconds * NS_PER_S for seconds in (1, 3, 7, 15, 31))
"""When a host sends a SYN/ACK again that nobody acknowledged, in ns after the first one (RFC 6298
§5.5: the timeout of 1 s doubles each time)."""
_EARLY, _LATE = 20 * NS_PER_MS, 300 * NS_PER_MS
"""By how much it may do so too early or too late: by a timer, and for a changed path."""
_DRIFT = 16
"""Each timer fires a little late: after this part of the time at most."""
_UNLIKE = 500 * NS_PER_MS
"""A round trip that is longer by less may be one of a queue that grows."""
_FADES = 5
"""Tenths of a slow reply that still count when the next one has come."""

_BY_END = frozenset(
    {
        ReplyKind.ECHO,
        ReplyKind.SYN_ACK,
        ReplyKind.RST,
        ReplyKind.UDP,
        ReplyKind.VERSION_NEGOTIATION,
    }
)
_BY_ROUTER = frozenset({ReplyKind.TIME_EXCEEDED, ReplyKind.TOO_BIG})
"""A router that forwards ports sends these in the target's name (RFC 3022 §4.3)."""
_OTHER = ReplyKind.OTHER
_END_UNREACHABLE = frozenset({(3, 2), (3, 3), (1, 4), (4, 1)})
"""Type and code of the messages that only the destination itself sends: that it does not have the
protocol or the port (RFC 1122 §3.2.2.1, RFC 4443 §3.1 and §3.4)."""


class TargetReplies:
    """What one run knows of the target's replies and of the routers on the way."""

    def __init__(self) -> None:
        """Begin without any reply."""
        self._routers: set[str] = set()
        self._other_addresses: set[str] = set()
        """Of the target, as it seems: they sent what only a destination sends."""
        self._fastest: int | None = None
        self._slowest = 0
        self._slowest_router = 0
        """Of late: a slow reply counts for less with each one that follows."""

    def on_time_exceeded(self, address: str, rtt: int) -> bool:
        """Count a router's reply, `rtt` in ns.

        Return whether its address was taken for one of the target's: a firewall refuses with the
        same message as a destination does (iptables' REJECT), but packets expire there, too.
        """
        self._routers.add(address)
        self._slowest_router = max(rtt, self._slowest_router * _FADES // 10)
        was_target = address in self._other_addresses
        self._other_addresses.discard(address)
        return was_target

    def is_by_target(self, reply: ReceivedReply, target: str) -> bool:
        """Return whether the target itself sent a reply, from whatever address it has."""
        kind = reply.kind
        if kind in _BY_ROUTER:
            return False
        if kind in _BY_END or (kind is _OTHER and reply.icmp_type is None):
            return True
        if reply.address == target:
            return True
        if (reply.icmp_type, reply.code) not in _END_UNREACHABLE:
            return False
        if reply.address in self._routers:
            return False
        self._other_addresses.add(reply.address)
        return True

    def on_target_reply(self, rtt: int) -> None:
        """Count a reply of the target that answers its probe, `rtt` in ns."""
        self._fastest = rtt if self._fastest is None else min(self._fastest, rtt)
        self._slowest = max(rtt, self._slowest * _FADES // 10)

    def is_repeat(self, rtt: int) -> bool:
        """Return whether a SYN/ACK after `rtt` ns is one that the target sent again.

        The first one was lost, or our RST was. It is known by its time: so long after a reply that
        took between the fastest and the slowest time of late, and unlike any of these. Before the
        first reply, the routers' count.
        """
        fastest = self._slowest_router if self._fastest is None else self._fastest
        slowest = max(self._slowest, self._slowest_router)
        return rtt > slowest + _UNLIKE and any(
            fastest + after - _EARLY <= rtt <= slowest + after + max(_LATE, after // _DRIFT)
            for after in _REPEATED_AFTER
        )
