"""How far the path goes: which TTLs are worth a probe in one run.

The path ends at the first TTL whose probes do not expire: they reach the target, or a router that
refuses to forward them. With a load balancer over branches of unequal length, one TTL reaches now a
router, now the target. The path then ends at the first TTL whose probes never expire.
"""

from tui_trace.core.events import ReplyKind

FINAL_KINDS = frozenset(ReplyKind) - {ReplyKind.TIME_EXCEEDED}
"""Replies from the end of the path: no probe with a greater TTL gets farther. ICMP messages other
than Time Exceeded say that a packet was dropped too (RFC 792), or that its fragments never became
complete."""

SETTLED_STREAK = 10
"""Final replies in a row after which a TTL that used to expire at a router counts as the end: the
path got shorter. With fewer, per-packet load balancing over two lengths would move the end back and
forth."""


class PathEndDetector:
    """Finds the end of the path of one run from its replies."""

    def __init__(self) -> None:
        """Begin without any reply."""
        self.farthest_reply_ttl = 0
        """The greatest TTL with a reply from the path or its end; 0: no reply yet."""
        self.farthest_router_ttl = 0
        """The greatest TTL at which a probe expired; 0: none."""
        self.end_ttl: int | None = None
        """The TTL at which the path ends; None while it is unknown."""
        self._final_streak: dict[int, int] = {}
        self._by_target: dict[int, bool] = {}
        self._passed: set[int] = set()

    def on_time_exceeded(self, ttl: int) -> None:
        """Count a Time Exceeded message for this TTL."""
        self._passed.add(ttl)
        if self._final_streak.pop(ttl, None) is not None:
            self._find_end()
        self.farthest_reply_ttl = max(self.farthest_reply_ttl, ttl)
        self.farthest_router_ttl = max(self.farthest_router_ttl, ttl)

    def on_final_reply(self, ttl: int, by_target: bool) -> None:
        """Count a reply from the target, or from a router that no probe gets past."""
        self._final_streak[ttl] = self._final_streak.get(ttl, 0) + 1
        self._by_target[ttl] = by_target
        self._find_end()
        self.farthest_reply_ttl = max(
            self.farthest_reply_ttl, ttl if self.end_ttl is None else min(ttl, self.end_ttl)
        )

    def _find_end(self) -> None:
        self.end_ttl = min(
            (
                ttl
                for ttl, streak in self._final_streak.items()
                if streak >= SETTLED_STREAK or ttl not in self._passed
            ),
            default=None,
        )

    @property
    def reached(self) -> bool:
        """Return whether the path ends at the target."""
        return self.end_ttl is not None and self._by_target[self.end_ttl]

    @property
    def nearest_final_ttl(self) -> int | None:
        """Return the smallest TTL that ever got a final reply; None: no TTL did."""
        return min(self._by_target, default=None)

    def last_ttl(self, max_ttl: int, max_unknown: int) -> int:
        """Return the greatest TTL worth a probe."""
        return min(
            max_ttl, self.farthest_reply_ttl + max_unknown if self.end_ttl is None else self.end_ttl
        )
