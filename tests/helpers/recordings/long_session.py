"""A day's session."""

import random
from collections.abc import Iterator

from tui_trace.core.events import (
    Event,
    PaceSet,
    PathEnd,
    ProbeLost,
    ProbeSent,
    Reply,
    ReplyKind,
    RoundBegan,
    RunOpened,
    SessionBegan,
    Stamp,
)
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings

HOPS = 30
LOST_AFTER = 2 * NS_PER_S
KERNEL = Stamp.KERNEL


def day(rounds: int, hops: int = HOPS, seed: int = 1) -> Iterator[list[Event]]:
    """A session's events, a round at a time: jitter in every time, 2 % loss, as an engine tells."""
    rng = random.Random(seed)
    probe = 0
    yield [
        SessionBegan(
            at=0, wall=0, target="t", address="192.0.2.1", family=4, source="192.0.2.2", version="0"
        ),
        PaceSet(at=0, pace=Pace()),
        RunOpened(at=0, run=1, settings=ProbeSettings()),
        PathEnd(at=0, run=1, ttl=hops, reached=True),
    ]
    for number in range(1, rounds + 1):
        at = number * NS_PER_S
        events: list[Event] = [RoundBegan(at=at, run=1, round=number)]
        for ttl in range(1, hops + 1):
            probe += 1
            left = at + ttl * NS_PER_S // hops + rng.randrange(100_000)
            events.append(ProbeSent(at=left, run=1, probe=probe, ttl=ttl))
            if rng.random() < 0.02:
                events.append(ProbeLost(at=left + LOST_AFTER, run=1, probe=probe, ttl=ttl))
                continue
            rtt = int(ttl * 1e6 + rng.lognormvariate(13, 1))
            events.append(
                Reply(
                    at=left + rtt + rng.randrange(20_000, 200_000),
                    run=1,
                    probe=probe,
                    ttl=ttl,
                    address=f"192.0.2.{ttl}",
                    kind=ReplyKind.TIME_EXCEEDED,
                    rtt=rtt,
                    sent_stamp=KERNEL,
                    received_stamp=KERNEL,
                    icmp_type=11,
                    code=0,
                    reply_ttl=64 - ttl,
                    quoted_tos=0,
                    quoted_ttl=1,
                )
            )
        events.sort(key=lambda event: event.at)
        yield events
