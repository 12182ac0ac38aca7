"""The engine against a simulated network with a clock of its own."""

import itertools
from collections import Counter
from math import ceil

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.simulated_engine import ICMP, TCP, UDP, events_of, trace
from tests.helpers.simulated_network import (
    GATEWAY,
    SOURCE,
    TARGET,
    SimNet,
    answer_of,
    make_answer,
    router,
)
from tui_trace.core import events
from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import (
    NS_PER_MS,
    NS_PER_S,
    FlowMode,
    Pace,
    ProbeSettings,
    Protocol,
    TcpFlags,
)
from tui_trace.core.stream import Inject, Reset, SetPace, SourceError, Switch
from tui_trace.engine.source_ports import MAX_PORTS, RST_OVERTAKEN
from tui_trace.wire.network import Egress, OutgoingProbe, ReceivedReply, SendError

BEGAN = SimNet().now


def sent_from(net: SimNet, when: int) -> list[tuple[int, OutgoingProbe]]:
    """The probes that left so many ns after the start, or later."""
    return [each for each in net.sent if each[0] >= BEGAN + when]


def test_the_stream_begins_with_the_session_and_ends_with_its_end() -> None:
    tape = trace(SimNet())
    assert isinstance(tape.events[0], events.SessionBegan)
    assert tape.events[0].source == SOURCE
    assert [type(event) for event in tape.events[1:3]] == [events.PaceSet, events.RunOpened]
    assert isinstance(tape.events[-1], events.SessionEnded)


@pytest.mark.parametrize("settings", [ICMP, UDP, TCP], ids=lambda s: s.protocol.value)
def test_the_first_sweep_follows_the_answers_and_ends_at_the_target(
    settings: ProbeSettings,
) -> None:
    net = SimNet(length=5)
    tape = trace(net, settings)
    assert [probe.ttl for _, probe in net.sent] == [1, 2, 3, 30, 4, 5, 6, 7]
    # the simulated clock moves by a nanosecond a look, not by a wait
    assert net.sent[3][0] - net.sent[0][0] < NS_PER_MS
    assert net.sent[-1][0] - net.sent[0][0] < 6 * NS_PER_MS
    hops = {r.ttl: r.address for r in events_of(tape, events.Reply) if not r.past_target}
    assert hops == {**{ttl: router(ttl) for ttl in range(1, 5)}, 5: TARGET}
    assert events_of(tape, events.PathEnd)[-1] == msgspec.structs.replace(
        events_of(tape, events.PathEnd)[-1], ttl=5, reached=True
    )
    assert not events_of(tape, events.ProbeLost)


def test_later_rounds_are_spread_over_the_interval_and_stop_at_the_target() -> None:
    net = SimNet(length=5)
    trace(net, rounds=4)
    later = sent_from(net, NS_PER_S)
    assert [probe.ttl for _, probe in later] == [1, 2, 3, 4, 5] * 3
    gaps = [b[0] - a[0] for a, b in itertools.pairwise(later)]
    assert all(abs(gap - NS_PER_S / 5) < 0.01 * NS_PER_S for gap in gaps)


def test_a_target_that_never_answers_is_probed_five_hops_past_the_last_that_did() -> None:
    net = SimNet(length=99, delay=lambda probe, _n: NS_PER_MS if probe.ttl <= 7 else None)
    tape = trace(net, rounds=3)
    later = [probe.ttl for _, probe in sent_from(net, NS_PER_S)]
    expected = sorted([*range(1, 13), *range(1, 13), 30])
    assert sorted(later) == expected, "and from the third round on one looks for the target"
    assert events_of(tape, events.PathEnd)[-1].ttl == 12
    assert not events_of(tape, events.PathEnd)[-1].reached


def test_queries_send_so_many_probes_a_hop() -> None:
    net = SimNet(length=3)
    trace(net, queries=3, rounds=2)
    later = [probe.ttl for _, probe in sent_from(net, NS_PER_S)]
    assert later == [1, 2, 3] * 3, "no hop gets several in a row"


