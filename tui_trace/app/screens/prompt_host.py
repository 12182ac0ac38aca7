"""The base of every screen at whose bottom a prompt can open."""

from abc import abstractmethod

from textual.screen import Screen
from textual.widgets import Input

from tui_trace.app.widgets.footer import KeyLine
from tui_trace.app.widgets.prompt import Prompt


class PromptHost(Screen[None]):
    """A screen with a prompt, and a line of keys which a message can take the place of.

    A subclass composes a `Prompt` and a `KeyLine`.
    """

    @property
    def prompt(self) -> Prompt:
        """The prompt in which values are typed."""
        return self.query_one(Prompt)

    def show_message(self, text: str, *, lasting: bool = False) -> None:
        """Show a message in place of the keys, for a moment or until it is removed."""
        self.query_one(KeyLine).show_message(text, lasting=lasting)

    def clear_message(self) -> None:
        """Remove the message."""
        for line in self.query(KeyLine):
            line.clear_message()

    def announce(self, change: str) -> None:
        """Say what a key of the probe changed, if that is to be seen nowhere else here."""

    def open_prompt(self, question: str, value: str) -> None:
        """Ask for a value in place of the keys, with the one in use to start from."""
        self.query_one(KeyLine).display = False
        self.query_one(Prompt).ask(question, value)

    def shut_prompt(self) -> None:
        """Close the prompt, and show the keys again."""
        self.query_one(Prompt).close()
        self.query_one(KeyLine).display = True

    @abstractmethod  # for mypy, which checks it; Textual's metaclass rules out `abc.ABC`
    def answer(self, text: str) -> None:
        """Use the value that was typed."""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Use the value that was typed (Enter)."""
        self.answer(event.value)
