"""Where the keys go on when something else than a key has switched the probe."""

from msgspec.structs import replace

from tui_trace.app.control.probe_controls import ProbeControls
from tui_trace.core.events import MtuSearchEnd, PathMtuFound, WaysEnd
from tui_trace.core.settings import FlowMode, Pace, ProbeSettings, Protocol, SettingsHistory
from tui_trace.core.stream import (
    FindPathMtu,
    FindWays,
    StopPathMtu,
    StopWays,
    Switch,
    TakeTurns,
    WatchWays,
)
from tui_trace.session.snapshot import PathMtu, Run, Ways, WayWatched
from tui_trace.session.ways import WayFlow, WaySearch

FIRST = ProbeSettings(protocol=Protocol.ICMP, size=64)
UDP = ProbeSettings(protocol=Protocol.UDP, port=33434)


def run(number: int, settings: ProbeSettings, turns_with: tuple[int, ...] = ()) -> Run:
    return Run(number, settings, 0, 1, True, (), turns_with)


def test_a_key_goes_on_from_the_size_that_path_mtu_discovery_found() -> None:
    controls = ProbeControls(SettingsHistory(FIRST), Pace())
    controls.on_run_opened(run(1, FIRST))
    found = replace(FIRST, df=True, size=1400)
    controls.on_run_opened(run(2, found))
    assert controls.dont_fragment().command == Switch(replace(found, df=False))


def test_a_run_that_a_key_asked_for_does_not_undo_a_later_key() -> None:
    controls = ProbeControls(SettingsHistory(FIRST), Pace())
    controls.on_run_opened(run(1, FIRST))
    tcp = controls.protocol("tcp").command
    assert isinstance(tcp, Switch)
    controls.dont_fragment()
    controls.on_run_opened(run(2, tcp.settings))
    assert controls.settings == replace(tcp.settings, df=True)


def test_turns_are_between_the_settings_now_and_those_before() -> None:
    controls = ProbeControls(SettingsHistory(FIRST), Pace())
    controls.on_run_opened(run(1, FIRST))
    assert controls.alternate_settings().command is None
    udp = controls.protocol("udp").command
    assert isinstance(udp, Switch)
    controls.on_run_opened(run(2, udp.settings))
    assert controls.alternate_settings().command == TakeTurns((FIRST, udp.settings))
    controls.on_run_opened(run(4, udp.settings, turns_with=(3,)))
    assert controls.settings == udp.settings
    assert controls.alternate_settings().command == Switch(udp.settings), (
        "once more is the end of it"
    )
    controls.on_run_opened(run(2, udp.settings))
    assert controls.alternate_settings().command == TakeTurns((FIRST, udp.settings))


def test_turns_between_two_that_were_chosen_make_the_second_the_one_in_use() -> None:
    controls = ProbeControls(SettingsHistory(FIRST), Pace())
    controls.on_run_opened(run(1, FIRST))
    assert controls.alternate_settings((FIRST, UDP)).command == TakeTurns((FIRST, UDP))
    assert controls.settings == UDP
    assert controls.alternate_settings((UDP, UDP)).command is None


def search(**fields) -> WaySearch:
    flows = tuple(WayFlow(flow, 40_000 + flow, ("192.0.2.1",)) for flow in range(3))
    base = WaySearch(
        2, UDP, 0, 0.95, 3000, 30, 1, WaysEnd.COMPLETE, (), (), (), flows, flows[:2], {}
    )
    return replace(base, **fields)


def test_ways_are_found_and_watched_beside_what_is_probed() -> None:
    many = replace(FIRST, flows=4, flow=FlowMode.VARY)
    controls = ProbeControls(SettingsHistory(many), Pace(), 0.99)
    found = controls.find_ways(Ways())
    assert found.command == FindWays(replace(FIRST, flows=1), 0.99)
    assert controls.settings == many, "the table goes on as before"
    assert controls.find_ways(Ways((search(end=None),))).command == StopWays()
    assert controls.find_ways(Ways((search(),))).command == found.command


def test_one_flow_of_each_way_is_watched_until_the_key_comes_again() -> None:
    controls = ProbeControls(SettingsHistory(FIRST), Pace())
    for known in (Ways(), Ways((search(end=None),)), Ways((search(cover=()),))):
        refused = controls.watch_ways(known)
        assert refused.command is None
        assert refused.warning
    watch = controls.watch_ways(Ways((search(),))).command
    assert watch == WatchWays(UDP, (0, 1), 0)
    watched = WayWatched(3, UDP, False, ())
    assert controls.watch_ways(Ways((search(),), watched)).command == StopWays()
    over = replace(watched, is_over=True)
    assert controls.watch_ways(Ways((search(),), over)).command == watch


def test_the_table_is_pinned_to_a_flow() -> None:
    controls = ProbeControls(SettingsHistory(replace(FIRST, flows=4)), Pace())
    assert controls.pin(UDP, 40_001).command == Switch(replace(UDP, source_port=40_001))
    assert controls.pin(FIRST, 7).command is None


def test_m_finds_the_path_mtu_and_stops_a_search_under_way() -> None:
    controls = ProbeControls(SettingsHistory(FIRST), Pace())
    begun = controls.find_path_mtu(None).command
    assert begun == FindPathMtu(FIRST)
    search = PathMtu(2, FIRST, 0)
    assert controls.find_path_mtu(search).command == StopPathMtu()
    found = PathMtuFound(at=1, run=2, reason=MtuSearchEnd.COMPLETE)
    over = PathMtu(2, FIRST, 0, until=1, found=found)
    assert controls.find_path_mtu(over).command == begun
