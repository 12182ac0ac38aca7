"""`--commands`: JSON lines on standard input change what the program really sends."""

import json
import time

from tests.helpers.network.chain import Chain
from tests.helpers.network.commanded import Commanded
from tests.helpers.network.tui_trace_process import only, outcomes
from tui_trace.core.events import (
    Notice,
    PaceSet,
    Reply,
    ReplyKind,
    RunOpened,
    SessionBegan,
    SessionEnded,
    WaysEnded,
    WaysSought,
)
from tui_trace.core.settings import Protocol

FAST = ("-i", "0.2")


def rounds_of(run: int, stream: list) -> bool:
    return any(isinstance(e, Reply) and e.run == run and e.reached for e in stream)


def notices(stream: list) -> list[str]:
    return [notice.text for notice in only(Notice, stream)]


def test_settings_and_pace_are_switched_and_the_probes_change(plain: Chain) -> None:
    with Commanded(plain.client, *FAST, plain.target_address()) as traced:
        traced.run_until(lambda stream: rounds_of(1, stream))
        traced.send('{"command":"switch","settings":{"protocol":"udp","port":53000,"tos":184}}')
        traced.run_until(lambda stream: rounds_of(2, stream))
        traced.send('{"command":"set-pace","pace":{"interval":100000000,"max_ttl":4}}')
        traced.run_until(lambda stream: len(only(PaceSet, stream)) == 2)
        traced.send('{"command":"reset"}')
        traced.run_until(lambda stream: len(only(RunOpened, stream)) == 3)
        traced.send('{"command":"stop"}')
        assert traced.wait() == 0
    first, second, third = only(RunOpened, traced.stream)
    assert first.settings.protocol is Protocol.ICMP
    udp = second.settings
    assert (udp.protocol, udp.port, udp.tos, udp.size) == (Protocol.UDP, 53000, 184, 64)
    assert third.settings == udp
    assert only(PaceSet, traced.stream)[1].pace.max_ttl == 4
    answers = [one.answer for one in outcomes(traced.stream) if one.sent.run == 2 and one.answer]
    assert {a.quoted_tos for a in answers if a.kind is ReplyKind.TIME_EXCEEDED} == {184}
    assert isinstance(traced.stream[-1], SessionEnded)
    assert notices(traced.stream) == []


def test_turns_and_ways(plain: Chain) -> None:
    turns = {"command": "take-turns", "settings": [{"protocol": "icmp"}, {"protocol": "tcp"}]}
    with Commanded(plain.client, *FAST, plain.target_address()) as traced:
        traced.run_until(lambda stream: rounds_of(1, stream))
        traced.send(json.dumps({**turns, "rounds": 2}))
        traced.run_until(lambda stream: only(RunOpened, stream)[-1].turns_with)
        traced.send('{"command":"go-back"}')
        traced.run_until(lambda stream: only(RunOpened, stream)[-1].run == 1)
        traced.send('{"command":"find-ways","settings":{"protocol":"udp"},"budget":2000}')
        traced.run_until(lambda stream: only(WaysSought, stream))
        traced.run_until(lambda stream: only(WaysEnded, stream), 30)
        traced.send(
            '{"command":"watch-ways","settings":{"protocol":"udp"},"flows":[0,1],"last_ttl":9}'
        )
        traced.send('{"command":"stop-ways"}')
        traced.run_until(lambda stream: len(only(WaysEnded, stream)) == 2)
        traced.close_input()
        assert traced.wait() == 0
    assert isinstance(traced.stream[-1], SessionEnded)


BAD = (
    "nonsense",
    '{"command":"explode"}',
    '{"command":"switch","settings":{"protocol":"tcp","port":70000}}',
    '{"command":"switch","settings":{"protocol":"tcp","prot":443}}',
    '{"command":"switch","settings":{"source":"2001:db8::1"}}',
    '{"command":"set-pace","pace":{"first_ttl":9,"max_ttl":3}}',
    '{"command":"reset"}' + " " * 70_000,
    "\x1b[2J\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
)


def test_a_bad_line_is_one_notice_and_nothing_stops(plain: Chain) -> None:
    with Commanded(plain.client, *FAST, plain.target_address()) as traced:
        traced.run_until(lambda stream: only(SessionBegan, stream))
        for line in BAD:
            traced.send(line)
        traced.send('{"command":"switch","settings":{"protocol":"tcp","size":20}}')
        traced.run_until(lambda stream: rounds_of(2, stream))
        traced.close_input()
        assert traced.wait() == 0
    said = notices(traced.stream)
    assert len(said) == len(BAD) + 1, said
    assert all(line.startswith(f"line {n} is no command: ") for n, line in enumerate(said[:-1], 1))
    assert "raised from 20 to 60 bytes" in said[-1]
    assert all(line.isprintable() for line in said)
    assert [run.settings.protocol for run in only(RunOpened, traced.stream)] == ["icmp", "tcp"]


def test_a_session_whose_commander_falls_silent_ends(plain: Chain) -> None:
    with Commanded(plain.client, *FAST, plain.target_address()) as traced:
        traced.send('{"command":"keep-alive","seconds":1}')
        for _ in range(4):
            time.sleep(0.5)
            traced.send("")
        assert traced.process.poll() is None
        began = time.monotonic()
        assert traced.wait() == 0
        assert time.monotonic() - began < 4
    assert notices(traced.stream) == ["no command for 1 s: whoever asked for this session is gone"]


def test_the_end_of_standard_input_ends_the_session(plain: Chain) -> None:
    with Commanded(plain.client, *FAST, plain.target_address()) as traced:
        traced.close_input()
        assert traced.wait() == 0
    assert isinstance(traced.stream[0], SessionBegan)
    assert isinstance(traced.stream[-1], SessionEnded)
