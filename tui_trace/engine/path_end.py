"""How far the path goes: which TTLs are worth a probe in one run.

The path ends at the first TTL whose probes do not expire: they reach the target, or a router that
refuses to forward them. With a load balancer over branches of unequal length, one TTL reaches now a
router, now the target. The path then ends at the first TTL whose probes never expire.

What is known of the end ages, because the path may change. A router that answers at a TTL, or
behind it, shows that the path does not end there. While no end is known, or nothing answers at the
end, it is *doubtful*: then one probe of a round, the *scout*, has a TTL that reaches past it. The
target's reply to a scout overrules a router's refusal at once, and a silent end as soon as chance
is ruled out. While the end answers, no scout is sent: it would meet what answers there, and take a
share of what that host answers in a second.
"""

from math import comb
from typing import NamedTuple

SETTLED_STREAK = 18
"""Final replies, with no Time Exceeded among them, from TTLs that used to expire at a router, after
which the path counts as shorter. With fewer, per-packet load balancing over branches of two lengths
would move the end back and forth."""

SILENT_PROBES = 3
"""Probes lost in a row at the end after which it is doubtful."""

MOVE_PROBABILITY = 1e-4
"""How unlikely it has to be that an end at which all probes are lost, while probes that go past it
are answered, is the end all the same: replies are lost at either by the same chance then."""


class _FinalReplies(NamedTuple):
    """What the final replies at one TTL say."""

    streak: int
    by_target: bool
    newest: int
    """The number of the last probe that got one."""


class PathEndDetector:
    """Finds the end of the path of one run from its replies."""

    def __init__(self) -> None:
        """Begin without any reply."""
        self.farthest_reply_ttl = 0
        """The greatest TTL with a reply from the path or its end; 0: no reply yet."""
        self.farthest_router_ttl = 0
        """The greatest TTL at which a probe expired; 0: none."""
        self.end_ttl: int | None = None
        """The TTL at which the path ends; None while it is unknown."""
        self.nearest_final_ttl: int | None = None
        """The smallest TTL whose last reply was final; None: there is none."""
        self._final: dict[int, _FinalReplies] = {}
        self._met_target = False
        self._is_first_link_dead = False
        self._lost_at_end = 0
        """Probes in a row."""
        self._first_scout = 0
        """Number of the first scout since the end fell silent."""
        self._scouts = 0
        """Sent since then."""
        self._answered_scouts = 0

    def on_time_exceeded(self, ttl: int, number: int) -> None:
        """Count a Time Exceeded message for a probe: the path goes on behind its TTL.

        `number` is the probe's. At a TTL that was the end, the path has moved, and older replies
        from behind it say nothing of the new path.
        """
        nearest = self.nearest_final_ttl
        if ttl <= self.farthest_router_ttl and (nearest is None or ttl < nearest):
            return
        has_moved = self.end_ttl is not None and ttl >= self.end_ttl
        self._final = {
            behind: final
            for behind, final in self._final.items()
            if behind > ttl and (final.newest > number or not has_moved)
        }
        self.farthest_reply_ttl = max(self.farthest_reply_ttl, ttl)
        self.farthest_router_ttl = max(self.farthest_router_ttl, ttl)
        self._find_end()

    def on_final_reply(
        self, ttl: int, number: int, *, by_target: bool, is_scout: bool = False
    ) -> None:
        """Count a reply from the target, or from a router that no probe gets past."""
        before = self._final.get(ttl)
        streak = 1 if before is None else before.streak + 1
        self._met_target |= by_target
        self._final[ttl] = _FinalReplies(streak, by_target, number)
        if ttl <= self.farthest_router_ttl and self._is_shorter():
            self.farthest_router_ttl = min(self._final) - 1
        if self.end_ttl is not None:
            self._compare_with_end(self.end_ttl, ttl, number, by_target, is_scout)
        self._find_end()
        self.farthest_reply_ttl = max(
            self.farthest_reply_ttl, ttl if self.end_ttl is None else min(ttl, self.end_ttl)
        )

    def on_no_neighbour(self) -> None:
        """Learn that no probe gets beyond this machine: nobody answers on the first link."""
        self._is_first_link_dead = True

    def on_target_disproved(self) -> None:
        """Learn that who answered in the target's name is a router on the way to it."""
        self._met_target = False
        self._final = {ttl: final._replace(by_target=False) for ttl, final in self._final.items()}
        self._find_end()

    def on_lost(self, ttl: int) -> None:
        """Count a probe with this TTL that nobody answered in time."""
        if ttl == self.end_ttl:
            self._lost_at_end += 1

    def on_scout_sent(self, number: int) -> None:
        """Count a scout. It may take longer to be lost than a probe at the end does."""
        self._first_scout = self._first_scout or number
        self._scouts += 1

    def _is_shorter(self) -> bool:
        # where the target was met, a router that refuses is an outage and no shorter path
        streaks = (
            final.streak
            for ttl, final in self._final.items()
            if ttl <= self.farthest_router_ttl and (final.by_target or not self._met_target)
        )
        return sum(streaks) >= SETTLED_STREAK

    def _compare_with_end(
        self, end_ttl: int, ttl: int, number: int, by_target: bool, is_scout: bool
    ) -> None:
        if ttl <= end_ttl:
            self._forget_silence()
        elif by_target and not self.reached:
            self._drop_older(ttl, number)
        elif is_scout and number >= self._first_scout > 0:
            self._answered_scouts += 1
            if self._chance_of_silence() < MOVE_PROBABILITY:
                self._drop_older(ttl, number)

    def _chance_of_silence(self) -> float:
        """Return the probability that, of all these probes, just those at the end are lost.

        The hypergeometric distribution: so many replies are dealt to probes at the end and scouts.
        A scout in flight counts as lost, which makes the result larger.
        """
        answered, sent = self._answered_scouts, self._scouts
        return comb(sent, answered) / comb(sent + self._lost_at_end, answered)

    def _forget_silence(self) -> None:
        self._lost_at_end = self._first_scout = self._scouts = self._answered_scouts = 0

    def _drop_older(self, ttl: int, number: int) -> None:
        """Drop what was answered before TTL `ttl` by probes older than this number."""
        self._final = {
            before: final
            for before, final in self._final.items()
            if before >= ttl or final.newest > number
        }

    def _find_end(self) -> None:
        self.nearest_final_ttl = min(self._final, default=None)
        final = {ttl: each for ttl, each in self._final.items() if ttl > self.farthest_router_ttl}
        by_target = [ttl for ttl, each in final.items() if each.by_target]
        end = min(by_target or final, default=None)
        if end != self.end_ttl:
            self.end_ttl = end
            self._forget_silence()

    @property
    def reached(self) -> bool:
        """Return whether the path ends at the target."""
        return self.end_ttl is not None and self._final[self.end_ttl].by_target

    @property
    def _never_left(self) -> bool:
        return self._is_first_link_dead and not self.farthest_reply_ttl

    @property
    def is_doubtful(self) -> bool:
        """Return whether no end is known, or nothing answers there any more."""
        if self.end_ttl is None:
            return not self._never_left
        return self._lost_at_end >= SILENT_PROBES

    def last_ttl(self, max_ttl: int, max_unknown: int) -> int:
        """Return the greatest TTL worth a probe."""
        if self._never_left:
            return 1
        return min(
            max_ttl, self.farthest_reply_ttl + max_unknown if self.end_ttl is None else self.end_ttl
        )
