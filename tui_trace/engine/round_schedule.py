"""When the probes of a run leave.

The first round of a run goes out at once, so that the path is seen after one round trip. From
the second on, the probes of a round are spread evenly over the interval, so that routers which
limit their answers are not provoked.
"""

from collections import deque
from itertools import product
from typing import NamedTuple

from tui_trace.core.settings import Pace


class ScheduledProbe(NamedTuple):
    """A probe to be sent."""

    due: int
    ttl: int
    flow: int


class RoundSchedule:
    """The probes of the round under way, in the order they are due. Times are monotonic ns."""

    def __init__(self, flows: int) -> None:
        """Nothing is planned; the first round is due at once."""
        self.round = 0
        self._flows = flows
        self._began = 0
        self._scheduled: deque[ScheduledProbe] = deque()
        self._beyond: list[ScheduledProbe] = []
        """Taken when the path was not known to go so far."""
        self._planned_ttl = 0
        """Up to which this round has slots."""

    def next_due(self, pace: Pace) -> int:
        """When there is something to do: a probe to send or a round to begin."""
        if self._scheduled:
            return self._scheduled[0].due
        return self._began + pace.interval if self.round else 0

    def continue_from(self, other: "RoundSchedule") -> None:
        """The next round comes an interval after the other's last, not after one of our own."""
        self._began = other._began

    def begin(self, now: int, pace: Pace, last_ttl: int) -> None:
        """Begin a round over the TTLs from the pace's first to `last_ttl`."""
        on_time = self._began + pace.interval
        late = self.round == 0 or now - on_time > pace.interval
        self._began = now if late else on_time
        self.round += 1
        self._beyond.clear()
        self._planned_ttl = last_ttl
        ttls = range(pace.first_ttl, last_ttl + 1)
        probes = len(ttls) * pace.queries * self._flows
        at_once = self.round == 1 or pace.sequential
        step = 0.0 if at_once or not probes else pace.interval / probes
        self._scheduled = deque(
            ScheduledProbe(self._began + round(step * k), ttl, flow)
            for k, (ttl, _, flow) in enumerate(
                product(ttls, range(pace.queries), range(self._flows))
            )
        )

    def extend(self, now: int, pace: Pace, last_ttl: int) -> None:
        """The path proved to go up to `last_ttl`: probe what is missing in this round, at once."""
        missing = [slot._replace(due=now) for slot in self._beyond if slot.ttl <= last_ttl]
        self._beyond = [slot for slot in self._beyond if slot.ttl > last_ttl]
        ttls = range(max(pace.first_ttl, self._planned_ttl + 1), last_ttl + 1)
        further = product(ttls, range(pace.queries), range(self._flows))
        missing += [ScheduledProbe(now, ttl, flow) for ttl, _, flow in further]
        self._scheduled.extendleft(reversed(missing))
        self._planned_ttl = max(self._planned_ttl, last_ttl)

    def pop_due(self, now: int, last_ttl: int) -> ScheduledProbe | None:
        """A probe that is due, of those up to `last_ttl`."""
        while self._scheduled and self._scheduled[0].due <= now:
            slot = self._scheduled.popleft()
            if slot.ttl <= last_ttl:
                return slot
            self._beyond.append(slot)
        return None

    def postpone(self, probe: ScheduledProbe, due: int) -> None:
        """Put a probe back that was taken, to be the next one from `due` on."""
        self._scheduled.appendleft(probe._replace(due=due))

    def cancel(self, ttl: int, flow: int) -> None:
        """No more probes of this TTL and flow in this round."""
        self._scheduled = deque(
            slot for slot in self._scheduled if (slot.ttl, slot.flow) != (ttl, flow)
        )
        self._beyond = [slot for slot in self._beyond if (slot.ttl, slot.flow) != (ttl, flow)]

    def clear(self) -> None:
        """Forget what is left of the round; the next one is due when its time comes."""
        self._scheduled.clear()
        self._beyond.clear()

    @property
    def is_round_over(self) -> bool:
        """All of its probes were sent."""
        return not self._scheduled
