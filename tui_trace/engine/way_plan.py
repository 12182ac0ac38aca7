"""What decides which flow is probed at which TTL, beside the rounds of the runs."""

import random
from typing import Protocol

from tui_trace.core.events import WaysEnd
from tui_trace.core.settings import NS_PER_S


class WayPlan(Protocol):
    """Says what is to be sent, and learns what comes back. Times are monotonic ns."""

    @property
    def end(self) -> WaysEnd | None:
        """Why nothing more is to be sent; None: it goes on."""
        ...

    def next_due(self, now: int) -> int | None:
        """Return when the next probe may leave; None: not before an answer or a loss."""
        ...

    def pop(self, now: int) -> tuple[int, int] | None:
        """Remove and return flow and TTL of a probe that is to leave now; None: there is none."""
        ...

    def on_reply(self, flow: int, ttl: int, address: str, *, is_end: bool) -> None:
        """Learn that this address answered; `is_end`: it is the target, or refuses to forward."""
        ...

    def on_lost(self, flow: int, ttl: int, now: int) -> None:
        """Learn that no reply came in time."""
        ...

    def on_void(self, flow: int, ttl: int, now: int) -> None:
        """Learn that a probe did not leave."""
        ...

    def stop(self) -> None:
        """End it here, as the user asks for."""
        ...

    def run_out(self) -> None:
        """End it here: no flow more is to be had."""
        ...


class WayWatch:
    """Probes some flows at every TTL once an interval, spread over it. A `WayPlan`."""

    def __init__(
        self,
        flows: tuple[int, ...],
        *,
        first_ttl: int,
        last_ttl: int,
        max_ttl: int,
        interval: int,
        target: str,
    ) -> None:
        """Begin a round at once; `interval` is in ns, `target` an address."""
        self.end: WaysEnd | None = None
        self._flows = flows
        self._first_ttl = first_ttl
        self._last_ttl = dict.fromkeys(flows, max(first_ttl, last_ttl))
        """By flow: where it ends, as far as is known."""
        self._interval = interval
        self._max_ttl = max_ttl
        self._target = target
        self._round: list[tuple[int, int]] = []
        self._due = 0
        self._step = NS_PER_S

    def next_due(self, now: int) -> int | None:
        """Return when the next probe leaves."""
        return None if self.end is not None else max(now, self._due)

    def pop(self, now: int) -> tuple[int, int] | None:
        """Remove and return flow and TTL of the next probe; None: it is not due."""
        if self.end is not None or now < self._due:
            return None
        if not self._round:
            # in a new order each time: who limits its replies leaves out no flow for ever
            self._round = [
                (flow, ttl)
                for ttl in range(self._first_ttl, max(self._last_ttl.values()) + 1)
                for flow in random.sample(self._flows, len(self._flows))
                if ttl <= self._last_ttl[flow]
            ]
            self._step = self._interval // len(self._round)
        # after a pause nothing is made up for
        self._due = max(self._due + self._step, now)
        return self._round.pop()

    def on_reply(self, flow: int, ttl: int, address: str, *, is_end: bool) -> None:
        """Learn where a flow ends: its path may have become longer or shorter.

        Who refuses to forward it may let it pass again.
        """
        if is_end and address == self._target:
            self._last_ttl[flow] = min(ttl, self._last_ttl[flow])
        elif not is_end and ttl == self._last_ttl[flow]:
            self._last_ttl[flow] = min(ttl + 1, self._max_ttl)

    def on_lost(self, flow: int, ttl: int, now: int) -> None:
        """A lost probe changes nothing."""

    def on_void(self, flow: int, ttl: int, now: int) -> None:
        """Neither does one that did not leave."""

    def stop(self) -> None:
        """End it here, as the user asks for."""
        self.end = self.end or WaysEnd.STOPPED

    def run_out(self) -> None:
        """End it here: a flow is not to be had."""
        self.end = self.end or WaysEnd.BUDGET
