"""When the probes of a run leave.

The first round of a run leaves at once, so that the path is seen after one round trip. From the
second round on, probes are spread evenly over the interval, because routers limit how many ICMP
errors they send.
"""

from collections import deque
from itertools import product
from typing import NamedTuple

from tui_trace.core.settings import NS_PER_S, Pace

SCOUT_INTERVAL = NS_PER_S
"""Hosts limit their replies by the second: more scouts would take those of other probes."""
MAX_AT_ONCE = 8
"""TTLs by which the path may have grown for a round to probe them at once."""


class ScheduledProbe(NamedTuple):
    """A probe that waits for its time, `due` in monotonic ns."""

    due: int
    ttl: int
    flow: int
    is_scout: bool = False
    """It reaches past the end of the path, as far as that is known."""


class RoundSchedule:
    """The probes of the present round, in the order they are due. Times are monotonic ns."""

    def __init__(self, flows: int) -> None:
        """Begin without a round; the first one is due at once."""
        self.round = 0
        self._flows = flows
        self._began = 0
        self._scheduled: deque[ScheduledProbe] = deque()
        self._beyond: list[ScheduledProbe] = []
        """Probes that came due when the path was not known to go so far."""
        self._planned_ttl = 0
        """The greatest TTL that this round was planned for."""
        self._scouted = -SCOUT_INTERVAL
        """When the last round with a scout began."""

    def next_due(self, pace: Pace) -> int:
        """Return when the next probe is to leave, or the next round to begin."""
        if self._scheduled:
            return self._scheduled[0].due
        return self._began + pace.interval if self.round else 0

    def continue_from(self, other: "RoundSchedule") -> None:
        """Begin the next round one interval after the last round of the other run."""
        self._began = other._began

    def begin(self, now: int, pace: Pace, last_ttl: int, *, scout: bool = False) -> None:
        """Begin a round over the TTLs from the pace's first to `last_ttl`.

        If a `scout` is wanted, and there was none for a second, one probe more leaves last, with
        the pace's greatest TTL.
        """
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
        if scout and self._began - self._scouted >= SCOUT_INTERVAL:
            self._scouted = self._began
            due = self._scheduled[-1].due if self._scheduled else self._began
            self._scheduled.append(ScheduledProbe(due, pace.max_ttl, 0, is_scout=True))

    def extend(self, now: int, pace: Pace, last_ttl: int) -> None:
        """Plan probes up to `last_ttl` in this round, at once: the path proved to be longer.

        Where it is much longer, they wait for the next round, which spreads them: a host that
        limits its replies is not to get them all at the same time.
        """
        if last_ttl - self._planned_ttl > MAX_AT_ONCE:
            return
        missing = [probe._replace(due=now) for probe in self._beyond if probe.ttl <= last_ttl]
        self._beyond = [probe for probe in self._beyond if probe.ttl > last_ttl]
        ttls = range(max(pace.first_ttl, self._planned_ttl + 1), last_ttl + 1)
        further = product(ttls, range(pace.queries), range(self._flows))
        missing += [ScheduledProbe(now, ttl, flow) for ttl, _, flow in further]
        self._scheduled.extendleft(reversed(missing))
        self._planned_ttl = max(self._planned_ttl, last_ttl)

    def pop_due(self, now: int, last_ttl: int) -> ScheduledProbe | None:
        """Remove and return a probe that is due and has at most this TTL; None: there is none."""
        while self._scheduled and self._scheduled[0].due <= now:
            probe = self._scheduled.popleft()
            if probe.ttl <= last_ttl or probe.is_scout:
                return probe
            self._beyond.append(probe)
        return None

    def postpone(self, probe: ScheduledProbe, due: int) -> None:
        """Put a probe back: it is the next one, from `due` on."""
        self._scheduled.appendleft(probe._replace(due=due))

    def cancel(self, ttl: int, flow: int) -> None:
        """Remove the remaining probes with this TTL and flow from this round."""
        self._scheduled = deque(
            probe for probe in self._scheduled if (probe.ttl, probe.flow) != (ttl, flow)
        )
        self._beyond = [probe for probe in self._beyond if (probe.ttl, probe.flow) != (ttl, flow)]

    def clear(self) -> None:
        """Remove the rest of this round; the next round begins at its usual time."""
        self._scheduled.clear()
        self._beyond.clear()

    @property
    def is_round_over(self) -> bool:
        """Return whether no probe of this round is left to send."""
        return not self._scheduled
