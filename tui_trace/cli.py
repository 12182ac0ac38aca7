"""From the command line to a source and a sink, in the order that rights allow.

Raw sockets are opened first and everything is imported; then every capability is given up for
good; only then is a file of the user's read, a resolver asked or a byte of the network looked at.
Without the right to raw sockets it traces all the same, through the error queues of others.
"""

import gc
import importlib
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from tui_trace import names
from tui_trace.classic import called_as, named_program
from tui_trace.options import Options, Output, parse
from tui_trace.settings import Pace, ProbeSettings, SettingError, Switches
from tui_trace.source import Source, SourceError
from tui_trace.tracer import Tracer
from tui_trace.warned import Warned
from tui_trace.wire.template import scapy_layers

if TYPE_CHECKING:
    from tui_trace.lab import Lab
    from tui_trace.recording import Recording
    from tui_trace.wire.access import Sockets

NEEDED = (
    "encodings.idna",
    "tui_trace.engine.engine",
    "tui_trace.recording",
    "tui_trace.wire.access",
)
NEEDED_REPORT = ("tui_trace.report.printing",)
NEEDED_CLASSIC = ("tui_trace.classic.run",)
NEEDED_LIVE = ("tui_trace.app.run", "tui_trace.config")

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
        return _run(parse(words))
    except SettingError as error:
        return _fail(WRONG, str(error))
    except SourceError as error:
        return _fail(CANNOT, str(error))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def run() -> NoReturn:
    """The console script."""
    sys.exit(main())


def _fail(code: int, line: str) -> int:
    sys.stderr.write(f"tui-trace: {line}\n")
    return code


def _classic(program: str, words: Sequence[str]) -> int:
    """As another program: its options, its lines, its exit code; or its options for the view."""
    from tui_trace.classic.request import Stop, parse_for  # noqa: PLC0415

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
    from tui_trace.classic.run import print_lines  # noqa: PLC0415

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


def _tracer(options: Options, needed: Sequence[str]) -> Tracer:
    """The sockets are open, all is imported and all rights are gone."""
    lab = None if options.lab is None else _enter_lab(options.lab)
    sockets = _open_sockets(options)
    _import_everything(needed)
    if options.naming.asks or needed is NEEDED_CLASSIC:
        names.preload()
    _give_up_rights()
    gc.freeze()
    gc.enable()
    return Tracer(sockets, options, lab)


def _scenarios() -> str:
    from tui_trace.lab import describe  # noqa: PLC0415

    return "".join(f"{name:16} {title}\n" for name, title in describe())


def _completion(shell: str) -> int:
    from tui_trace.completion import script  # noqa: PLC0415

    return _print(script(shell))


def _sessions() -> int:
    importlib.import_module("tui_trace.recording")
    from tui_trace.report.listing import render  # noqa: PLC0415

    _give_up_rights()
    return _print(render())


def _enter_lab(name: str) -> "Lab":
    from tui_trace.lab import LabError, enter, load  # noqa: PLC0415

    try:
        return enter(load(name))
    except LabError as error:
        raise SourceError(str(error)) from error


def _open_sockets(options: Options) -> "Sockets":
    from tui_trace.wire import access  # noqa: PLC0415
    from tui_trace.wire.network import SendError  # noqa: PLC0415

    sockets = access.open_sockets(unprivileged=options.unprivileged)
    try:
        if options.mark is not None:
            access.mark(sockets, options.mark)
    except SendError as error:
        raise SourceError(error.reason) from error
    return sockets


def _import_everything(needed: Sequence[str]) -> None:
    """Without rights even root cannot read a module in somebody's private home."""
    for module in (*NEEDED, *needed):
        importlib.import_module(module)
    scapy_layers()


def _give_up_rights() -> None:
    from tui_trace.rights import drop_capabilities, keep_modules_in_reach  # noqa: PLC0415

    keep_modules_in_reach()
    drop_capabilities()


def _live(tracer: "Tracer") -> int:
    from tui_trace.app.app import TraceApp  # noqa: PLC0415
    from tui_trace.app.run import run_live  # noqa: PLC0415
    from tui_trace.config import ConfigError, load  # noqa: PLC0415

    options = tracer.options
    try:
        config = load()
        pace = options.paced(config.pace(Pace()))
        tracer.kept = config.recordings.kept()
        found = tracer.find(tracer.first_host, options.settings)
        source = tracer.source(found, pace)
        app = TraceApp(tracer.open, source, Switches(found.settings), pace, config)
    except ConfigError as error:
        return _fail(WRONG, str(error))
    return run_live(app)


def _report(tracer: "Tracer") -> int:
    """Without the live view: the sink runs in this thread."""
    options = tracer.options
    found = tracer.find(tracer.first_host, options.settings)
    source = tracer.source(found, options.pace, patience=NAMES_PATIENCE)
    return _printed(Warned(source, found.warnings), options)


def _replay(options: Options, name: str) -> int:
    """A recording takes the place of the network, in any output."""
    live = options.output is Output.LIVE
    for module in NEEDED_LIVE if live else NEEDED_REPORT:
        importlib.import_module(module)
    from tui_trace import recording  # noqa: PLC0415

    _give_up_rights()
    # each moment that is gone to is a session, which refers to itself
    gc.freeze()
    gc.enable()
    with recording.Recording(recording.find(name)) as played:
        if live:
            return _replay_live(played)
        lines = options.output is Output.JSON_LINES
        start = None if lines else played.end
        return _printed(recording.Playback(played, speed=None, start=start), options)


def _replay_live(played: "Recording") -> int:
    from tui_trace.app.app import TraceApp  # noqa: PLC0415
    from tui_trace.app.run import run_live  # noqa: PLC0415
    from tui_trace.config import ConfigError, load  # noqa: PLC0415
    from tui_trace.recording import Playback  # noqa: PLC0415

    def refuse(_host: str, _settings: ProbeSettings, _pace: Pace) -> Source:
        raise SourceError("a recording is played; quit and trace the host")

    end = played.snapshot(played.end)
    try:
        app = TraceApp(refuse, Playback(played), Switches(end.run.settings), end.pace, load())
    except ConfigError as error:
        return _fail(WRONG, str(error))
    return run_live(app)


def _printed(source: Source, options: Options) -> int:
    from tui_trace.report.printing import Report, printed  # noqa: PLC0415

    printed(source, Report(options.output.value, options.layout))
    return 0


def _print(text: str) -> int:
    from tui_trace.report.printing import write  # noqa: PLC0415

    write(text)
    return 0
