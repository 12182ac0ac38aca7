"""Charts: what they show, of whatever there is, at any size."""

import asyncio
import math
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from textual.pilot import Pilot

from tests.helpers.app.app_driver import Watch, recorded, seen, watching
from tests.helpers.app.fake_source import ADDRESS, FakeSource, folded, path, reply
from tests.helpers.app.pictures import app, long, pressing, wrong
from tests.helpers.app.scripts import HOSTILE
from tests.helpers.app.waiting import wait_until
from tui_trace.app.render.chart_data import (
    CALM,
    count_ticks,
    decade_ticks,
    decades,
    scale,
    series,
    strip,
    strip_header,
    strip_row,
    window,
)
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.screens.chart_screen import ChartScreen
from tui_trace.app.widgets import lazy_plots
from tui_trace.app.widgets.styled_lines import StyledLines
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Pace
from tui_trace.report.cell_text import TextStyle
from tui_trace.session.snapshot import (
    LOST,
    PENDING,
    RECENT,
    Hop,
    Responder,
    RttStatistics,
    Snapshot,
)

pytestmark = pytest.mark.slow

OUTCOMES = st.one_of(
    st.lists(
        st.sampled_from([LOST, PENDING, 0, 1, 999, 400_000, 8_000_000, 10**18]), max_size=RECENT
    ),
    st.lists(st.integers(PENDING, 2**62), max_size=RECENT),
    st.builds(lambda what, many: [what] * many, st.sampled_from([LOST, PENDING, 0, 7]), st.just(9)),
)
EMPTY = RttStatistics(0, None, None, None, None, None, None, None, None, None)


def hop_of(recent: list[int], ttl: int = 1, target: bool = False) -> Hop:
    rtts = [rtt for rtt in recent if rtt >= 0]
    figures = EMPTY
    if rtts:
        low, high = min(rtts), max(rtts)
        figures = RttStatistics(len(rtts), rtts[-1], low, high, low, 0.0, 0.0, low, high, high)
    return Hop(
        ttl=ttl,
        responders=(Responder(ADDRESS, len(rtts), 0),) if rtts else (),
        sent=len(recent),
        lost=recent.count(LOST),
        late=0,
        duplicates=0,
        pending=recent.count(PENDING),
        figures=figures,
        recent=tuple(recent),
        marks=(),
        user_stamped=0,
        is_target=target,
    )


def snapshot_of(hops: list[Hop], rounds: int, pace: Pace | None = None) -> Snapshot:
    base = folded(path(1))
    run = replace(base.run, hops=tuple(hops), rounds=rounds)
    return replace(base, run=run, pace=pace or Pace(), at=max(rounds - 1, 0) * NS_PER_S)


def text(line: StyledLine) -> str:
    return "".join(piece for piece, _ in line)


def text_of(watch: Watch, selector: str) -> str:
    widget = watch.app.screen.query_one(selector)
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


def inside(watch: Watch, plot: str) -> list[str]:
    """The lines in the box of a plot."""
    canvas = watch.app.screen.query_one(f"{plot} #plot")
    lines = [canvas.render_line(y).text for y in range(canvas.size.height)]
    return [line[1:-1] for line in lines[1:-1]]


async def opened(watch: Watch) -> ChartScreen:
    """The charts, with their plots drawn."""
    await watch.press("g")
    screen = watch.app.screen
    assert isinstance(screen, ChartScreen)
    await watch.until(lambda: screen.query("#charts-rtt"))
    await watch.pilot.pause(0.2)
    return screen


# --- what stands in a cell


def test_a_column_is_one_moment_of_all_hops() -> None:
    """Hops whose turn in the round is yet to come leave a hole at the right, and stay in line."""
    lost = [400_000] * 6 + [LOST] + [400_000] * 3
    shown = snapshot_of([hop_of(lost, 1), hop_of(lost[:-1], 2), hop_of([LOST, *lost[7:]], 3)], 10)
    view = window(shown, 20)
    strips = [text(strip(hop, view)) for hop in shown.run.hops]
    assert strips == [
        " " * 10 + "░" * 6 + "×░░░",
        " " * 10 + "░" * 6 + "×░░ ",
        " " * 16 + "×░░░",
    ]
    assert {int(at) for hop in shown.run.hops for at in series(hop, view).lost} == {16}


