"""A session on disk: the same events, the same session at any moment, whatever the file went
through.
"""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
import zlib

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.event_streams import streams
from tests.helpers.places import DATA, ROOT
from tests.helpers.recordings.recording_builders import (
    Kept,
    Told,
    check_killed,
    folded,
    record,
    rounds,
)
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S
from tui_trace.recording import (
    RecordedSource,
    Recording,
    RecordingError,
    codec,
    rebuilt_checkpoints,
    schema,
    writer,
)
from tui_trace.session import checkpoint

pytestmark = pytest.mark.slow


@pytest.fixture
def short_blocks(monkeypatch):
    """So that a few events make many blocks."""
    monkeypatch.setattr(codec, "BLOCK_EVENTS", 16)


def run_of(session, number):
    """The run of this number; None if it has not begun yet."""
    try:
        return session.run(number)
    except KeyError:
        return None


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(streams(), st.lists(st.floats(0, 1), max_size=8))
@pytest.mark.usefixtures("short_blocks")
def test_any_stream_comes_back_and_is_the_same_session_at_any_moment(tmp_path, stream, moments):
    events = stream[0]
    path = tmp_path / f"{time.monotonic_ns()}.session"
    with Recording(record(events, path)) as recording:
        assert list(recording.events()) == events
        end = recording.end
        assert end == max(event.at for event in events)
        for at in [-1, 0, end, *(int(end * moment) for moment in moments)]:
            before = folded(events, at)
            session, following = recording.at(at)
            assert session.snapshot() == before.snapshot()
            for number in stream[4]:
                assert run_of(session, number) == run_of(before, number)
            rest = list(following)
            assert rest == events[len(events) - len(rest) :]
            for event in rest:
                session.apply(event)
            assert session.snapshot() == folded(events, end).snapshot()
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(path.name)] == [
        path.name
    ]
    path.unlink()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Three blocks' worth, and its events."""
    events = [*rounds(300), ev.SessionEnded(at=400 * NS_PER_S)]
    return record(events, tmp_path_factory.mktemp("recorded") / "a.session"), events


def test_what_a_list_of_sessions_says(recorded):
    path, events = recorded
    with Recording(path) as recording:
        info = recording.info()
    assert (info.target, info.address, info.runs, info.ended) == ("t", "192.0.2.1", 1, True)
    assert (info.events, info.duration) == (len(events), 400 * NS_PER_S)
    assert info.bytes == path.stat().st_size
    assert path.stat().st_mode & 0o777 == 0o600


def test_folds_of_another_version_are_made_anew(recorded, tmp_path):
    path, events = recorded
    other = tmp_path / "other.session"
    shutil.copy(path, other)
    with sqlite3.connect(other) as database:
        database.execute("UPDATE session SET fold = ?", (checkpoint.VERSION + 1,))
        database.execute("UPDATE block SET fold = x'00'")
    database.close()
    with Recording(other) as recording:
        for at in (250 * NS_PER_S, 10 * NS_PER_S, 400 * NS_PER_S, 251 * NS_PER_S):
            assert recording.snapshot(at) == folded(events, at).snapshot(at)


def test_a_damaged_fold_costs_nothing_but_time(recorded, tmp_path):
    path, events = recorded
    other = tmp_path / "other.session"
    shutil.copy(path, other)
    with sqlite3.connect(other) as database:
        database.execute("UPDATE block SET fold = substr(fold, 1, 100) WHERE number = 2")
    database.close()
    at = 290 * NS_PER_S
    with Recording(other) as recording:
        assert recording.snapshot(at) == folded(events, at).snapshot(at)


# --- files that are none


def read_through(path):
    with Recording(path) as recording:
        recording.info()
        sum(1 for _ in recording.events())
        recording.snapshot(recording.end // 2)


def refused(path):
    with pytest.raises(RecordingError) as error:
        read_through(path)
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith(str(path))
    return line


def changed(recorded, tmp_path, *statements):
    path = tmp_path / "changed.session"
    shutil.copy(recorded[0], path)
    database = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        database.execute(statement)
    database.close()
    return path


def test_no_file(tmp_path):
    assert refused(tmp_path / "none").endswith("there is no such file")
    assert not (tmp_path / "none").exists()
    assert "no such file" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"x", b"SQLite format 3\0", b"#!/bin/sh\n" * 500])
