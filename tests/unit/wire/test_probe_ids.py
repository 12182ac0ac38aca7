"""The numbers that tell probes apart."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trace.core.settings import Protocol
from tui_trace.wire.probe_ids import KEYS_16, KEYS_32, SEQUENCE_STEP, ProbeIdGenerator


@given(st.integers(), st.lists(st.integers(0, 65_495), min_size=2, max_size=60))
def test_sequence_numbers_rise_past_the_data_by_small_steps(seed: int, lengths: list[int]) -> None:
    """So no two probes are acknowledged by the same number, and a connection tracker follows."""
    ids = ProbeIdGenerator(random.Random(seed))
    keys = [ids.next_ids(Protocol.TCP, length)[0] for length in lengths]
    for (key, following), length in zip(pairwise(keys), lengths, strict=False):
        assert (following - key) % KEYS_32 == length + SEQUENCE_STEP


def test_the_first_sequence_number_is_drawn_a_process() -> None:
    first = {
        ProbeIdGenerator(random.Random(seed)).next_ids(Protocol.TCP, 0)[0] for seed in range(1000)
    }
    assert len(first) > 995
    assert max(first) - min(first) > 0.99 * KEYS_32


@pytest.mark.parametrize("protocol", list(Protocol))
def test_no_key_and_no_ip_id_comes_again_within_a_cycle(protocol: Protocol) -> None:
    for seed in range(3):
        ids = ProbeIdGenerator(random.Random(seed))
        given_out = [ids.next_ids(protocol, 0) for _ in range(KEYS_16)]
        assert len({key for key, _ in given_out}) == KEYS_16
        assert {ip_id for _, ip_id in given_out} == set(range(1, KEYS_16 + 1))
        largest = KEYS_16 if protocol.transport in (Protocol.ICMP, Protocol.UDP) else KEYS_32 - 1
        assert all(key <= largest for key, _ in given_out)
        assert 0 not in {key for key, _ in given_out} or protocol in (Protocol.TCP, Protocol.IP)
        again = [ids.next_ids(protocol, 0) for _ in range(100)]
        if largest == KEYS_16:
            assert again == given_out[:100], "the ones that were given out longest ago"
