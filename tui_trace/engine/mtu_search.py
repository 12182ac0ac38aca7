"""Finds the path MTU by single probes: RFC 1191, RFC 8201, and black holes (RFC 4821).

First small probes show which hops answer. Then sizes are tried at the last of these, the target if
it answers: what is answered passes; what a router refuses tells the next size; for what vanishes,
bisection finds the largest size that passes. At last hops are tried with the smallest size that
fails, to find between which two that happens.

A probe may be lost by chance, and who limits its replies may answer every other one. So a size
vanishes only if it is lost while a small probe of the same turn is answered, again and again, the
two in random order; the last word on a size and on a hop takes `SURE_LOSSES` such turns in a row.
Where half of all answers are lost, that is wrong once in 6,000 cases.
"""

import random
from typing import NamedTuple

from tui_trace.core.events import MtuSearchEnd, MtuSource, ReplyKind
from tui_trace.core.settings import NS_PER_MS, NS_PER_S

SAFE = {4: 576, 6: 1280}
"""Every host takes so many bytes (RFC 791), every IPv6 link carries them (RFC 8200 §5); links that
carry less than the first are gone. Where these vanish, it is not for their size alone."""
QUICK_LOSSES = 3
"""Turns that decide one step of a bisection. A wrong step is found out later, and undone."""
SURE_LOSSES = 8
UNANSWERED = 6
"""So many turns without any answer end the search, or leave out a hop."""
TRIES = 3
"""Small probes to a hop before it counts as silent."""
GAP = 20 * NS_PER_MS
"""Between two probes."""
SLOW = 800 * NS_PER_MS, 1600 * NS_PER_MS
"""The same, from to, once a small probe was lost, and at routers: these limit their replies."""
RETRY = NS_PER_S
"""How long to wait after a probe that could not leave."""
MAX_FAILURES = 5
BUDGET = 1000
"""Most probes of a search: one through a black hole takes about 100."""


class SizedProbe(NamedTuple):
    """What is to be sent."""

    ttl: int
    size: int
    """Bytes of the whole packet."""


class _Question(NamedTuple):
    """Whether packets of a size reach the hop at a TTL, and how often they have to be lost."""

    ttl: int
    size: int
    losses: int


class _Turns:
    """The turns that answer a question, each of a probe of its size and a small one."""

    def __init__(self, question: _Question, small: int) -> None:
        self.question = question
        self.small = small
        self.unanswered = 0
        """Turns in a row in which neither was answered."""
        self._losses = 0
        """Turns in which the small one alone was."""
        self._lost: set[int] = set()
        # most sizes pass: the small one is needed only if the other is lost
        self._queue = [question.size, small]

    @property
    def has_vanished(self) -> bool:
        """Return whether probes of the size were lost often enough."""
        return self._losses >= self.question.losses

    def pop(self) -> SizedProbe:
        """Remove and return the next probe of this turn."""
        return SizedProbe(self.question.ttl, self._queue.pop(0))

    def put_back(self, size: int) -> None:
        """Have a probe be sent again that did not leave."""
        self._queue.insert(0, size)

    def on_decided(self, size: int, *, is_lost: bool) -> None:
        """Learn that a probe was lost, or that the small one was answered."""
        if is_lost:
            self._lost.add(size)
        if self._queue:
            return
        if self.small in self._lost:
            self.unanswered += 1
        else:
            self._losses += 1
            self.unanswered = 0
        self._lost.clear()
        self._queue = random.sample([self.question.size, self.small], 2)


