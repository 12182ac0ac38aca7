"""The bell: what a terminal gets, and when."""

import pytest

from tests.helpers.hostile_text import EVIL
from tui_trace.app.control.episode_bell import EpisodeBell
from tui_trace.session.finding import Episode, Finding, FindingKind, Sure


def episode(*, harm: bool = True, until: int | None = None, text: str = "target silent") -> Episode:
    return Episode(
        Finding(FindingKind.DOWN, harm, Sure.CERTAIN, 0, text, "target was silent"), 3, until
    )


@pytest.mark.parametrize(
    ("environment", "written"),
    [
        ({"TERM": "xterm-256color"}, "\a"),
        ({"TERM": "xterm-kitty"}, "\a\x1b]9;t.example: target silent\x1b\\"),
        ({"TERM_PROGRAM": "WezTerm"}, "\a\x1b]777;notify;tui-trace;t.example: target silent\x1b\\"),
        ({"TERM_PROGRAM": "tmux", "TERM": "tmux-256color"}, "\a"),
    ],
)
def test_the_terminal_gets_what_it_has(environment: dict[str, str], written: str) -> None:
    assert EpisodeBell(environment, is_on=True).ring("t.example", episode()) == written


def test_it_is_silent_unless_switched_on_and_where_nothing_is_harmed() -> None:
    bell = EpisodeBell({"TERM": "foot"}, is_on=False)
    assert bell.ring("t", episode()) == ""
    assert bell.toggle().startswith("bell: rings")
    assert "over: target was silent" in bell.ring("t", episode(until=9))
    assert bell.ring("t", episode(harm=False)) == ""
    assert bell.toggle() == "bell: off"
    assert bell.ring("t", episode()) == ""


@pytest.mark.parametrize("text", EVIL)
def test_hostile_text_ends_no_sequence(text: str) -> None:
    written = EpisodeBell({"TERM": "foot"}, is_on=True).ring(text, episode(text=text))
    assert written.startswith("\a\x1b]777;notify;tui-trace;")
    assert written.endswith("\x1b\\")
    assert written[2:-2].isprintable()
