"""When the probes of a run leave.

The first round of a run goes out at once, so that the path is seen after one round trip. From
the second on, the probes of a round are spread evenly over the interval, so that routers which
limit their answers are not provoked.
"""

from collections import deque
from collections.abc import Iterable

from tui_trace.settings import Pace


class Plan:
    """The probes of the round under way, in the order they are due. Times are monotonic ns."""

    def __init__(self) -> None:
        """Nothing is planned; the first round is due at once."""
        self.round = 0
        self._began = 0
        self._due: deque[tuple[int, int]] = deque()

    def next_due(self, pace: Pace) -> int:
        """When there is something to do: a probe to send or a round to begin."""
        if self._due:
            return self._due[0][0]
        return self._began + pace.interval if self.round else 0

    def begin(self, now: int, pace: Pace, last_ttl: int) -> None:
        """Begin a round over the TTLs from the pace's first to `last_ttl`."""
        ttls = [ttl for ttl in range(pace.first_ttl, last_ttl + 1) for _ in range(pace.queries)]
        on_time = self._began + pace.interval
        late = self.round == 0 or now - on_time > pace.interval
        self._began = now if late else on_time
        self.round += 1
        step = pace.interval / len(ttls) if ttls and self.round > 1 else 0.0
        self._due = deque((self._began + round(step * k), ttl) for k, ttl in enumerate(ttls))

    def extend(self, now: int, ttls: Iterable[int], queries: int) -> None:
        """The path proved longer: probe these in the round under way, at once."""
        for ttl in reversed(list(ttls)):
            for _ in range(queries):
                self._due.appendleft((now, ttl))

    def take(self, now: int) -> int | None:
        """The TTL of a probe that is due."""
        if self._due and self._due[0][0] <= now:
            return self._due.popleft()[1]
        return None

    def drop(self) -> None:
        """Forget what is left of the round; the next one is due when its time comes."""
        self._due.clear()

    @property
    def planned_to(self) -> int:
        """The greatest TTL still to be probed in this round; 0 for none."""
        return max((ttl for _, ttl in self._due), default=0)

    @property
    def is_round_over(self) -> bool:
        """All of its probes were sent."""
        return not self._due
