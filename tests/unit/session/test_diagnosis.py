"""Diagnose: which setting reaches the target, and how often it is wrong."""

import itertools
import math
import random
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from tests.helpers.dealt_turns import HTTPS, ICMP, LARGE, TCP, UDP, runs_of_turns, watched
from tests.helpers.generated_sessions import (
    Bursts,
    Drops,
    Node,
    World,
    bernoulli,
    deal_turns,
    never,
    routers,
)
from tui_trace.core.settings import NS_PER_MS, Pace, ProbeSettings, Protocol, SettingsHistory
from tui_trace.session.diagnosis import (
    LEAST_ROUNDS,
    MOST_ROUNDS,
    Diagnosis,
    Trial,
    diagnose,
    likelihood_ratios,
    settings_to_try,
)
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Run

ALWAYS = bernoulli(1.0)
FAST = Pace(interval=100 * NS_PER_MS)


def tried(current: ProbeSettings = TCP, family: int = 4, mtu: int = 0) -> list[tuple]:
    return [
        (one.protocol.value, one.port, one.size, one.df, one.tos)
        for one in settings_to_try(SettingsHistory(current), family, mtu)
    ]


def test_protocols_a_large_packet_and_a_mark_are_tried_and_what_is_in_use_last() -> None:
    assert tried() == [
        ("icmp", 0, 64, False, 0),
        ("udp", 33434, 64, False, 0),
        ("tcp", 443, 1500, True, 0),
        ("tcp", 443, 60, False, 0xB8),
        ("tcp", 443, 60, False, 0),
    ]
    assert tried(ProbeSettings(), mtu=1400)[2:] == [
        ("icmp", 0, 1400, True, 0),
        ("icmp", 0, 64, False, 0xB8),
        ("icmp", 0, 64, False, 0),
    ]


def test_a_port_in_use_is_tried_beside_443_and_special_settings_beside_plain_ones() -> None:
    assert tried(replace(TCP, port=25))[-1] == ("tcp", 25, 60, False, 0)
    assert len(tried(replace(TCP, port=25))) == 6
    odd = tried(replace(TCP, port=25, tos=32, size=900, flows=8))
    assert odd[-1] == ("tcp", 25, 900, False, 32)
    assert len(odd) == len(set(odd)) == 7
    assert tried(mtu=9000)[2][2] == 1500
    assert [one[2] for one in tried(family=6)] == [64, 64, 1500, 80, 80]


def test_those_that_never_pass_are_named_and_those_that_do_not_answer_by_chance_are_not() -> None:
    half = bernoulli(0.5)
    told = [watched(runs_of_turns(half, [never] * 5, random.Random(n)))[0] for n in range(150)]
    assert sum(bool(one.silent or one.losing) for one in told) <= 1
    bursts = [
        watched(runs_of_turns(Bursts(0.3, 8), [never] * 5, random.Random(n)))[0] for n in range(100)
    ]
    assert sum(bool(one.silent or one.losing) for one in bursts) <= 1
    own = [ALWAYS, never, never, never, never]
    told = [watched(runs_of_turns(half, own, random.Random(n)))[0] for n in range(100)]
    assert sum(one.silent == {ICMP} for one in told) >= 95


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_evidence_has_a_mean_of_one_where_all_are_alike(share: float) -> None:
    """Every outcome of three turns of a trial and two peers, weighted by its probability."""
    turns, mean_never, mean_more = 3, 0.0, 0.0
    everything = (1 << turns) - 1
    for answered in itertools.product(range(1 << turns), repeat=3):
        weight = math.prod(
            (1 - share) ** bits.bit_count() * share ** (turns - bits.bit_count())
            for bits in answered
        )
        first, *peers = (
            Trial(Run(0, TCP, 0, turns, False, (), (), None, bits, everything & ~bits), "", "", 0)
            for bits in answered
        )
        never, more = likelihood_ratios(first, peers)
        mean_never += weight * (0 if first.answered else never)
        mean_more += weight * more
    assert mean_more == pytest.approx(1)
    assert 0 < mean_never <= 1


def test_it_stops_as_soon_as_it_is_sure_and_not_before() -> None:
    looks = runs_of_turns(never, [ALWAYS, *[never] * 4], random.Random(1))
    assert watched(looks)[1] == LEAST_ROUNDS
    looks = runs_of_turns(never, [ALWAYS, ALWAYS, never, never, never], random.Random(1))
    assert LEAST_ROUNDS < watched(looks)[1] <= 12
    looks = runs_of_turns(never, [never] * 5, random.Random(1))
    assert watched(looks)[1] == MOST_ROUNDS
    looks = runs_of_turns(ALWAYS, [never] * 5, random.Random(1))
    assert watched(looks)[1] == LEAST_ROUNDS


def test_more_loss_of_one_setting_is_named() -> None:
    own = [never, bernoulli(0.5), never, never, never]
    told = [watched(runs_of_turns(never, own, random.Random(n)))[0] for n in range(20)]
    assert sum(one.losing == {UDP} and not one.silent for one in told) >= 19
    assert "UDP 33434 loses more: " in told[0].sentence


