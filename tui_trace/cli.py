"""From the command line to a source and a sink, in the order that rights allow.

Raw sockets are opened first and everything is imported; then every capability is given up for
good; only then is a file of the user's read, a resolver asked or a byte of the network looked at.
Without the right to raw sockets it traces all the same, through the error queues of others.
"""

import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import msgspec

from tui_trace import __version__, names
from tui_trace.events import Notice
from tui_trace.names.naming import Naming
from tui_trace.names.options import NameOptions
from tui_trace.options import Options, Output, parse
from tui_trace.settings import Pace, ProbeSettings, SettingError, Switches, fitted
from tui_trace.source import Source, SourceError, Tell
from tui_trace.target import resolve
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
NEEDED_LIVE = ("tui_trace.app.run", "tui_trace.config")

LAB_LIST = "list"
NAMES_PATIENCE = 3.0
"""Seconds that a report waits for names still being asked for when its last probe is decided."""

CANNOT = 1
WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit code: 0, 1 if it cannot be done here, 2 for a wrong value."""
    gc.disable()  # what is imported lives as long as we do
    try:
        return _run(parse(sys.argv[1:] if arguments is None else arguments))
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


def _run(options: Options) -> int:
    if options.lab == LAB_LIST:
        return _print(_scenarios())
    if options.sessions:
        return _sessions()
    live = options.output is Output.LIVE
    if live and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SourceError("the live view needs a terminal; -r prints a report, -j JSON")
    if options.replay is not None:
        return _replay(options, options.replay)
    lab = None if options.lab is None else _enter_lab(options.lab)
    sockets = _open_sockets(options)
    _import_everything(live)
    _give_up_rights()
    gc.collect()
    gc.freeze()
    gc.enable()
    tracer = Tracer(sockets, options, lab)
    return _live(tracer) if live else _report(tracer)


def _scenarios() -> str:
    from tui_trace.lab import describe  # noqa: PLC0415

    return "".join(f"{name:16} {title}\n" for name, title in describe())


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
    from tui_trace.wire.access import open_sockets  # noqa: PLC0415

    return open_sockets(unprivileged=options.unprivileged)


def _import_everything(live: bool) -> None:
    """Without rights even root cannot read a module in somebody's private home."""
    for module in (*NEEDED, *(NEEDED_LIVE if live else NEEDED_REPORT)):
        importlib.import_module(module)
    scapy_layers()
    names.preload()


def _give_up_rights() -> None:
    from tui_trace.rights import drop_capabilities  # noqa: PLC0415

    drop_capabilities()


def _live(tracer: "Tracer") -> int:
    from tui_trace.app.app import TraceApp  # noqa: PLC0415
    from tui_trace.app.run import run_live  # noqa: PLC0415
    from tui_trace.config import ConfigError, load  # noqa: PLC0415

    options = tracer.options
    try:
        config = load()
        pace = options.paced(config.pace(Pace()))
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
    for warning in found.warnings:
        sys.stderr.write(f"tui-trace: {warning}\n")
    source = tracer.source(found, options.pace, patience=NAMES_PATIENCE)
    return _printed(source, options)


def _replay(options: Options, name: str) -> int:
    """A recording takes the place of the network, in any output."""
    live = options.output is Output.LIVE
    _import_everything(live)
    from tui_trace import recording  # noqa: PLC0415

    _give_up_rights()
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


class Found(NamedTuple):
    """A target, ready to be probed."""

    host: str
    """As the user called it."""
    address: str
    family: int
    settings: ProbeSettings
    """With a size that holds the headers, and a source address of the target's family."""
    warnings: tuple[str, ...]
    """A line each."""


class Tracer:
    """Makes a source for one target after another, on the sockets that were opened once."""

    def __init__(self, sockets: "Sockets", options: Options, lab: "Lab | None") -> None:
        """Nothing is resolved or sent yet."""
        self._sockets = sockets
        self._lab = lab
        self._record = options.record
        """For the first target; those after it get a file beside it."""
        self.options = options

    @property
    def first_host(self) -> str:
        """The host of the command line, or the lab's own target."""
        return self.options.host or (self._lab.target if self._lab else "")

    def find(self, host: str, settings: ProbeSettings) -> Found:
        """Ask the resolver, and wait for it; `SourceError` says why there is nothing to probe."""
        from tui_trace.wire import access  # noqa: PLC0415
        from tui_trace.wire.network import SendError  # noqa: PLC0415

        address, family = self._resolve(host, self.options.family)
        by_name = self.options.icmp_by_name
        limits = access.limits(self._sockets, unprivileged=self.options.unprivileged)
        try:
            settings, instead = access.allowed(self._sockets, settings, family, by_name=by_name)
        except SendError as error:
            raise SourceError(error.reason) from error
        settings, raised = fitted(settings, family)
        if settings.source is not None:
            source, _ = self._resolve(settings.source, family)
            settings = msgspec.structs.replace(settings, source=source)
        warnings = tuple(line for line in (limits, raised, instead) if line)
        return Found(host, address, family, settings, warnings)

    def source(self, found: Found, pace: Pace, patience: float = 0.0) -> Source:
        """A live trace, which takes the sockets over when it is run.

        Its end waits at most `patience` seconds for names that are still being asked for.
        """
        from tui_trace.engine.engine import Engine  # noqa: PLC0415
        from tui_trace.wire import access  # noqa: PLC0415
        from tui_trace.wire.network import SendError  # noqa: PLC0415

        try:
            network = access.network(self._sockets, found.address, found.family)
        except SendError as error:
            raise SourceError(error.reason) from error
        scenario = self._lab.scenario if self._lab else None
        engine = Engine(
            network,
            target=found.host,
            settings=found.settings,
            pace=pace,
            version=__version__,
            lab=self.options.lab or "",
        )
        title = (scenario.title,) if scenario else ()
        for line in (*title, *found.warnings):
            engine.command(Tell(Notice(at=0, text=line)))
        if not self.options.naming.asks:
            return self._recorded(engine)
        return self._recorded(Naming(engine, self._naming(), patience=patience))

    def _recorded(self, source: Source) -> Source:
        from tui_trace.recording import Recorded  # noqa: PLC0415
        from tui_trace.recording.sessions import free_place  # noqa: PLC0415

        if not self.options.recorded:
            return source
        path, self._record = self._record, None
        if path is None and self.options.record is not None:
            path = free_place(self.options.record)
        return Recorded(source, path)

    def open(self, host: str, settings: ProbeSettings, pace: Pace) -> Source:
        """A live trace to another host, with settings in use."""
        return self.source(self.find(host, settings), pace)

    def _resolve(self, host: str, family: int | None) -> tuple[str, int]:
        if self._lab is None:
            return resolve(host, family)
        address = self._lab.scenario.resolve(host.strip(), family)
        if address is None:
            wanted = f"IPv{family} address" if family else "address"
            raise SourceError(f"the lab knows no {wanted} of {host.strip()[:80]!r}")
        return address, 6 if ":" in address else 4

    def _naming(self) -> NameOptions:
        naming = self.options.naming
        if self._lab is None:
            return msgspec.structs.replace(
                naming,
                cache=names.default_cache(),
                radb=names.Radb.from_environment(os.environ),
            )
        return msgspec.structs.replace(
            naming,
            server=naming.server or names.parse_dns_server(self._lab.dns_server),
            radb=names.Radb(server=self._lab.whois_server),
            documentation=True,
        )