def test_shades_are_milliseconds_above_the_least_on_one_scale_for_all() -> None:
    far, near = 80 * NS_PER_MS, NS_PER_MS
    for least in (far, near):
        over = [0, 1.9, 2.1, 9.9, 10.1, 49, 51, 5000]
        hop = hop_of([least + round(ms * NS_PER_MS) for ms in over])
        assert text(strip(hop, window(snapshot_of([hop], 8), 8))) == "░░▒▒▓▓██"


@given(OUTCOMES, st.integers(1, 300), st.integers(1, 4), st.integers(0, 3))
def test_a_strip_has_its_width_and_shows_every_loss(
    recent: list[int], cells: int, queries: int, behind: int
) -> None:
    hop = hop_of(recent)
    pace = replace(Pace(), queries=queries)
    rounds = -(-(len(recent) + behind) // queries)
    view = window(snapshot_of([hop], rounds, pace), cells)
    line = strip(hop, view)
    assert cell_len(text(line)) == cells
    places = {int(at) for at in series(hop, view).lost}
    assert {place for place, sign in enumerate(text(line)) if sign == "×"} == places
    assert bool(places) == (LOST in [outcome for _, outcome in view.outcomes(hop)])
    drawn = series(hop, view)
    assert len(drawn.heights) == sum(outcome >= 0 for _, outcome in view.outcomes(hop))
    assert all(0 <= at < cells for at in places)
    assert cell_len(text(strip_row(hop, "host", view, 24, True))) == 24 + cells + 6
    assert cell_len(text(strip_header(view, 24))) == 24 + cells + 6


def test_the_newest_are_never_left_out() -> None:
    hop = hop_of([LOST] * 100 + [1000] * 156)
    for cells in (7, 64, 100, 256, 300):
        view = window(snapshot_of([hop], 1000), cells)
        assert len(list(view.outcomes(hop))) >= 256 - view.step, "at most a part of cell = cut"
        assert text(strip(hop, view))[-1] == "░"


def test_nobody_cries_over_a_hop_that_never_answers() -> None:
    silent, lossy, target = (
        hop_of([LOST] * 5),
        hop_of([LOST, 1000]),
        hop_of([LOST, 1000], target=True),
    )
    view = window(snapshot_of([silent], 5), 5)
    styles = [
        next(style for piece, style in strip(hop, view) if "×" in piece)
        for hop in (silent, lossy, target)
    ]
    assert styles == [TextStyle.DIM, TextStyle.WARN, TextStyle.BAD]


def test_in_flight_is_nothing_wrong() -> None:
    hop = hop_of([1_000_000, 1_000_000, PENDING])
    view = window(snapshot_of([hop], 3), 3)
    assert text(strip(hop, view)) == "░░·"
    drawn = series(hop, view)
    assert drawn.lost == []
    assert len(drawn.heights) == 2


# --- axes


@given(st.lists(st.integers(0, 2**62), max_size=50), st.integers(1, 60))
def test_the_axis_holds_all_and_its_ticks_are_true(rtts: list[int], lines: int) -> None:
    low, high = scale([decades(rtt) for rtt in rtts])
    assert all(low <= decades(rtt) <= high for rtt in rtts)
    assert high - low >= CALM * 0.999
    ticks, words = decade_ticks(low, high, 2 * (high - low) / lines)
    assert len(ticks) == len(words) >= 2
    for tick, word in zip(ticks, words, strict=True):
        assert low <= tick <= high
        assert math.isclose(tick, math.log10(float(word)), abs_tol=0.005 if tick < 7 else 0.03)
        assert len(word) <= 7


@given(st.integers(1, 10**6), st.integers(1, 30))
def test_counts_are_whole_and_not_too_many(top: int, most: int) -> None:
    ticks, words = count_ticks(top, most)
    assert [str(int(tick)) for tick in ticks] == words
    assert ticks[0] == 0
    assert 1 <= len(ticks) <= most + 1


def test_the_time_axis_is_the_time_of_day() -> None:
    view = window(folded(path(42)), 60)
    ticks, words = view.ticks()
    assert words == ["14:13:20", "14:13:30", "14:13:40", "14:13:50", "14:14:00"]
    late = replace(folded(path(42)), wall=1_790_000_003_700_000_000)
    assert window(late, 60).ticks()[1] == ["14:13:30", "14:13:40", "14:13:50", "14:14:00"]
    assert window(late, 60).ticks()[0][0] == pytest.approx(view.cell(6.3))
    unknown = window(replace(late, wall=0), 60)
    assert unknown.ticks()[1] == ["0:00", "0:10", "0:20", "0:30", "0:40"]
    hop = folded(path(42)).run.hops[3]
    lost_at = [view.start + (at - view.cell(0.5)) for at in series(hop, view).lost]
    assert [round(at) for at in lost_at] == [2, 7, 12, 17, 22, 27, 32, 37], "as `path` loses them"
    assert round(ticks[1] - view.cell(10)) == 0


def test_without_a_steady_pace_there_are_no_seconds() -> None:
    slow = replace(Pace(), interval=10 * NS_PER_S)
    shown = replace(folded(path(42)), pace=slow)
    view = window(shown, 50)
    assert view.period is None
    assert view.ticks()[1] == ["now", "−10", "−20", "−30", "−40"]
    assert view.words == "cell = 1 probe"


# --- the screen


async def test_g_charts_the_selected_hop_and_the_last_if_none_is() -> None:
    async with watching(FakeSource(path(42)), size=(120, 30)) as watch:
        await opened(watch)
        assert "hop 6  203.0.113.80" in text_of(watch, "#charts-key")
        await watch.press("g")
        assert watch.app.screen is watch.app.live
        await watch.press("down", "down", "down", "down", "g")
        assert "hop 4  198.51.100.9" in text_of(watch, "#charts-key")
        assert "▶ 4 198.51.100.9" in text_of(watch, "#charts-strips")
        await watch.press("up")
        assert "hop 3  (no reply)" in text_of(watch, "#charts-key")
        await watch.press("q")
        assert watch.app.screen is watch.app.live
        await watch.press("g", *["up"] * 9, "escape")
        assert watch.app.screen is watch.app.live


async def test_losses_of_hop_and_target_stand_below_and_above_their_strips() -> None:
    async with watching(FakeSource(wrong()), size=(120, 30)) as watch:
        await watch.press("down", "down", "down", "down")
        await opened(watch)
        lines = inside(watch, "#charts-rtt")
        strips = text_of(watch, "#charts-strips").splitlines()
        label = watch.app.screen.query_one("#charts-rtt #plot").region.x + 1
        width = len(lines[0])
        for plotted, row in ((lines[-1], strips[3]), (lines[0], strips[5])):
            losses = [place for place, sign in enumerate(row[label : label + width]) if sign == "×"]
            assert losses
            assert [place for place, sign in enumerate(plotted) if sign == "×"] == losses
        assert "×" not in "".join(lines[1:-1])


async def test_the_histogram_is_as_high_as_there_are_answers() -> None:
    async with watching(FakeSource(path(42)), size=(120, 40)) as watch:
        await opened(watch)
        lines = inside(watch, "#charts-histogram")
        assert any("█" in line for line in lines)
        assert "█" in lines[-1]
        assert "│" in lines[0], "a percentile"
        assert "p50" in text_of(watch, "#charts-figures")


async def test_the_charts_keep_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy_plots, "PAUSE", 0.05)
    async with watching(FakeSource(path(5)), size=(120, 30)) as watch:
        await opened(watch)
        assert "×" not in text_of(watch, "#charts-strips").splitlines()[5]
        watch.source.play(
            ev.ProbeSent(at=6 * NS_PER_S, run=1, probe=9_000, ttl=6),
            ev.ProbeLost(at=6 * NS_PER_S, run=1, probe=9_000, ttl=6),
        )
        await watch.until(lambda: "×" in text_of(watch, "#charts-strips").splitlines()[5])
        await watch.until(lambda: "×" in inside(watch, "#charts-rtt")[-1])


