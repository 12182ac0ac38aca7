"""The path MTU is found beside the rounds, whatever becomes of large packets, and by chance."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.helpers.simulated_engine import ICMP, TCP, UDP, Tape, events_of, trace
from tests.helpers.simulated_network import SimNet, answer_of, make_answer, router
from tui_trace.core import events as ev
from tui_trace.core.events import MtuSearchEnd as End
from tui_trace.core.events import MtuSource, ReplyKind
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Pace, ProbeSettings
from tui_trace.core.stream import FindPathMtu, SetPace, StopPathMtu
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Snapshot
from tui_trace.wire.network import OutgoingProbe, ReceivedReply, SendError

LENGTH = 7


class Links:
    """MTU of the link into each hop, and what the routers before these say: mtu, refusal, nothing.

    A probe, or its answer, is lost if `loses` says so; `silent` hops answer nothing.
    """

    def __init__(
        self,
        mtus: dict[int, int],
        says: str = "mtu",
        loses: Callable[[OutgoingProbe], bool] = lambda _probe: False,
        silent: frozenset[int] = frozenset(),
    ) -> None:
        self.mtus, self.says, self.loses, self.silent = mtus, says, loses, silent

    def __call__(self, net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        if self.loses(probe):
            return None
        for ttl in range(1, min(probe.ttl, LENGTH) + 1):
            mtu = self.mtus.get(ttl, 65535)
            if probe.settings.size > mtu:
                if self.says == "nothing":
                    return None
                answer = make_answer(probe, router(ttl - 1), ReplyKind.TOO_BIG)
                return answer._replace(code=4, mtu=mtu if self.says == "mtu" else None)
        return None if min(probe.ttl, LENGTH) in self.silent else answer_of(net, probe)


def search(
    links: Links, start: ProbeSettings = ICMP, *, seconds: float = 120, **fields: object
) -> Tape:
    net = SimNet(length=LENGTH, respond=links, **fields)
    return trace(net, start, seconds=seconds, commands=[(2 * NS_PER_S, FindPathMtu(start))])


def found_in(tape: Tape) -> ev.PathMtuFound:
    (found,) = events_of(tape, ev.PathMtuFound)
    return found


def snapshot(tape: Tape) -> Snapshot:
    session = Session()
    for event in tape.events:
        session.apply(event)
    return session.snapshot()


@pytest.mark.parametrize("start", [ICMP, UDP, TCP], ids=lambda s: s.protocol.value)
def test_a_router_that_tells_its_mtu(start: ProbeSettings) -> None:
    found = found_in(search(Links({3: 1480, 6: 1400}), start))
    assert (found.reason, found.mtu, found.limit) == (End.COMPLETE, 1400, MtuSource.REPORTED)
    assert (found.near_ttl, found.far_ttl, found.refused_by) == (5, 6, router(5))
    assert (found.near_address, found.far_address) == (router(5), router(6))
    assert (found.last_ttl, found.reached) == (LENGTH, True)


def test_a_router_that_refuses_and_does_not_tell() -> None:
    found = found_in(search(Links({4: 1333}, "refusal")))
    assert (found.mtu, found.limit, found.refused_by) == (1333, MtuSource.GUESSED, router(3))
    assert (found.near_ttl, found.far_ttl) == (3, 4)


@pytest.mark.parametrize("start", [ICMP, UDP, TCP], ids=lambda s: s.protocol.value)
@pytest.mark.parametrize("hop", [1, 4, LENGTH])
def test_a_black_hole_lies_between_two_hops(start: ProbeSettings, hop: int) -> None:
    found = found_in(search(Links({hop: 1400}, "nothing"), start))
    assert (found.reason, found.mtu, found.limit) == (End.COMPLETE, 1400, MtuSource.BLACK_HOLE)
    assert (found.near_ttl, found.far_ttl, found.refused_by) == (hop - 1, hop, "")


def test_a_silent_router_beside_the_hole_is_left_out() -> None:
    found = found_in(search(Links({4: 1400}, "nothing", silent=frozenset({3, 4}))))
    assert (found.mtu, found.near_ttl, found.far_ttl) == (1400, 2, 5)


def test_no_link_is_smaller_than_the_interface() -> None:
    found = found_in(search(Links({})))
    assert (found.mtu, found.limit, found.far_ttl) == (1500, MtuSource.INTERFACE, 0)
    net = SimNet(length=LENGTH, respond=Links({}))
    tape = trace(net, ICMP, seconds=30, commands=[(0, FindPathMtu(ICMP, largest=1200))])
    assert (found_in(tape).mtu, found_in(tape).limit) == (1200, None)


def test_an_interface_that_refuses_more_than_the_route_said() -> None:
    def fail(probe: OutgoingProbe) -> SendError | None:
        too_large = probe.settings.size > 1420
        return SendError(90, "larger than the interface's MTU", 1420) if too_large else None

    tape = search(Links({}), fail=fail)
    assert (found_in(tape).mtu, found_in(tape).limit) == (1420, MtuSource.INTERFACE)
    assert not events_of(tape, ev.SendFailed), "a size that does not fit is no trouble"


def test_a_target_that_is_silent_counts_as_far_as_the_last_router() -> None:
    found = found_in(search(Links({4: 1400}, "nothing", silent=frozenset({LENGTH}))))
    assert (found.mtu, found.near_ttl, found.far_ttl) == (1400, 3, 4)
    assert (found.last_ttl, found.reached) == (LENGTH - 1, False)


def test_nobody_answers() -> None:
    silent = frozenset(range(1, LENGTH + 1))
    found = found_in(search(Links({}, silent=silent)))
    assert (found.reason, found.mtu, found.last_ttl) == (End.SILENT, 0, 0)


def test_a_firewall_that_drops_every_large_packet_is_no_mtu() -> None:
    found = found_in(search(Links({4: 100}, "nothing"), TCP))
    assert found.reason is End.ALL_LARGE
    assert found.mtu == TCP.size


def test_a_router_may_refuse_at_a_size_that_no_common_link_has() -> None:
    found = found_in(search(Links({4: 296})))
    assert (found.reason, found.mtu, found.limit) == (End.COMPLETE, 296, MtuSource.REPORTED)


@settings(max_examples=8, deadline=None)
@given(
    st.integers(577, 1499),
    st.integers(1, LENGTH),
    st.sampled_from(["mtu", "refusal", "nothing"]),
    st.sampled_from([0.0, 0.05, 0.2]),
    st.integers(0, 1 << 32),
)
def test_losses_by_chance_change_nothing(
    mtu: int, hop: int, says: str, share: float, seed: int
) -> None:
    chance = random.Random(seed)
    links = Links({hop: mtu}, says, loses=lambda _probe: chance.random() < share)
    found = found_in(search(links, seconds=600))
    assert (found.reason, found.mtu) == (End.COMPLETE, mtu)
    assert found.far_ttl >= hop
    if not share:
        assert (found.near_ttl, found.far_ttl) == (hop - 1, hop)


def test_a_target_that_answers_once_a_second_has_no_black_hole() -> None:
    """As Linux limits port unreachables: six at once, then one a second."""
    tokens, last = 6.0, 0

    def loses(probe: OutgoingProbe) -> bool:
        nonlocal tokens, last
        if probe.ttl < LENGTH:
            return False
        tokens, last = min(6.0, tokens + (probe.monotonic - last) / NS_PER_S), probe.monotonic
        if tokens < 1:
            return True
        tokens -= 1
        return False

    found = found_in(search(Links({}, loses=loses), UDP, seconds=600))
    assert (found.reason, found.mtu) == (End.COMPLETE, 1500)
    found = found_in(search(Links({3: 1400}, "nothing", loses=loses), UDP, seconds=900))
    assert (found.reason, found.mtu, found.limit) == (End.COMPLETE, 1400, MtuSource.BLACK_HOLE)


def test_the_table_is_the_same_with_a_search_beside_it() -> None:
    alone = trace(SimNet(length=LENGTH), ICMP, seconds=20)
    beside = search(Links({4: 1400}), seconds=20)
    figures = [
        [(hop.sent, hop.lost, hop.figures.count) for hop in snapshot(tape).run.hops]
        for tape in (alone, beside)
    ]
    assert figures[0] == figures[1]
    now = snapshot(beside)
    assert (now.run.number, now.earlier, len(now.paths)) == (1, (), 1)
    assert now.path_mtu is not None
    assert now.path_mtu.sent == sum(event.run == 2 for event in events_of(beside, ev.ProbeSent))
    assert [hop.ttl for hop in now.run.hops if "MTU 1400" in hop.marks] == [4]


def test_rounds_come_seldom_while_routers_are_asked_and_lose_nothing() -> None:
    """Each router has a burst of six errors and one a second, as Linux does by default."""
    tokens, last = dict.fromkeys(range(1, LENGTH), 6.0), dict.fromkeys(range(1, LENGTH), 0)

    def loses(probe: OutgoingProbe) -> bool:
        ttl = probe.ttl
        if ttl >= LENGTH or (probe.settings.size > 1400 and ttl >= 4):
            return False
        since, last[ttl] = probe.monotonic - last[ttl], probe.monotonic
        tokens[ttl] = min(6.0, tokens[ttl] + since / NS_PER_S)
        if tokens[ttl] < 1:
            return True
        tokens[ttl] -= 1
        return False

    tape = search(Links({4: 1400}, "nothing", loses), seconds=300)
    found = found_in(tape)
    assert (found.mtu, found.near_ttl, found.far_ttl) == (1400, 3, 4)
    assert [hop.lost for hop in snapshot(tape).run.hops] == [0] * LENGTH


def test_every_probe_tells_its_size_and_has_df() -> None:
    tape = search(Links({4: 1400}))
    (opened,) = [event for event in events_of(tape, ev.RunOpened) if event.seeks_mtu]
    assert (opened.beside, opened.settings.df, opened.settings.size) == (True, True, 1500)
    sizes = {event.size or 1500 for event in events_of(tape, ev.ProbeSent) if event.run == 2}
    assert {1400, 1401, 1500} <= sizes
    assert all(not event.size for event in events_of(tape, ev.ProbeSent) if event.run == 1)


def test_it_is_stopped_and_begun_again() -> None:
    silent = SimNet(delay=lambda _probe, _n: None)
    commands = [(0, FindPathMtu(ICMP)), (NS_PER_S, StopPathMtu()), (2 * NS_PER_S, StopPathMtu())]
    tape = trace(silent, ICMP, seconds=9, commands=commands)
    assert found_in(tape).reason is End.STOPPED
    twice = [(0, FindPathMtu(ICMP)), (NS_PER_S // 100, FindPathMtu(ICMP))]
    tape = trace(SimNet(), ICMP, seconds=30, commands=twice)
    assert [one.reason for one in events_of(tape, ev.PathMtuFound)] == [End.STOPPED, End.COMPLETE]


def test_a_link_that_became_smaller_marks_its_hop_and_one_that_grew_loses_the_mark() -> None:
    links = Links({4: 1400})
    net = SimNet(length=LENGTH, respond=links)
    net.at.append((net.now + 30 * NS_PER_S, links.mtus.clear))
    twice = [(0, FindPathMtu(ICMP)), (40 * NS_PER_S, FindPathMtu(ICMP))]
    tape = trace(net, ICMP, seconds=80, commands=twice)
    assert [one.mtu for one in events_of(tape, ev.PathMtuFound)] == [1400, 1500]
    assert not any("MTU" in mark for hop in snapshot(tape).run.hops for mark in hop.marks)


def test_nothing_is_sent_while_probing_is_paused_and_a_report_waits_for_it() -> None:
    commands = [(0, FindPathMtu(UDP)), (NS_PER_S // 20, SetPace(Pace(paused=True)))]
    tape = trace(SimNet(), UDP, seconds=6, commands=commands)
    assert max(event.at for event in events_of(tape, ev.ProbeSent)) <= NS_PER_S // 5
    tape = trace(
        SimNet(respond=Links({2: 1400}, "nothing")), rounds=1, commands=[(0, FindPathMtu(ICMP))]
    )
    assert found_in(tape).mtu == 1400


def test_a_machine_that_cannot_send_ends_it() -> None:
    down = SendError(101, "Network is unreachable")
    net = SimNet(fail=lambda probe: down if probe.settings.df else None)
    tape = trace(net, ICMP, seconds=60, commands=[(0, FindPathMtu(ICMP))])
    assert found_in(tape).reason is End.FAILED


def test_replies_that_come_late_take_back_what_was_thought_lost() -> None:
    """A queue that holds large packets up for longer than any wait is no black hole."""

    def delay(probe: OutgoingProbe, _number: int) -> int:
        return (900 if probe.settings.size > 1300 else 1) * NS_PER_MS

    found = found_in(search(Links({}), delay=delay))
    assert found.mtu == 1500


def test_settings_that_probe_several_flows_are_searched_by_one() -> None:
    tape = search(Links({}), replace(UDP, flows=4))
    (opened,) = [event for event in events_of(tape, ev.RunOpened) if event.seeks_mtu]
    assert opened.settings.flows == 1
