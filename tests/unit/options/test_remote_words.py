"""The command line of the session on another machine: read there, it means what was meant here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.core.test_commands import PACES, settings_of_a_view
from tui_trace.core.probe_size import fit_size
from tui_trace.core.settings import Pace, ProbeIdField, ProbeSettings, Protocol, TcpFlags
from tui_trace.options.command_line import Options, parse_command_line
from tui_trace.options.remote_words import remote_words

LINES = (
    "h",
    "h --icmp -4 --unprivileged",
    "h -u -P 53000 -n -z --owner --dns-server [2001:db8::1]:5353",
    "h -T --ecn --no-private-names --asn-source radb -6 -M 7",
    "h -T --syn --ack -L 4000 -a host.example -I eth0 -s 1400 -Q EF --df -B 7 --dont-route",
    "h --protocol gre --flow vary --dnat show --track id --flows 3",
    "h -T --track port -f 2 -m 9 -i 0.123456789 -Z 0.7 -q 3 -U 7 -c 4 --sequential --first-reply",
    "h --mtu",
    "h --mtu -s 1400",
    "h -r --ways --confidence 99.99",
    "h --ping",
)


def again(options: Options, settings: ProbeSettings, pace: Pace, host: str = "h") -> Options:
    """What the program on the other machine reads."""
    words = remote_words(options, host, settings, pace)
    return parse_command_line(["--jsonl", "--commands", *words])


@pytest.mark.parametrize("line", LINES)
def test_every_option_is_understood_there_as_it_was_here(line: str) -> None:
    here = parse_command_line(line.split())
    there = again(here, here.settings, here.pace)
    for field in ("host", "settings", "pace", "family", "icmp_by_name", "path_mtu", "largest"):
        assert getattr(there, field) == getattr(here, field), field
    for field in ("mark", "ways", "unprivileged"):
        assert getattr(there, field) == getattr(here, field), field
    assert there.naming == here.naming
    assert (there.recorded, there.record, there.places[0].is_local) == (False, None, True)


def test_options_of_the_config_hold_there() -> None:
    config = {"tcp": True, "port": 443, "tos": "EF", "interval": 0.5, "no-dns": True, "flows": 4}
    here = parse_command_line(["-P", "80", "h"], config)
    there = again(here, here.settings, here.pace)
    assert (there.settings, there.pace, there.naming) == (here.settings, here.pace, here.naming)
    assert (there.settings.port, there.settings.tos, there.naming.names) == (80, 184, False)


@given(settings_of_a_view(), PACES)
def test_what_keys_have_set_is_probed_at_the_next_target(
    settings: ProbeSettings, pace: Pace
) -> None:
    here = parse_command_line(["h"])
    there = again(here, settings, pace)
    has_ports = settings.protocol.has_ports
    keeps_port = has_ports or settings.track is not ProbeIdField.PORT
    meant = replace(
        settings,
        source_port=settings.source_port if has_ports else None,
        tcp_flags=settings.tcp_flags if settings.protocol is Protocol.TCP else TcpFlags.SYN,
        number=settings.number if settings.protocol is Protocol.IP else 0,
        track=settings.track if keeps_port else ProbeIdField.SEQUENCE,
        no_tcp_options=False,
    )
    assert there.settings == meant
    assert there.pace == replace(pace, paused=False)
    assert fit_size(there.settings, 4)[0] == fit_size(meant, 4)[0]


@given(st.text(st.characters(exclude_characters="\0"), min_size=1).filter(str.strip))
def test_no_target_is_taken_for_an_option(host: str) -> None:
    words = remote_words(parse_command_line(["h"]), host, ProbeSettings(), Pace())
    assert words[-2:] == ["--", host]
