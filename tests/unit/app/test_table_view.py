"""The view as a whole: what is drawn again, what strangers write, what breaks."""

import threading
from collections.abc import Iterable

import pytest
from msgspec.structs import replace
from textual.drivers.headless_driver import HeadlessDriver

from tests.helpers.app.app_driver import anew, drawn, seen, watching
from tests.helpers.app.fake_source import HOPS, FakeSource, folded, path, reply, switches
from tests.helpers.app.scripts import HOSTILE
from tests.helpers.app.waiting import wait_until
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.app.widgets.hop_table import HopTable
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, Pace
from tui_trace.core.stream import SourceError
from tui_trace.session.snapshot import Snapshot

pytestmark = pytest.mark.slow

AT = 5 * NS_PER_S


def answer(probe: int, ttl: int, address: str, rtt: float = 1.0) -> Iterable[ev.Event]:
    return (
        ev.ProbeSent(at=AT, run=1, probe=probe, ttl=ttl),
        reply(1, probe, ttl, address, rtt, AT + probe),
    )


async def test_rows_that_did_not_change_are_not_built_again() -> None:
    async with watching() as watch:
        await watch.pilot.pause(0.2)
        before = drawn(watch)
        watch.source.play(*answer(900, 2, "198.51.100.1"))
        await watch.until(lambda: seen(watch).run.hops[1].sent == 6)
        await watch.pilot.pause(0.1)
        assert anew(before, watch) == ["198.51.100.1"]


async def test_only_lines_that_changed_are_repainted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watching() as watch:
        await watch.pilot.pause(0.3)
        asked: list[int] = []
        render_line = HopTable.render_line
        monkeypatch.setattr(
            HopTable, "render_line", lambda self, y: asked.append(y) or render_line(self, y)
        )
        written: list[str] = []
        with monkeypatch.context() as terminal:
            terminal.setattr(HeadlessDriver, "is_headless", False)
            terminal.setattr(HeadlessDriver, "write", lambda _, text: written.append(text))
            watch.source.play(*answer(900, 2, "198.51.100.1"))
            await watch.until(lambda: seen(watch).run.hops[1].sent == 6)
            await watch.pilot.pause(0.2)
        assert set(asked) == {2}
        assert "198.51.100.1 " in "".join(written)
        for other in ("10.0.0.1 ", "198.51.100.9 ", "help"):
            assert other not in "".join(written), "the terminal shows that already"


async def test_selecting_draws_two_rows() -> None:
    async with watching() as watch:
        await watch.press("down")
        before = drawn(watch)
        await watch.press("down")
        assert anew(before, watch) == ["10.0.0.1", "198.51.100.1"]


async def test_a_newer_snapshot_takes_the_place_of_one_not_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with watching() as watch:
        taken: list[Snapshot] = []
        monkeypatch.setattr(watch.app.live, "show_snapshot", taken.append)
        for number in range(5):
            watch.source.play(ev.Notice(at=AT, text=f"notice {number}"))
        assert watch.source.played.wait(5), "meanwhile the view stands still"
        assert taken == []
        await watch.until(lambda: taken and taken[-1].notice == "notice 4")
        assert len(taken) < 3, "at most the first and the last"


async def test_what_strangers_write_is_only_text() -> None:
    script = [
        *path(2),
        *answer(900, 2, HOSTILE),
        *answer(901, 3, HOSTILE),
        ev.Notice(at=AT, text=HOSTILE),
    ]
    async with watching(FakeSource(script), size=(120, 30)) as watch:
        await watch.press("down", "down", "enter")
        watch.source.play(ev.SendFailed(at=AT + 1, run=1, ttl=1, errno=1, reason=HOSTILE))
        await watch.until(lambda: seen(watch).trouble is not None)
        await watch.pilot.pause(0.1)
        text = "\n".join(watch.text(one) for one in ("#heading", "#hops", "#inspector"))
        for bad in ("\x1b", "\x07", "\u202e", "\x9b"):
            assert bad not in text
        assert r"\x1b]0;owned\x07[b]bold[/b]" in text
        await watch.press("y")
        assert "\x1b" not in watch.app.clipboard


