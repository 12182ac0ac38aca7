"""Ways are found and watched beside the rounds, which go on as if nothing was."""

from collections import Counter

from msgspec.structs import replace

from tests.helpers.simulated_engine import ICMP, TCP, UDP, Tape, events_of, trace
from tests.helpers.simulated_network import SimNet, make_answer
from tui_trace.core import events as ev
from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import NS_PER_S, Pace
from tui_trace.core.stream import FindWays, SetPace, StopWays, WatchWays
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Snapshot
from tui_trace.wire.network import OutgoingProbe, ReceivedReply, SendError


def snapshot(tape: Tape) -> Snapshot:
    session = Session()
    for event in tape.events:
        session.apply(event)
    return session.snapshot()


def sent(tape: Tape, run: int) -> list[ev.ProbeSent]:
    return [event for event in events_of(tape, ev.ProbeSent) if event.run == run]


def test_the_table_is_the_same_with_a_search_beside_it() -> None:
    alone = trace(SimNet(), UDP, rounds=4)
    beside = trace(SimNet(), UDP, rounds=4, commands=[(NS_PER_S, FindWays(UDP))])
    assert snapshot(beside).run.number == 1
    assert len(sent(beside, 1)) == len(sent(alone, 1))
    figures = [
        [(hop.sent, hop.lost, hop.figures.count) for hop in snapshot(tape).run.hops]
        for tape in (alone, beside)
    ]
    assert figures[0] == figures[1]
    assert len(snapshot(beside).paths) == 1
    (search,) = snapshot(beside).ways.searches
    assert search.end is ev.WaysEnd.COMPLETE
    assert [len(search.nodes_at(ttl)) for ttl in range(1, 6)] == [1] * 5
    assert search.sent == len(sent(beside, 2))


def test_every_flow_has_a_port_of_its_own_that_is_told() -> None:
    tape = trace(SimNet(), TCP, rounds=2, commands=[(0, FindWays(TCP))])
    ports = {event.flow: event.source_port for event in events_of(tape, ev.FlowOpened)}
    assert len(set(ports.values())) == len(ports) > 5
    numbers = {event.probe: event.flow for event in sent(tape, 2)}
    by_flow = Counter(numbers.values())
    assert set(by_flow) == set(ports)
    assert not any(event.source_port for event in sent(tape, 2))


def test_several_flows_of_a_run_are_told_too() -> None:
    settings = replace(UDP, flows=5)
    tape = trace(SimNet(), settings, rounds=1)
    assert [event.flow for event in events_of(tape, ev.FlowOpened)] == [1, 2, 3, 4]


