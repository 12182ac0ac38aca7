"""The outcomes of probes, in the order in which the probes left."""

from collections import deque
from collections.abc import Iterator

import msgspec

from tui_trace.core.events import Event, ProbeLost, ProbeSent, ProbeVoid, Reply
from tui_trace.core.settings import NS_PER_MS

HURRY = 50 * NS_PER_MS
"""A silent hop holds the next probe up no longer; the wait for its answer goes on meanwhile.
Short, so that a path takes seconds; long enough that few probes overshoot a target before its
first answer is in, whose errors Linux limits to one a second after the first six."""
NEVER_LEFT = "it never left"


class Outcome(msgspec.Struct):
    """What became of a probe; the first word counts, for what is printed stays."""

    ttl: int
    decided: bool = False
    reply: Reply | None = None
    """None if it was lost, or void."""
    void: bool = False
    """It lay beyond the end of the path."""


class InOrder:
    """Takes events as they come and gives outcomes as the probes left."""

    def __init__(self) -> None:
        """No probe has left."""
        self._known: dict[int, Outcome] = {}
        self._waiting: deque[tuple[int, Outcome]] = deque()

    def take(self, event: Event) -> Iterator[Outcome]:
        """The outcomes that this event completes."""
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
        # what our own machine kept to itself is lost for whoever waits for an answer
        outcome.void = event.reason != NEVER_LEFT
