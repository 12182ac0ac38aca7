"""tui-trace itself, run in the lab as a user runs it; its event stream folded by the session."""

import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.event_lines import read_events
from tests.helpers.network.tui_trace_process import environment
from tui_trace.core import events
from tui_trace.report.collector import Collector
from tui_trace.session.snapshot import Hop, Run


@dataclass
class Traced:
    """What one call of tui-trace reported."""

    stream: list[events.Event]
    run: Run
    foreign: int

    @property
    def hops(self) -> dict[int, Hop]:
        """By TTL."""
        return {hop.ttl: hop for hop in self.run.hops}

    @property
    def replies(self) -> dict[int, list[events.Reply]]:
        """By the TTL of the probe."""
        found = defaultdict(list)
        for event in self.stream:
            if isinstance(event, events.Reply):
                found[event.ttl].append(event)
        return found

    def path(self) -> list[set[str]]:
        """The addresses that answered, TTL by TTL; an empty set for none."""
        return [{each.address for each in hop.responders} for hop in self.run.hops]


def alone() -> list[str]:
    """Starts a command in an empty network, so that what fails to enter the lab reaches nobody."""
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]


def trace(scenario: str | Path, *options: str, timeout: float = 90) -> Traced:
    """`tui-trace --lab SCENARIO --jsonl -n OPTIONS`."""
    program = [sys.executable, "-m", "tui_trace", "--lab", str(scenario), "--jsonl", "-n"]
    done = subprocess.run(
        [*alone(), *program, *options],
        capture_output=True,
        timeout=timeout,
        check=False,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    return folded(read_events(done.stdout.splitlines()))


def folded(stream: list[events.Event]) -> Traced:
    """The last run of a stream that has come to its end."""
    assert isinstance(stream[-1], events.SessionEnded)
    collector = Collector()
    for event in stream:
        collector.event(event)
        collector.pulse(event.at)
    snapshot = collector.snapshot()
    run = next(run for run in collector.runs() if run.number == snapshot.run.number)
    return Traced(stream, run, snapshot.foreign)
