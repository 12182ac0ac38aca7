"""What became of the probes of a discovery: in flight, answered, lost, and to be sent again.

A lost probe is repeated at once. Flows that are lost again are probed slowly: a router may limit
its replies (Linux: one a second to each host, six at once; icmp(7), icmp_ratelimit).
"""

from collections import Counter, deque
from collections.abc import Container, Mapping
from math import ceil, log

from tui_trace.core.settings import NS_PER_S
from tui_trace.core.way_map import SILENT, WayMap

SLOW_STEP = 11 * NS_PER_S // 10
"""Time between two slow probes of a TTL, a little longer than a limited router needs."""
QUICK_TRIES = 2
"""Probes of a flow at a TTL, one as soon as the one before is lost."""
SLOW_TRIES = 5
"""At least so many slow probes of a TTL lost, and none answered, say that nobody answers: a router
that limits its replies would have answered some."""
CHANCE_OF_SILENCE = 1e-4
"""The greatest probability that so many are lost by chance, where some were answered before."""
SLOW_FROM = 3
"""So many flows of a TTL that were lost twice, and more losses than answers of late, say that its
routers limit their replies: all probes of the TTL leave slowly then."""
RECENT = 8
"""Outcomes of a TTL that count as of late."""
UNANSWERED = 6
"""So many probes lost at a TTL, and none answered, say that its router is silent."""


