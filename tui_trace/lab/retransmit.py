"""What a host says again because nobody has answered it (RFC 9293 §3.8.1, RFC 6298 §2, §5)."""

import heapq
import itertools
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from tui_trace.lab.hosts import NS_PER_S, REPEATS

FIRST_AFTER = NS_PER_S
"""Nanoseconds; each further one waits twice as long as the one before."""

Arrivals: TypeAlias = list[tuple[int, bytes]]
"""Packets, with when they arrive (ns)."""


class _Repeat(NamedTuple):
    due: int
    order: int
    """Of equals the first one first."""
    wait: int
    """Nanoseconds since the one before."""
    left: int
    key: bytes
    again: Callable[[int], Arrivals | None]


class Repeats:
    """Packets that wait to be said again."""

    def __init__(self) -> None:
        """None yet."""
        self._waiting: list[_Repeat] = []
        self._keys: set[bytes] = set()
        self._order = itertools.count()

    @property
    def due(self) -> int | None:
        """When the next one leaves (ns); None: nothing waits."""
        return self._waiting[0].due if self._waiting else None

    def add(self, key: bytes, sent: int, again: Callable[[int], Arrivals | None]) -> None:
        """Have `again(now)` called until it gives None: then the packet has been answered.

        It was `sent` first (ns); what has this `key` already is left as it is.
        """
        if key in self._keys:
            return
        self._keys.add(key)
        self._push(_Repeat(sent, 0, FIRST_AFTER, REPEATS, key, again))

    def _push(self, last: _Repeat) -> None:
        due = last.due + last.wait
        heapq.heappush(self._waiting, last._replace(due=due, order=next(self._order)))

    def take(self, now: int) -> Arrivals:
        """All that is said again up to `now` (ns)."""
        said: Arrivals = []
        while self._waiting and self._waiting[0].due <= now:
            repeat = heapq.heappop(self._waiting)
            arrivals = repeat.again(repeat.due)
            if arrivals is not None:
                said += arrivals
            if arrivals is None or repeat.left == 1:
                self._keys.discard(repeat.key)
            else:
                self._push(repeat._replace(wait=repeat.wait * 2, left=repeat.left - 1))
        return said
