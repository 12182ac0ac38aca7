"""The numbers that tell probes apart."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tui_trace.core.settings import Protocol
from tui_trace.engine.probe_ids import KEYS_32, SEQUENCE_STEP, ProbeIdGenerator, ProbeNumbers


def never(_protocol: Protocol, _key: int) -> bool:
    return False


@given(st.integers(), st.lists(st.integers(0, 65_495), min_size=2, max_size=60))
def test_sequence_numbers_rise_past_the_data_by_small_steps(seed: int, lengths: list[int]) -> None:
    """So no two probes are acknowledged by the same number, and a connection tracker follows."""
    numbers = ProbeNumbers(ProbeIdGenerator(random.Random(seed)))
    keys = [numbers.next_number(Protocol.TCP, length, never)[1] for length in lengths]
    for (key, following), length in zip(pairwise(keys), lengths, strict=False):
        assert (following - key) % KEYS_32 == length + SEQUENCE_STEP


def test_the_first_sequence_number_is_drawn_a_session() -> None:
    first = {
        ProbeNumbers(ProbeIdGenerator(random.Random(seed))).next_number(Protocol.TCP, 0, never)[1]
        for seed in range(1000)
    }
    assert len(first) > 995
    assert max(first) - min(first) > 0.99 * KEYS_32
