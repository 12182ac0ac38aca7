"""`--watch`: targets that are probed without a terminal, until somebody ends it."""

import datetime
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from tui_trace.alerts.awaited_source import AwaitedSource
from tui_trace.alerts.last_recording import describe_gap
from tui_trace.alerts.log_output import LogOutput
from tui_trace.alerts.service_manager import ServiceManager
from tui_trace.alerts.watch_log import WatchLog
from tui_trace.core.events import Notice
from tui_trace.core.local_time import local
from tui_trace.core.running import run_together
from tui_trace.core.sanitize import MESSAGE_LIMIT, sanitize
from tui_trace.core.settings import Pace
from tui_trace.core.stopping import Stopping
from tui_trace.core.stream import Inject, Source
from tui_trace.recording.sessions import default_folder

if TYPE_CHECKING:
    from tui_trace.app.config import Config
    from tui_trace.cli.recorded import NewRecordings
    from tui_trace.cli.source_factory import ResolvedTarget, SourceFactory
    from tui_trace.cli.vantage_factory import VantageFactory

PATIENCE = 1.0
"""Seconds that the last lines get to be written."""


def watch_targets(
    factory: "SourceFactory | VantageFactory",
    config: "Config",
    manager: ServiceManager,
    failed: Callable[[str], int],
) -> int:
    """Watch all targets until SIGTERM, or until their rounds are done; return the exit code.

    `failed` gets a line on each target that cannot be probed, and returns the exit code for that.
    """
    options = factory.options
    factory.recordings.kept = config.recordings.kept()
    factory.recordings.location_files = config.locations.files()
    opened, failures = _targets(factory)
    code = 0
    for line in failures:
        code = failed(line)
    sources: list[AwaitedSource] = []

    def stop() -> None:
        for source in sources:
            source.stop()

    def ask() -> None:
        for log in logs:
            log.is_summary_due = True

    def write(line: str) -> None:
        output.write(line)

    logs = [WatchLog(write, manager.alive) for _ in opened]
    with Stopping(lambda _: stop(), asked={signal.SIGUSR1: ask}):
        output = LogOutput(sys.stdout, stop, sys.stderr)
        for number, (host, find) in enumerate(opened):
            turn = (number, len(opened)) if len(opened) > 1 else None
            begin = partial(_open, factory, find, options.pace, turn)
            tell = partial(_tell, output, factory.recordings, host)
            sources.append(AwaitedSource(begin, tell, manager.alive))
        manager.tell("READY=1", f"STATUS=watching {len(opened)} target{'s'[: len(opened) != 1]}")
        for error in run_together(zip(sources, logs, strict=True)).values():
            code = failed(str(error))
        manager.tell("STOPPING=1")
        output.close(PATIENCE)
    return failed("the connection broke") if factory.broke_off and not code else code


def _targets(
    factory: "SourceFactory | VantageFactory",
) -> "tuple[list[tuple[str, Callable[[], ResolvedTarget]]], list[str]]":
    """Return each target with what finds its address, and a line on each that has none."""
    options = factory.options
    if options.resolve_all or options.reverse or not all(each.is_local for each in options.places):
        found, failures = factory.find_targets()
        return [(each.host, partial(_known, each)) for each in found], failures
    return [
        (each.host, partial(factory.resolve_target, each.host, each.settings))
        for each in factory.targets()
    ], []


def _known(found: "ResolvedTarget") -> "ResolvedTarget":
    return found


def _open(
    factory: "SourceFactory | VantageFactory",
    find: "Callable[[], ResolvedTarget]",
    pace: Pace,
    turn: tuple[int, int] | None,
) -> Source:
    """Open a target, and say since when it has not been watched."""
    found = find()._replace(turn=turn)
    folder = default_folder()
    gap = None
    if factory.options.recorded and folder is not None:
        gap = describe_gap(
            folder, found.host, factory.options.lab or "", time.time_ns(), found.place.host
        )
    source = factory.source(found, pace)
    if gap is not None:
        source.command(Inject(Notice(at=0, text=gap)))
    return source


def _tell(output: LogOutput, recordings: "NewRecordings", host: str, line: str) -> None:
    """Write a line of a target whose session has not begun."""
    host, line = recordings.called(host, ""), recordings.hidden_in(line)
    now = local(datetime.datetime.now(datetime.UTC)).isoformat(timespec="seconds")
    output.write(f"{now} {sanitize(host)} NOTE {sanitize(line, MESSAGE_LIMIT)}")
