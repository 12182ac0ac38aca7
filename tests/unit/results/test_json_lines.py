"""Our own JSON lines: the same session again, also from a pipe and from a file that grows."""

import json
import os
import threading
import time
from pathlib import Path

import pytest

from tests.helpers.event_builders import EVENTS, began, opened
from tests.helpers.recordings.recording_builders import rounds
from tests.helpers.results import sessions_of, snapshots_of
from tui_trace.core import events as ev
from tui_trace.core.stream import Inject
from tui_trace.results.detect import read_sessions
from tui_trace.results.errors import ResultError
from tui_trace.results.result_input import ResultInput
from tui_trace.results.temporary_recording import ResultPlayback, TemporaryRecording


def lines_of(events: list[ev.Event]) -> bytes:
    return b"".join(ev.encode(event) + b"\n" for event in events)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_session_comes_back_as_it_was(tmp_path: Path) -> None:
    events = [*rounds(20), ev.SessionEnded(at=10**12)]
    assert sessions_of(write(tmp_path / "x", lines_of(events))) == [events]


def test_kinds_and_keys_that_are_unknown_are_passed_over(tmp_path: Path) -> None:
    told = b'{"event":"episode-began","at":0,"kind":"loss"}\n{"event":"of-tomorrow","at":{}}\n\n'
    newer = json.dumps(json.loads(ev.encode(EVENTS[1])) | {"more": [1]}).encode() + b"\n"
    content = lines_of(EVENTS[:1]) + told + newer + lines_of(EVENTS[2:])
    assert sessions_of(write(tmp_path / "x", content)) == [EVENTS]


def test_several_sessions_in_one_file(tmp_path: Path) -> None:
    other = [began(target="other.example"), opened()]
    path = write(tmp_path / "x", lines_of([*EVENTS, *other, *EVENTS]))
    assert sessions_of(path) == [EVENTS, other, EVENTS]
    with ResultInput(str(path)) as source:
        # what nobody reads of a session is passed over
        assert [next(events) for events in read_sessions(source)] == [
            EVENTS[0],
            other[0],
            EVENTS[0],
        ]


def test_a_last_line_that_is_not_written_yet_is_no_error(tmp_path: Path) -> None:
    whole = lines_of(EVENTS)
    for cut in range(len(lines_of(EVENTS[:4])) + 1, len(whole) - 2):
        assert sessions_of(write(tmp_path / "x", whole[:cut])) == [EVENTS[:4]]
    assert sessions_of(write(tmp_path / "x", whole[:-1])) == [EVENTS]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lines_of(EVENTS[1:]), "the first event is not session-began"),
        (lines_of([began(schema=99)]), "newer tui-trace"),
        (lines_of(EVENTS[:1]) + b"no JSON\n", "event 2"),
        (lines_of(EVENTS[:1]) + b'{"event":"reply","at":0}\n', "event 2"),
        (lines_of(EVENTS[:1]) + b'{"event":"note","at":NaN,"text":"","moment":1}\n', "event 2"),
        (lines_of(EVENTS[:1]) + b'{"event":"note","at":1e99,"text":"","moment":1}\n', "event 2"),
    ],
)
def test_lines_of_no_session_are_one_error(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ResultError, match=message):
        snapshots_of(write(tmp_path / "x", content))


def test_a_pipe_is_read_while_it_is_written() -> None:
    reading, writing = os.pipe()
    with ResultInput(f"/dev/fd/{reading}") as source:
        os.close(reading)
        os.write(writing, lines_of(EVENTS[:1]))
        events = next(read_sessions(source))
        assert next(events) == EVENTS[0]
        for event in EVENTS[1:-1]:
            # nothing waits for what comes later
            os.write(writing, lines_of([event]))
            assert next(events) == event
        os.write(writing, lines_of(EVENTS[-1:]))
        os.close(writing)
        assert list(events) == EVENTS[-1:]


def test_a_silent_pipe_ends_when_it_is_asked_to() -> None:
    reading, writing = os.pipe()
    with ResultInput(f"/dev/fd/{reading}") as source:
        threading.Timer(0.1, source.stop).start()
        assert list(read_sessions(source)) == []
    os.close(reading)
    os.close(writing)


def test_a_session_that_outgrows_its_bounds_is_an_error(tmp_path: Path) -> None:
    runs = [opened(run) for run in range(1, 20_000)]
    with pytest.raises(ResultError, match="grown beyond"):
        snapshots_of(write(tmp_path / "x", lines_of([EVENTS[0], *runs])))


# --- the live view


def test_the_live_view_gets_a_recording_of_the_file(tmp_path: Path) -> None:
    events = rounds(5)
    with TemporaryRecording(str(write(tmp_path / "x", lines_of(events)))) as recording:
        assert list(recording.events()) == events
        file = recording.path
    assert not file.parent.exists()


def test_what_is_appended_to_the_file_is_recorded_too(tmp_path: Path) -> None:
    events = [*rounds(10), ev.SessionEnded(at=10**12)]
    path = write(tmp_path / "x", lines_of(events[:100]))
    with TemporaryRecording(str(path)) as recording:
        assert list(recording.events()) == events[:100]
        with path.open("ab") as file:
            file.write(lines_of(events[100:]))
        end = time.monotonic() + 10
        while recording.info().events < len(events) and time.monotonic() < end:
            time.sleep(0.05)
        assert list(recording.events()) == events


def test_of_several_sessions_the_first_is_shown_and_that_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "x", lines_of([*EVENTS, *EVENTS, *EVENTS]))
    with TemporaryRecording(str(path)) as recording:
        events = list(recording.events())
        notice = recording.snapshot(recording.end).notice
    assert [event for event in events if not isinstance(event, ev.Notice)] == EVENTS
    assert notice == "the file has 3 sessions; this is the first (-r prints all)"


def test_what_cannot_be_read_is_an_error_before_the_view_opens(tmp_path: Path) -> None:
    long = lines_of([began(target="x" * 5000), *EVENTS[1:]])
    for content in (b"{}", b'{"event":"x"}\n', lines_of(EVENTS[:2]) + b"{]\n", long):
        with pytest.raises(ResultError), TemporaryRecording(str(write(tmp_path / "x", content))):
            pass


def test_a_note_is_refused_and_not_promised(tmp_path: Path) -> None:
    told: list[str | None] = []
    with TemporaryRecording(str(write(tmp_path / "x", lines_of(EVENTS)))) as recording:
        playback = ResultPlayback(recording)
        playback.on_note = lambda _note, why_not: told.append(why_not)
        playback.command(Inject(ev.Note(at=0, text="seen", moment=0)))
        playback._keep_notes()
    assert told == ["results of another program keep no notes"]