async def test_dear_things_are_not_drawn_for_every_snapshot() -> None:
    async with watching(FakeSource(path(5)), size=(120, 30)) as watch:
        screen = await opened(watch)
        drawn: list[object] = []
        screen.query_one("#charts-title", StyledLines).show = drawn.append
        for _ in range(50):
            screen.look_at(replace(seen(watch)))
        assert len(drawn) == 1


async def test_of_two_runs_in_turns_it_shows_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy_plots, "PAUSE", 0.05)
    async with watching(FakeSource(path(42)), size=(120, 30)) as watch:
        screen = await opened(watch)
        now = seen(watch)

        def of_port(port: int, number: int, turns_with: tuple[int, ...]) -> Snapshot:
            """As now, but the run has another port, by which its title tells it."""
            to = replace(now.run.settings, port=port)
            run = replace(now.run, number=number, turns_with=turns_with, settings=to)
            return replace(now, run=run)

        for shown in (of_port(1001, 1, (2,)), of_port(1002, 2, (1,))):
            screen.look_at(shown)
        await watch.pilot.pause(0.3)
        assert "port 1001 " in text_of(watch, "#charts-title")
        for shown in (of_port(1003, 2, ()), of_port(1004, 3, ())):
            screen.look_at(shown)
            port = shown.run.settings.port
            await watch.until(lambda port=port: f"port {port} " in text_of(watch, "#charts-title"))