@given(
    st.lists(st.one_of(st.none(), st.integers(1, 8_000)), min_size=30, max_size=30),
    st.sampled_from([ICMP, UDP, TCP]),
    st.integers(1, 9),
)
def test_every_probe_is_decided_once(
    delays: list[int | None], settings: ProbeSettings, length: int
) -> None:
    def delay(_probe: OutgoingProbe, n: int) -> int | None:
        ms = delays[n % len(delays)]
        return None if ms is None else ms * NS_PER_MS

    tape = trace(SimNet(length=length, delay=delay), settings, rounds=4)
    sent = {event.probe for event in events_of(tape, events.ProbeSent)}
    lost = {event.probe for event in events_of(tape, events.ProbeLost)}
    void = {event.probe for event in events_of(tape, events.ProbeVoid)}
    in_time = {
        r.probe
        for r in events_of(tape, events.Reply)
        if not r.late and not r.duplicate and not r.repeat
    }
    late = {r.probe for r in events_of(tape, events.Reply) if r.late}
    assert in_time | lost | void == sent
    assert not in_time & lost
    assert not lost & void
    assert late <= lost
    for reply in events_of(tape, events.Reply):
        assert reply.rtt in {ms * NS_PER_MS for ms in delays if ms is not None}


def test_an_rtt_longer_than_the_interval_is_no_loss() -> None:
    net = SimNet(length=4, delay=lambda _p, _n: 950 * NS_PER_MS)
    tape = trace(net, interval=100 * NS_PER_MS, seconds=10)
    assert not events_of(tape, events.ProbeLost)
    assert {r.rtt for r in events_of(tape, events.Reply)} == {950 * NS_PER_MS}


def test_the_round_in_which_the_first_answer_comes_goes_as_far_as_the_others() -> None:
    net = SimNet(length=12, delay=lambda _p, _n: 130 * NS_PER_MS)
    tape = trace(net, interval=100 * NS_PER_MS, rounds=5)
    counted = Counter(event.ttl for event in events_of(tape, events.ProbeSent) if event.ttl <= 12)
    assert counted == dict.fromkeys(range(1, 13), 5)


def test_a_wait_that_was_given_is_honoured_in_full_and_what_comes_later_is_late() -> None:
    net = SimNet(length=1, delay=lambda _p, _n: 700 * NS_PER_MS)
    tape = trace(net, wait=500 * NS_PER_MS, seconds=2, max_ttl=1)
    sent = {event.probe: event.at for event in events_of(tape, events.ProbeSent)}
    lost = events_of(tape, events.ProbeLost)
    assert lost
    assert all(500 <= (event.at - sent[event.probe]) / NS_PER_MS <= 520 for event in lost)
    late = events_of(tape, events.Reply)
    assert late
    assert all(reply.late and reply.rtt == 700 * NS_PER_MS for reply in late)


def test_a_silent_hop_is_given_up_soon_once_farther_ones_have_answered() -> None:
    net = SimNet(length=5, delay=lambda p, _n: None if p.ttl == 3 else 20 * NS_PER_MS)
    tape = trace(net)
    (lost,) = events_of(tape, events.ProbeLost)
    assert 200 <= lost.at / NS_PER_MS <= 225


def test_without_any_answer_the_wait_is_five_seconds() -> None:
    tape = trace(SimNet(delay=lambda _p, _n: None), max_ttl=3)
    assert {round(event.at / NS_PER_S) for event in events_of(tape, events.ProbeLost)} == {5}


