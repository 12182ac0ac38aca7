"""Routers that several targets share, and that limit their answers: asked by one at a time.

By default a Linux router answers each host once a second (icmp(7), icmp_ratelimit). Twenty targets
behind it, each probed once a second, would see it lose 95 % of its answers. So once a router leaves
that many probes unanswered whose targets answer, the targets that share it take turns: in each
round it is asked by one of them.
"""

from collections import Counter, deque

_LATEST = 32
"""Outcomes of a router that count."""
_LEAST = 16
"""Outcomes below which nothing is concluded."""
_LIMITED = 0.5
"""Share of them without an answer from which on a router counts as one that limits them."""


class SharedHops:
    """Which routers the targets of one IP version share."""

    def __init__(self) -> None:
        """Begin without a target."""
        self._members = 0
        self._router_of: dict[int, dict[int, str]] = {}
        """By TTL and member: who answered last; empty: nobody yet."""
        self._outcomes: dict[str, deque[bool]] = {}
        """By router: whether the latest probes to it were answered."""
        self._limited: set[str] = set()
        self._turns: dict[int, dict[int, tuple[int, int]]] = {}
        """By TTL and member: its place in the turns, and how many take turns."""

    def join(self) -> int:
        """Return the number of one more target."""
        self._members += 1
        return self._members

    def leave(self, member: int) -> None:
        """Forget a target."""
        for members in self._router_of.values():
            members.pop(member, None)
        self._turns.clear()

    def on_answer(self, member: int, ttl: int, router: str) -> None:
        """Learn that a router answered."""
        members = self._router_of.get(ttl)
        if members is None:
            members = self._router_of[ttl] = {}
        if members.get(member) != router:
            members[member] = router
            self._turns.pop(ttl, None)
        self._count(router, is_answered=True)

    def on_lost(self, member: int, ttl: int) -> None:
        """Learn that a probe was not answered, although its target answers."""
        members = self._router_of.setdefault(ttl, {})
        if member not in members:
            members[member] = ""
            self._turns.pop(ttl, None)
        self._count(self._router(ttl, member), is_answered=False)

    def may_ask(self, member: int, ttl: int, number: int) -> bool:
        """Return whether this member's probe is to leave in round `number`, from 1 on."""
        if not self._limited or number <= 1:
            return True
        turns = self._turns.get(ttl)
        if turns is None:
            turns = self._turns[ttl] = self._find_turns(ttl)
        place, count = turns.get(member, (0, 1))
        return number % count == place

    def _count(self, router: str, *, is_answered: bool) -> None:
        if not router or router in self._limited:
            return
        latest = self._outcomes.get(router)
        if latest is None:
            latest = self._outcomes[router] = deque(maxlen=_LATEST)
        latest.append(is_answered)
        if is_answered:
            return
        if len(latest) >= _LEAST and latest.count(False) >= _LIMITED * len(latest):
            self._limited.add(router)
            self._turns.clear()

    def _router(self, ttl: int, member: int) -> str:
        """Return who answers this member; if nobody did, who answers most of the others."""
        known = self._router_of[ttl].get(member, "")
        if known:
            return known
        most = Counter(router for router in self._router_of[ttl].values() if router).most_common(1)
        return most[0][0] if most else ""

    def _find_turns(self, ttl: int) -> dict[int, tuple[int, int]]:
        sharing: dict[str, list[int]] = {}
        for member in sorted(self._router_of.get(ttl, {})):
            router = self._router(ttl, member)
            if router in self._limited:
                sharing.setdefault(router, []).append(member)
        return {
            member: (place, len(members))
            for members in sharing.values()
            for place, member in enumerate(members)
        }
