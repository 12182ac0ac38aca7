"""The fold against a model that keeps every probe's outcome by number."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings

from tests.helpers.event_builders import SETTINGS, began, lost, opened, reply, sent, void
from tests.helpers.event_streams import streams
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings, Protocol
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import LOST, PENDING, RECENT


def session_of(*events, probe=SETTINGS[0], family=4):
    session = Session()
    for event in (began(family=family), opened(probe=probe), *events):
        session.apply(event)
    return session


def hop_of(*events, ttl=1, **fields):
    hops = session_of(*events, **fields).snapshot().run.hops
    return next(hop for hop in hops if hop.ttl == ttl)


def ttls(session):
    return [hop.ttl for hop in session.snapshot().run.hops]


# --- the model


def outcome(probe):
    return {"pending": PENDING, "lost": LOST, "answered": probe.rtt}[probe.state]


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(streams())
def test_fold_agrees_with_a_model_that_keeps_every_probe(stream):
    events, probes, duplicates, late, opened_runs = stream
    session = Session()
    twin = Session()
    for event in events:
        session.apply(event)
        twin.apply(ev.decode_event(ev.encode(event)))
    for number in opened_runs:
        # a path end far out shows every row
        session.apply(ev.PathEnd(at=0, run=number, ttl=30, reached=False))
        twin.apply(ev.PathEnd(at=0, run=number, ttl=30, reached=False))
        for hop in session.run(number).hops:
            mine = [p for p in probes if (p.run, p.ttl) == (number, hop.ttl)]
            counts = Counter(p.state for p in mine)
            rtts = [p.rtt for p in mine if p.state == "answered"]
            assert hop.sent == len(mine) - counts["void"]
            assert hop.lost == counts["lost"]
            assert hop.refused == sum(p.refused for p in mine)
            assert hop.repeats == sum(p.repeats for p in mine)
            assert hop.pending == counts["pending"]
            assert hop.figures.count == counts["answered"]
            assert hop.sent == hop.lost + hop.pending + hop.figures.count
            assert hop.recent == tuple(outcome(p) for p in mine if p.state != "void")
            assert hop.duplicates == duplicates[number, hop.ttl]
            assert hop.late == late[number, hop.ttl]
            assert hop.figures.min == min(rtts, default=None)
            assert hop.figures.max == max(rtts, default=None)
            assert hop.figures.mean == (pytest.approx(sum(rtts) / len(rtts)) if rtts else None)
        shown = {hop.ttl for hop in session.run(number).hops}
        assert shown == {p.ttl for p in probes if p.run == number}
    assert session.snapshot() == twin.snapshot()
    assert session.snapshot().earlier == tuple(
        n for n in sorted(opened_runs) if n != session.snapshot().run.number
    )


# --- late, duplicate, beyond


def test_late_answer_takes_the_loss_back_and_fills_its_slot():
    hop = hop_of(sent(1, 1), sent(2, 1), lost(1, 1), reply(2, 1, 5), reply(1, 1, 9, late=True))
    assert (hop.sent, hop.lost, hop.late, hop.pending) == (2, 0, 1, 0)
    assert hop.recent == (9, 5)
    assert hop.figures.max == 9


def test_late_answer_older_than_the_window_still_takes_its_loss_back():
    more = [sent(n, 1, at=n * NS_PER_S) for n in range(2, RECENT + 20)]
    hop = hop_of(sent(1, 1), lost(1, 1), *more, reply(1, 1, 9, late=True))
    assert hop.lost == 0
    assert hop.sent == RECENT + 19
    assert len(hop.recent) == RECENT
    assert set(hop.recent) == {PENDING}


def test_answered_beyond_takes_its_probe_out_even_when_it_was_called_lost():
    hop = hop_of(
        sent(1, 1),
        sent(2, 1),
        lost(2, 1),
        reply(2, 1, late=True, past_target=True),
        reply(1, 1, past_target=True),
    )
    assert (hop.sent, hop.lost, hop.late, hop.responders) == (0, 0, 0, ())


def test_void_probe_answered_beyond_is_taken_out_once():
    hop = hop_of(
        sent(1, 1), sent(2, 1), sent(3, 1), lost(3, 1), void(1, 1), reply(1, 1, past_target=True)
    )
    assert (hop.sent, hop.pending, hop.lost) == (2, 1, 1)


def test_late_answer_beyond_takes_its_loss_back_when_older_than_the_window():
    more = [sent(n, 1, at=n * NS_PER_S) for n in range(2, RECENT + 20)]
    hop = hop_of(sent(1, 1), lost(1, 1), *more, reply(1, 1, late=True, past_target=True))
    assert (hop.lost, hop.sent) == (0, RECENT + 18)


def test_reply_to_an_old_run_goes_to_the_run_that_sent_it():
    session = session_of(
        sent(1, 1), opened(2, probe=SETTINGS[1]), sent(2, 1, run=2), reply(1, 1, 7, run=1)
    )
    assert session.run(1).hops[0].figures.last == 7
    assert session.run(2).hops[0].figures.count == 0
    snapshot = session.snapshot()
    assert snapshot.run.number == 2
    assert snapshot.earlier == (1,)


def test_run_opened_again_goes_on_with_its_figures():
    session = session_of(
        sent(1, 1),
        reply(1, 1, 7),
        opened(2, probe=SETTINGS[1]),
        opened(1, 50, reopened=True),
        sent(2, 1),
        reply(2, 1, 9),
    )
    run = session.snapshot().run
    assert (run.number, run.opened, run.hops[0].figures.count) == (1, 0, 2)


def test_events_of_a_run_never_opened_are_passed_over():
    session = session_of(
        sent(1, 1, run=9),
        reply(1, 1, run=9),
        lost(1, 1, run=9),
        void(1, 1, run=9),
        ev.RoundBegan(at=0, run=9, round=1),
        ev.PathEnd(at=0, run=9, ttl=3, reached=True),
    )
    assert session.snapshot().run.hops == ()
    with pytest.raises(KeyError):
        session.run(9)


def test_snapshot_before_anything_happened():
    snapshot = Session().snapshot()
    assert snapshot.run.hops == ()
    assert snapshot.trouble is snapshot.notice is None


# --- rows


def test_rows_reach_the_farthest_answer_until_the_end_is_known():
    session = session_of(*[sent(n, n) for n in range(1, 31)])
    assert ttls(session) == [1, 2, 3, 4, 5]
    session.apply(reply(7, 7))
    assert ttls(session) == list(range(1, 8))
    session.apply(ev.PathEnd(at=9, run=1, ttl=9, reached=True))
    assert ttls(session) == list(range(1, 10))
    silent = session.snapshot().run.hops[2]
    assert silent.responders == ()
    assert (silent.pending, silent.loss_percent) == (1, None)


def test_rows_beyond_a_nearer_end_are_kept_and_come_back():
    session = session_of(*[sent(n, n) for n in range(1, 10)], *[reply(n, n) for n in range(1, 10)])
    session.apply(ev.PathEnd(at=1, run=1, ttl=9, reached=True))
    for event in [
        *[sent(10 + n, n) for n in range(1, 10)],
        *[reply(10 + n, n) for n in range(1, 6)],
        ev.PathEnd(at=2, run=1, ttl=5, reached=True),
        *[void(10 + n, n) for n in range(6, 10)],
    ]:
        session.apply(event)
    assert ttls(session) == [1, 2, 3, 4, 5]
    session.apply(ev.PathEnd(at=3, run=1, ttl=9, reached=True))
    hops = session.snapshot().run.hops
    assert [hop.sent for hop in hops] == [2] * 5 + [1] * 4
    assert {hop.lost for hop in hops} == {0}


def test_rows_follow_the_ttl_range_of_the_run_in_force_alone():
    session = session_of(*[sent(n, n) for n in range(1, 10)], *[reply(n, n) for n in range(1, 10)])
    session.apply(opened(2, probe=SETTINGS[1]))
    for n in range(1, 10):
        session.apply(sent(20 + n, n, run=2))
        session.apply(reply(20 + n, n, run=2))
    session.apply(ev.PaceSet(at=1, pace=Pace(first_ttl=3, max_ttl=6)))
    assert ttls(session) == [3, 4, 5, 6]
    assert len(session.run(1).hops) == 9
    session.apply(opened(1, reopened=True))
    assert ttls(session) == [3, 4, 5, 6]


# --- marks


def kind(name, **fields):
    return reply(1, 1, kind=ev.ReplyKind(name), **fields)


@pytest.mark.parametrize(
    ("answer", "marks", "family"),
    [
        (kind("syn-ack"), ("[open]",), 4),
        (kind("syn-ack", ecn=True), ("[open, ecn]",), 4),
        (kind("rst"), ("[closed]",), 4),
        (kind("unreachable", code=0), ("!N",), 4),
        (kind("unreachable", code=1), ("!H",), 4),
        (kind("unreachable", code=3), ("!p",), 4),
        (kind("unreachable", code=13), ("!A",), 4),
        (kind("unreachable", code=15), ("!<15>",), 4),
        (kind("unreachable", code=0), ("!N",), 6),
        (kind("unreachable", code=1), ("!A",), 6),
        (kind("unreachable", code=3), ("!H",), 6),
        (kind("unreachable", code=4), ("!p",), 6),
        (kind("unreachable", code=9), ("!<9>",), 6),
        (kind("too-big", mtu=1400), ("!F", "MTU 1400"), 4),
        (kind("too-big"), ("!F",), 6),
        (kind("other", icmp_type=5, code=1), ("icmp 5/1",), 4),
        (kind("time-exceeded", quoted_tos=0), (), 4),
        (kind("time-exceeded", quoted_tos=184), ("TOS=184!",), 4),
    ],
)
def test_marks(answer, marks, family):
    assert hop_of(sent(1, 1), answer, family=family).marks == marks


@pytest.mark.parametrize(("family", "code"), [(4, 3), (6, 4)])
def test_port_unreachable_is_no_mark_from_the_target_to_udp_alone(family, code):
    udp = ProbeSettings(protocol=Protocol.UDP, port=33434)

    def marks(probe, **fields):
        answer = kind("unreachable", code=code, **fields)
        return hop_of(sent(1, 1), answer, probe=probe, family=family).marks

    assert marks(udp, reached=True) == ()
    assert marks(udp) == ("!p",)
    assert marks(SETTINGS[1], reached=True) == ("!p",)


def test_marks_latest_first_until_twenty_answers_without():
    events = [sent(1, 1), kind("unreachable", code=1), sent(2, 1)]
    events.append(reply(2, 1, kind=ev.ReplyKind.SYN_ACK))
    session = session_of(*events)
    assert session.snapshot().run.hops[0].marks == ("[open]", "!H")
    for number in range(3, 22):
        session.apply(sent(number, 1))
        session.apply(reply(number, 1))
    assert session.snapshot().run.hops[0].marks == ("[open]",)
    session.apply(sent(22, 1))
    session.apply(reply(22, 1))
    assert session.snapshot().run.hops[0].marks == ()


def test_a_mark_that_comes_again_is_the_latest():
    names = ["syn-ack", "rst", "syn-ack"]
    events = [e for n, name in enumerate(names) for e in (sent(n, 1), kind(name))]
    events = [msgspec.structs.replace(e, probe=n // 2) for n, e in enumerate(events)]
    assert hop_of(*events).marks == ("[open]", "[closed]")


def test_marks_are_bounded():
    events = [
        e
        for n in range(20)
        for e in (sent(n, 1), reply(n, 1, kind=ev.ReplyKind.OTHER, icmp_type=n, code=0))
    ]
    assert hop_of(*events).marks == tuple(f"icmp {n}/0" for n in range(19, 11, -1))


# --- trouble and notices


def failed(at, reason="a firewall of this machine forbids it", errno=1):
    return ev.SendFailed(at=at, run=1, ttl=1, errno=errno, reason=reason)


def test_trouble_stays_while_sends_fail_and_goes_with_the_first_answer_to_a_later_probe():
    session = session_of(sent(1, 1), failed(100))
    # what was under way before the failure tells nothing
    session.apply(reply(1, 1, rtt=80, at=120))
    assert session.snapshot().trouble == "a firewall of this machine forbids it"
    session.apply(sent(2, 1, at=200))
    assert session.snapshot().trouble
    session.apply(reply(2, 1, rtt=50, at=250))
    assert session.snapshot().trouble is None


def test_trouble_of_our_own_kernels_answers_does_not_blink_between_them():
    session = session_of()
    for second in range(10):
        at = second * NS_PER_S
        session.apply(sent(second, 1, at=at))
        if second >= 3 and second % 3 == 0:
            session.apply(failed(at + 1, "no answer from the gateway", errno=0))
            session.apply(void(second - 3, 1, at=at + 1))
        if second >= 3:
            assert session.snapshot().trouble == "no answer from the gateway"


def test_trouble_goes_when_sends_go_well_though_nothing_answers():
    session = session_of(failed(0), sent(1, 1, at=NS_PER_S))
    assert session.snapshot().trouble
    session.apply(sent(2, 1, at=6 * NS_PER_S))
    assert session.snapshot().trouble is None


def test_notice_and_source_in_one_line():
    session = session_of(ev.Notice(at=1, text="packet size raised to 40 bytes"))
    assert session.snapshot().notice == "packet size raised to 40 bytes"
    session.apply(ev.SourceChanged(at=2, source="203.0.113.9"))
    snapshot = session.snapshot()
    assert snapshot.source == "203.0.113.9"
    assert snapshot.notice == "packet size raised to 40 bytes · probes now leave from 203.0.113.9"


def test_each_run_knows_how_its_probes_leave():
    session = session_of(opened(1), opened(2, probe=SETTINGS[1]))
    ways = [
        ev.EgressFound(at=2, run=1, source="192.0.2.5", interface="eth0"),
        ev.EgressFound(at=3, run=2, source="203.0.113.5", interface="wg0", mtu=1420),
        ev.EgressFound(at=4, run=1, source="192.0.2.6", interface="eth1", gateway="192.0.2.1"),
        ev.EgressFound(at=5, run=9, source="192.0.2.7"),
    ]
    for way in ways:
        session.apply(way)
    again = Session.from_checkpoint(session.checkpoint())
    for one in (session, again):
        assert [one.run(number).egress for number in (1, 2)] == [ways[2], ways[1]]
        assert one.snapshot().run.egress == ways[1]


def test_foreign_adds_up_and_the_end_is_seen():
    session = session_of(ev.Foreign(at=1, count=2), ev.Foreign(at=2, count=3))
    assert (session.snapshot().foreign, session.snapshot().ended) == (5, False)
    session.apply(ev.SessionEnded(at=9))
    assert (session.snapshot().ended, session.snapshot().at) == (True, 9)
    assert session.snapshot(20).at == 20
    assert session.snapshot(1).at == 9


# --- bounds and identity


def test_hop_is_the_same_object_while_nothing_happened_to_it():
    session = session_of(sent(1, 1), reply(1, 1), sent(2, 2), reply(2, 2))
    before = session.snapshot().run.hops
    session.apply(sent(3, 2))
    after = session.snapshot().run.hops
    assert after[0] is before[0]
    assert after[1] is not before[1]
    assert (before[1].sent, after[1].sent) == (1, 2)


def test_every_change_of_a_hop_is_a_new_object():
    session = session_of(*[sent(n, 1) for n in range(6)], reply(0, 1))
    changes = [
        reply(1, 1),
        lost(2, 1),
        reply(2, 1, late=True),
        reply(1, 1, duplicate=True),
        void(3, 1),
        reply(4, 1, past_target=True),
        sent(7, 1),
    ]
    for change in changes:
        before = session.snapshot().run.hops[0]
        session.apply(change)
        assert session.snapshot().run.hops[0] != before, change


def test_responders_latest_first_and_bounded():
    session = session_of()
    for number in range(200):
        session.apply(sent(number, 1))
        session.apply(reply(number, 1, at=number, address=f"198.51.100.{number}"))
    responders = session.snapshot().run.hops[0].responders
    assert len(responders) == 64
    assert [r.seen for r in responders] == list(range(199, 135, -1))


def test_only_user_stamps_are_told_apart():
    events = []
    pairs = [("kernel", "kernel"), ("scheduler", "kernel"), ("user", "kernel"), ("kernel", "user")]
    for number, (out, back) in enumerate(pairs):
        stamps = {"sent_stamp": ev.Stamp(out), "received_stamp": ev.Stamp(back)}
        events += [sent(number, 1), reply(number, 1, **stamps)]
    assert hop_of(*events).user_stamped == 2


def test_nothing_is_kept_of_decided_probes_but_the_window():
    session = session_of()
    for number in range(20_000):
        session.apply(sent(number, 1 + number % 3, at=number * NS_PER_S))
        session.apply(reply(number, 1 + number % 3) if number % 2 else lost(number, 1 + number % 3))
    kept = session.checkpoint()
    hops = kept.runs[-1].hops
    assert [hop.ttl for hop in hops] == [1, 2, 3]
    assert all(not hop.pending and len(hop.latest.outcomes) == RECENT for hop in hops)


def test_an_answer_in_the_probed_protocol_itself_is_an_answer_and_no_more():
    answer = reply(1, 1, kind=ev.ReplyKind.OTHER, reached=True)
    assert hop_of(sent(1, 1), answer).marks == ()
    refused = reply(1, 1, kind=ev.ReplyKind.OTHER, icmp_type=12, code=0)
    assert hop_of(sent(1, 1), refused).marks == ("icmp 12/0",)
