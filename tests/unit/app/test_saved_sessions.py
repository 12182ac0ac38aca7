"""What is measured now beside another session: a recording, or results of another program."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from tests.helpers.app.app_driver import Watch, replayed, watching
from tests.helpers.app.fake_source import ADDRESS, HOPS, FakeSource, folded, path
from tests.helpers.hop_builders import hop_of, run_of
from tests.helpers.places import ROOT
from tests.helpers.recordings.recording_builders import record
from tests.helpers.results import FOLDER
from tests.unit.results.test_hostile_results import mutated
from tui_trace.app.control.run_choice import RunChoice, RunKey
from tui_trace.app.control.saved_sessions import (
    MOST_SESSIONS,
    SavedSession,
    SavedSessions,
    SessionFile,
    list_saved,
)
from tui_trace.app.render.comparison import comparison_lines
from tui_trace.app.render.saved_session_lines import saved_session_lines
from tui_trace.app.render.styled_text import plain
from tui_trace.app.screens import compare_screen
from tui_trace.app.screens.compare_screen import CompareScreen
from tui_trace.app.screens.sessions_screen import SessionsScreen
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, ProbeSettings
from tui_trace.core.stream import SourceError
from tui_trace.recording import sessions
from tui_trace.session.compare import compare_runs
from tui_trace.session.comparison_text import describe_comparison
from tui_trace.session.host_labels import HostLabels
from tui_trace.session.run_origin import Origin

NOW = folded(path(5))
SLOWER = (*HOPS[:5], (ADDRESS, 20.0))
RECORDED = ROOT / "tests" / "data" / "lab-path-change.session"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The usual folder of recordings, empty."""
    monkeypatch.setattr(compare_screen, "PAUSE", 0.05)
    monkeypatch.setattr(sessions, "default_folder", lambda: tmp_path)
    return tmp_path


def earlier(hours: float, rounds: int = 60, **began: str) -> Iterator[ev.Event]:
    """A session that began so many hours before `path`."""
    for event in path(rounds):
        if isinstance(event, ev.SessionBegan):
            wall = event.wall - int(hours * 3600 * NS_PER_S)
            yield replace(event, wall=wall, **began)
        else:
            yield event


def read(file: Path | str) -> tuple[SavedSession, ...]:
    return SessionFile(str(file)).read(NOW)


# --- the list


def test_the_same_target_comes_first_then_the_newest(folder: Path) -> None:
    record(list(earlier(3, target="db", address="198.51.100.7")), folder / "a.session")
    record(list(earlier(5)), folder / "b.session")
    record(list(earlier(4, address="203.0.113.81")), folder / "c.session")
    own = record(list(earlier(0)), folder / "own.session")
    (folder / "d.session").write_text("none")
    listed = list_saved(NOW, own)
    assert [one.info.path.stem for one in listed] == ["c", "b", "a"]
    assert {one.probe for one in listed} == {"TCP port 443"}
    lines = [plain(line) for line in saved_session_lines(listed, 80, 1)]
    assert [line[:1] for line in lines] == [" ", " ", "▶", " ", " "]
    assert [line for line in lines if "other targets" in line] == [lines[3]]
    assert all(len(line) <= 80 for line in lines)


# --- reading


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda file: file.name)
def test_results_of_every_format_stand_beside_this_session(file: Path) -> None:
    for saved in read(file):
        assert saved.runs
        now = run_of(1, [hop_of(1, [9, 9]), hop_of(2, [9] * 30, target=True)])
        told = compare_runs([saved.runs[0], now], [saved.origin, Origin("")])
        assert describe_comparison(told)
        shown = "\n".join(map(plain, comparison_lines(told, 120, HostLabels(saved.who))))
        assert ("sums only" in shown) == file.name.startswith("mtr")
        assert f"run {saved.runs[0].number}" in shown


