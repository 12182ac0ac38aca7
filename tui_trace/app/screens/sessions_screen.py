"""The screen in which another session is chosen, to be compared with this one."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.saved_sessions import Found, Listed, SavedSessions
from tui_trace.app.render.saved_session_lines import saved_session_lines
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.screens.selecting_screen import SelectingScreen
from tui_trace.app.widgets.prompt import Prompt
from tui_trace.core.sanitize import sanitize
from tui_trace.session.snapshot import Snapshot


class SessionsListed(Message):
    """The recordings are known."""

    def __init__(self, listed: Listed) -> None:
        super().__init__()
        self.listed = listed


class SessionRead(Message):
    """A file was read, or why it was not."""

    def __init__(self, found: Found) -> None:
        super().__init__()
        self.found = found


class SessionsScreen(SelectingScreen):
    """The usual recordings, and a prompt for any file; what is chosen is read in a thread."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "select(-1)", "up", id="sessions.up", tooltip="Select the session above"),
        Binding("down", "select(1)", "down", id="sessions.down", tooltip="Select the one below"),
    ]
    HEADING = "Compare with another session"
    HINT = " ↑ ↓ select · page up, page down · Escape leaves"

    def __init__(
        self, sessions: SavedSessions, snapshot: Snapshot, history: SessionHistory
    ) -> None:
        """`sessions` takes what is chosen; `history` is this session's."""
        super().__init__()
        self._sessions = sessions
        self._snapshot = snapshot
        self._history = history
        self._listed: Listed | None = None

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Prompt(id="prompt")

    def on_mount(self) -> None:
        super().on_mount()
        prompt = self.query_one(Prompt)
        prompt.ask("session", "")
        prompt.show_message("Enter compares with the selected session, or with what is typed here")
        self._sessions.find(
            self._snapshot,
            self._history.file,
            lambda listed: self.post_message(SessionsListed(listed)),
        )

    def on_unmount(self) -> None:
        """Read no more."""
        self._sessions.stop()

    def on_sessions_listed(self, message: SessionsListed) -> None:
        """Show the recordings, and select the first."""
        self._listed = message.listed
        if self._selected is None and self._listed:
            self._selected = 0
        self.refresh_lines()

    def lines(self, width: int) -> list[StyledLine]:
        return saved_session_lines(self._listed, width, self._selected)

    def choices(self) -> Sequence[int]:
        return range(len(self._listed or ()))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Read the file that was typed, or else the selected recording."""
        event.stop()
        prompt = self.query_one(Prompt)
        if prompt.waiting:
            return
        name = event.value.strip()
        if not name and self._selected is not None and self._listed:
            name = str(self._listed[self._selected].info.path)
        if not name:
            prompt.retry("type the name of a file")
            return
        prompt.wait(f"reading {sanitize(name)} … · Escape leaves")
        self._sessions.read(
            name,
            self._snapshot,
            lambda found: self.post_message(SessionRead(found)),
            self._history.redactor,
        )

    def on_session_read(self, message: SessionRead) -> None:
        """Leave with what was read, or say why there is none."""
        if isinstance(message.found, str):
            self.query_one(Prompt).retry(message.found)
            return
        self._sessions.chosen = message.found
        self.dismiss()
