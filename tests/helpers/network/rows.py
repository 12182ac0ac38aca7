"""What the program's JSON report says, hop by hop."""

import json
from dataclasses import dataclass
from typing import Any

from tests.helpers.network import tui_trace_process
from tests.helpers.network.netns import Netns
from tui_trace.core.events import Event
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Hop


@dataclass(frozen=True)
class Report:
    """One `-j` report."""

    hubs: dict[int, dict[str, Any]]
    """By TTL, with the keys of the JSON."""
    foreign: int
    reached: bool

    @property
    def addresses(self) -> list[str | None]:
        """Who answered at each TTL, None for silence."""
        return [None if hub["host"] == "???" else hub["host"] for hub in self.hubs.values()]

    def losses(self) -> dict[int, float]:
        """Loss in percent by TTL."""
        return {ttl: hub["Loss%"] for ttl, hub in self.hubs.items()}


def report(space: Netns, *args: str, timeout: float = 90) -> Report:
    """Run `tui-trace -j -n` to its end."""
    text = tui_trace_process.program(space, "-j", "-n", *args, timeout=timeout).stdout
    return parse(text)


def parse(text: str) -> Report:
    """Read a `-j` report."""
    content = json.loads(text)["report"]
    more = content["tui_trace"]
    hubs = {int(hub["count"]): hub for hub in content["hubs"]}
    return Report(hubs, more["foreign"], more["reached"])


def folded(stream: list[Event]) -> dict[int, Hop]:
    """The rows of a stream's last run, by TTL."""
    session = Session()
    for event in stream:
        session.apply(event)
    return {hop.ttl: hop for hop in session.snapshot().run.hops}
