"""What the painter writes makes a terminal show the picture, whatever it showed before."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tests.helpers.app.cell_terminal import CellTerminal, Look
from tui_trace.app.terminal.frame import Frame
from tui_trace.app.terminal.painter import Painter

Pieces = list[tuple[str, Style]]
Picture = list[Strip]

WIDTH, HEIGHT = 30, 5
ENDLESS = 1 << 20
GROUND = Style(bgcolor="#405060")
STYLES = [
    Style(),
    GROUND,
    Style(color="#102030", bgcolor="#405060"),
    Style(color="#112233", bgcolor="#405060", bold=True),
    Style(color="#112233", bgcolor="#405060", italic=True, bold=True),
    Style(bgcolor="#000011"),
    Style(color="red", dim=True),
    Style(color="bright_blue", italic=True, underline=True),
    Style(reverse=True, color="#102030"),
    Style(strike=True, bgcolor="color(17)"),
    Style(color="default", bgcolor="default", bold=True, dim=True),
]
PLAIN = ["", " ", "       ", "0.0", "12.345±0.1", "▁▂█▇", "·", "● live", "ix.example", "a b  c"]
ODD = ["世界", "é", "e\u0301", "x\u0301\u0302", "한글", "ａ", "🙂", "ไทย"]


quickly = settings(
    deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
)


def strip(pieces: Pieces) -> Strip:
    return Strip([Segment(text, style) for text, style in pieces]).adjust_cell_length(WIDTH, GROUND)


def pictures(words: list[str]) -> st.SearchStrategy[list[Picture]]:
    """Some pictures after one another."""
    piece = st.tuples(st.sampled_from(words), st.sampled_from(STYLES))
    line = st.lists(piece, max_size=6).map(strip)
    # lines that stay are what a picture mostly has
    kept = st.lists(line, min_size=3, max_size=3).flatmap(st.sampled_from)
    one = st.lists(st.one_of(line, kept), min_size=HEIGHT, max_size=HEIGHT)
    return st.lists(one, min_size=1, max_size=4)


def drawn_whole(picture: Picture) -> list[list[Look]]:
    """What a terminal shows when every line is written, as Textual does."""
    terminal = CellTerminal(WIDTH, HEIGHT)
    for y, line in enumerate(picture, 1):
        written = "".join(
            Strip.render_style(style or Style(), text, ColorSystem.TRUECOLOR)
            for text, style, _ in line
        )
        terminal.feed(f"\x1b[{y}H{written}")
    return terminal.looks()


def frame_of(picture: Picture) -> Frame:
    frame = Frame()
    update = LayoutUpdate([[line] for line in picture], Region(0, 0, WIDTH, HEIGHT))
    frame.update(update, ColorSystem.TRUECOLOR)
    return frame


@pytest.mark.parametrize("erases_in_colour", [True, False])
@pytest.mark.parametrize("words", [PLAIN, PLAIN + ODD], ids=["plain", "odd"])
@quickly
@given(data=st.data())
def test_the_terminal_shows_the_newest_picture(
    erases_in_colour: bool, words: list[str], data: st.DataObject
) -> None:
    terminal = CellTerminal(WIDTH, HEIGHT, erases_in_colour=erases_in_colour)
    painter = Painter(erases_in_colour=erases_in_colour)
    for picture in data.draw(pictures(words)):
        budget = data.draw(st.sampled_from([1, 40, 200, ENDLESS]))
        breaks_off = data.draw(st.booleans())
        rows = frame_of(picture).rows
        for turn in range(WIDTH * HEIGHT + 1):
            written, is_all = painter.paint(rows, budget)
            terminal.feed(written)
            if is_all or (breaks_off and turn == 1):
                break
        assert is_all or breaks_off, "it never comes to an end"
        if is_all:
            assert terminal.looks() == drawn_whole(picture)
            assert painter.shows(rows)
            assert painter.paint(rows, ENDLESS) == ("", True)
            # what is typed may be longer than the line, and the view scroll it only later
            line, column = data.draw(st.integers(-1, HEIGHT)), data.draw(st.integers(-1, 3 * WIDTH))
            terminal.feed(painter.move_cursor(line, column))
        if data.draw(st.integers(0, 5)) == 0:
            terminal.feed("\x1b[3;3H\x1b[0;44mgarbage")
            painter.forget()


@pytest.mark.parametrize("column", [WIDTH - 1, WIDTH, 3 * WIDTH])
def test_a_cursor_beyond_the_edge_leaves_what_comes_next_in_its_place(column: int) -> None:
    """An input may be longer than the line before the view has scrolled it."""
    terminal, painter = CellTerminal(WIDTH, HEIGHT), Painter(erases_in_colour=True)
    blank = [strip([]) for _ in range(HEIGHT)]
    picture = [*blank[:-1], strip([(" " * (WIDTH - 3), GROUND), ("abc", GROUND)])]
    terminal.feed(painter.paint(frame_of(blank).rows, ENDLESS)[0])
    terminal.feed(painter.move_cursor(HEIGHT - 1, column))
    terminal.feed(painter.paint(frame_of(picture).rows, ENDLESS)[0])
    assert terminal.looks() == drawn_whole(picture)


@quickly
@given(data=st.data())
def test_a_part_replaces_what_was_there(data: st.DataObject) -> None:
    first, second = (data.draw(pictures(PLAIN + ODD))[0] for _ in range(2))
    frame = frame_of(first)
    left = data.draw(st.integers(0, WIDTH - 1))
    right = data.draw(st.integers(left + 1, WIDTH))
    lines = data.draw(st.sets(st.integers(0, HEIGHT - 1), min_size=1))
    chops = [{left: line.crop(left, right)} for line in second]
    update = ChopsUpdate(chops, [(y, left, right) for y in sorted(lines)], [[right]] * HEIGHT)
    untouched = {y: frame.rows[y] for y in range(HEIGHT) if y not in lines}
    frame.update(update, ColorSystem.TRUECOLOR)
    wanted = [
        Strip.join([old.crop(0, left), new.crop(left, right), old.crop(right, WIDTH)])
        if y in lines
        else old
        for y, (old, new) in enumerate(zip(first, second, strict=True))
    ]
    assert [frame.rows[y] for y in range(HEIGHT)] == frame_of(wanted).rows
    for y, row in untouched.items():
        assert frame.rows[y] is row
    painter, terminal = Painter(erases_in_colour=True), CellTerminal(WIDTH, HEIGHT)
    terminal.feed(painter.paint(frame.rows, ENDLESS)[0])
    assert terminal.looks() == drawn_whole(wanted)


def painted(*pictures: Picture) -> str:
    """What is written for the last of these."""
    painter = Painter(erases_in_colour=True)
    written = ""
    for picture in pictures:
        written, _ = painter.paint(frame_of(picture).rows, ENDLESS)
    return written


NUMBER, SPARK = STYLES[2], STYLES[3]


def row_of(sent: int, last: str) -> Strip:
    return strip([(" hop  ", GROUND), (f"{sent:4}", NUMBER), (f"{last:>7}", NUMBER)])


def test_cells_that_did_not_change_are_not_written() -> None:
    before = [row_of(19, "0.1"), row_of(19, "0.2"), row_of(19, "0.3")] + [strip([])] * 2
    after = [row_of(20, "0.1"), row_of(20, "0.2"), row_of(20, "0.3")] + [strip([])] * 2
    assert painted(before, before) == ""
    # the pen is the one of before
    assert painted(before, after) == "\x1b[1;9H20\x1bD\b\b20\x1bD\b\b20"


def test_an_empty_screen_is_erased() -> None:
    assert painted([strip([])] * HEIGHT) == "\x1b[0;48;2;64;80;96m\x1b[2J"


def test_no_control_character_gets_out() -> None:
    hostile = strip([("a\x1b[2Jb\x07c\x9bm\x7f", STYLES[0])])
    written = painted([strip([])] * HEIGHT, [hostile] + [strip([])] * (HEIGHT - 1))
    assert "\x1b[2J" not in written
    assert not set(written) & {"\x07", "\x9b", "\x7f"}
