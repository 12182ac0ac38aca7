"""The keys of the probe act in every screen that shows measurements, and what changed is said."""

import pytest
from textual import events

from tests.helpers.app.app_driver import Watch, recorded, replayed, watching
from tests.helpers.app.fake_source import switches
from tui_trace.app.config import Config
from tui_trace.app.screens.chart_screen import ChartScreen
from tui_trace.app.screens.compare_screen import CompareScreen
from tui_trace.app.screens.diagnosis_screen import DiagnosisScreen
from tui_trace.app.screens.findings_screen import FindingsScreen
from tui_trace.app.screens.help_screen import HelpScreen
from tui_trace.app.screens.over_live import OverLive
from tui_trace.app.screens.path_screen import PathScreen
from tui_trace.app.screens.ways_screen import WaysScreen
from tui_trace.core.settings import NS_PER_S, Protocol, TcpFlags
from tui_trace.core.stream import FindWays, Reset

pytestmark = pytest.mark.slow

SCREENS = {
    "g": ChartScreen,
    "H": PathScreen,
    "c": CompareScreen,
    "G": WaysScreen,
    "V": FindingsScreen,
    "D": DiagnosisScreen,
}
every_screen = pytest.mark.parametrize("key", SCREENS)


async def opened(watch: Watch, key: str) -> OverLive:
    await watch.press(key)
    screen = watch.app.screen
    assert isinstance(screen, SCREENS[key])
    return screen


def said(watch: Watch) -> str:
    """The last lines of the terminal: a long message takes two."""
    return " ".join(line.strip() for line in watch.screen_lines[-2:])


@every_screen
async def test_a_key_switches_and_what_changed_is_said(key: str) -> None:
    async with watching() as watch:
        screen = await opened(watch, key)
        await watch.press("u")
        assert [one.protocol for one in watch.settings] == [Protocol.UDP]
        await watch.until(lambda: "UDP port 33434 · TOS 0" in said(watch))
        assert "now; run" in said(watch)
        await watch.press("A")
        await watch.until(lambda: "UDP has no TCP flags" in said(watch))
        await watch.press("t", "A", "F")
        assert watch.settings[-2].tcp_flags is TcpFlags.ACK
        assert watch.settings[-1].df
        await watch.until(lambda: "DF on" in said(watch))
        await watch.press("r")
        assert watch.source.commands[-1] == Reset()
        assert watch.app.screen is screen


@every_screen
async def test_a_prompt_opens_there_and_takes_what_is_typed_ahead(key: str) -> None:
    async with watching() as watch:
        screen = await opened(watch, key)
        watch.app.post_message(events.Key("S", "S"))
        watch.app.post_message(events.Key("ctrl+u", None))
        for letter in "1400":
            watch.app.post_message(events.Key(letter, letter))
        await watch.until(lambda: "1400" in watch.screen_lines[-1])
        assert any("Packet size in bytes" in line for line in watch.screen_lines)
        assert watch.app.live.prompt.screen is screen
        await watch.press("enter")
        assert [one.size for one in watch.settings] == [1400]
        await watch.until(lambda: "1400 bytes now; run" in said(watch))
        await watch.press("P")
        await watch.type("70000")
        assert "--port takes a port" in watch.screen_lines[-2]
        assert len(watch.settings) == 1
        await watch.press("escape")
        assert watch.app.screen is screen
        assert watch.app.live.prompt.question is None
        await watch.press("escape")
        assert watch.app.screen is watch.app.live
        assert "TCP" in watch.text("#keys"), "the keys of the table are there again"


@every_screen
async def test_the_pace_changes_there(key: str) -> None:
    async with watching() as watch:
        await opened(watch, key)
        await watch.press("plus")
        await watch.until(lambda: "every 2 s now" in said(watch))
        await watch.press("p")
        await watch.until(lambda: "paused" in said(watch))
        assert [pace.interval / NS_PER_S for pace in watch.paces] == [2, 2]
        await watch.press("p")
        await watch.until(lambda: "probing goes on" in said(watch))
        await watch.press("m")
        await watch.type("12")
        await watch.until(lambda: "TTL 1–12 now" in said(watch))
        assert watch.paces[-1].max_ttl == 12


async def test_a_warning_stands_beside_what_changed() -> None:
    async with watching(chosen=switches(Protocol.ICMP, 0)) as watch:
        await opened(watch, "H")
        await watch.press("S")
        await watch.type("20")
        await watch.until(lambda: "packet size raised" in said(watch))


async def test_settings_that_come_back_are_told_as_that_and_so_is_a_reset() -> None:
    async with watching() as watch:
        await opened(watch, "H")
        await watch.press("r")
        await watch.press("u")
        await watch.until(lambda: "UDP port 33434" in said(watch))
        assert "run" in said(watch)


@pytest.mark.parametrize("key", [key for key in SCREENS if key != "D"])
async def test_a_recording_is_not_probed(tmp_path, key: str) -> None:
    async with recorded(tmp_path) as watch:
        pass
    async with replayed(tmp_path / "one.session") as (watch, playback):
        await opened(watch, key)
        for pressed in ("t", "P", "r", "x", "m"):
            await watch.press(pressed)
            assert "replay: probe settings cannot be changed" in said(watch)
            assert watch.app.live.prompt.question is None
        speed = playback.speed
        await watch.press("plus")
        assert playback.speed > speed


async def test_ways_are_sought_from_the_charts() -> None:
    async with watching() as watch:
        await opened(watch, "g")
        await watch.press("x")
        assert isinstance(watch.source.commands[-1], FindWays)
        assert "finding every way" in said(watch)


async def test_the_help_changes_nothing_and_says_where_keys_act() -> None:
    async with watching() as watch:
        await opened(watch, "H")
        await watch.press("question_mark")
        assert isinstance(watch.app.screen, HelpScreen)
        await watch.press("t", "u")
        assert "a key of the table" in said(watch)
        assert watch.source.commands == []
        await watch.press("escape")
        assert isinstance(watch.app.screen, PathScreen)


async def test_a_key_that_does_nothing_there_says_so() -> None:
    async with watching() as watch:
        await opened(watch, "H")
        await watch.press("g")
        assert "charts: a key of the table · Escape leads there" in said(watch)


async def test_keys_of_the_config_hold_there_too() -> None:
    config = Config(keymap={"probe.udp": "k"})
    async with watching(config=config) as watch:
        await opened(watch, "H")
        await watch.press("u")
        assert watch.settings == []
        await watch.press("k")
        assert [one.protocol for one in watch.settings] == [Protocol.UDP]


async def test_a_prompt_that_waits_is_left_with_its_screen() -> None:
    """The palette opens any prompt over any screen; its answer may come when that is gone."""
    async with watching() as watch:
        await opened(watch, "H")
        await watch.app.live.run_action("ask('target')")
        assert watch.app.live.prompt.screen is watch.app.screen
        await watch.press("escape", "escape")
        assert watch.app.live.prompt.screen is watch.app.live
        await watch.press("S")
        assert watch.app.live.prompt.question == "size"
