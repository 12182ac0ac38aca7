"""Which addresses are at each TTL of one run: path changes and load balancing, from replies alone.

Each TTL has *members*: its address, or several addresses that alternate. A reply from another
address, a *candidate*, shows a branch that was not seen before, or a path change. If probes were
balanced over the members and `d` candidates, a reply would come from a candidate with a probability
of at most d/(d+1). If so many replies in a row come from candidates, over all TTLs together, that
chance cannot explain them, the path has changed. A reply from a member in between means that the
candidates are members, too. A missing reply means nothing.
"""

import math
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from tui_trace.core.events import Reply
from tui_trace.core.ranges import Count, Int64

MOVE_LOG_ODDS = math.log(1000)
"""Log-likelihood (nats) required to report a path change, besides that of choosing the hops that
are strange among all that answer, or a stretch of them.

At 1 Hz it takes 15 s if the path differs in one hop, and three rounds if it differs in eight."""
ABSENT_LOG_ODDS = math.log(1_000_000)
"""Log-likelihood (nats) of a balanced address not answering for so long, after which it is gone."""
SETTLED, UNSETTLED = 4, 2.0
"""Replies of members alone after which a hop is settled, and what each missing one takes from the
evidence (nats)."""
ALTERNATES, BALANCED = 1, 2
"""Several members answer in turns; and as often as chance has it, or more."""
BALANCED_TURNS = 3
"""Changes of the answering address from which on a hop may be load-balanced."""
LEAST_SHARE = 0.1
"""Share of the answers that each of two addresses of a balanced hop has at least."""
LEAST_ANSWERS = 12
"""Answers of a hop from which on it may be load-balanced."""
IN_STAYS = -4.0
"""Deviations below chance of the number of changes (the runs test of Wald and Wolfowitz) from which
on a hop is not balanced: the path goes back and forth."""
_MAX_MEMBERS = 32
"""The greatest number of members, and of candidates."""


class HopAddressTracker(msgspec.Struct, array_like=True):
    """The addresses at one TTL of one run."""

    members: Annotated[dict[str, Int64], Meta(max_length=_MAX_MEMBERS)]
    """Members, each with the number of its last reply."""
    last_address: str
    """The address that answered last."""
    last_probe: Int64
    """Number of the youngest answered probe; replies to older ones are ignored."""
    last_reply_at: Int64
    """`at` of the last reply from a member."""
    replies: Count = 1
    alternations: Count = 0
    candidates: Annotated[dict[str, Int64], Meta(max_length=_MAX_MEMBERS)] = {}
    """Other addresses that answered since then, each with the number of its last reply."""
    candidate_replies: Count = 0
    """Number of replies from candidates."""
    first_candidate_at: Int64 = 0
    """`at` of the first reply from a candidate."""
    answers: dict[str, Count] = {}
    """Replies of members and candidates since the members were replaced."""
    members_since: Count = 0
    """`replies` when the members were last added to or replaced."""
    state: Count = 0
    """`ALTERNATES`, `BALANCED` or 0, after the last reply of a member."""

    @property
    def move_log_odds(self) -> float:
        """Return the evidence for a path change at this TTL, in nats.

        Of a hop whose members have answered a few times only, more addresses may be unseen than
        there are candidates.
        """
        if not self.candidates:
            return 0.0
        found = self.candidate_replies * math.log1p(1 / len(self.candidates))
        known = self.replies - self.candidate_replies - self.members_since
        return max(found - UNSETTLED * max(SETTLED - known, 0), 0.0)

    def _present_state(self) -> int:
        if len(self.members) < 2 or self.alternations < BALANCED_TURNS:
            return 0
        counts = sorted(self.answers.get(address, 0) for address in self.members)
        total = sum(counts)
        if total < LEAST_ANSWERS or counts[-2] < LEAST_SHARE * total:
            return ALTERNATES
        beyond = changes_beyond_chance(counts, self.alternations)
        return BALANCED if beyond > IN_STAYS else ALTERNATES

    def on_reply(self, reply: Reply) -> bool:
        """Count a reply. Return whether members, candidates or `balanced` changed."""
        address = reply.address
        if reply.probe <= self.last_probe:
            return False
        self.last_probe = reply.probe
        self.replies += 1
        self.answers[address] = self.answers.get(address, 0) + 1
        if address != self.last_address:
            self.alternations += 1
            self.last_address = address
        if address not in self.members:
            self._add_candidate(address, reply.at)
            return True
        self.last_reply_at = reply.at
        self.members[address] = self.replies
        if len(self.members) == 1 and not self.candidates:
            self.alternations = 0
            self.answers = {address: 1}
            return False
        before = len(self.members)
        if self.candidates:
            self._merge_candidates()
        self._forget_absent()
        state, self.state = self.state, self._present_state()
        return before != len(self.members) or state != self.state

    def _add_candidate(self, address: str, at: int) -> None:
        if not self.candidates:
            self.first_candidate_at = at
        self.candidates[address] = self.replies
        self.candidate_replies += 1
        if len(self.candidates) > _MAX_MEMBERS:
            self._merge_candidates()

    def _merge_candidates(self) -> None:
        """Make the candidates members, beside the old ones."""
        self.members.update(self.candidates)
        self.members_since = self.replies
        while len(self.members) > _MAX_MEMBERS:
            who = min(self.members, key=self.members.__getitem__)
            del self.members[who]
            self.answers.pop(who, None)
        self._clear_candidates()

    def replace_members(self) -> None:
        """Make the candidates the only members."""
        self.members = self.candidates
        self.members_since = self.replies - self.candidate_replies
        self.alternations = 0
        self.answers = {address: self.answers.get(address, 0) for address in self.members}
        self.state = 0
        self._clear_candidates()

    def _clear_candidates(self) -> None:
        self.candidates = {}
        self.candidate_replies = 0

    def _forget_absent(self) -> None:
        """Remove members that no longer answer in their turn."""
        size = len(self.members)
        if size > 1:
            patience = ABSENT_LOG_ODDS / -math.log1p(-1 / size)
            for who in [w for w, seen in self.members.items() if self.replies - seen > patience]:
                del self.members[who]
                self.answers.pop(who, None)
        if len(self.members) == 1:
            self.alternations = 0
            self.answers = dict.fromkeys(self.members, 1)


