"""Findings and episodes in every report, and the exit status that they give."""

import io
import json
import re
from datetime import datetime

import pytest

from tests.helpers.event_lines import read_events
from tests.helpers.generated_sessions import (
    TARGET,
    Node,
    World,
    bernoulli,
    between,
    constant,
    deal,
    routers,
)
from tui_trace.core.settings import NS_PER_S
from tui_trace.report.collector import Collector
from tui_trace.report.finding_lines import is_fine
from tui_trace.report.jsonl import JsonLines
from tui_trace.report.markdown import render_markdown
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.mtr_json import render_json
from tui_trace.report.mtr_text import render_text


def world(drops) -> World:
    nodes = routers(5)
    nodes[3] = Node(nodes[3].address, drops=drops)
    return World.of(nodes)


OUTAGE = world(between(100.5, 110.5, bernoulli(1)))
LOSSY = world(bernoulli(0.3))
SILENT = world(bernoulli(1))


def collected(dealt: World, rounds: int = 200) -> Collector:
    collector = Collector()
    for event in deal(dealt, rounds, 3):
        collector.event(event)
    return collector


def test_a_report_lists_what_was_and_what_is_so() -> None:
    text = render_text(collected(OUTAGE).snapshot(), ReportLayout())
    (line,) = [line for line in text.splitlines() if "silent" in line]
    assert re.fullmatch(
        r"target was silent (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)–(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
        r" \(\d+ probes\), last answer hop 3 10\.0\.3\.1",
        line,
    )
    assert text.splitlines()[-1].startswith("Nothing wrong: no loss above ")
    lossy = render_text(collected(LOSSY).snapshot(), ReportLayout())
    assert re.search(r"^! \d+ % loss at the target, from hop 4 on since ", lossy, re.M)


def test_a_ticket_lists_the_same_and_none_of_it_is_markup() -> None:
    collector = collected(OUTAGE)
    text = render_markdown(collector.snapshot(), ReportLayout(), collector.runs())
    assert any(line.startswith("- target was silent ") for line in text.splitlines())


def test_json_has_them_with_times_as_in_rfc_3339() -> None:
    collector = collected(OUTAGE)
    report = json.loads(render_json(collector.snapshot(), ReportLayout(), collector.runs()))[
        "report"
    ]
    (episode,) = report["episodes"]
    begin, end = (datetime.fromisoformat(episode[key]) for key in ("since", "until"))
    assert begin.tzinfo is not None
    assert 9 <= (end - begin).total_seconds() <= 11
    assert (episode["kind"], episode["hop"], episode["address"]) == ("down", 3, "10.0.3.1")
    assert (episode["harm"], episode["sure"]) == (True, "certain")
    assert episode["evidence"]["lost"] >= 8
    assert [finding["kind"] for finding in report["findings"]] == ["ok"]
    assert set(report["findings"][0]) == set(episode)


def test_lines_tell_when_an_episode_begins_and_ends() -> None:
    stream = io.BytesIO()
    lines = JsonLines(stream, lambda: None)
    events = list(deal(OUTAGE, 200, 3))
    for event in events:
        lines.event(event)
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert read_events(stream.getvalue().splitlines()) == events
    news = [one for one in told if one["event"].startswith("episode-")]
    assert [(one["event"], one["kind"]) for one in news] == [
        ("episode-began", "down"),
        ("episode-ended", "down"),
    ]
    began = told.index(news[0])
    assert told[began - 1]["event"] == "probe-lost"
    assert told[began - 1]["at"] == news[0]["at"]


@pytest.mark.parametrize(
    ("dealt", "fine"),
    [(OUTAGE, True), (LOSSY, False), (SILENT, False), (World.of(routers(3)), True)],
)
def test_the_exit_status_of_check(dealt: World, fine: bool) -> None:
    assert is_fine(collected(dealt).snapshot()) is fine


def test_hostile_addresses_are_harmless() -> None:
    nodes = [Node("10.0.1.1"), Node("\x1b[31m`evil`|"), Node(TARGET, drops=bernoulli(1))]
    collector = collected(World.of(nodes), 40)
    for text in (
        render_text(collector.snapshot(), ReportLayout()),
        render_json(collector.snapshot(), ReportLayout(), collector.runs()),
        render_markdown(collector.snapshot(), ReportLayout(), collector.runs()),
    ):
        assert "\x1b" not in text
    assert "\\`evil\\`" in render_markdown(collector.snapshot(), ReportLayout(), collector.runs())


def test_a_session_with_two_paths_has_a_table_for_each() -> None:
    short = routers(4)
    longer = [*short[:-1], Node("10.8.1.1", delay=constant(20)), Node(TARGET)]
    moving = World(lambda at, _flow, _rng: short if at < 40 * NS_PER_S else longer)
    collector = collected(moving, 80)
    report = collector.snapshot(), ReportLayout(names=False), collector.runs()
    lines = render_text(*report).splitlines()
    first, second = (lines.index(line) for line in lines if line.startswith("Path "))
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[first + 1 : second]]
    assert [row[1] for row in rows] == [*(f"10.0.{hop}.1" for hop in range(1, 5)), TARGET]
    assert all(float(row[-1]) < 20 for row in rows), "no RTT of the other path"
    target = re.split(r"\s{2,}", lines[second + 6].strip())
    assert (target[0], target[1]) == ("6.", TARGET)
    assert float(target[-3]) > 40, "nor of this one there"
    assert 30 <= int(rows[-1][3]) <= 40
    markdown = render_markdown(*report)
    assert len(re.findall(r"^\*\*Path [AB], ", markdown, re.M)) == 2
    assert not re.search(r"^Path", render_text(*collected_report(World.of(short))), re.M)


def collected_report(dealt: World):
    collector = collected(dealt, 40)
    return collector.snapshot(), ReportLayout(), collector.runs()
