"""What several vantages show together, as text, Markdown and JSON."""

import csv
import io
import json
import re

import pytest

from tests.helpers.generated_sessions import TARGET, bernoulli
from tests.helpers.hostile_text import EVIL
from tests.helpers.vantage_sessions import session_from
from tui_trace.report import markdown
from tui_trace.report.mtr_csv import render_csv
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.mtr_json import render_json
from tui_trace.report.there_and_back_text import render_there_and_back
from tui_trace.report.vantage_table import render_together
from tui_trace.session.joint_findings import find_joint, with_joint
from tui_trace.session.snapshot import Snapshot

LAYOUT = ReportLayout()
HERE = ("10.0.1.1", "10.0.9.1")
EDGE = ("10.1.1.1", "10.1.2.1", "10.0.9.1")


def sessions(vantage: str = "edge1") -> list[Snapshot]:
    alone = [
        session_from("", HERE),
        session_from(vantage, EDGE, {"10.1.2.1": bernoulli(0.5)}, seed=2),
    ]
    return [with_joint(one, find_joint(alone)) for one in alone]


def test_the_text_has_common_hops_once_and_ends_with_the_sentence() -> None:
    lines = render_together(sessions(), LAYOUT).splitlines()
    assert lines[0] == "Paths to target.example from 2 places:"
    assert lines[1].split() == ["here", "edge1"]
    rows = [re.sub(r"\s+", " ", line) for line in lines[3:-2]]
    assert [row.split()[0] for row in rows] == [
        "10.0.1.1", "10.1.1.1", "10.1.2.1", "--", "10.0.9.1", TARGET,
    ]  # fmt: skip
    assert rows[3] == "-- the paths from here and edge1 meet"
    assert rows[-1].split()[1] == "3", "the TTL from here"
    assert lines[-1].startswith("from edge1 ")


def test_markdown_has_as_many_cells_in_every_row() -> None:
    lines = markdown.render_together(sessions(), LAYOUT).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in table} == {8}
    assert table[0].startswith("| Host | here ")
    assert lines[-1].startswith("- from edge1 ")


def test_each_row_of_csv_names_the_vantage() -> None:
    here, there = (list(csv.reader(io.StringIO(render_csv(one, LAYOUT)))) for one in sessions())
    assert here[0][-2] == there[0][-2] == "Vantage"
    assert {row[-2] for row in here[1:]} == {""}
    assert {row[-2] for row in there[1:]} == {"edge1"}


def test_json_has_what_concerns_the_session() -> None:
    for snapshot in sessions():
        (told,) = json.loads(render_json(snapshot, LAYOUT))["report"]["together"]
        assert told["kind"] == "vantages"
        assert told["text"].startswith("from edge1 ")
    assert "together" not in json.loads(render_json(session_from("", HERE), LAYOUT))["report"]


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_from_outside_is_markup_or_a_control_character(evil: str) -> None:
    both = sessions(evil)
    for text in (
        render_together(both, LAYOUT),
        render_there_and_back(both, LAYOUT),
        markdown.render_together(both, LAYOUT),
        markdown.render_both_ways(both, LAYOUT),
    ):
        assert all(char.isprintable() or char == "\n" for char in text)
    assert markdown.render_both_ways(both, LAYOUT).count("`") == 6


def test_fewer_sessions_than_two_show_nothing() -> None:
    for few in ([], [session_from("", HERE)]):
        assert render_together(few, LAYOUT) == ""
        assert render_there_and_back(few, LAYOUT) == ""
        assert markdown.render_both_ways(few, LAYOUT) == ""
