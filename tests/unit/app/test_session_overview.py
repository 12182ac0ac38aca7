"""The session from above."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.helpers.app.fake_source import folded
from tests.helpers.app.scripts import moved
from tui_trace.app.render.session_overview import PATHS, happenings, overview, path_style
from tui_trace.app.render.styled_text import plain
from tui_trace.core.durations import format_duration
from tui_trace.core.settings import NS_PER_S
from tui_trace.report.cell_text import TextStyle
from tui_trace.session.paths import path_letter
from tui_trace.session.snapshot import Bucket, MomentKind, Timeline, TimelineMoment

buckets = st.lists(
    st.builds(
        Bucket,
        st.sampled_from(["", "A", "B", "AA"]),
        st.integers(0, 9),
        st.integers(-1, 9),
        st.integers(0, 10**11),
    ),
    max_size=600,
)


@given(buckets, st.integers(0, 250))
def test_it_fits_any_width_and_every_line_is_as_long(each: list[Bucket], width: int) -> None:
    lines = overview(Timeline(NS_PER_S, tuple(each), ()), width, str)
    lengths = {sum(cell_len(text) for text, _ in line) for line in lines[:3]}
    assert len(lengths) <= 1
    assert all(length < max(width, 1) for length in lengths)


def test_paths_losses_and_times_stand_one_above_the_other() -> None:
    each = (
        *[Bucket("A", 1, 0, 1_000_000)] * 3,
        Bucket("A", 1, 1, 1_000_000),
        *[Bucket("B", 1, 0, 8_000_000)] * 2,
        Bucket("B", 0, 2, 0),
    )
    shown = overview(Timeline(NS_PER_S, each, ()), 80, format_duration)
    path, loss, rtt, axis = map(plain, shown)
    assert path == " path A───B──"
    assert loss == " loss    ▅  ×"
    assert rtt == " RTT  ▁▁▁▁██"
    assert axis.split() == ["0:00", "0:07"], "no room for the time of day"
    assert overview(Timeline(NS_PER_S, (), ()), 80, str) == []


def test_a_real_session_has_its_change_where_the_path_changed() -> None:
    (path, *_) = overview(folded(moved()).timeline, 120, str)
    assert plain(path).index("B") - plain(path).index("A") == 30
    assert [style for _, style in path[1:]] == [TextStyle.PATH_A, TextStyle.PATH_B]


def test_neighbouring_letters_have_other_colours() -> None:
    styles = [path_style(path_letter(number)) for number in range(60)]
    assert styles == [PATHS[number % len(PATHS)] for number in range(60)]


def test_what_happened_is_text_and_the_users_own_stands_out() -> None:
    moments = [
        TimelineMoment(61 * NS_PER_S, MomentKind.TROUBLE, "network \x1b[31m unreachable"),
        TimelineMoment(90 * NS_PER_S, MomentKind.NOTE, "called [b]them[/b]"),
    ]
    trouble, note = happenings(moments, 60, lambda _: "03:12:40")
    assert plain(trouble).split()[:3] == ["!", "1:01", "03:12:40"]
    assert plain(trouble).split()[3:] == ["network", "\\x1b[31m", "unreachable"]
    assert plain(note).split() == ["*", "1:30", "03:12:40", "called", "[b]them[/b]"]
    many = happenings([TimelineMoment(k, MomentKind.RUN, str(k)) for k in range(500)], 40, str)
    assert len(many) == 201
    assert plain(many[0]).strip() == "… 300 moments before"
