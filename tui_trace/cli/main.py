"""From the command line to a source and a sink, in the order that rights allow.

Raw sockets are opened first; then the program becomes the user who called sudo and gives up every
capability, for good; only then is a file of the user's read, a resolver asked or a byte of the
network looked at. Without the right to raw sockets it traces all the same, through the error queues
of others.
"""

import gc
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tui_trace import names
from tui_trace.classic import called_as, named_program
from tui_trace.cli.source_factory import SourceFactory
from tui_trace.cli.warnings import WarningsSource
from tui_trace.core.sanitize import error_line
from tui_trace.core.settings import Pace, ProbeSettings, SettingError, SettingsHistory
from tui_trace.core.stream import Source, SourceError
from tui_trace.options.command_line import Options, Output, parse_command_line
from tui_trace.wire.packets.builder import scapy_layers

if TYPE_CHECKING:
    from tui_trace.lab import Lab
    from tui_trace.recording import Recording
    from tui_trace.wire.backends import Sockets

NEEDED = (
    "encodings.idna",
    "tui_trace.engine.engine",
    "tui_trace.recording",
    "tui_trace.wire.backends",
)
NEEDED_REPORT = ("tui_trace.report.printer",)
NEEDED_CLASSIC = ("tui_trace.classic.line_output",)
NEEDED_LIVE = ("tui_trace.app.run_live", "tui_trace.app.config")

LAB_LIST = "list"
NAMES_PATIENCE = 3.0
"""Seconds that a report waits for names still being asked for when its last probe is decided."""

CANNOT = 1
WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit code: 0, 1 if it cannot be done here, 2 for a wrong value."""
    gc.disable()  # what is imported lives as long as we do
    words = sys.argv[1:] if arguments is None else list(arguments)
    program = called_as(sys.argv[0])
    try:
        if program is not None and arguments is None:
            return _classic(program, words)
        if words[:1] == ["--as"]:
            return _classic(*named_program(words))
        return _run(parse_command_line(words))
    except SettingError as error:
        return _fail(WRONG, str(error))
    except SourceError as error:
        return _fail(CANNOT, str(error))


def _fail(code: int, line: str) -> int:
    sys.stderr.write(error_line(line))
    return code


def _classic(program: str, words: Sequence[str]) -> int:
    """As another program: its options, its lines, its exit code; or its options for the view."""
    from tui_trace.classic.program import Stop
    from tui_trace.classic.request import parse_for

    try:
        request, options = parse_for(program, words)
        if options.output is Output.LIVE:
            return _run(options)
        tracer = _tracer(options, NEEDED_CLASSIC)
        request = request if tracer.has_rights else request.without_rights()
        found = request.find(tracer.resolve, tracer.find)
    except Stop as stop:
        sys.stdout.write(stop.output)
        sys.stdout.flush()
        sys.stderr.write(stop.error)
        return stop.code
    from tui_trace.classic.line_output import print_lines

    return print_lines(tracer.unnamed(found, request.pace), request, tracer.naming())


def _run(options: Options) -> int:
    if options.lab == LAB_LIST:
        return _print(_scenarios())
    if options.completion is not None:
        return _completion(options.completion)
    if options.sessions:
        return _sessions()
    live = options.output is Output.LIVE
    if live and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SourceError("the live view needs a terminal; -r prints a report, -j JSON")
    if options.replay is not None:
        return _replay(options, options.replay)
    tracer = _tracer(options, NEEDED_LIVE if live else NEEDED_REPORT)
    return _live(tracer) if live else _report(tracer)


def _tracer(options: Options, needed: Sequence[str]) -> SourceFactory:
    """The sockets are open, all rights are gone, and what will be needed is imported."""
    start_lab = None if options.lab is None else _prepare_lab(options.lab)
    sockets = _open_sockets(options)
    _give_up_rights()
    lab = None if start_lab is None else start_lab()
    _import_all(needed)
    if options.naming.asks or options.naming.server or needed is NEEDED_CLASSIC:
        names.preload()
    gc.freeze()
    gc.enable()
    return SourceFactory(sockets, options, lab)


def _scenarios() -> str:
    from tui_trace.lab import describe

    return "".join(f"{name:16} {title}\n" for name, title in describe())


def _completion(shell: str) -> int:
    from tui_trace.cli.completion import script

    return _print(script(shell))


def _sessions() -> int:
    _give_up_rights()
    from tui_trace.report.session_list import render_session_list

    return _print(render_session_list())


def _prepare_lab(name: str) -> "Callable[[], Lab]":
    """The network first; what it plays once rights are gone, if that is a file of the user's."""
    from tui_trace.lab import LabError, load_file, load_scenario, prepare, scenario_names

    def start() -> "Lab":
        try:
            lab.start(known or load_file(name))
        except LabError as error:
            raise SourceError(str(error)) from error
        return lab

    try:
        known = load_scenario(name) if name in scenario_names() else None
        lab = prepare(known.families) if known else prepare()
    except LabError as error:
        raise SourceError(str(error)) from error
    return start


