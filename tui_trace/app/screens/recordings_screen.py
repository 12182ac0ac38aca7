"""The screen of all recordings."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.widgets import Input

from tui_trace.app.render.recording_lines import (
    RecordingRow,
    ordered_recordings,
    recording_lines,
    recordings_heading,
)
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.screens.selecting_screen import SelectingScreen
from tui_trace.app.widgets.prompt import Prompt
from tui_trace.app.widgets.styled_lines import StyledLines
from tui_trace.recording import RecordingError
from tui_trace.recording.sessions import RetentionLimits, delete_recording
from tui_trace.report.cell_text import TextStyle


class RecordingChoice(NamedTuple):
    """A recording that is to be shown."""

    path: Path
    follow: bool = False
    """Begin at its end, and go on with it."""
    compare: bool = False
    """Ask at once which other session to compare it with, as it is at its end."""


class RecordingsScreen(SelectingScreen):
    """A row for each recording, to be opened, attached to, or deleted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "select(-1)", "up", id="recordings.up", tooltip="Select the session above"),
        Binding("down", "select(1)", "down", id="recordings.down", tooltip="Select the one below"),
        Binding("enter", "open", "open", id="recordings.open", tooltip="Play it"),
        Binding("a", "attach", "attach", id="recordings.attach", tooltip="See it while it runs"),
        Binding("c", "compare", "compare", id="recordings.compare", tooltip="With another one"),
        Binding("d,delete", "delete", "delete", id="recordings.delete", tooltip="Delete, if y"),
        Binding("y", "confirm", "yes", id="recordings.confirm", tooltip="Delete it, as asked"),
        Binding("s", "sort", "by target", id="recordings.sort", tooltip="By target, or by day"),
        Binding("slash", "filter", "filter", id="recordings.filter", tooltip="Show some of them"),
        Binding("q", "dismiss", "quit", id="recordings.quit", tooltip="Leave the list"),
    ]
    HEADING = "Sessions"
    HINT = " ↑ ↓ select · Enter opens · a attaches · c compares · d deletes · s by target · / · q"

    def __init__(
        self,
        limits: RetentionLimits,
        *,
        choose: Callable[[RecordingChoice], object],
        changed: Callable[[], object],
        message: str = "",
        before: Path | None = None,
    ) -> None:
        """`choose` gets what to show. `changed`: a recording was deleted.

        `limits` says how much is kept; `message` is a line to show at first, `before` the recording
        to begin with.
        """
        super().__init__()
        self._limits = limits
        self._choose = choose
        self._deleted = changed
        self._message = message
        self._before = before
        self._rows: list[RecordingRow] | None = None
        self._by_target = False
        self._wanted = ""
        self._asked: RecordingRow | None = None
        """What is to be deleted, if the next key says so."""

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Prompt(id="prompt")

    def on_mount(self) -> None:
        super().on_mount()
        if self._message:
            self.show_message(self._message, lasting=True)

    def show_rows(self, rows: list[RecordingRow]) -> None:
        """Show these recordings."""
        self._rows = rows
        choices = self.choices()
        if self._selected not in choices:
            last = [row.place for row in rows if row.info.path == self._before]
            self._selected = next(iter([*last, *choices]), None)
        heading = f" {self.HEADING} · {recordings_heading(rows, self._limits)}"
        self.query_one("#reading-title", StyledLines).show([[(heading, TextStyle.STRONG)]])
        self.refresh_lines()

    def lines(self, width: int) -> list[StyledLine]:
        if self._rows is None:
            return [[(" looking at the recordings …", TextStyle.DIM)]]
        return recording_lines(
            self._rows, width, self._selected, self._wanted, by_target=self._by_target
        )

    def choices(self) -> Sequence[int]:
        return [row.place for row in self._shown()]

    def _shown(self) -> list[RecordingRow]:
        return ordered_recordings(self._rows or (), self._wanted, by_target=self._by_target)

    def _row(self) -> RecordingRow | None:
        return next((row for row in self._shown() if row.place == self._selected), None)

    def on_key(self, event: Key) -> None:
        """Ask no more, if another key than that for yes was pressed."""
        if self._asked is not None and event.key != "y":
            self._asked = None
            self.clear_message()

    def action_select(self, step: int) -> None:
        """Select the recording so many rows below, or above."""
        self._asked = None
        super().action_select(step)

    def action_open(self) -> None:
        """Play the selected recording (Enter)."""
        if (row := self._row()) is not None:
            self._choose(RecordingChoice(row.info.path))

    def action_attach(self) -> None:
        """See the selected session while it runs (`a`)."""
        row = self._row()
        if row is not None and row.info.running:
            self._choose(RecordingChoice(row.info.path, follow=True))
        elif row is not None:
            self.show_message("this session is over: Enter opens it")

    def action_compare(self) -> None:
        """Compare the selected session with another one (`c`)."""
        if (row := self._row()) is not None:
            self._choose(RecordingChoice(row.info.path, follow=True, compare=True))

    def action_delete(self) -> None:
        """Ask whether to delete the selected recording (`d`)."""
        row = self._asked = self._row()
        if row is not None:
            self.show_message(
                f"delete {row.name}? y deletes it, any other key does not", lasting=True
            )

    def action_confirm(self) -> None:
        """Delete the recording that was asked for (`y`)."""
        row, self._asked = self._asked, None
        if row is None:
            return
        try:
            delete_recording(row.info.path)
        except RecordingError as error:
            self.show_message(str(error))
            return
        self.show_rows([each for each in self._rows or () if each.place != row.place])
        self.show_message(f"{row.name} is deleted")
        self._deleted()

    def action_sort(self) -> None:
        """Show the recordings by target, or by day (`s`)."""
        self._by_target = not self._by_target
        self.refresh_lines()

    def action_filter(self) -> None:
        """Ask which recordings to show (`/`)."""
        self.query_one(Prompt).ask("recordings", self._wanted)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the recordings that contain what is typed."""
        self._wanted = event.value.strip()
        self.show_rows(self._rows or [])

    def on_input_submitted(self) -> None:
        """Keep the filter, and let the keys act again."""
        self.query_one(Prompt).close()

    async def action_dismiss(self, result: None = None) -> None:
        """Close the prompt if it is open, or else leave."""
        del result
        prompt = self.query_one(Prompt)
        if prompt.question is None:
            await self.app.run_action("leave")
        else:
            prompt.close()