AnsweredHops: TypeAlias = dict[int, HopAddressTracker]
"""By TTL, those that have answered, up to the target's."""


class TrackedPath:
    """The addresses at all TTLs of one run."""

    __slots__ = ("hops", "last_reply_at", "target")

    def __init__(self, target: str, hops: dict[int, HopAddressTracker], last: int = 0) -> None:
        """`target` is the address of the target, where each path ends."""
        self.target = target
        self.hops = hops
        self.last_reply_at = last
        """`at` of the last reply."""

    def on_reply(self, reply: Reply) -> bool:
        """Count a reply. Return whether more than counters changed."""
        self.last_reply_at = reply.at
        hop = self.hops.get(reply.ttl)
        if hop is not None:
            return hop.on_reply(reply)
        self.hops[reply.ttl] = HopAddressTracker(
            {reply.address: 1}, reply.address, reply.probe, reply.at
        )
        return True

    def settle_move(self) -> int | None:
        """Accept a path change, and return since when (`at`) the path is new; None: no change."""
        strange = {ttl: hop for ttl, hop in self.hops.items() if hop.candidates}
        if not strange:
            return None
        hops = len(self.hops)
        choices = min(math.comb(hops, len(strange)), hops * (hops + 1) // 2)
        wanted = MOVE_LOG_ODDS + math.log(choices)
        if sum(hop.move_log_odds for hop in strange.values()) < wanted:
            return None
        since = min(hop.first_candidate_at for hop in strange.values())
        nearest = min(strange)
        for ttl, hop in list(self.hops.items()):
            if hop.candidates:
                hop.replace_members()
            elif ttl > nearest and hop.last_reply_at < since:
                # the hop has been silent since then: its address is unknown now
                del self.hops[ttl]
        return since

    def answered_hops(self) -> AnsweredHops:
        """Return the TTLs that answered, up to the target's."""
        found: AnsweredHops = {}
        for ttl in sorted(self.hops):
            hop = found[ttl] = self.hops[ttl]
            if len(hop.members) == 1 and self.target in hop.members:
                break
        return found


def changes_beyond_chance(counts: Sequence[int], changes: int) -> float:
    """Return how many deviations more often the answering address changed than chance has it.

    `counts` are the answers of each address. For two of them it is the statistic of the runs test.
    """
    total = sum(counts)
    if total < 2:
        return 0.0
    same = sum(count * count for count in counts) / (total * total)
    expected = (total - 1) * (1 - same)
    variance = max((total - 1) * same * (1 - same), 0.25)
    return (changes - expected) / math.sqrt(variance)
