"""Where the keys go on when something else than a key has switched the probe."""

from msgspec.structs import replace

from tui_trace.app.dials import Dials
from tui_trace.settings import Pace, ProbeSettings, Protocol, Switches
from tui_trace.source import Switch

FIRST = ProbeSettings(protocol=Protocol.ICMP, size=64)


def test_a_key_goes_on_from_the_size_that_path_mtu_discovery_found() -> None:
    dials = Dials(Switches(FIRST), Pace())
    dials.follow(1, FIRST)
    found = replace(FIRST, df=True, size=1400)
    dials.follow(2, found)
    assert dials.dont_fragment().command == Switch(replace(found, df=False))


def test_a_run_that_a_key_asked_for_does_not_undo_a_later_key() -> None:
    dials = Dials(Switches(FIRST), Pace())
    dials.follow(1, FIRST)
    tcp = dials.protocol("tcp").command
    assert isinstance(tcp, Switch)
    dials.dont_fragment()
    dials.follow(2, tcp.settings)
    assert dials.settings == replace(tcp.settings, df=True)
