"""The other machine's clock: only what is certain is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trace.core.settings import NS_PER_S
from tui_trace.remote.clock_offset import ClockOffset


def measure(offset_s: float, *, before_s: float, behind_s: float) -> ClockOffset:
    """The clock there is `offset_s` ahead; the message took `behind_s`, the login `before_s`."""
    start = 1_700_000_000 * NS_PER_S
    written = start + round(before_s * NS_PER_S)
    return ClockOffset.measure(
        there=written + round(offset_s * NS_PER_S),
        started=start,
        arrived=written + round(behind_s * NS_PER_S),
    )


@given(st.floats(-1e6, 1e6), st.floats(0, 30), st.floats(0, 30))
def test_the_truth_lies_within_the_bound(offset: float, before: float, behind: float) -> None:
    measured = measure(offset, before_s=before, behind_s=behind)
    assert measured.least <= round(offset * NS_PER_S) <= measured.most
    sentence = measured.describe("edge1")
    if sentence is not None:
        assert abs(offset) >= 1
        assert ("ahead of" in sentence) == (offset > 0)


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        (0, None),
        (1.1, None),
        (-1.4, None),
        (100, "the clock of edge1 is 99.8 to 100.5 s ahead of the clock here;"),
        (-100, "the clock of edge1 is 99.5 to 100.2 s behind the clock here;"),
    ],
)
def test_clocks_that_may_agree_are_not_mentioned(offset: float, said: str | None) -> None:
    sentence = measure(offset, before_s=0.5, behind_s=0.2).describe("edge1")
    assert sentence is None if said is None else sentence is not None
    assert (sentence or "").startswith(said or "")
