"""Events in any order, with any numbers: what is said of them never raises, and stays bounded."""

import random

import msgspec
import pytest

from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings, Protocol
from tui_trace.session.checkpoint import SessionCheckpoint
from tui_trace.session.finding_text import describe_episode, describe_finding
from tui_trace.session.fold import Session

EVENTS = 250_000
ADDRESSES = [*(f"10.0.{n}.1" for n in range(6)), "203.0.113.80", "\x1b[31mevil", "", "[bold]"]
SETTINGS = [
    ProbeSettings(),
    ProbeSettings(protocol=Protocol.TCP, port=443, size=60),
    ProbeSettings(protocol=Protocol.UDP, port=33434, size=1500, df=True),
    ProbeSettings(flows=8),
]


def any_event(rng: random.Random, at: int) -> ev.Event:
    run, ttl = rng.randint(1, 5), rng.choice((0, 1, 2, 3, 4, 5, 6, 30, 255))
    probe = rng.choice((rng.randrange(200), rng.randrange(1 << 62)))
    choice = rng.random()
    if choice < 0.4:
        return ev.ProbeSent(at=at, run=run, probe=probe, ttl=ttl, flow=rng.randrange(9))
    if choice < 0.7:
        return ev.Reply(
            at=at, run=run, probe=probe, ttl=ttl, address=rng.choice(ADDRESSES),
            kind=rng.choice(list(ev.ReplyKind)),
            rtt=rng.choice((0, -5, 1_000_000, rng.randrange(1 << 40), (1 << 63) - 1)),
            sent_stamp=ev.Stamp.KERNEL, received_stamp=rng.choice(list(ev.Stamp)),
            flow=rng.randrange(9), reached=rng.random() < 0.3, late=rng.random() < 0.1,
            duplicate=rng.random() < 0.1, repeat=rng.random() < 0.05,
            past_target=rng.random() < 0.05, icmp_type=rng.choice((None, 3, 11)),
            code=rng.choice((None, 0, 4, 13)), reply_ttl=rng.choice((None, 0, 1, 60, 255)),
            mtu=rng.choice((None, 0, 1400)), quoted_ttl=rng.choice((None, 1)),
        )  # fmt: skip
    if choice < 0.85:
        reason = rng.choice(("", "", "nobody answers ARP for \x1b[2J"))
        return ev.ProbeLost(at=at, run=run, probe=probe, ttl=ttl, reason=reason)
    if choice < 0.88:
        return ev.ProbeVoid(at=at, run=run, probe=probe, ttl=ttl, reason="")
    if choice < 0.93:
        return ev.RoundBegan(at=at, run=run, round=rng.choice((0, 1, 7, rng.randrange(1 << 40))))
    if choice < 0.95:
        return ev.PathEnd(at=at, run=run, ttl=ttl, reached=rng.random() < 0.5)
    if choice < 0.96:
        turns = rng.choice(((), (1,), (1, 2, 9), 2))
        return ev.RunOpened(at=at, run=run, settings=rng.choice(SETTINGS), turns_with=turns)
    if choice < 0.97:
        return ev.SendFailed(at=at, run=run, ttl=ttl, errno=101, reason="unreachable \x1b[2J")
    if choice < 0.98:
        return ev.PaceSet(
            at=at, pace=Pace(max_ttl=rng.choice((1, 30, 255)), interval=rng.choice((1, NS_PER_S)))
        )
    if choice < 0.99:
        return ev.MtuFound(at=at, ttl=ttl, mtu=1400, source=ev.MtuSource.REPORTED, address="x")
    return ev.SourceChanged(at=at, source="192.0.2.1")


@pytest.mark.slow
@pytest.mark.parametrize("forward", [True, False], ids=["in order", "any time"])
def test_events_in_any_order(forward: bool) -> None:
    rng = random.Random(forward)
    session, at = Session(), 0
    for number in range(EVENTS // 2):
        at = at + rng.randrange(NS_PER_S // 10) if forward else rng.randrange(-(1 << 40), 1 << 62)
        session.apply(any_event(rng, at))
        if number % 500 == 0:
            for finding in session.findings():
                words = describe_finding(finding, str)
                assert "\x1b" not in words + finding.short + finding.address
            for episode in session.snapshot().episodes:
                assert "\x1b" not in describe_episode(episode, str)
    assert session.looks > 100
    assert len(session.snapshot().episodes) <= 600


def test_what_is_left_of_them_can_be_written_down_and_taken_up_again() -> None:
    rng = random.Random(9)
    session, at = Session(), 0
    for number in range(6000):
        at += rng.randrange(NS_PER_S)
        event = any_event(rng, at)
        if isinstance(event, ev.Reply) and event.rtt > NS_PER_S:
            # sums of such RTTs outgrow what is written down
            continue
        session.apply(event)
        if number % 1000 == 999:
            state = msgspec.msgpack.encode(session.checkpoint())
            again = Session.from_checkpoint(msgspec.msgpack.decode(state, type=SessionCheckpoint))
            assert again.snapshot() == session.snapshot()