def _open_sockets(options: Options) -> "Sockets":
    from tui_trace.wire import backends
    from tui_trace.wire.network import SendError

    sockets = backends.open_backend(unprivileged=options.unprivileged)
    try:
        if options.mark is not None:
            backends.mark(sockets, options.mark)
    except SendError as error:
        raise SourceError(error.reason) from error
    return sockets


def _import_all(needed: Sequence[str]) -> None:
    """Imports take long, and no probe shall wait for one."""
    for module in (*NEEDED, *needed):
        importlib.import_module(module)
    scapy_layers()


def _give_up_rights() -> None:
    from tui_trace.core.privileges import RightsError, give_up_rights

    def preload() -> None:
        importlib.import_module("tui_trace.cli.preload").import_everything()

    try:
        give_up_rights(preload)
    except RightsError as error:
        raise SourceError(str(error)) from error


def _live(tracer: "SourceFactory") -> int:
    from tui_trace.app.app import TraceApp
    from tui_trace.app.config import ConfigError, load_config
    from tui_trace.app.run_live import run_live

    options = tracer.options
    try:
        config = load_config()
        pace = options.paced(config.pace(Pace()))
        tracer.kept = config.recordings.kept()
        found = tracer.find(tracer.first_host, options.settings)
        source = tracer.source(found, pace)
        app = TraceApp(tracer.open, source, SettingsHistory(found.settings), pace, config)
    except ConfigError as error:
        return _fail(error.exit_code, str(error))
    return run_live(app)


def _report(tracer: "SourceFactory") -> int:
    """Without the live view: the sink runs in this thread."""
    options = tracer.options
    found = tracer.find(tracer.first_host, options.settings)
    source = tracer.source(found, options.pace, patience=NAMES_PATIENCE)
    return _printed(WarningsSource(source, found.warnings), options)


def _replay(options: Options, name: str) -> int:
    """A recording takes the place of the network, in any output."""
    _give_up_rights()
    live = options.output is Output.LIVE
    for module in NEEDED_LIVE if live else NEEDED_REPORT:
        importlib.import_module(module)
    from tui_trace import recording

    # each moment that is gone to is a session, which refers to itself
    gc.freeze()
    gc.enable()
    with recording.Recording(recording.find_recording(name)) as played:
        if live:
            return _replay_live(played)
        lines = options.output is Output.JSON_LINES
        start = None if lines else played.end
        return _printed(recording.Playback(played, speed=None, start=start), options)


def _replay_live(played: "Recording") -> int:
    from tui_trace.app.app import TraceApp
    from tui_trace.app.config import ConfigError, load_config
    from tui_trace.app.run_live import run_live
    from tui_trace.recording import Playback

    def refuse(_host: str, _settings: ProbeSettings, _pace: Pace) -> Source:
        raise SourceError("a recording is played; quit and trace the host")

    end = played.snapshot(played.end)
    try:
        app = TraceApp(
            refuse, Playback(played), SettingsHistory(end.run.settings), end.pace, load_config()
        )
    except ConfigError as error:
        return _fail(error.exit_code, str(error))
    return run_live(app)


def _printed(source: Source, options: Options) -> int:
    from tui_trace.report.printer import Report, print_report

    print_report(source, Report(options.output.value, options.layout))
    return 0


def _print(text: str) -> int:
    from tui_trace.report.printer import write

    write(text)
    return 0