def test_a_variant_of_what_is_silent_itself_tells_nothing() -> None:
    looks = runs_of_turns(never, [never, never, ALWAYS, ALWAYS, ALWAYS], random.Random(1))
    told, _ = watched(looks)
    assert told.silent == {HTTPS}
    assert "TCP 443 cannot tell size and mark." in told.sentence
    looks = runs_of_turns(never, [never, never, bernoulli(0.7), ALWAYS, never], random.Random(3))
    assert LARGE not in diagnose(looks[6], is_over=False).silent, "its protocol loses, too"


def test_it_says_something_whatever_the_outcomes_are() -> None:
    rng = random.Random(7)
    assert diagnose([], is_over=True).sentence == "No setting was tried."
    settings = [
        *settings_to_try(SettingsHistory(TCP), 4),
        *settings_to_try(SettingsHistory(TCP), 6),
    ]
    for _ in range(2000):
        chosen = rng.sample(settings, rng.randrange(1, 9))
        bits = [(rng.getrandbits(40), rng.getrandbits(40)) for _ in chosen]
        runs = [
            Run(number, one, 0, rng.randrange(40), False, (), (), None, *outcomes)
            for number, (one, outcomes) in enumerate(zip(chosen, bits, strict=True))
        ]
        told = diagnose(runs, is_over=rng.random() < 0.5)
        assert told.sentence.strip()


def test_what_this_machine_cannot_send_is_left_out() -> None:
    runs = runs_of_turns(never, [ALWAYS, *[never] * 4], random.Random(1))[-1]
    unsent = [replace(runs[1], target_answered=0), *runs[2:], runs[0]]
    told = diagnose(unsent, is_over=False)
    assert told.silent == {ICMP}
    assert [trial.is_unsent for trial in told.trials] == [False, True, False, False, False]


# --- on every event


def world(settings: ProbeSettings, nodes: Sequence[Node]) -> World:
    return World.of(nodes, settings=settings, pace=FAST)


def filtering(at: int, passes: Drops = ALWAYS) -> list[Node]:
    """A path whose link behind hop `at` loses what is sent."""
    nodes = routers(5)
    nodes[at].drops = passes
    return nodes


def told_of(nodes: dict[int, list[Node]], current: ProbeSettings = TCP) -> Diagnosis:
    """Diagnose of dealt sessions: the nodes by the place of the setting, else a plain path."""
    settings = settings_to_try(SettingsHistory(current), 4)
    worlds = [world(one, nodes.get(place, routers(5))) for place, one in enumerate(settings)]
    session = Session()
    for event in deal_turns(worlds, MOST_ROUNDS, 1):
        session.apply(event)
    runs = [session.run(number) for number in range(2, len(settings) + 2)]
    return diagnose(runs, is_over=True)


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        (
            {0: filtering(4)},
            "Only ICMP echo is filtered: UDP 33434 and TCP 443 reach the target; hop 4 10.0.4.1 is"
            " the last that answers ICMP echo.",
        ),
        (
            {0: filtering(4), 1: filtering(3)},
            "Only TCP 443 reaches the target: hop 4 10.0.4.1 is the last that answers ICMP echo;"
            " hop 3 10.0.3.1 is the last that answers UDP 33434.",
        ),
        (
            {2: filtering(4)},
            "1500 bytes with DF vanish after hop 4 10.0.4.1, 60 bytes pass: a black hole, or a SYN"
            " that carries data is dropped there (i or u, then D, tells which).",
        ),
        (
            {3: filtering(2)},
            "TOS 184 (EF) is filtered: hop 2 10.0.2.1 is the last that answers TCP 443; without it"
            " the target is reached.",
        ),
        (
            {},
            "All settings reach the target alike: not the protocol, the size or the mark (a loss of"
            " one of them of 14 % or more would have shown).",
        ),
        (
            dict.fromkeys(range(5), filtering(4)),
            "Nothing reaches the target whatever the setting; last answer hop 4 10.0.4.1.",
        ),
    ],
)
def test_the_sentence(nodes: dict[int, list[Node]], sentence: str) -> None:
    assert told_of(nodes).sentence == sentence


def test_a_large_packet_that_is_no_syn_vanishes_in_a_black_hole() -> None:
    told = told_of({2: filtering(4)}, ProbeSettings())
    assert told.sentence == (
        "1500 bytes with DF vanish after hop 4 10.0.4.1, 64 bytes pass: a black hole (--mtu finds"
        " the size)."
    )


def test_what_the_program_tries_begins_no_episode_and_ends_none() -> None:
    settings = settings_to_try(SettingsHistory(TCP), 4)
    session, chosen = Session(), set()
    look = session._watch.look
    session._watch.look = lambda seen, **more: (  # type: ignore[method-assign]
        chosen.add((seen.run.number, tuple(run.number for run in seen.active))),
        look(seen, **more),
    )[1]
    for event in deal_turns([world(one, filtering(4)) for one in settings], 8, 1):
        session.apply(event)
    assert chosen == {(1, (1,))}
    told = [one.text.partition(":")[0] for one in session.snapshot().timeline.moments]
    assert told == ["run 1", "run 2", "run 1"], "one stop there, one back"
    assert session.snapshot().run.number == 1
    assert Protocol.TCP is session.snapshot().run.settings.protocol
