"""Blocks on a logarithmic scale."""

from hypothesis import given
from hypothesis import strategies as st

from tui_trace.core.blocks import BLOCKS, log_blocks


def test_the_lowest_and_the_highest_value_get_the_lowest_and_the_highest_block() -> None:
    assert log_blocks([1.0, None, 1000.0], 1.0, 1000.0) == "▁ █"


def test_values_that_hardly_differ_look_alike() -> None:
    assert log_blocks([100.0, 103.0], 100.0, 103.0) == "▁▁"


def test_what_is_below_the_scale_gets_the_lowest_block() -> None:
    assert log_blocks([0, 5.0], 10.0, 100.0) == "▁▁"


@given(st.lists(st.floats(1, 1e15), min_size=1))
def test_a_higher_value_never_gets_a_lower_block(values: list[float]) -> None:
    values.sort()
    blocks = log_blocks(values, values[0], values[-1])
    assert list(blocks) == sorted(blocks, key=BLOCKS.index)
