"""A simulated network whose outages are known, and the log that `--watch` writes of it."""

import datetime
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.helpers.simulated_network import WALL_BASE, SimNet
from tui_trace.alerts.watch_log import WatchLog
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Pace, ProbeSettings
from tui_trace.engine.engine import Engine
from tui_trace.wire.network import OutgoingProbe

BEGAN = 5_000_000_000
"""What the simulated clock shows at the beginning."""


class Outage(NamedTuple):
    """A link that is cut for a while; in seconds since the beginning."""

    begin: float
    end: float
    ttl: int
    """The first hop behind it."""


class Told(NamedTuple):
    """A line of the log."""

    written: float
    """When it was written, in seconds since the beginning."""
    at: float
    """The time that it says, in seconds since the beginning."""
    target: str
    word: str
    """`DOWN`, or `OVER DOWN`."""
    text: str


def cut_by(outages: Sequence[Outage]) -> Callable[[SimNet, OutgoingProbe], bool]:
    """Return what says whether a probe that leaves now is lost in one of these outages."""
    order = sorted(outages)
    place = 0

    def is_lost(net: SimNet, probe: OutgoingProbe) -> bool:
        nonlocal place
        now = (net.now - BEGAN) / NS_PER_S
        while place < len(order) and order[place].end <= now:
            place += 1
        return place < len(order) and now >= order[place].begin and probe.ttl >= order[place].ttl

    return is_lost


def watch_network(net: SimNet, seconds: float, *, interval: float = 1.0) -> list[Told]:
    """Watch a simulated network for so long; return the log."""
    told: list[Told] = []

    def write(line: str) -> None:
        told.append(_read(line, (net.now - BEGAN) / NS_PER_S))

    engine = Engine(
        net,
        target="target.example",
        settings=ProbeSettings(),
        pace=Pace(interval=round(interval * NS_PER_S)),
        version="0",
        waits_for_route=True,
    )
    net.at.append((net.now + round(seconds * NS_PER_S), engine.stop))
    engine.run(WatchLog(write))
    return told


def network_with(outages: Sequence[Outage], length: int, **fields: object) -> SimNet:
    """Return a network of so many hops, 1 ms each, in which these outages come."""
    is_lost = cut_by(outages)

    def delay(probe: OutgoingProbe, _number: int) -> int | None:
        return None if is_lost(net, probe) else min(probe.ttl, length) * NS_PER_MS

    net = SimNet(length=length, delay=delay, **fields)  # type: ignore[arg-type]
    assert net.now == BEGAN
    return net


def _read(line: str, written: float) -> Told:
    when, target, rest = line.split(" ", 2)
    found = re.match(r"((?:OVER |TAKEN-BACK )?[A-Z-]+) ?(.*)", rest)
    assert found is not None, line
    wall = datetime.datetime.fromisoformat(when).timestamp()
    return Told(written, wall - (WALL_BASE + BEGAN) / NS_PER_S, target, found[1], found[2])
