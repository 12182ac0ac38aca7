"""`--commands`: what each line asks for."""

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings, Protocol
from tui_trace.core.stream import (
    FindWays,
    GoBack,
    Reset,
    SetPace,
    StopWays,
    Switch,
    TakeTurns,
)
from tui_trace.options.command_line import parse_command_line
from tui_trace.options.command_lines import CommandLineError, CommandLines, Line, Stop


def reader(*words: str) -> CommandLines:
    return parse_command_line(["--jsonl", "--commands", *words, "host"]).command_lines()


def asked(lines: CommandLines, **line: object):
    return lines.read(json.dumps(line).encode())[1]


def test_a_probe_has_the_options_of_the_line_in_place_of_the_command_lines() -> None:
    lines = reader("-u", "-P", "53", "-Q", "EF")
    switch = asked(lines, command="probe", options="-T -P 443")
    assert isinstance(switch, Switch)
    now = switch.settings
    assert (now.protocol, now.port, now.tos) == (Protocol.TCP, 443, 184)
    again = asked(lines, command="probe", options="--df")
    usual = parse_command_line(["-u", "-P", "53", "-Q", "EF", "h"]).settings
    assert again == Switch(msgspec.structs.replace(usual, df=True))
    ways = asked(lines, command="ways", confidence=99)
    assert ways == FindWays(again.settings, 0.99)


def test_the_pace_is_that_of_the_line_and_a_pause_keeps_it() -> None:
    lines = reader("-i", "2")
    first = asked(lines, command="pace", options="-i 0.5 -m 12")
    assert first == SetPace(Pace(interval=NS_PER_S // 2, max_ttl=12))
    paused = asked(lines, command="pause")
    assert paused == SetPace(Pace(interval=NS_PER_S // 2, max_ttl=12, paused=True))
    assert asked(lines, command="resume") == first


def test_the_others() -> None:
    lines = reader()
    turns = asked(lines, command="turns", options=["-T", "--icmp"], rounds=5)
    tcp, icmp = ProbeSettings(protocol=Protocol.TCP, port=80, size=60), ProbeSettings()
    assert turns == TakeTurns((tcp, icmp), 5)
    assert asked(lines, command="reset") == Reset()
    assert asked(lines, command="back") == GoBack()
    assert asked(lines, command="stop-ways") == StopWays()
    assert asked(lines, command="stop") == Stop()
    assert lines.read(b'{"command":"stop","session":3}')[0] == 3


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "{}",
        '{"command":"dance"}',
        '{"command":"probe","options":"-P 99999"}',
        '{"command":"probe","options":"-T -u"}',
        '{"command":"probe","options":"host"}',
        '{"command":"probe","options":"--mtu"}',
        '{"command":"probe","options":"\'"}',
        '{"command":"probe","options":["-T","-u"]}',
        '{"command":"turns","options":["-T"]}',
        '{"command":"turns","options":["-T","-u"],"rounds":0}',
        '{"command":"pace","options":"-i 0"}',
        '{"command":"pace","options":["-i 1","-i 2"]}',
        '{"command":"stop","session":0}',
        '{"command":"stop","more":1}',
        '{"command":"ways","confidence":NaN}',
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(line: str) -> None:
    lines = reader("-T")
    with pytest.raises(CommandLineError) as told:
        lines.read(line.encode())
    assert str(told.value)
    assert asked(lines, command="ways") == FindWays(parse_command_line(["-T", "h"]).settings)


@given(
    st.one_of(
        st.binary(),
        st.builds(
            lambda command, options: json.dumps({"command": command, "options": options}).encode(),
            st.sampled_from(msgspec.inspect.type_info(Line).fields[0].type.values),
            st.one_of(st.text(), st.lists(st.text(), max_size=3)),
        ),
    )
)
def test_no_line_raises_anything_else(line: bytes) -> None:
    with contextlib.suppress(CommandLineError):
        reader().read(line)
