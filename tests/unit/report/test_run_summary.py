"""Reports of sessions in which the probe was switched: no run goes unmentioned."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given

from tests.helpers.event_builders import began, opened
from tests.helpers.event_streams import streams
from tests.helpers.recordings.recording_builders import record, replayed_as
from tests.helpers.run_scripts import ROUNDS, TCP, UDP, rounds, switched
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S
from tui_trace.report import mtr_csv, mtr_json
from tui_trace.report.collector import Collector
from tui_trace.report.markdown import render_markdown
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.mtr_text import render_text
from tui_trace.session.compare import compare_runs
from tui_trace.session.comparison_text import describe_comparison


def collected(events):
    collector = Collector()
    for event in events:
        collector.event(event)
    collector.pulse(events[-1].at)
    return collector


@pytest.fixture
def session():
    collector = collected(switched())
    return collector.snapshot(), ReportLayout(wide=True), collector.runs()


def test_below_the_table_of_one_run_stand_the_others(session):
    lines = render_text(*session).splitlines()
    assert lines[0].endswith("TCP port 443 · TOS 0 · DF off · 60 bytes")
    assert len([line for line in lines if "|--" in line]) == 2
    assert lines[-3:-1] == [
        "Run 3 of 3: 40 rounds, target reached; the others:",
        "  run 1: ICMP echo · TOS 0 · DF off · 64 bytes; 40 rounds, target not reached",
    ]


def test_a_ticket_has_every_run_that_sent_anything_and_what_tells_them_apart(session):
    shown = re.sub(r"\\(.)", r"\1", render_markdown(*session))
    lines = shown.splitlines()
    assert lines[0].endswith(", 2 runs")
    assert "TCP" not in lines[0], "each run has a subject of its own"
    first, _, third = session[2]
    said = describe_comparison(compare_runs([first, third]))
    assert f"- Run 3 (TCP 443) against run 1 (ICMP): {said}" in lines
    first = lines.index(
        "**Run 1: ICMP echo · TOS 0 · DF off · 64 bytes; 40 rounds, target not reached**"
    )
    third = lines.index(
        "**Run 3: TCP port 443 · TOS 0 · DF off · 60 bytes; 40 rounds, target reached**"
    )
    assert first < third
    assert "run 2" not in shown.lower(), "it sent nothing"
    tables = [lines[at + 2 : at + 6] for at in (first, third)]
    assert "| 2 | ??? | 100.0% | 40 |" in tables[0][3]
    assert "| 2 | 203.0.113.80 | 0.0% | 40 |" in tables[1][3]


def test_programs_get_all_runs_in_outline(session):
    told = json.loads(mtr_json.render_json(*session))["report"]["tui_trace"]
    assert told["run"] == 3
    outline = [
        (run["number"], run["probe"]["protocol"], run["rounds"], run["reached"], run["turns_with"])
        for run in told["runs"]
    ]
    assert outline == [
        (1, "icmp", 40, False, []),
        (2, "udp", 0, False, []),
        (3, "tcp", 40, True, []),
    ]


def test_those_that_took_turns_are_compared_with_each_other():
    third = opened(3, 120 * NS_PER_S, probe=TCP)
    fourth = ev.RunOpened(at=180 * NS_PER_S, run=4, settings=UDP, turns_with=(3,))
    collector = collected(
        [
            *switched()[: 3 + len(rounds(1, 0, reaches=False)) - 1],
            third,
            *rounds(3, 120 * NS_PER_S, reaches=True),
            fourth,
            *rounds(4, 180 * NS_PER_S, reaches=False),
        ]
    )
    shown = render_markdown(collector.snapshot(), ReportLayout(), collector.runs())
    shown = re.sub(r"\\(.)", r"\1", shown)
    assert "- Run 3 (TCP 443) against run 1 (ICMP): " in shown
    assert "- Run 4 (UDP 53) against run 3 (TCP 443): " in shown
    assert "in turns with run 3" in render_text(
        collector.snapshot(), ReportLayout(), collector.runs()
    )


def test_one_run_alone_needs_no_word():
    collector = collected(switched()[: 2 + 4 * ROUNDS])
    for report in (render_text, render_markdown):
        shown = report(collector.snapshot(), ReportLayout(), collector.runs())
        assert shown == report(collector.snapshot(), ReportLayout())
        assert "un 1" not in shown
    told = json.loads(mtr_json.render_json(collector.snapshot(), ReportLayout()))["report"][
        "tui_trace"
    ]
    assert [run["number"] for run in told["runs"]] == [1]


def test_a_switch_at_the_very_end_hides_nothing():
    collector = collected([*switched(), opened(4, 200 * NS_PER_S, probe=UDP)])
    ticket = render_markdown(collector.snapshot(), ReportLayout(), collector.runs())
    assert "Run 1: " in ticket
    assert "Run 3: " in ticket
    assert "Run 4: " not in ticket
    told = render_text(collector.snapshot(), ReportLayout(), collector.runs())
    assert "Run 4 of 4: 0 rounds" in told
    assert "  run 3: " in told


def test_what_was_not_kept_is_said():
    snapshot = collected(switched()).snapshot()
    for report in (render_text, render_markdown):
        assert "the others were not recorded" in report(snapshot, ReportLayout())


@given(streams())
def test_every_run_that_sent_anything_is_in_every_report(stream):
    collector = collected(stream[0])
    snapshot, runs = collector.snapshot(), collector.runs()
    sent_by = [run.number for run in runs if any(hop.sent for hop in run.hops)]
    shown = render_text(snapshot, ReportLayout(), runs)
    ticket = render_markdown(snapshot, ReportLayout(), runs)
    mtr_csv.render_csv(snapshot, ReportLayout(), runs)
    for number in sent_by:
        if len(runs) > 1:
            assert re.search(rf"(?m)^ *run {number}\b", shown, re.IGNORECASE)
            assert f"**Run {number}: " in ticket
    told = json.loads(mtr_json.render_json(snapshot, ReportLayout(), runs))["report"]["tui_trace"]
    assert [run["number"] for run in told["runs"]] == [run.number for run in runs]


def test_a_recording_reports_all_its_runs(tmp_path: Path) -> None:
    file = record([*switched(), ev.SessionEnded(at=300 * NS_PER_S)], tmp_path / "a.session")
    for option, says in (
        ("-r", "  run 1: ICMP echo"),
        ("-w", "  run 1: ICMP echo"),
        ("--markdown", "- Run 3 (TCP 443) against run 1 (ICMP): "),
        ("-j", '"number": 2'),
    ):
        assert says in re.sub(r"\\(.)", r"\1", replayed_as(option, file))


@pytest.mark.parametrize("report", [render_text, render_markdown])
def test_ipv6_has_no_df_bit_to_be_off(report):
    collector = Collector()
    for event in (began(family=6, address="2001:db8::1"), opened(1, probe=TCP)):
        collector.event(event)
    shown = report(collector.snapshot(), ReportLayout(), collector.runs())
    assert "DF always" in shown
    assert "DF off" not in shown