def test_another_kind_of_file(tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    assert "no recording of tui-trace" in refused(path)
    assert path.read_bytes() == content


def test_another_database(tmp_path):
    path = tmp_path / "x.db"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE session (wall)")
    database.commit()
    database.close()
    assert refused(path).endswith("no recording of tui-trace")


def test_a_newer_format(recorded, tmp_path):
    path = changed(recorded, tmp_path, f"PRAGMA user_version = {schema.VERSION + 1}")
    assert "of a newer tui-trace" in refused(path)


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"


@pytest.mark.parametrize(
    "statements",
    [
        ("DROP TABLE block", f"CREATE VIEW block AS {ENDLESS} SELECT x AS number FROM n"),
        ("DROP TABLE session",),
        ("DELETE FROM session",),
        ("UPDATE session SET wall = 'soon'",),
        ("UPDATE session SET target = x'00'",),
        ("UPDATE block SET events = 'text' WHERE number = 1",),
        ("UPDATE block SET events = x'00' WHERE number = 0",),
        ("UPDATE block SET events = NULL WHERE number = 1", "INSERT INTO chunk VALUES (0, 1)"),
        ("CREATE TRIGGER t AFTER DELETE ON chunk BEGIN SELECT 1; END",),
    ],
)
def test_a_file_that_was_tampered_with(recorded, tmp_path, statements):
    refused(changed(recorded, tmp_path, *statements))


def test_bytes_that_were_changed_never_lead_to_anything_but_one_line(recorded, tmp_path):
    whole = recorded[0].read_bytes()
    rng = random.Random(7)
    path = tmp_path / "x.session"
    outcomes = set()
    for _ in range(150):
        broken = bytearray(whole[: rng.choice([len(whole), rng.randrange(len(whole))])])
        for _ in range(rng.choice([1, 20, 1000])):
            if broken:
                broken[rng.randrange(len(broken))] = rng.randrange(256)
        path.write_bytes(broken)
        try:
            read_through(path)
            outcomes.add("read")
        except RecordingError as error:
            assert "\n" not in str(error)
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


# --- when it cannot be written


def test_a_file_that_is_there_is_never_written_over(tmp_path):
    path = tmp_path / "a.session"
    path.write_text("mine")
    source = Told(rounds(1))
    with pytest.raises(RecordingError, match="file exists"):
        RecordedSource(source, path).run(Kept())
    assert path.read_text() == "mine"


def test_a_folder_that_is_none_is_said_once_and_tracing_goes_on(tmp_path, monkeypatch):
    (tmp_path / "state").write_text("a file")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    events = rounds(20)
    source, sink = Told(events, pause=0.05), Kept()
    RecordedSource(source).run(sink)
    assert sink.events == events
    assert len(source.notices) == 1
    assert source.notices[0].startswith("not recorded: ")


def test_a_file_at_its_bound_keeps_what_it_has(tmp_path, monkeypatch):
    path = tmp_path / "a.session"
    monkeypatch.setattr(schema, "create", lambda p, make=schema.create: make(p, 40 * schema.PAGE))
    events = rounds(600)
    source = Told(events, pause=0.005)
    RecordedSource(source, path).run(Kept())
    assert source.notices == [f"not recorded any more: the file has reached {512} MB"]
    with Recording(path) as recording:
        kept = list(recording.events())
        assert 0 < len(kept) < len(events)
        assert kept == events[: len(kept)]
        assert recording.snapshot(recording.end) == folded(kept, recording.end).snapshot(
            recording.end
        )


def test_a_session_that_outgrows_what_can_be_restored_keeps_what_it_has(tmp_path, monkeypatch):
    monkeypatch.setattr(codec, "MAX_MEMORY_WEIGHT", 1500)
    path = tmp_path / "a.session"
    events = rounds(600)
    source = Told(events, pause=0.01)
    RecordedSource(source, path).run(Kept())
    assert source.notices == [
        "not recorded any more: the session has grown beyond what can be played again"
    ]
    with Recording(path) as recording:
        kept = list(recording.events())
        assert 1000 < len(kept) < len(events)
        assert kept == events[: len(kept)]


def test_folds_of_which_not_all_are_kept_are_made_anew(recorded, tmp_path, monkeypatch):
    monkeypatch.setattr(rebuilt_checkpoints, "MAX_BYTES", 100_000)
    monkeypatch.setattr(codec, "BLOCK_EVENTS", 512)
    path, events = record(rounds(300), tmp_path / "other.session"), recorded[1]
    with sqlite3.connect(path) as database:
        database.execute("UPDATE block SET fold = NULL")
    database.close()
    with Recording(path) as recording:
        for second in (299, 10, 250, 40):
            at = second * NS_PER_S
            assert recording.snapshot(at) == folded(events, at).snapshot(at)


def test_a_disk_that_is_far_too_slow_is_one_line_too(tmp_path, monkeypatch):
    def stuck(_path):
        time.sleep(1.5)
        raise OSError(5, "Input/output error")

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(schema, "create", stuck)
    monkeypatch.setattr(writer, "MAX_QUEUED", 200)
    events = rounds(60)
    source, sink = Told(events, pause=0.03), Kept()
    RecordedSource(source).run(sink)
    assert sink.events == events
    assert source.notices == ["not recorded: the disk is too slow"]


def test_a_trace_that_never_began_leaves_no_file(tmp_path):
    path = tmp_path / "a.session"
    RecordedSource(Told([]), path).run(Kept())
    assert not path.exists()


# --- while it grows, and after kill -9


def test_a_recording_is_read_while_it_grows(tmp_path):
    path = tmp_path / "a.session"
    seen = []

    class Watched(Told):
        def run(self, sink):
            super().run(sink)
            with Recording(path) as recording:
                seen.extend(recording.events())

    events = rounds(40)
    source = Watched(events, pause=0.03)
    RecordedSource(source, path).run(Kept())
    assert source.commands == []
    assert 100 < len(seen) <= len(events)
    assert seen == events[: len(seen)]
    with Recording(path) as recording:
        assert list(recording.events()) == events


def test_a_reader_that_stays_hinders_nobody(tmp_path):
    path = tmp_path / "a.session"
    readers = []

    class Watched(Told):
        def run(self, sink):
            super().run(sink)
            readers.append(Recording(path))
            assert readers[0].snapshot(readers[0].end)

    events = rounds(40)
    source = Watched(events, pause=0.03)
    RecordedSource(source, path).run(Kept())
    assert source.commands == []
    assert list(readers[0].events()) == events
    readers[0].close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.session"]
    with Recording(path) as recording:
        assert list(recording.events()) == events


@pytest.mark.slow
def test_after_kill_at_any_moment_it_lacks_the_last_second_at_most(tmp_path):
    rng = random.Random(os.getpid())
    kept = []
    for batch in range(10):
        children = []
        for number in range(5):
            path = tmp_path / f"{batch}-{number}.session"
            # of short blocks, so that many die while one is closed
            size = "25" if number % 2 else "250"
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.helpers.recordings.recording_builders",
                    str(path),
                    size,
                ],
                stdout=subprocess.PIPE,
                cwd=ROOT,
            )
            children.append((rng.uniform(0.1, 2.5), process, path))
        children.sort(key=lambda child: child[0])
        started = time.monotonic()
        for delay, process, path in children:
            time.sleep(max(0.0, started + delay - time.monotonic()))
            process.kill()
            told, _ = process.communicate(timeout=10)
            # the last line may be cut
            kept.append(
                check_killed(path, [ev.decode_event(line) for line in told.split(b"\n")[:-1]])
            )
    assert sum(count > 50 for count in kept) > 10, f"hardly anything was killed at work: {kept}"


