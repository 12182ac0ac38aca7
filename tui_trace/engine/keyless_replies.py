"""Answers that name no probe: datagrams of the target's own."""

from tui_trace.core.settings import NS_PER_MS
from tui_trace.wire.network import ReceivedReply

HOLD_TIME = 100 * NS_PER_MS


class KeylessReplyBuffer:
    """Holds them until it is clear which probe they can be for.

    Until it is known how far the target is, a router's answer that the datagram overtook may still
    be on its way, and its probe would seem to be the one that met the target.
    """

    def __init__(self) -> None:
        """None yet."""
        self._held: list[tuple[int, ReceivedReply]] = []

    def release(
        self, answers: list[ReceivedReply], end_is_known: bool, now: int
    ) -> list[ReceivedReply]:
        """`answers` without those to be held, with those whose time has come (monotonic ns)."""
        if not self._held and (end_is_known or all(each.key is not None for each in answers)):
            return answers
        if not end_is_known:
            self._held += [(now + HOLD_TIME, each) for each in answers if each.key is None]
            answers = [each for each in answers if each.key is not None]
        if end_is_known or any(due <= now for due, _ in self._held):
            answers = [each for _, each in self._held] + answers
            self._held.clear()
        return answers
