"""How long to wait for a reply before the probe is called lost.

Given by the user, a wait is honoured in full. Else it adapts: a hop that has answered is given
three times its slowest answer, one that never has ten times that of the hops behind it
(the rule of `traceroute -w 5,3,10`), with floors that a scheduling hiccup stays under. A reply
that comes later still is told as late, and its loss taken back.
"""

from tui_trace.core.settings import NS_PER_MS, NS_PER_S

LONGEST = 5 * NS_PER_S
HERE_TIMES, HERE_LEAST = 3, 300 * NS_PER_MS
FARTHER_TIMES, FARTHER_LEAST = 10, 100 * NS_PER_MS


class AdaptiveTimeout:
    """The waits of one run, learnt from its answers."""

    def __init__(self) -> None:
        """Nothing has answered yet."""
        self._slowest: dict[int, int] = {}

    def learn(self, ttl: int, rtt: int) -> None:
        """An answer took `rtt` ns."""
        if rtt > self._slowest.get(ttl, -1):
            self._slowest[ttl] = rtt

    def knows(self, ttl: int) -> bool:
        """Whether a probe of this TTL was ever answered."""
        return ttl in self._slowest

    def at(self, ttl: int) -> int:
        """Nanoseconds to wait at this TTL."""
        here = self._slowest.get(ttl)
        if here is not None:
            return min(LONGEST, max(HERE_LEAST, HERE_TIMES * here))
        farther = max((rtt for hop, rtt in self._slowest.items() if hop > ttl), default=None)
        if farther is not None:
            return min(LONGEST, max(FARTHER_LEAST, FARTHER_TIMES * farther))
        return LONGEST
