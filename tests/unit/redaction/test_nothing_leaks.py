"""What `--hide` hides is in no output, and what is left means the same."""

import io
import queue
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.recordings.recording_builders import Told, record
from tests.helpers.secret_sessions import Secrets, address_of, secret_sessions
from tui_trace.app.control.export import ENDINGS, View, export
from tui_trace.app.control.history import SessionHistory
from tui_trace.app.render.final_table import format_final_table
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S
from tui_trace.core.source_filter import SourceFilter
from tui_trace.recording import RecordedSource, Recording
from tui_trace.recording.episode_runs import episode_runs
from tui_trace.recording.redacted_source import RedactedSource
from tui_trace.recording.stretch import read_stretch
from tui_trace.redaction.redactor import Redactor
from tui_trace.report.collector import Collector, runs_of
from tui_trace.report.jsonl import JsonLines
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.printer import REPORTS
from tui_trace.session.host_labels import LabelMode
from tui_trace.session.snapshot import Run, Snapshot

NEAR = 2
LAYOUTS = (ReportLayout(wide=True), ReportLayout(wide=True, both=True, about=0))


def leaks(shown: str, secrets: Iterable[str]) -> list[str]:
    shown = shown.casefold()
    return [secret for secret in secrets if secret.casefold() in shown]


def everything(snapshot: Snapshot, runs: tuple[Run, ...]) -> str:
    """All that there is to be shown, in any report or view, and each of the reports."""
    texts = [repr(snapshot), repr(runs)]
    for layout in LAYOUTS:
        texts += [kind.render(snapshot, layout, runs) for kind in REPORTS.values()]
    texts += [format_final_table(snapshot, width) for width in (40, 80, 200)]
    return "\n".join(texts)


@pytest.mark.parametrize("private", [False, True])
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_no_report_and_no_view_of_a_live_session(data: st.DataObject, private: bool) -> None:
    found: Secrets = data.draw(secret_sessions(NEAR))
    redactor = Redactor(0 if private else NEAR, private=private)
    collector, plain = Collector(), Collector()
    RedactedSource(Told(found.events), redactor).run(collector)
    Told(found.events).run(plain)
    secrets = found.private if private else found.near
    assert leaks(everything(collector.snapshot(), collector.runs()), secrets) == []
    # hop numbers and figures stay
    assert [figures(run) for run in collector.runs()] == [figures(run) for run in plain.runs()]
    assert [one.letter for one in collector.snapshot().paths] == [
        one.letter for one in plain.snapshot().paths
    ]
    assert [(one.finding.kind, one.finding.hop) for one in collector.snapshot().episodes] == [
        (one.finding.kind, one.finding.hop) for one in plain.snapshot().episodes
    ]


def figures(run: Run) -> list[object]:
    return [
        (hop.ttl, hop.sent, hop.lost, hop.figures, len(hop.responders), hop.recent)
        for hop in run.hops
    ]


@pytest.mark.parametrize("private", [False, True])
@given(data=st.data())
@settings(max_examples=5, deadline=None)
def test_no_report_of_a_recording_and_none_of_its_events(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, private: bool
) -> None:
    found: Secrets = data.draw(secret_sessions(NEAR))
    path = tmp_path_factory.mktemp("hidden") / "a"
    record(found.events, path)
    whole = path.read_bytes()
    secrets = found.private if private else found.near
    with Recording(path, Redactor(0 if private else NEAR, private=private)) as played:
        stream = io.BytesIO()
        lines = JsonLines(stream, stop=lambda: None)
        for event in played.events():
            lines.event(event)
        assert leaks(stream.getvalue().decode(), secrets) == []
        for at in (0, played.end // 2, played.end):
            session = played.session(at)
            assert leaks(everything(session.snapshot(), runs_of(session)), secrets) == []
        part = read_stretch(played, played.end // 3, played.end)
        snapshot = msgspec.structs.replace(
            part.snapshot, during=episode_runs(played, part.snapshot)
        )
        assert leaks(everything(snapshot, part.runs), secrets) == []
    assert path.read_bytes() == whole


def test_the_stream_hides_what_is_known_to_be_near_by_then() -> None:
    ours, theirs = address_of(1, private=False), address_of(9, private=False)
    events = [
        ev.SessionBegan(0, 0, "t", "203.0.113.80", 4, "198.18.99.77", "0"),
        *(
            ev.Reply(
                NS_PER_S, 1, ttl, ttl, at, ev.ReplyKind.TIME_EXCEEDED, 1, ev.Stamp.KERNEL,
                ev.Stamp.KERNEL,
            )
            for ttl, at in ((1, ours), (5, theirs), (7, ours))
        ),
        ev.Notice(at=NS_PER_S, text=f"{ours}, {theirs} and 198.18.99.77:33434."),
    ]  # fmt: skip
    stream = io.BytesIO()
    RedactedSource(Told(events), Redactor(NEAR)).run(JsonLines(stream, stop=lambda: None))
    shown = stream.getvalue().decode()
    assert "hidden-2, 198.18.9.109 and hidden-1:33434." in shown
    assert leaks(shown, [ours, "198.18.99.77"]) == []


class Recorder(SourceFilter):
    """Keeps what passes, as a recorder does."""

    def __init__(self, source: Told) -> None:
        super().__init__(source)
        self.kept: list[ev.Event] = []

    def event(self, event: ev.Event) -> None:
        self.kept.append(event)
        super().event(event)


@given(found=secret_sessions(NEAR))
@settings(max_examples=10, deadline=None)
def test_what_stands_below_has_the_whole_stream(found: Secrets) -> None:
    below = Recorder(Told(found.events))
    RedactedSource(below, Redactor(NEAR, private=True)).run(Collector())
    assert below.kept == found.events


@given(found=secret_sessions(NEAR))
@settings(max_examples=4, deadline=None)
def test_no_export_and_no_past_of_the_view(
    tmp_path_factory: pytest.TempPathFactory, found: Secrets
) -> None:
    folder = tmp_path_factory.mktemp("export")
    told = RecordedSource(Told(found.events), folder / "recording")
    source = RedactedSource(told, Redactor(NEAR))
    collector = Collector()
    source.run(collector)
    arrived: queue.Queue[object] = queue.Queue()
    history = SessionHistory(source, arrived.put)
    assert history.why_not is None
    history.fetch(found.events[-1].at // 2)
    past = arrived.get(timeout=10)
    assert isinstance(past, Snapshot)
    assert leaks(repr(past), found.near) == []
    view = View(
        collector.snapshot(), "<svg/>", ("host", "loss"), LabelMode.NAME,
        history.file, history.redactor,
    )  # fmt: skip
    for ending in ENDINGS:
        export(view, str(folder / f"out{ending}"))
        assert leaks((folder / f"out{ending}").read_text(), found.near) == []
    history.close()
