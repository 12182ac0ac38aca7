"""Notes in recordings that are over: kept, seen everywhere, and never at the cost of the file."""

import itertools
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.event_streams import streams
from tests.helpers.places import DATA
from tests.helpers.recordings.recording_builders import Kept, Told, folded, record, rounds
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S
from tui_trace.recording import RecordedSource, Recording, RecordingError, codec, schema

ENDED = [*rounds(20), ev.SessionEnded(at=30 * NS_PER_S)]


@pytest.fixture
def short_blocks(monkeypatch):
    """So that a few events make many blocks."""
    monkeypatch.setattr(codec, "BLOCK_EVENTS", 8)


@pytest.mark.slow
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    streams(),
    st.booleans(),
    st.lists(st.tuples(st.text(max_size=30), st.integers(0, 1 << 62)), min_size=1, max_size=12),
    st.lists(st.floats(0, 1), max_size=5),
)
@pytest.mark.usefixtures("short_blocks")
def test_notes_come_before_the_end_and_change_nothing_else(tmp_path, stream, ended, notes, moments):
    events = stream[0]
    last = events[-1].at
    ending = [ev.SessionEnded(at=last)] if ended else []
    path = record([*events, *ending], tmp_path / f"{time.monotonic_ns()}.session")
    noted = [ev.Note(at=last, text=text, moment=moment) for text, moment in notes]
    expected = [*events, *noted, *ending]
    with Recording(path) as recording:
        list(recording.events())
        for text, moment in notes:
            recording.note(text, moment)
        assert list(recording.events()) == expected, "at once"
    with Recording(path) as recording:
        assert list(recording.events()) == expected, "for good"
        info = recording.info()
        assert (info.events, info.ended, info.duration) == (len(expected), ended, recording.end)
        for at in [0, last, *(int(last * share) for share in moments)]:
            assert recording.session(at).snapshot() == folded(expected, at).snapshot()
        told = [moment.text for moment in recording.snapshot(recording.end).timeline.notes]
        assert sorted(told) == sorted(text for text, _ in notes)


def test_a_full_block_makes_room(tmp_path):
    events = ENDED[:-1][: codec.BLOCK_EVENTS - 1]
    events += [ev.Foreign(at=events[-1].at, count=1)] * (codec.BLOCK_EVENTS - 1 - len(events))
    events.append(ev.SessionEnded(at=events[-1].at))
    assert len(events) == codec.BLOCK_EVENTS
    with Recording(record(events, tmp_path / "a.session")) as recording:
        recording.note("one", 0)
        recording.note("two", 0)
    with Recording(tmp_path / "a.session") as recording:
        kinds = [type(event).__name__ for event in recording.events()][-3:]
        assert kinds == ["Note", "Note", "SessionEnded"]
        assert recording.session(recording.end).snapshot().ended


def test_a_file_of_the_first_version_becomes_one_of_the_latest(tmp_path):
    path = record(ENDED, tmp_path / "a.session")
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE session DROP COLUMN vantage")
        database.execute("PRAGMA user_version = 1")
    database.close()
    with Recording(path) as recording:
        assert version(path) == 1, "reading changes nothing"
        recording.note("the provider was called", NS_PER_S)
    assert version(path) == schema.NOTED == 5


def test_a_note_changes_no_newer_version(tmp_path):
    path = record(ENDED, tmp_path / "a.session")
    with Recording(path) as recording:
        recording.note("the provider was called", NS_PER_S)
    assert version(path) == schema.VERSION


def version(path):
    database = sqlite3.connect(path)
    (number,) = database.execute("PRAGMA user_version").fetchone()
    database.close()
    return number


@pytest.mark.parametrize("kept", sorted(DATA.rglob("*.session")), ids=lambda path: path.name)
def test_a_kept_recording_takes_a_note(tmp_path, kept):
    path = Path(shutil.copy(kept, tmp_path / "a.session"))
    with Recording(path) as recording:
        before = list(recording.events())
        recording.note("still works", NS_PER_S)
        assert [e for e in recording.events() if not isinstance(e, ev.Note)] == [
            e for e in before if not isinstance(e, ev.Note)
        ]
        texts = [moment.text for moment in recording.snapshot(recording.end).timeline.notes]
        assert "still works" in texts


class Meanwhile(Told):
    """Does something in the middle of what it tells, when the first half is on disk."""

    def __init__(self, events, path, work):
        super().__init__(events)
        self._path = path
        self._work = work

    def run(self, sink):
        half = len(self._events) // 2
        for event in self._events[:half]:
            sink.event(event)
        while not self._path.exists() or written(self._path) < half:
            time.sleep(0.05)
        self._work()
        for event in self._events[half:]:
            sink.event(event)


def written(path):
    try:
        with Recording(path) as recording:
            return recording.info().events
    except RecordingError:
        return 0


def test_a_session_under_way_is_left_alone(tmp_path):
    path = tmp_path / "a.session"

    def work():
        with Recording(path) as recording, pytest.raises(RecordingError, match="in use"):
            recording.note("too early", 0)
        done = subprocess.run(
            [sys.executable, "-c", NOTING, str(path), "1"],
            check=False,
            capture_output=True,
            text=True,
        )
        assert "in use" in done.stdout

    source = Meanwhile(ENDED, path, work)
    RecordedSource(source, path).run(Kept())
    assert source.commands == []
    with Recording(path) as recording:
        assert list(recording.events()) == ENDED