class WayProbes:
    """The probes of one discovery, by flow and TTL. Times are monotonic ns."""

    def __init__(self, ways: WayMap) -> None:
        """Begin without a probe; what is known of answers goes into `ways`."""
        self._map = ways
        self.silent: set[int] = set()
        """Flows that were not answered at some TTL where others were."""
        self._asked: dict[int, dict[int, int]] = {}
        """By TTL and flow: how often it was probed; 0: it waits for its first probe."""
        self._asked_of_flow: Counter[int] = Counter()
        self._in_flight: dict[int, Counter[int]] = {}
        """By TTL and flow: probes of which nothing is known yet."""
        self._again: deque[tuple[int, int]] = deque()
        """Flow and TTL of probes that are to be repeated at once."""
        self._suspects: dict[int, list[int]] = {}
        """By TTL: flows that were lost so often that a router may limit its replies."""
        self._slow_due: dict[int, int] = {}
        """By TTL: when a suspect may be probed again."""
        self._lost_slowly: Counter[int] = Counter()
        """By TTL: slow probes lost since one was answered."""
        self._lost_before: Counter[int] = Counter()
        """By TTL: slow probes lost before one was answered."""
        self._answered_slowly: Counter[int] = Counter()
        self._lost: Counter[int] = Counter()
        self._answered: Counter[int] = Counter()
        self._recent: dict[int, deque[bool]] = {}
        """By TTL: whether the latest probes were answered."""
        self._repeats: Counter[int] = Counter()
        """By TTL: probes of flows that had been answered there before."""

    @property
    def has_pending(self) -> bool:
        """Return whether a probe is in flight, or a flow waits to be probed slowly."""
        return bool(self._slow_due) or any(flying.total() for flying in self._in_flight.values())

    @property
    def has_suspects(self) -> bool:
        """Return whether flows are probed slowly, as a router may limit its replies."""
        return bool(self._slow_due)

    @property
    def is_waiting(self) -> bool:
        """Return whether a reply may come to a probe that is not one of the slow ones."""
        return any(
            count and flow not in self._suspects.get(ttl, ())
            for ttl, flying in self._in_flight.items()
            for flow, count in flying.items()
        )

    def asked(self, ttl: int) -> Mapping[int, int]:
        """Return the flows that were, or are to be, probed at a TTL; and how often they were."""
        return self._asked.get(ttl, {})

    def asked_of(self, flow: int) -> int:
        """Return how many probes of a flow left."""
        return self._asked_of_flow[flow]

    def repeats(self, ttl: int) -> int:
        """Return how many probes of a TTL, decided or not, had been answered there before."""
        return self._repeats[ttl] + len(self._undecided(ttl))

    def is_undecided(self, flow: int, ttl: int) -> bool:
        """Return whether a probe of a flow is on its way at a TTL, or waits for its turn."""
        return flow in self._undecided(ttl)

    def pending(self, ttl: int, flows: Container[int]) -> int:
        """Return how many of these flows are not decided at a TTL yet, but will be."""
        hop = self._map.hops.get(ttl, {})
        return sum(flow in flows and flow not in hop for flow in set(self._undecided(ttl)))

    def _undecided(self, ttl: int) -> list[int]:
        flying = self._in_flight.get(ttl, Counter())
        return [*(+flying), *self._suspects.get(ttl, ())]

    # --- what is to be sent again

    def pop_again(self) -> tuple[int, int] | None:
        """Remove and return flow and TTL of a probe to be repeated at once; None: there is none."""
        while self._again:
            flow, ttl = self._again.popleft()
            if ttl <= self._map.ends.get(flow, ttl):
                return flow, ttl
        return None

    def next_slow_due(self) -> int | None:
        """Return when the next slow probe may leave; None: none waits."""
        return min(
            (due for ttl, due in self._slow_due.items() if self._may_pursue(ttl)), default=None
        )

    def pop_slow(self, now: int) -> tuple[int, int] | None:
        """Return flow and TTL of a slow probe that may leave now; None: there is none."""
        for ttl, due in self._slow_due.items():
            if due <= now and self._may_pursue(ttl):
                # routers of one TTL share the probes
                self._slow_due[ttl] = now + SLOW_STEP // max(1, len(self._map.nodes_at(ttl)) // 4)
                # the others get their turn
                flow = self._suspects[ttl].pop(0)
                self._suspects[ttl].append(flow)
                return flow, ttl
        return None

    def _may_pursue(self, ttl: int) -> bool:
        return not self._in_flight.get(ttl, Counter())[self._suspects[ttl][0]]

    def put_off(self, flow: int, ttl: int, now: int) -> bool:
        """Have a probe wait for its slow turn if routers limit their replies; return whether."""
        recent = self._recent.get(ttl, ())
        suspects = self._suspects.get(ttl, ())
        if flow in suspects:
            return True
        if len(suspects) < SLOW_FROM or 2 * sum(recent) >= len(recent):
            return False
        self._suspect(flow, ttl, now)
        self._asked.setdefault(ttl, {}).setdefault(flow, 0)
        return True

    # --- what became of them

    def on_sent(self, flow: int, ttl: int) -> None:
        """Count a probe that leaves."""
        asked = self._asked.setdefault(ttl, {})
        asked[flow] = asked.get(flow, 0) + 1
        self._asked_of_flow[flow] += 1
        self._in_flight.setdefault(ttl, Counter())[flow] += 1

    def on_void(self, flow: int, ttl: int) -> None:
        """Take back a probe that did not leave after all; it is to be sent again."""
        self._land(flow, ttl)
        self._asked[ttl][flow] -= 1
        self._asked_of_flow[flow] -= 1
        if flow not in self._suspects.get(ttl, ()):
            self._again.append((flow, ttl))

    def on_reply(self, flow: int, ttl: int, address: str, *, is_end: bool) -> None:
        """Learn that this address answered; `is_end`: it is the target, or refuses to forward."""
        self._land(flow, ttl, is_answered=True)
        if flow in self._suspects.get(ttl, ()):
            self._answered_slowly[ttl] += 1
            self._lost_before[ttl] += self._lost_slowly.pop(ttl, 0)
        self._answered[ttl] += 1
        self._repeats[ttl] += self._is_answered(flow, ttl)
        self._map.add(flow, ttl, address, is_end=is_end)
        self._drop_suspect(flow, ttl)
        if is_end:
            for behind in [each for each in self._suspects if each > ttl]:
                self._drop_suspect(flow, behind)

    def on_lost(self, flow: int, ttl: int, now: int) -> None:
        """Learn that no reply came in time."""
        self._land(flow, ttl, is_answered=False)
        self._lost[ttl] += 1
        if ttl > self._map.ends.get(flow, ttl):
            self._drop_suspect(flow, ttl)
        elif not self._answered[ttl] and self._lost[ttl] >= UNANSWERED:
            for other in {flow, *self._suspects.get(ttl, ())}:
                self._drop_suspect(other, ttl)
                self._map.add(other, ttl, SILENT)
        elif flow in self._suspects.get(ttl, ()):
            self._lost_slowly[ttl] += 1
            if self._is_silent(ttl):
                # none of them was answered
                for suspect in list(self._suspects[ttl]):
                    self._give_up(suspect, ttl)
        else:
            self._on_lost_quickly(flow, ttl, now)

    def _on_lost_quickly(self, flow: int, ttl: int, now: int) -> None:
        # others were waited for in vain here, or somebody else on the way does not answer either
        is_known_silent = self._is_silent(ttl) or flow in self.silent
        if self._asked[ttl][flow] < QUICK_TRIES + is_known_silent:
            self._again.append((flow, ttl))
        elif is_known_silent:
            self._give_up(flow, ttl)
        else:
            self._suspect(flow, ttl, now)

    def _is_silent(self, ttl: int) -> bool:
        """Return whether so many slow probes of a TTL were lost in a row that nobody answers."""
        lost, answered = self._lost_before[ttl], self._answered_slowly[ttl]
        tries = SLOW_TRIES
        if answered:
            # the share of losses after one more answer and one more loss (rule of succession)
            tries = max(
                tries, ceil(log(CHANCE_OF_SILENCE) / log((lost + 1) / (lost + answered + 2)))
            )
        return self._lost_slowly[ttl] >= tries

    def _suspect(self, flow: int, ttl: int, now: int) -> None:
        """Have a flow be probed slowly: the router may limit its replies."""
        self._suspects.setdefault(ttl, []).append(flow)
        self._slow_due.setdefault(ttl, now + SLOW_STEP)

    def _drop_suspect(self, flow: int, ttl: int) -> None:
        suspects = self._suspects.get(ttl, [])
        if flow in suspects:
            suspects.remove(flow)
        if not suspects:
            self._suspects.pop(ttl, None)
            self._slow_due.pop(ttl, None)

    def _give_up(self, flow: int, ttl: int) -> None:
        """Take nobody to answer a flow at a TTL; one that was answered there counts as repeated."""
        self._drop_suspect(flow, ttl)
        if self._is_answered(flow, ttl):
            self._repeats[ttl] += 1
        else:
            self._map.add(flow, ttl, SILENT)
            self.silent.add(flow)

    def _is_answered(self, flow: int, ttl: int) -> bool:
        return self._map.hops.get(ttl, {}).get(flow, SILENT) != SILENT

    def _land(self, flow: int, ttl: int, *, is_answered: bool | None = None) -> None:
        """Count a probe as in flight no more."""
        flying = self._in_flight.get(ttl, Counter())
        flying[flow] = max(0, flying[flow] - 1)
        if is_answered is not None:
            self._recent.setdefault(ttl, deque(maxlen=RECENT)).append(is_answered)
