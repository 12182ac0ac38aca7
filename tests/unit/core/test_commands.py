"""Commands as JSON: what is sent is what is read, and nothing else is taken."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trace.core.commands import (
    LONGEST_LINE,
    MAX_TURNS,
    CommandError,
    KeepAlive,
    Line,
    Stop,
    decode_command,
    encode_command,
)
from tui_trace.core.events import Foreign
from tui_trace.core.settings import (
    DEFAULT_PORT,
    DEFAULT_SIZE,
    DnatMode,
    FlowMode,
    Pace,
    ProbeIdField,
    ProbeSettings,
    Protocol,
    TcpFlags,
)
from tui_trace.core.stream import (
    FindWays,
    GoBack,
    Inject,
    QueryRegistry,
    Reset,
    SetAsnLookup,
    SetPace,
    StopWays,
    Switch,
    TakeTurns,
    WatchWays,
)

PORTS = st.integers(1, 65_535)
TIMES = st.integers(1_000_000, 3_600_000_000_000)


@st.composite
def settings_of_a_view(draw: st.DrawFn) -> ProbeSettings:
    """Any settings that keys lead to: those of another protocol stay, and stand for nothing."""
    protocol = draw(st.sampled_from(list(Protocol)))
    has_ports = protocol.has_ports
    source_port = draw(st.none() | PORTS)
    tracks = [ProbeIdField.SEQUENCE, ProbeIdField.IP_ID]
    if source_port is None or not has_ports:
        tracks.append(ProbeIdField.PORT)
    return ProbeSettings(
        protocol=protocol,
        port=draw(PORTS) if has_ports else 0,
        source_port=source_port,
        tos=draw(st.integers(0, 255)),
        df=draw(st.booleans()),
        size=draw(st.integers(1, 65_535)),
        payload_byte=draw(st.integers(0, 255)),
        tcp_flags=draw(st.sampled_from(list(TcpFlags))),
        no_tcp_options=draw(st.booleans()),
        flow=draw(st.sampled_from(list(FlowMode))),
        flows=draw(st.integers(1, 512)),
        source=draw(st.sampled_from([None, "192.0.2.1", "2001:db8::1"])),
        interface=draw(st.sampled_from([None, "eth0", "wlan0.12"])),
        dont_route=draw(st.booleans()),
        number=draw(st.sampled_from([0, 47, 255])),
        track=draw(st.sampled_from(tracks)),
        dnat=draw(st.sampled_from(list(DnatMode))),
    )


PACES = st.builds(
    Pace,
    interval=TIMES,
    first_ttl=st.integers(1, 100),
    max_ttl=st.integers(100, 255),
    queries=st.integers(1, 100),
    max_unknown=st.integers(1, 255),
    wait=st.none() | TIMES,
    rounds=st.none() | st.integers(1, 1_000_000_000),
    paused=st.booleans(),
    sequential=st.booleans(),
    first_reply=st.booleans(),
)
COMMANDS = st.one_of(
    st.builds(Switch, settings_of_a_view()),
    st.builds(
        TakeTurns,
        st.lists(settings_of_a_view(), min_size=2, max_size=6, unique=True).map(tuple),
        st.none() | st.integers(1, 100),
    ),
    st.builds(FindWays, settings_of_a_view(), st.floats(0.5, 0.9999), st.integers(1, 100_000)),
    st.builds(
        WatchWays,
        settings_of_a_view(),
        st.lists(st.integers(0, 999), min_size=1, max_size=20).map(tuple),
        st.integers(1, 255),
    ),
    st.builds(SetPace, PACES),
    st.builds(SetAsnLookup, st.booleans()),
    st.builds(KeepAlive, st.integers(1, 3600)),
    st.sampled_from(
        [StopWays(), GoBack(), Reset(), Stop(), QueryRegistry("192.0.2.1"), QueryRegistry("::1")]
    ),
)


@given(COMMANDS)
def test_every_command_that_a_key_sends_comes_back(command: Line) -> None:
    line = encode_command(command)
    assert b"\n" not in line
    assert len(line) <= LONGEST_LINE
    assert decode_command(line) == command


def test_most_settings_in_turns_fit_into_a_line() -> None:
    turns = TakeTurns(tuple(ProbeSettings(size=40_000 + size) for size in range(MAX_TURNS)))
    line = encode_command(turns)
    assert len(line) <= LONGEST_LINE
    assert decode_command(line) == turns


def test_an_event_is_not_sent() -> None:
    with pytest.raises(KeyError):
        encode_command(Inject(Foreign(at=0, count=1)))


@pytest.mark.parametrize("protocol", list(Protocol))
def test_a_missing_key_has_the_value_of_the_command_line(protocol: Protocol) -> None:
    line = json.dumps({"command": "switch", "settings": {"protocol": protocol.value}})
    port, size = DEFAULT_PORT[protocol], DEFAULT_SIZE[protocol]
    assert decode_command(line.encode()) == Switch(
        ProbeSettings(protocol=protocol, port=port, size=size)
    )
    assert decode_command(b'{"command":"set-pace","pace":{}}') == SetPace(Pace())


def switch(**settings: Any) -> str:
    return json.dumps({"command": "switch", "settings": settings})


def pace(**fields: Any) -> str:
    return json.dumps({"command": "set-pace", "pace": fields})


def turns(*settings: Any) -> str:
    return json.dumps({"command": "take-turns", "settings": settings})


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "truncated"),
        ("{}", "command"),
        ("[]", "array"),
        ("null", "null"),
        ('{"command":1}', "str"),
        ('{"command":"inject","event":{}}', "inject"),
        ('{"command":"reset","now":true}', "now"),
        ('{"command":"stop"} {"command":"stop"}', "malformed"),
        (switch(protocol="sctp"), "sctp"),
        (switch(protocol="tcp", port=0), "port takes 1 to 65535"),
        (switch(protocol="tcp", port="443"), "str"),
        (switch(protocol="icmp", port=80), "which has no ports"),
        (switch(port=65_536, protocol="udp"), "65535"),
        (switch(protocol="udp", source_port=0), ">= 1"),
        (switch(tos=256), "255"),
        (switch(size=0), ">= 1"),
        (switch(size=65_536), "65535"),
        (switch(flows=513), "512"),
        (switch(fill=256), "255"),
        (switch(sise=64), "sise"),
        (switch(foreign=True), "foreign"),
        (switch(source="host.example"), "an IP address"),
        (switch(interface="a/b"), "interface"),
        (switch(interface="x" * 16), "interface"),
        (switch(protocol="ip", number=6), "other than icmp, tcp and udp"),
        (switch(protocol="tcp", track="port", source_port=5), "--localport"),
        (pace(interval=999_999), "interval"),
        (pace(interval=1.5), "float"),
        (pace(wait=3_600_000_000_001), "wait"),
        (pace(first_ttl=0), "first_ttl"),
        (pace(first_ttl=31), "--max-ttl (30)"),
        (pace(queries=101), "queries"),
        (pace(rounds=0), "rounds"),
        (turns({}), "length"),
        (turns({}, {}), "must differ"),
        (turns(*({"size": 100 + n} for n in range(MAX_TURNS + 1))), "length"),
        ('{"command":"find-ways","settings":{},"confidence":1}', "confidence"),
        ('{"command":"find-ways","settings":{},"budget":100001}', "budget"),
        ('{"command":"watch-ways","settings":{},"flows":[],"last_ttl":9}', "flows"),
        ('{"command":"watch-ways","settings":{},"flows":[1000],"last_ttl":9}', "flows"),
        ('{"command":"keep-alive","seconds":0}', "seconds"),
        ('{"command":"query-registry","address":"example.com"}', "an IP address"),
        ("[" * 30_000, "array"),
        ('{"command":"reset","x":' + "[" * 30_000, ""),
        ('{"command":"set-pace","pace":{"rounds":1e400}}', ""),
    ],
)
def test_anything_else_is_refused_with_one_line(line: str, why: str) -> None:
    with pytest.raises(CommandError) as error:
        decode_command(line.encode())
    assert why in str(error.value)
    assert "\n" not in str(error.value)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(line: bytes) -> None:
    with pytest.raises(CommandError):
        decode_command(line)
