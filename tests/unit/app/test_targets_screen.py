"""Several targets in the live view: the overview, and going from one to the next."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.helpers.app.app_driver import Watch, refuse
from tests.helpers.app.fake_source import FakeSource, began, path, switches
from tests.helpers.generated_sessions import World, bernoulli, deal, routers
from tests.helpers.hostile_text import EVIL
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.app.render.target_lines import TargetRow, target_lines
from tui_trace.app.screens.targets_screen import TargetsScreen
from tui_trace.app.targets import TargetSource
from tui_trace.core import events as ev
from tui_trace.core.cell_width import cell_width
from tui_trace.core.settings import Pace, Protocol
from tui_trace.core.stream import SetPace, Switch
from tui_trace.session.fold import Session

HOSTS = ("one.example", "two.example", "three.example")


def source_of(host: str, hops: int) -> FakeSource:
    script = list(path(hops))
    return FakeSource([began(host) if isinstance(e, ev.SessionBegan) else e for e in script])


@asynccontextmanager
async def several() -> AsyncIterator[tuple[Watch, list[FakeSource]]]:
    sources = [source_of(host, hops) for host, hops in zip(HOSTS, (3, 4, 5), strict=True)]
    settings = switches().current
    others = [
        TargetSource(host, source, settings, refuse)
        for host, source in zip(HOSTS[1:], sources[1:], strict=True)
    ]
    app = TraceApp(refuse, sources[0], switches(), Pace(), Config(), host=HOSTS[0], others=others)
    async with app.run_test(size=(100, 30)) as pilot:
        watch = Watch(app, sources[0], pilot)
        await watch.until(lambda: all(row.snapshot is not None for row in app.rows()))
        await pilot.pause(0.1)
        yield watch, sources
    for source in sources:
        source.stop()


def text(watch: Watch) -> str:
    return "\n".join(watch.screen_lines)


async def test_it_begins_with_the_overview_and_enter_opens_one() -> None:
    async with several() as (watch, _):
        assert isinstance(watch.app.screen, TargetsScreen)
        await watch.until(lambda: all(host in text(watch) for host in HOSTS))
        await watch.press("down", "enter")
        assert not isinstance(watch.app.screen, TargetsScreen)
        await watch.until(lambda: "two.example" in watch.text("#heading"))


async def test_tab_goes_on_and_back_and_keys_act_on_that_target_only() -> None:
    async with several() as (watch, sources):
        await watch.press("escape", "tab")
        await watch.until(lambda: "two.example" in watch.text("#heading"))
        await watch.press("u")
        switched = [[c for c in one.commands if isinstance(c, Switch)] for one in sources]
        assert [len(each) for each in switched] == [0, 1, 0]
        await watch.press("tab", "tab")
        await watch.until(lambda: "one.example" in watch.text("#heading"))
        await watch.press("shift+tab")
        await watch.until(lambda: "three.example" in watch.text("#heading"))


async def test_keys_of_the_overview_act_on_all() -> None:
    async with several() as (watch, sources):
        await watch.press("u")
        for source in sources:
            switch = next(one for one in source.commands if isinstance(one, Switch))
            assert switch.settings.protocol is Protocol.UDP
        assert "3 of 3 changed" in text(watch)
        await watch.press("U")
        for source in sources:
            assert isinstance(switch := source.commands[-1], Switch)
            assert switch.settings.protocol is Protocol.QUIC


async def test_a_pause_of_all_leaves_none_going() -> None:
    async with several() as (watch, sources):
        await watch.press("escape", "p")
        await watch.press("T", "p")
        paused = [[c.pace.paused for c in s.commands if isinstance(c, SetPace)] for s in sources]
        assert paused == [[True], [True], [True]]
        assert "2 of 3 changed" in text(watch)
        await watch.press("p")
        paused = [[c.pace.paused for c in s.commands if isinstance(c, SetPace)] for s in sources]
        assert [each[-1] for each in paused] == [False, False, False]


async def test_a_protocol_without_ports_takes_one_target() -> None:
    async with several() as (watch, sources):
        await watch.press("escape")
        await watch.app.live.run_action("ask('protocol')")
        assert watch.prompt.question is None
        assert "take one target" in watch.text("#keys")
        assert not any(isinstance(c, Switch) for source in sources for c in source.commands)


@pytest.mark.parametrize(
    ("drops", "counts"), [(1.0, "1 target · 1 suffers · 0 are fine"), (0.0, "0 suffer · 1 is fine")]
)
def test_each_target_is_counted_once(drops: float, counts: str) -> None:
    nodes = routers(4)
    nodes[2].drops = bernoulli(drops)
    session = Session()
    for event in deal(World.of(nodes), 60, 1):
        session.apply(event)
    (first, *_) = target_lines([TargetRow(0, "a", session.snapshot())], 100, 0)
    assert counts in "".join(part for part, _ in first)


async def test_the_filter_shows_some_and_escape_leaves_it_first() -> None:
    async with several() as (watch, _):
        await watch.press("slash", *"thr")
        await watch.until(lambda: "two.example" not in text(watch))
        assert "three.example" in text(watch)
        await watch.press("escape")
        assert isinstance(watch.app.screen, TargetsScreen)
        await watch.press("slash", "ctrl+u", "z", "q")
        await watch.until(lambda: "no target contains 'zq'" in text(watch))


@pytest.mark.parametrize("width", [40, 80, 120, 200])
async def test_hostile_names_are_harmless_at_any_width(width: int) -> None:
    rows = [TargetRow(n, name, None, name if n % 2 else None) for n, name in enumerate(EVIL)]
    for line in target_lines(rows, width, 0):
        shown = "".join(part for part, _ in line)
        assert shown.isprintable()
        assert cell_width(shown) <= width


async def test_pace_flags_and_ttls_of_all() -> None:
    async with several() as (watch, sources):
        await watch.press("plus")
        assert "every 2 s: 3 of 3 changed" in text(watch)
        await watch.press("A")
        assert "TCP flags ack: 3 of 3 changed" in text(watch)
        await watch.press("m")
        await watch.type("99999999999999999999")
        assert "--max-ttl takes 1 to 255" in text(watch)
        await watch.type("9")
        for source in sources:
            pace = [one.pace for one in source.commands if isinstance(one, SetPace)][-1]
            assert (pace.interval, pace.max_ttl) == (2_000_000_000, 9)
        await watch.press("x")
        assert "find ways: of one target only · Enter shows the selected one" in text(watch)