def test_of_several_sessions_those_of_this_target_are_read() -> None:
    atlas = FOLDER / "atlas.json"
    (first,) = SessionFile(str(atlas)).read(replace(NOW, target="x", address="192.0.2.99"))
    assert first.origin.place == "RIPE Atlas probe 11", "the first, where none is of it"
    several = SessionFile(str(atlas)).read(replace(NOW, address="203.0.113.90"))
    assert [one.origin.place for one in several] == ["RIPE Atlas probe 13", "RIPE Atlas probe 14"]
    assert len(several) <= MOST_SESSIONS
    assert {one.origin.address for one in several} == {"203.0.113.90"}
    assert len({one.origin.name for one in several}) == 2, "the place tells them apart"


def test_a_recording_by_its_name_and_by_its_path(folder: Path, monkeypatch) -> None:
    record(list(earlier(24)), folder / "yesterday.session")
    monkeypatch.setenv("HOME", str(folder))
    for name in ("yesterday", "~/yesterday.session", str(folder / "yesterday.session")):
        (saved,) = read(name)
        assert saved.origin.began == NOW.wall - 24 * 3600 * NS_PER_S
        assert [run.number for run in saved.runs] == [1]
        assert saved.runs[0].outcomes is not None


def test_what_cannot_be_read_is_one_line(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "empty").touch()
    (folder / "text").write_text("\x1b[2J hello")
    (folder / "deep").write_text("[" * 100_000)
    unsent = [event for event in path(1) if isinstance(event, (ev.SessionBegan, ev.RunOpened))]
    record(unsent, folder / "unsent.session")
    names = ["pipe", "empty", "text", "deep", "missing", "unsent.session", ".", "a\x00b", "\x1b[2J"]
    for name in (*(str(folder / name) for name in names), "/dev/zero", "-"):
        with pytest.raises(SourceError) as failed:
            read(name)
        assert str(failed.value).isprintable()


def test_hostile_files_are_read_or_refused_in_one_line(folder: Path) -> None:
    now = run_of(1, [hop_of(1, [9, 9]), hop_of(2, [9] * 30, target=True)])
    outcomes = [0, 0]
    for seed in range(100):
        (folder / "x").write_bytes(mutated(random.Random(seed)))
        try:
            found = read(folder / "x")
        except SourceError as error:
            assert str(error).isprintable()
            outcomes[0] += 1
            continue
        outcomes[1] += 1
        saved = found[0]
        told = compare_runs([*saved.runs[-1:], now], [saved.origin, Origin("")])
        lines = comparison_lines(told, 80, HostLabels(saved.who))
        assert all(plain(line).isprintable() for line in lines), seed
    assert min(outcomes) > 2, "both ends are taken"


def test_only_the_newest_request_counts(folder: Path) -> None:
    found = []
    reading = SavedSessions()
    os_file = record(list(earlier(24)), folder / "a.session")
    reading.read(str(os_file), NOW, found.append)
    reading.stop()
    stopped = SessionFile(str(os_file))
    stopped.stop()
    with pytest.raises(SourceError):
        stopped.read(NOW)


# --- which runs


def test_runs_of_other_sessions_are_stepped_through_in_the_order_of_time() -> None:
    choice = RunChoice(NOW)
    assert choice.shown == (RunKey(0, 1),)
    tcp, icmp = (run_of(1, (), probe) for probe in (NOW.run.settings, ProbeSettings()))
    choice.put_beside([(RunKey(-1, 1), icmp), (RunKey(-1, 2), tcp), (RunKey(1, 1), icmp)])
    assert choice.shown == (RunKey(-1, 2), RunKey(0, 1)), "the run with the settings in force"
    seen = []
    for step in (1, 1, 1, -1):
        choice.other(step)
        seen.append(choice.shown)
    assert seen == [
        (RunKey(0, 1), RunKey(1, 1)),
        (RunKey(-1, 1), RunKey(0, 1)),
        (RunKey(-1, 2), RunKey(0, 1)),
        (RunKey(-1, 1), RunKey(0, 1)),
    ]
    assert choice.more(2) == "No room for another run"
    assert choice.more(3) == ""
    assert len(choice.shown) == 3
    assert choice.own == (1,)
    switched = replace(NOW, run=replace(NOW.run, number=2), earlier=(1,))
    choice.follow(switched)
    assert RunKey(0, 2) in choice.shown
    assert RunKey(0, 1) not in choice.shown, "the run in force stays beside the others"


