"""Fixed sessions to take pictures of."""

from collections.abc import Iterable

from textual.pilot import Pilot

import tui_trace.app.widgets.plots  # noqa: F401  (imported before it is wanted, or a picture may be early)
from tests.helpers.app.fake_source import FakeSource, began, path, reply, switches
from tests.helpers.app.waiting import wait_until
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, Pace

AT = 42 * NS_PER_S
LONG = tuple(
    (f"2001:db8:{ttl:x}::{ttl * 77:x}:1" if ttl % 7 else None, 0.2 * 1.3**ttl)
    for ttl in range(1, 25)
)


def wrong() -> Iterable[ev.Event]:
    """Loss at the target, no way out, and a reply that the kernel did not stamp."""
    yield from path(42)
    for probe in range(900, 904):
        yield ev.ProbeSent(at=AT, run=1, probe=probe, ttl=6)
        yield ev.ProbeLost(at=AT, run=1, probe=probe, ttl=6)
    yield ev.ProbeSent(at=AT, run=1, probe=910, ttl=2)
    yield reply(1, 910, 2, "198.51.100.1", 1.5, AT, received_stamp=ev.Stamp.USER)
    yield ev.SendFailed(at=AT, run=1, ttl=3, errno=101, reason="network is unreachable")


def long() -> Iterable[ev.Event]:
    first = began("a-long-name-of-a-host.customer.example.net", "2001:db8:18::738:1", 6)
    return path(90, hops=LONG, first=first)


def app(script: Iterable[ev.Event]) -> TraceApp:
    return TraceApp(lambda *_: FakeSource(), FakeSource(script), switches(), Pace(), Config())


def pressing(keys: str):
    """Press these once all there is to show is shown."""

    async def press(pilot: Pilot[None]) -> None:
        live = pilot.app.live
        await wait_until(pilot, lambda: live.snapshot is not None and live.snapshot.run.rounds > 1)
        for key in keys.split():
            await pilot.press(key)
        before, now = "", pilot.app.export_screenshot()
        while now != before:
            await pilot.pause(0.3)
            before, now = now, pilot.app.export_screenshot()

    return press
