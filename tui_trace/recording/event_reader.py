"""The events of a recording from a place on, also of one that still grows."""

from collections.abc import Callable, Iterator
from itertools import chain, islice

from tui_trace.core.events import Event
from tui_trace.recording.codec import Block
from tui_trace.redaction.redactor import Redactor


class EventReader:
    """An iterator over events that ends at the present end, and goes on after `go_on`."""

    def __init__(self, blocks: Callable[[int], Iterator[Block]], number: int) -> None:
        """`blocks` iterates over the blocks from a number on; begin with block `number`."""
        self._blocks = blocks
        self._number = number
        self._taken = 0
        """Events of that block which were read."""
        self._text = 0
        self.template_bytes_read = 0
        """Bytes of the event templates that were read up to now."""
        self.redactor: Redactor | None = None
        """What hides a part of them; None: nothing is hidden."""
        self._events = self._from_here()

    def __iter__(self) -> Iterator[Event]:
        """Return itself."""
        return self

    def __next__(self) -> Event:
        """Return the next event of which anything may be shown."""
        if self.redactor is None:
            return next(self._events)
        for event in self._events:
            if (shown := self.redactor.event(self.redactor.learnt(event))) is not None:
                return shown
        raise StopIteration

    def push_back(self, event: Event) -> None:
        """Give this event again, before all others."""
        self._events = chain((event,), self._events)

    def go_on(self) -> None:
        """Look again for what comes next, once there was nothing more."""
        self._events = self._from_here()

    def _from_here(self) -> Iterator[Event]:
        taken, text = self._taken, self._text
        for number, block in enumerate(self._blocks(self._number), self._number):
            self._number, self._taken, self._text = number, len(block.events), block.template_bytes
            self.template_bytes_read += max(0, block.template_bytes - text)
            yield from islice(block.events, taken, None)
            taken = text = 0
