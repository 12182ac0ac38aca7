"""Paths and the timeline, told from the answers of sessions whose routes are known."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.places import DATA
from tests.helpers.route_scripts import TARGET, Walk, chain
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, FlowMode, ProbeSettings, Protocol
from tui_trace.recording import Recording
from tui_trace.session.paths import diff_paths, path_letter
from tui_trace.session.snapshot import Balance, MomentKind, Path, PathHop
from tui_trace.session.timeline import MAX_BUCKETS, MAX_MOMENTS, TimelineFold


def detour(route, *new, at=5):
    """The same route with other routers from a place on."""
    return [*route[:at], *new, *route[at + 1 :]]


def walked(*stretches, loss=0.0, seed=1, probe=None):
    walk = Walk(seed, loss)
    walk.open(settings=probe)
    for count, route in stretches:
        walk.rounds(count, route)
    return walk


def stays(walk):
    return {
        path.letter: [(visit.run, visit.since, visit.until) for visit in path.visits]
        for path in walk.session.snapshot().paths
    }


def moves(walk, one=0, other=1):
    paths = walk.session.snapshot().paths
    return [step.move for step in diff_paths(paths[one], paths[other])]


PLAIN = chain(12)
LONGER = detour(PLAIN, "198.18.9.1", "198.18.9.2", "198.18.9.3")
OTHER_HOP = detour(PLAIN, "198.18.9.1")


def test_one_path_is_one_path():
    walk = walked((60, PLAIN))
    (path,) = walk.session.snapshot().paths
    assert path.letter == "A"
    assert [hop.addresses for hop in path.hops] == [(address,) for address in PLAIN]
    assert {hop.balanced for hop in path.hops} == {None}
    assert walk.session.snapshot().path.since == path.visits[0].since == 2 * NS_PER_MS
    assert path.visits[0].until // NS_PER_S == 59


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("other", [LONGER, PLAIN[:4] + PLAIN[6:]], ids=["longer", "shorter"])
def test_a_change_is_told_with_its_time_and_so_is_the_way_back(seed, other):
    walk = walked((30, PLAIN), (30, other), (30, PLAIN), loss=0.1, seed=seed)
    told = stays(walk)
    assert sorted(told) == ["A", "B"]
    (first, again), (between,) = told["A"], told["B"]
    assert 30 * NS_PER_S <= between[1] < 32 * NS_PER_S
    assert 60 * NS_PER_S <= again[1] < 62 * NS_PER_S
    assert first[2] == between[1]
    assert between[2] == again[1]
    assert walk.session.snapshot().path.letter == "A"
    path = walk.session.snapshot().paths[1]
    assert [hop.addresses for hop in path.hops] == [(address,) for address in other]


def test_many_changed_hops_are_told_after_three_rounds_and_one_after_fifteen_answers():
    for other, latest in ((LONGER, 3), (OTHER_HOP, 15)):
        walk = walked((30, PLAIN))
        walk.rounds(1, other)
        assert walk.letters == "A"
        walk.rounds(latest - 1, other)
        assert walk.letters == "AB"
        assert walk.session.snapshot().path.since // NS_PER_S == 30


def test_what_moved_is_aligned():
    walk = walked((30, PLAIN), (30, detour(PLAIN, PLAIN[5], "198.18.9.1")))
    assert moves(walk) == ["same"] * 6 + ["new"] + ["same"] * 6
    assert moves(walk, 1, 0) == ["same"] * 6 + ["gone"] + ["same"] * 6
    walk = walked((30, PLAIN), (30, LONGER))
    assert moves(walk) == ["same"] * 5 + ["moved", "new", "new"] + ["same"] * 6


def test_a_path_that_gets_shorter_loses_nothing():
    walk = walked((30, PLAIN), (60, PLAIN[:4] + PLAIN[6:]))
    snapshot = walk.session.snapshot()
    assert len(snapshot.run.hops) == 10
    assert {hop.lost for hop in snapshot.run.hops} == {0}
    assert len(snapshot.paths[1].hops) == 10
    assert {bucket.lost for bucket in snapshot.timeline.buckets} == {0}


@pytest.mark.parametrize("ways", [2, 3, 8])
def test_per_packet_balancing_is_no_change(ways):
    wrong = 0
    for seed in range(60):
        route = list(PLAIN)
        for ttl in range(4, 4 + 1 + seed % 4):
            route[ttl] = [f"198.18.{ttl}.{way}" for way in range(100, 100 + ways)]
        walk = walked((100, route), seed=seed, loss=0.05)
        paths = walk.session.snapshot().paths
        wrong += len(paths) != 1
        balanced = [hop.ttl for hop in paths[0].hops if hop.balanced is Balance.PACKET]
        assert balanced == list(range(5, 6 + seed % 4))
        assert all(len(paths[0].hops[ttl - 1].addresses) == ways for ttl in balanced)
    assert wrong == 0


def test_a_change_is_seen_beside_balancing():
    balanced = detour(PLAIN, ["198.18.5.1", "198.18.5.2"], at=3)
    for seed in range(20):
        walk = walked((40, balanced), (40, detour(balanced, "198.18.9.1", "198.18.9.2")), seed=seed)
        assert walk.letters == "AB"
        assert walk.session.snapshot().path.since // NS_PER_S in (40, 41)


@pytest.mark.parametrize(
    "probe",
    [
        ProbeSettings(flow=FlowMode.VARY),
        ProbeSettings(flows=4),
        ProbeSettings(protocol=Protocol.UDP, port=33434, flow=FlowMode.CLASSIC),
    ],
)
def test_what_differs_by_flow_is_balanced_per_flow(probe):
    route = detour(PLAIN, ["198.18.5.1", "198.18.5.2"])
    walk = Walk()
    walk.open(1)
    walk.rounds(20, PLAIN)
    walk.open(2, probe)
    walk.rounds(40, route, pick=lambda number: number // 12)
    assert walk.letters == "AB"
    bundle = walk.session.snapshot().paths[1]
    assert [hop.ttl for hop in bundle.hops if hop.balanced is Balance.FLOW] == [6]
    # a constant flow on one of the ways is no new path
    walk.open(1)
    walk.rounds(20, PLAIN)
    assert walk.letters == "AB"
    assert walk.session.snapshot().path.letter == "A"


def test_silence_is_no_change():
    silent = [None if 3 <= ttl <= 7 else who for ttl, who in enumerate(PLAIN)]
    dead = [*PLAIN[:6], *[None] * 6]
    walk = walked((20, PLAIN), (40, silent), (20, PLAIN), (40, dead), (40, PLAIN), loss=0.3)
    assert walk.letters == "A"
    assert len(stays(walk)["A"]) == 1


def test_a_hop_that_answers_late_for_the_first_time_completes_the_path():
    walk = walked((20, detour(PLAIN, None)), (20, PLAIN))
    (path,) = walk.session.snapshot().paths
    assert path.hops[5].addresses == (PLAIN[5],)


def test_a_short_flap_is_no_balancing_for_good():
    walk = walked((20, PLAIN), (4, OTHER_HOP), (30, PLAIN), (30, OTHER_HOP))
    assert walk.letters == "AB"
    assert {hop.balanced for path in walk.session.snapshot().paths for hop in path.hops} == {None}
    assert walk.session.snapshot().path.since // NS_PER_S == 54


def test_each_run_is_on_a_path_of_its_own_and_shares_letters():
    tcp = ProbeSettings(protocol=Protocol.TCP, port=443, size=60)
    walk = Walk()
    walk.open(1)
    walk.rounds(10, PLAIN)
    walk.open(2, tcp)
    walk.rounds(10, LONGER)
    assert walk.session.snapshot().path.letter == "B"
    walk.open(3, ProbeSettings(tos=184))
    walk.rounds(10, PLAIN)
    assert walk.session.snapshot().path.letter == "A"
    assert walk.letters == "AB"


def test_runs_that_take_turns_change_nothing():
    walk = Walk()
    for number in range(60):
        walk.open(number % 2 + 1, ProbeSettings(tos=number % 2))
        walk.rounds(1, LONGER if number % 2 else PLAIN)
    assert walk.letters == "AB"
    assert [len(visits) for visits in stays(walk).values()] == [1, 1]


def test_late_and_old_answers_tell_nothing_of_now():
    walk = walked((30, PLAIN), (30, LONGER))
    before = stays(walk)
    for probe in range(1, 200):
        walk.tell(
            ev.Reply(
                at=walk.at, run=1, probe=probe, ttl=6, address=PLAIN[5],
                kind=ev.ReplyKind.TIME_EXCEEDED, rtt=1, sent_stamp=ev.Stamp.KERNEL,
                received_stamp=ev.Stamp.KERNEL, late=True,
            )
        )  # fmt: skip
    assert sorted(stays(walk)) == sorted(before)
    assert walk.session.snapshot().path.letter == "B"


def test_memory_is_bounded_whatever_answers():
    rng = random.Random(3)
    walk = Walk()
    walk.open()
    for _ in range(300):
        walk.rounds(6, chain(6, f"198.18.{rng.randrange(250)}"))
    paths = walk.session.snapshot().paths
    assert len(paths) <= 201
    assert max(len(path.visits) for path in paths) <= 51
    walk = Walk()
    walk.open()
    walk.rounds(2000, [[f"10.{n // 250}.{n % 250}.1" for n in range(5000)], TARGET])
    assert max(len(h.addresses) for p in walk.session.snapshot().paths for h in p.hops) <= 64


def test_letters():
    assert [path_letter(n) for n in (0, 1, 25, 26, 27, 51, 52, 702)] == [
        "A", "B", "Z", "AA", "AB", "AZ", "BA", "AAA",
    ]  # fmt: skip


# --- what moved


def path_of(*hops):
    return Path(
        "A",
        tuple(
            PathHop(ttl, (hop,) if isinstance(hop, str) and hop else tuple(hop), None)
            for ttl, hop in enumerate(hops, 1)
        ),
        (),
    )


hops = st.lists(st.sampled_from(["a", "b", "c", "d", "e", ""]), max_size=12)


@settings(max_examples=150, deadline=None)
@given(hops, hops)
def test_every_hop_of_both_stands_in_one_step_in_order(one, other):
    before, after = path_of(*one), path_of(*other)
    steps = diff_paths(before, after)
    assert [step.before for step in steps if step.before] == list(before.hops)
    assert [step.after for step in steps if step.after] == list(after.hops)
    for step in steps:
        if step.before and step.after and step.before.addresses and step.after.addresses:
            same = step.before.addresses == step.after.addresses
            assert (step.move == "same") == same
    assert {step.move for step in diff_paths(before, before)} <= {"same"}


def test_silence_on_either_side_differs_from_nothing():
    steps = diff_paths(path_of("a", "", "c"), path_of("a", "b", "c"))
    assert [step.move for step in steps] == ["same"] * 3


# --- the timeline


def test_each_second_has_its_path_loss_and_time():
    walk = walked((30, PLAIN), (30, LONGER))
    walk.rounds(5, [*LONGER[:-1], None])
    timeline = walk.session.snapshot().timeline
    assert timeline.width == NS_PER_S
    assert "".join(bucket.path for bucket in timeline.buckets) == "A" * 30 + "B" * 35
    assert [bucket.lost for bucket in timeline.buckets[-5:]] == [1] * 5
    assert timeline.buckets[10].mean == NS_PER_MS
    assert [(m.at // NS_PER_S, m.what, m.text) for m in timeline.moments] == [
        (0, MomentKind.RUN, "run 1: ICMP echo · TOS 0 · DF off · 64 bytes"),
        (30, MomentKind.PATH, "path B"),
    ]


def test_a_late_answer_takes_its_loss_back_where_it_was():
    fold = TimelineFold()
    fold.on_lost(5 * NS_PER_S, 1)
    fold.on_lost(6 * NS_PER_S, 2)
    fold.on_reply(9 * NS_PER_S, 7, 1)
    assert [bucket.lost for bucket in fold.snapshot().buckets] == [0] * 6 + [1] + [0] * 3


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-10, 1 << 62), st.none() | st.integers(0, NS_PER_S))))
def test_the_timeline_counts_everything_in_bounded_memory(happenings):
    fold = TimelineFold()
    for number, (at, rtt) in enumerate(happenings):
        if rtt is None:
            fold.on_lost(at, number)
        else:
            fold.on_reply(at, rtt, number)
    timeline = fold.snapshot()
    rtts = [rtt for _, rtt in happenings if rtt is not None]
    assert len(timeline.buckets) <= MAX_BUCKETS
    assert sum(bucket.answered for bucket in timeline.buckets) == len(rtts)
    assert sum(bucket.lost for bucket in timeline.buckets) == len(happenings) - len(rtts)
    assert sum(bucket.total for bucket in timeline.buckets) == sum(rtts)
    assert min((b.min for b in timeline.buckets if b.answered), default=None) == min(
        rtts, default=None
    )
    assert max((b.max for b in timeline.buckets if b.answered), default=None) == max(
        rtts, default=None
    )


def test_however_much_happens_the_users_notes_stay():
    fold = TimelineFold()
    fold.add_moment(7, MomentKind.NOTE, "mine")
    for number in range(MAX_MOMENTS + 50):
        fold.add_moment(number * NS_PER_S, MomentKind.NOTICE, str(number))
    timeline = fold.snapshot()
    assert [note.text for note in timeline.notes] == ["mine"]
    assert len(timeline.moments) == MAX_MOMENTS
    assert timeline.moments[-1].text == str(MAX_MOMENTS + 49)
    for number in range(2 * MAX_MOMENTS):
        fold.add_moment(number, MomentKind.NOTE, "many")
    assert len(fold.snapshot().moments) == MAX_MOMENTS, "bounded, whoever writes"


def test_a_recorded_session_on_real_packets():
    with Recording(DATA / "lab-path-change.session") as recording:
        snapshot = recording.snapshot(recording.end)
    assert [path.letter for path in snapshot.paths] == ["A", "B"]
    steps = diff_paths(*snapshot.paths)
    assert [step.move for step in steps] == ["same"] * 5 + ["moved", "new", "new", "same", "same"]
    assert snapshot.path.letter == "A"
    # the scenario moves at 20 s and back at 40 s after the first packet
    (change, back) = (m.at / NS_PER_S for m in snapshot.timeline.moments if m.what == "path")
    assert change == pytest.approx(20.5, abs=0.8)
    assert back == pytest.approx(40.5, abs=0.8)
    assert {hop.lost for hop in snapshot.run.hops} == {0}


def test_who_refuses_a_probe_has_no_place_at_its_ttl():
    walk = walked((20, PLAIN))
    session = walk.session
    at = 30 * NS_PER_S
    session.apply(ev.RunOpened(at=at, run=2, settings=ProbeSettings(df=True, size=1500)))
    probe = 100_000
    for _ in range(20):
        for ttl in range(1, 8):
            probe += 1
            at += NS_PER_MS
            session.apply(ev.ProbeSent(at=at, run=2, probe=probe, ttl=ttl))
            passes = ttl <= 4
            kind = ev.ReplyKind.TIME_EXCEEDED if passes else ev.ReplyKind.TOO_BIG
            session.apply(
                ev.Reply(
                    at=at,
                    run=2,
                    probe=probe,
                    ttl=ttl,
                    address=PLAIN[min(ttl, 4) - 1],
                    kind=kind,
                    rtt=NS_PER_MS,
                    sent_stamp=ev.Stamp.KERNEL,
                    received_stamp=ev.Stamp.KERNEL,
                )
            )
    snapshot = session.snapshot()
    assert [path.letter for path in snapshot.paths] == ["A"]
    assert snapshot.path.letter == "A"
    assert snapshot.run.hops[5].responders[0].address == PLAIN[3], "the row says who refuses"


def test_the_timeline_goes_on_while_the_target_is_silent():
    walk = walked((10, PLAIN))
    session = walk.session
    session.apply(ev.RunOpened(at=10 * NS_PER_S, run=2, settings=ProbeSettings(tos=8)))
    for number in range(1, 21):
        at = (9 + number) * NS_PER_S
        session.apply(ev.RoundBegan(at=at, run=2, round=number))
        if number == 1:
            session.apply(ev.PathEnd(at=at, run=2, ttl=5, reached=False))
        session.apply(ev.ProbeSent(at=at, run=2, probe=100_000 + number, ttl=5))
        if number < 16:
            session.apply(ev.ProbeLost(at=at + NS_PER_S // 2, run=2, probe=100_000 + number, ttl=5))
    buckets = session.snapshot().timeline.buckets
    assert len(buckets) == 30, "up to the last round"
    assert [bucket.lost for bucket in buckets[10:]] == [1] * 15 + [0] * 5


def test_figures_of_two_paths_say_so():
    assert walked((30, PLAIN)).session.snapshot().mixed == ()
    assert walked((30, PLAIN), (30, LONGER)).session.snapshot().mixed == ("A", "B")
