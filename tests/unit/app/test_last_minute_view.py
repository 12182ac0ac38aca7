"""`L`: the table of the last minute, and what says that it is one."""

import csv
import json
from pathlib import Path

import pytest

from tests.helpers.app.app_driver import Watch, recorded, replayed, seen, watching
from tests.helpers.app.fake_source import FakeSource, path, reply
from tui_trace.app.screens.chart_screen import ChartScreen
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S

pytestmark = pytest.mark.slow

HOPS = (("10.0.0.1", 1.0), ("203.0.113.80", 9.0))


def outage(rounds: int = 120) -> list[ev.Event]:
    """A path whose target lost the first ten probes."""
    told = []
    for event in path(rounds, hops=HOPS):
        early = isinstance(event, ev.Reply) and event.ttl == 2 and event.probe <= 20
        if early:
            told.append(ev.ProbeLost(at=event.at, run=1, probe=event.probe, ttl=2))
        else:
            told.append(event)
    return told


def row(watch: Watch, ttl: int) -> list[str]:
    """The words of a row, from the loss on."""
    lines = watch.text("#hops").splitlines()[1:]
    return next(line.strip("› ").split()[2:] for line in lines if line.strip("› ")[:1] == str(ttl))


async def test_a_key_switches_between_the_run_and_the_last_minute() -> None:
    async with watching(FakeSource(outage())) as watch:
        assert row(watch, 2)[:2] == ["!8.3", "120"]
        assert "last 60 s" not in watch.text("#heading")
        await watch.press("L")
        assert row(watch, 2)[:2] == ["0.0", "60"]
        assert " last 60 s " in watch.text("#heading")
        assert "last 60 s" in watch.text("#hops").splitlines()[0]
        await watch.press("L")
        assert row(watch, 2)[:2] == ["!8.3", "120"]
        assert "last 60 s" not in watch.text("#heading") + watch.text("#hops")


async def test_time_alone_moves_the_minute_on() -> None:
    async with watching(FakeSource(outage())) as watch:
        await watch.press("L")
        at = 140 * NS_PER_S
        watch.source.play(ev.ProbeSent(at=at, run=1, probe=900, ttl=1))
        await watch.until(lambda: seen(watch).at >= at)
        await watch.pilot.pause(0.1)
        assert row(watch, 2)[:2] == ["0.0", "40"]


async def test_rows_that_did_not_change_are_not_built_again() -> None:
    async with watching(FakeSource(outage())) as watch:
        await watch.press("L")
        at = seen(watch).at
        table = watch.app.live.table
        before = table.render_line(2)
        watch.source.play(
            ev.ProbeSent(at=at, run=1, probe=900, ttl=1), reply(1, 900, 1, "10.0.0.1", 1.0, at)
        )
        await watch.until(lambda: seen(watch).run.hops[0].sent == 121)
        await watch.pilot.pause(0.1)
        assert table.render_line(2) is before


async def test_the_inspector_and_the_copied_row_say_so() -> None:
    async with watching(FakeSource(outage()), size=(120, 30)) as watch:
        await watch.press("L", "down", "down", "enter")
        assert "last 60 s: 60 sent · 60 answered · 0 lost" in watch.text("#inspector")
        await watch.press("y")
        assert watch.app.clipboard.endswith("  last 60 s")
        await watch.press("L")
        assert "120 sent · 110 answered · 10 lost (8.3 %)" in watch.text("#inspector")
        await watch.press("y")
        assert "last 60 s" not in watch.app.clipboard


async def test_the_charts_show_all_outcomes() -> None:
    async with watching(FakeSource(outage()), size=(120, 40)) as watch:
        await watch.press("L", "g")
        await watch.until(lambda: isinstance(watch.app.screen, ChartScreen))
        await watch.pilot.pause(0.1)
        assert any("answers 110" in " ".join(line.split()) for line in watch.screen_lines)


async def test_an_export_has_the_figures_and_the_words(tmp_path: Path) -> None:
    async with watching(FakeSource(outage())) as watch:
        await watch.press("L")
        for ending in ("txt", "md", "csv", "json", "svg"):
            await watch.press("e")
            await watch.type(str(tmp_path / f"minute.{ending}"))
            file = tmp_path / f"minute.{ending}"
            await watch.until(lambda file=file: file.exists() and not watch.prompt.question)
    text = (tmp_path / "minute.txt").read_text()
    assert text.count("last 60 s") == 2, "above the table, and in its titles"
    assert "Figures of the last 60 s" in (tmp_path / "minute.md").read_text()
    assert "last&#160;60&#160;s" in (tmp_path / "minute.svg").read_text()
    head, *rows = csv.reader((tmp_path / "minute.csv").read_text().splitlines())
    assert head[-1] == "Seconds"
    assert [(one[-1], one[head.index("Snt")]) for one in rows] == [("60", "60")] * 2
    report = json.loads((tmp_path / "minute.json").read_text())["report"]
    assert report["tui_trace"]["window_s"] == 60
    assert [hub["Snt"] for hub in report["hubs"]] == [60, 60]


async def test_it_is_the_minute_before_the_moment_that_is_looked_at(tmp_path: Path) -> None:
    async with recorded(tmp_path, outage()) as watch:
        await watch.press("L")
        assert row(watch, 2)[:2] == ["0.0", "60"]
        await watch.press("home", *["right"] * 30)
        await watch.until(lambda: seen(watch).at < 62 * NS_PER_S)
        await watch.pilot.pause(0.2)
        assert row(watch, 2)[0].startswith("!")
        assert row(watch, 2)[1] == str(min(seen(watch).run.hops[1].sent, 60))
        assert "last 60 s" in watch.text("#heading")
    async with replayed(tmp_path / "one.session") as (again, playback):
        playback.seek(100 * NS_PER_S)
        await again.until(lambda: seen(again).at == 100 * NS_PER_S)
        await again.press("L")
        await again.pilot.pause(0.1)
        # one a second: those of the first 40 s are older
        assert row(again, 2)[:2] == ["0.0", str(seen(again).run.hops[1].sent - 40)]


async def test_sums_of_another_program_have_no_last_minute() -> None:
    summary = ev.HopSummary(
        at=NS_PER_S, run=1, ttl=1, sent=9, lost=1, addresses=("10.0.0.1",), mean=9 * NS_PER_MS
    )
    script = [*path(1, hops=HOPS[:1]), summary]
    async with watching(FakeSource(script)) as watch:
        await watch.until(lambda: seen(watch).run.is_summary)
        await watch.press("L")
        assert "sums only" in "\n".join(watch.screen_lines)
        assert "last 60 s" not in watch.text("#heading")
