"""Every key in every screen, and every prompt with every kind of text: never a traceback, never
the end of the program by a key that is not for that, and always an effect or a line."""

import pytest
from textual import events

from tests.helpers.app.app_driver import Watch, recorded, replayed, watching
from tests.helpers.app.emulated_terminal import Terminal
from tui_trace.app.keyboard import MOST_PASTED
from tui_trace.app.keymap import COMMANDS, KEYS, Key
from tui_trace.app.messages import SnapshotTaken
from tui_trace.app.widgets.prompt import Prompt
from tui_trace.core.stream import Command, SourceError

pytestmark = pytest.mark.slow

SCREENS = {
    "table": (),
    "charts": ("g",),
    "paths": ("H",),
    "comparison": ("u", "c"),
    "ways": ("G",),
    "findings": ("V",),
    "diagnosis": ("D",),
    "targets": ("T",),
    "help": ("question_mark",),
    "columns": ("o",),
}
"""By the keys that lead there."""
TYPES = {
    "table": "MainScreen",
    "charts": "ChartScreen",
    "paths": "PathScreen",
    "comparison": "CompareScreen",
    "ways": "WaysScreen",
    "findings": "FindingsScreen",
    "diagnosis": "DiagnosisScreen",
    "targets": "TargetsScreen",
    "help": "HelpScreen",
    "columns": "ColumnChooser",
}
HARMLESS = [key for key in KEYS if key.id not in ("app.quit", "app.interrupt")]
SCROLLS = {
    *("view.up", "view.down", "view.first", "view.last"),
    *("time.start", "time.end", "time.back", "time.forward"),
}
"""Keys that move something, if there is more than has room."""


async def lead_to(watch: Watch, screen: str) -> None:
    """Go there, unless it is on top already, without a prompt."""
    depth = 1 + (screen != "table")
    is_there = type(watch.app.screen).__name__ == TYPES[screen]
    if is_there and len(watch.app.screen_stack) == depth and question_of(watch) is None:
        return
    while len(watch.app.screen_stack) > 1 or question_of(watch) is not None:
        await watch.pilot.press("escape")
    for key in SCREENS[screen]:
        await watch.pilot.press(key)
    await watch.pilot.pause(0.05)
    assert type(watch.app.screen).__name__ == TYPES[screen]


def question_of(watch: Watch) -> str | None:
    """What is asked in the screen on top."""
    return next((prompt.question for prompt in watch.app.screen.query(Prompt)), None)


def state(watch: Watch) -> object:
    """What a key can have an effect on."""
    asked: list[Command] = watch.source.commands
    return (
        tuple(watch.app.screen_stack),
        question_of(watch),
        len(asked),
        len(watch.source.asked),
        watch.app.clipboard,
        [strip.text for strip in watch.app.screen._compositor.render_strips()],
    )


async def press(watch: Watch, key: Key, screen: str) -> None:
    watch.app.live.clear_message()
    await watch.pilot.pause(0.02)
    before = state(watch)
    first = key.keys.split(",")[0]
    await watch.pilot.press(first)
    await watch.pilot.pause(0.02)
    assert watch.app.is_running, f"{first} quits in {screen}"
    assert watch.app.failure is None, (
        f"{first} in {screen}: {watch.app.failure}\n{watch.app.details}"
    )
    if key.id not in SCROLLS and key.id != "view.close":
        for _ in range(100):
            if state(watch) != before:
                return
            await watch.pilot.pause(0.02)
        raise AssertionError(f"{first} says and does nothing in {screen}")


@pytest.mark.parametrize("screen", SCREENS)
async def test_every_key_in_every_screen(screen: str) -> None:
    async with watching() as watch:
        for key in HARMLESS:
            await lead_to(watch, screen)
            await press(watch, key, screen)
        assert not watch.source.stopped.is_set()


@pytest.mark.parametrize("screen", [name for name in SCREENS if name not in ("table", "columns")])
async def test_what_comes_while_a_screen_opens_does_not_end_the_view(screen: str) -> None:
    """On a busy machine there is a moment in which a screen is on top and has no widgets yet."""
    async with watching() as watch:
        *before, last = SCREENS[screen]
        for key in before:
            await watch.pilot.press(key)
        await watch.pilot.pause(0.1)
        app, live = watch.app, watch.app.live
        opens = next(key for key in KEYS if last in key.keys.split(","))
        await (app if opens.priority else live).run_action(opens.target_action)
        assert type(app.screen).__name__ == TYPES[screen]
        assert not app.screen.is_mounted
        live.show_message("told while it opens")
        live.clear_message()
        app.on_snapshot_taken(SnapshotTaken(app._tracing, live.snapshot))
        live.on_key(events.Key("k", "k"))
        await watch.pilot.pause(0.1)
        assert app.screen.is_mounted
        assert app.failure is None, app.details


@pytest.mark.parametrize("screen", ["table", "charts", "targets"])
async def test_every_key_in_a_replay(tmp_path, screen: str) -> None:
    async with recorded(tmp_path):
        pass
    async with replayed(tmp_path / "one.session") as (watch, _):
        for key in HARMLESS:
            await lead_to(watch, screen)
            await watch.pilot.press(key.keys.split(",")[0])
            assert watch.app.is_running, f"{key.id} quits in {screen}"
            assert watch.app.failure is None, watch.app.details


