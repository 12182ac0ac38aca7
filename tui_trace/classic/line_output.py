"""Output of a classic program: the source runs in a thread, and this thread prints."""

import queue
import signal
import sys
import threading

from tui_trace.classic.name_wait import NameWait
from tui_trace.classic.program import Request
from tui_trace.core.events import Event
from tui_trace.core.stream import Source, SourceError
from tui_trace.names.name_options import NameOptions


class _QueueSink:
    """A sink that passes events to another thread through a queue."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()

    def event(self, event: Event) -> None:
        self.events.put(event)

    def pulse(self, at: int) -> None:
        pass


def print_lines(source: Source, request: Request, naming: NameOptions) -> int:
    """Run the source and print its lines; return the exit code.

    Raise the `SourceError` of the source.
    """
    hosts = NameWait(naming, request.asks_about)
    printer = request.printer(sys.stdout, sys.stderr, hosts, source.command)
    sink = _QueueSink()

    def run() -> None:
        try:
            source.run(sink)
        except SourceError as error:
            sink.events.put(error)
        finally:
            sink.events.put(None)

    thread = threading.Thread(target=run, name="engine", daemon=True)
    hosts.start()
    thread.start()
    try:
        while not printer.over and (event := sink.events.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            printer.event(event)
        source.stop()
        thread.join(5)
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    finally:
        source.stop()
        hosts.stop()
    return printer.code