async def test_back_in_time_the_charts_are_of_that_moment(tmp_path: Path) -> None:
    async with recorded(tmp_path, path(42), size=(120, 30)) as watch:
        await opened(watch)
        assert text_of(watch, "#charts-strips").count("×") > 10
        await watch.press(*["left"] * 37)
        await watch.until(lambda: "◀ 0:04 · l live" in text_of(watch, "#charts-title"))
        of_silent_hop, of_hop_4 = 5, 1
        losses = of_silent_hop + of_hop_4
        await watch.until(lambda: text_of(watch, "#charts-strips").count("×") == losses)
        before = text_of(watch, "#charts-strips")
        watch.source.play(ev.Notice(at=60 * NS_PER_S, text="later"))
        await watch.until(lambda: watch.app.last_snapshot.notice == "later")
        await watch.pilot.pause(1.2)
        assert text_of(watch, "#charts-strips") == before
        await watch.press("l")
        await watch.until(lambda: text_of(watch, "#charts-strips").count("×") > 10)


async def test_strangers_names_are_only_text_in_charts() -> None:
    named = ev.HostNamed(at=NS_PER_S, address="10.0.0.1", names=(HOSTILE,))
    script = [*path(3), named, *path_of_stranger()]
    async with watching(FakeSource(script), size=(200, 40)) as watch:
        await watch.press("down")
        await opened(watch)
        for ids in ("#charts-strips", "#charts-key"):
            assert r"\x1b]0;owned\x07[b]bold[/b]" in text_of(watch, ids)
        everything = "\n".join(
            text_of(watch, f"#charts-{part}") for part in ("title", "strips", "key", "figures")
        )
        for bad in ("\x1b", "\x07", "\u202e", "\x9b"):
            assert bad not in everything


def path_of_stranger() -> Iterator[ev.Event]:
    yield ev.ProbeSent(at=5 * NS_PER_S, run=1, probe=900, ttl=2)
    yield reply(1, 900, 2, HOSTILE, 1.0, 5 * NS_PER_S)


async def test_without_its_library_there_are_strips_and_one_line_that_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "tui_trace.app.widgets.plots", raising=False)
    monkeypatch.setitem(sys.modules, "textual_plot", None)
    async with watching(FakeSource(path(42)), size=(120, 30)) as watch:
        await watch.press("g")
        await watch.until(lambda: "no plots: " in text_of(watch, "#charts-key"))
        assert "textual_plot" in text_of(watch, "#charts-key")
        assert text_of(watch, "#charts-strips").count("×") > 10
        await watch.press("up", "escape")
        assert watch.app.screen is watch.app.live


async def test_nothing_probed_yet() -> None:
    async with watching(FakeSource(path(2, hops=((None, 0.0),))), size=(80, 24)) as watch:
        screen = await opened(watch)
        empty = replace(seen(watch), run=replace(seen(watch).run, hops=()))
        watch.app.live.snapshot = empty
        await watch.until(lambda: "nothing has been probed yet" in text_of(watch, "#charts-strips"))
        await watch.press("down", "up")
        assert watch.app.screen is screen