def test_looking_at_a_session_under_way_never_lets_another_process_end_its_files(tmp_path):
    """SQLite's locks are the process's: they end when it closes the file in any other way."""
    path = tmp_path / "a.session"

    def work():
        with Recording(path):
            pass
        code = "import sys; from pathlib import Path; from tui_trace.recording import Recording\n"
        code += "with Recording(Path(sys.argv[1])) as r: r.info()"
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)
        assert path.with_name("a.session-wal").exists(), "what is written now would be lost"

    source = Meanwhile(ENDED, path, work)
    RecordedSource(source, path).run(Kept())
    assert source.commands == []


def unchanged(path, work):
    """The file is, to the byte, what it was."""
    before = path.read_bytes()
    work()
    assert path.read_bytes() == before
    with Recording(path) as recording:
        assert list(recording.events()) == ENDED


def reachable(folder):
    """By everybody."""
    for parent in [folder, *folder.parents][:-2]:
        parent.chmod(parent.stat().st_mode | 0o755)


@pytest.mark.parametrize("place", ["file", "folder"])
def test_what_cannot_be_written_is_one_line(tmp_path, place):
    said = []
    folder = tmp_path / "kept"
    folder.mkdir()
    path = record(ENDED, folder / "a.session")
    path.chmod(0o444 if place == "file" else 0o666)
    folder.chmod(0o777 if place == "file" else 0o555)
    reachable(tmp_path)

    def work():
        with Recording(path) as recording:
            with pytest.raises(RecordingError) as refused:
                recording.note("mine", 0)
            assert list(recording.events()) == ENDED
        return str(refused.value)

    unchanged(path, lambda: said.append(as_nobody(work)))
    assert said == [f"the {place} cannot be written"]


def as_nobody(work):
    """What `work` returns when somebody does it who may write nothing."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            os.write(writer, work().encode())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as lines:
        said = lines.read().decode()
    assert os.waitpid(child, 0)[1] == 0
    assert "\n" not in said
    return said


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    path = record(ENDED, tmp_path / "a.session")

    connect = sqlite3.connect

    def connect_full(*arguments, **options):
        database = connect(*arguments, **options)
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
        return database

    monkeypatch.setattr(sqlite3, "connect", connect_full)

    def work():
        with Recording(path) as recording:
            with pytest.raises(RecordingError, match="the disk is full"):
                recording.note(random.Random(1).randbytes(50_000).hex(), 0)
            assert list(recording.events()) == ENDED

    unchanged(path, work)


def test_a_file_that_was_taken_away_is_one_line(tmp_path):
    path = record(ENDED, tmp_path / "a.session")
    with Recording(path) as recording:
        path.unlink()
        with pytest.raises(RecordingError, match="the file is gone"):
            recording.note("x", 0)
        assert list(recording.events()) == ENDED


HALFWAY = """
import os, signal, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 1")
database.execute("BEGIN IMMEDIATE")
database.execute("UPDATE block SET events = zeroblob(length(events) * 20)")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_half_written_is_never_read(tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    path = record(ENDED, folder / "a.session")
    whole = path.read_bytes()
    subprocess.run([sys.executable, "-c", HALFWAY, str(path)], check=False)
    assert path.with_name("a.session-journal").stat().st_size
    assert path.read_bytes() != whole
    path.chmod(0o666)
    folder.chmod(0o555)
    reachable(tmp_path)

    def work():
        with pytest.raises(RecordingError) as refused:
            Recording(path)
        return str(refused.value)

    assert "it was cut off" in as_nobody(work)
    folder.chmod(0o755)
    with Recording(path) as recording:
        assert list(recording.events()) == ENDED


def test_a_file_that_lies_is_one_line(tmp_path):
    path = record(ENDED, tmp_path / "a.session")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE block SET events = 'not bytes'")
    database.close()
    before = path.read_bytes()
    with Recording(path) as recording, pytest.raises(RecordingError, match="damaged"):
        recording.note("x", 0)
    assert path.read_bytes() == before


NOTING = """
import sys
from pathlib import Path
from tui_trace.recording import Recording, RecordingError
with Recording(Path(sys.argv[1])) as recording:
    for number in range(int(sys.argv[2])):
        try:
            recording.note(f"note {number}", number)
        except RecordingError as error:
            print(error)
        else:
            print(number, flush=True)
"""


@pytest.mark.slow
def test_killed_at_any_moment_the_file_has_every_note_that_was_kept(tmp_path):
    chance = random.Random(5)
    path = record(ENDED, tmp_path / "a.session")
    told = 0
    kills = 0
    for _ in range(20):
        noting = subprocess.Popen(
            [sys.executable, "-c", NOTING, str(path), "100000"], stdout=subprocess.PIPE, text=True
        )
        assert noting.stdout is not None
        lines = list(itertools.islice(noting.stdout, chance.randrange(1, 12)))
        time.sleep(chance.random() * 0.01)
        noting.send_signal(signal.SIGKILL)
        lines += noting.stdout.readlines()
        noting.wait()
        kills += 1
        told += len(lines)
        with Recording(path) as recording:
            events = list(recording.events())
            recording.snapshot(recording.end)
            assert recording.info().events == len(events), "all of a note, or nothing"
        notes = [event for event in events if isinstance(event, ev.Note)]
        assert told <= len(notes) <= told + kills
        told = len(notes)
        assert [event for event in events if not isinstance(event, ev.Note)] == ENDED
        assert isinstance(events[-1], ev.SessionEnded)
    assert told > kills
