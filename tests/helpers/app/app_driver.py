"""The app on a terminal of its own: keys go in, what it shows comes out."""

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path

from textual.pilot import Pilot
from textual.strip import Strip

from tests.helpers.app.fake_source import FakeSource, path, switches
from tests.helpers.app.scripts import moved
from tests.helpers.app.waiting import wait_until
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.app.widgets.prompt import Prompt
from tui_trace.core.events import Event
from tui_trace.core.settings import (
    NS_PER_S,
    Pace,
    ProbeSettings,
    SettingsHistory,
)
from tui_trace.core.stream import SetPace, Source, SourceError, Switch
from tui_trace.recording import Playback, RecordedSource, Recording, RecordingError
from tui_trace.session.snapshot import Snapshot

_PIECE = re.compile(r'<text [^>]* x="([\d.]+)"[^>]*-line-(\d+)\)">(.*?)</text>')
"""A piece of a line in a picture of the screen: where it begins, its line, and what it says."""
_CELL = 12.2
"""The width of a cell in such a picture."""


class Watch:
    """A running app and its source."""

    def __init__(self, app: TraceApp, source: FakeSource, pilot: Pilot[None]) -> None:
        self.app, self.source, self.pilot = app, source, pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause(0.05)

    async def until(self, true) -> None:
        await wait_until(self.pilot, true)

    @property
    def settings(self) -> list[ProbeSettings]:
        return [one.settings for one in self.source.commands if isinstance(one, Switch)]

    @property
    def paces(self) -> list[Pace]:
        return [one.pace for one in self.source.commands if isinstance(one, SetPace)]

    @property
    def prompt(self) -> Prompt:
        return self.app.live.prompt

    def text(self, selector: str) -> str:
        widget = self.app.live.query_one(selector)
        return "\n".join(widget.render_line(y).text for y in range(widget.size.height))

    @property
    def screen_lines(self) -> list[str]:
        """The lines of the terminal, with all that lies over one another on them."""
        lines = [""] * self.app.size.height
        for x, line, text in _PIECE.findall(self.app.export_screenshot()):
            number = int(line)
            lines[number] = lines[number].ljust(round(float(x) / _CELL))
            lines[number] += unescape(text).replace("\xa0", " ")
        return lines

    async def type(self, text: str) -> None:
        await self.press("ctrl+u", *text, "enter")


@asynccontextmanager
async def watching(
    source: FakeSource | None = None,
    chosen: SettingsHistory | None = None,
    config: Config | None = None,
    size: tuple[int, int] = (100, 30),
    open_source=None,
) -> AsyncIterator[Watch]:
    source = source or FakeSource(path(5, chosen.current if chosen else None))
    app = TraceApp(open_source or refuse, source, chosen or switches(), Pace(), config or Config())
    async with app.run_test(size=size) as pilot:
        watch = Watch(app, source, pilot)
        await watch.until(lambda: app.live.snapshot is not None and app.live.snapshot.run.rounds)
        await pilot.pause(0.1)
        yield watch
    source.stop()


@asynccontextmanager
async def recorded(
    folder: Path, script: Iterable[Event] | None = None, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[Watch]:
    """A session in `one.session`, recorded as it runs; by default 50 s, the path moved at 0:30."""
    inner = FakeSource(moved() if script is None else script)
    file = folder / "one.session"
    last = max(event.at for event in inner.script) // NS_PER_S * NS_PER_S
    app = TraceApp(refuse, RecordedSource(inner, file), switches(), Pace(), Config())
    async with app.run_test(size=size) as pilot:
        watch = Watch(app, inner, pilot)
        await watch.until(lambda: app.live.snapshot and app.live.snapshot.at >= last)
        await watch.until(lambda: written_to(file) >= last)
        yield watch
    inner.stop()


@asynccontextmanager
async def replayed(
    file: Path, size: tuple[int, int] = (100, 30), chosen: SettingsHistory | None = None
) -> AsyncIterator[tuple[Watch, Playback]]:
    """A recording, standing still at its start."""
    with Recording(file) as recording:
        playback = Playback(recording)
        playback.pause()
        app = TraceApp(refuse, playback, chosen or switches(), Pace(), Config())
        async with app.run_test(size=size) as pilot:
            watch = Watch(app, FakeSource(), pilot)
            await watch.until(lambda: app.live.snapshot and app.history.whole)
            yield watch, playback
            playback.stop()


def written_to(file: Path) -> int:
    """The moment, in ns, that a recording has come to; -1 before it can be read."""
    try:
        with Recording(file) as recording:
            return recording.end
    except RecordingError:
        return -1


def refuse(target: str, _settings: ProbeSettings, _pace: Pace) -> Source:
    raise SourceError(f"unknown host {target!r}")


def seen(watch: Watch) -> Snapshot:
    assert watch.app.live.snapshot is not None
    return watch.app.live.snapshot


def drawn(watch: Watch) -> list[Strip]:
    """The lines of the table below its titles, as they were last built."""
    table = watch.app.live.table
    return [table.render_line(y) for y in range(1, table.size.height)]


def anew(before: list[Strip], watch: Watch) -> list[str]:
    """The hosts of the lines that were built since."""
    pairs = zip(before, drawn(watch), strict=True)
    return [new.text[3:].split()[0] for old, new in pairs if new.text.strip() and new is not old]
