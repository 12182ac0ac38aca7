"""What stands above the table: what is left out where there is little room, and what is wrong."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tests.helpers.app.fake_source import folded, path
from tests.helpers.app.scripts import moved
from tui_trace.app.render.finding_list import findings_list
from tui_trace.app.render.header import ViewPosition, heading, progress
from tui_trace.app.render.styled_text import plain
from tui_trace.core.durations import format_duration
from tui_trace.core.events import Notice
from tui_trace.core.settings import NS_PER_S
from tui_trace.report.cell_text import TextStyle
from tui_trace.report.finding_lines import wall_clock
from tui_trace.session.finding import Episode, Finding, FindingKind, Sure
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Snapshot
from tui_trace.wire.unprivileged.error_queue_network import PING_ALLOWED_BY

DOWN = Finding(
    kind=FindingKind.DOWN,
    harm=True,
    sure=Sure.CERTAIN,
    since=60 * NS_PER_S,
    text="target silent",
    past="target was silent",
    details="(75 probes), last answer hop 4 10.77.3.2",
    short="silent after hop 4",
)
LOSS = replace(DOWN, kind=FindingKind.LOSS, text="12 % loss at the target")
CLOCK = r"\d\d:\d\d:\d\d"


def text(snapshot: Snapshot, width: int, place: ViewPosition | None = None) -> list[str]:
    return [plain(line) for line in heading(snapshot, width, place=place)]


def busy() -> Snapshot:
    """Another path, turns, foreign replies."""
    there = folded(moved())
    run = replace(there.run, turns_with=(12,), number=13)
    return replace(there, foreign=7, run=run, findings=(), episodes=())


def test_the_round_line_loses_whole_parts_and_the_dearest_last() -> None:
    since = busy().path.since
    shown = [text(busy(), width)[-1] for width in (200, 90, 72, 40)]
    assert "(TCP port 443)" in shown[0]
    assert "foreign 7" in shown[0]
    for line in shown[:3]:
        assert "in turns with run 12" in line
        assert f"path B since {format_duration(since)}" in line
    assert "TCP" not in shown[2]
    assert "foreign" not in shown[2]
    assert "run 13 turns 12 · B" in shown[3]


def test_all_runs_that_it_takes_turns_with_are_named() -> None:
    there = busy()
    many = replace(there, run=replace(there.run, turns_with=(11, 12)))
    assert "in turns with runs 11, 12" in text(many, 200)[-1]
    assert "run 13 turns 11,12" in text(many, 46)[-1]


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
    run = replace(there.run, rounds=rounds, number=number, turns_with=())
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
    assert format_duration(there.path.since) in shown or room < 31
    assert cell_len(shown) <= max(room, 13)
    assert cell_len(whole) > 70


def test_what_is_wrong_has_a_line_of_its_own() -> None:
    there = busy()
    bad = replace(there, findings=(DOWN,))
    for width in (40, 80, 100, 160):
        *lines, said = text(bad, width)
        assert lines == text(there, width)
        assert "…" not in said
        assert re.fullmatch(rf" ! (target silent|silent after hop 4) since {CLOCK}.*", said)
    assert "(75 probes), last answer hop 4 10.77.3.2" in text(bad, 100)[-1]


def test_more_than_one_trouble_is_counted() -> None:
    bad = replace(busy(), findings=(DOWN, LOSS, replace(LOSS, kind=FindingKind.QUEUE)))
    said = text(bad, 120)[-1]
    assert said.startswith(" !3 target silent")
    assert said.rstrip().endswith(" · V lists all")


def given_notices(*texts: str, at: int = 1):
    """A session in which these notices were given, one second apart."""
    session = Session()
    for event in path(5):
        session.apply(event)
    last = session.snapshot().at
    for number, words in enumerate(texts):
        session.apply(Notice(last + (at + number) * NS_PER_S, words))
    return session.snapshot(last + (at + len(texts) - 1) * NS_PER_S)


REMEDY = f"ICMP echo is not allowed to this group; {PING_ALLOWED_BY} allows it to all; UDP instead"


def test_notices_are_counted_with_what_harms() -> None:
    told = given_notices("first", "second", "second")
    assert plain(heading(told, 100, height=24)[-1]).startswith(" !2 second")
    with_loss = replace(told, findings=(DOWN,))
    said, notice = (plain(line) for line in heading(with_loss, 100, height=24)[-2:])
    assert said.startswith(" !3 target silent")
    assert notice == " second", "it is counted once"


@pytest.mark.parametrize("width", [40, 80, 100])
def test_a_long_notice_takes_a_second_line_where_there_is_room(width: int) -> None:
    told = given_notices(REMEDY)
    low, usual = (heading(told, width, height=height) for height in (23, 24))
    assert len(usual) == len(low) + 1
    shown = "".join(plain(line) for line in usual[-2:])
    assert plain(usual[-1]).endswith("… V") or shown.split() == REMEDY.split()
    assert all(cell_len(plain(line)) <= width for line in usual)
    assert plain(low[-1]).endswith("… V"), "V has all of it"
    listed = "\n".join(plain(line) for line in findings_list(told, 10_000))
    assert REMEDY in listed


def test_why_nothing_is_probed_is_listed_whole() -> None:
    why = f"cannot probe: {REMEDY}"
    shown = "\n".join(plain(line) for line in findings_list(busy(), 10_000, why))
    assert why in shown
    assert plain(heading(busy(), 200, why)[-1]) == f" ! {why}"


def test_an_old_notice_is_dim_and_takes_one_line() -> None:
    told = given_notices(REMEDY)
    later = replace(told, at=told.at + 61 * NS_PER_S)
    assert len(heading(later, 80, height=24)) == len(heading(told, 80, height=24)) - 1
    assert {style for _, style in heading(later, 80, height=24)[-1]} == {TextStyle.DIM}


def test_what_is_over_is_dim_and_in_the_past_for_a_while() -> None:
    there = replace(busy(), at=200 * NS_PER_S)
    over = replace(there, episodes=(Episode(DOWN, 62 * NS_PER_S, 76 * NS_PER_S),))
    said = heading(over, 100)[-1]
    assert re.search(rf"target was silent {CLOCK}–{CLOCK} \(75 probes\)", plain(said))
    assert {style for _, style in said} == {TextStyle.DIM}
    late = replace(over, at=2000 * NS_PER_S)
    assert text(late, 100) == text(replace(late, episodes=()), 100)


def test_a_notice_costs_a_low_terminal_no_line() -> None:
    told = replace(folded(path(5)), notice="a lab of twelve hops")
    assert len(heading(told, 40, height=12)) == 4
    assert len(heading(told, 40, height=11)) == 3
    trouble = replace(told, trouble="no route to host")
    assert "no route" in plain(heading(trouble, 40, height=10)[-1])


def test_an_address_is_there_whole_or_not_at_all() -> None:
    named = replace(busy(), target="a.rather.long.name.example")
    shown = {width: text(named, width)[0] for width in range(40, 91)}
    for line in shown.values():
        assert "203.0" not in line or "203.0.113.80" in line
    assert "203.0.113.80" in shown[80]
    assert "203.0" not in shown[40]
    assert "long.name.example" in shown[40]


def test_the_time_of_day_stands_beside_the_state_where_it_costs_no_word() -> None:
    snapshot = folded(path(5))
    now = f"{wall_clock(snapshot)(snapshot.at)}  ● live"
    assert any(line.endswith(now) for line in text(snapshot, 80))
    assert not any(now in line for line in text(snapshot, 24))
    for width in range(20, 120):
        without = text(replace(snapshot, wall=0), width)
        (line,) = (one for one in text(snapshot, width) if "● live" in one)
        (other,) = (one for one in without if "● live" in one)
        assert re.sub(rf" *(?:{CLOCK}  )?●", "", line) == re.sub(r" *●", "", other), (
            "it costs no word"
        )


def test_a_moment_of_the_past_has_its_date() -> None:
    lines = text(folded(path(5)), 100, ViewPosition("◀ 0:10 · l live"))
    assert any(re.search(rf"\d{{4}}-\d\d-\d\d {CLOCK}   ◀ 0:10", line) for line in lines)
