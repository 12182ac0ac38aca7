"""How long to wait for a reply before the probe is called lost.

A wait that the user gives is kept in full. Otherwise it adapts, by the rule of
`traceroute -w 5,3,10`: a hop that has answered gets three times its slowest RTT, a silent hop ten
times the slowest RTT of the hops beyond it. A floor keeps a short delay of the scheduler from
counting as loss. A reply after the timeout is late, and takes the loss back.
"""

from tui_trace.core.settings import NS_PER_MS, NS_PER_S

MAX_TIMEOUT = 5 * NS_PER_S
HERE_TIMES, HERE_LEAST = 3, 300 * NS_PER_MS
FARTHER_TIMES, FARTHER_LEAST = 10, 100 * NS_PER_MS


class AdaptiveTimeout:
    """The timeouts of one run, which adapt to its RTTs."""

    def __init__(self) -> None:
        """Begin with the longest timeout for each TTL."""
        self._slowest: dict[int, int] = {}

    def record(self, ttl: int, rtt: int) -> None:
        """Record the RTT of a reply, in ns."""
        if rtt > self._slowest.get(ttl, -1):
            self._slowest[ttl] = rtt

    def has_answered(self, ttl: int) -> bool:
        """Return whether any probe with this TTL was answered."""
        return ttl in self._slowest

    def for_ttl(self, ttl: int) -> int:
        """Return the nanoseconds to wait for a reply at this TTL."""
        here = self._slowest.get(ttl)
        if here is not None:
            return min(MAX_TIMEOUT, max(HERE_LEAST, HERE_TIMES * here))
        farther = max((rtt for hop, rtt in self._slowest.items() if hop > ttl), default=None)
        if farther is not None:
            return min(MAX_TIMEOUT, max(FARTHER_LEAST, FARTHER_TIMES * farther))
        return MAX_TIMEOUT
