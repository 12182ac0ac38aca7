"""Path MTU discovery over simulated links, honest and silent ones."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.simulated_engine import ICMP, TCP, UDP, Tape, events_of
from tests.helpers.simulated_network import SimNet, answer_of, make_answer, router
from tui_trace.core import events
from tui_trace.core.events import MtuSource, ReplyKind
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Pace, ProbeSettings
from tui_trace.engine.engine import Engine
from tui_trace.engine.path_mtu import PLATEAUS, PathMtuSource, first_settings, largest_size
from tui_trace.wire.network import OutgoingProbe, ReceivedReply, SendError

LENGTH = 7


class Links:
    """MTU of the link into each hop; what routers say of a packet that does not fit."""

    def __init__(self, mtus: dict[int, int], *, says: str = "mtu", interface: int = 1500) -> None:
        self.mtus = mtus
        self.says = says
        self.interface = interface
        self.refused_at: set[int] = set()

    def __call__(self, net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        for ttl in range(1, min(probe.ttl, LENGTH) + 1):
            mtu = self.mtus.get(ttl, 65535)
            if probe.settings.size > mtu:
                self.refused_at.add(ttl)
                if self.says == "nothing":
                    return None
                answer = make_answer(probe, router(ttl - 1), ReplyKind.TOO_BIG)
                return answer._replace(code=4, mtu=mtu if self.says == "mtu" else None)
        return answer_of(net, probe)

    def refuse(self, probe: OutgoingProbe) -> SendError | None:
        if probe.settings.size > self.interface:
            return SendError(90, "larger than the interface's MTU", self.interface)
        return None


def discover(
    links: Links,
    start: ProbeSettings = ICMP,
    given_size: int | None = None,
    delay: Callable[[OutgoingProbe, int], int | None] | None = None,
) -> Tape:
    net = SimNet(length=LENGTH, respond=links, fail=links.refuse, delay=delay)
    pace = Pace(rounds=1)
    engine = Engine(
        net,
        target="t",
        settings=first_settings(start, 4),
        pace=msgspec.structs.replace(pace, rounds=None),
        version="0",
    )
    source = PathMtuSource(engine, start, pace, 4, largest_size(given_size))
    net.at.append((net.now + 600 * NS_PER_S, source.stop))
    tape = Tape()
    source.run(tape)
    return tape


def size_at_the_end(tape: Tape) -> int:
    return events_of(tape, events.RunOpened)[-1].settings.size


@pytest.mark.parametrize("start", [ICMP, UDP, TCP], ids=lambda s: s.protocol.value)
def test_each_smaller_link_is_found_where_it_is(start: ProbeSettings) -> None:
    tape = discover(Links({3: 1480, 6: 1400}), start)
    found = [(e.ttl, e.mtu, e.source, e.address) for e in events_of(tape, events.MtuFound)]
    assert found == [
        (0, 1500, MtuSource.INTERFACE, ""),
        (3, 1480, MtuSource.REPORTED, router(2)),
        (6, 1400, MtuSource.REPORTED, router(5)),
    ]
    assert size_at_the_end(tape) == 1400
    assert all(e.settings.df for e in events_of(tape, events.RunOpened))
    reached = {
        r.ttl
        for r in events_of(tape, events.Reply)
        if r.run == len(events_of(tape, events.RunOpened))
    }
    assert LENGTH in reached


def test_without_a_smaller_link_nothing_is_found_but_the_interface() -> None:
    tape = discover(Links({}))
    assert [e.ttl for e in events_of(tape, events.MtuFound)] == [0]
    assert size_at_the_end(tape) == 1500
    tape = discover(Links({}), given_size=1200)
    assert not events_of(tape, events.MtuFound)
    assert "at least 1200" in events_of(tape, events.Notice)[-1].text


def test_an_answer_from_past_the_end_that_comes_first_is_not_waited_for_again() -> None:
    """Until the target answers at its own TTL, it seems to be farther away."""

    def delay(probe: OutgoingProbe, _number: int) -> int:
        is_slow = probe.ttl == LENGTH and probe.settings.size < 100
        return (40 if is_slow else probe.ttl) * NS_PER_MS

    tape = discover(Links({3: 1480}), delay=delay)
    assert max(reply.ttl for reply in events_of(tape, events.Reply)) > LENGTH
    assert size_at_the_end(tape) == 1480
    assert tape.events[-1].at < 60 * NS_PER_S


def test_a_router_that_does_not_say_its_mtu_is_met_with_the_next_plateau() -> None:
    tape = discover(Links({4: 1300}, says="refusal"))
    sizes = [e.mtu for e in events_of(tape, events.MtuFound) if e.source is MtuSource.GUESSED]
    assert sizes == [1492, 1006]
    assert set(sizes) <= set(PLATEAUS)
    assert size_at_the_end(tape) == 1006


@pytest.mark.slow
@settings(deadline=None, max_examples=12)
@given(st.integers(1, LENGTH), st.integers(100, 1499))
def test_a_black_hole_is_named_to_the_byte_and_the_hop(hop: int, mtu: int) -> None:
    tape = discover(Links({hop: mtu}, says="nothing"))
    (hole,) = [e for e in events_of(tape, events.MtuFound) if e.source is MtuSource.BLACK_HOLE]
    assert (hole.ttl, hole.mtu) == (hop, mtu)
    assert size_at_the_end(tape) == mtu


def test_a_lie_cannot_make_it_run_for_ever() -> None:
    class Liar(Links):
        def __call__(self, _net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
            answer = make_answer(probe, router(1), ReplyKind.TOO_BIG)
            return answer._replace(code=4, mtu=probe.settings.size - 1)

    net = SimNet(length=LENGTH, respond=Liar({}))
    engine = Engine(net, target="t", settings=ICMP, pace=Pace(), version="0")
    source = PathMtuSource(engine, ICMP, Pace(rounds=1), 4, 1500)
    net.at.append((net.now + 60 * NS_PER_S, source.stop))
    tape = Tape()
    source.run(tape)
    assert len(events_of(tape, events.RunOpened)) < 300
