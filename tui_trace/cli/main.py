"""From the command line to a source and a sink, in the order that rights require.

Raw sockets are opened first. Then the program becomes the user who called sudo and gives up every
capability for good. Only then does it read a file of the user, use a resolver or read a packet.
Without the right to raw sockets it uses the error queues of ordinary sockets.
"""

import gc
import os
import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from tui_trace.alerts.service_manager import ServiceManager
from tui_trace.classic import called_as, named_program
from tui_trace.cli import preload
from tui_trace.cli.source_factory import SourceFactory
from tui_trace.cli.warnings import WarningsSource
from tui_trace.core.local_time import use_zone
from tui_trace.core.sanitize import error_line
from tui_trace.core.settings import SettingError, SettingsHistory
from tui_trace.core.stream import SourceError
from tui_trace.core.word_lists import listed
from tui_trace.options.command_line import LAB_QUIZ, Options, parse_command_line
from tui_trace.options.output import Output
from tui_trace.wire.packets.lazy_scapy import scapy_layers
from tui_trace.wire.system import missing

if TYPE_CHECKING:
    from tui_trace.alerts.event_command import EventCommand
    from tui_trace.app.config import Config, ParseBehind
    from tui_trace.cli.recorded import RecordingFactory
    from tui_trace.cli.vantage_factory import VantageFactory
    from tui_trace.lab import Lab
    from tui_trace.wire.backends import Sockets

    AnyFactory: TypeAlias = SourceFactory | VantageFactory

LAB_LIST = "list"
NAMES_PATIENCE = 3.0
"""Seconds that a report waits for running lookups after its last probe."""

_NEW_OBJECTS = 20_000
"""Objects after which those that refer to each other in a circle are looked for. The probes that
are kept, which the search has to look at again and again, make no circles."""

