"""Runs and paths side by side."""

import re

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from tests.helpers.app.app_driver import Watch, seen, watching
from tests.helpers.app.fake_source import ADDRESS, HOPS, FakeSource, folded, path, reply
from tests.helpers.app.pictures import app, pressing
from tests.helpers.app.scripts import HOSTILE, LONGER, later, moved
from tests.helpers.app.waiting import wait_until
from tui_trace.app.app import TraceApp
from tui_trace.app.render.comparison import comparison_lines
from tui_trace.app.render.header import heading
from tui_trace.app.render.path_lines import paths_lines
from tui_trace.app.render.styled_text import StyledLine, plain
from tui_trace.app.screens import compare_screen
from tui_trace.app.screens.compare_screen import CompareScreen
from tui_trace.app.screens.path_screen import PathScreen
from tui_trace.app.source_thread import SourceThread
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, ProbeSettings, Protocol
from tui_trace.core.stream import TakeTurns
from tui_trace.session.compare import compare_runs
from tui_trace.session.fold import Session
from tui_trace.session.host_labels import HostLabels

ICMP = ProbeSettings()


@pytest.fixture(autouse=True)
def soon_compared_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_screen, "PAUSE", 0.05)


def two_runs() -> list[ev.Event]:
    """TCP reaches the target; ICMP stops after hop 5."""
    stopped = (*HOPS[:5], (None, 0.0))
    icmp = [
        replace(event, reached=False) if isinstance(event, ev.PathEnd) else event
        for event in later(path(20, ICMP, hops=stopped), 2, 60)
    ]
    return [*path(20), *icmp]


def text(lines: list[StyledLine]) -> str:
    return "\n".join(plain(line) for line in lines)


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_the_answer_comes_first_and_what_differs_has_a_mark(width: int) -> None:
    session = Session()
    for event in two_runs():
        session.apply(event)
    told = compare_runs([session.run(1), session.run(2)])
    lines = comparison_lines(told, width, HostLabels(session.snapshot().who))
    assert all(cell_len("".join(piece for piece, _ in line)) <= max(width, 80) for line in lines)
    shown = text(lines)
    start = " ".join(shown.split("\n\n")[0].split())
    assert start == "TCP 443 reaches the target, ICMP stops at hop 5."
    differing = [plain(line) for line in lines if plain(line).startswith("▶")]
    assert [line.split()[1] for line in differing] == ["6"]
    assert "silent to ICMP" in shown
    assert "  1 10.0.0.1" in shown
    table = shown.partition("Figures and tests")[0]
    rows = [line for line in table.splitlines() if line[1:3].strip().isdigit()]
    sides_without_loss = [row.count(" 0.0 of 20") for row in rows]
    assert sides_without_loss == [2, 2, 0, 0, 2, 1], "3 is silent, 6 to ICMP; 4 lost some"


def test_every_path_is_told_with_what_moved() -> None:
    snapshot = folded(moved())
    assert [one.letter for one in snapshot.paths] == ["A", "B"]
    shown = text(paths_lines(snapshot, 100, HostLabels(snapshot.who)))
    assert shown.splitlines()[0] == " 2 paths in this session; path B since 0:30, 14:13:50."
    assert " path B   0:30–now (run 1)" in shown
    changed = [line for line in shown.splitlines() if line.startswith(("  +", "  −", "  ≠"))]
    assert changed == ["  +  5 192.0.2.77"], "one hop more is one change"


def test_the_heading_tells_the_path_once_there_are_two() -> None:
    shown = text(heading(folded(moved()), 100))
    assert "run 1 (TCP port 443)  path B since 0:30" in shown
    assert "path" not in text(heading(folded(path(5)), 100))


def test_before_any_answer_there_is_no_path() -> None:
    snapshot = folded(path(2, hops=((None, 0.0), (None, 0.0))))
    assert "no path is known" in text(paths_lines(snapshot, 80, HostLabels()))


