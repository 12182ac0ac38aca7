"""From the command line to a source and a sink, in the order that rights allow.

Raw sockets are opened first and everything is imported; then every capability is given up for
good; only then is a file of the user's read, a resolver asked or a byte of the network looked at.
"""

import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import msgspec

from tui_trace import __version__
from tui_trace.options import Options, Output, parse
from tui_trace.settings import Pace, ProbeSettings, SettingError, fitted
from tui_trace.source import Source, SourceError
from tui_trace.target import resolve
from tui_trace.wire.template import scapy_layers

if TYPE_CHECKING:
    from tui_trace.session.model import Snapshot
    from tui_trace.wire.sockets import RawSockets

NEEDED = ("encodings.idna", "tui_trace.engine.engine", "tui_trace.wire.raw")
NEEDED_REPORT = (
    "tui_trace.report.collector",
    "tui_trace.report.jsonl",
    "tui_trace.report.mtr_json",
    "tui_trace.report.text",
)
NEEDED_LIVE = ("tui_trace.app.main",)

CANNOT = 1
WRONG = 2
DEBUG = "TUI_TRACE_DEBUG"
"""Set in the environment, a failure of our own shows its traceback."""


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
    live = options.output is Output.LIVE
    if live and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SourceError("the live view needs a terminal; -r prints a report, -j JSON")
    sockets = _open_sockets()
    _import_everything(live)
    _give_up_rights()
    gc.collect()
    gc.freeze()
    gc.enable()
    tracer = Tracer(sockets, options)
    return _live(tracer) if live else _report(tracer)


def _open_sockets() -> "RawSockets":
    from tui_trace.wire.sockets import MissingRight, RawSockets  # noqa: PLC0415

    try:
        return RawSockets()
    except MissingRight as error:
        raise SourceError(str(error)) from error


def _import_everything(live: bool) -> None:
    """Without rights even root cannot read a module in somebody's private home."""
    for module in (*NEEDED, *(NEEDED_LIVE if live else NEEDED_REPORT)):
        importlib.import_module(module)
    scapy_layers()


def _give_up_rights() -> None:
    from tui_trace.rights import drop_capabilities  # noqa: PLC0415

    drop_capabilities()


def _live(tracer: "Tracer") -> int:
    raise SourceError("later")


def _report(tracer: "Tracer") -> int:
    """Without the live view: the sink runs in this thread."""
    options = tracer.options
    source, warning = tracer.open(options.host, options.settings, options.pace)
    if warning:
        sys.stderr.write(f"tui-trace: {warning}\n")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: source.stop())
    if options.output is Output.JSON_LINES:
        return _json_lines(source)
    from tui_trace.report.collector import Collector  # noqa: PLC0415

    collector = Collector()
    source.run(collector)
    return _print(_rendered(collector.snapshot(), options.output))


def _json_lines(source: Source) -> int:
    from tui_trace.report.jsonl import JsonLines  # noqa: PLC0415

    lines = JsonLines(sys.stdout.buffer, source.stop)
    source.run(lines)
    return _fail(CANNOT, f"cannot write: {lines.failure.strerror}") if lines.failure else 0


def _rendered(snapshot: "Snapshot", output: Output) -> str:
    from tui_trace.report import mtr_json, text  # noqa: PLC0415

    if output is Output.JSON:
        return mtr_json.render(snapshot)
    return text.render(snapshot, wide=output is Output.WIDE)


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        return _fail(CANNOT, f"cannot write: {error.strerror}")
    return 0


class Tracer:
    """Makes a source for one target after another, on the sockets that were opened once."""

    def __init__(self, sockets: "RawSockets", options: Options) -> None:
        """Nothing is resolved or sent yet."""
        self._sockets = sockets
        self.options = options

    def settle(self, host: str, settings: ProbeSettings) -> tuple[str, int, ProbeSettings]:
        """Address and family of `host`, and the settings with a source of that family.

        `SourceError` says why there is none. Asks the resolver and blocks.
        """
        address, family = resolve(host, self.options.family)
        if settings.source is not None:
            source, _ = resolve(settings.source, family)
            settings = msgspec.structs.replace(settings, source=source)
        return address, family, settings

    def open(self, host: str, settings: ProbeSettings, pace: Pace) -> tuple[Source, str | None]:
        """A live trace to `host`, and a warning; it takes the sockets over when it is run."""
        from tui_trace.engine.engine import Engine  # noqa: PLC0415
        from tui_trace.wire.network import SendError  # noqa: PLC0415
        from tui_trace.wire.raw import RawNetwork  # noqa: PLC0415

        address, family, settings = self.settle(host, settings)
        settings, warning = fitted(settings, family)
        try:
            network = RawNetwork(self._sockets, address, family)
        except SendError as error:
            raise SourceError(error.reason) from error
        engine = Engine(network, target=host, settings=settings, pace=pace, version=__version__)
        return engine, warning
