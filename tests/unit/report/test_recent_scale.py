"""The blocks of recent RTTs: one scale for all rows, and a gap for a loss."""

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.hop_builders import hop_of
from tui_trace.core.blocks import BLOCKS, round_up
from tui_trace.core.settings import NS_PER_MS
from tui_trace.report.cell_text import blocks_to_scale, scale_for, scale_words
from tui_trace.session.snapshot import LOST, PENDING

MS = NS_PER_MS
RTTS = st.lists(st.integers(0, 10**10) | st.sampled_from((LOST, PENDING)), max_size=80)


@given(RTTS, st.integers(1, 60), st.integers(1, 10**10))
def test_each_outcome_has_its_place(recent: list[int], width: int, top: int) -> None:
    line = blocks_to_scale(tuple(recent), top, width)
    assert len(line) == width
    decided = [rtt for rtt in recent[-2 * width :] if rtt != PENDING][-width:]
    shown = line[len(line) - len(decided) :]
    assert [sign == " " for sign in shown] == [rtt == LOST for rtt in decided]
    for rtt, sign in zip(decided, shown, strict=True):
        if rtt >= 0:
            assert BLOCKS.index(sign) == min(rtt * 8 // top, 7) or abs(rtt * 8 % top) < 1e-6 * top


@given(st.floats(1, 1e12))
def test_a_round_number_is_the_next_above(number: float) -> None:
    top = round_up(number)
    assert number <= top * (1 + 1e-9)
    assert top < number * 5 / 3 * (1 + 1e-9)
    assert float(f"{top:e}".partition("e")[0]) in (1, 1.5, 2, 3, 5, 7)


def test_rows_can_be_compared() -> None:
    flat, slow = hop_of(1, [5 * MS] * 8), hop_of(7, [80 * MS] * 8)
    jittery = hop_of(3, [20 * MS, 60 * MS, 20 * MS, 70 * MS, LOST, 40 * MS, 20 * MS, 50 * MS])
    top = scale_for((flat, slow, jittery))
    assert scale_words(top) == "0–100 ms"
    lines = [blocks_to_scale(hop.recent, top, 8) for hop in (flat, jittery, slow)]
    assert lines == ["▁▁▁▁▁▁▁▁", "▂▅▂▆ ▄▂▅", "▇▇▇▇▇▇▇▇"]


def test_one_spike_does_not_flatten_all_rows() -> None:
    spiked = hop_of(1, [*[8 * MS] * 30, 900 * MS])
    assert scale_for((spiked,)) == 10 * MS
    assert blocks_to_scale(spiked.recent, 10 * MS, 3) == "▇▇█"


def test_the_scale_does_not_change_with_every_probe() -> None:
    top = scale_for((hop_of(1, [90 * MS] * 10),))
    assert top == 100 * MS
    assert scale_for((hop_of(1, [110 * MS] * 10),), top) == 150 * MS, "too small is mended at once"
    assert scale_for((hop_of(1, [60 * MS] * 10),), top) == top, "a little too large will do"
    assert scale_for((hop_of(1, [45 * MS] * 10),), top) == 50 * MS
    assert scale_for((), top) == top, "nothing is known that would change it"


def test_hardly_anything_is_a_scale_too() -> None:
    assert scale_for(()) == 0
    assert scale_words(0) == ""
    assert scale_words(scale_for((hop_of(1, [1, 2]),))) == "0–0.001 ms"
    assert scale_words(scale_for((hop_of(1, [350_000]),))) == "0–0.5 ms"