CANNOT = 1
WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, 1 for what is not possible here, 2 for a wrong value."""
    gc.disable()  # modules live until the process ends
    words = sys.argv[1:] if arguments is None else list(arguments)
    program = called_as(sys.argv[0])
    try:
        if program is not None and arguments is None:
            return _classic(program, words)
        if words[:1] == ["--as"]:
            return _classic(*named_program(words))
        return _run(parse_command_line(words, None), partial(parse_command_line, words))
    except SettingError as error:
        return _fail(WRONG, str(error))
    except SourceError as error:
        return _fail(CANNOT, str(error))


def _fail(code: int, line: str) -> int:
    sys.stderr.write(error_line(line))
    return code


def _classic(program: str, words: Sequence[str]) -> int:
    """Emulate another program, or open the live view with its options; return the exit code."""
    from tui_trace.classic.program import ProgramExit
    from tui_trace.classic.request import parse_classic

    try:
        request, options = parse_classic(program, words)
        if options.output is Output.LIVE:
            return _run(options, lambda config: parse_classic(program, words, config)[1])
        factory = _prepare_local(options, preload.CLASSIC)(options)
        request = request if factory.has_rights else request.without_rights()
        found = request.find(factory.resolve, factory.resolve_target)
    except ProgramExit as stop:
        sys.stdout.write(stop.output)
        sys.stdout.flush()
        sys.stderr.write(stop.error)
        return stop.code
    from tui_trace.classic.line_output import print_lines

    return print_lines(factory.engine_source(found, request.pace), request, factory.name_options())


def _run(options: Options, parse: "ParseBehind") -> int:
    if options.lab == LAB_LIST:
        return _print_text(_scenarios())
    if options.completion is not None:
        return _completion(options.completion)
    if options.sessions:
        return _sessions(options, parse)
    live = options.output is Output.LIVE
    if live and options.replay == "-":
        raise SourceError("the live view plays no standard input: give a file, or -r for a report")
    if live and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SourceError("the live view needs a terminal; -r prints a report, -j JSON")
    if options.replay is not None:
        return _replay(options, options.replay, parse)
    return _trace(options, parse)


def _trace(options: Options, parse: "ParseBehind") -> int:
    live = options.output is Output.LIVE
    watches = options.output is Output.WATCH
    needed = preload.LIVE if live else preload.WATCH if watches else preload.REPORT
    manager = ServiceManager(os.environ)
    command = _start_event_command(options)
    serve_metrics = _prepare_metrics(options)
    make_factory = _prepare(options, needed)
    config, options = _read_config(options, parse)
    factory = make_factory(options)
    serve_metrics(factory)
    factory.recordings.event_command = command
    if watches:
        from tui_trace.cli.watch import watch_targets

        return watch_targets(factory, config, manager, lambda line: _fail(CANNOT, line))
    return _live(factory, config) if live else _report(factory)


def _start_event_command(options: Options) -> "EventCommand | None":
    if not options.event_command:
        return None
    from tui_trace.alerts.event_command import EventCommand

    return EventCommand(options.event_command)


def _read_config(options: Options, parse: "ParseBehind") -> "tuple[Config, Options]":
    """Return the config, and the options behind those that it gives; see `load_config`.

    Times of day are in its zone from now on. Its options hold for what somebody looks at, or leaves
    alone: what a script reads never depends on a file.
    """
    from tui_trace.app.config import Config, load_config

    # who asks by `--commands` is another program, which gets nanoseconds
    reads = options.reads_config and not options.commands
    config = load_config() if reads else Config()
    use_zone(config.zone)
    return config, config.options_before(parse) if options.output.is_endless else options


def _prepare(options: Options, needed: Sequence[str]) -> "Callable[[Options], AnyFactory]":
    """Open the sockets, give up all rights; return what makes the factory of all sources.

    It gets the options again: by then the config has been read.
    """
    is_local = [place.is_local for place in options.places]
    if all(is_local):
        make_local = _prepare_local(options, needed)
        return make_local if not options.reverse else lambda final: make_local(_to_caller(final))
    if any(is_local) or options.reverse:
        make_local = _prepare_local(options, (*preload.REMOTE, *needed))
        return lambda final: _vantages(final, make_local(final))
    _prepare_without_sockets(needed)
    return lambda final: _vantages(final, None)


def _to_caller(options: Options) -> Options:
    from tui_trace.remote import ssh_config

    return options.back_to(ssh_config.caller(os.environ))


def _vantages(options: Options, local: SourceFactory | None) -> "VantageFactory":
    from tui_trace.cli.vantage_factory import VantageFactory

    return VantageFactory(options, local)


def _prepare_local(options: Options, needed: Sequence[str]) -> Callable[[Options], SourceFactory]:
    """Open the sockets, give up all rights, and import the modules in `needed`.

    Return what makes the factory of sources on these sockets, from the options that hold then.
    """
    _check_system()
    start_lab = None if options.lab is None else _prepare_lab(options.lab)
    sockets = _open_sockets(options)
    _give_up_rights()
    lab = None if start_lab is None else start_lab()
    preload.import_modules((*preload.ENGINE, *needed))

    def make(options: Options) -> SourceFactory:
        if options.naming.asks or options.naming.server:
            preload.import_modules(preload.NAMES)
        scapy_layers()
        gc.freeze()
        gc.set_threshold(_NEW_OBJECTS)
        gc.enable()
        return SourceFactory(sockets, options, lab)

    return make


def _check_system() -> None:
    lacking = missing()
    if lacking:
        raise SourceError(
            f"a live trace needs Linux: this system has no {listed(lacking)};"
            " --replay, --sessions and --from ssh:HOST work here"
        )


def _prepare_without_sockets(needed: Sequence[str]) -> None:
    """Give up all rights: ssh runs as the user, with the user's files; no socket is needed."""
    _give_up_rights()
    preload.import_modules((*preload.REMOTE, *needed))
    gc.freeze()
    gc.enable()


def _prepare_metrics(options: Options) -> "Callable[[RecordingFactory], None]":
    """Open the socket of the metrics; return a function that serves them for a factory's sources.

    Before the lab: its network could not be reached. Nothing is read before rights are given up.
    """
    if options.metrics is None:
        return lambda _: None
    from tui_trace.metrics.http_server import MetricsServer, open_listener

    listener = open_listener(*options.metrics)

    def serve(factory: "RecordingFactory") -> None:
        from tui_trace.metrics.exporter import MetricsExporter

        exporter = factory.recordings.exporter = MetricsExporter()
        MetricsServer(listener, exporter).start()

    return serve


def _scenarios() -> str:
    from tui_trace.lab import scenario_titles

    return "".join(f"{name:16} {title}\n" for name, title in scenario_titles())


def _completion(shell: str) -> int:
    from tui_trace.cli.completion import script

    return _print_text(script(shell))


