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

MOVE_LOG_ODDS = math.log(20_000)
"""Of a move, in nats: one that is none is told once in so many balanced hops. At 1 Hz, 15 s for a
path that differs in one hop, two rounds for one that differs in eight."""
BALANCED_TURNS = 3
"""Changes from one address to another and back after which a hop counts as balanced."""
_MAX_MEMBERS = 32
"""Addresses of a group."""


class HopAddressTracker(msgspec.Struct, array_like=True):
    """One TTL."""

    members: Annotated[dict[str, Int64], Meta(max_length=_MAX_MEMBERS)]
    """Who is here, with the number of the last answer of each."""
    last_address: str
    """Who answered last."""
    last_probe: Int64
    """The youngest that was answered; older ones tell nothing new."""
    last_reply_at: Int64
    """`at` of the group's last answer."""
    replies: Count = 1
    turns: Count = 0
    candidates: Annotated[dict[str, Int64], Meta(max_length=_MAX_MEMBERS)] = {}
    """Who answered since, likewise."""
    candidate_replies: Count = 0
    """Answers of newcomers."""
    first_candidate_at: Int64 = 0
    """`at` of the first of these."""

    @property
    def move_log_odds(self) -> float:
        """That the path moved, in nats."""
        return (
            self.candidate_replies * math.log1p(1 / len(self.candidates))
            if self.candidates
            else 0.0
        )

    @property
    def balanced(self) -> bool:
        """Several take turns."""
        return len(self.members) > 1 and self.turns >= BALANCED_TURNS

    def on_reply(self, reply: Reply) -> bool:
        """Take one answer; whether group, newcomers or balance changed."""
        address = reply.address
        if reply.probe <= self.last_probe:
            return False
        self.last_probe = reply.probe
        self.replies += 1
        if address != self.last_address:
            self.turns += 1
            self.last_address = address
        if address not in self.members:
            self._add_candidate(address, reply.at)
            return True
        self.last_reply_at = reply.at
        self.members[address] = self.replies
        if len(self.members) == 1 and not self.candidates:
            self.turns = 0
            return False
        before = len(self.members), self.turns == BALANCED_TURNS
        if self.candidates:
            self._merge_candidates()
        self._forget_absent()
        return before != (len(self.members), False)

    def _add_candidate(self, address: str, at: int) -> None:
        if not self.candidates:
            self.first_candidate_at = at
        self.candidates[address] = self.replies
        self.candidate_replies += 1
        if len(self.candidates) > _MAX_MEMBERS:
            self._merge_candidates()

    def _merge_candidates(self) -> None:
        """The newcomers belong to the group."""
        self.members.update(self.candidates)
        while len(self.members) > _MAX_MEMBERS:
            del self.members[min(self.members, key=self.members.__getitem__)]
        self._clear_candidates()

    def replace_members(self) -> None:
        """The newcomers are the group."""
        self.members = self.candidates
        self.turns = 0
        self._clear_candidates()

    def _clear_candidates(self) -> None:
        self.candidates = {}
        self.candidate_replies = 0

    def _forget_absent(self) -> None:
        """Forget who did not take its turn any more."""
        size = len(self.members)
        if size > 1:
            patience = MOVE_LOG_ODDS / -math.log1p(-1 / size)
            for who in [w for w, seen in self.members.items() if self.replies - seen > patience]:
                del self.members[who]
        if len(self.members) == 1:
            self.turns = 0


class TrackedPath:
    """All TTLs of one run."""

    __slots__ = ("hops", "last_reply_at", "target")

    def __init__(self, target: str, hops: dict[int, HopAddressTracker], last: int = 0) -> None:
        """`target` is its address: nothing is beyond it."""
        self.target = target
        self.hops = hops
        self.last_reply_at = last
        """`at` of the last answer."""

    def on_reply(self, reply: Reply) -> bool:
        """Take one answer; whether anything changed but counters."""
        self.last_reply_at = reply.at
        hop = self.hops.get(reply.ttl)
        if hop is not None:
            return hop.on_reply(reply)
        self.hops[reply.ttl] = HopAddressTracker(
            {reply.address: 1}, reply.address, reply.probe, reply.at
        )
        return True

    def settle_move(self) -> int | None:
        """Since when (`at`) the path is another; None if it is not. Settles the newcomers."""
        strange = {ttl: hop for ttl, hop in self.hops.items() if hop.candidates}
        if sum(hop.move_log_odds for hop in strange.values()) < MOVE_LOG_ODDS:
            return None
        since = min(hop.first_candidate_at for hop in strange.values())
        nearest = min(strange)
        for ttl, hop in list(self.hops.items()):
            if hop.candidates:
                hop.replace_members()
            elif ttl > nearest and hop.last_reply_at < since:
                # silent since then: nobody knows who is there now
                del self.hops[ttl]
        return since

    def answered_hops(self) -> dict[int, HopAddressTracker]:
        """The TTLs that answered, up to the target's."""
        found: dict[int, HopAddressTracker] = {}
        for ttl in sorted(self.hops):
            hop = found[ttl] = self.hops[ttl]
            if len(hop.members) == 1 and self.target in hop.members:
                break
        return found
