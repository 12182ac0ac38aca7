"""The prompt at the bottom, which takes a value."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui_trace.app.keyboard import MOST_PASTED
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import MAX_PACKET

QUESTIONS = {
    "port": "Destination port",
    "tos": "TOS byte or DSCP name",
    "size": "Packet size in bytes",
    "first_ttl": "First TTL",
    "max_ttl": "Largest TTL",
    "protocol": "Protocol, by name or number",
    "track": "Field that identifies a probe: seq, id or port",
    "dnat": "Destination NAT: off, match or show",
    "target": "New target",
    "export": "Write to file",
    "note": "Note",
    "guess": "Scenario of the lab",
    "filter": "Targets that contain",
    "session": "File or name of a session",
    "recordings": "Sessions that contain",
}


_TAKES = {
    "guess": "a name of --lab list, or nothing: then it is told",
    "port": "1–65535, a service, udp/53 or quic/443",
    "tos": "0–255, 0xNN or EF, AF41, CS6",
    "size": f"1–{MAX_PACKET}",
    "first_ttl": "1–255",
    "max_ttl": "1–255",
    "protocol": "0–255 or gre, sctp, ospf, quic",
}
"""What can be answered, where the question does not say it."""


class Prompt(Vertical):
    """A prompt, hidden until `ask`; Enter submits, Escape leaves."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.question: str | None = None
        self.waiting = False
        """An answer is on its way: Enter does nothing, and the keys are still text."""
        self.display = False

    def compose(self) -> ComposeResult:
        yield Static(id="prompt-says")
        box = Input(id="prompt-value", compact=True, max_length=MOST_PASTED)
        box.cursor_blink = False
        with Horizontal():
            yield Static(id="prompt-asks")
            yield box

    @property
    def _box(self) -> Input:
        return self.query_one(Input)

    def ask(self, question: str, value: str) -> None:
        """Ask for a value, with the one in use to start from."""
        self.question = question
        self.display = True
        self.waiting = False
        self._box.value = value
        self.query_one("#prompt-asks", Static).update(Content(f"{QUESTIONS[question]} ›"))
        known = (_TAKES.get(question), f"now {value}" if value else "")
        parts = [part for part in known if part] if question in _TAKES else []
        self.show_message(" · ".join([*parts, "Enter applies", "Escape leaves"]))
        self._box.focus()

    def show_message(self, text: str, wrong: bool = False) -> None:
        """Show a line above the value; `wrong`: it says why the value was refused."""
        said = self.query_one("#prompt-says", Static)
        said.set_class(wrong, "-wrong")
        said.update(Content(f"! {sanitize(text)}" if wrong else sanitize(text)))

    def wait(self, text: str) -> None:
        """Ignore Enter until the answer is there; `text` says what is awaited."""
        self.show_message(text)
        self.waiting = True

    def retry(self, why: str) -> None:
        """Say why the value was refused, and wait for another."""
        self.waiting = False
        self.show_message(why, wrong=True)

    def close(self) -> None:
        """Hide the prompt."""
        self.question = None
        self.display = False
        self.screen.set_focus(None)
