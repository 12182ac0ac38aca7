"""A column is one entry: what the map says of adding one, done to the letter."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import OptionList

from tests.helpers.app.app_driver import watching
from tests.helpers.app.fake_source import folded, path
from tui_trace.app.config import ConfigError, load_config
from tui_trace.app.render.table_layout import ColumnDemand, header, lay_out, row_text
from tui_trace.report.hop_columns import COLUMNS, columns_of, rtt_column
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.mtr_json import render_json
from tui_trace.session.snapshot import Hop


def spread(hop: Hop) -> float | None:
    least, most = hop.figures.min, hop.figures.max
    return most - least if least is not None and most is not None else None


SPREAD = rtt_column(
    "spread",
    "Spread",
    "Largest RTT less the smallest",
    spread,
    displays={"latency": 85},
    drop=25,
    json_key="spread_ms",
)


@pytest.fixture(autouse=True)
def _entry() -> Iterator[None]:
    COLUMNS["spread"] = SPREAD
    yield
    del COLUMNS["spread"]


def table(width: int, **changes: object) -> str:
    hops = folded(path(5, **changes)).run.hops
    layout = lay_out(columns_of("latency"), width, ColumnDemand().grown_to(hops))
    return "\n".join([header(layout), *(row_text(hop, layout) for hop in hops)])


@pytest.mark.parametrize("width", [80, 200])
def test_the_table_shows_it(width: int) -> None:
    hops = folded(path(5)).run.hops
    title, *rows = table(width).splitlines()
    assert title.index(" Max") < title.index("Spread")
    end = title.index("Spread") + len("Spread")
    assert rows[1][:end].split()[-1] == f"{spread(hops[1]) / 1e6:.2f}"


def test_it_goes_where_a_terminal_is_too_narrow_for_it() -> None:
    assert "Spread" not in table(70)
    assert "Max" in table(70)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_the_view_and_its_chooser_show_it(size: tuple[int, int]) -> None:
    async with watching(size=size) as watch:
        assert "Spread" in watch.text("#hops").splitlines()[0]
        await watch.press("o")
        lines = [str(one.prompt) for one in watch.app.screen.query_one(OptionList).options]
        assert "[x] Spread  Largest RTT less the smallest" in lines


def test_the_config_may_name_it(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[columns]\njitter = ['loss', 'spread']\n")
    assert load_config(file).columns == {"jitter": ("loss", "spread")}
    file.write_text("[columns]\njitter = ['nonesuch']\n")
    with pytest.raises(ConfigError, match="spread"):
        load_config(file)


def test_the_json_has_its_key() -> None:
    snapshot = folded(path(5))
    hubs = json.loads(render_json(snapshot, ReportLayout()))["report"]["hubs"]
    assert hubs[1]["spread_ms"] == round(spread(snapshot.run.hops[1]) / 1e6, 3)
    assert hubs[2]["spread_ms"] is None, "nothing answers there"
