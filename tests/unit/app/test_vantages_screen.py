"""One target from several vantages in the live view: the merged table, and keys for all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.structs import replace

from tests.helpers.app.app_driver import Watch
from tests.helpers.app.fake_source import FakeSource, began, path, switches
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.app.screens.vantages_screen import VantagesScreen
from tui_trace.app.targets import TargetSource
from tui_trace.core import events as ev
from tui_trace.core.settings import Pace, Protocol
from tui_trace.core.stream import SetPace, Switch

NAMES = ("", "edge1", "edge2")


def source_of(vantage: str, hops: int) -> FakeSource:
    first = replace(began("target.example"), vantage=vantage)
    script = [first if isinstance(e, ev.SessionBegan) else e for e in path(hops)]
    return FakeSource(script)


@asynccontextmanager
async def vantages(reverse: bool = False) -> AsyncIterator[tuple[Watch, list[FakeSource]]]:
    names = NAMES[:2] if reverse else NAMES
    sources = [source_of(name, hops) for name, hops in zip(names, (5, 4, 5), strict=False)]
    made: list[FakeSource] = []

    def open_source(*_: object) -> FakeSource:
        made.append(FakeSource(list(path(2))))
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