@settings(max_examples=8, deadline=None)
@given(
    hops=st.lists(OUTCOMES, min_size=1, max_size=6),
    sizes=st.lists(st.tuples(st.integers(1, 210), st.integers(1, 62)), min_size=1, max_size=3),
    extra=st.integers(0, 3),
)
def test_any_outcomes_at_any_size(
    hops: list[list[int]], sizes: list[tuple[int, int]], extra: int
) -> None:
    """It draws whatever there is, into whatever there is; nothing breaks the view."""
    rows = [hop_of(recent, ttl, ttl == len(hops)) for ttl, recent in enumerate(hops, 1)]
    shown = snapshot_of(rows, max(map(len, hops)) + extra)
    failures = []

    async def draw() -> None:
        async with watching(FakeSource(path(2)), size=sizes[0]) as watch:
            screen = await opened(watch)
            screen.look_at(shown)
            for width, height in [*sizes, (1, 1), (80, 24)]:
                await watch.pilot.resize_terminal(width, height)
                await watch.press("up" if width % 2 else "down")
            strips = text_of(watch, "#charts-strips").splitlines()
            assert len(strips) == len(hops)
            if watch.app.failure is not None:
                failures.append(watch.app.details)

    in_a_loop_of_its_own(draw)
    assert failures == []


def in_a_loop_of_its_own(work) -> None:
    """Run to the end, and raise what it raises: the test's own thread may have a loop."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def test_the_library_is_not_imported_before_it_is_wanted() -> None:
    asked = (
        "import sys, tui_trace.app.run_live; print({'numpy', 'textual_plot'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "set()\n"


# --- the inspector


@pytest.mark.parametrize("size", [(120, 40), (80, 45)])
async def test_the_inspector_has_a_plot_where_there_is_room(size: tuple[int, int]) -> None:
    async with watching(FakeSource(path(42)), size=size) as watch:
        await watch.press(*["down"] * 4, "enter")
        panel = watch.app.live.query_one("#inspector")
        await watch.until(lambda: panel.query("#inspector-rtt"))
        plot = panel.query_one("#inspector-rtt")
        await watch.pilot.pause(0.2)
        canvas = plot.query_one("#plot")
        floor = canvas.render_line(canvas.size.height - 2).text
        assert floor.count("×") == 8, "hop 4 loses one in five"
        told = watch.text("#inspector").splitlines()
        blank = [place for place, line in enumerate(told) if not line.strip()]
        assert len(blank) >= plot.size.height >= 6
        assert blank[: plot.size.height] == list(range(1, plot.size.height + 1))
        assert "42 sent · 34 answered" in told[plot.size.height + 1], "the plot hides no word"
        await watch.press("up")
        assert "hop 3  " not in watch.text("#inspector")
        assert not plot.display, "nothing answered there"
        await watch.press("up")
        assert plot.display
        await watch.until(lambda: "×" not in canvas.render_line(canvas.size.height - 2).text)


async def test_in_a_low_panel_the_inspector_has_a_line_of_blocks() -> None:
    async with watching(FakeSource(path(42)), size=(80, 24)) as watch:
        await watch.press("down", "enter")
        panel = watch.app.live.query_one("#inspector")
        await watch.pilot.pause(0.5)
        assert not panel.query("#inspector-rtt")
        assert "▁▁" in watch.text("#inspector").splitlines()[1]
        await watch.pilot.resize_terminal(80, 50)
        await watch.until(lambda: panel.query("#inspector-rtt"))
        await watch.pilot.resize_terminal(80, 24)
        await watch.until(lambda: not panel.query_one("#inspector-rtt").display)
        assert "▁▁" in watch.text("#inspector").splitlines()[1]


# --- looks


def charting(keys: str):
    """Press these, and wait for the plots."""

    async def press(pilot: Pilot[None]) -> None:
        await pressing(keys)(pilot)
        await wait_until(pilot, lambda: pilot.app.screen.query("#charts-histogram"))
        before, now = "", pilot.app.export_screenshot()
        while now != before:
            await pilot.pause(0.3)
            before, now = now, pilot.app.export_screenshot()

    return press


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 60)], ids=lambda size: str(size[0]))
@pytest.mark.parametrize(
    ("script", "keys"),
    [(wrong, "down down down down g"), (long, "g")],
    ids=["wrong", "long"],
)
def test_the_charts_look_as_they_did(snap_compare, script, keys: str, size) -> None:
    assert snap_compare(app(script()), terminal_size=size, run_before=charting(keys))


def test_charts_without_colours(snap_compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    keys = charting("down down down down g")
    assert snap_compare(app(wrong()), terminal_size=(120, 30), run_before=keys)
