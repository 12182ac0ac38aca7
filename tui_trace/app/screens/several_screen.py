"""The base of the screens of several sessions, in which keys of the probe act on all of them."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from tui_trace.app.keymap import KEY_BY_ID
from tui_trace.app.screens.over_live import OverLiveText
from tui_trace.app.screens.selecting_screen import SelectingScreen
from tui_trace.core.settings import SettingError

KEYS_OF_ALL = "t u i U P Q S F A p r + -: all"
"""What the line of keys says of those of the probe."""
_REFRESH = 1.0
"""Seconds."""
_SOON, _OPENING = 0.2, 4.0
"""Seconds between two looks, and for how long, after it was opened: then targets answer first."""


class SeveralControls(NamedTuple):
    """What a screen does with several sessions."""

    choose: Callable[[int], object]
    """Puts the session at this place into the table."""
    act: Callable[[str], str]
    """Does with all what the key of this id does with one; returns a line."""
    value: Callable[[str], str]
    """Returns what is in use, of what a prompt asks for."""
    answer: Callable[[str, str], str]
    """Sets for all what a prompt asked for; returns a line. `SettingError` for what cannot be."""
    is_replay: bool = False
    """Nothing can be asked of the network."""


class SeveralScreen(SelectingScreen, OverLiveText):
    """A screen of several sessions; keys of the probe act on all of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "select(-1)", "up", id="several.up", tooltip="Select the one before"),
        Binding("down", "select(1)", "down", id="several.down", tooltip="Select the next one"),
        Binding("enter", "open", "open", id="several.open", tooltip="Show the selected one alone"),
    ]

    def __init__(self, now: int, controls: SeveralControls) -> None:
        """`now` is the place of the session in the table."""
        super().__init__(now)
        self._controls = controls

    def on_mount(self) -> None:
        # Textual calls this handler of each base class, too
        self.set_interval(_REFRESH, self.refresh_lines)
        self.set_interval(_SOON, self.refresh_lines, repeat=round(_OPENING / _SOON))

    def action_open(self) -> None:
        """Show the selected session in the table (Enter)."""
        if self._selected is not None:
            self._controls.choose(self._selected)
        self.dismiss()

    async def action_probe(self, id: str) -> None:
        """Do with all what this key does with one."""
        key = KEY_BY_ID[id]
        if self._controls.is_replay:
            await super().action_probe(id)
        elif key.action.startswith("ask("):
            question = key.action[len("ask('") : -len("')")]
            self.open_prompt(question, self._controls.value(question))
        else:
            self.show_message(self._controls.act(id))
            self.refresh_lines()

    def announce(self, change: str) -> None:
        """Say nothing of one: it was said of all."""

    def answer(self, text: str) -> None:
        """Set what was asked for, and let the keys act again."""
        question = self.prompt.question
        if question is None:
            return
        try:
            said = self._controls.answer(question, text)
        except SettingError as error:
            self.prompt.retry(str(error))
            return
        self.shut_prompt()
        self.show_message(said)

    def close_prompt(self) -> None:
        """Close the prompt, whose question is of this screen."""
        self.shut_prompt()
