"""The shortest way from one set of colours and attributes to another one."""

import itertools

import pytest

from tests.helpers.app.cell_terminal import CellTerminal
from tui_trace.app.terminal.pens import PLAIN, UNKNOWN, change, ground, pen

SETS = ["", "1", "2", "1;2", "3;4", "7", "9;31", "38;2;1;2;3", "1;38;5;17;48;2;4;5;6", "97;104"]


@pytest.mark.parametrize(("before", "after"), itertools.permutations(SETS, 2))
def test_a_change_comes_to_what_was_asked_for(before: str, after: str) -> None:
    changed, anew = CellTerminal(10, 1), CellTerminal(10, 1)
    changed.feed(change(UNKNOWN, pen(before)) + change(pen(before), pen(after)) + "x")
    anew.feed(f"\x1b[0;{after}mx" if after else "x")
    assert changed.looks() == anew.looks()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", ""),
        ("1;31", "", "\x1b[m"),
        ("1;38;2;1;2;3", "38;2;1;2;3", "\x1b[22m"),
        ("1;2", "1", "\x1b[0;1m"),
        ("31;48;2;1;2;3", "32;48;2;1;2;3", "\x1b[32m"),
        ("31;48;2;1;2;3", "48;2;1;2;3", "\x1b[39m"),
    ],
)
def test_the_shortest_is_taken(before: str, after: str, expected: str) -> None:
    assert change(pen(before), pen(after)) == expected


def test_colours_of_the_terminal_are_none() -> None:
    assert pen("39;49") == PLAIN


def test_what_can_be_seen_of_a_blank() -> None:
    assert ground(pen("1;31;44")) == pen("44")
    assert ground(pen("4;31;44")) == pen("4;31;44")
