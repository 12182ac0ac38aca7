"""A process that is stopped and goes on: a gap, and neither an outage nor a wrong RTT."""

import itertools

import pytest

from tests.helpers.simulated_engine import ICMP, TCP, Tape, events_of, trace
from tests.helpers.simulated_network import WALL_BASE, SimNet
from tui_trace.core.events import (
    ClockStepped,
    ProbeLost,
    ProbeSent,
    ProbeVoid,
    Reply,
    RoundBegan,
    Stamp,
)
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, ProbeSettings
from tui_trace.engine.engine import UNTIMED
from tui_trace.session.fold import Session

STOPPED = 20 * NS_PER_S


class StoppableNet(SimNet):
    """A network of a process that is stopped once, behind a reading of the sockets or before."""

    stops_at = 10_450_000_000
    is_before_reading = False

    def receive(self, timeout: int, *, wake_on_reply: bool = True):
        due = self.stops_at and self.now + timeout >= self.stops_at
        if due and self.is_before_reading:
            # the kernel goes on: what comes is stamped, and waits
            self.stops_at, self.now = 0, self.now + STOPPED
        found = super().receive(timeout, wake_on_reply=wake_on_reply)
        if due and self.stops_at:
            self.stops_at, self.now = 0, self.now + STOPPED
        return found


def stopped(net: SimNet, settings: ProbeSettings = ICMP, **more: object) -> Tape:
    return trace(net, settings, seconds=40, **more)


@pytest.mark.parametrize("is_before_reading", [True, False])
@pytest.mark.parametrize("slow", [1, 60])
def test_probes_under_way_are_answered_and_not_lost(is_before_reading: bool, slow: int) -> None:
    net = StoppableNet(delay=lambda probe, _: slow * min(probe.ttl, 5) * NS_PER_MS)
    net.is_before_reading = is_before_reading
    tape = stopped(net)
    assert events_of(tape, ProbeLost) == []
    assert max(reply.rtt for reply in events_of(tape, Reply)) == slow * 5 * NS_PER_MS
    assert not any(reply.late for reply in events_of(tape, Reply))


@pytest.mark.parametrize("is_before_reading", [True, False])
def test_a_gap_is_told_and_made_up_for_by_no_burst(is_before_reading: bool) -> None:
    net = StoppableNet()
    net.is_before_reading = is_before_reading
    tape = stopped(net)
    (told,) = events_of(tape, ClockStepped)
    assert STOPPED <= told.stopped <= STOPPED + NS_PER_S
    assert (told.step, told.asleep) == (0, 0)
    rounds = [event.at for event in events_of(tape, RoundBegan)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(rounds)]
    assert sum(gap > STOPPED for gap in gaps) == 1
    assert min(gaps) > NS_PER_S * 9 // 10
    sent = [event.at for event in events_of(tape, ProbeSent)][10:]
    assert min(b - a for a, b in itertools.pairwise(sent)) > 100 * NS_PER_MS


def test_it_is_no_outage() -> None:
    session = Session()
    for event in stopped(StoppableNet()).events:
        session.apply(event)
    snapshot = session.snapshot()
    assert [hop.lost for hop in snapshot.run.hops] == [0] * 5
    assert not any(finding.harm for finding in snapshot.findings)
    assert snapshot.episodes == ()
    assert "this program did not run for 0:20" in [m.text for m in snapshot.timeline.moments]


def test_a_reply_whose_time_the_kernel_does_not_tell_is_no_rtt() -> None:
    net = StoppableNet(kernel_stamps=False, delay=lambda *_: 300 * NS_PER_MS)
    net.is_before_reading = True
    real = net._arrived

    def read_late():
        """What waits in user space is stamped when it is read."""
        for answer in real():
            reply = answer.reply._replace(wall=net.now + WALL_BASE, stamp=Stamp.USER)
            yield answer._replace(reply=reply)

    net._arrived = read_late
    tape = stopped(net, TCP)
    assert max(reply.rtt for reply in events_of(tape, Reply)) < NS_PER_S
    assert UNTIMED in {void.reason for void in events_of(tape, ProbeVoid)}
    assert events_of(tape, ProbeLost) == []


def test_a_probe_that_nobody_answers_is_lost_all_the_same() -> None:
    net = StoppableNet(delay=lambda probe, _: None if probe.ttl == 3 else NS_PER_MS)
    tape = stopped(net)
    assert {event.ttl for event in events_of(tape, ProbeLost)} == {3}
