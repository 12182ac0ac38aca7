"""`--html`: one file that loads nothing and runs nothing, whatever strangers call themselves."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.helpers.generated_sessions import World, between, deal, routers
from tests.helpers.hostile_text import EVIL
from tests.helpers.recordings.recording_builders import record
from tests.unit.report.test_hostile_sinks import Hostile, harmless
from tui_trace.cli.main import main
from tui_trace.core import privileges
from tui_trace.recording import Recording
from tui_trace.recording.episode_runs import episode_runs
from tui_trace.report.collector import Collector
from tui_trace.report.html import render_html
from tui_trace.report.html_style import STYLE
from tui_trace.report.mtr_fields import ReportLayout

MARKUP = "<script src=//evil.example>alert(1)</script><img src=x onerror=y>\"'&amp;]]>-->"


class Page(HTMLParser):
    """The tags of a document, its attributes and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attributes]

    def handle_data(self, data: str) -> None:
        self.text += data


def is_alone(text: str) -> Page:
    """It loads nothing, and nothing in it runs."""
    page = Page(text)
    assert not {*page.tags} & {"script", "img", "link", "iframe", "object", "a", "form", "base"}
    names = {name for name, _ in page.attributes}
    assert not [name for name in names if name.startswith("on")]
    assert not names & {"src", "href", "style", "srcset", "action"}
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    policies = [value for name, value in page.attributes if value.startswith("default-src")]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'; style-src 'sha256-")
    return page


@pytest.mark.parametrize("evil", [*EVIL, MARKUP])
def test_hostile_text_is_text(evil: str) -> None:
    collector = Collector()
    Hostile(evil).run(collector)
    layout = ReportLayout(wide=True, both=True, about=2)
    text = render_html(collector.snapshot(), layout, collector.runs())
    harmless(text.replace(STYLE, ""))
    page = is_alone(text)
    if evil == MARKUP:
        assert MARKUP in page.text


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nodes = routers(4)
    nodes[2].drops = between(60, 90, lambda _at, _rng: True)
    return record(list(deal(World.of(nodes), 150, 1)), tmp_path_factory.mktemp("html") / "a")


def test_it_has_a_strip_and_a_table_at_each_episode(outage: Path) -> None:
    with Recording(outage) as played:
        collector = Collector()
        for event in played.events():
            collector.event(event)
        snapshot = collector.snapshot()
        (during,) = episode_runs(played, snapshot)
    assert during is not None
    lost = [hop.lost / (hop.lost + hop.figures.count) for hop in during.hops]
    assert [round(share) for share in lost] == [0, 0, 1, 1, 1]
    text = render_html(replace(snapshot, during=(during,)), ReportLayout(), collector.runs())
    page = is_alone(text)
    assert page.tags.count("table") == 2
    assert page.tags.count("svg") == 1
    assert "target was silent" in page.text
    assert len(re.findall(r'class="band"', text)) == 1


def test_the_command_prints_one_document(
    outage: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(privileges, "give_up_rights", lambda _preload: None)
    assert main(["--replay", str(outage), "--html", "--hide", "2"]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert text.count("<!DOCTYPE html>") == text.count("</html>") == 1
    page = is_alone(text)
    assert page.tags.count("table") == 2
    assert "10.0.3.1" in page.text
    assert "10.0.2.1" not in text
