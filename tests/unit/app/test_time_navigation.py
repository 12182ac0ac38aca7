"""Back in time, recordings played, files written: over real recordings."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from textual.widgets import Input

from tests.helpers.app.app_driver import Watch, recorded, refuse, seen, watching
from tests.helpers.app.fake_source import FakeSource, folded, path, switches
from tests.helpers.app.scripts import moved
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.app.control.export import ENDINGS, proposed
from tui_trace.app.control.history import next_moment
from tui_trace.app.messages import PastFetched
from tui_trace.app.render.styled_text import plain
from tui_trace.app.render.timeline_bar import timeline_bar
from tui_trace.core import events as ev
from tui_trace.core.durations import format_duration
from tui_trace.core.settings import NS_PER_S, Pace
from tui_trace.recording import Playback, Recording
from tui_trace.session.snapshot import Bucket, MomentKind, Timeline, TimelineMoment

pytestmark = pytest.mark.slow


async def test_left_goes_back_while_probing_goes_on(tmp_path: Path) -> None:
    async with recorded(tmp_path) as watch:
        end = seen(watch).at // NS_PER_S
        await watch.press("left", "left", "left")
        await watch.until(lambda: seen(watch).at // NS_PER_S == end - 3)
        assert f"◀ {format_duration(seen(watch).at)} · l live" in watch.text("#heading")
        assert watch.app.live.query_one("#timestrip").display
        before = watch.text("#hops")
        watch.source.play(ev.Notice(at=90 * NS_PER_S, text="something new"))
        await watch.until(lambda: watch.app.last_snapshot.at == 90 * NS_PER_S)
        await watch.pilot.pause(0.1)
        assert watch.text("#hops") == before, "the past does not change"
        assert "something new" not in watch.text("#heading")
        await watch.press("l")
        assert "something new" in watch.text("#heading")
        assert "● live" in watch.text("#heading")
        assert not watch.app.live.query_one("#timestrip").display


async def test_of_moments_that_come_too_fast_the_newest_counts(tmp_path: Path) -> None:
    async with recorded(tmp_path) as watch:
        await watch.press("left")
        await watch.until(lambda: "◀" in watch.text("#heading"))
        now, app, taken = seen(watch), watch.app, []
        app.live.show_past_snapshot = taken.append
        moments = [replace(now, at=number * NS_PER_S) for number in range(5)]
        for found in (*moments[:3], "a line to be read", *moments[3:]):
            app.post_message(PastFetched(found))
        await watch.until(lambda: moments[-1] in taken)
        assert len(taken) < 3, "at most one before the line and one after it"
        assert "a line to be read" in watch.text("#keys")


async def test_right_comes_back_to_the_present(tmp_path: Path) -> None:
    async with recorded(tmp_path) as watch:
        await watch.press("left", "left")
        await watch.until(lambda: "◀" in watch.text("#heading"))
        await watch.press("right", "right")
        await watch.until(lambda: "● live" in watch.text("#heading"))


async def test_brackets_go_from_change_to_change(tmp_path: Path) -> None:
    async with recorded(tmp_path) as watch:
        assert any("192.0.2.77" in line for line in watch.text("#hops").splitlines())
        await watch.press("[")
        await watch.until(lambda: seen(watch).at // NS_PER_S == 30)
        assert "◀ 0:30" in watch.text("#heading")
        assert "path B since 0:30" in watch.text("#heading"), "though it was told only later"
        await watch.press("[")
        await watch.until(lambda: seen(watch).at // NS_PER_S == 0)
        await watch.press("[")
        assert "no earlier change" in watch.text("#keys")
        await watch.press("]")
        await watch.until(lambda: seen(watch).at // NS_PER_S == 30)
        await watch.press("]")
        assert "no later change" in watch.text("#keys")


async def test_without_a_recording_there_is_no_past() -> None:
    async with watching() as watch:
        await watch.press("left")
        assert "this session is not recorded" in watch.text("#keys")
        assert "● live" in watch.text("#heading")


async def test_a_recording_is_played_paused_sped_up_and_sought(tmp_path: Path) -> None:
    async with recorded(tmp_path):
        pass
    with Recording(tmp_path / "one.session") as recording:
        playback = Playback(recording)
        app = TraceApp(refuse, playback, switches(), Pace(), Config())
        async with app.run_test(size=(100, 30)) as pilot:
            watch = Watch(app, FakeSource(), pilot)
            await watch.until(lambda: app.live.snapshot and app.history.whole)
            await watch.press("p")
            assert playback.paused
            assert "‖ replay" in watch.text("#heading")
            await watch.press("]")
            await watch.until(lambda: seen(watch).at // NS_PER_S == 30)
            await watch.press("left")
            await watch.until(lambda: seen(watch).at // NS_PER_S == 29)
            await watch.press("l")
            await watch.until(lambda: seen(watch).at == recording.end)
            await watch.press("[")
            await watch.until(lambda: seen(watch).at // NS_PER_S == 30)
            await watch.press("p", "plus", "plus")
            assert not playback.paused
            assert playback.speed == 4
            assert "▶ replay 4×" in watch.text("#heading")
            await watch.press("minus")
            assert playback.speed == 2
            assert app.live.query_one("#timestrip").display
            await watch.press("q")


@given(
    st.lists(
        st.builds(
            Bucket,
            st.sampled_from(["", "A", "B", "AA"]),
            st.integers(0, 9),
            st.integers(0, 3),
            st.integers(0, 10**11),
        ),
        max_size=600,
    ),
    st.lists(st.tuples(st.integers(-5, 10**13), st.sampled_from(MomentKind)), max_size=20),
    st.integers(0, 10**13),
    st.integers(1, 250),
)
def test_a_timeline_fits_any_width(
    buckets: list[Bucket], moments: list[tuple[int, MomentKind]], at: int, width: int
) -> None:
    happened = tuple(TimelineMoment(when, what, "said \x1b[31m 漢字") for when, what in moments)
    end = len(buckets) * NS_PER_S
    lines = timeline_bar(
        Timeline(NS_PER_S, tuple(buckets), happened), at, width, end, keys="← → keys", clock=str
    )
    assert len(lines) == 2
    for line in lines:
        assert cell_len("".join(text for text, _ in line)) <= width
        assert "\x1b" not in plain(line)


def test_a_timeline_shows_paths_losses_and_where_we_are() -> None:
    timeline = folded(moved()).timeline
    line, told = timeline_bar(
        timeline, 30 * NS_PER_S, 100, 49 * NS_PER_S, keys="", clock=lambda _: "14:13:50"
    )
    assert plain(told).strip() == "0:30 14:13:50 path B"
    shown = plain(line)
    assert shown.startswith(" 0:00 A")
    assert shown.index("B") - shown.index("A") == 30
    assert line[2][0] == "B", "the moment stands out"
    lost = Timeline(NS_PER_S, (Bucket("A", 1, 0, 5), Bucket("A", 0, 1, 0)), ())
    assert plain(timeline_bar(lost, 0, 40, 2 * NS_PER_S, keys="", clock=str)[0]).startswith(
        " 0:00 A×"
    )


def test_the_next_moment() -> None:
    moments = tuple(TimelineMoment(at, MomentKind.PATH, "") for at in (1, 5, 9))
    timeline = Timeline(NS_PER_S, (), moments)
    assert next_moment(timeline, 5, 1) == 9
    assert next_moment(timeline, 5, -1) == 1
    assert next_moment(timeline, 9, 1) is None
    assert next_moment(timeline, 0, -1) is None


async def enter(watch: Watch, text: str) -> None:
    """As if pasted: a path is long to type."""
    watch.app.live.query_one("#prompt-value", Input).value = text
    await watch.press("enter")


@pytest.mark.parametrize("ending", ENDINGS)
async def test_e_writes_what_the_ending_says(tmp_path: Path, ending: str) -> None:
    async with recorded(tmp_path) as watch:
        file = tmp_path / f"out{ending}"
        await watch.press("e")
        assert watch.app.live.query_one("#prompt-value").value.endswith(".svg")
        await enter(watch, str(file))
        await watch.until(lambda: "written: " in watch.text("#keys"))
        text = file.read_text()
        if ending == ".jsonl":
            events = [ev.decode_event(line) for line in text.splitlines()]
            assert folded(events).run.hops == watch.app.last_snapshot.run.hops
        elif ending == ".json":
            assert json.loads(text)["report"]["mtr"]["dst"] == "example.com"
        else:
            assert "203.0.113.80" in text
        if ending == ".svg":
            assert "Write to file" not in text, "the view as it was before the key"


async def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("mine")
    async with watching() as watch:
        for name, says in (
            (tmp_path / "there.md", "file exists"),
            (tmp_path / "no" / "where.md", "No such file or directory"),
            (tmp_path / "what.pdf", "file extension selects the format"),
            (tmp_path / "out.jsonl", "this session is not recorded"),
        ):
            await watch.press("e")
            await enter(watch, str(name))
            await watch.until(lambda says=says: says in watch.text("#prompt-says"))
            await watch.press("escape")
    assert (tmp_path / "there.md").read_text() == "mine"


def test_a_proposed_name_is_harmless() -> None:
    snapshot = folded([ev.SessionBegan(0, 0, "../../etc/\x1b[31m x", "", 4, "", ""), *path(1)][:1])
    name = proposed(snapshot)
    assert "/" not in name
    assert name.isprintable()
    assert not name.startswith(".")


@pytest.mark.parametrize("key", ["t", "u", "i", "F", "A", "r", "plus", "minus", "p", "x"])
async def test_a_key_of_the_probe_is_about_the_present(tmp_path: Path, key: str) -> None:
    async with recorded(tmp_path) as watch:
        await watch.press("left", "left")
        await watch.until(lambda: "◀" in watch.text("#heading"))
        await watch.press(key)
        await watch.until(lambda: "◀" not in watch.text("#heading"))
        assert not watch.app.live.query_one("#timestrip").display


@pytest.mark.parametrize("key", ["P", "Q", "S", "f", "m"])
async def test_a_value_is_asked_for_in_sight_of_the_present(tmp_path: Path, key: str) -> None:
    async with recorded(tmp_path) as watch:
        await watch.press("left", "left")
        await watch.until(lambda: "◀" in watch.text("#heading"))
        await watch.press(key)
        assert watch.prompt.display
        await watch.until(lambda: "● live" in watch.text("#heading"))


@pytest.mark.parametrize("keys", ["n", "z", "d", "o escape", "c escape", "H escape", "enter", "N"])
async def test_a_key_of_the_view_stays_in_the_past(tmp_path: Path, keys: str) -> None:
    async with recorded(tmp_path) as watch:
        await watch.press("left", "left")
        await watch.until(lambda: "◀" in watch.text("#heading"))
        await watch.press(*keys.split())
        assert "◀" in watch.text("#heading")
