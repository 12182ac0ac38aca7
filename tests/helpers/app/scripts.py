"""Scripts of sessions in which something changes."""

from collections.abc import Iterable, Iterator

from tests.helpers.app.fake_source import HOPS, path
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S

LONGER = (*HOPS[:4], ("192.0.2.77", 8.2), *HOPS[4:])


def later(
    events: Iterable[ev.Event], run: int, seconds: int, first: int = 10_000
) -> Iterator[ev.Event]:
    """The rounds of another script, as another run of the same session."""
    for event in events:
        if isinstance(event, ev.SessionBegan | ev.PaceSet):
            continue
        fields = {name: getattr(event, name) for name in event.__struct_fields__}
        fields |= {"at": event.at + seconds * NS_PER_S, "run": run}
        if "probe" in fields:
            fields["probe"] += first
        yield type(event)(**fields)


def moved() -> list[ev.Event]:
    """The path gets a hop more after half a minute."""
    change = later(path(20, hops=LONGER), 1, 30, 50_000)
    return [*path(30), *(event for event in change if not isinstance(event, ev.RunOpened))]


HOSTILE = "\x1b]0;owned\x07[b]bold[/b] \u202eevil\u202c\x9b31m"
