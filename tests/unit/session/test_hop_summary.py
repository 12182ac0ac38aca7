"""Statistics of another program, without single probes: shown as they are, and nothing found."""

import json

import msgspec
import pytest

from tests.helpers.event_builders import began, opened
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS
from tui_trace.report import mtr_csv, mtr_json, mtr_text
from tui_trace.report.hop_columns import COLUMNS, CellContext
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.session.checkpoint import SessionCheckpoint
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Hop

CELL = CellContext(8, False)
LOSSY = ev.HopSummary(
    at=0,
    run=1,
    ttl=2,
    sent=1000,
    lost=250,
    addresses=("203.0.113.80",),
    last=11 * NS_PER_MS,
    best=10 * NS_PER_MS,
    mean=12.5 * NS_PER_MS,
    worst=90 * NS_PER_MS,
    sd=3.0 * NS_PER_MS,
    reached=True,
)


def session_of(*summaries: ev.HopSummary, **fields: object) -> Session:
    session = Session()
    session.apply(began(**fields))
    session.apply(opened())
    session.apply(ev.RoundBegan(at=0, run=1, round=1000))
    for summary in summaries:
        session.apply(summary)
    session.apply(ev.PathEnd(at=0, run=1, ttl=2, reached=True))
    session.apply(ev.SessionEnded(at=0))
    return session


def hop_of(*summaries: ev.HopSummary) -> Hop:
    return session_of(*summaries).snapshot().run.hops[-1]


def test_loss_and_times_are_shown_and_what_needs_single_probes_is_empty() -> None:
    hop = hop_of(LOSSY)
    shown = {id: column.cell(hop, CELL).strip() for id, column in COLUMNS.items()}
    assert shown["loss"] == "!25.0"
    assert shown["sent"] == "1000"
    assert (shown["last"], shown["min"], shown["max"]) == ("11.00", "10.00", "90.00")
    assert shown["avg"].replace(" ", "") == "12.50±3.00"
    lacking = ("jitter", "p50", "p90", "p99", "recent", "notes")
    assert {id: shown[id] for id in lacking} == dict.fromkeys(lacking, "")


def test_nothing_is_found_where_the_order_of_losses_is_unknown() -> None:
    for lost in (0, 250, 1000):
        summary = ev.HopSummary(at=0, run=1, ttl=2, sent=1000, lost=lost, reached=True)
        snapshot = session_of(summary).snapshot()
        assert snapshot.findings == ()
        assert snapshot.episodes == ()
        assert snapshot.timeline.buckets == () or not any(
            bucket.answered or bucket.lost for bucket in snapshot.timeline.buckets
        )


def test_a_later_summary_replaces_the_earlier_one() -> None:
    later = ev.HopSummary(at=1, run=1, ttl=2, sent=4, lost=4)
    hop = hop_of(LOSSY, later)
    assert (hop.sent, hop.lost, hop.figures.count, hop.figures.mean) == (4, 4, 0, None)
    assert not hop.is_target


def test_times_of_a_hop_that_never_answered_are_none() -> None:
    hop = hop_of(ev.HopSummary(at=0, run=1, ttl=2, sent=4, lost=4, last=0, best=0, mean=0.0))
    assert hop.figures.last is hop.figures.min is hop.figures.mean is None


def test_a_forged_summary_keeps_the_sum() -> None:
    hop = hop_of(ev.HopSummary(at=0, run=1, ttl=2, sent=3, lost=9))
    assert (hop.sent, hop.lost, hop.figures.count) == (3, 3, 0)


def test_a_checkpoint_keeps_a_summary() -> None:
    session = session_of(LOSSY)
    packed = msgspec.msgpack.encode(session.checkpoint())
    restored = Session.from_checkpoint(msgspec.msgpack.decode(packed, type=SessionCheckpoint))
    assert restored.snapshot() == session.snapshot()


def test_reports_say_what_is_not_told() -> None:
    snapshot = session_of(LOSSY, wall=0, vantage="probe 7").snapshot()
    layout = ReportLayout(fields="LSAGJ")
    hub = json.loads(mtr_json.render_json(snapshot, layout))["report"]["hubs"][-1]
    assert (hub["Loss%"], hub["Snt"], hub["Avg"], hub["Gmean"], hub["Jttr"]) == (
        25.0,
        1000,
        12.5,
        None,
        None,
    )
    assert hub["jitter_ms"] is hub["p50_ms"] is None
    text = mtr_text.render_text(snapshot, layout)
    assert "Start: unknown" in text
    assert "HOST: probe 7" in text
    assert text.splitlines()[2].split()[-2:] == ["-", "-"]
    row = mtr_csv.render_csv(snapshot, layout).splitlines()[1].split(",")
    assert row[1] == ""
    assert row[8:11] == ["12.50", "", ""]


@pytest.mark.parametrize(("name", "addresses"), [("gw.example", []), ("192.0.2.1", ["192.0.2.1"])])
def test_a_name_without_its_address_is_no_address(name: str, addresses: list[str]) -> None:
    summary = ev.HopSummary(at=0, run=1, ttl=2, sent=2, lost=0, addresses=(name,))
    report = mtr_json.render_json(session_of(summary).snapshot(), ReportLayout())
    hub = json.loads(report)["report"]["hubs"][-1]
    assert (hub["host"], hub["addresses"]) == (name, addresses)
