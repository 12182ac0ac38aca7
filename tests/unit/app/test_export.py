"""Files written while a session with several runs is watched."""

import json
from pathlib import Path

import pytest

from tests.helpers.app.app_driver import Watch, refuse
from tests.helpers.app.fake_source import FakeSource, folded, switches
from tests.helpers.recordings.recording_builders import record
from tests.helpers.run_scripts import switched
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.app.control.export import View, export
from tui_trace.core.events import SessionEnded
from tui_trace.core.settings import NS_PER_S, Pace
from tui_trace.recording import RecordedSource
from tui_trace.session.host_labels import LabelMode


def written(view: View, file: Path) -> str:
    export(view, str(file))
    return file.read_text()


def view_of(file: Path | None, at: int | None = None) -> View:
    snapshot = folded(event for event in switched() if at is None or event.at <= at)
    return View(snapshot, "", ("loss", "sent"), LabelMode.NAME, file)


async def test_every_run_gets_into_what_is_written(tmp_path: Path) -> None:
    file = tmp_path / "a.session"
    inner = FakeSource(switched())
    source = RecordedSource(inner, file)
    app = TraceApp(refuse, source, switches(), Pace(), Config())
    async with app.run_test(size=(100, 30)) as pilot:
        watch = Watch(app, inner, pilot)
        await watch.until(lambda: app.live.snapshot and app.live.snapshot.run.number == 3)
        for ending, says in (
            ("txt", "  run 1: ICMP echo"),
            ("md", "**Run 1: ICMP echo"),
            ("json", '"number": 2'),
        ):
            out = tmp_path / f"out.{ending}"
            await watch.until(lambda: source.path)
            await watch.press("e")
            app.live.query_one("#prompt-value").value = str(out)
            await watch.press("enter")
            await watch.until(lambda: "written: " in watch.text("#keys"))
            assert says in out.read_text().replace("\\", "")
    inner.stop()


@pytest.mark.parametrize("ending", ["txt", "md", "json"])
def test_what_is_of_the_past_has_the_runs_of_the_past(tmp_path: Path, ending: str) -> None:

    file = record([*switched(), SessionEnded(at=300 * NS_PER_S)], tmp_path / "a.session")
    now = written(view_of(file), tmp_path / f"now.{ending}")
    then = written(view_of(file, 70 * NS_PER_S), tmp_path / f"then.{ending}")
    if ending == "json":
        rounds = [
            json.loads(text)["report"]["tui_trace"]["runs"][2]["rounds"] for text in (now, then)
        ]
        assert rounds == [40, 11]
    else:
        assert "40 rounds" in now.replace("\\", "")
        assert "11 rounds" in then.replace("\\", "")
    first = written(view_of(file, 20 * NS_PER_S), tmp_path / f"first.{ending}")
    assert "un 1 of" not in first, "there was but one"


def test_without_a_recording_that_is_said(tmp_path: Path) -> None:
    for ending in ("txt", "md"):
        told = written(view_of(None), tmp_path / f"out.{ending}")
        assert "the others were not recorded" in told
    told = json.loads(written(view_of(None), tmp_path / "out.json"))["report"]["tui_trace"]
    assert told["runs"] is None