def test_turns_are_shown_though_another_session_was_chosen() -> None:
    turning = replace(NOW, run=replace(NOW.run, number=3, turns_with=(2,)), earlier=(1, 2))
    choice = RunChoice(turning)
    choice.put_beside([(RunKey(-1, 1), run_of(1, ()))])
    choice.show_turns()
    assert choice.shown == (RunKey(0, 2), RunKey(0, 3))
    assert choice.is_own


# --- in the view


def shown(watch: Watch) -> str:
    texts = [
        lines.render_line(y).text
        for lines in watch.app.screen.query("#reading")
        for y in range(lines.size.height)
    ]
    return " ".join(" ".join(texts).split())


async def choose(watch: Watch, name: str) -> None:
    """Type a name, or nothing: then it is the recording that is selected."""
    watch.app.screen.query_one(Input).value = name
    await watch.press("enter")


def said(watch: Watch) -> str:
    return str(watch.app.screen.query_one("#prompt-says").render_line(0).text)


@pytest.mark.slow
async def test_a_recording_of_the_list_then_a_file_that_is_typed(folder: Path) -> None:
    record(list(earlier(24)), folder / "yesterday.session")
    async with watching(FakeSource(path(60, hops=SLOWER)), size=(100, 30)) as watch:
        await watch.press("c")
        assert "o chooses another session" in shown(watch)
        await watch.press("o")
        assert isinstance(watch.app.screen, SessionsScreen)
        await watch.until(lambda: "TCP port 443" in shown(watch))
        await choose(watch, "missing")
        await watch.until(lambda: "No such file" in said(watch))
        await choose(watch, "")
        await watch.until(lambda: isinstance(watch.app.screen, CompareScreen))
        await watch.until(lambda: "measured 1d 00:00:00 apart" in shown(watch))
        assert "in run 1 now than in run 1 of " in shown(watch)
        assert "To the target: slower by 11." in shown(watch)
        await watch.press("b")
        hint = watch.app.screen.query_one("#reading-hint").render_line(0).text
        assert "Only runs of this session" in hint
        await watch.press("o")
        await choose(watch, str(FOLDER / "mtr.json"))
        await watch.until(lambda: "Nothing is tested: run 1 of mtr.json" in shown(watch))
        await watch.press("escape", "c")
        await watch.until(lambda: "Nothing is tested: run 1 of mtr.json" in shown(watch))
        await watch.press("o", "escape", "escape")
        assert watch.app.screen is watch.app.live


@pytest.mark.slow
async def test_a_replay_is_compared_with_another_recording(folder: Path) -> None:
    file = record([*earlier(24), ev.SessionEnded(at=60 * NS_PER_S)], folder / "a.session")
    async with replayed(file) as (watch, playback):
        playback.seek(playback.end)
        await watch.until(lambda: watch.app.live.snapshot.run.rounds == 60)
        await watch.app.live.run_action("compare_session")
        await watch.until(lambda: isinstance(watch.app.screen, SessionsScreen))
        await watch.until(lambda: "No other session is recorded" in shown(watch))
        await choose(watch, str(RECORDED))
        await watch.until(lambda: isinstance(watch.app.screen, CompareScreen))
        await watch.until(lambda: " apart; from 192.0.2.2, not from 192.0.2.10" in shown(watch))
        assert "now" not in shown(watch).partition("Figures")[0], "nothing of it is"
