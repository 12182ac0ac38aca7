"""How far the path goes: which TTLs are worth a probe in one run.

The path ends at the first TTL whose probes meet their end rather than expire: at the target, or
at a router that refuses to go on. A load balancer with branches of unequal length makes one TTL
meet now a router, now the target; the path then ends at the first TTL that always meets its end.
"""

SETTLED_STREAK = 10
"""Final answers in a row after which a TTL that used to meet a router counts as the end: the path
got shorter. Fewer would let per-packet balancing over two lengths move the end to and fro."""


class PathEndDetector:
    """The TTLs of one run, as far as its answers tell."""

    def __init__(self) -> None:
        """Nothing has answered yet."""
        self.farthest_reply_ttl = 0
        """The greatest TTL that a router or an end answered; 0 for none."""
        self.farthest_router_ttl = 0
        """The greatest TTL at which a probe expired."""
        self.end_ttl: int | None = None
        """The TTL at which the path ends; None while that is unknown."""
        self._final_streak: dict[int, int] = {}
        self._by_target: dict[int, bool] = {}
        self._passed: set[int] = set()

    def on_time_exceeded(self, ttl: int) -> None:
        """A router answered that the TTL ran out there."""
        self._passed.add(ttl)
        if self._final_streak.pop(ttl, None) is not None:
            self._find_end()
        self.farthest_reply_ttl = max(self.farthest_reply_ttl, ttl)
        self.farthest_router_ttl = max(self.farthest_router_ttl, ttl)

    def on_final_reply(self, ttl: int, by_target: bool) -> None:
        """The target answered, or a router that no probe gets past."""
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
        """The end is the target."""
        return self.end_ttl is not None and self._by_target[self.end_ttl]

    @property
    def nearest_final_ttl(self) -> int | None:
        """The smallest TTL that ever met an end."""
        return min(self._by_target, default=None)

    def last_ttl(self, max_ttl: int, max_unknown: int) -> int:
        """The greatest TTL worth probing."""
        return min(
            max_ttl, self.farthest_reply_ttl + max_unknown if self.end_ttl is None else self.end_ttl
        )
