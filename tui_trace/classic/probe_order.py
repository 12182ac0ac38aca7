"""The outcomes of probes, in the order in which the probes left."""

from collections import deque
from collections.abc import Iterator

import msgspec

from tui_trace.core.events import Event, ProbeLost, ProbeSent, ProbeVoid, Reply
from tui_trace.core.settings import NS_PER_MS

HURRY = 50 * NS_PER_MS
"""Nanoseconds after which a silent hop no longer delays the next probe; its timeout continues.

This is short, so that a path takes seconds. It is long enough that few probes overshoot a target
before its first reply: Linux sends six ICMP errors, and then one per second."""
NEVER_LEFT = "it never left"


class Outcome(msgspec.Struct):
    """The outcome of a probe; only the first one counts, because it is printed."""

    ttl: int
    decided: bool = False
    reply: Reply | None = None
    """None if the probe was lost or void."""
    void: bool = False
    """The probe was sent beyond the end of the path."""


class ProbeOrder:
    """Turns events into outcomes in the order in which the probes were sent."""

    def __init__(self) -> None:
        """Begin without probes."""
        self._known: dict[int, Outcome] = {}
        self._waiting: deque[tuple[int, Outcome]] = deque()

    def outcomes(self, event: Event) -> Iterator[Outcome]:
        """Yield the outcomes that this event completes."""
        match event:
            case ProbeSent(probe=probe, ttl=ttl):
                self._known[probe] = Outcome(ttl)
                self._waiting.append((probe, self._known[probe]))
            case Reply(probe=probe) | ProbeLost(probe=probe) | ProbeVoid(probe=probe):
                outcome = self._known.get(probe)
                if outcome is not None and not outcome.decided:
                    _decide(outcome, event)
        while self._waiting and self._waiting[0][1].decided:
            probe, outcome = self._waiting.popleft()
            del self._known[probe]
            yield outcome


def _decide(outcome: Outcome, event: Event) -> None:
    outcome.decided = True
    if isinstance(event, Reply):
        outcome.void = event.past_target
        outcome.reply = None if event.past_target else event
    elif isinstance(event, ProbeVoid):
        # a probe that this machine did not send is lost, not void
        outcome.void = event.reason != NEVER_LEFT
