"""The screen of all recordings: by day and target, opened, attached to, filtered and deleted."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.helpers.app.app_driver import refuse
from tests.helpers.app.fake_source import switches
from tests.helpers.app.waiting import wait_until
from tests.helpers.generated_sessions import Node, World, between, deal, routers
from tests.helpers.hostile_text import EVIL
from tests.helpers.recordings.recording_builders import Kept, record, wait_for_events
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.app.render.recording_lines import RecordingRow, ordered_recordings, recording_lines
from tui_trace.app.render.styled_text import plain
from tui_trace.app.screens.sessions_screen import SessionsScreen
from tui_trace.app.sessions_app import RecordingChoice, SessionsApp
from tui_trace.app.widgets.styled_lines import StyledLines
from tui_trace.core import events as ev
from tui_trace.core.cell_width import cell_width
from tui_trace.core.settings import NS_PER_S, Pace
from tui_trace.recording import Playback, RecordedSource, Recording, SessionInfo
from tui_trace.recording.sessions import default_folder

DAY = 24 * 3600 * NS_PER_S
NOON = 1_772_625_600 * NS_PER_S
"""2026-03-04 12:00 UTC."""


def info(name: str, target: str, wall: int = NOON, **fields: object) -> SessionInfo:
    known = {
        "address": "203.0.113.80", "lab": "", "version": "0", "duration": 90 * NS_PER_S,
        "runs": 2, "events": 9, "ended": True, "running": False, "bytes": 25_000,
    }  # fmt: skip
    path = Path(f"/x/{name}.session")
    return SessionInfo(path=path, wall=wall, target=target, **(known | fields))


ROWS = [
    RecordingRow(0, info("c", "a.example"), ("down", "loss", "down")),
    RecordingRow(1, info("b", "b.example", NOON - DAY), ()),
    RecordingRow(2, info("a", "a.example", NOON - 2 * DAY, ended=False), None),
]


def lines_of(rows, width=100, selected=None, wanted="", **named) -> list[str]:
    return [
        plain(line).rstrip() for line in recording_lines(rows, width, selected, wanted, **named)
    ]


def test_by_day_and_by_target() -> None:
    by_day = lines_of(ROWS, selected=1)
    assert [line.split()[0] for line in by_day if line[1:3] == "20"] == [
        "2026-03-04",
        "2026-03-03",
        "2026-03-02",
    ]
    assert by_day[2].endswith("1:30    2   25 kB  3: 2 down, loss")
    assert by_day[4].startswith("▶ ")
    assert by_day[4].endswith("25 kB  none")
    assert by_day[6].endswith("25 kB  … (cut off)")
    by_target = lines_of(ROWS, by_target=True)
    assert [line for line in by_target if line.startswith(" a") or line.startswith(" b")] == [
        " a.example · 2, 50 kB",
        " b.example · 1, 25 kB",
    ]
    assert [row.place for row in ordered_recordings(ROWS, by_target=True)] == [0, 2, 1]


def test_a_filter_looks_into_names_targets_and_addresses() -> None:
    assert [row.place for row in ordered_recordings(ROWS, "B.EXAMPLE")] == [1]
    assert len(ordered_recordings(ROWS, "203.0.113")) == 3
    assert lines_of(ROWS, wanted="nowhere")[-1] == " no session contains 'nowhere'"


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_hostile_text_keeps_its_columns(width: int) -> None:
    evil = "".join(EVIL)
    rows = [RecordingRow(0, info("x", evil, lab=evil, address=evil), ("down",) * 3)]
    for by_target in (False, True):
        lines = [plain(line) for line in recording_lines(rows, width, 0, by_target=by_target)]
        assert len(lines) == 3
        assert all(text.isprintable() for text in lines)
        assert max(map(cell_width, lines)) <= max(width, 31)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The usual folder, with a quiet session of a and one of b with an outage, the newer one."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    place = default_folder()
    place.mkdir(parents=True)
    broken = routers(2)
    broken[-1] = Node("203.0.113.80", drops=between(10, 20, lambda _at, _rng: True))
    for name, nodes, wall in (("a", routers(2), NOON), ("b", broken, NOON + 3600 * NS_PER_S)):
        events = deal(World.of(nodes, wall=wall), 30, 1)
        named = [
            replace(event, target=f"{name}.example")
            if isinstance(event, ev.SessionBegan)
            else event
            for event in events
        ]
        record(named, place / f"{name}.session")
    return place


class Seen:
    """A running app."""

    def __init__(self, app: SessionsApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def text(self) -> str:
        shown = self.app.screen.query(StyledLines)
        lines = [one.render_line(y).text for one in shown for y in range(one.size.height)]
        return "\n".join(lines)

    async def until(self, wanted: str) -> None:
        await wait_until(self.pilot, lambda: wanted in self.text)


@asynccontextmanager
async def listing() -> AsyncIterator[Seen]:
    app = SessionsApp(Config())
    async with app.run_test(size=(110, 24)) as pilot:
        seen = Seen(app, pilot)
        yield seen
    app.close_catalog()


async def test_they_are_listed_with_their_episodes_and_enter_opens_one(folder: Path) -> None:
    async with listing() as seen:
        await seen.until("1: down")
        await seen.until("none")
        assert "2 sessions" in seen.text
        assert "at most 100 and 2048 MiB are kept" in seen.text
        await seen.pilot.press("down", "enter")
    assert seen.app.return_value == RecordingChoice(folder / "a.session", False)


async def test_c_opens_the_selected_session_at_its_end_to_be_compared(folder: Path) -> None:
    async with listing() as seen:
        await seen.until("none")
        await seen.pilot.press("down", "c")
    wanted = RecordingChoice(folder / "a.session", follow=True, compare=True)
    assert seen.app.return_value == wanted


@pytest.mark.usefixtures("folder")
async def test_what_is_over_is_not_attached_to_and_q_leaves() -> None:
    async with listing() as seen:
        await seen.until("1: down")
        await seen.pilot.press("a")
        await seen.until("this session is over")
        await seen.pilot.press("q")
    assert (seen.app.return_value, seen.app.return_code) == (None, 0)


async def test_only_y_deletes_and_only_what_was_asked_for(folder: Path) -> None:
    async with listing() as seen:
        await seen.until("1: down")
        await seen.pilot.press("d")
        await seen.until("delete b?")
        await seen.pilot.press("down", "y", "d", "s", "y")
        assert {path.name for path in folder.iterdir()} == {"a.session", "b.session"}
        await seen.pilot.press("d")
        await seen.until("delete a?")
        await seen.pilot.press("y")
        await seen.until("a is deleted")
        assert {path.name for path in folder.iterdir()} == {"b.session"}
        await seen.until("1 session, ")


async def test_a_session_that_runs_can_be_attached_to_and_is_not_deleted(folder: Path) -> None:
    over = threading.Event()

    class Running:
        def run(self, sink) -> None:
            sink.event(
                ev.SessionBegan(
                    at=0, wall=NOON + DAY, target="c.example", address="203.0.113.80",
                    family=4, source="", version="",
                )
            )  # fmt: skip
            assert over.wait(30)

        def command(self, command) -> None:
            raise AssertionError(command)

        def stop(self) -> None:
            over.set()

    source = RecordedSource(Running(), folder / "c.session")
    thread = threading.Thread(target=source.run, args=(Kept(),))
    thread.start()
    try:
        wait_for_events(folder / "c.session", 1)
        async with listing() as seen:
            await seen.until("● running")
            await seen.pilot.press("d", "y")
            await seen.until("c.session is in use")
            await seen.pilot.press("a")
        assert seen.app.return_value == RecordingChoice(folder / "c.session", True)
        assert (folder / "c.session").exists()
    finally:
        source.stop()
        thread.join(20)


async def test_a_filter_is_typed(folder: Path) -> None:
    async with listing() as seen:
        await seen.until("1: down")
        await seen.pilot.press("slash", *"a.ex", "enter", "enter")
    assert seen.app.return_value == RecordingChoice(folder / "a.session", False)


async def test_without_recordings_it_says_so(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with listing() as seen:
        await seen.until("no recorded sessions")
        await seen.pilot.press("enter", "a", "d", "y", "up", "down", "s", "q")
    assert seen.app.return_code == 0


async def test_a_session_that_is_opened_to_be_compared_asks_with_which(folder: Path) -> None:
    with Recording(folder / "a.session") as played:
        app = TraceApp(
            refuse, Playback(played, follow=True), switches(), Pace(), Config(), compare=True
        )
        async with app.run_test(size=(110, 30)) as pilot:
            await wait_until(pilot, lambda: isinstance(app.screen, SessionsScreen))
