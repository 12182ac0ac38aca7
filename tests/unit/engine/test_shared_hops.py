"""Routers that several targets share are asked by one at a time, once they limit their answers."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tui_trace.engine.shared_hops import SharedHops


def limited(members: int, router: str = "r") -> tuple[SharedHops, list[int]]:
    """Targets behind a router that answers one probe in ten."""
    shared = SharedHops()
    numbers = [shared.join() for _ in range(members)]
    for number in numbers:
        shared.on_answer(number, 1, router)
    for _ in range(20):
        shared.on_lost(numbers[0], 1)
    return shared, numbers


@given(st.integers(2, 30), st.integers(2, 1000))
def test_one_target_a_round_asks_a_router_that_limits(members: int, number: int) -> None:
    shared, numbers = limited(members)
    assert sum(shared.may_ask(each, 1, number) for each in numbers) == 1
    rounds = range(number, number + members)
    for each in numbers:
        assert sum(shared.may_ask(each, 1, one) for one in rounds) == 1, "each has its turn"


def test_the_first_round_and_what_does_not_limit_are_asked_by_all() -> None:
    shared, numbers = limited(5)
    assert all(shared.may_ask(each, 1, 1) for each in numbers)
    for each in numbers:
        shared.on_answer(each, 2, "s")
    assert all(shared.may_ask(each, 2, number) for each in numbers for number in range(9))


def test_loss_as_it_is_on_a_lossy_link_does_not_count_as_a_limit() -> None:
    rng = random.Random(1)
    shared = SharedHops()
    numbers = [shared.join() for _ in range(10)]
    for _ in range(200):
        for each in numbers:
            if rng.random() < 0.1:
                shared.on_lost(each, 1)
            else:
                shared.on_answer(each, 1, "r")
    assert all(shared.may_ask(each, 1, number) for each in numbers for number in range(20))


def test_who_has_heard_nobody_shares_what_most_of_the_others_have() -> None:
    shared, numbers = limited(4)
    silent = shared.join()
    shared.on_lost(silent, 1)
    assert sum(shared.may_ask(each, 1, 7) for each in [*numbers, silent]) == 1


def test_another_way_and_a_target_that_left_take_no_turn() -> None:
    shared, numbers = limited(3)
    shared.on_answer(numbers[0], 1, "another")
    assert all(shared.may_ask(numbers[0], 1, number) for number in range(9))
    shared.leave(numbers[1])
    assert all(shared.may_ask(numbers[2], 1, number) for number in range(9))
