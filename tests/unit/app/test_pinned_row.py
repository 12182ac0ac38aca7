"""The row that says most about the target stays in sight when the hops do not fit."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.helpers.app.app_driver import Watch, seen, watching
from tests.helpers.app.fake_source import ADDRESS, FakeSource, folded, path, reply
from tui_trace.app.render.pinned_row import is_covered, pin_place, pinned_ttl
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S

MANY = [*((f"10.0.0.{n}", float(n)) for n in range(1, 30)), (ADDRESS, 30.0)]
AT = 5 * NS_PER_S


def rows(watch: Watch) -> list[str]:
    """The lines of the table below its titles."""
    return watch.text("#hops").splitlines()[1:]


def silent_behind(last: int, until: int) -> Iterable[ev.Event]:
    """Nobody answers behind this hop, and probing goes on to another one."""
    hops = [*MANY[:last], *[(None, 0.0)] * (until - last)]
    for event in path(3, hops=hops):
        if not isinstance(event, ev.PathEnd):
            yield event
    yield ev.PathEnd(at=AT, run=1, ttl=until, reached=False)


def test_it_is_the_targets_row_or_the_last_that_was_heard_of() -> None:
    assert pinned_ttl(folded(path(3, hops=MANY)).run.hops) == 30
    hops = folded(silent_behind(7, 12)).run.hops
    assert len(hops) == 12
    assert pinned_ttl(hops) == 7
    assert pinned_ttl(hops[8:]) is None, "there is nothing to tell of"
    down = folded(path(3, hops=MANY)).run.hops
    down = (*down[:-1], replace(down[-1], lost=2, recent=(1, -1, -1)))
    assert pinned_ttl(down) == 30, "the target that falls silent is what matters most"


@given(st.integers(1, 60), st.integers(0, 80), st.integers(0, 60), st.integers(1, 6))
def test_all_other_lines_are_in_sight_or_told_of(
    height: int, top: int, first: int, lines: int
) -> None:
    pinned = range(first, first + lines)
    place = pin_place(height, top, pinned)
    inside = range(top, top + height)
    if place is None:
        assert pinned[0] in inside
        return
    drawn = range(place.first, place.first + place.lines)
    assert 1 <= len(drawn) <= max(height // 3, 1)
    assert set(drawn) <= set(range(height))
    assert pinned[0] not in inside or pinned[len(drawn) - 1] not in inside
    if place.mark is not None:
        # what is in sight, what is left out and the row follow one another without a gap
        others = [top + y for y in range(height) if y not in (*drawn, place.mark)]
        hidden = list(place.hidden(height, top, pinned))
        if place.is_below:
            assert [*others, *hidden] == list(range(top, pinned[0]))
        else:
            assert [*hidden, *others] == list(range(first + place.lines, top + height))
        for line in set(others) - set(pinned):
            assert not is_covered(height, top, pinned, range(line, line + 1))
        for line in set(hidden) & set(inside) - set(pinned):
            assert is_covered(height, top, pinned, range(line, line + 1))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (80, 12), (60, 15), (80, 8), (80, 6), (80, 5)])
async def test_the_target_is_in_sight_wherever_the_view_is(size: tuple[int, int]) -> None:
    async with watching(FakeSource(path(3, hops=MANY)), size=size) as watch:
        await watch.pilot.pause(0.1)
        assert any(ADDRESS in line for line in rows(watch)), "nothing is selected"
        for step in range(31):
            await watch.press("down")
            shown = rows(watch)
            ttl = min(step + 1, 30)
            (chosen,) = (line for line in shown if line.startswith("›"))
            assert chosen[1:3].strip() == str(ttl)
            if len(shown) > 1:
                assert any(ADDRESS in line for line in shown), f"hop {ttl} is selected"


@pytest.mark.slow
async def test_a_mark_says_how_many_rows_are_left_out() -> None:
    async with watching(FakeSource(path(3, hops=MANY)), size=(80, 24)) as watch:
        *above, mark, target = rows(watch)
        assert ADDRESS in target
        assert "[open]" in target
        last = int(above[-1].split()[0])
        assert mark.split() == ["⋮", str(30 - last - 1), "more", "rows"]
        await watch.press("ctrl+end")
        await watch.pilot.pause(0.1)
        assert not any("more row" in line for line in rows(watch))
        assert rows(watch)[-1].startswith("›30")
        assert rows(watch)[-2].split()[0] == "29"
        await watch.press("up")
        assert rows(watch)[-2].startswith("›29")


@pytest.mark.slow
async def test_a_table_that_is_too_low_for_a_mark_has_a_sign() -> None:
    async with watching(FakeSource(path(3, hops=MANY)), size=(80, 8)) as watch:
        assert rows(watch)[-1].startswith("⋮30 ")
        await watch.press("down")
        assert rows(watch)[0].startswith("› 1 ")
        assert rows(watch)[-1].startswith("⋮30 ")


@pytest.mark.slow
async def test_the_inspector_leaves_the_target_in_sight() -> None:
    async with watching(FakeSource(path(3, hops=MANY)), size=(80, 24)) as watch:
        await watch.press("down", "down", "enter")
        await watch.pilot.pause(0.2)
        assert any(line.startswith("› 2 ") for line in rows(watch))
        assert ADDRESS in rows(watch)[-1]


@pytest.mark.slow
async def test_its_figures_go_on_and_its_addresses_are_with_it() -> None:
    async with watching(FakeSource(path(3, hops=MANY)), size=(80, 24)) as watch:
        for number in range(3):
            watch.source.play(
                ev.ProbeSent(at=AT, run=1, probe=900 + number, ttl=30),
                reply(1, 900 + number, 30, f"203.0.113.{90 + number}", 30.0, AT, reached=True),
            )
        await watch.until(lambda: len(seen(watch).run.hops[-1].responders) == 4)
        await watch.pilot.pause(0.2)
        *_, mark, first, second, third, fourth = rows(watch)
        assert mark.startswith("⋮ ")
        assert ADDRESS in first
        assert first.split()[3] == "6", "probes sent until now"
        assert [line.split()[0][-2:] for line in (second, third, fourth)] == ["90", "91", "92"]


@pytest.mark.slow
async def test_the_last_hop_that_answers_stays_where_it_belongs() -> None:
    async with watching(FakeSource(silent_behind(20, 28)), size=(80, 24)) as watch:
        await watch.until(lambda: len(seen(watch).run.hops) == 28)
        await watch.pilot.pause(0.1)
        assert rows(watch)[-1].split()[:2] == ["20", "10.0.0.20"]
        await watch.press("ctrl+end")
        await watch.pilot.pause(0.1)
        numbers = [line.strip("› ").split()[0] for line in rows(watch)]
        assert numbers == sorted(numbers, key=int)
        assert "20" in numbers
    async with watching(FakeSource(silent_behind(10, 28)), size=(80, 20)) as watch:
        await watch.until(lambda: len(seen(watch).run.hops) == 28)
        await watch.press("ctrl+end")
        await watch.pilot.pause(0.1)
        first, mark, *others = rows(watch)
        assert first.split()[:2] == ["10", "10.0.0.10"], "it is above what is in sight"
        assert mark.split()[:2] == ["⋮", str(int(others[0].split()[0]) - 11)]


@pytest.mark.slow
async def test_a_click_on_the_pinned_row_selects_it() -> None:
    async with watching(FakeSource(path(3, hops=MANY)), size=(80, 24)) as watch:
        table = watch.app.live.table
        await watch.pilot.click("#hops", offset=(10, table.size.height - 2))
        assert table.selected is None, "the mark is no row"
        await watch.pilot.click("#hops", offset=(10, table.size.height - 1))
        assert table.selected == 30
