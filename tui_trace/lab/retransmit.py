"""Retransmissions of the lab's hosts (RFC 9293 §3.8.1, RFC 6298 §2, §5)."""

import heapq
import itertools
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from tui_trace.lab.hosts import NS_PER_S, SYN_ACK_RETRIES

FIRST_TIMEOUT = NS_PER_S
"""Nanoseconds until the first retransmission; each later one waits twice as long."""

Arrivals: TypeAlias = list[tuple[int, bytes]]
"""Packets, each with the time of its arrival (ns)."""


class _Retransmission(NamedTuple):
    due: int
    order: int
    """Of two that are due at the same time, the one with the lower number comes first."""
    wait: int
    """Nanoseconds since the transmission before."""
    left: int
    key: bytes
    resend: Callable[[int], Arrivals | None]


class Retransmissions:
    """The packets that hosts send again unless an answer comes."""

    def __init__(self) -> None:
        """Begin with no packet."""
        self._waiting: list[_Retransmission] = []
        self._keys: set[bytes] = set()
        self._order = itertools.count()

    @property
    def due(self) -> int | None:
        """The time of the next retransmission (ns); None: no packet waits."""
        return self._waiting[0].due if self._waiting else None

    def schedule(self, key: bytes, sent: int, resend: Callable[[int], Arrivals | None]) -> None:
        """Call `resend(now)` at each retransmission until it returns None: the packet is answered.

        `sent` is the time of the first transmission (ns). A second packet with the same
        `key` is ignored while the first one waits.
        """
        if key in self._keys:
            return
        self._keys.add(key)
        self._push(_Retransmission(sent, 0, FIRST_TIMEOUT, SYN_ACK_RETRIES, key, resend))

    def _push(self, last: _Retransmission) -> None:
        due = last.due + last.wait
        heapq.heappush(self._waiting, last._replace(due=due, order=next(self._order)))

    def pop_due(self, now: int) -> Arrivals:
        """Return all packets that are retransmitted up to `now` (ns)."""
        arrivals: Arrivals = []
        while self._waiting and self._waiting[0].due <= now:
            current = heapq.heappop(self._waiting)
            resent = current.resend(current.due)
            if resent is not None:
                arrivals += resent
            if resent is None or current.left == 1:
                self._keys.discard(current.key)
            else:
                self._push(current._replace(wait=current.wait * 2, left=current.left - 1))
        return arrivals
