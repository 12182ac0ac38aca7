"""Where the keys go on when something else than a key has switched the probe."""

from msgspec.structs import replace

from tui_trace.app.control.probe_controls import FLOWS, VISIT, ProbeControls
from tui_trace.core.settings import Pace, ProbeSettings, Protocol, SettingsHistory
from tui_trace.core.stream import ProbeTemporarily, Switch, TakeTurns
from tui_trace.session.snapshot import Run

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


def test_a_visit_of_more_flows_leaves_the_dials_where_they_are() -> None:
    controls = ProbeControls(SettingsHistory(FIRST), Pace())
    controls.on_run_opened(run(1, FIRST))
    visit = controls.flows().command
    assert visit == ProbeTemporarily(replace(FIRST, flows=FLOWS), VISIT)
    controls.on_run_opened(run(2, visit.settings))
    assert controls.settings == FIRST
    many = ProbeControls(SettingsHistory(replace(FIRST, flows=4)), Pace())
    assert many.flows().command is None
