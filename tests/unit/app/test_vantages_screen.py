"""One target from several vantages in the live view: the merged table, and keys for all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from tests.helpers.app.app_driver import Watch
from tests.helpers.app.fake_source import FakeSource, began, path, switches
from tests.helpers.generated_sessions import bernoulli
from tests.helpers.hostile_text import EVIL
from tests.helpers.vantage_sessions import session_from
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.app.render.styled_text import plain
from tui_trace.app.render.vantage_lines import VantageState, both_ways_lines, vantage_lines
from tui_trace.app.screens.vantages_screen import VantagesScreen
from tui_trace.app.targets import TargetSource
from tui_trace.core import events as ev
from tui_trace.core.cell_width import cell_width
from tui_trace.core.settings import Pace, Protocol
from tui_trace.core.stream import SetPace, Switch
from tui_trace.session.host_labels import LabelMode

NAMES = ("", "edge1", "edge2")


def source_of(vantage: str, hops: int, target: str = "target.example") -> FakeSource:
    first = replace(began(target), vantage=vantage)
    script = [first if isinstance(e, ev.SessionBegan) else e for e in path(hops)]
    return FakeSource(script)


@asynccontextmanager
async def vantages(reverse: bool = False) -> AsyncIterator[tuple[Watch, list[FakeSource]]]:
    names = NAMES[:2] if reverse else NAMES
    sources = [source_of(name, hops) for name, hops in zip(names, (5, 4, 5), strict=False)]
    made: list[FakeSource] = []

    def open_source(target: str, *_: object) -> FakeSource:
        made.append(source_of("", 2, target))
        return made[-1]

    settings = switches().current
    others = [
        TargetSource("target.example", source, settings, open_source, name)
        for name, source in zip(names[1:], sources[1:], strict=True)
    ]
    app = TraceApp(
        open_source,
        sources[0],
        switches(),
        Pace(),
        Config(),
        host="target.example",
        others=others,
        reverse=reverse,
    )
    async with app.run_test(size=(100, 30)) as pilot:
        watch = Watch(app, sources[0], pilot)
        await watch.until(lambda: all(row.snapshot is not None for row in app.rows()))
        await pilot.pause(0.1)
        yield watch, sources + made
    for source in sources + made:
        source.stop()


def text(watch: Watch) -> str:
    return "\n".join(watch.screen_lines)


async def test_it_begins_with_the_table_of_all_vantages_and_enter_opens_one() -> None:
    async with vantages() as (watch, _):
        assert isinstance(watch.app.screen, VantagesScreen)
        await watch.until(lambda: all(name in text(watch) for name in ("here", *NAMES)))
        await watch.press("right", "enter")
        assert not isinstance(watch.app.screen, VantagesScreen)
        await watch.press("v")
        assert isinstance(watch.app.screen, VantagesScreen)
        await watch.until(lambda: "▶edge1" in text(watch))


async def test_keys_and_prompts_act_on_all_vantages() -> None:
    async with vantages() as (watch, sources):
        await watch.press("u", "P")
        await watch.until(lambda: "Destination port" in text(watch))
        await watch.press(*["backspace"] * 5, *"99999", "enter")
        await watch.until(lambda: "65535" in text(watch))
        await watch.press(*["backspace"] * 5, *"53", "enter")
        for source in sources:
            switched = [one.settings for one in source.commands if isinstance(one, Switch)]
            assert [each.protocol for each in switched] == [Protocol.UDP, Protocol.UDP]
            assert switched[-1].port == 53
        await watch.press("p")
        for source in sources:
            assert any(isinstance(c, SetPace) and c.pace.paused for c in source.commands)
        await watch.press("right", "enter")
        assert not isinstance(watch.app.screen, VantagesScreen)


async def test_another_target_is_probed_from_all_vantages() -> None:
    async with vantages() as (watch, sources):
        await watch.press("escape", "slash")
        await watch.until(lambda: "New target" in text(watch))
        await watch.press("x", "enter")
        await watch.until(lambda: all(row.host.endswith("x") for row in watch.app.rows()))
        assert all(source.stopped.is_set() for source in sources[:3])
        await watch.press("v")
        await watch.until(lambda: isinstance(watch.app.screen, VantagesScreen))


async def test_there_and_back_stand_side_by_side_and_keep_their_targets() -> None:
    async with vantages(reverse=True) as (watch, sources):
        await watch.until(lambda: "There and back" in text(watch))
        await watch.until(lambda: "back: from edge1" in text(watch))
        await watch.press("escape", "slash")
        await watch.until(lambda: "New target" in text(watch))
        await watch.press("x", "enter")
        await watch.until(lambda: watch.app.rows()[0].host.endswith("x"))
        assert watch.app.rows()[1].host == "target.example"
        assert not sources[1].stopped.is_set()


def states(count: int) -> list[VantageState]:
    found = []
    for place in range(count):
        router = f"10.{place}.0.1"
        drops = {} if place else {router: bernoulli(0.5)}
        name = f"edge{place}"
        snapshot = session_from(name, (router, "10.99.0.1"), drops, seed=place)
        found.append(VantageState(place, name, snapshot))
    return found


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("count", [1, 2, 12])
def test_lines_fit_and_the_selected_vantage_is_in_sight(width: int, count: int) -> None:
    for selected in (0, count - 1):
        lines = vantage_lines(states(count), width, selected, LabelMode.NAME)
        if width >= 40:
            assert all(cell_width(plain(line)) <= width for line in lines)
        assert sum(f"▶edge{selected}" in plain(line) for line in lines) == 1


def test_what_is_lossy_from_one_vantage_alone_is_told_above_the_table() -> None:
    texts = [plain(line) for line in vantage_lines(states(2), 80, 0, LabelMode.NAME)]
    assert "from edge0" in texts[1]
    assert any("paths from edge0 and edge1 meet" in line for line in texts)


def test_a_vantage_that_failed_or_is_not_there_yet_says_so() -> None:
    broken: list[VantageState] = [
        VantageState(0, "", None),
        VantageState(1, EVIL[0], None, "no such host\x1b[31m"),
    ]
    for show in (vantage_lines, both_ways_lines):
        texts = [plain(line) for line in show(broken, 80, None, LabelMode.NAME)]
        assert "here: connecting …" in texts[0]
        assert "no such host" in texts[1]
        assert all(char.isprintable() for line in texts for char in line)


def test_both_ways_fit_into_a_narrow_terminal() -> None:
    one, other = states(2)
    texts = [plain(line) for line in both_ways_lines([one, other], 80, None, LabelMode.NAME)]
    assert any("hops there, 3 back" in line for line in texts)
    assert all(cell_width(line) <= 80 for line in texts)
