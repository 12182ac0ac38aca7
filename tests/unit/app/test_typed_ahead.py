"""Keys that arrive together: those behind a key that opens a prompt belong to the prompt."""

import pytest
from textual import events

from tests.helpers.app.app_driver import Watch, watching
from tui_trace.app.screens.help_screen import HelpScreen
from tui_trace.core.settings import Protocol
from tui_trace.core.stream import Inject, SourceError

NAMES = {"\n": "enter", "\x1b": "escape", "/": "slash", ".": "full_stop", " ": "space"}


def arrive(watch: Watch, text: str) -> None:
    """All keys of this text come in one write of the terminal."""
    for letter in text:
        character = None if letter in "\n\x1b" else letter
        watch.app.post_message(events.Key(NAMES.get(letter, letter), character))


async def test_a_target_with_a_q_in_it_does_not_quit() -> None:
    asked: list[str] = []

    def open_source(target: str, *_: object) -> None:
        asked.append(target)
        raise SourceError("unknown")

    async with watching(open_source=open_source) as watch:
        arrive(watch, "/quad9.net\n")
        await watch.until(lambda: asked)
        assert asked == ["quad9.net"]
        assert watch.app.is_running
        assert watch.prompt.question == "target", "it was refused, and can be mended"


@pytest.mark.parametrize(("typed", "size"), [("S\x151400\n", 1400), ("S\x1b", 60), ("SS\n", 60)])
async def test_a_number_is_not_lost(typed: str, size: int) -> None:
    async with watching() as watch:
        for part in typed.split("\x15"):
            arrive(watch, part)
            if "\x15" in typed and part == "S":
                watch.app.post_message(events.Key("ctrl+u", None))
        if size != 60:
            await watch.until(lambda: watch.settings)
        await watch.until(lambda: watch.prompt.question in (None, "size"))
        await watch.pilot.pause(0.2)
        sizes = [settings.size for settings in watch.settings] or [60]
        assert sizes[-1] == size
        assert not isinstance(watch.app.screen, HelpScreen)


async def test_a_note_with_keys_in_it_is_a_note() -> None:
    async with watching() as watch:
        arrive(watch, "Nhello q t\nu")
        await watch.until(lambda: watch.settings)
        notes = [one for one in watch.source.commands if isinstance(one, Inject)]
        assert [note.event.text for note in notes] == ["hello q t"]
        assert [settings.protocol for settings in watch.settings] == [Protocol.UDP]


async def test_a_key_behind_one_that_opens_a_screen_belongs_to_that_screen() -> None:
    async with watching() as watch:
        arrive(watch, "hqu")
        await watch.until(lambda: watch.settings)
        assert watch.app.is_running
        assert watch.settings[-1].protocol is Protocol.UDP


async def test_a_paste_behind_a_key_goes_into_the_prompt() -> None:
    async with watching() as watch:
        arrive(watch, "N")
        watch.app.post_message(events.Paste("pasted q"))
        arrive(watch, "\n")
        await watch.until(lambda: any(isinstance(one, Inject) for one in watch.source.commands))
        (note,) = (one for one in watch.source.commands if isinstance(one, Inject))
        assert note.event.text == "pasted q"


async def test_ctrl_c_waits_for_no_turn() -> None:
    async with watching() as watch:
        arrive(watch, "Nhello")
        watch.app.post_message(events.Key("ctrl+c", None))
        await watch.until(lambda: not watch.app.is_running)
