"""Opens recordings of strangers in the ways that the program has, each in a process with limits.

`python -m tests.helpers.recordings.open_recordings FILE…` prints an `Opened` as JSON for each, in
their order. All outputs but the view are made of one reading, so the files get them in turn.
"""

import contextlib
import io
import os
import resource
import signal
import sys
import threading
import time
import traceback
from functools import partial
from pathlib import Path

import msgspec

from tui_trace.app import app, run_live  # noqa: F401
from tui_trace.app.render.chart_data import strip, window
from tui_trace.app.render.final_table import format_final_table
from tui_trace.app.render.session_overview import happenings, overview
from tui_trace.app.render.timeline_bar import timeline_bar
from tui_trace.cli import main as cli_main
from tui_trace.core import privileges
from tui_trace.recording import Playback, Recording, RecordingError, list_sessions
from tui_trace.report.collector import Collector
from tui_trace.report.finding_lines import wall_clock
from tui_trace.report.session_list import render_session_list
from tui_trace.session.paths import diff_paths

MEMORY = 1 << 30
"""Bytes of address space."""
PATIENCE = 150
"""Seconds of CPU for all outputs of one file: five million probes are folded five times."""
REPORTS = ("--jsonl", "-r", "-j", "-C", "--markdown")
"""One of these for each file, in turn."""


class Shown(msgspec.Struct):
    """What one output came to."""

    code: int
    error: str
    """Standard error; a traceback is the program's own fault."""
    harmless: bool
    """No control character but line ends went to the terminal."""
    size: int
    cpu: float
    """Seconds."""


class Opened(msgspec.Struct):
    """What became of one file."""

    status: int
    """As of os.wait4(2): 0 if the process came to its end."""
    memory: int
    """Bytes that it had at most."""
    shown: dict[str, Shown]


class _Counted(io.TextIOBase):
    """Standard output that keeps nothing but what there is to say of it."""

    def __init__(self) -> None:
        self.size = 0
        self.harmless = True
        self.buffer = self

    def write(self, text) -> int:
        self.size += len(text)
        if isinstance(text, str):
            text = text.encode("utf-8", "surrogatepass")
        rest = text.translate(None, b"\n")
        if min(rest, default=32) < 32 or b"\x7f" in rest:
            self.harmless = False
        return len(text)

    def flush(self) -> None:
        pass


def _shown(opens) -> Shown:
    out, err = _Counted(), io.StringIO()
    before = time.process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = opens()
        except SystemExit as stop:
            code = int(stop.code or 0)
        except BaseException:
            traceback.print_exc()
            code = -1
    cpu = time.process_time() - before
    return Shown(code, err.getvalue(), out.harmless, out.size, cpu)


def _sessions(path: Path) -> int:
    sys.stdout.write(render_session_list(list_sessions(path.parent), 120))
    return 0


def _view(path: Path) -> int:
    """As the live view does it, but for the widgets."""
    try:
        with Recording(path) as recording:
            playback, collector = Playback(recording, speed=1000.0), Collector()
            steps = [0, playback.end // 2, -1, 1 << 62]

            def drive() -> None:
                for at in steps:
                    playback.seek(at)
                    time.sleep(0.02)
                playback.stop()

            driver = threading.Thread(target=drive)
            driver.start()
            try:
                playback.run(collector)
            finally:
                driver.join()
            for at in steps:
                shown = recording.snapshot(at)
                lines = [
                    *timeline_bar(shown.timeline, shown.at, 80, playback.end, keys="", clock=str),
                    *overview(shown.timeline, 80, wall_clock(shown)),
                    *happenings(shown.timeline.moments, 80, wall_clock(shown)),
                    *(strip(hop, window(shown, 40)) for hop in shown.run.hops),
                ]
                for before, after in zip(shown.paths[:20], shown.paths[1:20], strict=False):
                    diff_paths(before, after)
                sys.stdout.write("".join(text for line in lines for text, _ in line))
                sys.stdout.write(format_final_table(shown, 80))
    except RecordingError as error:
        sys.stderr.write(f"tui-trace: {error}\n")
        return 1
    return 0


def _note(path: Path) -> int:
    try:
        with Recording(path) as recording:
            recording.note("seen", 0)
    except RecordingError as error:
        sys.stderr.write(f"tui-trace: {error}\n")
        return 1
    sys.stdout.write("noted\n" * 20)
    return 0


def _open(path: Path, number: int) -> dict[str, Shown]:
    report = REPORTS[number % len(REPORTS)]
    opens = {
        report: lambda path: cli_main.main(["--replay", str(path), report]),
        "--sessions": _sessions,
        "view": _view,
        "note": _note,
    }
    return {name: _shown(partial(one, path)) for name, one in opens.items()}


def _in_a_process(path: Path, number: int) -> Opened:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE + 5))
            # so that where it hangs is told
            signal.signal(signal.SIGXCPU, signal.default_int_handler)
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(msgspec.json.encode(_open(path, number)))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status, used = os.wait4(child, 0)
    return Opened(
        status, used.ru_maxrss * 1024, msgspec.json.decode(told or b"{}", type=dict[str, Shown])
    )


def main(paths: list[str]) -> None:
    """Everything is imported once, before the first process."""
    privileges.give_up_rights = lambda _preload: None
    for number, path in enumerate(paths):
        sys.stdout.write(msgspec.json.encode(_in_a_process(Path(path), number)).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
