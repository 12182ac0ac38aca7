"""Plays what was measured before: a recording, or results that other programs wrote."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tui_trace.core.bounded_files import read_start
from tui_trace.core.settings import Pace, ProbeSettings, SettingsHistory
from tui_trace.core.stream import Source, SourceError
from tui_trace.options.command_line import Options
from tui_trace.options.output import Output
from tui_trace.recording import Playback, Recording, RecordingError, find_recording
from tui_trace.results.detect import looks_like_results, read_sessions
from tui_trace.results.result_input import STANDARD_INPUT, ResultInput
from tui_trace.results.result_source import ResultSource
from tui_trace.results.temporary_recording import ResultPlayback, TemporaryRecording

_HEAD = 4096
"""Bytes in which the first one that is no space stands."""


def print_replay(name: str, options: Options) -> bool:
    """Print a report of each session, and return whether all is fine."""
    from tui_trace.report.printer import Report, print_report, print_reports

    report = Report(options.output.value, options.layout, options.dot)
    if not _is_results(name):
        with Recording(find_recording(name)) as played:
            start = None if options.output is Output.JSON_LINES else played.end
            playback = Playback(played, speed=None, start=start, follow=options.follow)
            return print_report(playback, report)
    if options.follow:
        raise SourceError("--follow attaches to a session that tui-trace records: this is none")
    with ResultInput(_file_of(name)) as source:
        return print_reports(_sources(source), report, source.stop)


def show_replay(name: str, *, follow: bool = False) -> int:
    """Play the first session in the live view; return the exit code. `ConfigError`.

    `follow`: begin at the end, and go on with a session that runs.
    """
    if not _is_results(name):
        with Recording(find_recording(name)) as played:
            return _show(played, Playback(played, follow=follow))
    if _is_pipe(find_recording(name)):
        raise SourceError("the live view plays no pipe: give a file, or -r for a report")
    with TemporaryRecording(_file_of(name)) as played:
        return _show(played, ResultPlayback(played))


def show_sessions() -> int:
    """Let the user open one recording after another; return the exit code. `ConfigError`."""
    from tui_trace.app.config import load_config
    from tui_trace.app.sessions_app import choose_recording

    config = load_config()
    message, before = "", None
    while True:
        choice = choose_recording(config, message, before)
        if isinstance(choice, int):
            return choice
        message, before = "", choice.path
        try:
            with Recording(choice.path) as played:
                playback = Playback(played, follow=choice.follow)
                code = _show(played, playback, compare=choice.compare)
        except RecordingError as error:
            message = str(error)
            continue
        if code:
            return code


def _show(played: Recording, playback: Playback, *, compare: bool = False) -> int:
    from tui_trace.app.app import TraceApp
    from tui_trace.app.config import load_config
    from tui_trace.app.run_live import run_live

    def refuse(_host: str, _settings: ProbeSettings, _pace: Pace) -> Source:
        raise SourceError("this is a recording; quit it to trace a host")

    end = played.snapshot(played.end)
    history = SettingsHistory(end.run.settings)
    app = TraceApp(refuse, playback, history, end.pace, load_config(), compare=compare)
    return run_live(app)


def _sources(source: ResultInput) -> Iterator[Source]:
    for events in read_sessions(source):
        yield ResultSource(source.name, events, source.stop)


def _file_of(name: str) -> str:
    return name if name == STANDARD_INPUT else str(find_recording(name))


def _is_results(name: str) -> bool:
    """Return whether to read a file as results; a recording, or nothing, is no such file."""
    if name == STANDARD_INPUT:
        return True
    path = find_recording(name)
    try:
        return _is_pipe(path) or looks_like_results(read_start(path, _HEAD))
    except OSError:
        return False


def _is_pipe(path: Path) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False
