"""A session that grows by what a file says: looked after, for a file may say anything."""

from tui_trace.recording import codec
from tui_trace.session import checkpoint
from tui_trace.session.fold import Session


class Growth:
    """Of one session, to which somebody applies events."""

    def __init__(self, session: Session) -> None:
        """It is within its bounds."""
        self._session = session
        self._events = 0
        self._text = 0
        self._due = codec.BLOCK_EVENTS

    def check(self, events: int, text: int) -> bytes | None:
        """So many events were applied, whose templates had so many bytes, a block's at most.

        From time to time the fold is written down: that is given then. `OverflowError` if the
        session has grown beyond what can be restored.
        """
        self._events += events
        self._text += text
        if self._events < self._due and self._text < codec.BLOCK_BYTES:
            return None
        grown = self._session.checkpoint()
        # what is large is written down less often, so that it costs no more an event
        self._events, self._text = 0, 0
        self._due = max(codec.BLOCK_EVENTS, checkpoint.memory_weight(grown) // 4)
        return codec.pack_checkpoint(grown)
