"""The figures of the last minute: those that a fold of only its probes would have.

A probe belongs to the minute in which it was sent. Who answers at a hop, and what its answers said,
is not of a minute: that stays as it is known.
"""

from bisect import bisect_left

from msgspec.structs import replace

from tui_trace.core.settings import NS_PER_S
from tui_trace.session.checkpoint import MAX_LATEST_PROBES
from tui_trace.session.latest_probes import (
    GIVEN_UP,
    LATE,
    MINUTE,
    REFUSED,
    USER_STAMPED,
    duplicates_of,
    repeats_of,
)
from tui_trace.session.snapshot import LOST, PENDING, Hop, Snapshot
from tui_trace.session.stats import RttStats


def describe_window(window: int) -> str:
    """Return the words for figures of the last `window` (ns): `last 60 s`."""
    return f"last {window // NS_PER_S} s"


class LastMinute:
    """Makes snapshots of the last minute; a hop of which nothing is new remains the same object."""

    def __init__(self) -> None:
        """Begin without any hop."""
        self._made: dict[int, tuple[Hop, int, Hop]] = {}
        """By TTL: a hop, how many of its probes were too old, and what was made of it."""
        self._last: tuple[Snapshot, Snapshot] | None = None
        """A snapshot, and what was made of it."""

    def of(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with the figures of the last minute before its `at`.

        Of very many probes a second not all are remembered: then of so much time, for all hops the
        same, as they are.
        """
        if self._last is not None and self._last[0] is snapshot:
            return self._last[1]
        since = snapshot.at - MINUTE
        for hop in snapshot.run.hops:
            if len(hop.sent_at) >= MAX_LATEST_PROBES:
                since = max(since, hop.sent_at[0])
        hops = tuple(self._hop(hop, since) for hop in snapshot.run.hops)
        run = replace(snapshot.run, hops=hops)
        found = replace(snapshot, run=run, window=max(snapshot.at - since, 0))
        self._last = snapshot, found
        return found

    def _hop(self, hop: Hop, since: int) -> Hop:
        old = bisect_left(hop.sent_at, since)
        made = self._made.get(hop.ttl)
        if made is None or made[0] is not hop or made[1] != old:
            made = self._made[hop.ttl] = hop, old, _of_latest(hop, len(hop.sent_at) - old)
        return made[2]


def _of_latest(hop: Hop, probes: int) -> Hop:
    """Return the hop with the figures of its last `probes`, at most as many as `sent_at` has."""
    first = len(hop.recent) - probes
    outcomes = hop.recent[first:]
    times = hop.sent_at[len(hop.sent_at) - probes :]
    remarks = hop.remarks[len(hop.remarks) - probes :] if hop.remarks else ()
    # successive RTTs are those of answers that came one after another
    answers = [(at + rtt, rtt) for at, rtt in zip(times, outcomes, strict=True) if rtt >= 0]
    answers.sort(key=lambda answer: answer[0])
    stats = RttStats()
    for _, rtt in answers:
        stats.add(rtt)
    return replace(
        hop,
        # how often each of them answered is known of the whole run only
        responders=tuple(replace(one, answers=0) for one in hop.responders),
        sent=probes,
        lost=outcomes.count(LOST),
        pending=outcomes.count(PENDING),
        figures=stats.snapshot(),
        late=_count(remarks, LATE),
        user_stamped=_count(remarks, USER_STAMPED),
        refused=_count(remarks, REFUSED),
        given_up=_count(remarks, GIVEN_UP),
        duplicates=sum(map(duplicates_of, remarks)),
        repeats=sum(map(repeats_of, remarks)),
    )


def _count(remarks: tuple[int, ...], what: int) -> int:
    return sum(1 for each in remarks if each & what)
