"""The base of the screens of several sessions, in which keys of the probe act on all of them."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui_trace.app.screens.selecting_screen import SelectingScreen
from tui_trace.app.widgets.prompt import Prompt
from tui_trace.core.settings import SettingError

_REFRESH = 1.0
"""Seconds."""
_SOON, _OPENING = 0.2, 4.0
"""Seconds between two looks, and for how long, after it was opened: then targets answer first."""


class SeveralControls(NamedTuple):
    """What a screen does with several sessions."""

    choose: Callable[[int], object]
    """Puts the session at this place into the table."""
    act: Callable[[str], str]
    """Does with all what a key of the probe does with one; returns a line."""
    value: Callable[[str], str]
    """Returns what is in use, of what a prompt asks for."""
    answer: Callable[[str, str], str]
    """Sets for all what a prompt asked for; returns a line. `SettingError` for what cannot be."""


class SeveralScreen(SelectingScreen):
    """A screen of several sessions; keys of the probe act on all of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "select(-1)", "up", id="several.up", tooltip="Select the one before"),
        Binding("down", "select(1)", "down", id="several.down", tooltip="Select the next one"),
        Binding("enter", "open", "open", id="several.open", tooltip="Show the selected one alone"),
        Binding("t", "all('tcp')", "TCP", id="several.tcp", tooltip="Probe all with TCP"),
        Binding("u", "all('udp')", "UDP", id="several.udp", tooltip="Probe all with UDP"),
        Binding("i", "all('icmp')", "ICMP", id="several.icmp", tooltip="Probe all with ICMP"),
        Binding("U", "all('quic')", "QUIC", id="several.quic", tooltip="Probe all with QUIC"),
        Binding("P", "ask('port')", "port", id="several.port", tooltip="Port of all"),
        Binding("Q", "ask('tos')", "TOS", id="several.tos", tooltip="TOS byte of all"),
        Binding("S", "ask('size')", "size", id="several.size", tooltip="Packet size of all"),
        Binding("F", "all('df')", "DF", id="several.df", tooltip="Don't fragment, for all"),
        Binding("p", "all('pause')", "pause", id="several.pause", tooltip="Pause all, or resume"),
        Binding("r", "all('reset')", "reset", id="several.reset", tooltip="Reset all"),
    ]

    def __init__(self, now: int, controls: SeveralControls) -> None:
        """`now` is the place of the session in the table."""
        super().__init__(now)
        self._controls = controls

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Prompt(id="prompt")

    def on_mount(self) -> None:
        # Textual calls this handler of each base class, too
        self.set_interval(_REFRESH, self.refresh_lines)
        self.set_interval(_SOON, self.refresh_lines, repeat=round(_OPENING / _SOON))

    @property
    def prompt(self) -> Prompt:
        """The prompt at the bottom."""
        return self.query_one(Prompt)

    def action_open(self) -> None:
        """Show the selected session in the table (Enter)."""
        if self._selected is not None:
            self._controls.choose(self._selected)
        self.dismiss()

    def action_all(self, what: str) -> None:
        """Do with all what a key of the probe does with one."""
        self.hint(self._controls.act(what))
        self.refresh_lines()

    def action_ask(self, question: str) -> None:
        """Ask for a value of all."""
        self.prompt.ask(question, self._controls.value(question))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Set what was asked for, and let the keys act again."""
        question = self.prompt.question
        if question is None:
            return
        try:
            said = self._controls.answer(question, event.value)
        except SettingError as error:
            self.prompt.retry(str(error))
            return
        self.prompt.close()
        self.hint(said)

    async def action_dismiss(self, result: None = None) -> None:
        """Close the prompt if it is open, or else this screen."""
        if self.prompt.question is None:
            await super().action_dismiss(result)
        else:
            self.prompt.close()
