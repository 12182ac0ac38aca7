"""A recording as a source: in time, fast, and at any moment."""

import queue
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from tests.helpers.recordings.recording_builders import (
    Kept,
    folded,
    record,
    rounds,
    wait_for_events,
)
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, ProbeSettings
from tui_trace.core.stream import Inject, Reset, SetAsnLookup, Switch
from tui_trace.recording import Playback, RecordedSource, Recording
from tui_trace.report.collector import Collector
from tui_trace.session.fold import Session

pytestmark = pytest.mark.slow

EVENTS = [*rounds(20), ev.SessionEnded(at=30 * NS_PER_S)]


class Restored(Kept):
    """A sink that can be put to another moment; what it had is dropped then."""

    def __init__(self):
        super().__init__()
        self.session = Session()
        self.restores = 0
        self.changed = threading.Condition()

    def event(self, event):
        super().event(event)
        self.session.apply(event)

    def pulse(self, at):
        with self.changed:
            super().pulse(at)
            self.changed.notify()

    def restore(self, session):
        self.session = session
        self.restores += 1
        self.events.clear()

    def wait(self, until):
        with self.changed:
            assert self.changed.wait_for(until, 10)


@pytest.fixture
def recording(tmp_path):
    with Recording(record(EVENTS, tmp_path / "a.session")) as recording:
        yield recording


@pytest.fixture
def playing(recording):
    """Plays in a thread; gives the playback and its sink."""
    made = []

    def play(speed=1.0, sink=None):
        playback = Playback(recording, speed=speed)
        sink = sink or Restored()
        thread = threading.Thread(target=playback.run, args=(sink,))
        thread.start()
        made.append((playback, thread))
        return playback, sink

    yield play
    for playback, thread in made:
        playback.stop()
        thread.join(10)
        assert not thread.is_alive()


def test_as_fast_as_it_is_taken_it_is_the_same_stream(recording):
    sink = Kept()
    Playback(recording, speed=None).run(sink)
    assert sink.events == EVENTS
    assert sink.pulses[-1] == recording.end


def test_a_report_begins_at_the_end(recording):
    collector = Collector()
    Playback(recording, speed=None, start=recording.end).run(collector)
    assert collector.snapshot() == folded(EVENTS, recording.end).snapshot()


def test_played_in_time_each_moment_is_as_it_was(playing):
    playback, sink = playing(speed=20.0)
    started = time.monotonic()
    sink.wait(lambda: playback.position == playback.end)
    assert time.monotonic() - started >= 30 / 20
    assert sink.events == EVENTS
    assert len(sink.pulses) > 10
    at = 0
    assert sink.pulses == sorted(sink.pulses)
    for event in sink.events:
        at = max(at, event.at)
    assert at == playback.end


def test_it_stands_still_at_the_end_and_can_go_back(playing):
    playback, sink = playing(speed=1000.0)
    sink.wait(lambda: playback.position == playback.end)
    playback.pause()
    restores = sink.restores
    playback.seek(5 * NS_PER_S)
    sink.wait(lambda: sink.restores == restores + 1 and sink.pulses[-1] == 5 * NS_PER_S)
    assert sink.session.snapshot() == folded(EVENTS, 5 * NS_PER_S).snapshot()
    playback.pause(False)
    sink.wait(lambda: playback.position == playback.end)
    assert sink.session.snapshot() == folded(EVENTS, playback.end).snapshot()


def test_paused_it_stands_still_and_still_seeks_anywhere(playing):
    playback, sink = playing(speed=1.0)
    playback.pause()
    assert playback.paused
    for asked, at in (
        (12 * NS_PER_S, 12 * NS_PER_S),
        (-5, 0),
        (10**18, playback.end),
        (3 * NS_PER_S, 3 * NS_PER_S),
    ):
        restores = sink.restores
        playback.seek(asked)
        sink.wait(lambda restores=restores: sink.restores > restores)
        count = len(sink.pulses)
        sink.wait(lambda count=count: len(sink.pulses) > count + 2)
        assert playback.position == at
        assert sink.session.snapshot() == folded(EVENTS, at).snapshot()
        assert sink.events == []


def test_steps_add_up_though_none_was_taken_yet(recording):
    sink, playback = Restored(), Playback(recording)
    for _ in range(5):
        playback.seek(playback.position + 2 * NS_PER_S)
    assert playback.position == 10 * NS_PER_S
    playback.seek(playback.position + 100 * NS_PER_S)
    assert playback.position == playback.end
    playback.seek(playback.position - 2 * NS_PER_S)
    playback.pause()
    thread = threading.Thread(target=playback.run, args=(sink,))
    thread.start()
    sink.wait(lambda: sink.pulses)
    playback.stop()
    thread.join(10)
    assert sink.restores == 1, "only the last one counts"
    assert playback.position == playback.end - 2 * NS_PER_S
    assert sink.session.snapshot() == folded(EVENTS, playback.position).snapshot()