def test_a_recording_of_this_version_opens():
    with Recording(DATA / "lab-path-change.session") as recording:
        info = recording.info()
        end = recording.snapshot(recording.end)
        assert info.lab == "path-change"
        assert folded(recording.events(), recording.end).snapshot(recording.end) == end
    assert end.run.hops[-1].is_target


# --- folds that lie


def changed_somewhere(data, value):
    """The same structure with one number, text or length changed."""
    match value:
        case dict() if value and data.draw(st.booleans()):
            key = data.draw(st.sampled_from(list(value)))
            return {**value, key: changed_somewhere(data, value[key])}
        case list() if value and data.draw(st.integers(0, 9)):
            place = data.draw(st.integers(0, len(value) - 1))
            return [*value[:place], changed_somewhere(data, value[place]), *value[place + 1 :]]
        case bool():
            return not value
        case int():
            return data.draw(st.sampled_from([0, -1, 1, 255, 1 << 40, (1 << 63) - 1, -(1 << 63)]))
        case str():
            return data.draw(st.sampled_from(["", "ff", "zz", "-1", "f" * 48, "f" * 60]))
        case list():
            return value[:-1]
        case dict():
            return {}
    return value


STATE = msgspec.to_builtins(folded(rounds(20, 4), 1 << 60).checkpoint(), str_keys=False)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_fold_that_lies_is_refused_or_goes_on_without_breaking(tmp_path_factory, data):
    lie = STATE
    for _ in range(data.draw(st.integers(1, 3))):
        lie = changed_somewhere(data, lie)
    events = rounds(20, 4)
    half = len(events) // 2
    path = tmp_path_factory.mktemp("lie") / "a.session"
    database = schema.create(path)
    packers = [codec.Packer(), codec.Packer()]
    for place, event in enumerate(events):
        packers[place >= half].append(event)
    row = (0, "t", "192.0.2.1", "", "0", checkpoint.VERSION, events[-1].at, 1, len(events), 1, "")
    database.execute(f"INSERT INTO session VALUES ({','.join('?' * 11)})", row)
    for number, packer in enumerate(packers):
        database.execute(
            "INSERT INTO block VALUES (?, ?, ?, ?)",
            (
                number,
                events[half].at * number,
                zlib.compress(msgspec.msgpack.encode(lie)),
                packer.full_chunk(),
            ),
        )
    database.close()
    with Recording(path) as recording:
        try:
            recording.snapshot(recording.end)
        except RecordingError as error:
            assert "\n" not in str(error)
    path.unlink()
