"""Finds every way through the network: which flow is probed at which TTL next.

All hops are searched at once. A router counts as searched when so many flows are known to have
passed it, and to have met something behind it, as the stopping rule asks for (`way_rule`). The
flows that pass a router are known because they were probed at its TTL, too (*node control*); where
one router answers all flows, any flow passes it.
"""

from collections import deque
from collections.abc import Collection, Container, Iterator
from math import ceil, log
from typing import TypeAlias

from tui_trace.core.events import WaysEnd
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.core.way_map import SILENT, Node, WayMap
from tui_trace.engine.way_probes import WayProbes
from tui_trace.engine.way_rule import flows_needed, share_of_chance

STEP = 2 * NS_PER_MS
"""Time between two probes: a burst would meet the limits of routers."""
RETRY = NS_PER_S
"""Time after a probe that could not leave, before which none is tried again."""
FLOWS_EACH = 2
"""Flows behind each of several routers, as long as none of them parts ways (MDA-lite's φ); and
where nobody is known to be."""
FLOWS_OF_SILENT = 3
"""Flows after a router that does not answer: several of those cannot be told apart."""

_Wanted: TypeAlias = dict[tuple[int, int], None]
"""Flow and TTL of probes, in the order in which they are to leave."""


class WayDiscovery:
    """The state of one discovery, a `WayPlan`. Times are monotonic ns."""

    def __init__(
        self,
        *,
        first_ttl: int,
        max_ttl: int,
        max_unknown: int,
        confidence: float,
        budget: int,
        max_flows: int,
    ) -> None:
        """Begin without a probe.

        `budget` is how many probes it may send, `max_flows` how many flows it may use.
        """
        self.map = WayMap(first_ttl)
        self.sent = 0
        """Probes that left."""
        self.end: WaysEnd | None = None
        self._max_ttl = max_ttl
        self._max_unknown = max_unknown
        self._known_end = 0
        """The TTL of the target; 0: it is not known."""
        self._confidence = confidence
        self._budget = budget
        self._max_flows = max_flows
        self._flows = 0
        """Flows in use: those below this number."""
        self._probes = WayProbes(self.map)
        self._wanted: deque[tuple[int, int]] = deque()
        self._is_planned = False
        self._due = 0

    @property
    def has_suspects(self) -> bool:
        """Return whether flows are probed slowly, as a router may limit its replies."""
        return self._probes.has_suspects

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
        self.end = self.end or WaysEnd.STOPPED

    def run_out(self) -> None:
        """End it here: no flow more is to be had."""
        self.end = self.end or WaysEnd.BUDGET

    # --- what to send

    def next_due(self, now: int) -> int | None:
        """Return when the next probe may leave; None: not before an answer or a loss."""
        if self.end is not None:
            return None
        if self._plan():
            return max(now, self._due)
        slow = self._probes.next_slow_due()
        return None if slow is None else max(slow, self._due)

    def pop(self, now: int) -> tuple[int, int] | None:
        """Remove and return flow and TTL of a probe that is to leave now; None: there is none."""
        if self.end is not None or now < self._due:
            return None
        probe = self._next_quick(now) or self._probes.pop_slow(now)
        if probe is None:
            if not self._probes.has_pending:
                self.end = WaysEnd.COMPLETE
            return None
        if self.sent >= self._budget:
            self.end = WaysEnd.BUDGET
            return None
        self._due = now + STEP
        self.sent += 1
        self._probes.on_sent(*probe)
        return probe

    def _next_quick(self, now: int) -> tuple[int, int] | None:
        """Remove and return the next probe that may leave at once."""
        while self._plan():
            probe = self._wanted.popleft()
            if not self._probes.put_off(*probe, now):
                return probe
        return None

    # --- what comes back

    def on_reply(self, flow: int, ttl: int, address: str, *, is_end: bool) -> None:
        """Learn that this address answered; `is_end`: it is the target, or refuses to forward."""
        self._is_planned = False
        self._probes.on_reply(flow, ttl, address, is_end=is_end)

    def on_lost(self, flow: int, ttl: int, now: int) -> None:
        """Learn that no reply came in time."""
        self._is_planned = False
        self._probes.on_lost(flow, ttl, now)

    def on_void(self, flow: int, ttl: int, now: int) -> None:
        """Learn that a probe did not leave; nothing is tried for a while."""
        self._is_planned = False
        self.sent -= 1
        self._due = now + RETRY
        self._probes.on_void(flow, ttl)

    # --- the plan

    def _plan(self) -> bool:
        """Find the probes that are wanted; return whether there are any."""
        while (probe := self._probes.pop_again()) is not None:
            self._wanted.appendleft(probe)
        if self._wanted or self._is_planned:
            return bool(self._wanted)
        self._is_planned = True
        ttls = self._ttls()
        uneven = self._uneven()
        chance = share_of_chance(self._confidence, self._partings(uneven))
        wanted: _Wanted = {}
        for ttl in ttls:
            self._plan_hop(ttl, chance, wanted)
        self._want_true_ends(wanted)
        if not wanted and not self._probes.is_waiting:
            for ttl in ttls:
                if not wanted and (ttl in uneven or self._is_mesh(ttl)):
                    self._plan_behind_each(ttl, chance, wanted)
            for ttl in ttls:
                self._want_repeats(ttl, wanted)
        self._wanted.extend(wanted)
        return bool(self._wanted)

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

    def _plan_hop(self, ttl: int, chance: float, wanted: _Wanted) -> None:
        """Want what is needed behind the routers of a TTL, if all flows that pass them count."""
        nodes = self.map.nodes_at(ttl)
        following = self.map.nodes_at(ttl + 1)
        needed = self._needed(nodes, following, chance)
        if ttl > self.map.last_ttl and not self._known_end:
            needed = FLOWS_EACH
        if len(nodes) < 2 or ttl in self.map.per_packet:
            # all flows pass; or nobody can tell which one passes which router
            known = self.map.hops.get(ttl + 1, {})
            missing = (
                needed - len(known) - self._probes.pending(ttl + 1, self._probes.asked(ttl + 1))
            )
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
        asked = self._probes.asked(ttl + 1)
        short = 0
        spare: list[int] = []
        ends = self.map.ends
        for node, flows_of_node in each.items():
            passing = [flow for flow in self.map.flows_at(node) if ends.get(flow, 256) > ttl]
            if not passing:
                continue
            known = sum(map(len, self.map.successors(node).values()))
            known += self._probes.pending(ttl + 1, passing)
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
            self._want_at(ttl, short - self._probes.pending(ttl, self._probes.asked(ttl)), wanted)

    def _needed(self, nodes: tuple[Node, ...], following: Collection[Node], chance: float) -> int:
        """Return how many flows have to pass these routers, with what was found behind them."""
        is_silent = bool(nodes) and nodes != (self.map.root,) and not any(n.address for n in nodes)
        if is_silent and not any(node.address for node in following):
            return FLOWS_OF_SILENT
        return flows_needed(len(following), chance)

    def _flows_to_ask(self, ttl: int) -> Iterator[int]:
        """Give flows that were not probed at a TTL and may get so far; new ones at the end.

        Those that were probed least come first: so more flows are seen for the same probes. Those
        that somebody left without an answer come last.
        """
        asked = self._probes.asked(ttl)
        flows = [
            flow
            for flow in range(self._flows)
            if flow not in asked and self.map.ends.get(flow, 256) >= ttl
        ]
        yield from sorted(
            flows, key=lambda flow: (flow in self._probes.silent, self._probes.asked_of(flow))
        )
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
            if before >= nearest and flow not in self._probes.asked(before):
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
        missing = needed - self._probes.repeats(ttl)
        flows = (
            flow
            for node in nodes
            for flow in self.map.flows_at(node)
            if node.address != SILENT and not self._probes.is_undecided(flow, ttl)
        )
        for flow, _ in zip(flows, range(missing), strict=False):
            wanted[flow, ttl] = None

    def _is_side_by_side(self, ttl: int) -> bool:
        """Return whether each of several routers of a TTL has one router of its own behind it."""
        behind = self._behind(ttl)
        return len(behind) > 1 and sum(map(len, behind)) == len(behind) == len(set().union(*behind))
