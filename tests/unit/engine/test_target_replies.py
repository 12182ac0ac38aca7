"""Whose reply it is, and whether it is one that the target sent again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.simulated_network import TARGET, make_answer, router
from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, ProbeSettings
from tui_trace.engine.target_replies import TargetReplies
from tui_trace.wire.network import OutgoingProbe, ReceivedReply

ELSEWHERE = "192.0.2.200"
PROBE = OutgoingProbe(ProbeSettings(), 9, (1, 2), 0, 0)


def reply(kind: ReplyKind, address: str, message: tuple[int, int] | None = None) -> ReceivedReply:
    """With this ICMP type and code, or none."""
    icmp_type, code = message or (None, None)
    return make_answer(PROBE, address, kind)._replace(icmp_type=icmp_type, code=code)


@pytest.mark.parametrize("address", [TARGET, ELSEWHERE])
@pytest.mark.parametrize(
    "kind", [ReplyKind.ECHO, ReplyKind.SYN_ACK, ReplyKind.RST, ReplyKind.UDP, ReplyKind.OTHER]
)
def test_what_only_an_end_says_is_the_targets_from_any_address(
    kind: ReplyKind, address: str
) -> None:
    assert TargetReplies().is_by_target(reply(kind, address), TARGET)


@pytest.mark.parametrize(
    ("kind", "message"), [(ReplyKind.TIME_EXCEEDED, (11, 0)), (ReplyKind.TOO_BIG, (3, 4))]
)
def test_what_routers_say_is_not_the_targets_even_from_its_address(
    kind: ReplyKind, message: tuple[int, int]
) -> None:
    """A router that forwards ports answers in the target's name."""
    assert not TargetReplies().is_by_target(reply(kind, TARGET, message), TARGET)


@pytest.mark.parametrize("message", [(3, 2), (3, 3), (1, 4), (4, 1)])
def test_an_unreachable_port_is_the_targets_from_another_address_of_its_own(
    message: tuple[int, int],
) -> None:
    replies = TargetReplies()
    refusal = reply(ReplyKind.UNREACHABLE, ELSEWHERE, message)
    assert replies.is_by_target(refusal, TARGET)
    assert replies.on_time_exceeded(ELSEWHERE, 1), "until packets expire there: a firewall"
    assert not replies.is_by_target(refusal, TARGET)
    assert not replies.on_time_exceeded(ELSEWHERE, 1), "which is news once"
    assert replies.is_by_target(reply(ReplyKind.UNREACHABLE, TARGET, message), TARGET)


@pytest.mark.parametrize("message", [(3, 0), (3, 1), (3, 9), (3, 10), (3, 13), (1, 0), (1, 1)])
def test_an_unreachable_of_any_other_code_is_the_targets_from_its_address_alone(
    message: tuple[int, int],
) -> None:
    for address in (TARGET, ELSEWHERE, router(3)):
        refusal = reply(ReplyKind.UNREACHABLE, address, message)
        assert TargetReplies().is_by_target(refusal, TARGET) == (address == TARGET)


@pytest.mark.parametrize("after", [1, 3, 7, 15, 31])
@pytest.mark.parametrize("fastest", [1 * NS_PER_MS, 40 * NS_PER_MS, 300 * NS_PER_MS])
def test_a_syn_ack_so_long_after_the_fastest_is_a_repeat(after: int, fastest: int) -> None:
    replies = TargetReplies()
    replies.on_target_reply(fastest)
    replies.on_target_reply(fastest + 30 * NS_PER_MS)
    for early in (-10, 0, 100, 250):
        assert replies.is_repeat(fastest + after * NS_PER_S + early * NS_PER_MS)
    assert not replies.is_repeat(fastest)
    assert not replies.is_repeat(fastest + after * NS_PER_S - 100 * NS_PER_MS)
    late = 400 * NS_PER_MS + after * NS_PER_S // 16
    assert not replies.is_repeat(fastest + after * NS_PER_S + late)


def test_before_the_first_reply_of_the_target_the_routers_rtt_counts() -> None:
    replies = TargetReplies()
    replies.on_time_exceeded(router(4), 50 * NS_PER_MS)
    assert replies.is_repeat(1060 * NS_PER_MS)
    assert not replies.is_repeat(60 * NS_PER_MS)


@given(st.lists(st.integers(0, 20), min_size=2, max_size=200))
def test_a_queue_that_grows_is_none(steps: list[int]) -> None:
    """RTTs of many seconds, each of which is less than half a second longer than one before."""
    replies = TargetReplies()
    rtt = 20 * NS_PER_MS
    for step in steps:
        rtt += step * 24 * NS_PER_MS
        assert not replies.is_repeat(rtt)
        replies.on_target_reply(rtt)