def test_a_second_answer_is_a_duplicate() -> None:
    net = SimNet(length=2)

    def twice(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        answer = answer_of(net, probe)
        assert answer is not None
        net.inject(net.now + 5 * NS_PER_MS, probe, answer)
        return answer

    net.respond = twice
    tape = trace(net, seconds=1, max_ttl=2)
    assert [r.duplicate for r in events_of(tape, events.Reply) if r.probe == 1] == [False, True]


def test_replies_that_the_wire_knows_no_probe_of_are_counted() -> None:
    net = SimNet()
    net.at.append((net.now + NS_PER_S // 2, lambda: setattr(net, "foreign", 3)))
    assert [event.count for event in events_of(trace(net, seconds=2), events.Foreign)] == [3]


def test_a_switch_with_probes_in_flight_credits_each_to_its_old_run() -> None:
    net = SimNet(length=25, delay=lambda _p, _n: 300 * NS_PER_MS)
    tape = trace(net, seconds=3, commands=[(250 * NS_PER_MS, Switch(TCP))])
    runs = {event.probe: event.run for event in events_of(tape, events.ProbeSent)}
    assert set(runs.values()) == {1, 2}
    old = [r for r in events_of(tape, events.Reply) if r.run == 1 and not r.past_target]
    assert sorted(r.ttl for r in old if not r.reached) == list(range(1, 25))
    assert all(runs[r.probe] == r.run for r in events_of(tape, events.Reply))
    assert not events_of(tape, events.ProbeLost)
    switched = [probe for at, probe in net.sent if probe.settings == TCP]
    assert [probe.ttl for probe in switched[:4]] == [1, 2, 3, 30]


def test_settings_used_before_open_their_run_again_and_reset_does_not() -> None:
    second = NS_PER_S
    tape = trace(
        SimNet(),
        seconds=5,
        commands=[
            (second, Switch(UDP)),
            (2 * second, Switch(ICMP)),
            (3 * second, Switch(ICMP)),
            (4 * second, Reset()),
        ],
    )
    opened = [(event.run, event.reopened) for event in events_of(tape, events.RunOpened)]
    assert opened == [(1, False), (2, False), (1, True), (3, False)]


def test_pause_stops_sending_and_loses_nothing() -> None:
    net = SimNet(delay=lambda _p, _n: 400 * NS_PER_MS)
    tape = trace(
        net,
        seconds=6,
        commands=[
            (int(1.05 * NS_PER_S), SetPace(Pace(paused=True))),
            (4 * NS_PER_S, SetPace(Pace())),
        ],
    )
    times = [(at - 5 * NS_PER_S) / NS_PER_S for at, _ in net.sent]
    assert not [t for t in times if 1.1 < t < 3.99]
    assert [t for t in times if 4 <= t < 4.1]
    assert not events_of(tape, events.ProbeLost)


def test_a_path_that_grows_is_followed_at_once_and_one_that_shrinks_makes_no_loss() -> None:
    net = SimNet(length=5)
    net.at += [
        (net.now + 5 * NS_PER_S, lambda: setattr(net, "length", 8)),
        (net.now + 20 * NS_PER_S, lambda: setattr(net, "length", 4)),
    ]
    tape = trace(net, seconds=40)
    ends = [(event.ttl, event.reached) for event in events_of(tape, events.PathEnd)]
    assert (8, True) in ends
    assert ends[-1] == (4, True)
    grown = next(event for event in events_of(tape, events.PathEnd) if event.ttl == 8)
    assert grown.at < 7 * NS_PER_S
    assert not events_of(tape, events.ProbeLost)


def test_branches_of_unequal_length_end_where_the_target_always_answers() -> None:
    def balanced(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        net.length = 5 + probe.number * 7919 % 13 % 2
        return answer_of(net, probe)

    tape = trace(SimNet(respond=balanced), seconds=30)
    settled = [event for event in events_of(tape, events.PathEnd) if event.at > 3 * NS_PER_S]
    assert all(event.ttl >= 6 for event in settled) or not settled
    assert events_of(tape, events.PathEnd)[-1].ttl == 6


def test_a_router_that_refuses_ends_the_path_unreached() -> None:
    def refusing(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        if probe.ttl < 4:
            return answer_of(net, probe)
        return make_answer(probe, router(3), ReplyKind.UNREACHABLE)

    tape = trace(SimNet(respond=refusing), rounds=2)
    end = events_of(tape, events.PathEnd)[-1]
    assert (end.ttl, end.reached) == (4, False)


def test_failed_sends_are_told_and_do_not_shift_anything() -> None:
    error = SendError(1, "refused by a local firewall rule (EPERM)")
    net = SimNet(fail=lambda probe: error if probe.ttl % 2 else None)
    tape = trace(net, max_ttl=4, rounds=3)
    assert len(events_of(tape, events.SendFailed)) == 6
    sent = {event.probe: event.ttl for event in events_of(tape, events.ProbeSent)}
    assert set(sent.values()) == {2, 4}
    assert {r.probe: r.ttl for r in events_of(tape, events.Reply)} == sent


def test_without_a_source_address_nothing_begins() -> None:
    class Unrouted(SimNet):
        def egress(self, _settings: ProbeSettings) -> Egress:
            raise SendError(101, "no route to the target")

    net = Unrouted()
    with pytest.raises(SourceError, match="no route"):
        trace(net)
    assert net.closed


def test_a_route_that_goes_and_comes_back_is_told_and_probing_goes_on() -> None:
    class Flapping(SimNet):
        gone = False

        def egress(self, settings: ProbeSettings) -> Egress:
            if self.gone:
                raise SendError(101, "no route to the target")
            return super().egress(settings)

    net = Flapping()
    net.at += [
        (net.now + 2 * NS_PER_S, lambda: setattr(net, "gone", True)),
        (net.now + 5 * NS_PER_S, lambda: setattr(net, "gone", False)),
        (net.now + 5 * NS_PER_S, lambda: setattr(net, "source_address", "198.51.100.2")),
    ]
    tape = trace(net, seconds=8)
    failed = events_of(tape, events.SendFailed)
    assert 2 <= len(failed) <= 4
    assert [event.source for event in events_of(tape, events.SourceChanged)] == ["198.51.100.2"]
    assert max(event.at for event in events_of(tape, events.Reply)) > 7 * NS_PER_S
    assert not events_of(tape, events.ProbeLost)


def test_how_probes_leave_is_told_once_for_each_change() -> None:
    class Moving(SimNet):
        gateway = GATEWAY

        def egress(self, settings: ProbeSettings) -> Egress:
            return super().egress(settings)._replace(gateway=self.gateway)

    net = Moving()
    net.at.append((net.now + 3 * NS_PER_S, lambda: setattr(net, "gateway", "198.51.100.253")))
    tape = trace(net, seconds=6)
    told = events_of(tape, events.EgressFound)
    assert [(one.run, one.source, one.interface, one.gateway, one.mtu) for one in told] == [
        (1, SOURCE, "sim0", GATEWAY, 1500),
        (1, SOURCE, "sim0", "198.51.100.253", 1500),
    ]
    assert not events_of(tape, events.SourceChanged)


@pytest.mark.parametrize(
    ("icmp_type", "code", "reason"),
    [
        (3, 1, "nobody answers ARP on the first link"),
        (1, 3, "nobody answers neighbour discovery on the first link"),
        (3, 3, "local kernel: unreachable (code 3)"),
    ],
)
def test_our_own_kernel_answering_is_no_hop(icmp_type: int, code: int, reason: str) -> None:
    def own(_net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        answer = make_answer(probe, SOURCE, ReplyKind.UNREACHABLE)
        return answer._replace(icmp_type=icmp_type, code=code)

    tape = trace(SimNet(respond=own), max_ttl=3)
    assert not events_of(tape, events.Reply)
    assert [event.ttl for event in events_of(tape, events.ProbeLost)] == [1, 2, 3]
    assert {event.reason for event in events_of(tape, events.ProbeLost)} == {reason}
    assert not events_of(tape, events.ProbeVoid)


def test_what_our_own_kernel_says_of_a_probe_that_was_answered_is_told_as_a_failure() -> None:
    def both(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        own = make_answer(probe, SOURCE, ReplyKind.UNREACHABLE)
        net.inject(net.now + 50 * NS_PER_MS, probe, own._replace(icmp_type=3, code=1))
        return answer_of(net, probe)

    tape = trace(SimNet(respond=both), max_ttl=2, seconds=0.5)
    assert [event.ttl for event in events_of(tape, events.Reply)] == [1, 2]
    assert not events_of(tape, events.ProbeLost)
    assert [event.ttl for event in events_of(tape, events.SendFailed)] == [1, 2]


def test_a_wall_clock_that_steps_does_not_touch_an_rtt() -> None:
    net = SimNet(length=1, delay=lambda _p, _n: 600 * NS_PER_MS)
    net.at.append((net.now + 1_200 * NS_PER_MS, lambda: setattr(net, "wall_shift", -NS_PER_S)))
    net.at.append((net.now + 3_300 * NS_PER_MS, lambda: setattr(net, "wall_shift", NS_PER_S)))
    tape = trace(net, max_ttl=1, seconds=6)
    replies = events_of(tape, events.Reply)
    assert {round(r.rtt / NS_PER_MS) for r in replies} == {600}
    stepped = [r for r in replies if r.clock_stepped]
    assert len(stepped) == 2
    assert all(r.sent_stamp is r.received_stamp is Stamp.USER for r in stepped)


def test_without_kernel_stamps_the_reply_says_so() -> None:
    tape = trace(SimNet(kernel_stamps=False), max_ttl=2)
    assert {r.sent_stamp for r in events_of(tape, events.Reply)} == {Stamp.USER}
    tape = trace(SimNet(), max_ttl=2)
    assert {r.sent_stamp for r in events_of(tape, events.Reply)} == {Stamp.KERNEL}


@pytest.mark.parametrize("settings", [ICMP, UDP, TCP], ids=lambda s: s.protocol.value)
def test_a_constant_flow_stays_the_same_over_ttls_and_rounds(settings: ProbeSettings) -> None:
    def expiring(_net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        return make_answer(probe, router(probe.ttl), ReplyKind.TIME_EXCEEDED)

    net = SimNet(respond=expiring)
    trace(net, settings, rounds=4, max_ttl=8)
    # the scout of the first sweep may meet the target before it has answered another SYN
    assert len({probe.flow for _, probe in net.sent if not probe.is_scout}) == 1


def test_classic_lets_the_udp_port_rise() -> None:
    net = SimNet(length=9)
    trace(net, msgspec.structs.replace(UDP, flow=FlowMode.CLASSIC), max_ttl=8)
    assert [probe.flow[1] for _, probe in net.sent] == list(range(33434, 33443))


@pytest.mark.parametrize("settings", [ICMP, UDP, TCP], ids=lambda s: s.protocol.value)
@pytest.mark.parametrize("hops", [8, 10, 16])
def test_vary_shows_every_hop_every_flow_in_time(settings: ProbeSettings, hops: int) -> None:
    net = SimNet(length=99)
    trace(net, msgspec.structs.replace(settings, flow=FlowMode.VARY), max_ttl=hops, rounds=200)
    seen: dict[int, set[int]] = {}
    for _, probe in net.sent:
        seen.setdefault(probe.ttl, set()).add(probe.flow[0])
    assert {len(flows) for flows in seen.values()} == {16}


class Listener:
    """A target as RFC 9293 and 5961 make it: one half-open connection a four-tuple."""

    def __init__(self, resets_arrive: bool) -> None:
        self.resets_arrive = resets_arrive
        self.half_open: dict[tuple[int, int], int] = {}

    def __call__(self, net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        answer = answer_of(net, probe)
        assert answer is not None
        if answer.kind is not ReplyKind.SYN_ACK:
            return answer
        if self.half_open.get(probe.flow, 0) > net.now:
            return None
        rtt = net.delay(probe, 0) or 0
        self.half_open[probe.flow] = net.now + 63 * NS_PER_S
        if self.resets_arrive:
            self.half_open[probe.flow] = net.now + rtt
        else:
            for after in (1, 3, 7, 15, 31):
                net.inject(net.now + rtt + after * NS_PER_S, probe, answer)
        return answer


@pytest.mark.parametrize("flags", [TcpFlags.SYN, TcpFlags.ECN])
@pytest.mark.parametrize(
    ("resets_arrive", "interval", "rtt"),
    [
        (True, NS_PER_S, 4),
        (True, NS_PER_S // 5, 4),
        (True, NS_PER_S, 300),
        (True, NS_PER_S // 20, 300),
        (False, NS_PER_S, 4),
        (False, NS_PER_S, 300),
        (False, NS_PER_S * 8 // 10, 4),
    ],
)
def test_an_open_port_shows_no_false_loss(
    resets_arrive: bool, interval: int, rtt: int, flags: TcpFlags
) -> None:
    settings = msgspec.structs.replace(TCP, tcp_flags=flags)
    net = SimNet(length=4, respond=Listener(resets_arrive), delay=lambda _p, _n: rtt * NS_PER_MS)
    tape = trace(net, settings, seconds=100, interval=interval)
    assert not events_of(tape, events.ProbeLost)
    answered = [r for r in events_of(tape, events.Reply) if r.ttl == 4 and not r.duplicate]
    assert len(answered) >= 60
    routers = {probe.flow for _, probe in sent_from(net, NS_PER_S) if probe.ttl < 4}
    assert len(routers) == 1
    if resets_arrive:
        late_on = {probe.flow for _, probe in sent_from(net, 50 * NS_PER_S)}
        assert len(late_on) <= ceil((rtt * NS_PER_MS + RST_OVERTAKEN) / interval)
        assert routers <= late_on


@pytest.mark.parametrize("resets_arrive", [True, False])
@pytest.mark.parametrize("many", [{"flow": FlowMode.VARY}, {"flows": 3}])
def test_many_flows_to_an_open_port_show_no_false_loss(
    many: dict[str, object], resets_arrive: bool
) -> None:
    net = SimNet(length=4, respond=Listener(resets_arrive))
    tape = trace(net, msgspec.structs.replace(TCP, **many), seconds=70)
    assert not events_of(tape, events.ProbeLost)
    assert len([r for r in events_of(tape, events.Reply) if r.ttl == 4 and not r.duplicate]) >= 60


@pytest.mark.parametrize("interval", [NS_PER_S // 5, NS_PER_S // 20])
def test_where_all_ports_are_half_open_nothing_is_lost_and_it_is_told(interval: int) -> None:
    net = SimNet(length=4, respond=Listener(False))
    tape = trace(net, TCP, seconds=60, interval=interval)
    assert len({probe.flow for _, probe in net.sent}) == MAX_PORTS
    assert not events_of(tape, events.ProbeLost)
    failed = events_of(tape, events.SendFailed)
    assert failed
    assert all("half open" in event.reason and event.ttl == 4 for event in failed)
    rounds = [event.at for event in events_of(tape, events.RoundBegan)]
    at_target = [at for at, probe in net.sent if probe.ttl == 4]
    assert abs(len(at_target) + len(failed) - len(rounds)) <= 1, "none is left out without a word"


def test_where_no_further_port_is_to_be_had_it_goes_on() -> None:
    class FewPorts(SimNet):
        def reserve_port(
            self, protocol: Protocol, port: int | None = None, *, is_spare: bool = False
        ) -> int:
            reserved = super().reserve_port(protocol, port, is_spare=is_spare)
            if reserved > 40_002:
                raise SendError(24, "too many open files")
            return reserved

    net = FewPorts(length=4, respond=Listener(False))
    tape = trace(net, TCP, seconds=30)
    assert len({probe.flow for _, probe in net.sent}) == 3
    assert {event.ttl for event in events_of(tape, events.SendFailed)} == {4}
    assert isinstance(tape.events[-1], events.SessionEnded)
    assert not events_of(tape, events.ProbeLost)
    later = Counter(probe.ttl for _, probe in sent_from(net, NS_PER_S))
    assert [later[ttl] for ttl in range(1, 4)] == [29] * 3
    refused = len(events_of(tape, events.SendFailed))
    assert later[4] + refused == 29, "no probe is left out without a word"


@pytest.mark.parametrize("resets_arrive", [True, False])
def test_a_port_given_by_the_user_is_never_left(resets_arrive: bool) -> None:
    net = SimNet(length=4, respond=Listener(resets_arrive))
    settings = msgspec.structs.replace(TCP, source_port=5555)
    tape = trace(net, settings, seconds=30)
    assert {probe.flow[0] for _, probe in net.sent} == {5555}
    later = Counter(probe.ttl for _, probe in sent_from(net, NS_PER_S))
    assert [later[ttl] for ttl in range(1, 4)] == [29] * 3
    if resets_arrive:
        assert later[4] == 29
        assert not [lost for lost in events_of(tape, events.ProbeLost) if lost.at > NS_PER_S]


def dns(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
    """What a UDP service answers: nothing in it says which probe it is for."""
    if probe.ttl < net.length:
        return answer_of(net, probe)
    answer = make_answer(probe, TARGET, ReplyKind.UDP, distance=net.length)
    return answer._replace(key=None, ip_id=None)


@pytest.mark.parametrize("last_hop", [5, 8, 12])
def test_an_answer_of_the_targets_own_goes_to_the_first_probe_that_can_have_met_it(
    last_hop: int,
) -> None:
    def delay(probe: OutgoingProbe, _n: int) -> int:
        """With 8 ms, the target's answer overtakes the last router's."""
        return (last_hop if probe.ttl >= 5 else 2 + 2 * probe.ttl) * NS_PER_MS

    tape = trace(SimNet(length=5, respond=dns, delay=delay), UDP, rounds=3)
    replies = [r for r in events_of(tape, events.Reply) if not r.past_target]
    hops = {(r.ttl, r.address) for r in replies}
    assert hops == {(5, TARGET), *((ttl, router(ttl)) for ttl in range(1, 5))}
    assert {r.rtt for r in replies if r.ttl == 5} == {last_hop * NS_PER_MS}
    assert not events_of(tape, events.ProbeLost)
    assert not events_of(tape, events.Foreign)


@pytest.mark.parametrize("each", [5, 10])
def test_datagrams_of_a_service_are_credited_to_their_own_probes_while_some_are_lost(
    each: int,
) -> None:
    """One of so many at the target is lost; no other probe takes its place or its RTT."""
    dropped: list[int] = []

    def lossy(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        if probe.ttl == 4 and net.now > BEGAN + 2 * NS_PER_S and len(net.sent) // 4 % each == 0:
            dropped.append(probe.number)
            return None
        return dns(net, probe)

    tape = trace(SimNet(length=4, respond=lossy), UDP, seconds=60, interval=NS_PER_S // 5)
    lost = {event.probe for event in events_of(tape, events.ProbeLost)}
    in_flight = {dropped[-1]}
    assert len(dropped) > 20
    assert lost - in_flight == set(dropped) - in_flight
    assert {r.rtt for r in events_of(tape, events.Reply) if r.ttl == 4} == {4 * NS_PER_MS}


@pytest.mark.slow
def test_sixteen_bits_of_key_are_not_given_away_twice_at_once() -> None:
    net = SimNet(length=1, delay=lambda _p, _n: 4 * NS_PER_S)
    tape = trace(net, UDP, interval=NS_PER_S // 10, queries=1500, max_ttl=1, seconds=6)
    assert not [r for r in events_of(tape, events.Reply) if r.rtt != 4 * NS_PER_S]
    assert not events_of(tape, events.ProbeLost)


def test_an_event_from_outside_joins_the_stream_at_its_time() -> None:
    told = events.Notice(at=0, text="hello")
    tape = trace(SimNet(), seconds=3, commands=[(2 * NS_PER_S, Inject(told))])
    (notice,) = events_of(tape, events.Notice)
    assert 2 * NS_PER_S <= notice.at < 2 * NS_PER_S + NS_PER_MS
    assert [e.at for e in tape.events] == sorted(e.at for e in tape.events)


def test_rounds_end_the_session_with_everything_decided() -> None:
    net = SimNet(length=3, delay=lambda p, _n: None if p.ttl == 2 else NS_PER_MS)
    tape = trace(net, rounds=10)
    assert len(events_of(tape, events.RoundBegan)) == 10
    assert len([e for e in events_of(tape, events.ProbeLost) if e.ttl == 2]) == 10


def test_the_loop_sleeps_while_there_is_nothing_to_do() -> None:
    net = SimNet(delay=lambda _p, _n: None)
    trace(net, max_ttl=3, rounds=2)
    waited = (net.now - 5 * NS_PER_S) / NS_PER_S
    # a look at the waits every 20 ms, and one for each probe
    assert net.receives <= waited * 51 + 20


def test_sequential_sends_a_probe_when_the_one_before_is_decided() -> None:
    net = SimNet(length=4, delay=lambda p, _n: None if p.ttl == 2 else 50 * NS_PER_MS)
    tape = trace(net, sequential=True, queries=2, wait=100 * NS_PER_MS)
    assert [probe.ttl for _, probe in net.sent] == [1, 1, 2, 2, 3, 3, 4, 4]
    in_flight = 0
    for event in tape.events:
        if isinstance(event, events.ProbeSent):
            in_flight += 1
            assert in_flight == 1
        elif isinstance(event, events.Reply | events.ProbeLost):
            in_flight -= 1


def test_a_first_reply_makes_further_queries_of_its_hop_needless() -> None:
    net = SimNet(length=3, delay=lambda p, _n: None if p.ttl == 2 else NS_PER_MS)
    trace(net, sequential=True, first_reply=True, queries=3, wait=10 * NS_PER_MS)
    assert [probe.ttl for _, probe in net.sent] == [1, 2, 2, 2, 3]


@pytest.mark.parametrize("settings", [ICMP, UDP, TCP], ids=lambda s: s.protocol.value)
def test_flows_on_purpose_are_each_constant_and_told_apart(settings: ProbeSettings) -> None:
    net = SimNet(length=4)
    tape = trace(net, msgspec.structs.replace(settings, flows=3), rounds=3, max_ttl=3)
    flows = {
        (event.flow, net.sent[event.probe - 1][1].flow)
        for event in events_of(tape, events.ProbeSent)
    }
    assert {index for index, _ in flows} == {0, 1, 2}
    assert len(flows) == 3
    assert Counter(probe.ttl for _, probe in net.sent) == {1: 9, 2: 9, 3: 9}
    sent = {event.probe: event.flow for event in events_of(tape, events.ProbeSent)}
    assert {r.probe: r.flow for r in events_of(tape, events.Reply)} == sent