def test_a_report_waits_for_a_search() -> None:
    net = SimNet(length=12, delay=lambda probe, _n: probe.ttl * NS_PER_S // 100)
    tape = trace(net, UDP, rounds=1, commands=[(0, FindWays(UDP))])
    (found,) = events_of(tape, ev.WaysEnded)
    assert found.reason is ev.WaysEnd.COMPLETE
    assert found.at > max(event.at for event in events_of(tape, ev.RoundBegan))


def test_icmp_that_meets_one_way_is_followed_by_udp() -> None:
    tape = trace(SimNet(), ICMP, rounds=3, commands=[(0, FindWays(ICMP))])
    runs = [event for event in events_of(tape, ev.RunOpened) if event.beside]
    assert [run.settings.protocol for run in runs] == ["icmp", "udp"]


def test_a_budget_and_a_key_end_it() -> None:
    tape = trace(SimNet(), UDP, rounds=3, commands=[(0, FindWays(UDP, budget=9))])
    assert [event.reason for event in events_of(tape, ev.WaysEnded)] == [ev.WaysEnd.BUDGET]
    assert len(sent(tape, 2)) == 9
    silent = SimNet(delay=lambda _probe, _n: None)
    stopped = trace(silent, UDP, seconds=9, commands=[(0, FindWays(UDP)), (NS_PER_S, StopWays())])
    assert [event.reason for event in events_of(stopped, ev.WaysEnded)] == [ev.WaysEnd.STOPPED]
    assert max(event.at for event in sent(stopped, 2)) <= NS_PER_S


def test_watched_flows_are_probed_once_an_interval_until_the_key_comes_again() -> None:
    commands = [(NS_PER_S, WatchWays(UDP, (0, 3, 5), 9)), (6 * NS_PER_S, StopWays())]
    tape = trace(SimNet(), UDP, seconds=9, commands=commands)
    probes = sent(tape, 2)
    assert {event.flow for event in probes} == {0, 3, 5}
    # the target is at TTL 5: nothing is probed behind it once that is known
    assert max(event.ttl for event in probes if event.at > 3 * NS_PER_S) == 5
    per_flow = Counter((event.flow, event.ttl) for event in probes if event.ttl <= 5)
    assert set(per_flow.values()) <= {4, 5, 6}
    assert max(event.at for event in probes) <= 6 * NS_PER_S
    watched = snapshot(tape).ways.watched
    assert watched is not None
    assert watched.is_over
    assert sorted(row.flow for row in watched.rows) == [0, 3, 5]
    assert all(row.lost == 0 for row in watched.rows)


def test_nothing_is_sent_while_probing_is_paused() -> None:
    commands = [(0, WatchWays(UDP, (0, 1), 6)), (2 * NS_PER_S, SetPace(Pace(paused=True)))]
    tape = trace(SimNet(), UDP, seconds=6, commands=commands)
    assert max(event.at for event in sent(tape, 2)) <= 2 * NS_PER_S + NS_PER_S // 10


def test_without_ports_of_its_own_a_flow_cannot_be_followed() -> None:
    tape = trace(SimNet(keeps_ports=False), UDP, rounds=2, commands=[(0, FindWays(UDP))])
    assert not events_of(tape, ev.WaysSought)
    assert "raw sockets" in events_of(tape, ev.Notice)[0].text


def test_a_watch_begins_at_the_first_ttl_and_follows_the_path_to_its_end() -> None:
    watch = [(0, WatchWays(UDP, (0, 1), 2))]
    tape = trace(SimNet(), UDP, seconds=4, commands=watch, first_ttl=4)
    assert {event.ttl for event in sent(tape, 2)} == {4, 5}
    watched = snapshot(tape).ways.watched
    assert watched is not None
    assert [row.lost for row in watched.rows] == [0, 0], "a router that answers loses nothing"


def test_a_path_that_becomes_longer_is_no_loss() -> None:
    net = SimNet(length=4)
    net.at.append((net.now + 4 * NS_PER_S, lambda: setattr(net, "length", 6)))
    tape = trace(net, UDP, seconds=12, commands=[(0, WatchWays(UDP, (0, 1), 4))])
    watched = snapshot(tape).ways.watched
    assert watched is not None
    assert [row.lost for row in watched.rows] == [0, 0]
    assert [row.hops[-1].ttl for row in watched.rows] == [6, 6]


def test_a_machine_that_cannot_send_is_not_asked_at_full_speed() -> None:
    down = SendError(101, "Network is unreachable")
    net = SimNet(fail=lambda _probe: down)
    tape = trace(net, UDP, seconds=10, commands=[(0, FindWays(UDP))])
    failed = [event for event in events_of(tape, ev.SendFailed) if event.run == 2]
    assert 5 <= len(failed) <= 12
    assert len(events_of(tape, ev.FlowOpened)) <= 12
    net = SimNet()
    net.fail = lambda _probe: down if net.now < 7 * NS_PER_S else None
    tape = trace(net, UDP, rounds=5, commands=[(0, FindWays(UDP))])
    assert [event.reason for event in events_of(tape, ev.WaysEnded)] == [ev.WaysEnd.COMPLETE]


def test_a_search_ends_though_nobody_answers_on_the_first_link() -> None:
    """The local kernel returns the probes: host unreachable from our own address."""

    def returned(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        answer = make_answer(probe, net.source_address, ReplyKind.UNREACHABLE)
        return answer._replace(icmp_type=3, code=1)

    tape = trace(SimNet(respond=returned), UDP, rounds=2, commands=[(0, FindWays(UDP))])
    assert [event.reason for event in events_of(tape, ev.WaysEnded)] == [ev.WaysEnd.COMPLETE]
    assert not snapshot(tape).ways.searches[0].nodes
