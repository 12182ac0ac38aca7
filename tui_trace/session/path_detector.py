"""Who is at each TTL of one run, told from its answers alone: moved, balanced or silent.

At every TTL there is a *group*: the address, or the addresses that take turns. An answer from
outside it is either a branch that was not seen before or a sign that the path moved. If probes
were balanced over the group and `d` newcomers, each answer would miss the group with probability
d/(d+1) at most; when that has happened so often that chance is out of the question, taken over all
TTLs together, the path has moved. An answer of the group's own in between means that the newcomers
belong to it. No answer means nothing.
"""

import math
from typing import Annotated

import msgspec
from msgspec import Meta

from tui_trace.core.events import Reply
from tui_trace.core.ranges import Count, Int64

DOUBT = math.log(20_000)
"""Of a move, in nats: one that is none is told once in so many balanced hops. At 1 Hz, 15 s for a
path that differs in one hop, two rounds for one that differs in eight."""
TURNS = 3
"""Changes from one address to another and back after which a hop counts as balanced."""
_MOST = 32
"""Addresses of a group."""


class HopAddressTracker(msgspec.Struct, array_like=True):
    """One TTL."""

    group: Annotated[dict[str, Int64], Meta(max_length=_MOST)]
    """Who is here, with the number of the last answer of each."""
    last: str
    """Who answered last."""
    probe: Int64
    """The youngest that was answered; older ones tell nothing new."""
    heard: Int64
    """`at` of the group's last answer."""
    answers: Count = 1
    turns: Count = 0
    newcomers: Annotated[dict[str, Int64], Meta(max_length=_MOST)] = {}
    """Who answered since, likewise."""
    strange: Count = 0
    """Answers of newcomers."""
    since: Int64 = 0
    """`at` of the first of these."""

    @property
    def evidence(self) -> float:
        """That the path moved, in nats."""
        return self.strange * math.log1p(1 / len(self.newcomers)) if self.newcomers else 0.0

    @property
    def balanced(self) -> bool:
        """Several take turns."""
        return len(self.group) > 1 and self.turns >= TURNS

    def answered(self, reply: Reply) -> bool:
        """Take one answer; whether group, newcomers or balance changed."""
        address = reply.address
        if reply.probe <= self.probe:
            return False
        self.probe = reply.probe
        self.answers += 1
        if address != self.last:
            self.turns += 1
            self.last = address
        if address not in self.group:
            self._strange(address, reply.at)
            return True
        self.heard = reply.at
        self.group[address] = self.answers
        if len(self.group) == 1 and not self.newcomers:
            self.turns = 0
            return False
        before = len(self.group), self.turns == TURNS
        if self.newcomers:
            self._join()
        self._thin()
        return before != (len(self.group), False)

    def _strange(self, address: str, at: int) -> None:
        if not self.newcomers:
            self.since = at
        self.newcomers[address] = self.answers
        self.strange += 1
        if len(self.newcomers) > _MOST:
            self._join()

    def _join(self) -> None:
        """The newcomers belong to the group."""
        self.group.update(self.newcomers)
        while len(self.group) > _MOST:
            del self.group[min(self.group, key=self.group.__getitem__)]
        self._settle()

    def move(self) -> None:
        """The newcomers are the group."""
        self.group = self.newcomers
        self.turns = 0
        self._settle()

    def _settle(self) -> None:
        self.newcomers = {}
        self.strange = 0

    def _thin(self) -> None:
        """Forget who did not take its turn any more."""
        size = len(self.group)
        if size > 1:
            patience = DOUBT / -math.log1p(-1 / size)
            for who in [w for w, seen in self.group.items() if self.answers - seen > patience]:
                del self.group[who]
        if len(self.group) == 1:
            self.turns = 0


class TrackedPath:
    """All TTLs of one run."""

    __slots__ = ("hops", "last", "target")

    def __init__(self, target: str, hops: dict[int, HopAddressTracker], last: int = 0) -> None:
        """`target` is its address: nothing is beyond it."""
        self.target = target
        self.hops = hops
        self.last = last
        """`at` of the last answer."""

    def answered(self, reply: Reply) -> bool:
        """Take one answer; whether anything changed but counters."""
        self.last = reply.at
        hop = self.hops.get(reply.ttl)
        if hop is not None:
            return hop.answered(reply)
        self.hops[reply.ttl] = HopAddressTracker(
            {reply.address: 1}, reply.address, reply.probe, reply.at
        )
        return True

    def moved(self) -> int | None:
        """Since when (`at`) the path is another; None if it is not. Settles the newcomers."""
        strange = {ttl: hop for ttl, hop in self.hops.items() if hop.newcomers}
        if sum(hop.evidence for hop in strange.values()) < DOUBT:
            return None
        since = min(hop.since for hop in strange.values())
        nearest = min(strange)
        for ttl, hop in list(self.hops.items()):
            if hop.newcomers:
                hop.move()
            elif ttl > nearest and hop.heard < since:
                # silent since then: nobody knows who is there now
                del self.hops[ttl]
        return since

    def known(self) -> dict[int, HopAddressTracker]:
        """The TTLs that answered, up to the target's."""
        found: dict[int, HopAddressTracker] = {}
        for ttl in sorted(self.hops):
            hop = found[ttl] = self.hops[ttl]
            if len(hop.group) == 1 and self.target in hop.group:
                break
        return found
