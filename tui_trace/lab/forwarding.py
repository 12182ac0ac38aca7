"""The routers as they are at a moment: state, and the events that change them."""

import ipaddress
from collections.abc import Sequence
from random import Random
from typing import NamedTuple, TypeAlias

from tui_trace.lab.scenario import LabHop, Scenario
from tui_trace.lab.scenario_file import changed

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Router:
    """A hop with its state: what it may still send."""

    __slots__ = (
        "_allowance",
        "_refilled",
        "answer_delay",
        "back_delay",
        "delay",
        "hop",
        "rewrites",
        "v4",
        "v6",
    )

    def __init__(self, hop: LabHop) -> None:
        """As the scenario's first moment has it."""
        self.v4 = None if hop.v4 is None else ipaddress.ip_address(hop.v4).packed
        self.v6 = None if hop.v6 is None else ipaddress.ip_address(hop.v6).packed
        self._allowance = float(hop.burst)
        self._refilled = 0
        self.become(hop)

    def become(self, hop: LabHop) -> None:
        """Be as `hop` says from now on."""
        self.hop = hop
        self.delay = round(hop.delay * NS_PER_MS)
        self.back_delay = round(hop.back_delay * NS_PER_MS)
        self.answer_delay = round(hop.answer_delay * NS_PER_MS)
        self.rewrites = (
            hop.tos is not None or hop.clear_ecn or hop.mss is not None or hop.dnat is not None
        )

    def crossing(self, elapsed: int, rng: Random) -> int:
        """Nanoseconds that the link to this hop adds to a round trip, so long after the start."""
        delay = self.delay
        if self.hop.jitter:
            delay += int(rng.expovariate(1.0 / (self.hop.jitter * NS_PER_MS)))
        queue = self.hop.queue
        if queue is not None:
            phase = elapsed / (queue.period * NS_PER_S) % 1.0
            delay += int((1.0 - abs(2.0 * phase - 1.0)) * queue.peak * NS_PER_MS)
        return delay

    def may_send(self, now: int) -> bool:
        """Whether the rate limit lets one more ICMP error out at `now`; counts it if so."""
        rate = self.hop.rate
        if rate is None:
            return True
        earned = (now - self._refilled) * rate / NS_PER_S
        self._refilled = now
        self._allowance = min(float(self.hop.burst), self._allowance + earned)
        if self._allowance < 1.0:
            return False
        self._allowance -= 1.0
        return True


class Fork(NamedTuple):
    """Parallel stretches."""

    branches: Sequence[tuple[Router, ...]]
    per_packet: bool
    salt: int


Part: TypeAlias = Router | Fork


class ForwardingTimeline:
    """All routers of a scenario, and the way to the target as it is now."""

    def __init__(self, scenario: Scenario) -> None:
        """At its first moment, which is the first packet's."""
        self._scenario = scenario
        self._events = sorted(scenario.events, key=lambda event: event.at)
        self._began: int | None = None
        self._cycle = 0
        self._done = 0
        self._routers = {hop.name: Router(hop) for hop in scenario.all_hops()}
        self._hops = {hop.name: hop for hop in scenario.all_hops()}
        self.by_address: dict[bytes, Router] = {}
        """Who has an address."""
        for router in self._routers.values():
            for address in (router.v4, router.v6):
                if address is not None:
                    self.by_address[address] = router
        self.parts = self._laid(None)
        """From the first hop to the target."""

    def advance(self, now: int) -> int:
        """Let everything happen that is due at `now` (ns); nanoseconds since the first packet."""
        if self._began is None:
            self._began = now
        elapsed = now - self._began
        if self._events:
            self._play(elapsed)
        return elapsed

    def _play(self, elapsed: int) -> None:
        if self._scenario.repeat is not None:
            cycle, elapsed = divmod(elapsed, round(self._scenario.repeat * NS_PER_S))
            if cycle != self._cycle:
                self._cycle = cycle
                self._restart()
        while self._done < len(self._events):
            event = self._events[self._done]
            if event.at * NS_PER_S > elapsed:
                return
            self._done += 1
            if event.hop is not None:
                router = self._routers[event.hop]
                router.become(changed(router.hop, event.set))
            else:
                self.parts = self._laid(event.detour or None)

    def _restart(self) -> None:
        self._done = 0
        for name, router in self._routers.items():
            router.become(self._hops[name])
        self.parts = self._laid(None)

    def _laid(self, detour_name: str | None) -> list[Part]:
        """The way with this detour in force."""
        starts: dict[str, tuple[int, list[Part]]] = {}
        for number, diamond in enumerate(self._scenario.diamonds):
            branches = [tuple(self._routers[name] for name in diamond.beside)]
            branches += [
                tuple(self._routers[hop.name] for hop in branch.hops) for branch in diamond.branches
            ]
            fork = Fork(branches, diamond.balance == "packet", number)
            starts[diamond.beside[0]] = (len(diamond.beside), [fork])
        for detour in self._scenario.detours:
            if detour.name == detour_name:
                instead: list[Part] = [self._routers[hop.name] for hop in detour.hops]
                starts[detour.instead_of[0]] = (len(detour.instead_of), instead)
        parts: list[Part] = []
        skip = 0
        for hop in self._scenario.hops:
            if skip == 0 and hop.name in starts:
                skip, stretch = starts[hop.name]
                parts += stretch
            if skip:
                skip -= 1
            else:
                parts.append(self._routers[hop.name])
        return parts
