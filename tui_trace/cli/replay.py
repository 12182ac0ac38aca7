"""Plays what was measured before: a recording, or results that other programs wrote."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tui_trace.cli.recorded import redactor_of
from tui_trace.core.bounded_files import read_start
from tui_trace.core.settings import Pace, ProbeSettings, SettingsHistory
from tui_trace.core.stream import Source, SourceError
from tui_trace.options.command_line import Options
from tui_trace.options.output import Output
from tui_trace.recording import Playback, Recording, RecordingError, find_recording
from tui_trace.recording.episode_runs import episode_runs
from tui_trace.recording.redacted_source import RedactedSource
from tui_trace.recording.stretch import read_stretch
from tui_trace.redaction.redactor import Redactor
from tui_trace.results.detect import looks_like_results, read_sessions
from tui_trace.results.result_input import STANDARD_INPUT, ResultInput
from tui_trace.results.result_source import ResultSource
from tui_trace.results.temporary_recording import ResultPlayback, TemporaryRecording
from tui_trace.session.snapshot import Run, Snapshot

if TYPE_CHECKING:
    from tui_trace.app.config import Config
    from tui_trace.report.printer import Report

_HEAD = 4096
"""Bytes in which the first one that is no space stands."""


def print_replay(name: str, options: Options) -> bool:
    """Print a report of each session, and return whether all is fine."""
    from tui_trace.report.printer import Report, print_reports

    redactor = redactor_of(options)
    report = Report(options.output.value, options.layout, options.dot)
    if options.output is Output.HTML:
        report = replace(report, during=_during)
    if not _is_results(name):
        with Recording(find_recording(name), redactor) as played:
            return _print_recording(played, options, report)
    if options.follow:
        raise SourceError("--follow attaches to a session that tui-trace records: this is none")
    if options.stretch or options.output is Output.HTML:
        if name == STANDARD_INPUT or _is_pipe(find_recording(name)):
            raise SourceError("a part of results, or --html of them, needs a file: no pipe")
        with TemporaryRecording(_file_of(name), redactor) as played:
            return _print_recording(played, options, report)
    with ResultInput(_file_of(name)) as source:
        return print_reports(_sources(source, redactor), report, source.stop)


def _print_recording(played: Recording, options: Options, report: "Report") -> bool:
    from tui_trace.report.printer import print_report, print_snapshot

    if not options.stretch:
        start = None if options.output is Output.JSON_LINES else played.end
        playback = Playback(played, speed=None, start=start, follow=options.follow)
        return print_report(playback, report)
    since, until = options.stretch.bounds(played.info().wall, played.end)
    found = read_stretch(played, since, until)
    snapshot = found.snapshot
    if report.during is not None:
        snapshot = replace(snapshot, during=episode_runs(played, snapshot))
    return print_snapshot(snapshot, found.runs, report)


def _during(source: Source, snapshot: Snapshot) -> tuple[Run | None, ...]:
    return episode_runs(source.recording, snapshot) if isinstance(source, Playback) else ()


def show_replay(name: str, options: Options, config: "Config") -> int:
    """Play the first session in the live view; return the exit code.

    With `--follow` begin at the end, and go on with a session that runs.
    """
    redactor = redactor_of(options)
    if not _is_results(name):
        with Recording(find_recording(name), redactor) as played:
            return _show(played, Playback(played, follow=options.follow), config)
    if _is_pipe(find_recording(name)):
        raise SourceError("the live view plays no pipe: give a file, or -r for a report")
    with TemporaryRecording(_file_of(name), redactor) as played:
        return _show(played, ResultPlayback(played), config)


def show_sessions(options: Options, config: "Config") -> int:
    """Let the user open one recording after another; return the exit code."""
    from tui_trace.app.sessions_app import choose_recording

    message, before = "", None
    while True:
        choice = choose_recording(config, message, before)
        if isinstance(choice, int):
            return choice
        message, before = "", choice.path
        try:
            with Recording(choice.path, redactor_of(options)) as played:
                playback = Playback(played, follow=choice.follow)
                code = _show(played, playback, config, compare=choice.compare)
        except RecordingError as error:
            message = str(error)
            continue
        if code:
            return code


def _show(played: Recording, playback: Playback, config: "Config", *, compare: bool = False) -> int:
    from tui_trace.app.app import TraceApp
    from tui_trace.app.run_live import run_live

    def refuse(_host: str, _settings: ProbeSettings, _pace: Pace) -> Source:
        raise SourceError("this is a recording; quit it to trace a host")

    end = played.snapshot(played.end)
    history = SettingsHistory(end.run.settings)
    app = TraceApp(refuse, playback, history, end.pace, config, compare=compare)
    return run_live(app)


def _sources(source: ResultInput, redactor: Redactor | None) -> Iterator[Source]:
    for events in read_sessions(source):
        if redactor is None:
            yield ResultSource(source.name, events, source.stop)
        else:
            learnt = map(redactor.learnt, events)
            yield RedactedSource(ResultSource(source.name, learnt, source.stop), redactor)


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
