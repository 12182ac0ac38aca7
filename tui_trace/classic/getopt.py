"""getopt(3) of the GNU C library: options may follow operands, and `--` ends the options.

Errors are returned in order, so that the caller reports the first one, as a C program does.
"""

from collections.abc import Iterator, Sequence

UNKNOWN = "?"
"""Letter of an unknown option; its value is the letter on the command line."""
MISSING = ":"
"""Letter of an option without its value; its value is the letter of the option."""


class Getopt:
    """The options of a command line; `operands` is complete after the iteration."""

    def __init__(self, words: Sequence[str], letters: str) -> None:
        """Take `letters` as in getopt(3): a colon follows each letter that has a value."""
        self._words = words
        self._takes = {
            letter: letters[place + 1 : place + 2] == ":"
            for place, letter in enumerate(letters)
            if letter != ":"
        }
        self.operands: list[str] = []

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield letter and value of each option; the value is empty if there is none."""
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
