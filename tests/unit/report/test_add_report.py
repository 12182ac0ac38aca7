"""A report is one entry: what the map says of adding one, done to the letter."""

from collections.abc import Iterator, Sequence

import pytest

from tests.helpers.recordings.recording_builders import Told, rounds
from tui_trace.options.output import Output
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.printer import REPORTS, Report, ReportKind, print_report
from tui_trace.session.snapshot import Run, Snapshot


def render_summary(snapshot: Snapshot, _: ReportLayout, runs: Sequence[Run]) -> str:
    run = snapshot.run
    sent = sum(hop.sent for hop in run.hops)
    return f"{snapshot.target}: {run.rounds} rounds, {sent} probes, {len(runs)} run → ok\n"


@pytest.fixture(params=[False, True], ids=["for people", "for programs"], autouse=True)
def _entry(request: pytest.FixtureRequest) -> Iterator[None]:
    REPORTS["summary"] = ReportKind(render_summary, for_programs=request.param)
    yield
    del REPORTS["summary"]


def test_a_report_that_was_added_is_printed_when_the_source_has_ended(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    print_report(Told(rounds(3)), Report("summary"))
    assert capfdbinary.readouterr().out.decode() == "t: 3 rounds, 90 probes, 1 run → ok\n"


def test_every_report_has_an_option_and_every_option_a_report() -> None:
    others = {Output.LIVE.value, Output.JSON_LINES.value, Output.WATCH.value}
    assert {output.value for output in Output} - others == set(REPORTS) - {"summary"}
