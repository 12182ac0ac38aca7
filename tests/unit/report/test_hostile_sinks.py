"""Hostile text, should it get past the border where names come in: every sink shows it harmlessly.

A recording that somebody else made is such a way, so the events here are not cleaned before.
"""

import csv
import io
import json
import unicodedata
from pathlib import Path

import msgspec
import pytest

from tests.helpers.event_lines import read_events
from tests.helpers.hostile_text import EVIL
from tui_trace.app.render.final_table import format_final_table
from tui_trace.core import events as ev
from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.core.stream import Command, Sink
from tui_trace.recording import Playback, RecordedSource, Recording
from tui_trace.report import markdown, mtr_csv, mtr_json, mtr_text
from tui_trace.report.collector import Collector
from tui_trace.report.jsonl import JsonLines
from tui_trace.report.mtr_fields import ReportLayout

ADDRESS = "192.0.2.1"
UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


class Hostile:
    """A source whose every text from outside is one of these."""

    def __init__(self, evil: str) -> None:
        self.evil = evil

    def run(self, sink: Sink) -> None:
        evil = self.evil
        for event in (
            ev.SessionBegan(0, 0, evil, ADDRESS, 4, "192.0.2.9", "0"),
            ev.PaceSet(1, Pace()),
            ev.RunOpened(2, 1, ProbeSettings()),
            ev.RoundBegan(3, 1, 1),
            ev.ProbeSent(4, 1, 1, 1),
            ev.Reply(
                *(5, 1, 1, 1, ADDRESS, ReplyKind.ECHO, 1_000_000, Stamp.KERNEL, Stamp.KERNEL),
                reached=True,
            ),
            ev.PathEnd(6, 1, 1, True),
            ev.HostNamed(7, ADDRESS, (evil, evil), True, (evil,)),
            ev.AsnFound(8, ADDRESS, (64500,), evil, evil, evil, (evil,)),
            ev.OwnerFound(9, ADDRESS, evil),
            ev.Located(9, ADDRESS, evil, evil, evil, evil),
            ev.RegistryRecord(10, ADDRESS, evil, evil, evil, evil, evil, evil),
            ev.Notice(11, evil),
            ev.Note(11, evil, 5),
            ev.SendFailed(12, 1, 1, 1, evil),
            ev.SessionEnded(13),
        ):
            sink.event(event)
        sink.pulse(14)

    def command(self, command: Command) -> None:
        pass

    def stop(self) -> None:
        pass


def harmless(shown: str) -> None:
    """Nothing that a terminal obeys, and nothing that makes a line of it two."""
    for line in shown.split("\n"):
        assert not {unicodedata.category(each) for each in line} & UNPRINTABLE, ascii(line)[:200]
        assert len(line) < 3000


def session_of(source: Hostile | Playback) -> Collector:
    collector = Collector()
    source.run(collector)
    return collector


@pytest.mark.parametrize("evil", EVIL)
def test_each_report_and_the_parting_table(evil: str) -> None:
    snapshot = session_of(Hostile(evil)).snapshot()
    for layout in (
        ReportLayout(),
        ReportLayout(wide=True, both=True, about=0),
        ReportLayout(about=1),
        ReportLayout(about=5),
        ReportLayout(about=6),
    ):
        harmless(mtr_text.render_text(snapshot, layout))
        harmless(markdown.render_markdown(snapshot, layout))
        shown = mtr_csv.render_csv(snapshot, layout)
        harmless(shown)
        assert len({len(row) for row in csv.reader(io.StringIO(shown)) if row}) == 1
        shown = mtr_json.render_json(snapshot, layout)
        harmless(shown)
        json.loads(shown)
    for width in (40, 80, 200):
        harmless(format_final_table(snapshot, width))


@pytest.mark.parametrize("evil", EVIL)
def test_the_stream_and_a_recording_of_it(evil: str, tmp_path: Path) -> None:
    stream = io.BytesIO()
    Hostile(evil).run(JsonLines(stream, stop=lambda: None))
    lines = stream.getvalue().decode("ascii").splitlines()
    for line in lines:
        harmless(line[:2000])
    collector = Collector()
    Hostile(evil).run(collector)
    read = Collector()
    for line in lines:
        for event in read_events([line]):
            read.event(event)
    assert read.snapshot() == msgspec.structs.replace(collector.snapshot(), at=13)
    path = tmp_path / "hostile.session"
    RecordedSource(Hostile(evil), path).run(collector)
    with Recording(path) as recording:
        snapshot = session_of(Playback(recording, speed=None)).snapshot()
        harmless(mtr_text.render_text(snapshot, ReportLayout(wide=True)))
