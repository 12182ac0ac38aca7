"""The base of the screens over the live one: the keys of the probe act there as in the table.

What such a key asks is asked at the bottom of the screen on top, and what it changed is said there.
"""

from collections.abc import Awaitable
from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tui_trace.app.keymap import KEY_BY_ID, KEYS, Key
from tui_trace.app.screens.prompt_host import PromptHost
from tui_trace.app.screens.text_screen import TextScreen
from tui_trace.app.widgets.prompt import Prompt

PROBE_KEYS = "t u i U P Q S F A p r: probe"
"""What the line of keys says of those of the probe."""


class LiveKeys(Protocol):
    """What the live screen does for a screen over it."""

    def run_action(self, action: str) -> Awaitable[object]:
        """Do what a key of the live screen does."""
        ...

    def answer(self, text: str) -> None:
        """Use the value that was typed, wherever that was."""
        ...

    def close_prompt(self) -> None:
        """Close the prompt, wherever it is."""
        ...

    def on_host_left(self, host: PromptHost) -> None:
        """Ask nothing any more in this screen, which is left."""
        ...


def _action(key: Key) -> str:
    if key.id.startswith(("probe.", "pace.")):
        return f"probe('{key.id}')"
    if key.id in ("app.help", "app.bell"):
        return key.target_action
    return f"elsewhere('{key.id}')"


class OverLive(PromptHost, ModalScreen[None]):
    """A screen over the live one, which has to set `live` before it opens this one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, _action(key), key.label, tooltip=key.description, id=key.id)
        for key in KEYS
        if not key.priority
    ]

    live: LiveKeys

    async def action_probe(self, id: str) -> None:
        """Do what this key does in the table."""
        await self.live.run_action(KEY_BY_ID[id].action)

    def action_elsewhere(self, id: str) -> None:
        """Say where the key acts that does nothing here."""
        self.show_message(f"{KEY_BY_ID[id].label}: a key of the table · Escape leads there")

    def announce(self, change: str) -> None:
        """Say what a key of the probe changed: there is no heading to show it."""
        self.show_message(change)

    def answer(self, text: str) -> None:
        """Use the value that was typed."""
        self.live.answer(text)

    def close_prompt(self) -> None:
        """Close the prompt that is open here."""
        self.live.close_prompt()

    async def action_dismiss(self, result: None = None) -> None:
        """Close the prompt if it is open, or else this screen."""
        if self.prompt.question is None:
            await super().action_dismiss(result)
        else:
            self.close_prompt()

    def on_unmount(self) -> None:
        """Ask nothing any more."""
        self.live.on_host_left(self)


class OverLiveText(TextScreen, OverLive):
    """A screen of text over the live one."""

    HINT = f" ↑ ↓ scroll · {PROBE_KEYS} · Escape leaves"

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Prompt(id="prompt")