class MtuSearch:
    """Says which probe is to leave next, and learns what became of it. Times are monotonic ns."""

    def __init__(
        self, *, family: int, smallest: int, largest: int, first_ttl: int, last_ttl: int
    ) -> None:
        """Look for it in the range of sizes in bytes, of which the smallest needs no proof.

        Hops from `first_ttl` to `last_ttl` are probed, which is the target's if that is known.
        """
        self.end: MtuSearchEnd | None = None
        """Why nothing more is to be sent; None: it goes on."""
        self.low = smallest
        """The largest size that passed."""
        self.hops: dict[int, str] = {}
        """By TTL: who answered small probes; up to the target, if that answered."""
        self.reached = False
        """The last of the hops is the end of the path: no probe gets farther."""
        self.refused_by = ""
        """The router that refused the smallest size that was refused."""
        self._smallest = smallest
        self._largest = largest
        self._safe = min(max(SAFE[family], smallest), largest)
        self._fails: dict[int, MtuSource] = {}
        """Sizes that do not pass, and what becomes of them."""
        self._told: set[int] = set()
        """MTUs that routers, or the interface, told."""
        self._is_sure = False
        """That the smallest of `_fails` vanishes was tried as often as it has to be."""
        self._reached_by_high: set[int] = set()
        """TTLs of hops that packets of the smallest failing size reach."""
        self._missed_by_high: dict[int, bool] = {}
        """The same of hops that they do not reach, and whether that is sure."""
        self._left_out: set[int] = set()
        """TTLs of hops that do not answer often enough."""
        self._tries = dict.fromkeys(range(first_ttl, last_ttl + 1), 0)
        """By TTL: small probes sent, while it is not known which hops answer."""
        self._flying: dict[int, int] = {}
        self._turns: _Turns | None = None
        """None: it is not known yet which hops answer."""
        self._awaited: SizedProbe | None = None
        """The probe of the turns that is in flight."""
        self._due = 0
        self._is_slow = False
        self._sent = self._failures = 0

    # --- what was found

    @property
    def last_ttl(self) -> int:
        """Return the TTL of the last hop that answers; 0: none does."""
        return max(self.hops, default=0)

    @property
    def limit(self) -> MtuSource | None:
        """Return what becomes of packets larger than `low`; None: none failed."""
        return None if self._high is None else self._fails[self._high]

    @property
    def near_ttl(self) -> int:
        """Return the farthest hop that larger packets reach; 0: none, or none is known."""
        return max((ttl for ttl in self._reached_by_high if ttl < self.last_ttl), default=0)

    @property
    def far_ttl(self) -> int:
        """Return the first hop behind it that they do not reach."""
        behind = [ttl for ttl in self._missed_by_high if ttl > self.near_ttl]
        return min(behind, default=self.last_ttl)

    @property
    def is_patient(self) -> bool:
        """Return whether small probes are asked for again and again, of who may limit replies."""
        if self._is_slow or self._turns is None:
            return self._is_slow
        # one that refuses is asked once, one beside a black hole many times
        is_of_router = self._turns.question.ttl != self.last_ttl
        return is_of_router and self.limit is MtuSource.BLACK_HOLE

    @property
    def _high(self) -> int | None:
        return min(self._fails, default=None)

    # --- what is sent

    def next_due(self, now: int) -> int | None:
        """Return when the next probe may leave; None: not before an answer or a loss."""
        if self.end is not None or self._awaited is not None:
            return None
        if self._turns is None and self._next_hop() is None:
            return None
        return max(now, self._due)

    def pop(self, now: int) -> SizedProbe | None:
        """Remove and return the next probe; None: there is none now."""
        if self.next_due(now) != now:
            return None
        if self._sent >= BUDGET:
            self.end = MtuSearchEnd.SILENT
            return None
        ttl = self._next_hop()
        if self._turns is not None:
            probe = self._awaited = self._turns.pop()
        elif ttl is not None:
            self._tries[ttl] += 1
            self._flying[ttl] = self._flying.get(ttl, 0) + 1
            probe = SizedProbe(ttl, self._smallest)
        else:
            return None
        self._sent += 1
        # not in step with whoever limits its replies
        self._due = now + (random.randint(*SLOW) if self.is_patient else GAP)  # noqa: S311
        return probe

    def _next_hop(self) -> int | None:
        """Return the TTL at which a small probe is to be sent next, to see who answers."""
        silent = [
            (tries, ttl)
            for ttl, tries in self._tries.items()
            if ttl not in self.hops and tries < TRIES and not self._flying.get(ttl)
        ]
        return min(silent)[1] if silent else None

    def stop(self) -> None:
        """End it here, as the user asks for."""
        self.end = self.end or MtuSearchEnd.STOPPED

    def on_void(self, probe: SizedProbe, now: int) -> None:
        """Learn that a probe did not leave, for another reason than its size."""
        self._failures += 1
        self._due = now + RETRY
        if self._failures >= MAX_FAILURES:
            self.end = MtuSearchEnd.FAILED
        elif self._turns is None:
            self._tries[probe.ttl] -= 1
            self._flying[probe.ttl] -= 1
        elif probe == self._awaited:
            self._awaited = None
            self._turns.put_back(probe.size)

    def on_too_large(self, probe: SizedProbe, mtu: int | None) -> None:
        """Learn that the interface here refuses a packet; `mtu` is its own, if it is known."""
        if self._turns is None:
            self.end = MtuSearchEnd.FAILED
            return
        self._told.add(mtu or 0)
        self._fail(probe.size, MtuSource.INTERFACE)
        self._ask()

    # --- what becomes of it

    def on_reply(
        self, probe: SizedProbe, address: str, kind: ReplyKind, mtu: int | None, *, is_end: bool
    ) -> None:
        """Learn who answered a probe; `is_end`: no probe with a greater TTL gets farther.

        It may come after the probe was called lost.
        """
        if self.end is not None:
            return
        self._failures = 0
        if self._turns is None:
            self._hop_answered(probe.ttl, address, is_end=is_end)
        elif kind is ReplyKind.TOO_BIG:
            self._refused(probe, address, mtu)
        else:
            self._passed(probe)

    def on_lost(self, probe: SizedProbe) -> None:
        """Learn that no reply came in time."""
        if self.end is not None:
            return
        if self._turns is None:
            self._flying[probe.ttl] = max(0, self._flying.get(probe.ttl, 0) - 1)
            self._check_hops()
        elif probe == self._awaited:
            self._awaited = None
            self._is_slow |= probe.size == self._turns.small
            self._turns.on_decided(probe.size, is_lost=True)
            self._check_turns(self._turns)

    def _hop_answered(self, ttl: int, address: str, *, is_end: bool) -> None:
        self._flying[ttl] = max(0, self._flying.get(ttl, 0) - 1)
        if ttl in self._tries:
            self.hops[ttl] = address
            if is_end:
                self.reached = True
                self._tries = {hop: tries for hop, tries in self._tries.items() if hop <= ttl}
                self.hops = {hop: who for hop, who in self.hops.items() if hop <= ttl}
        self._check_hops()

    def _check_hops(self) -> None:
        """Go on with sizes once it is known which hops answer."""
        if any(self._flying.get(ttl) for ttl in self._tries) or self._next_hop() is not None:
            return
        if self.hops:
            self._ask()
        else:
            self.end = MtuSearchEnd.SILENT

    def _passed(self, probe: SizedProbe) -> None:
        turns, is_awaited = self._turns, probe == self._awaited
        if probe.ttl == self.last_ttl and probe.size > self.low:
            self.low = probe.size
            # what chance had decided before
            passing = [size for size in self._fails if size <= probe.size]
            if passing:
                self._fails = {s: how for s, how in self._fails.items() if s > probe.size}
                self._forget_places()
        elif probe.ttl < self.last_ttl and probe.size == self._high:
            self._reached_by_high.add(probe.ttl)
        elif is_awaited and turns is not None and probe.size == turns.small:
            self._awaited = None
            turns.on_decided(probe.size, is_lost=False)
            self._check_turns(turns)
            return
        self._ask()

    def _refused(self, probe: SizedProbe, address: str, mtu: int | None) -> None:
        if probe.size <= self.low:
            # the path has changed meanwhile, or somebody forges: no answer
            self.on_lost(probe)
            return
        self._told.add(mtu or 0)
        self._fail(probe.size, MtuSource.REPORTED if mtu else MtuSource.GUESSED, address)
        if probe.ttl < self.last_ttl and probe.size == self._high:
            self._missed_by_high[probe.ttl] = True
        self._ask()

    def _check_turns(self, turns: _Turns) -> None:
        ttl, size, losses = turns.question
        is_last, is_sure = ttl == self.last_ttl, losses >= SURE_LOSSES
        if turns.has_vanished and is_last:
            self._fail(size, MtuSource.BLACK_HOLE)
            self._is_sure |= is_sure and size == self._high
        elif turns.has_vanished:
            self._missed_by_high[ttl] = is_sure
        elif turns.unanswered < UNANSWERED:
            return
        elif is_last:
            self.end = MtuSearchEnd.SILENT
        else:
            self._left_out.add(ttl)
        self._ask()

    def _fail(self, size: int, how: MtuSource, refused_by: str = "") -> None:
        before = self._high
        # a refusal says more than a silence; what was told of a size before may be lost now
        if how is not MtuSource.BLACK_HOLE or size not in self._fails:
            self._fails[size] = how
        if self._high != before:
            self._forget_places()
        if size == self._high and refused_by:
            self.refused_by = refused_by

    def _forget_places(self) -> None:
        self._is_sure = False
        self._reached_by_high.clear()
        self._missed_by_high.clear()
        self.refused_by = ""

    # --- what is asked next

    def _ask(self) -> None:
        """Go on with the question that is open now, or end."""
        if self.end is not None:
            return
        question = self._next_question()
        if question is None:
            high = self._high
            is_odd = high is not None and high <= self._safe and self.limit is MtuSource.BLACK_HOLE
            self.end = MtuSearchEnd.ALL_LARGE if is_odd else MtuSearchEnd.COMPLETE
        elif self._turns is None or self._turns.question != question:
            self._awaited = None
            self._turns = _Turns(question, self.low)
        elif self._awaited is not None and self._awaited.size == question.size:
            # it was answered, and that decided nothing
            self._awaited = None

    def _next_question(self) -> _Question | None:
        high, last = self._high, self.last_ttl
        if high is None:
            is_open = self.low < self._largest
            return _Question(last, self._largest, QUICK_LOSSES) if is_open else None
        how = self._fails[high]
        vanishes = how is MtuSource.BLACK_HOLE
        if vanishes and high <= self._safe:
            return None if self._is_sure else _Question(last, high, SURE_LOSSES)
        if high - self.low > 1:
            return _Question(last, self._next_size(high), QUICK_LOSSES)
        if vanishes and not self._is_sure:
            return _Question(last, high, SURE_LOSSES)
        return None if how is MtuSource.INTERFACE else self._next_place(high)

    def _next_size(self, high: int) -> int:
        """Return the size to try between one that passes and one that does not."""
        told = [mtu for mtu in self._told if self.low < mtu < high]
        if told:
            return max(told)
        if self.low in self._told:
            return self.low + 1
        if self.low < self._safe < high:
            return self._safe
        return (self.low + high) // 2

    def _next_place(self, high: int) -> _Question | None:
        """Return the question that tells more of where packets of `high` bytes fail."""
        near, far = self.near_ttl, self.far_ttl
        between = [ttl for ttl in self.hops if near < ttl < far and ttl not in self._left_out]
        if between:
            return _Question(sorted(between)[len(between) // 2], high, QUICK_LOSSES)
        is_sure = far == self.last_ttl or self._missed_by_high[far]
        return None if is_sure else _Question(far, high, SURE_LOSSES)
