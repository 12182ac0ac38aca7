"""The options of the morning: times of a stretch, and what is hidden."""

import os
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from tui_trace.core.settings import NS_PER_S, SettingError, UsageError
from tui_trace.core.stream import SourceError
from tui_trace.options.command_line import Options, parse_command_line
from tui_trace.options.output import Output
from tui_trace.options.stretch import HideOptions


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    os.environ.setdefault("TZ", "")
    time.tzset()


def parse(words: str) -> Options:
    return parse_command_line(["--replay", "x", *words.split()])


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * NS_PER_S


def bounds(words: str, begin: str, end: str) -> tuple[str, str]:
    wall = at(begin)
    found = parse(f"-r {words}").stretch.bounds(wall, at(end) - wall)
    since, until = (datetime.fromtimestamp((wall + one) // NS_PER_S) for one in found)
    return since.isoformat(), until.isoformat()


DAY = ("2026-03-04T12:00:00+01:00", "2026-03-05T09:00:00+01:00")


@pytest.mark.parametrize(
    ("words", "since", "until"),
    [
        ("--report-since 22:00 --until 06:00", "2026-03-04T22:00:00", "2026-03-05T06:00:00"),
        ("--report-since 22:00:30", "2026-03-04T22:00:30", "2026-03-05T09:00:00"),
        ("--until 06:00", "2026-03-04T12:00:00", "2026-03-05T06:00:00"),
        ("--report-since 8:00", "2026-03-05T08:00:00", "2026-03-05T09:00:00"),
        ("--report-since -8h --until -2h", "2026-03-05T01:00:00", "2026-03-05T07:00:00"),
        ("--report-since=-90m", "2026-03-05T07:30:00", "2026-03-05T09:00:00"),
        ("--report-since 2026-03-04T22:00:00Z", "2026-03-04T23:00:00", "2026-03-05T09:00:00"),
        # what was not recorded cannot be reported
        ("--report-since -30h --until 23:59", "2026-03-04T12:00:00", "2026-03-04T23:59:00"),
    ],
)
def test_times_are_local_and_count_from_the_end(words: str, since: str, until: str) -> None:
    assert bounds(words, *DAY) == (since, until)


def test_the_night_that_has_an_hour_less() -> None:
    night = ("2026-03-28T12:00:00+01:00", "2026-03-29T09:00:00+02:00")
    wall = at(night[0])
    begin, end = parse("-r --report-since 22:00 --until 06:00").stretch.bounds(
        wall, at(night[1]) - wall
    )
    assert end - begin == 7 * 3600 * NS_PER_S


@pytest.mark.parametrize(
    "words", ["25:00", "22:61", "-8", "-8y", "yesterday", "2026-13-01T00:00:00Z", "", "22"]
)
@pytest.mark.parametrize("option", ["--report-since", "--until"])
def test_what_is_no_time_is_one_line(option: str, words: str) -> None:
    with pytest.raises(SettingError, match=f"{option} takes a time of day"):
        parse_command_line(["--replay", "x", "-r", f"{option}={words}"])


def test_what_ends_before_it_begins_is_one_line() -> None:
    with pytest.raises(SettingError, match="--until takes a time after --report-since"):
        bounds("--report-since -1h --until -2h", *DAY)


def test_what_was_not_recorded_is_one_line() -> None:
    with pytest.raises(SourceError, match="nothing was recorded since 2027"):
        bounds("--report-since 2027-01-01T00:00:00Z", *DAY)
    with pytest.raises(SourceError, match="no time of day"):
        parse("-r --report-since 22:00").stretch.bounds(0, NS_PER_S)


@pytest.mark.parametrize("words", ["--report-since 22:00", "--until 6:00", "--until 6:00 --jsonl"])
def test_a_stretch_needs_a_report(words: str) -> None:
    with pytest.raises(UsageError, match="is for a report of a recording"):
        parse(words)


@pytest.mark.parametrize(
    ("text", "hides"),
    [
        ("2", HideOptions(2, False)),
        ("private", HideOptions(0, True)),
        ("2,private", HideOptions(2, True)),
        ("PRIVATE, 3", HideOptions(3, True)),
    ],
)
def test_hide_takes_a_ttl_or_private_or_both(text: str, hides: HideOptions) -> None:
    assert parse_command_line(["h", "--hide", text]).hide == hides


@pytest.mark.parametrize("text", ["0", "256", "-1", "two", "", "2,", "9" * 5000])
def test_what_cannot_be_hidden_is_one_line(text: str) -> None:
    with pytest.raises(SettingError, match="--hide takes a TTL"):
        parse_command_line(["h", f"--hide={text}"])


def test_html_is_an_output_as_the_others() -> None:
    options = parse_command_line(["-r", "--html", "h"])
    assert (options.output, options.pace.rounds) == (Output.HTML, 10)