async def test_a_hostile_answer_in_a_prompt_is_only_text() -> None:
    def refuse(*_: object) -> FakeSource:
        raise SourceError(f"unknown host {HOSTILE} [bold]x[/bold]")

    async with watching(open_source=refuse, size=(120, 30)) as watch:
        await watch.press("slash")
        await watch.type("x")
        await watch.until(lambda: "unknown host" in watch.text("#prompt-says"))
        shown = watch.text("#prompt-says")
        assert "[bold]x[/bold]" in shown
        assert "\x1b" not in shown


async def test_a_source_that_breaks_leaves_its_figures_and_exit_code_1() -> None:
    async with watching() as watch:
        watch.source.crash(ZeroDivisionError("division by zero"))
        await watch.until(lambda: watch.app.failure is not None)
        await watch.pilot.pause(0.1)
        assert "! tracing stopped: ZeroDivisionError: division by zero" in watch.text("#heading")
        assert "× stopped" in watch.text("#heading")
        assert "203.0.113.80" in watch.text("#hops")
        await watch.press("down")
        assert watch.app.live.table.selected == 1, "the view goes on"
        await watch.pilot.press("q")
        await watch.until(lambda: not watch.app.is_running)
    assert watch.app.return_code == 1
    assert "ZeroDivisionError" in watch.app.details


async def test_a_source_that_cannot_begin() -> None:
    source = FakeSource()
    source.crash(SourceError("interface eth9 is not there"))
    app = TraceApp(lambda *_: source, source, switches(), Pace(), Config())
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: app.failure)
        await pilot.pause(0.1)
        heading = app.live.query_one("#heading")
        text = "\n".join(heading.render_line(y).text for y in range(heading.size.height))
        assert "! interface eth9 is not there" in text
        await pilot.press("q")
    assert app.return_code == 1


async def test_a_broken_session_is_forgotten_with_its_target() -> None:
    second = FakeSource(path(2))
    async with watching(open_source=lambda *_: second) as watch:
        watch.source.crash(ZeroDivisionError())
        await watch.until(lambda: watch.app.failure is not None)
        await watch.press("slash")
        await watch.type("again.example")
        await watch.until(lambda: second.running.is_set() and seen(watch).run.rounds == 2)
        assert watch.app.failure is None
        assert "stopped" not in watch.text("#heading")
    second.stop()


async def test_a_lookup_that_nobody_waits_for_changes_nothing() -> None:
    go = threading.Event()
    second = FakeSource(path(2))

    def slow(*_: object) -> FakeSource:
        go.wait(5)
        return second

    async with watching(open_source=slow) as watch:
        await watch.press("slash")
        await watch.type("slow.example")
        assert "looking up slow.example" in watch.text("#prompt-says")
        await watch.press("t", "u", "enter")
        assert watch.source.commands == []
        await watch.press("escape")
        go.set()
        await watch.pilot.pause(0.2)
        assert not second.running.is_set()
        assert not watch.source.stopped.is_set()
        assert seen(watch).target == "example.com"


async def test_a_lookup_that_was_given_up_does_not_answer_the_next_question() -> None:
    go = threading.Event()
    late, wanted = FakeSource(path(2)), FakeSource(path(3))

    def open_source(target: str, *_: object) -> FakeSource:
        if target == "wanted.example":
            return wanted
        go.wait(20)
        return late

    async with watching(open_source=open_source) as watch:
        await watch.press("slash")
        await watch.type("late.example")
        await watch.press("escape", "slash")
        go.set()
        await watch.pilot.pause(0.2)
        assert not late.running.is_set()
        assert watch.app.live.prompt.question == "target"
        await watch.type("wanted.example")
        await watch.until(wanted.running.is_set)
        assert not late.running.is_set()
    wanted.stop()


@pytest.mark.parametrize("size", [(1, 1), (10, 3), (20, 5), (40, 10), (300, 100)])
async def test_any_terminal_will_do(size: tuple[int, int]) -> None:
    async with watching(size=size) as watch:
        await watch.press("down", "enter", "d", "slash", "escape", "question_mark", "escape")
        await watch.press("o", "escape")
        assert watch.app.failure is None


