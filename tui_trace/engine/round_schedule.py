"""When the probes of a run leave.

The first round of a run begins with a sweep at once (`FirstSweep`), so that the path is seen after
one round trip. All else is spread evenly over the interval, because routers limit how many ICMP
errors they send; the TTL changes fastest, so that no hop gets several probes in a row.
"""

from collections import deque
from itertools import islice, product

from tui_trace.core.settings import NS_PER_S, Pace
from tui_trace.engine.first_sweep import FirstSweep, ScheduledProbe
from tui_trace.engine.path_end import PathEndDetector

SCOUT_INTERVAL = NS_PER_S
"""Hosts limit their replies by the second: more scouts would take those of other probes."""
MAX_AT_ONCE = 8
"""TTLs by which the path may have grown for a round to probe them at once."""


class RoundSchedule:
    """The probes of the present round, in the order they are due. Times are monotonic ns."""

    def __init__(self, flows: int, path_end: PathEndDetector) -> None:
        """Begin without a round; the first one is due at once."""
        self.round = 0
        self.step = 0
        """Nanoseconds between two probes of the present round; 0: they leave at once."""
        self._sweep = FirstSweep(path_end)
        self._flows = flows
        self._began: int | None = None
        self._paused_at = 0
        self._scheduled: deque[ScheduledProbe] = deque()
        self._beyond: list[ScheduledProbe] = []
        """Probes that came due when the path was not known to go so far."""
        self._planned_ttl = 0
        """The greatest TTL that this round was planned for."""
        self._scouted = -SCOUT_INTERVAL
        """When the last round with a scout began."""

    @property
    def is_first_sweep(self) -> bool:
        """Return whether probes of the first sweep still wait."""
        return not self._sweep.is_over

    def expect_target(self, reply_ttl: int | None, quoted_ttl: int | None) -> None:
        """Learn how far the target is from its reply to the first sweep's scout; see there."""
        self._sweep.expect_target(reply_ttl, quoted_ttl)

    def on_target_heard(self) -> None:
        """Learn that the target answers, and that it is not known yet which probe it answers."""
        self._sweep.on_target_heard()

    def next_due(self, now: int, pace: Pace) -> int:
        """Return when the next probe is to leave, or the next round to begin."""
        due = self._scheduled[0].due if self._scheduled else None
        sweep_due = self._sweep.next_due(now)
        if sweep_due is not None:
            return sweep_due if due is None else min(due, sweep_due)
        if due is not None:
            return due
        return 0 if self._began is None else self._began + pace.interval

    def pause(self, now: int) -> None:
        """Stop the round where it is: another run is probed from now on."""
        self._paused_at = now

    def resume(self, now: int) -> None:
        """Go on where the round was stopped, so that the farthest hops get their turn, too."""
        if not self._paused_at:
            return
        paused = now - self._paused_at
        self._paused_at = 0
        if self._began is not None:
            self._began += paused
        self._scouted += paused
        self._sweep.pause(paused)
        self._scheduled = deque(probe._replace(due=probe.due + paused) for probe in self._scheduled)

    def put_off(self, now: int) -> None:
        """Begin no round before one interval has passed: no probe can leave."""
        self._began = now

    def continue_from(self, other: "RoundSchedule") -> None:
        """Begin the next round one interval after the last round of the other run."""
        self._began = other._began

    def begin(
        self,
        now: int,
        pace: Pace,
        last_ttl: int,
        *,
        scout: bool = False,
        expected_ttl: int = 0,
        sweeps_with_scout: bool = True,
    ) -> None:
        """Begin a round over the TTLs from the pace's first to `last_ttl`.

        If a `scout` is wanted, and there was none for a second, one probe more leaves last, with
        the pace's greatest TTL. `expected_ttl` is the target's, as another run knows it; 0: not
        known. A first sweep has a scout of its own if it `sweeps_with_scout`.
        """
        interval = pace.interval
        on_time = now if self._began is None else self._began + interval
        began = on_time if now - on_time <= interval else now
        self._began = began
        self.round += 1
        self._paused_at = 0
        self._sweep.clear()
        self._beyond.clear()
        self._planned_ttl = last_ttl
        ttls = range(pace.first_ttl, last_ttl + 1)
        if pace.sequential:
            self.step = 0
            self._scheduled = deque(
                ScheduledProbe(began, ttl, flow)
                for ttl, _, flow in product(ttls, range(pace.queries), range(self._flows))
            )
            return
        sweeps = pace.queries * self._flows
        self.step = round(interval / (len(ttls) * sweeps)) if ttls else interval
        swept = 0
        if self.round == 1:
            self._sweep.begin(now, pace, expected_ttl, scout=sweeps_with_scout)
            swept = len(ttls)
        spread = enumerate(product(range(pace.queries), range(self._flows), ttls))
        self._scheduled = deque(
            ScheduledProbe(began + self.step * count, ttl, flow)
            for count, (_, flow, ttl) in islice(spread, swept, None)
        )
        if scout and began - self._scouted >= SCOUT_INTERVAL:
            self._scouted = began
            due = self._scheduled[-1].due if self._scheduled else began
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
        further = product(range(pace.queries), range(self._flows), ttls)
        missing += [ScheduledProbe(now, ttl, flow) for _, flow, ttl in further]
        self._scheduled.extendleft(reversed(missing))
        self._planned_ttl = max(self._planned_ttl, last_ttl)

    def pop_due(self, now: int, last_ttl: int) -> ScheduledProbe | None:
        """Remove and return a probe that is due and has at most this TTL; None: there is none."""
        probe = self._sweep.pop(now)
        if probe is not None:
            return probe
        while self._scheduled and self._scheduled[0].due <= now:
            probe = self._scheduled.popleft()
            if probe.ttl <= last_ttl or probe.is_scout:
                return probe
            self._beyond.append(probe)
        return None

    def cancel(self, ttl: int, flow: int) -> None:
        """Remove the remaining probes with this TTL and flow from this round."""
        self._scheduled = deque(
            probe for probe in self._scheduled if (probe.ttl, probe.flow) != (ttl, flow)
        )
        self._beyond = [probe for probe in self._beyond if (probe.ttl, probe.flow) != (ttl, flow)]

    def clear(self) -> None:
        """Remove the rest of this round; the next round begins at its usual time."""
        self._sweep.clear()
        self._scheduled.clear()
        self._beyond.clear()

    @property
    def is_round_over(self) -> bool:
        """Return whether no probe of this round is left to send."""
        return not self._scheduled and self._sweep.is_over
