"""`x`, `W` and `G`: ways are found and watched, drawn, selected, pinned and copied."""

import random

import pytest

from tests.helpers.app.app_driver import Watch, watching
from tests.helpers.app.fake_source import FakeSource, path
from tests.helpers.dealt_ways import UDP, searched, watched_events
from tui_trace.app.screens.ways_screen import WaysScreen
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S
from tui_trace.core.stream import FindWays, StopWays, Switch, WatchWays

AFTER = 10 * NS_PER_S


def later(events: list[ev.Event]) -> list[ev.Event]:
    """Events of ways, behind those of a session that has one run already."""
    kept = [one for one in events if not isinstance(one, ev.SessionBegan)]
    known = [one for one in kept if getattr(one, "run", 0) != 1 or isinstance(one, ev.RoundBegan)]
    return [ev.at_time(one, one.at + AFTER) for one in known]


def text(watch: Watch) -> str:
    return "\n".join(watch.screen_lines)


def last_command(watch: Watch, kind: type) -> object:
    return [one for one in watch.source.commands if isinstance(one, kind)][-1]


async def find(watch: Watch, ways: int) -> None:
    """Press `x`, and have so many ways be found."""
    await watch.press("x")
    assert last_command(watch, FindWays)
    assert "finding every way" in watch.text("#keys")
    watch.source.play(*later(list(searched(ways))))
    await watch.until(lambda: f"{ways} ways at hop 2" in watch.text("#keys"))


@pytest.mark.parametrize("width", [80, 120])
async def test_ways_are_found_drawn_and_watched(width: int) -> None:
    async with watching(FakeSource(path(5)), size=(width, 30)) as watch:
        await watch.press("W")
        assert "x finds them" in watch.text("#keys")
        await find(watch, 8)
        await watch.press("G")
        assert isinstance(watch.app.screen, WaysScreen)
        shown = text(watch)
        assert "8 ways at hop 2 (95 % sure: 24 flows)" in shown
        assert "hop 2: 8 ways from 192.0.2.1 to 192.0.2.3" in shown
        assert all(f"198.51.100.{number}" in shown for number in range(1, 9))
        assert "┬ 198.51.100.1" in shown
        assert "└ 198.51.100.8" in shown
        await watch.press("W")
        watch_ways = last_command(watch, WatchWays)
        assert watch_ways == WatchWays(UDP, tuple(range(8)), 4)
        lost = lambda number, flow, _: flow == 2 and number > 3  # noqa: E731
        watch.source.play(*later(list(watched_events(8, 20, lost, random.Random(1)))))
        await watch.until(lambda: "1 of 8 ways at hop 2 loses everything" in text(watch))
        assert "8 ways from 192.0.2.1 to 192.0.2.3, 1 bad" in text(watch)
        (bad,) = [line for line in watch.screen_lines if "198.51.100.3 " in line and "%" in line]
        assert bad.startswith("! 40002") or bad.startswith("!40002")
        assert "0.0%" in text(watch)
        await watch.press("W")
        assert last_command(watch, StopWays)


async def test_a_way_is_selected_pinned_and_copied() -> None:
    async with watching(FakeSource(path(5)), size=(100, 30)) as watch:
        await find(watch, 4)
        await watch.press("G")
        await watch.press("enter")
        assert "select a way first" in text(watch)
        await watch.press("down")
        await watch.press("down")
        (line,) = [line for line in watch.screen_lines if line.startswith("▶")]
        assert "40001" in line
        await watch.press("y")
        assert watch.app.clipboard.startswith("UDP ")
        assert ":40001 → " in watch.app.clipboard
        await watch.press("enter")
        switch = last_command(watch, Switch)
        assert switch.settings.source_port == 40_001
        await watch.press("escape")
        assert not isinstance(watch.app.screen, WaysScreen)


async def test_many_ways_are_folded_until_space_unfolds_them() -> None:
    async with watching(FakeSource(path(5)), size=(80, 30)) as watch:
        await find(watch, 16)
        await watch.press("G")
        assert "16 ways from 192.0.2.1 to 192.0.2.3 · space unfolds" in text(watch)
        assert "198.51.100.7" not in text(watch)
        await watch.press("space")
        assert "198.51.100.16" in text(watch)
        await watch.pilot.resize_terminal(80, 14)
        await watch.press("up")
        (line,) = [line for line in watch.screen_lines if line.startswith("▶")]
        assert "198.51.100.16" in line, "what is selected is in sight"


async def test_without_a_search_the_screen_says_how_to_begin() -> None:
    async with watching(FakeSource(path(5)), size=(80, 24)) as watch:
        await watch.press("G")
        assert "x finds every way" in text(watch)
        await watch.press("down")
        await watch.press("y")
        await watch.press("x")
        assert last_command(watch, FindWays)
