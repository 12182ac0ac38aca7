"""The quiz of the lab: which scenario is it?"""

from typing import NamedTuple


class LabScenario(NamedTuple):
    """What the network of the lab does."""

    name: str = ""
    """Empty: no lab."""
    title: str = ""
    """One line."""
    guesses: tuple[str, ...] = ()
    """The names to choose from in a quiz; empty: it is none, and no secret."""

    @property
    def about(self) -> str:
        """What the help says of it; empty: nothing."""
        if self.guesses:
            return "This lab: a quiz. Ctrl-P guess takes a scenario's name, or tells the answer"
        return f"This lab: {self.title}" if self.title else ""

    @property
    def answer(self) -> str:
        """The answer of a quiz; empty if it is none."""
        return f"the lab was {self.name}: {self.title}" if self.guesses else ""

    def judge(self, guess: str) -> str:
        """Return whether a guess is right, in one line; an empty one asks for the answer."""
        if not guess:
            return f"it is {self.name}: {self.title}"
        if guess == self.name:
            return f"right: {self.title}"
        if guess in self.guesses:
            return f"it is not {guess} · Ctrl-P guess with nothing typed tells"
        return f"no such scenario; there are {', '.join(self.guesses)}"
