"""Over how many hops answers come back, in the table and in reports."""

import csv
import io
import json

import pytest
from msgspec.structs import replace

from tests.helpers.app.fake_source import folded, path
from tui_trace.app.render.styled_text import plain
from tui_trace.app.render.table_layout import ColumnDemand, header, lay_out, row
from tui_trace.core import events as ev
from tui_trace.report.cell_text import TextStyle
from tui_trace.report.hop_columns import COLUMNS, columns_of
from tui_trace.report.markdown import render_markdown
from tui_trace.report.mtr_csv import render_csv
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.mtr_json import render_json
from tui_trace.report.mtr_text import render_text
from tui_trace.session.hops_back import hops_back
from tui_trace.session.snapshot import Snapshot

TTLS = {1: 64, 2: 254, 5: 119, 6: 59}
"""TTL of the answers by hop: hops 1 and 2 as the probe went, 5 by 10 hops, 6 by 6."""


def session() -> Snapshot:
    return folded(
        replace(event, reply_ttl=TTLS.get(event.ttl)) if isinstance(event, ev.Reply) else event
        for event in path(5)
    )


@pytest.mark.parametrize(
    ("ttl", "at_hop", "hops"),
    [
        *((64, 1, 1), (63, 2, 2), (255, 1, 1), (250, 6, 6), (128, 1, 1), (117, 9, 12)),
        *((32, 1, 1), (1, 30, 32), (65, 60, 64), (64, 20, 1)),
    ],
)
def test_it_is_what_is_missing_from_a_usual_first_ttl(ttl: int, at_hop: int, hops: int) -> None:
    assert hops_back(ttl, at_hop) == hops


@pytest.mark.parametrize(("ttl", "hops"), [(35, 30), (31, 34), (95, 34), (226, 30)])
def test_at_a_far_hop_it_is_not_the_nearest_first_ttl(ttl: int, hops: int) -> None:
    """31 is 2 hops from 32, too, where the probe went over 30."""
    assert hops_back(ttl, 30) == hops


@pytest.mark.parametrize("ttl", [0, 256])
def test_what_is_not_known_is_nothing(ttl: int) -> None:
    assert hops_back(ttl, 5) is None


def test_the_table_has_it_where_there_is_room() -> None:
    hops = session().run.hops
    demand = ColumnDemand().grown_to(hops)
    wide = lay_out(columns_of("latency"), 140, demand)
    place = header(wide).index("Back")
    cells = [plain(row(hop, wide)[0])[place : place + 4].strip() for hop in hops]
    assert cells == ["1", "2", "", "", "10", "6"]
    styles = [COLUMNS["back"].style(hops[at]) for at in (0, 4)]
    assert styles == [TextStyle.DIM, TextStyle.MARK], "another way back stands out"
    assert "Back" not in header(lay_out(columns_of("latency"), 80, demand))
    without = ColumnDemand().grown_to(folded(path(5)).run.hops)
    assert "Back" not in header(lay_out(columns_of("latency"), 140, without)), "nothing is known"


def test_every_report_can_have_it() -> None:
    layout = ReportLayout(fields="LK")
    told = session()
    assert [line.split()[-1] for line in render_text(told, layout).splitlines()[2:4]] == ["1", "2"]
    assert "| 1 | 10.0.0.1 | 0.0% | 1 |" in render_markdown(told, layout).replace("\\", "")
    hubs = json.loads(render_json(told, ReportLayout()))["report"]["hubs"]
    assert [hub["hops_back"] for hub in hubs] == [1, 2, None, None, 10, 6]
    assert json.loads(render_json(told, layout))["report"]["hubs"][0]["Back"] == 1
    head, *rows = csv.reader(io.StringIO(render_csv(told, ReportLayout())))
    assert [one[head.index("Hops_Back")] for one in rows] == ["1", "2", "", "", "10", "6"]
