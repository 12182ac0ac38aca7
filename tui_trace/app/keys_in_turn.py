"""Keys that act one after another: what is typed ahead belongs to what the keys before it open.

Textual hands a key on to the focused widget, or else to the screen, from which it comes back for
its binding. Keys that arrive together (a slow link, a fast hand, a paste without brackets) are all
on that way before the first of them has opened a prompt, and act as keys of the screen.
"""

import asyncio
from collections import deque
from collections.abc import Iterator

from textual import events
from textual.app import App, ReturnType
from textual.message_pump import MessagePump

_MOST_TURNS = 50
"""Turns of the event loop that a key gets until the next one is handed on, whatever goes on."""
_QUIET_TURNS = 3


class KeysInTurn(App[ReturnType]):
    """An app that hands a key on when the one before it has done all it does."""

    _keys: deque[events.Key | events.Paste] | None = None
    """What waits; None: no key is under way."""

    @property
    def waiting_keys(self) -> int:
        """Return the number of keys and pastes that wait for their turn."""
        waiting = self._keys
        return len(waiting) if waiting is not None else 0

    async def on_event(self, event: events.Event) -> None:
        """Let keys and pastes wait for their turn; a key with priority has no turn."""
        if (
            not isinstance(event, (events.Key, events.Paste))
            or event.is_forwarded
            or (isinstance(event, events.Key) and self._has_priority(event.key))
        ):
            await super().on_event(event)
        elif self._keys is not None:
            self._keys.append(event)
        else:
            self._keys = deque([event])
            turns = asyncio.create_task(self._hand_on())
            turns.add_done_callback(self._handed_on)

    def _has_priority(self, key: str) -> bool:
        bound = self._bindings.key_to_bindings.get(key, [])
        return any(binding.priority for binding in bound)

    async def _hand_on(self) -> None:
        try:
            # an app that is being left has no screen any more
            while self._keys and self.screen_stack:
                await super().on_event(self._keys.popleft())
                await self._settle()
        finally:
            # at once: the next key may come before this task counts as done
            self._keys = None

    def _handed_on(self, turns: "asyncio.Task[None]") -> None:
        if not turns.cancelled() and isinstance(error := turns.exception(), Exception):
            self._handle_exception(error)

    async def _settle(self) -> None:
        """Wait until no message is on its way that a key has brought about."""
        quiet = 0
        for _ in range(_MOST_TURNS):
            await asyncio.sleep(0)
            quiet = 0 if any(pump.message_queue_size for pump in self._concerned()) else quiet + 1
            if quiet == _QUIET_TURNS:
                return

    def _concerned(self) -> Iterator[MessagePump]:
        yield self
        if self.screen_stack:
            yield from (self.focused or self.screen).ancestors_with_self
