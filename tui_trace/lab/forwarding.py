"""The state of the routers at a moment, and the events that change it."""

import ipaddress
from collections.abc import Sequence
from random import Random
from typing import NamedTuple, TypeAlias

from tui_trace.lab.scenario import Branch, LabHop, Scenario
from tui_trace.lab.scenario_file import with_changes

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
_NESTED = 1000
"""Salts of load balancers behind one: nested ones with one salt would all choose alike."""


class Router:
    """A hop of the scenario with its current settings and its rate limit."""

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
        """Begin as `hop` says."""
        self.v4 = None if hop.v4 is None else ipaddress.ip_address(hop.v4).packed
        self.v6 = None if hop.v6 is None else ipaddress.ip_address(hop.v6).packed
        self._allowance = float(hop.burst)
        self._refilled = 0
        self.configure(hop)

    def configure(self, hop: LabHop) -> None:
        """Behave as `hop` says from now on."""
        self.hop = hop
        self.delay = round(hop.delay * NS_PER_MS)
        self.back_delay = round(hop.back_delay * NS_PER_MS)
        self.answer_delay = round(hop.answer_delay * NS_PER_MS)
        self.rewrites = (
            hop.tos is not None or hop.clear_ecn or hop.mss is not None or hop.dnat is not None
        )

    def link_delay(self, elapsed: int, rng: Random) -> int:
        """Return the nanoseconds that the link to this hop adds to a round trip.

        `elapsed` are the nanoseconds since the first packet.
        """
        delay = self.delay
        if self.hop.jitter:
            delay += int(rng.expovariate(1.0 / (self.hop.jitter * NS_PER_MS)))
        queue = self.hop.queue
        if queue is not None:
            phase = elapsed / (queue.period * NS_PER_S) % 1.0
            delay += int((1.0 - abs(2.0 * phase - 1.0)) * queue.peak * NS_PER_MS)
        return delay

    def may_send(self, now: int) -> bool:
        """Return whether the rate limit allows one more ICMP error at `now` (ns), and count it."""
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
    """Parallel branches of a load balancer."""

    branches: Sequence[Sequence["PathPart"]]
    per_packet: bool
    salt: int


PathPart: TypeAlias = Router | Fork


class ForwardingTimeline:
    """All routers of a scenario, and the current path to the target."""

    def __init__(self, scenario: Scenario) -> None:
        """Begin with the scenario's first moment, which is the time of the first packet."""
        self._scenario = scenario
        self._events = sorted(scenario.events, key=lambda event: event.at)
        self._began: int | None = None
        self._cycle = 0
        self._done = 0
        self._routers = {hop.name: Router(hop) for hop in scenario.all_hops()}
        self._hops = {hop.name: hop for hop in scenario.all_hops()}
        self.by_address: dict[bytes, Router] = {}
        """The router of each address."""
        for router in self._routers.values():
            for address in (router.v4, router.v6):
                if address is not None:
                    self.by_address[address] = router
        self.path = self._build_path(None)
        """From the first hop to the target."""

    def advance(self, now: int) -> int:
        """Run all events that are due at `now` (ns); return the ns since the first packet."""
        if self._began is None:
            self._began = now
        elapsed = now - self._began
        if self._events:
            self._run_events(elapsed)
        return elapsed

    def _run_events(self, elapsed: int) -> None:
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
                router.configure(with_changes(router.hop, event.set))
            else:
                self.path = self._build_path(event.detour or None)

    def _restart(self) -> None:
        self._done = 0
        for name, router in self._routers.items():
            router.configure(self._hops[name])
        self.path = self._build_path(None)

    def _along(self, branch: Branch, salt: int) -> list[PathPart]:
        """Return the routers of a branch, and how it parts behind them; `salt` is its own."""
        parts: list[PathPart] = [self._routers[hop.name] for hop in branch.hops]
        if branch.branches:
            behind = [
                self._along(one, _NESTED * (salt + 1) + place)
                for place, one in enumerate(branch.branches)
            ]
            parts.append(Fork(behind, False, salt))
        return parts

    def _build_path(self, detour_name: str | None) -> list[PathPart]:
        """Return the path with this detour in force; None: with no detour."""
        starts: dict[str, tuple[int, list[PathPart]]] = {}
        for number, diamond in enumerate(self._scenario.diamonds):
            branches: list[Sequence[PathPart]] = [[self._routers[name] for name in diamond.beside]]
            branches += [
                self._along(branch, _NESTED * (number + 1) + place)
                for place, branch in enumerate(diamond.branches)
            ]
            fork = Fork(branches, diamond.balance == "packet", number)
            starts[diamond.beside[0]] = (len(diamond.beside), [fork])
        for detour in self._scenario.detours:
            if detour.name == detour_name:
                instead: list[PathPart] = [self._routers[hop.name] for hop in detour.hops]
                starts[detour.instead_of[0]] = (len(detour.instead_of), instead)
        parts: list[PathPart] = []
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
