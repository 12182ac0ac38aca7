"""Which run has the next round: one, two in turns, or one for a while."""

import itertools
from collections import Counter
from functools import cache

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.simulated_engine import ICMP, TCP, UDP, Tape, events_of, trace
from tests.helpers.simulated_network import SimNet
from tui_trace.core import events
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Pace, ProbeSettings
from tui_trace.core.stream import (
    Command,
    FindWays,
    GoBack,
    Reset,
    SetPace,
    StopWays,
    Switch,
    TakeTurns,
    WatchWays,
)
from tui_trace.session.fold import Session
from tui_trace.wire.network import SendError

FLOWS = msgspec.structs.replace(ICMP, flows=4)


def rounds_of(tape: Tape) -> list[tuple[int, int]]:
    return [(event.run, event.round) for event in events_of(tape, events.RoundBegan)]


def opened(tape: Tape) -> list[tuple[int, bool, tuple[int, ...]]]:
    return [
        (event.run, event.reopened, event.turns_with) for event in events_of(tape, events.RunOpened)
    ]


def session_of(tape: Tape) -> Session:
    session = Session()
    for event in tape.events:
        session.apply(event)
    return session


def test_two_settings_take_turns_round_by_round_in_runs_of_their_own() -> None:
    commands = [(NS_PER_S // 2, Switch(TCP)), (2 * NS_PER_S, TakeTurns((ICMP, TCP)))]
    tape = trace(SimNet(), commands=commands, seconds=8.2)
    assert opened(tape) == [(1, False, ()), (2, False, ()), (3, False, (4,)), (4, False, (3,))]
    turns = [(run, number) for run, number in rounds_of(tape) if run > 2]
    assert turns == [(3, 1), (4, 1), (3, 2), (4, 2), (3, 3), (4, 3), (3, 4)]
    begun = [event.at for event in events_of(tape, events.RoundBegan) if event.run > 2]
    assert {round((b - a) / NS_PER_MS) for a, b in itertools.pairwise(begun)} == {1000}
    session = session_of(tape)
    assert session.run(3).turns_with == (4,)
    assert session.snapshot().run.number == 4, "the run in force is told last"
    assert session.run(3).settings == ICMP
    assert session.run(1).rounds == 1
    assert session.run(2).rounds == 2


def test_turns_end_with_a_switch_and_the_run_of_before_goes_on() -> None:
    commands: list[tuple[int, Command]] = [
        (3 * NS_PER_S + 1, TakeTurns((TCP, ICMP))),
        (6 * NS_PER_S + 1, Switch(ICMP)),
    ]
    tape = trace(SimNet(), commands=commands, seconds=9)
    assert opened(tape) == [(1, False, ()), (2, False, (3,)), (3, False, (2,)), (1, True, ())]
    runs = [run for run, _ in rounds_of(tape)]
    assert runs == [1, 1, 1, 1, 2, 3, 2, 1, 1]
    assert session_of(tape).run(1).rounds == 6
    sent = Counter(event.ttl for event in events_of(tape, events.ProbeSent) if event.run == 1)
    assert [sent[ttl] for ttl in range(1, 6)] == [6] * 5, "the fourth round went on in the middle"


def test_three_settings_take_turns_at_the_pace_of_one() -> None:
    tape = trace(SimNet(), commands=[(2 * NS_PER_S + 1, TakeTurns((ICMP, TCP, UDP)))], seconds=12)
    assert opened(tape)[1:] == [
        (2, False, (3, 4)),
        (3, False, (2, 4)),
        (4, False, (2, 3)),
    ]
    assert [run for run, _ in rounds_of(tape) if run > 1][:7] == [2, 3, 4, 2, 3, 4, 2]
    begun = [event.at for event in events_of(tape, events.RoundBegan) if event.run > 1]
    assert len(begun) >= 8
    assert {round((b - a) / NS_PER_MS) for a, b in itertools.pairwise(begun)} == {1000}


def test_turns_for_some_rounds_lead_back_to_what_was_in_force() -> None:
    tape = trace(SimNet(), commands=[(NS_PER_S + 1, TakeTurns((ICMP, TCP, UDP), 2))], seconds=11)
    assert opened(tape) == [
        (1, False, ()),
        (2, False, (3, 4)),
        (3, False, (2, 4)),
        (4, False, (2, 3)),
        (1, True, ()),
    ]
    assert [event.temporary for event in events_of(tape, events.RunOpened)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert [run for run, _ in rounds_of(tape)][2:10] == [2, 3, 4, 2, 3, 4, 1, 1]
    begun = [event.at for event in events_of(tape, events.RoundBegan)][2:]
    assert {round((b - a) / NS_PER_MS) for a, b in itertools.pairwise(begun)} == {1000}


def test_going_back_in_the_middle_of_turns_goes_on_with_the_pair_of_before() -> None:
    commands: list[tuple[int, Command]] = [
        (NS_PER_S, GoBack()),
        (NS_PER_S + 1, TakeTurns((TCP, UDP))),
        (4 * NS_PER_S, TakeTurns((ICMP, TCP, UDP), 30)),
        (6 * NS_PER_S, GoBack()),
    ]
    tape = trace(SimNet(), commands=commands, seconds=10)
    assert [one[0] for one in opened(tape)] == [1, 2, 3, 4, 5, 6, 2, 3]
    runs = [run for run, _ in rounds_of(tape)]
    assert set(runs[-3:]) == {2, 3}
    assert session_of(tape).snapshot().run.turns_with == (2,)


def test_what_is_asked_meanwhile_leads_back_just_as_far() -> None:
    commands: list[tuple[int, Command]] = [
        (NS_PER_S + 1, TakeTurns((ICMP, TCP, UDP), 30)),
        (4 * NS_PER_S, TakeTurns((FLOWS, UDP), 30)),
        (6 * NS_PER_S, GoBack()),
    ]
    tape = trace(SimNet(length=3), commands=commands, seconds=9)
    assert [one[0] for one in opened(tape)] == [1, 2, 3, 4, 5, 6, 1]
    assert {run for run, _ in rounds_of(tape)[-2:]} == {1}
    sent = [event.run for event in events_of(tape, events.ProbeSent)]
    assert sent[-1] == 1


def test_a_reset_starts_both_of_a_pair_anew() -> None:
    commands: list[tuple[int, Command]] = [
        (NS_PER_S // 2, TakeTurns((TCP, UDP))),
        (NS_PER_S * 3, Reset()),
    ]
    tape = trace(SimNet(), commands=commands, seconds=6)
    assert opened(tape)[1:] == [
        (2, False, (3,)),
        (3, False, (2,)),
        (4, False, (5,)),
        (5, False, (4,)),
    ]
    session = session_of(tape)
    assert [session.run(number).settings for number in (2, 3, 4, 5)] == [TCP, UDP, TCP, UDP]


@pytest.mark.parametrize("way_out", [Switch(UDP), Reset(), Switch(ICMP)])
def test_turns_that_are_broken_off_does_not_come_back(way_out: Command) -> None:
    commands = [(NS_PER_S + 1, TakeTurns((FLOWS, TCP), 30)), (3 * NS_PER_S + 1, way_out)]
    tape = trace(SimNet(length=3), commands=commands, seconds=8)
    late = [run for run, _ in rounds_of(tape)][-4:]
    assert set(late) == {1 if way_out == Switch(ICMP) else 4}
    assert session_of(tape).run(late[0]).settings == getattr(way_out, "settings", ICMP)


def test_turns_that_cannot_be_taken_leave_the_run_in_force() -> None:
    net = SimNet()
    reserve, began = net.reserve_port, net.now

    def full(protocol: object, port: int | None = None, *, is_spare: bool = False) -> int:
        if net.now > began + 2 * NS_PER_S:
            raise SendError(99, "no port to be had")
        return reserve(protocol, port, is_spare=is_spare)

    net.reserve_port = full
    tape = trace(net, commands=[(3 * NS_PER_S, TakeTurns((ICMP, TCP)))], seconds=6)
    assert [event.reason for event in events_of(tape, events.SendFailed)] == ["no port to be had"]
    assert {run for run, _ in rounds_of(tape)} == {1}
    assert rounds_of(tape)[-1][1] >= 5


@cache
def settings() -> st.SearchStrategy[ProbeSettings]:
    return st.sampled_from([ICMP, UDP, TCP, FLOWS])


commands = st.lists(
    st.tuples(
        st.integers(0, 12 * NS_PER_S),
        st.one_of(
            st.builds(Switch, settings()),
            st.builds(
                TakeTurns,
                st.lists(settings(), min_size=2, max_size=4).map(tuple),
                st.none() | st.integers(1, 2),
            ),
            st.just(GoBack()),
            st.just(Reset()),
            st.builds(FindWays, settings(), st.just(0.9), st.integers(1, 60)),
            st.builds(WatchWays, settings(), st.just((0, 3)), st.integers(1, 5)),
            st.just(StopWays()),
            st.builds(
                SetPace,
                st.builds(
                    Pace,
                    interval=st.sampled_from([NS_PER_S // 2, NS_PER_S]),
                    paused=st.booleans(),
                ),
            ),
        ),
    ),
    max_size=8,
)


@pytest.mark.slow
@given(commands)
def test_whatever_is_asked_rounds_belong_to_runs_that_were_told(given_: list) -> None:
    tape = trace(SimNet(length=4), commands=given_, seconds=12)
    told: dict[int, events.RunOpened] = {}
    begun: Counter[int] = Counter()
    in_force = 0
    for event in tape.events:
        if isinstance(event, events.RunOpened) and event.beside:
            told[event.run] = event
        elif isinstance(event, events.RunOpened):
            assert event.reopened == (event.run in told)
            told[event.run] = event
            in_force = event.run
        elif isinstance(event, events.RoundBegan):
            begun[event.run] += 1
            assert event.round == begun[event.run]
            assert event.run in (in_force, *told[in_force].turns_with)
        elif isinstance(event, events.ProbeSent):
            assert event.run in told
    for run, event in told.items():
        for other in event.turns_with:
            assert abs(begun[run] - begun[other]) <= 1
            assert {run, *event.turns_with} == {other, *told[other].turns_with}
            assert event.temporary == told[other].temporary
    session = session_of(tape)
    assert session.snapshot().run.number == in_force
