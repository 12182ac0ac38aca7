"""A bound on the memory of a session that is read from a file, which may contain anything."""

from tui_trace.recording import codec
from tui_trace.session import checkpoint
from tui_trace.session.fold import Session


class Growth:
    """Checks the size of one session while events are applied to it."""

    def __init__(self, session: Session) -> None:
        """`session` must be within its bounds now."""
        self._session = session
        self._events = 0
        self._text = 0
        self._due = codec.BLOCK_EVENTS

    def check(self, events: int, text: int) -> bytes | None:
        """Count events that were applied, at most a block, and the bytes of their templates.

        Return a packed checkpoint of the session from time to time, else None. Raises
        `OverflowError` if the session has become too large to be restored.
        """
        self._events += events
        self._text += text
        if self._events < self._due and self._text < codec.BLOCK_BYTES:
            return None
        grown = self._session.checkpoint()
        # a large session is packed less often, so that the cost for each event stays the same
        self._events, self._text = 0, 0
        self._due = max(codec.BLOCK_EVENTS, checkpoint.memory_weight(grown) // 4)
        return codec.pack_checkpoint(grown)