@pytest.mark.slow
async def test_c_compares_the_run_in_force_with_another(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []
    ask = SourceThread.watch
    monkeypatch.setattr(
        SourceThread, "watch", lambda self, runs: asked.append(runs) or ask(self, runs)
    )
    async with watching(size=(100, 30)) as watch:
        await watch.press("c")
        assert "Only one run so far" in screen_text(watch)
        await watch.press("c")
        asked.clear()
        watch.source.play(*two_runs()[len(list(path(20))) :])
        await watch.until(lambda: seen(watch).run.number == 2)
        await watch.press("c")
        screen = watch.app.screen
        assert isinstance(screen, CompareScreen)

        def shown() -> str:
            lines = screen.query_one("#reading")
            return "\n".join(lines.render_line(y).text for y in range(lines.size.height))

        await watch.until(lambda: "TCP 443 reaches the target, ICMP stops at hop 5" in shown())
        await watch.until(lambda: "▶ 6" in shown())
        watch.source.play(
            ev.ProbeSent(at=100 * NS_PER_S, run=2, probe=99_999, ttl=6),
            reply(2, 99_999, 6, ADDRESS, 9.0, 100 * NS_PER_S, kind=ev.ReplyKind.ECHO, reached=True),
        )
        await watch.until(lambda: "ICMP stops" not in shown())
        await watch.press("left", "right", "c")
        assert watch.app.screen is watch.app.live
        assert asked == [(1, 2), ()], "nobody looks at runs any more"


@pytest.mark.slow
async def test_a_third_run_can_be_chosen() -> None:
    script = [*two_runs(), *later(path(10, ProbeSettings(protocol=Protocol.UDP, port=53)), 3, 120)]
    async with watching(FakeSource(script), size=(100, 30)) as watch:
        await watch.press("c")
        assert isinstance(watch.app.screen, CompareScreen)
        await watch.until(lambda: side_by_side(watch) == [2, 3])
        await watch.press("left")
        await watch.until(lambda: side_by_side(watch) == [1, 3])
        await watch.press("right")
        await watch.until(lambda: side_by_side(watch) == [2, 3])


@pytest.mark.slow
async def test_h_shows_the_paths_and_keeps_up() -> None:
    async with watching(FakeSource(path(5)), size=(80, 24)) as watch:
        await watch.press("H")
        screen = watch.app.screen
        assert isinstance(screen, PathScreen)

        def shown() -> str:
            lines = screen.query_one("#reading")
            return "\n".join(lines.render_line(y).text for y in range(lines.size.height))

        assert "One path seen so far" in shown()
        change = later(path(20, hops=LONGER), 1, 30, 50_000)
        watch.source.play(*(one for one in change if not isinstance(one, ev.RunOpened)))
        await watch.until(lambda: "2 paths in this session" in shown())
        await watch.press("down", "pagedown", "H")
        assert watch.app.screen is watch.app.live


@pytest.mark.slow
async def test_strangers_names_are_only_text_there_too() -> None:
    named = ev.HostNamed(at=NS_PER_S, address="10.0.0.1", names=(HOSTILE,))
    async with watching(FakeSource([*two_runs(), named]), size=(120, 30)) as watch:
        for key in ("c", "H"):
            await watch.press(key)
            lines = watch.app.screen.query_one("#reading")
            await watch.until(lambda lines=lines: lines.size.height > 5)
            shown = "\n".join(lines.render_line(y).text for y in range(lines.size.height))
            assert r"\x1b]0;owned" in shown
            assert "\x1b" not in shown
            await watch.press("escape")


def test_both_screens_look_as_they_did(snap_compare) -> None:
    assert snap_compare(app(moved()), terminal_size=(80, 24), run_before=pressing("H"))


@pytest.mark.parametrize("size", [(80, 24), (120, 30)], ids=lambda size: str(size[0]))
def test_a_comparison_looks_as_it_did(snap_compare, size) -> None:
    assert snap_compare(app(two_runs()), terminal_size=size, run_before=comparing)


async def comparing(pilot) -> None:
    await pressing("c")(pilot)
    await wait_until(pilot, lambda: "Figures and tests" in text_of_screen(pilot.app))
    await pilot.pause(0.2)


def text_of_screen(app: TraceApp) -> str:
    """What there is to read on the screen that lies over the main one."""
    lines = app.screen.query_one("#reading")
    return "\n".join(lines.render_line(y).text for y in range(lines.size.height))


def screen_text(watch: Watch) -> str:
    return text_of_screen(watch.app)


def side_by_side(watch: Watch) -> list[int]:
    """The numbers of the runs whose figures stand beside one another."""
    return [int(number) for number in re.findall(r"  run (\d+)  ", screen_text(watch))]


def numbers(screen: CompareScreen) -> list[int]:
    """The runs of this session that are to stand side by side."""
    return [key.number for key in screen.shown if not key.session]


def turns(rounds: int) -> list[ev.Event]:
    """Runs 3 and 4 of TCP and UDP, of which every other round is one's."""
    udp = ProbeSettings(protocol=Protocol.UDP, port=53)
    one = later(path(rounds), 3, 120)
    two = later(path(rounds, udp), 4, 121, 20_000)
    return [
        replace(event, turns_with=(7 - event.run,)) if isinstance(event, ev.RunOpened) else event
        for event in sorted([*one, *two], key=lambda event: (event.at, -event.run))
    ]


@pytest.mark.slow
async def test_b_takes_turns_shows_them_side_by_side_and_ends() -> None:
    async with watching(FakeSource(path(5)), size=(100, 30)) as watch:
        await watch.press("b")
        assert "change one first" in watch.text("#keys")
        await watch.press("u")
        await watch.until(lambda: seen(watch).run.number == 2)
        await watch.press("b")
        await watch.until(lambda: isinstance(watch.app.screen, CompareScreen))
        (asked,) = [one for one in watch.source.commands if isinstance(one, TakeTurns)]
        assert [one.protocol for one in asked.settings] == ["tcp", "udp"]
        watch.source.play(*turns(12)[3:])
        await watch.until(lambda: "measured in turns" in screen_text(watch))
        assert side_by_side(watch) == [3, 4]
        await watch.press("escape")
        assert watch.app.screen is watch.app.live
        assert "run 4 (UDP port 33434) in turns with run 3" in watch.text("#heading")
        again = (
            ev.RunOpened(at=140 * NS_PER_S, run=run, settings=settings, turns_with=(11 - run,))
            for run, settings in zip((5, 6), asked.settings, strict=True)
        )
        watch.source.play(*again)
        await watch.until(lambda: seen(watch).run.number == 6)
        assert watch.app.screen is watch.app.live, "nor when the turns begin anew"
        await watch.press("b")
        await watch.until(lambda: seen(watch).run.number == 5)
        assert "stopped alternating: UDP port" in watch.text("#keys")
        assert watch.app.screen is watch.app.live, "it does not open by itself at the end"


@pytest.mark.slow
async def test_two_chosen_runs_take_turns() -> None:
    script = [*two_runs(), *later(path(10, ProbeSettings(protocol=Protocol.UDP, port=53)), 3, 120)]
    async with watching(FakeSource(script), size=(130, 30)) as watch:
        await watch.press("c", "left")
        screen = watch.app.screen
        assert isinstance(screen, CompareScreen)
        await watch.until(lambda: side_by_side(watch) == [1, 3])
        await watch.press("b")
        (asked,) = [one for one in watch.source.commands if isinstance(one, TakeTurns)]
        assert [one.protocol for one in asked.settings] == ["tcp", "udp"]
        await watch.until(lambda: side_by_side(watch) == [4, 5])
        await watch.press("b")
        await watch.until(lambda: seen(watch).run.number == 6)
        assert numbers(screen) == [4, 5], "what took turns is still what one looks at"


@pytest.mark.slow
async def test_a_third_run_beside_two_if_there_is_room() -> None:
    script = [*two_runs(), *later(path(10, ProbeSettings(protocol=Protocol.UDP, port=53)), 3, 120)]
    async with watching(FakeSource(script), size=(120, 30)) as watch:
        await watch.press("c", "greater_than_sign")
        screen = watch.app.screen
        assert isinstance(screen, CompareScreen)
        await watch.until(lambda: side_by_side(watch) == [1, 2, 3])
        await watch.press("greater_than_sign")
        hint = screen.query_one("#reading-hint").render_line(0).text
        assert "No other run" in hint
        await watch.press("less_than_sign")
        await watch.until(lambda: side_by_side(watch) == [2, 3])
        await watch.press("less_than_sign")
        assert numbers(screen) == [2, 3], "one is no comparison"
        await watch.pilot.resize_terminal(80, 24)
        await watch.press("greater_than_sign")
        assert numbers(screen) == [2, 3], "there is no room"
        assert "No room for another run" in screen.query_one("#reading-hint").render_line(0).text