def _sessions(options: Options, parse: "ParseBehind") -> int:
    """Show the recordings: a screen on a terminal, else a list."""
    _give_up_rights()
    config, options = _read_config(options, parse)
    if options.output is Output.LIVE and sys.stdin.isatty() and sys.stdout.isatty():
        preload.import_modules((*preload.LIVE, "tui_trace.app.sessions_app"))
        from tui_trace.cli.replay import show_sessions

        gc.freeze()
        gc.enable()
        return show_sessions(options, config)
    from tui_trace.report.session_list import render_session_list

    return _print_text(render_session_list())


def _prepare_lab(name: str) -> "Callable[[], Lab]":
    """Make the network of the lab; return a function that starts its scenario.

    A scenario file of the user is read by that function, after rights have been given up.
    """
    from tui_trace.lab import LabError, load_file, load_scenario, prepare, scenario_names

    if name == LAB_QUIZ:
        # probes of either IP version get somewhere
        name = random.SystemRandom().choice([one for one in scenario_names() if one != "ipv6"])

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


def _give_up_rights() -> None:
    from tui_trace.core.privileges import RightsError, give_up_rights

    try:
        give_up_rights(preload.import_everything)
    except RightsError as error:
        raise SourceError(str(error)) from error


def _live(factory: "AnyFactory", config: "Config") -> int:
    from tui_trace.app.app import TraceApp
    from tui_trace.app.run_live import run_live
    from tui_trace.app.targets import TargetSource

    options = factory.options
    recordings = factory.recordings
    recordings.kept = config.recordings.kept()
    recordings.location_files = config.locations.files()
    targets, failures = factory.find_targets()
    for line in failures:
        _fail(CANNOT, line)
    if not targets:
        return CANNOT
    sources = [
        TargetSource(
            recordings.called(found.host, found.address),
            factory.source(found, options.pace),
            recordings.shown_settings(found.settings),
            factory.opener(found.place),
            recordings.called_place(found.place.host),
        )
        for found in targets
    ]
    first, *others = sources
    app = TraceApp(
        first.open_source,
        first.source,
        SettingsHistory(first.settings),
        options.pace,
        config,
        confidence=options.confidence,
        host=first.host,
        vantage=first.vantage,
        others=others,
        greeting=factory.greeting,
        reverse=options.reverse and len(others) == 1,
        lab=factory.lab_scenario,
    )
    return run_live(app)


def _report(factory: "AnyFactory") -> int:
    """Print a report; of one target, the source and the sink run in this thread."""
    options = factory.options
    if options.has_several:
        return _reports(factory)
    from tui_trace.report.printer import print_report

    found = factory.resolve_target(factory.first_host, options.settings)
    with factory.recordings.report() as report:
        source = factory.source(found, options.pace, patience=NAMES_PATIENCE)
        source = WarningsSource(source, found.warnings)
        if options.commands:
            from tui_trace.report.command_input import CommandedSource

            source = CommandedSource(source, sys.stdin.fileno())
        fine = print_report(source, report)
    return CANNOT if factory.broke_off else _exit_code(fine, options)


def _reports(factory: "AnyFactory") -> int:
    """Print the reports of several targets."""
    from tui_trace.report.printer import print_together

    options = factory.options
    targets, failures = factory.find_targets()
    for line in failures:
        _fail(CANNOT, line)
    more: list[str] = []
    with factory.recordings.report() as report:
        sources = [
            WarningsSource(
                factory.source(found, options.pace, NAMES_PATIENCE),
                found.warnings if not number else (),
            )
            for number, found in enumerate(targets)
        ]
        fine = print_together(sources, report, more.append)
    for line in more:
        _fail(CANNOT, line)
    if failures or more or factory.broke_off:
        return CANNOT
    return 0 if fine or not options.check else _WRONG


def _replay(options: Options, name: str, parse: "ParseBehind") -> int:
    """Play a recording, or the results of another program, in the live view or as reports."""
    _give_up_rights()
    live = options.output is Output.LIVE
    preload.import_modules(preload.LIVE if live else preload.REPORT)
    from tui_trace.cli.replay import print_replay, show_replay

    # a replay makes many sessions with reference cycles, so garbage collection is needed
    gc.freeze()
    gc.enable()
    config, options = _read_config(options, parse)
    if live:
        return show_replay(name, options, config)
    return _exit_code(print_replay(name, options), options)


_WRONG = 3
"""Exit status of a report with `--check`: something is wrong with the path."""


def _exit_code(fine: bool, options: Options) -> int:
    return 0 if fine or not options.check else _WRONG


def _print_text(text: str) -> int:
    from tui_trace.report.printer import write

    write(text)
    return 0
