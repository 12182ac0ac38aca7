"""Finds every way through the network: which flow is probed at which TTL next.

All hops are searched at once. A router counts as searched when so many flows are known to have
passed it, and to have met something behind it, as the stopping rule asks for (`way_rule`). The
flows that pass a router are known because they were probed at its TTL, too (*node control*); where
one router answers all flows, any flow passes it.
"""

from collections import Counter, deque
from collections.abc import Collection, Container, Iterator
from math import ceil, log
from typing import TypeAlias

from tui_trace.core.events import WaysEnd
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.core.way_map import SILENT, Node, WayMap
from tui_trace.engine.way_rule import flows_needed, share_of_chance

STEP = 2 * NS_PER_MS
"""Time between two probes: a burst would meet the limits of routers."""
SLOW_STEP = 11 * NS_PER_S // 10
"""Time between two probes of a TTL for flows that were lost twice: a router may limit its replies
to one a second (Linux, icmp(7), icmp_ratelimit)."""
QUICK_TRIES = 2
"""Probes of a flow at a TTL, one as soon as the one before is lost."""
SLOW_TRIES = 5
"""So many slow probes of a TTL lost, and none answered, say that nobody answers: a router that
limits its replies would have answered some."""
SLOW_FROM = 3
"""So many flows of a TTL that were lost twice, and more losses than answers of late, say that its
routers limit their replies: all probes of the TTL leave slowly then."""
RECENT = 8
"""Outcomes of a TTL that count as of late."""
UNANSWERED = 6
"""So many probes lost at a TTL, and none answered, say that its router is silent."""
FLOWS_EACH = 2
"""Flows behind each of several routers, as long as none of them parts ways (MDA-lite's φ)."""
FLOWS_OF_SILENT = 3
"""Flows after a router that does not answer: several of those cannot be told apart."""


_Wanted: TypeAlias = dict[tuple[int, int], None]
"""Flow and TTL of probes, in the order in which they are to leave."""


