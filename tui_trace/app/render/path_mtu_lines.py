"""The search for the path MTU, and what it found, as lines."""

from collections.abc import Iterator

from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.app.render.troubles import FRESH, RECENT
from tui_trace.core.events import MtuSearchEnd
from tui_trace.report.cell_text import TextStyle
from tui_trace.session.finding_text import Clock
from tui_trace.session.host_labels import HostLabels
from tui_trace.session.path_mtu_text import describe_path_mtu
from tui_trace.session.snapshot import Snapshot


def path_mtu_lines(snapshot: Snapshot, width: int, *, lines: int) -> list[StyledLine]:
    """Return how far the search is, or for some minutes what it found; so many lines at most.

    What was found a while ago is dim and takes one line.
    """
    search = snapshot.path_mtu
    if search is None:
        return []
    text = describe_path_mtu(search, HostLabels(snapshot.who))
    if search.until is None:
        return wrapped(f"{text} · M stops", width, TextStyle.PLAIN)[:1]
    age = snapshot.at - search.until
    is_stopped = search.found is not None and search.found.reason is MtuSearchEnd.STOPPED
    if age >= RECENT or is_stopped:
        return []
    is_fresh = age < FRESH
    style = TextStyle.STRONG if is_fresh else TextStyle.DIM
    return wrapped(text, width, style)[: lines if is_fresh else 1]


def path_mtu_list(snapshot: Snapshot, clock: Clock, width: int) -> Iterator[StyledLine]:
    """Return the latest search with its time, whole."""
    search = snapshot.path_mtu
    if search is None:
        return
    text = describe_path_mtu(search, HostLabels(snapshot.who))
    when = clock(search.since if search.until is None else search.until)
    yield from wrapped(f"{when}  {text}", width, TextStyle.PLAIN, indent=2)