def test_the_speed_keeps_to_its_bounds(playing):
    playback, _ = playing()
    for asked, got in ((0.0, 0.1), (1e9, 1000.0), (4.0, 4.0)):
        playback.set_speed(asked)
        assert playback.speed == got


def test_what_would_change_probes_changes_nothing(playing):
    playback, sink = playing(speed=1000.0)
    for command in (SetAsnLookup(origins=True), Switch(ProbeSettings(tos=8)), Reset()):
        playback.command(command)
    sink.wait(lambda: playback.at_end)
    assert sink.events == EVENTS, "not even a notice, which would take the session's place"


def test_the_speed_goes_up_and_down_the_same_steps(playing):
    playback, _ = playing()
    up = [playback.step_speed(1) or playback.speed for _ in range(12)]
    assert up[:4] == [2.0, 4.0, 8.0, 16.0]
    assert up[-1] == 1000.0
    down = [playback.step_speed(-1) or playback.speed for _ in range(14)]
    assert 1.0 in down
    assert down[-4:] == [0.5, 0.25, 0.1, 0.1]


def told(playback):
    """What is said of each note."""
    said = queue.Queue()
    playback.on_note = lambda note, why_not: said.put((note.text, why_not))
    return said


def test_a_note_is_kept_while_it_plays_and_the_view_stays_where_it_is(playing):
    playback, sink = playing(speed=1.0)
    said = told(playback)
    playback.pause()
    playback.seek(12 * NS_PER_S)
    sink.wait(lambda: sink.restores == 1 and playback.position == 12 * NS_PER_S)
    for number in range(3):
        playback.command(Inject(ev.Note(at=0, text=f"note {number}", moment=5 * NS_PER_S)))
        assert said.get(timeout=10) == (f"note {number}", None)
    sink.wait(lambda: playback.position == 12 * NS_PER_S)
    assert sink.session.snapshot() == folded(EVENTS, 12 * NS_PER_S).snapshot()
    playback.set_speed(1000.0)
    playback.pause(False)
    sink.wait(lambda: playback.at_end)
    sink.wait(lambda: len(sink.session.snapshot().timeline.notes) == 3)
    with Recording(playback.recording.path) as recording:
        notes = recording.snapshot(recording.end).timeline.notes
        assert [(note.at, note.text) for note in notes] == [
            (5 * NS_PER_S, f"note {number}") for number in range(3)
        ]


def test_a_note_just_before_the_end_of_the_view_is_kept(recording):
    playback = Playback(recording)
    playback.stop()
    playback.command(Inject(ev.Note(at=0, text="bye", moment=1)))
    playback.run(Restored())
    assert [note.text for note in recording.snapshot(recording.end).timeline.notes] == ["bye"]


