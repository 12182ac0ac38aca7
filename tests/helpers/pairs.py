"""Which values meet which: pairs, where every value with every other one would prove no more."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any


def in_turn(values: Iterable[Any], *others: Sequence[Any], first: int = 0) -> list[tuple[Any, ...]]:
    """Each of the values once, with one of each of the others, which take turns from `first` on.

    Of 8 values and 3 others each other one meets 2 or 3 of the values: 8 cases in place of 24.
    """
    return [
        (value, *(other[number % len(other)] for other in others))
        for value, number in zip(values, itertools.count(first), strict=False)
    ]
