"""The screen of all targets."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.render.target_lines import TargetRow, ordered, target_lines
from tui_trace.app.screens.selecting_screen import SelectingScreen
from tui_trace.app.widgets.prompt import Prompt

_REFRESH = 1.0
"""Seconds."""


class TargetsScreen(SelectingScreen):
    """A row for each target; keys of the probe act on all of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("T", "dismiss", "close", id="targets.close", tooltip="Back to the table"),
        Binding("up", "select(-1)", "up", id="targets.up", tooltip="Select the target above"),
        Binding("down", "select(1)", "down", id="targets.down", tooltip="Select the target below"),
        Binding("enter", "open", "open", id="targets.open", tooltip="Open the selected target"),
        Binding("slash", "filter", "filter", id="targets.filter", tooltip="Show some of them"),
        Binding("t", "all('tcp')", "TCP", id="targets.tcp", tooltip="Probe all with TCP"),
        Binding("u", "all('udp')", "UDP", id="targets.udp", tooltip="Probe all with UDP"),
        Binding("i", "all('icmp')", "ICMP", id="targets.icmp", tooltip="Probe all with ICMP"),
        Binding("F", "all('df')", "DF", id="targets.df", tooltip="Don't fragment, for all"),
        Binding("p", "all('pause')", "pause", id="targets.pause", tooltip="Pause all, or resume"),
        Binding("r", "all('reset')", "reset", id="targets.reset", tooltip="Reset all"),
    ]
    HEADING = "Targets"
    HINT = " ↑ ↓ select · Enter opens · / filters · t u i F p r: all · Escape: the table"

    def __init__(
        self,
        rows: Callable[[], Sequence[TargetRow]],
        *,
        now: int,
        choose: Callable[[int], object],
        act: Callable[[str], str],
    ) -> None:
        """`now` is the place of the target in the table; `choose` puts another one there.

        `act` does what a key of the probe does, with all targets, and returns a line.
        """
        super().__init__(now)
        self._rows = rows
        self._choose = choose
        self._act = act
        self._wanted = ""

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Prompt(id="prompt")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(_REFRESH, self.refresh_lines)

    def lines(self, width: int) -> list[StyledLine]:
        return target_lines(self._rows(), width, self._selected, self._wanted)

    def choices(self) -> Sequence[int]:
        return [row.place for row in ordered(self._rows(), self._wanted)]

    def action_open(self) -> None:
        """Show the selected target in the table (Enter)."""
        if self._selected is not None:
            self._choose(self._selected)
        self.dismiss()

    def action_filter(self) -> None:
        """Ask which targets to show (`/`)."""
        self.query_one(Prompt).ask("filter", self._wanted)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the targets that contain what is typed."""
        self._wanted = event.value.strip()
        self.refresh_lines()

    def on_input_submitted(self) -> None:
        """Keep the filter, and let the keys act again."""
        self.query_one(Prompt).close()

    async def action_dismiss(self, result: None = None) -> None:
        """Close the prompt if it is open, or else this screen."""
        prompt = self.query_one(Prompt)
        if prompt.question is None:
            await super().action_dismiss(result)
        else:
            prompt.close()

    def action_all(self, what: str) -> None:
        """Do with all targets what a key of the probe does with one."""
        self.hint(self._act(what))