def test_a_note_that_cannot_be_kept_is_one_line_and_it_plays_on(playing):
    playback, sink = playing(speed=10.0)
    said = told(playback)
    with sqlite3.connect(playback.recording.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        playback.command(Inject(ev.Note(at=0, text="mine", moment=1)))
        assert said.get(timeout=10) == ("mine", "the file is in use")
        other.execute("ROLLBACK")
    other.close()
    sink.wait(lambda: playback.at_end)
    assert sink.session.snapshot() == folded(EVENTS, playback.end).snapshot()


def test_a_sink_that_cannot_go_back_is_left_where_it_is(playing):
    sink = Kept()
    playback, _ = playing(speed=1000.0, sink=sink)
    playback.seek(0)
    deadline = time.monotonic() + 10
    while playback.position < playback.end and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert sink.events == EVENTS


CLOSING = """
import sys, threading
from pathlib import Path
from tui_trace.recording import Recording, RecordingError

def read(recording):
    try:
        while True:
            recording.end
    except RecordingError:
        pass

for number in range(400):
    recording = Recording(Path(sys.argv[1]))
    threads = [threading.Thread(target=read, args=(recording,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    threads[-1].join(0.0005 * (number % 7))
    recording.close()
    for thread in threads:
        thread.join()
"""


def test_the_file_is_closed_while_others_read_it(tmp_path):
    path = record(EVENTS, tmp_path / "a.session")
    done = subprocess.run(
        [sys.executable, "-c", CLOSING, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


class Handed:
    """A source that hands over what it is given, when it is told to."""

    def __init__(self) -> None:
        self.given: queue.Queue[list[ev.Event] | None] = queue.Queue()

    def run(self, sink) -> None:
        while (events := self.given.get(timeout=30)) is not None:
            for event in events:
                sink.event(event)

    def command(self, command) -> None:
        raise AssertionError(command)

    def stop(self) -> None:
        self.given.put(None)


@pytest.fixture
def running(tmp_path):
    """A session that is being recorded, and has its first ten rounds: source, file, its thread."""
    source, path = Handed(), tmp_path / "running.session"
    recorded = RecordedSource(source, path)
    thread = threading.Thread(target=recorded.run, args=(Kept(),))
    thread.start()
    source.given.put(FIRST)
    wait_for_events(path, len(FIRST))
    yield source, path, thread
    source.stop()
    thread.join(10)
    assert not thread.is_alive()


FIRST = rounds(10)
MORE = rounds(20)[len(FIRST) :]


def test_several_attach_to_a_session_that_runs_and_see_it_to_its_end(running):
    source, path, thread = running
    attached = [(Recording(path), Restored()) for _ in range(2)]
    playbacks = [Playback(recording, follow=True) for recording, _ in attached]
    threads = [
        threading.Thread(target=playback.run, args=(sink,))
        for playback, (_, sink) in zip(playbacks, attached, strict=True)
    ]
    for one in threads:
        one.start()
    for playback, (_, sink) in zip(playbacks, attached, strict=True):
        sink.wait(lambda sink=sink: sink.restores == 1 and sink.pulses)
        assert sink.session.snapshot() == folded(FIRST, FIRST[-1].at).snapshot()
        assert playback.is_attached
    # one leaves: neither the session nor the other one is disturbed
    playbacks[0].stop()
    threads[0].join(10)
    attached[0][0].close()
    source.given.put(MORE)
    sink = attached[1][1]
    sink.wait(lambda: sink.events[-1:] == MORE[-1:])
    assert sink.events == MORE
    source.given.put([ev.SessionEnded(at=30 * NS_PER_S)])
    source.stop()
    sink.wait(lambda: sink.session.snapshot().ended and not playbacks[1].is_attached)
    assert playbacks[1].at_end
    thread.join(10)
    playbacks[1].stop()
    threads[1].join(10)
    assert (
        sink.session.snapshot()
        == folded([*FIRST, *MORE, ev.SessionEnded(at=30 * NS_PER_S)], 30 * NS_PER_S).snapshot()
    )
    attached[1][0].close()


def test_from_the_past_one_comes_back_to_a_session_that_runs(running):
    source, path, _ = running
    with Recording(path) as recording:
        playback, sink = Playback(recording, follow=True), Restored()
        thread = threading.Thread(target=playback.run, args=(sink,))
        thread.start()
        sink.wait(lambda: sink.restores == 1)
        playback.pause()
        playback.seek(3 * NS_PER_S)
        sink.wait(lambda: sink.restores == 2)
        assert not playback.is_attached
        source.given.put(MORE)
        wait_for_events(path, len(FIRST) + len(MORE))
        sink.wait(lambda: playback.end == MORE[-1].at)
        assert playback.position == 3 * NS_PER_S
        playback.seek(playback.end)
        sink.wait(lambda: sink.restores == 3)
        assert playback.is_attached
        assert sink.session.snapshot() == folded([*FIRST, *MORE], MORE[-1].at).snapshot()
        playback.stop()
        thread.join(10)


def test_time_goes_on_where_nothing_happens(running):
    _, path, _ = running
    with Recording(path) as recording:
        playback, sink = Playback(recording, follow=True), Restored()
        thread = threading.Thread(target=playback.run, args=(sink,))
        thread.start()
        sink.wait(lambda: sink.pulses and sink.pulses[-1] > FIRST[-1].at + NS_PER_S // 2)
        assert sink.pulses == sorted(sink.pulses)
        assert playback.quiet >= 0.5
        playback.stop()
        thread.join(10)


def test_a_report_that_follows_waits_for_the_end(running):
    source, path, _ = running
    with Recording(path) as recording:
        sink = Kept()
        following = Playback(recording, speed=None, follow=True)
        thread = threading.Thread(target=following.run, args=(sink,))
        thread.start()
        source.given.put(MORE)
        wait_for_events(path, len(FIRST) + len(MORE))
        assert thread.is_alive()
        end = ev.SessionEnded(at=30 * NS_PER_S)
        source.given.put([end])
        thread.join(10)
        assert not thread.is_alive()
        assert sink.events == [*FIRST, *MORE, end]


def test_a_report_that_follows_what_has_ended_ends_at_once(recording):
    sink = Kept()
    Playback(recording, speed=None, follow=True).run(sink)
    assert sink.events == EVENTS
