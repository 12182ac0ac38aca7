"""A recording in the live view: its keys, its end, and notes on it."""

import sqlite3
from pathlib import Path

import pytest

from tests.helpers.app.app_driver import Watch, drawn, refuse, replayed, seen
from tests.helpers.app.fake_source import FakeSource, path, switches
from tests.helpers.app.scripts import moved
from tests.helpers.recordings.recording_builders import record, replayed_as
from tests.helpers.results import FOLDER
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.time_navigation import TimeNavigator
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, Pace
from tui_trace.recording import Playback, Recording
from tui_trace.results.temporary_recording import ResultPlayback, TemporaryRecording

pytestmark = pytest.mark.slow

REFUSED = {
    "w": "replay: the registry cannot be asked",
    "slash": "replay: the target cannot be changed",
}
RECORDED = "replay: probe settings cannot be changed"
"""What all other keys say."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    events = [*moved(), ev.SessionEnded(at=50 * NS_PER_S)]
    return record(events, tmp_path / "a.session")


@pytest.mark.parametrize("key", ["t", "u", "i", "F", "A", "r", "b", "x", "D", "w"])
async def test_a_key_of_the_probe_is_refused_in_passing(file: Path, key: str) -> None:
    chosen = switches()
    async with replayed(file, chosen=chosen) as (watch, playback):
        before = chosen.current
        await watch.press("down", key)
        assert REFUSED.get(key, RECORDED) in watch.text("#keys")
        await watch.pilot.pause(0.2)
        assert "replay: " not in watch.text("#heading")
        assert chosen.current == before
        assert playback.position == 0, "and stays where it is"


@pytest.mark.parametrize("key", ["P", "Q", "S", "f", "m", "slash"])
async def test_a_prompt_that_leads_nowhere_does_not_open(file: Path, key: str) -> None:
    async with replayed(file) as (watch, _):
        await watch.press(key)
        assert watch.app.live.prompt.question is None
        assert REFUSED.get(key, RECORDED) in watch.text("#keys")


async def test_the_notice_of_the_session_stays(tmp_path: Path) -> None:
    events = [*path(3), ev.Notice(at=3 * NS_PER_S, text="said then"), ev.SessionEnded(4 * NS_PER_S)]
    async with replayed(record(events, tmp_path / "a.session")) as (watch, playback):
        await watch.press("l")
        await watch.until(lambda: "said then" in watch.text("#heading"))
        await watch.press("t", "r")
        await watch.pilot.pause(0.2)
        assert "said then" in watch.text("#heading")
        assert playback.at_end


async def test_the_footer_has_the_keys_of_a_replay(file: Path) -> None:
    async with replayed(file) as (watch, _):
        shown = watch.text("#keys")
        for hint in ("space play", "+ faster", "- slower", "N note", "[ before", "] after"):
            assert hint in shown
        for hint in ("TCP", "UDP", "ICMP", "port", "reset"):
            assert hint not in shown
        assert shown.rstrip().endswith("q quit")


async def test_at_80_columns_too(file: Path) -> None:
    async with replayed(file, (80, 24)) as (watch, _):
        for hint in ("space play", "+ faster", "- slower", "N note", "[ before", "] after"):
            assert hint in watch.text("#keys")


async def test_its_end_is_said_and_space_plays_it_again(file: Path) -> None:
    async with replayed(file) as (watch, playback):
        playback.set_speed(1000.0)
        await watch.press("space")
        await watch.until(lambda: "■ end of 0:50" in watch.text("#heading"))
        assert "▶" not in watch.text("#heading")
        playback.set_speed(1.0)
        await watch.press("space")
        await watch.until(lambda: "▶ replay 1× of 0:50" in watch.text("#heading"))
        await watch.until(lambda: seen(watch).at < 10 * NS_PER_S)
        assert not playback.paused


async def test_the_speed_is_shown_while_it_stands_still(file: Path) -> None:
    async with replayed(file) as (watch, _):
        await watch.press("plus", "plus", "minus", "minus", "minus", "minus", "minus")
        assert "‖ replay 0.1× · 0:00 of 0:50" in watch.text("#heading")
        await watch.press("plus", "plus", "plus")
        assert "‖ replay 1× · 0:00 of 0:50" in watch.text("#heading")


async def test_heading_and_timeline_agree_on_the_end(file: Path) -> None:
    async with replayed(file) as (watch, _):
        assert "of 0:50" in watch.text("#heading")
        assert watch.text("#timestrip").splitlines()[0].rstrip().endswith(" 0:50")


def travelling(
    file: Path, at: int, speed: float, *, paused: bool
) -> tuple[TimeNavigator, Playback]:
    """Where the view is when a recording has come to `at` (ns)."""
    recording = Recording(file)
    playback = Playback(recording, speed=speed, start=at)
    playback.pause(paused)
    history = SessionHistory(playback, lambda _found: None)
    travel = TimeNavigator(lambda: history)
    travel.present = recording.snapshot(at)
    while history.whole is None:
        pass
    return travel, playback


@pytest.mark.parametrize(
    ("at", "speed", "paused", "there"),
    [
        (31.0, 1.0, True, 30),
        (31.0, 1.0, False, 0),
        (33.0, 1.0, False, 30),
        (33.0, 4.0, False, 0),
        (39.0, 4.0, False, 30),
        (30.0, 1.0, True, 0),
        (50.0, 1000.0, False, 30),
    ],
)
def test_going_back_while_it_plays_passes_over_what_was_only_just_passed(
    file: Path, at: float, speed: float, paused: bool, there: int
) -> None:
    travel, playback = travelling(file, round(at * NS_PER_S), speed, paused=paused)
    assert travel.change(-1) is None
    assert playback.position // NS_PER_S == there


def test_steps_that_come_faster_than_the_view_add_up(file: Path) -> None:
    travel, playback = travelling(file, 20 * NS_PER_S, 1.0, paused=False)
    for _ in range(7):
        assert travel.step(-1) is None
    assert playback.position == 13 * NS_PER_S


# --- notes


async def noting(watch: Watch, text: str) -> None:
    await watch.press("N")
    watch.app.live.query_one("#prompt-value").value = text
    await watch.press("enter")


async def test_a_note_is_seen_at_once_and_stands_in_every_report(file: Path) -> None:
    async with replayed(file) as (watch, playback):
        playback.seek(20 * NS_PER_S)
        await watch.until(lambda: seen(watch).at == 20 * NS_PER_S)
        await noting(watch, "the provider was called")
        await watch.until(lambda: "noted at 0:20" in watch.text("#keys"))
        await watch.until(lambda: "*" in watch.text("#timestrip"))
        assert "0:20 14:13:40 the provider was called" in watch.text("#timestrip")
        assert seen(watch).at == 20 * NS_PER_S
        await watch.press("right", "left_square_bracket")
        await watch.until(lambda: seen(watch).at == 20 * NS_PER_S)
    for option in ("-r", "-j", "--markdown", "--jsonl"):
        assert "the provider was called" in replayed_as(option, file)


async def test_a_note_that_cannot_be_kept_is_one_passing_line(file: Path) -> None:
    async with replayed(file) as (watch, _):
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await noting(watch, "mine")
        await watch.until(lambda: "note not saved: the file is in use" in watch.text("#keys"))
        other.close()
        assert "*" not in watch.text("#timestrip")
        await noting(watch, "mine")
        await watch.until(lambda: "*" in watch.text("#timestrip"))


async def test_a_report_of_mtr_is_shown_with_what_it_tells() -> None:
    with TemporaryRecording(str(FOLDER / "mtr.json")) as recording:
        playback = ResultPlayback(recording)
        app = TraceApp(refuse, playback, switches(), Pace(), Config())
        async with app.run_test(size=(120, 30)) as pilot:
            watch = Watch(app, FakeSource(), pilot)
            await watch.until(lambda: app.live.snapshot and len(app.live.snapshot.run.hops) == 4)
            await watch.until(lambda: drawn(watch))
            shown = "\n".join(strip.text for strip in drawn(watch))
            assert "198.18.4.2" in shown
            assert "100.0" in shown
            assert "no single RTTs" in (seen(watch).notice or "")
            # every screen stands it that there are no single probes
            for key in ("c", "V", "H", "g", "G", "p", "l", "d", "d", "down", "enter"):
                await watch.press(key)
                await watch.press("escape")
            playback.stop()