@pytest.mark.parametrize("screen", [name for name in SCREENS if name != "table"])
async def test_q_leaves_the_screen_and_not_the_program(screen: str) -> None:
    async with watching() as watch:
        await lead_to(watch, screen)
        await watch.press("q")
        assert watch.app.is_running
        assert watch.app.screen is watch.app.live
        await watch.press("q")
        await watch.until(lambda: not watch.app.is_running)


QUESTIONS = {key.action[5:-2]: key.keys for key in KEYS if key.action.startswith("ask(")} | {
    action[5:-2]: "" for _, action, _ in COMMANDS if action.startswith("ask(")
}
"""By their keys; those of the palette have none."""
ASKED = [question for question in QUESTIONS if question != "guess"]
"""A quiz of the lab alone asks for a guess."""
TEXTS = {
    "empty": "",
    "blank": "   ",
    "huge": "9" * 10_000,
    "long": "x" * 10_000,
    "wide": "日本語😀ü",
    "hostile": "\x1b]0;x\x07[b]\u202e",
    "sign": "-1",
    "float": "1e9999",
    "digits of others": "٣٤",
    "nul": "\0",
    "path": "/nowhere/at/all",
    "quit": "q",
}

SHORT = ("empty", "sign", "digits of others", "quit")
"""Asked over another screen than the table."""


def refuse_all(target: str, *_: object) -> object:
    raise SourceError(f"unknown host {target!r}")


async def ask(watch: Watch, question: str) -> None:
    await watch.app.live.run_action(f"ask('{question}')")
    await watch.pilot.pause(0.02)
    assert watch.app.live.prompt.question == question


def said(watch: Watch) -> str:
    return str(watch.app.live.prompt.query_one("#prompt-says").render())


def is_answered(watch: Watch, text: str) -> bool:
    """Whether the prompt has closed, or says why not; an empty answer may change nothing."""
    prompt = watch.app.live.prompt
    return prompt.question is None or said(watch).startswith("! ") or not text.strip()


@pytest.mark.parametrize("question", ASKED)
async def test_every_prompt_takes_any_text(question: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with watching(open_source=refuse_all) as watch:
        for name, text in list(TEXTS.items())[ASKED.index(question) % 2 :: 2]:
            await lead_to(watch, ("table", "paths")[name in SHORT])
            await ask(watch, question)
            await watch.pilot.press("ctrl+u")
            watch.app.post_message(events.Paste(text[:MOST_PASTED]))
            await watch.pilot.press("enter")
            await watch.until(lambda text=text: is_answered(watch, text))
            assert watch.app.is_running, f"{name} quits"
            assert watch.app.failure is None, f"{name}: {watch.app.details}"
            if watch.app.live.prompt.question is not None:
                assert set(said(watch)).isdisjoint("\x1b\n"), name


@pytest.mark.parametrize("question", [question for question, keys in QUESTIONS.items() if keys])
async def test_what_is_typed_ahead_belongs_to_the_prompt(question: str) -> None:
    keys = QUESTIONS[question]
    async with watching(open_source=refuse_all) as watch:
        for screen in ("table", "charts"):
            await lead_to(watch, screen)
            if screen == "charts" and question in ("target", "export", "note"):
                continue
            for key in (keys, "q", "h", "9", "question_mark", "T"):
                letter = {"slash": "/", "question_mark": "?"}.get(key, key)
                watch.app.post_message(events.Key(key, letter))
            await watch.until(lambda: watch.app.live.prompt.question is not None)
            typed = watch.app.live.prompt.query_one("#prompt-value")
            await watch.until(lambda typed=typed: typed.value.endswith("qh9?T"))
            assert watch.app.is_running
            await watch.press("escape")


@pytest.mark.parametrize("pasted", ["443\nq\n", "443\r\nq", "\n443", "4\x1b43"])
async def test_a_paste_with_a_line_end_is_one_text_and_no_enter(pasted: str) -> None:
    async with watching() as watch:
        await ask(watch, "port")
        await watch.pilot.press("ctrl+u")
        watch.app.post_message(events.Paste(pasted))
        await watch.pilot.pause(0.1)
        assert watch.app.is_running
        assert watch.app.live.prompt.question == "port"
        assert watch.source.commands == []


async def test_a_paste_outside_a_prompt_does_nothing() -> None:
    async with watching() as watch:
        for screen in SCREENS:
            await lead_to(watch, screen)
            commands = list(watch.source.commands)
            watch.app.post_message(events.Paste("qtuir\n"))
            await watch.pilot.pause(0.05)
            assert watch.app.is_running
            assert watch.source.commands == commands


def test_a_thousand_digits_in_two_writes() -> None:
    terminal = Terminal("-m", "tests.helpers.app.demo_view", size=(80, 24))
    try:
        terminal.wait_for("round 2")
        terminal.press(b"P" + b"9" * 500)
        terminal.press(b"9" * 500 + b"\r")
        terminal.wait_for("--port takes", seconds=60)
        terminal.press(b"\x1b")
        terminal.wait_for("q quit")
        terminal.press(b"q")
        assert terminal.wait() == 0
    finally:
        terminal.close()
