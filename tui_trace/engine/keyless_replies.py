"""Replies without a probe ID: UDP datagrams that the target itself sends."""

from collections.abc import Sequence

from tui_trace.core.settings import NS_PER_MS
from tui_trace.engine.run_state import RunProbe
from tui_trace.wire.network import Answer

HOLD_TIME = 50 * NS_PER_MS
"""Shorter than the patience of the first sweep, which waits for these replies."""


class KeylessReplyBuffer:
    """Holds such replies back until the TTL of the target is known.

    Before that, a probe whose slower Time Exceeded is still in flight could be credited with the
    target's datagram.
    """

    def __init__(self) -> None:
        """Begin with an empty buffer."""
        self._held: list[tuple[int, Answer[RunProbe]]] = []

    @property
    def is_holding(self) -> bool:
        """Return whether the target has answered, and it is not known which probe."""
        return bool(self._held)

    def release(
        self, answers: Sequence[Answer[RunProbe]], end_is_known: bool, now: int
    ) -> Sequence[Answer[RunProbe]]:
        """Return `answers` without the ones to hold, and with held ones that are due at `now`."""
        if not self._held and (end_is_known or all(map(_is_certain, answers))):
            return answers
        if not end_is_known:
            self._held += [(now + HOLD_TIME, each) for each in answers if not _is_certain(each)]
            answers = [each for each in answers if _is_certain(each)]
        if end_is_known or any(due <= now for due, _ in self._held):
            answers = [*(each for _, each in self._held), *answers]
            self._held.clear()
        return answers


def _is_certain(answer: Answer[RunProbe]) -> bool:
    return answer.reply.key is not None or answer.probe.has_own_port
