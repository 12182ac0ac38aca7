"""getopt(3) as the C library has it: options may stand behind operands, and `--` ends them.

Errors come in their turn, as a C program meets them, so that the first one is told.
"""

from collections.abc import Iterator, Sequence

UNKNOWN = "?"
"""The letter of an option that there is not; its value is what was given."""
MISSING = ":"
"""The letter of an option whose value is missing; its value is the option's letter."""


class Getopt:
    """Reads one command line. `operands` is complete when the iteration has ended."""

    def __init__(self, words: Sequence[str], letters: str) -> None:
        """`letters` as getopt(3) takes them: a colon behind each that has a value."""
        self._words = words
        self._takes = {
            letter: letters[place + 1 : place + 2] == ":"
            for place, letter in enumerate(letters)
            if letter != ":"
        }
        self.operands: list[str] = []

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Letter and value (empty where there is none) of each option in turn."""
        words = iter(self._words)
        for word in words:
            if word == "--":
                self.operands += words
            elif not word.startswith("-") or word == "-":
                self.operands.append(word)
            else:
                yield from self._cluster(word[1:], words)

    def _cluster(self, letters: str, words: Iterator[str]) -> Iterator[tuple[str, str]]:
        for place, letter in enumerate(letters):
            if letter not in self._takes:
                yield UNKNOWN, letter
            elif not self._takes[letter]:
                yield letter, ""
            else:
                value = letters[place + 1 :] or next(words, None)
                yield (letter, value) if value is not None else (MISSING, letter)
                return
