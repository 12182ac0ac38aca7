"""Several words in a sentence."""

from collections.abc import Sequence


def listed(words: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`; at least one word."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
