"""Sessions in which ways are found and watched, dealt by chance: the truth is known, no packets."""

import random
from collections.abc import Callable, Iterator

from tests.helpers.event_builders import began, opened
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, ProbeSettings, Protocol
from tui_trace.session.fold import Session

UDP = ProbeSettings(protocol=Protocol.UDP, port=33434)
TARGET = "203.0.113.9"
END = 4
"""TTL of the target: behind one router, one of several, and one more."""
Lost = Callable[[int, int, random.Random], bool]
"""Whether a probe of a flow is lost in a round."""


def way(flow: int, ways: int) -> str:
    """The router that a flow passes at hop 2."""
    return f"198.51.100.{flow % ways + 1}"


def address(flow: int, ttl: int, ways: int) -> str:
    """Who answers a flow at a TTL."""
    return {1: "192.0.2.1", 2: way(flow, ways), 3: "192.0.2.3", END: TARGET}[ttl]


def reply(
    run: int, probe: int, flow: int, ttl: int, address: str, at: int, *, is_end: bool
) -> ev.Reply:
    """An answer after a millisecond."""
    kind = ev.ReplyKind.UNREACHABLE if is_end else ev.ReplyKind.TIME_EXCEEDED
    return ev.Reply(
        at=at + NS_PER_MS,
        run=run,
        probe=probe,
        ttl=ttl,
        address=address,
        kind=kind,
        rtt=NS_PER_MS,
        sent_stamp=ev.Stamp.KERNEL,
        received_stamp=ev.Stamp.KERNEL,
        flow=flow,
        reached=is_end,
        icmp_type=3 if is_end else 11,
        code=3 if is_end else 0,
    )


def searched(ways: int) -> Iterator[ev.Event]:
    """The events of a session up to the end of a search that found so many ways."""
    yield began()
    yield opened(1, probe=UDP)
    yield opened(2, probe=UDP, beside=True)
    yield ev.WaysSought(at=1, run=2, confidence=0.95, budget=3000)
    for flow in range(3 * ways):
        yield ev.FlowOpened(at=1, run=2, flow=flow, source_port=40_000 + flow)
        for ttl in range(1, END + 1):
            probe = 10_000 + flow * 10 + ttl
            yield ev.ProbeSent(at=2, run=2, probe=probe, ttl=ttl, flow=flow)
            who = address(flow, ttl, ways)
            yield reply(2, probe, flow, ttl, who, 2, is_end=ttl == END)
    yield ev.WaysEnded(at=NS_PER_S, run=2, reason=ev.WaysEnd.COMPLETE)


def watched_events(ways: int, rounds: int, lost: Lost, rng: random.Random) -> Iterator[ev.Event]:
    """The events of a watch of one flow of each way, behind those of `searched`."""
    yield opened(3, at=NS_PER_S, probe=UDP, beside=True)
    flows = range(ways)
    for flow in flows:
        yield ev.FlowOpened(at=NS_PER_S, run=3, flow=flow, source_port=40_000 + flow)
    probe = 100_000
    for number in range(1, rounds + 1):
        at = (number + 1) * NS_PER_S
        told: list[ev.Event] = []
        for flow in rng.sample(flows, len(flows)):
            probe += 1
            yield ev.ProbeSent(at=at, run=3, probe=probe, ttl=END, flow=flow)
            if lost(number, flow, rng):
                told.append(ev.ProbeLost(at=at + NS_PER_S // 2, run=3, probe=probe, ttl=END))
            else:
                told.append(reply(3, probe, flow, END, TARGET, at, is_end=True))
        yield from sorted(told, key=lambda one: one.at)
        yield ev.RoundBegan(at=at + NS_PER_S * 3 // 4, run=1, round=number)


def watched(
    session: Session, ways: int, rounds: int, lost: Lost, rng: random.Random
) -> Iterator[int]:
    """Find ways, watch one flow of each, and give each round when it is over."""
    for event in searched(ways):
        session.apply(event)
    for event in watched_events(ways, rounds, lost, rng):
        session.apply(event)
        if isinstance(event, ev.RoundBegan):
            yield event.round
