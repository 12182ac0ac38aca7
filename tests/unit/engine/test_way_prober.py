"""Ways are found and watched beside the rounds, which go on as if nothing was."""

from collections import Counter

from msgspec.structs import replace

from tests.helpers.simulated_engine import ICMP, TCP, UDP, Tape, events_of, trace
from tests.helpers.simulated_network import SimNet
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, Pace
from tui_trace.core.stream import FindWays, SetPace, StopWays, WatchWays
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Snapshot


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
    (found,) = events_of(tape, ev.WaysFound)
    assert found.reason is ev.WaysEnd.COMPLETE
    assert found.at > max(event.at for event in events_of(tape, ev.RoundBegan))


def test_icmp_that_meets_one_way_is_followed_by_udp() -> None:
    tape = trace(SimNet(), ICMP, rounds=3, commands=[(0, FindWays(ICMP))])
    runs = [event for event in events_of(tape, ev.RunOpened) if event.beside]
    assert [run.settings.protocol for run in runs] == ["icmp", "udp"]


def test_a_budget_and_a_key_end_it() -> None:
    tape = trace(SimNet(), UDP, rounds=3, commands=[(0, FindWays(UDP, budget=9))])
    assert [event.reason for event in events_of(tape, ev.WaysFound)] == [ev.WaysEnd.BUDGET]
    assert len(sent(tape, 2)) == 9
    silent = SimNet(delay=lambda _probe, _n: None)
    stopped = trace(silent, UDP, seconds=9, commands=[(0, FindWays(UDP)), (NS_PER_S, StopWays())])
    assert [event.reason for event in events_of(stopped, ev.WaysFound)] == [ev.WaysEnd.STOPPED]
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


def test_a_watch_of_a_path_shorter_than_the_first_ttl_goes_on() -> None:
    watch = [(0, WatchWays(UDP, (0, 1), 2))]
    tape = trace(SimNet(), UDP, seconds=4, commands=watch, first_ttl=4)
    assert {event.ttl for event in sent(tape, 2)} == {4}
