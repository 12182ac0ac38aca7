"""Probes that somebody refused, or that the local kernel gave up: lost, and for what reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.helpers.event_builders import began, lost, opened, reply, sent
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.report.hop_notes import full_notes, short_notes
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.mtr_json import render_json
from tui_trace.report.mtr_text import render_text
from tui_trace.session.finding import FindingKind
from tui_trace.session.fold import Session
from tui_trace.session.hop_fold import SILENT_LOSSES
from tui_trace.session.loss import OWN_LOSS_MARKS
from tui_trace.session.snapshot import LOST

GATEWAY = "203.0.113.1"
TARGET = "203.0.113.80"
ARP = "nobody answers ARP for 10.0.0.1"


def refusal(probe, ttl, rtt=99 * NS_PER_MS, **fields):
    known = {"kind": ev.ReplyKind.UNREACHABLE, "icmp_type": 3, "code": 0, "address": GATEWAY}
    return reply(probe, ttl, rtt, **(known | fields))


def answer(probe, ttl=3, **fields):
    known = {"kind": ev.ReplyKind.ECHO, "address": TARGET, "reached": True}
    return reply(probe, ttl, **(known | fields))


class Trace:
    """A session of one run with two routers and the target at TTL 3, and its next probe number."""

    def __init__(self, *, end=3, reached=True):
        self.session = Session()
        self.probe = 0
        self.rounds = 0
        self.apply(began(address=TARGET), opened(), ev.PathEnd(0, 1, end, reached))

    def apply(self, *events):
        for event in events:
            self.session.apply(event)
        return self

    def round(self, *outcomes):
        """Send a probe for each TTL from 1 on; each outcome makes an event of number and TTL."""
        self.rounds += 1
        self.apply(ev.RoundBegan(self.rounds * NS_PER_S, 1, self.rounds))
        for ttl, outcome in enumerate(outcomes, 1):
            self.probe += 1
            self.apply(
                sent(self.probe, ttl),
                replace(outcome(self.probe, ttl), at=self.rounds * NS_PER_S),
            )
        return self

    @property
    def snapshot(self):
        return self.session.snapshot()

    @property
    def hops(self):
        return self.snapshot.run.hops

    @property
    def words(self):
        """The worst harmful finding at the end of a session that ended here."""
        session = Session.from_checkpoint(self.session.checkpoint())
        session.apply(ev.SessionEnded(at=(self.rounds + 1) * NS_PER_S))
        return next((finding.text for finding in session.findings() if finding.harm), "")


def up(trace, rounds):
    for _ in range(rounds):
        trace.round(reply, reply, answer)
    return trace


def gave_up(probe, ttl):
    return ev.ProbeLost(NS_PER_S, 1, probe, ttl, reason=ARP)


# --- refused


def test_a_gateway_without_its_uplink_is_loss_at_the_target():
    trace = up(Trace(), 18)
    for _ in range(12):
        trace.round(reply, refusal, refusal)
    last = trace.hops[-1]
    assert (last.sent, last.lost, last.refused, last.figures.count) == (30, 12, 12, 18)
    assert last.loss_percent == 40
    assert last.figures.max == NS_PER_MS, "the gateway's RTTs are not the target's"
    assert last.recent == (NS_PER_MS,) * 18 + (LOST,) * 12
    assert [one.address for one in last.responders] == [TARGET]
    assert last.is_target
    assert short_notes(last) == f"!N from {GATEWAY}"
    assert trace.words == "refused by hop 1 203.0.113.1: !N"
    assert not any(OWN_LOSS_MARKS.intersection(hop.marks) for hop in trace.hops)
    buckets = trace.snapshot.timeline.buckets
    assert (sum(b.answered for b in buckets), sum(b.lost for b in buckets)) == (18, 12)


def test_the_heading_says_refused_only_while_it_is_so():
    trace = up(Trace(), 3).round(reply, refusal, refusal)
    assert trace.words == "", "one is not said to be so"
    trace.round(reply, refusal, refusal)
    assert trace.words == "refused by hop 1 203.0.113.1: !N"
    up(trace, 1)
    assert trace.words == ""
    assert full_notes(trace.hops[-1]) == f"!N from {GATEWAY}", "the row remembers for a while"


def test_a_refusal_that_begins_within_a_round_is_no_silence():
    """The target is refused one probe before the nearer hop is."""
    trace = up(Trace(), 18).round(reply, reply, refusal)
    for rounds in (2, 3, 4):
        trace.round(reply, refusal, refusal)
        assert trace.words == "refused by hop 1 203.0.113.1: !N", rounds
    assert [one.finding.kind for one in trace.snapshot.episodes] == [FindingKind.REFUSED]


def test_silence_ends_a_refusal_in_the_end():
    trace = up(Trace(), 3).round(reply, reply, refusal)
    for _ in range(SILENT_LOSSES - 1):
        trace.round(reply, reply, lost)
    assert trace.words == "refused by hop 1 203.0.113.1: !N"
    trace.round(reply, reply, lost)
    assert trace.words == "target silent"


def test_a_firewall_at_the_end_of_the_path_is_seen_though_all_is_lost():
    trace = Trace(reached=False)
    for _ in range(5):
        trace.round(reply, reply, lambda n, ttl: refusal(n, ttl, address="192.0.2.9", code=13))
    last = trace.hops[-1]
    assert (last.sent, last.lost, last.loss_percent) == (5, 5, 100)
    assert [(one.address, one.answers) for one in last.responders] == [("192.0.2.9", 5)]
    assert short_notes(last) == "!A", "whose it is stands before it"
    assert not last.is_target
    assert trace.words == "refused at hop 3 by 192.0.2.9: !A"
    assert "192.0.2.9" in render_text(trace.snapshot, ReportLayout(names=False))


def test_of_several_refusers_the_latest_is_named():
    trace = up(Trace(), 1)
    trace.round(reply, reply, refusal)
    trace.round(reply, reply, lambda n, ttl: refusal(n, ttl, address="192.0.2.7", code=1))
    assert full_notes(trace.hops[-1]) == "!H from 192.0.2.7 · !N"


@pytest.mark.parametrize(
    ("fields", "mark"),
    [
        ({"kind": ev.ReplyKind.TOO_BIG, "code": 4, "mtu": 1400}, "MTU 1400"),
        ({"kind": ev.ReplyKind.OTHER, "icmp_type": 12, "code": 0}, "icmp 12/0"),
    ],
    ids=["too big", "another ICMP error"],
)
def test_every_other_icmp_error_of_a_router_is_a_loss(fields, mark):
    trace = up(Trace(), 1).round(reply, reply, lambda n, ttl: refusal(n, ttl, **fields))
    assert (trace.hops[-1].lost, trace.hops[-1].figures.count) == (1, 1)
    assert mark in trace.hops[-1].marks
    trace.round(reply, reply, lambda n, ttl: refusal(n, ttl, **fields))
    assert mark in trace.words


@pytest.mark.parametrize("kind", list(ev.ReplyKind))
def test_the_target_answers_whatever_it_says(kind):
    trace = Trace().round(reply, reply, lambda n, _: answer(n, kind=kind, icmp_type=3, code=3))
    assert (trace.hops[-1].lost, trace.hops[-1].figures.count) == (0, 1)


def test_a_refusal_counts_once_whenever_it_comes():
    trace = up(Trace(), 1).round(reply, reply, lost)
    trace.apply(refusal(trace.probe, 3, late=True))
    assert (trace.hops[-1].lost, trace.hops[-1].refused, trace.hops[-1].late) == (1, 1, 0)
    trace.apply(refusal(trace.probe, 3, duplicate=True), lost(trace.probe, 3))
    last = trace.hops[-1]
    assert (last.sent, last.lost, last.refused, last.duplicates) == (2, 1, 1, 1)
    assert sum(bucket.lost for bucket in trace.snapshot.timeline.buckets) == 1


def test_an_answer_counts_more_than_a_refusal_in_either_order():
    trace = Trace().round(reply, reply, refusal)
    trace.apply(answer(trace.probe, duplicate=True))
    assert (trace.hops[-1].lost, trace.hops[-1].refused, trace.hops[-1].figures.count) == (0, 0, 1)
    assert sum(bucket.lost for bucket in trace.snapshot.timeline.buckets) == 0
    other = Trace().round(reply, reply, answer)
    other.apply(refusal(other.probe, 3, duplicate=True))
    assert (other.hops[-1].lost, other.hops[-1].figures.count) == (0, 1)
    assert other.words == ""


def test_rows_stay_while_a_refusal_ends_the_path_before_them():
    trace = up(Trace(), 3)
    trace.apply(ev.PathEnd(0, 1, 1, False)).round(refusal)
    assert [hop.ttl for hop in trace.hops] == [1, 2, 3]
    trace.apply(ev.PathEnd(0, 1, 2, True))
    assert [hop.ttl for hop in trace.hops] == [1, 2], "a target nearer by is another matter"


# --- repeated


def test_a_repeat_answers_nothing():
    trace = up(Trace(), 1)
    trace.apply(sent(9, 3), answer(9, rtt=NS_PER_S, repeat=True, kind=ev.ReplyKind.SYN_ACK))
    assert (trace.hops[-1].pending, trace.hops[-1].repeats) == (1, 1)
    trace.apply(lost(9, 3))
    for fields in ({"late": True}, {"duplicate": True}, {"late": True, "past_target": True}):
        trace.apply(answer(9, rtt=3 * NS_PER_S, repeat=True, **fields))
    last = trace.hops[-1]
    assert (last.sent, last.lost, last.late, last.duplicates, last.repeats) == (2, 1, 0, 0, 4)
    assert last.figures.max == NS_PER_MS
    assert short_notes(last) == "rep 4"
    assert full_notes(last) == "4 repeated"
    assert '"repeats": 4' in render_json(trace.snapshot, ReportLayout())


# --- given up by the local kernel


def test_what_the_kernel_gives_up_is_lost_for_its_reason():
    trace = Trace(end=5, reached=False)
    for _ in range(4):
        trace.round(gave_up, lost)
    first = trace.hops[0]
    assert (first.sent, first.lost, first.given_up, first.responders) == (4, 4, 4, ())
    assert short_notes(first) == ARP
    assert trace.words == ARP
    assert f"hop 1: {ARP}" in render_text(trace.snapshot, ReportLayout())
    assert not any(OWN_LOSS_MARKS.intersection(hop.marks) for hop in trace.hops)
    trace.round(reply, lost)
    assert ARP not in short_notes(trace.hops[0]) + trace.words, "a later answer ends it"


def test_the_reason_of_a_gateway_that_died_stands_above_the_loss():
    trace = up(Trace(), 5).round(gave_up, gave_up, gave_up)
    assert trace.words == ARP
    up(trace, 1)
    assert trace.words == ""


def test_a_reason_is_harmless_for_a_terminal():
    trace = Trace(reached=False)
    trace.round(lambda n, ttl: ev.ProbeLost(NS_PER_S, 1, n, ttl, reason="dead\x1b[2J\nhost"))
    shown = (short_notes(trace.hops[0]), trace.words, render_text(trace.snapshot, ReportLayout()))
    assert all("\x1b" not in text for text in shown)
    assert "\n" not in shown[0] + shown[1]


# --- whatever the order


OUTCOMES = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.sampled_from(["answer", "refusal", "lost", "given up", "repeat"]),
        st.booleans(),
    ),
    max_size=30,
)


@given(OUTCOMES)
def test_lost_and_answered_are_decided_whatever_the_order(happened):
    session = Session()
    for event in (began(), opened(), ev.PathEnd(0, 1, 1, True), *(sent(n, 1) for n in range(1, 7))):
        session.apply(event)
    makers = {
        "answer": lambda n, **flags: answer(n, 1, **flags),
        "refusal": lambda n, **flags: refusal(n, 1, **flags),
        "lost": lambda n, **_: lost(n, 1),
        "given up": lambda n, **_: gave_up(n, 1),
        "repeat": lambda n, **flags: answer(n, 1, repeat=True, **flags),
    }
    state: dict[int, str] = {}
    for number, what, late in happened:
        before = state.get(number)
        flags = {
            "late": late and before == "lost" and what in ("answer", "refusal"),
            "duplicate": before in ("answered", "refused") and what in ("answer", "refusal"),
        }
        session.apply(makers[what](number, **flags))
        if what == "answer":
            state[number] = "answered"
        elif what == "refusal" and before != "answered":
            state[number] = "refused"
        elif what in ("lost", "given up") and before is None:
            state[number] = "lost"
    hop = session.snapshot().run.hops[0]
    answered = sum(one == "answered" for one in state.values())
    assert (hop.figures.count, hop.lost) == (answered, len(state) - answered)
    assert hop.sent == hop.lost + hop.figures.count + hop.pending == 6
    assert min(hop.unexplained, hop.refused, hop.given_up) >= 0
    assert Session.from_checkpoint(session.checkpoint()).snapshot() == session.snapshot()
