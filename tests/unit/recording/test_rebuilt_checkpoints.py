"""Checkpoints that are made anew are kept within a bound, evenly over the session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trace.recording import rebuilt_checkpoints
from tui_trace.recording.rebuilt_checkpoints import RebuiltCheckpoints

BOUND = 1000


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 2 * BOUND)), max_size=200))
def test_their_size_never_exceeds_the_bound(added: list[tuple[int, int]]) -> None:
    kept = RebuiltCheckpoints()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rebuilt_checkpoints, "MAX_BYTES", BOUND)
        for number, size in added:
            kept.add(number, bytes(size))
            there = [kept.get(one) for one in range(1, 51)]
            assert kept.size == sum(len(one) for one in there if one is not None) <= BOUND


def test_every_other_one_goes_when_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilt_checkpoints, "MAX_BYTES", BOUND)
    kept = RebuiltCheckpoints()
    for number in range(1, 12):
        kept.add(number, bytes([number]) * 100)
    there = [number for number in range(1, 12) if kept.get(number) is not None]
    assert there == [2, 4, 6, 8, 10]
    assert kept.get(4) == bytes([4]) * 100