class WayDiscovery:
    """The state of one discovery. Times are monotonic ns."""

    def __init__(
        self,
        *,
        first_ttl: int,
        max_ttl: int,
        max_unknown: int,
        known_end: int,
        confidence: float,
        budget: int,
        max_flows: int,
    ) -> None:
        """Begin without a probe.

        `known_end` is the TTL of the target, 0 if it is not known. `budget` is how many probes it
        may send, `max_flows` how many flows it may use.
        """
        self.map = WayMap(first_ttl)
        self.sent = 0
        """Probes that left."""
        self.end: WaysEnd | None = None
        self._max_ttl = max_ttl
        self._max_unknown = max_unknown
        self._known_end = known_end
        self._confidence = confidence
        self._budget = budget
        self._max_flows = max_flows
        self._flows = 0
        self._asked: dict[int, dict[int, int]] = {}
        """By TTL and flow: how often it was probed."""
        self._silent: set[int] = set()
        """Flows that were not answered at some TTL where others were."""
        self._asked_of_flow: Counter[int] = Counter()
        """By flow: probes sent."""
        self._in_flight: dict[int, dict[int, int]] = {}
        """By TTL and flow: probes of which nothing is known yet."""
        self._lost: dict[int, int] = {}
        """By TTL: probes lost."""
        self._answered: dict[int, int] = {}
        """By TTL: probes answered."""
        self._again: deque[tuple[int, int]] = deque()
        """Flow and TTL of lost probes that are to be repeated at once."""
        self._suspects: dict[int, list[int]] = {}
        """By TTL: flows that were lost so often that a router may limit its replies."""
        self._lost_slowly: dict[int, int] = {}
        """By TTL: slow probes lost since one was answered."""
        self._recent: dict[int, deque[bool]] = {}
        """By TTL: whether the latest probes were answered."""
        self._slow_due: dict[int, int] = {}
        """By TTL: when a suspect may be probed again."""
        self._repeats: dict[int, int] = {}
        """By TTL: probes of flows that had been answered there before."""
        self._wanted: deque[tuple[int, int]] = deque()
        self._is_planned = False
        self._due = 0

    @property
    def has_pending(self) -> bool:
        """Return whether a probe is in flight."""
        return any(self._in_flight.values())

    @property
    def has_suspects(self) -> bool:
        """Return whether flows are probed slowly, as a router may limit its replies."""
        return any(self._suspects.values())

    @property
    def parts(self) -> bool:
        """Return whether several routers were met at one TTL."""
        ttls = range(self.map.root.ttl + 1, self.map.last_ttl + 1)
        return any(len(self.map.nodes_at(ttl)) > 1 for ttl in ttls)

    def know_end(self, ttl: int) -> None:
        """Learn at which TTL the rounds have met the target; 0: they have not."""
        if ttl and not self._known_end:
            self._known_end = ttl
            self._is_planned = False

    def stop(self) -> None:
        """End it here, as the user asks for."""
        if self.end is None:
            self.end = WaysEnd.STOPPED

    def run_out(self) -> None:
        """End it here: no probe more can leave."""
        if self.end is None:
            self.end = WaysEnd.BUDGET

    # --- what to send

    def next_due(self, now: int) -> int | None:
        """Return when the next probe may leave; None: not before an answer or a loss."""
        if self.end is not None:
            return None
        if self._plan():
            return max(now, self._due)
        due = [at for ttl, at in self._slow_due.items() if self._may_pursue(ttl)]
        return max(min(due), self._due) if due else None

    def pop(self, now: int) -> tuple[int, int] | None:
        """Remove and return flow and TTL of a probe that is to leave now; None: there is none."""
        if self.end is not None or now < self._due:
            return None
        probe = self._next_quick(now) or self._next_suspect(now)
        if probe is None:
            if not self.has_pending and not self._slow_due:
                self.end = WaysEnd.COMPLETE
            return None
        flow, ttl = probe
        if self.sent >= self._budget:
            self.end = WaysEnd.BUDGET
            return None
        self._due = now + STEP
        self.sent += 1
        asked = self._asked.setdefault(ttl, {})
        asked[flow] = asked.get(flow, 0) + 1
        self._asked_of_flow[flow] += 1
        flying = self._in_flight.setdefault(ttl, {})
        flying[flow] = flying.get(flow, 0) + 1
        return flow, ttl

    def _next_suspect(self, now: int) -> tuple[int, int] | None:
        for ttl, due in self._slow_due.items():
            if due <= now and self._may_pursue(ttl):
                # routers of one TTL share the probes
                self._slow_due[ttl] = now + SLOW_STEP // max(1, len(self.map.nodes_at(ttl)) // 4)
                # the others get their turn
                flow = self._suspects[ttl].pop(0)
                self._suspects[ttl].append(flow)
                return flow, ttl
        return None

    def _may_pursue(self, ttl: int) -> bool:
        suspects = self._suspects[ttl]
        return bool(suspects) and suspects[0] not in self._in_flight.get(ttl, {})

    def _is_limited(self, ttl: int) -> bool:
        """Return whether the routers of a TTL seem to limit their replies."""
        recent = self._recent.get(ttl, ())
        return len(self._suspects.get(ttl, ())) >= SLOW_FROM and 2 * sum(recent) < len(recent)

    def _next_quick(self, now: int) -> tuple[int, int] | None:
        """Remove and return the next probe that may leave at once."""
        while self._plan():
            flow, ttl = self._wanted.popleft()
            if not self._is_limited(ttl):
                return flow, ttl
            if flow not in self._suspects[ttl]:
                self._suspect(flow, ttl, now)
                self._asked.setdefault(ttl, {}).setdefault(flow, 0)
        return None

    # --- what comes back

    def on_reply(self, flow: int, ttl: int, address: str, *, is_end: bool) -> None:
        """Learn that this address answered; `is_end`: it is the target, or refuses to forward."""
        self._decide(flow, ttl, is_answered=True)
        if flow in self._suspects.get(ttl, ()):
            self._lost_slowly[ttl] = 0
        self._answered[ttl] = self._answered.get(ttl, 0) + 1
        if self.map.hops.get(ttl, {}).get(flow, SILENT) != SILENT:
            self._repeats[ttl] = self._repeats.get(ttl, 0) + 1
        self.map.add(flow, ttl, address, is_end=is_end)
        self._drop_suspect(flow, ttl)
        if is_end:
            for behind in [each for each in self._suspects if each > ttl]:
                self._drop_suspect(flow, behind)

    def on_lost(self, flow: int, ttl: int, now: int) -> None:
        """Learn that no reply came in time."""
        self._decide(flow, ttl, is_answered=False)
        self._lost[ttl] = self._lost.get(ttl, 0) + 1
        if ttl > self.map.ends.get(flow, ttl):
            self._drop_suspect(flow, ttl)
            return
        if not self._answered.get(ttl) and self._lost[ttl] >= UNANSWERED:
            for other in [flow, *self._suspects.get(ttl, ())]:
                self.map.add(other, ttl, SILENT)
            self._suspects.pop(ttl, None)
            self._slow_due.pop(ttl, None)
            return
        tries = self._asked[ttl][flow]
        if flow not in self._suspects.get(ttl, ()):
            # where others were waited for in vain, or somebody on the way does not answer either
            is_known_silent = self._lost_slowly.get(ttl, 0) >= SLOW_TRIES or flow in self._silent
            if tries < QUICK_TRIES + is_known_silent:
                self._again.append((flow, ttl))
            elif is_known_silent:
                self._give_up(flow, ttl)
            else:
                self._suspect(flow, ttl, now)
        else:
            self._lost_slowly[ttl] = self._lost_slowly.get(ttl, 0) + 1
            if self._lost_slowly[ttl] >= SLOW_TRIES:
                # none of them was answered
                for suspect in list(self._suspects[ttl]):
                    self._give_up(suspect, ttl)

    def _suspect(self, flow: int, ttl: int, now: int) -> None:
        """Have a flow be probed slowly: the router may limit its replies."""
        self._suspects.setdefault(ttl, []).append(flow)
        self._slow_due.setdefault(ttl, now + SLOW_STEP)

    def _give_up(self, flow: int, ttl: int) -> None:
        """Take nobody to answer a flow at a TTL; one that was answered there counts as repeated."""
        self._drop_suspect(flow, ttl)
        if self.map.hops.get(ttl, {}).get(flow, SILENT) == SILENT:
            self.map.add(flow, ttl, SILENT)
            self._silent.add(flow)
        else:
            self._repeats[ttl] = self._repeats.get(ttl, 0) + 1

    def on_void(self, flow: int, ttl: int) -> None:
        """Learn that a probe counts as never sent."""
        self._decide(flow, ttl, is_answered=None)

    def _decide(self, flow: int, ttl: int, *, is_answered: bool | None) -> None:
        self._is_planned = False
        if is_answered is not None:
            self._recent.setdefault(ttl, deque(maxlen=RECENT)).append(is_answered)
        flying = self._in_flight.get(ttl, {})
        count = flying.get(flow, 0)
        if count > 1:
            flying[flow] = count - 1
        else:
            flying.pop(flow, None)

    def _drop_suspect(self, flow: int, ttl: int) -> None:
        suspects = self._suspects.get(ttl, [])
        if flow in suspects:
            suspects.remove(flow)
        if not suspects:
            self._suspects.pop(ttl, None)
            self._slow_due.pop(ttl, None)

    # --- the plan

    def _plan(self) -> bool:
        """Find the probes that are wanted; return whether there are any."""
        while self._again:
            flow, ttl = self._again.popleft()
            if ttl <= self.map.ends.get(flow, ttl):
                self._wanted.appendleft((flow, ttl))
        if self._wanted or self._is_planned:
            return bool(self._wanted)
        self._is_planned = True
        ttls = self._ttls()
        uneven = self._uneven()
        chance = share_of_chance(self._confidence, self._partings(uneven))
        wanted: _Wanted = {}
        for ttl in ttls:
            self._plan_hop(ttl, chance, wanted, is_even=ttl not in uneven)
        self._want_true_ends(wanted)
        if not wanted and not self._is_waiting():
            for ttl in ttls:
                if not wanted and (ttl in uneven or self._is_mesh(ttl)):
                    self._plan_behind_each(ttl, chance, wanted)
            for ttl in ttls:
                self._want_repeats(ttl, wanted)
        self._wanted.extend(wanted)
        return bool(self._wanted)

    def _is_waiting(self) -> bool:
        """Return whether a reply may come that is not waited for slowly."""
        return any(
            flow not in self._suspects.get(ttl, ())
            for ttl, flows in self._in_flight.items()
            for flow in flows
        )

    def _behind(self, ttl: int) -> list[set[Node]]:
        """Return what was found behind each router of a TTL, if anything was."""
        found = (set(self.map.successors(node)) for node in self.map.nodes_at(ttl))
        return [behind for behind in found if behind]

    def _is_mesh(self, ttl: int) -> bool:
        """Return whether several routers of a TTL lead to the same ones, and not to one alone."""
        behind = self._behind(ttl)
        found = set().union(*behind)
        return 1 < len(found) < sum(map(len, behind))

    def _uneven(self) -> set[int]:
        """Return the TTLs of all diamonds in which not all routers lead on alike.

        Elsewhere the flows that pass any router of a TTL tell what is behind all (MDA-lite;
        Vermeulen, Strowes, Fourmaux, Friedman 2018). What one router has behind it and its
        neighbours have not would be met by fewer flows than the rule reckons with.
        """
        uneven: set[int] = set()
        diamond: list[int] = []
        is_even = True
        for ttl in range(self.map.root.ttl, self.map.last_ttl + 1):
            if len(self.map.nodes_at(ttl)) < 2:
                uneven.update(() if is_even else diamond)
                diamond, is_even = [], True
            diamond.append(ttl)
            behind = self._behind(ttl)
            is_full_mesh = all(each == behind[0] for each in behind)
            is_alike = len({len(each) for each in behind}) < 2 and not self._is_mesh(ttl)
            is_even = is_even and (is_full_mesh or is_alike)
        uneven.update(() if is_even else diamond)
        return uneven

    def _all_end(self, ttl: int) -> bool:
        """Return whether all who answer at a TTL are the target, or refuse to forward."""
        answering = [node for node in self.map.nodes_at(ttl) if node.address != SILENT]
        return bool(answering) and all(map(self.map.is_end, answering))

    def _partings(self, uneven: Container[int]) -> int:
        """Return at how many places it has to be decided that no way more leads on."""
        count = 0
        for ttl in range(self.map.root.ttl, self.map.last_ttl):
            parting = sum(len(each) > 1 for each in self._behind(ttl))
            count += parting if ttl in uneven or self._is_mesh(ttl) else min(1, parting)
        return count

    def _ttls(self) -> range:
        """Return the TTLs behind which something is to be looked for."""
        known = self._known_end or self.map.last_ttl + self._max_unknown
        horizon = max(self.map.last_ttl, self._known_end) + self._max_unknown
        end = min(self._max_ttl, horizon)
        begin = self.map.root.ttl
        while begin < end and (begin < known or self.map.nodes_at(begin)):
            if self._all_end(begin):
                break
            begin += 1
        return range(self.map.root.ttl, begin)

    def _plan_hop(self, ttl: int, chance: float, wanted: _Wanted, *, is_even: bool) -> None:
        """Want what is needed behind the routers of a TTL, if all flows that pass them count."""
        nodes = self.map.nodes_at(ttl)
        following = self.map.nodes_at(ttl + 1)
        needed = self._needed(nodes, following, chance)
        is_ahead = ttl > self.map.last_ttl and not self._known_end
        if is_ahead or (is_even and self._is_plain(ttl, following)):
            needed = FLOWS_EACH
        if len(nodes) < 2 or ttl in self.map.per_packet:
            # all flows pass; or nobody can tell which one passes which router
            known = self.map.hops.get(ttl + 1, {})
            missing = needed - len(known) - self._pending(ttl + 1, self._asked.get(ttl + 1, {}))
            self._want_at(ttl + 1, missing, wanted)
            return
        each = dict.fromkeys(nodes, FLOWS_EACH)
        self._want_behind(ttl, each, needed, wanted)

    def _plan_behind_each(self, ttl: int, chance: float, wanted: _Wanted) -> None:
        """Want what is needed behind each of several routers: node control."""
        nodes = self.map.nodes_at(ttl)
        if len(nodes) < 2 or ttl in self.map.per_packet:
            return
        each = {node: self._needed((node,), self.map.successors(node), chance) for node in nodes}
        self._want_behind(ttl, each, 0, wanted)

    def _want_behind(self, ttl: int, each: dict[Node, int], needed: int, wanted: _Wanted) -> None:
        """Want so many flows behind each of several routers, and `needed` behind all of them."""
        asked = self._asked.get(ttl + 1, {})
        short = 0
        spare: list[int] = []
        ends = self.map.ends
        for node, flows_of_node in each.items():
            passing = [flow for flow in self.map.flows_at(node) if ends.get(flow, 256) > ttl]
            if not passing:
                continue
            known = sum(map(len, self.map.successors(node).values()))
            known += self._pending(ttl + 1, passing)
            unasked = sorted(flow for flow in passing if flow not in asked)
            lacking = max(0, flows_of_node - known)
            wanted |= dict.fromkeys((flow, ttl + 1) for flow in unasked[:lacking])
            spare += unasked[lacking:]
            needed -= known + min(lacking, len(unasked))
            if node.address != SILENT:
                short += max(0, lacking - len(unasked))
        spare = sorted(spare)[: max(0, needed)]
        wanted |= dict.fromkeys((flow, ttl + 1) for flow in spare)
        # one flow more may pass any of the routers
        short = max(ceil(short / 2), needed - len(spare))
        if short > 0:
            self._want_at(ttl, short - self._pending(ttl, self._asked.get(ttl, {})), wanted)

    def _is_plain(self, ttl: int, following: tuple[Node, ...]) -> bool:
        """Return whether ways hardly part here: behind this host, and before the target."""
        if len(following) > 1:
            return False
        if ttl == self.map.root.ttl:
            return len(self.map.nodes_at(ttl + 2)) < 2
        is_end = self.map.is_end(following[0]) if following else ttl + 1 == self._known_end
        return is_end and len(self.map.nodes_at(ttl)) < 2

    def _needed(self, nodes: tuple[Node, ...], following: Collection[Node], chance: float) -> int:
        """Return how many flows have to pass these routers, with what was found behind them."""
        is_silent = bool(nodes) and nodes != (self.map.root,) and not any(n.address for n in nodes)
        if is_silent and not any(node.address for node in following):
            return FLOWS_OF_SILENT
        return flows_needed(len(following), chance)

    def _pending(self, ttl: int, flows: Container[int]) -> int:
        """Return how many of these flows are not decided at a TTL yet, but will be."""
        waiting = [*self._in_flight.get(ttl, {}), *self._suspects.get(ttl, ())]
        hop = self.map.hops.get(ttl, {})
        return sum(flow in flows and flow not in hop for flow in dict.fromkeys(waiting))

    def _flows_to_ask(self, ttl: int) -> Iterator[int]:
        """Give flows that were not probed at a TTL and may get so far; new ones at the end.

        Those that were probed least come first: so more flows are seen for the same probes. Those
        that somebody left without an answer come last.
        """
        asked = self._asked.get(ttl, {})
        flows = [
            flow
            for flow in range(self._flows)
            if flow not in asked and self.map.ends.get(flow, 256) >= ttl
        ]
        yield from sorted(flows, key=lambda flow: (flow in self._silent, self._asked_of_flow[flow]))
        while self._flows < self._max_flows:
            self._flows += 1
            yield self._flows - 1

    def _want_at(self, ttl: int, count: int, wanted: _Wanted) -> None:
        """Want so many more flows to be probed at a TTL."""
        for _, flow in zip(range(count), self._flows_to_ask(ttl), strict=False):
            wanted[flow, ttl] = None

    def _want_true_ends(self, wanted: _Wanted) -> None:
        """Want flows to be probed nearer that met the target farther away than others did.

        They may have been probed behind it: it answers any TTL that is large enough.
        """
        nearest = min(self.map.ends.values(), default=0)
        for flow, end in self.map.ends.items():
            before = end - 1
            if before >= nearest and flow not in self._asked.get(before, {}):
                wanted[flow, before] = None

    def _want_repeats(self, ttl: int, wanted: _Wanted) -> None:
        """Want flows to be probed again, to see whether they meet the same router.

        Packet by packet, one flow would meet another of `k` routers with a probability of 1 − 1/k.
        Where ways lead on side by side, each flow has shown already that it keeps its own.
        """
        nodes = self.map.nodes_at(ttl)
        if len(nodes) < 2 or ttl in self.map.per_packet:
            return
        if self._is_side_by_side(ttl - 1) or self._is_side_by_side(ttl):
            return
        needed = ceil(log(1 / (1 - self._confidence)) / log(len(nodes)))
        pending = [*self._in_flight.get(ttl, {}), *self._suspects.get(ttl, ())]
        missing = needed - self._repeats.get(ttl, 0) - len(pending)
        flows = (
            flow for node in nodes for flow in self.map.flows_at(node) if node.address != SILENT
        )
        for flow, _ in zip(flows, range(missing), strict=False):
            wanted[flow, ttl] = None

    def _is_side_by_side(self, ttl: int) -> bool:
        """Return whether each of several routers of a TTL has one router of its own behind it."""
        behind = self._behind(ttl)
        return len(behind) > 1 and sum(map(len, behind)) == len(behind) == len(set().union(*behind))