async def test_more_hops_than_lines_can_be_reached() -> None:
    many = [(f"10.0.0.{n}", float(n)) for n in range(1, 31)]
    async with watching(FakeSource(path(3, hops=many)), size=(80, 16)) as watch:
        assert "10.0.0.29" not in watch.text("#hops")
        await watch.press("ctrl+end")
        await watch.pilot.pause(0.1)
        text = watch.text("#hops")
        assert "10.0.0.30" in text
        assert "Loss%" in text.splitlines()[0], "the titles stay"
        await watch.press("enter")
        await watch.pilot.pause(0.1)
        assert "10.0.0.30" in watch.text("#hops"), "the inspector does not hide its hop"
        await watch.press("ctrl+home")
        await watch.pilot.pause(0.1)
        assert "10.0.0.1 " in watch.text("#hops")


async def test_a_scroll_bar_hides_nothing() -> None:
    many = [(f"10.0.0.{n}", float(n)) for n in range(1, 31)]
    async with watching(FakeSource(path(3, hops=many)), size=(80, 16)) as watch:
        await watch.press("ctrl+end")
        await watch.pilot.pause(0.2)
        assert any("10.0.0.30" in line and "[open]" in line for line in watch.screen_lines)


async def test_the_table_follows_the_width() -> None:
    async with watching(size=(200, 40)) as watch:
        wide = watch.text("#hops").splitlines()[0]
        await watch.pilot.resize_terminal(60, 20)
        await watch.pilot.pause(0.2)
        narrow = watch.text("#hops").splitlines()[0]
        assert "Recent" in wide
        assert "Recent" not in narrow
        assert {"Host", "Loss%", "Last", "Avg±SD"} <= set(narrow.split())


async def test_a_session_without_hops_is_drawn() -> None:
    async with watching() as watch:
        empty: Snapshot = replace(seen(watch), run=replace(seen(watch).run, hops=()))
        watch.app.live.snapshot = empty
        await watch.press("down", "enter", "y", "ctrl+end")
        assert watch.app.failure is None


def test_the_made_up_path_is_what_the_tests_think() -> None:
    snapshot = folded(path(5))
    assert [hop.ttl for hop in snapshot.run.hops] == list(range(1, len(HOPS) + 1))
    assert snapshot.run.hops[-1].is_target


async def test_the_selected_hop_stays_in_sight_when_lines_come_in_above_it() -> None:
    many = [(f"10.0.0.{n}", float(n)) for n in range(1, 19)]
    async with watching(FakeSource(path(3, hops=many)), size=(80, 24)) as watch:
        await watch.press("ctrl+end")
        assert "10.0.0.18" in watch.text("#hops")
        others = [answer(900 + n, 2, f"198.51.100.{n}") for n in range(4)]
        watch.source.play(*(event for pair in others for event in pair))
        await watch.until(lambda: len(seen(watch).run.hops[1].responders) == 5)
        await watch.pilot.pause(0.1)
        assert "› 18 10.0.0.18" in watch.text("#hops").replace("›18", "› 18")
        assert watch.app.live.table.vertical_scrollbar.position == watch.app.live.table.scroll_y


async def test_a_bar_that_appears_shows_where_the_table_is() -> None:
    many = [(f"10.0.0.{n}", float(n)) for n in range(1, 19)]
    async with watching(FakeSource(path(3, hops=many)), size=(80, 24)) as watch:
        table = watch.app.live.table
        await watch.press("ctrl+end", "enter")
        await watch.until(lambda: table.show_vertical_scrollbar)
        assert table.scroll_y > 0
        assert table.vertical_scrollbar.position == table.scroll_y


@pytest.mark.parametrize("size", [(40, 10), (80, 12), (80, 24), (120, 30)])
async def test_the_inspector_leaves_the_selected_row_and_the_keys(size: tuple[int, int]) -> None:
    async with watching(size=size) as watch:
        others = [answer(900 + n, 4, f"198.51.100.{n + 20}") for n in range(4)]
        watch.source.play(*(event for pair in others for event in pair))
        await watch.press("ctrl+home", "down", "down", "down", "enter")
        await watch.pilot.pause(0.2)
        live = watch.app.live
        shown = watch.screen_lines
        assert any(line.startswith("› 4 ") for line in shown)
        assert any("hop 4" in line for line in shown)
        assert "? help" in shown[-1]
        assert live.query_one("#inspector").size.height == min(10, size[1] - 6)
