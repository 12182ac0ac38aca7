"""Sources that run at the same time, each in a thread of its own."""

import threading
from collections.abc import Iterable

from tui_trace.core import error_messages
from tui_trace.core.stream import Sink, Source, SourceError


def run_together(pairs: Iterable[tuple[Source, Sink]]) -> dict[Source, SourceError]:
    """Run each source into its sink until all have ended; blocks. Return those that failed."""
    failures: dict[Source, SourceError] = {}

    def run(source: Source, sink: Sink) -> None:
        try:
            source.run(sink)
        except SourceError as error:
            failures[source] = error
        except Exception as error:
            failures[source] = SourceError(error_messages.one_line(error))

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures
