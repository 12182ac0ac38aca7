"""What stands above the table: what is left out where there is little room, and what is wrong."""

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tests.helpers.app.fake_source import folded, path, reply
from tests.helpers.app.scripts import moved
from tui_trace.app.render.cells import TextStyle, clock, plain
from tui_trace.app.render.header import ViewPosition, heading, progress, verdict
from tui_trace.core import events as ev
from tui_trace.core.settings import Pace
from tui_trace.session.annotations import REFUSALS
from tui_trace.session.snapshot import Snapshot

WAY = (("10.0.0.1", 0.4), ("198.51.100.1", 1.2))


def stopped(at_hop: int = 3, **answer: object) -> Snapshot:
    """Nobody answers behind this hop, which answers so."""

    def events() -> Iterable[ev.Event]:
        for one in path(1, hops=WAY):
            if isinstance(one, ev.PathEnd) or (isinstance(one, ev.Reply) and one.reached):
                continue
            yield one
        yield ev.ProbeSent(at=5, run=1, probe=50, ttl=at_hop)
        yield reply(1, 50, at_hop, "203.0.113.1", 8.0, 10, **answer)

    return folded(events())


def words(snapshot: Snapshot) -> str:
    told = verdict(snapshot)
    return told.words if told is not None else ""


@pytest.mark.parametrize("code", range(16))
def test_a_refusal_is_told_at_once_and_by_whom(code: int) -> None:
    refused = stopped(kind=ev.ReplyKind.UNREACHABLE, icmp_type=3, code=code)
    mark = refused.run.hops[-1].marks[0]
    if code == 4:
        assert words(refused) == "! smaller MTU at hop 3: larger ones are refused"
    else:
        assert words(refused) == f"! refused at hop 3: {mark}"
        assert mark in REFUSALS or mark == f"!<{code}>"


def test_a_probe_too_big_is_no_silent_target() -> None:
    told = verdict(stopped(kind=ev.ReplyKind.TOO_BIG, icmp_type=3, code=4, mtu=1400))
    assert told is not None
    assert told.words == "! MTU 1400 at hop 3: larger ones are refused"
    assert told.short == "! MTU 1400 at hop 3"


def test_a_largest_ttl_before_the_target_is_no_alarm() -> None:
    there = replace(stopped(), pace=Pace(max_ttl=3))
    told = verdict(there)
    assert told is not None
    assert told.words == "largest TTL 3 ends before the target"
    assert told.tone not in (TextStyle.WARN, TextStyle.BAD)
    assert words(stopped()) == "", "the first rounds may still reach it"


def test_a_silent_target_is_told_after_some_rounds() -> None:
    silent = stopped()
    later = replace(silent, run=replace(silent.run, rounds=9))
    assert words(later) == "! target silent, last answer from hop 3"


def test_a_reached_target_hides_nothing_behind_an_old_refusal() -> None:
    assert words(folded(path(5))) == ""


def text(snapshot: Snapshot, width: int, place: ViewPosition | None = None) -> list[str]:
    return [plain(line) for line in heading(snapshot, width, place=place)]


def busy() -> Snapshot:
    """Another path, turns, foreign replies."""
    there = folded(moved())
    return replace(there, foreign=7, run=replace(there.run, turns_with=12, number=13))


def test_the_round_line_loses_whole_parts_and_the_dearest_last() -> None:
    since = busy().path.since
    shown = [text(busy(), width)[-1] for width in (200, 90, 72, 40)]
    assert "(TCP port 443)" in shown[0]
    assert "foreign 7" in shown[0]
    for line in shown[:3]:
        assert "in turns with run 12" in line
        assert f"path B since {clock(since)}" in line
    assert "TCP" not in shown[2]
    assert "foreign" not in shown[2]
    assert "run 13 turns 12 · B" in shown[3]


@given(
    st.integers(40, 200),
    st.integers(0, 99_999),
    st.integers(0, 10**15),
    st.integers(1, 99),
    st.booleans(),
    st.sampled_from((None, ViewPosition("◀ 0:31 · l live"), ViewPosition("▶ replay 2× of 2:05"))),
)
def test_round_and_run_are_in_sight_at_any_width(
    width: int, rounds: int, at: int, number: int, moves: bool, place: ViewPosition | None
) -> None:
    there = busy()
    run = replace(there.run, rounds=rounds, number=number, turns_with=0)
    path = there.path if moves else None
    line = text(replace(there, run=run, at=at, path=path), width, place)[-1]
    assert re.search(rf"\brun {number}\b", line)
    assert re.search(rf"\br(ound)? {rounds}\b", line)
    assert "…" not in line
    assert cell_len(line) <= width


@given(st.integers(0, 120))
def test_a_round_line_is_never_cut_inside_a_part(room: int) -> None:
    there = busy()
    whole = plain(progress(there, 500))
    shown = plain(progress(there, room))
    assert "…" not in shown
    assert f"run {there.run.number}" in shown
    assert clock(there.path.since) in shown or room < 31
    assert cell_len(shown) <= max(room, 13)
    assert cell_len(whole) > 70


def test_what_is_wrong_takes_no_room_from_the_round_line() -> None:
    there = busy()
    bad = replace(there, run=replace(there.run, hops=(*there.run.hops[:-1], lossy(there))))
    for width in (40, 80, 100, 160):
        lines = text(bad, width)
        assert len(lines) == len(text(there, width))
        assert any("! 50.0 %" in line for line in lines)
        assert clock(there.path.since) in lines[-1]


def lossy(snapshot: Snapshot) -> object:
    hop = snapshot.run.hops[-1]
    return replace(hop, lost=hop.figures.count)


def test_a_notice_costs_a_low_terminal_no_line() -> None:
    told = replace(folded(path(5)), notice="a lab of twelve hops")
    assert len(heading(told, 40, height=12)) == 4
    assert len(heading(told, 40, height=11)) == 3
    trouble = replace(told, trouble="no route to host")
    assert "no route" in plain(heading(trouble, 40, height=10)[-1])


def test_an_address_is_there_whole_or_not_at_all() -> None:
    silent = stopped()
    silent = replace(silent, run=replace(silent.run, rounds=9))
    shown = {width: text(silent, width)[0] for width in range(40, 91)}
    for line in shown.values():
        assert "203.0" not in line or "203.0.113.80" in line
    assert "203.0.113.80" in shown[80]
    assert "203.0" not in shown[50]
    assert shown[50].endswith("! silent after hop 3")
    assert "example.com" in shown[40]
