"""Whatever a file holds, reading it ends with sessions or with the one error, in one line."""

import random
import re
import time
from pathlib import Path

import pytest

from tests.helpers.event_builders import EVENTS
from tests.helpers.results import FOLDER, snapshots_of
from tui_trace.core.events import encode
from tui_trace.core.stream import SourceError
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.printer import REPORTS
from tui_trace.results import json_text, result_input
from tui_trace.results.errors import ResultError
from tui_trace.results.temporary_recording import TemporaryRecording

SAMPLES = [path.read_bytes() for path in sorted(FOLDER.iterdir())] + [
    b"".join(encode(event) + b"\n" for event in EVENTS)
]
NUMBERS = [b"-1", b"0", b"NaN", b"Infinity", b"-Infinity", b"1e400", b"1e308", b"9" * 400, b"2e9"]
NUMBERS += [b"9223372036854775807", b"-9223372036854775808", b"0.1e-300", b"255", b"256", b"65536"]
VALUES = [b"null", b"true", b"[]", b"{}", b'""', b'"\\u0000\\u001b[2J\\u202e\\ud800"', b'"\xff"']
VALUES += [b'"' + b"A" * 5000 + b'"', b"[" * 100 + b"]" * 100, b"[" * 50_000]
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")
_STRING = re.compile(rb'"[^"]*"')


def mutated(random: random.Random) -> bytes:
    """A file of ours or of another program with some of its bytes or values changed."""
    content = random.choice(SAMPLES)
    for _ in range(random.randint(1, 3)):
        places = list((_NUMBER if random.random() < 0.6 else _STRING).finditer(content))
        match random.randrange(7):
            case 0 if content:
                place = random.randrange(len(content))
                content = content[:place] + bytes([random.randrange(256)]) + content[place + 1 :]
            case 1:
                content = content[: random.randrange(len(content) + 1)]
            case 2 if content:
                start, end = sorted(random.choices(range(len(content)), k=2))
                content = content[:start] + content[end:]
            case 3:
                start = random.randrange(len(content) + 1)
                content = content[:start] + random.choice(SAMPLES)[:2000] + content[start:]
            case _ if places:
                start, end = random.choice(places).span()
                content = content[:start] + random.choice(NUMBERS + VALUES) + content[end:]
    return content


def check(path: Path) -> bool:
    """Read a file and print each report of it; return whether it could be read."""
    try:
        found = snapshots_of(path)
    except ResultError as error:
        line = str(error)
        assert line.isprintable(), line
        assert len(line) <= 1000
        return False
    for snapshot in found[:3]:
        for report in REPORTS.values():
            text = report.render(snapshot, ReportLayout(), ())
            assert "\x1b" not in text
    return True


def check_mutated(folder: Path, seeds: range) -> None:
    path = folder / "x"
    read = 0
    for seed in seeds:
        path.write_bytes(mutated(random.Random(seed)))
        try:
            read += check(path)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
    # both ends of the path are taken
    assert 0.02 * len(seeds) < read < 0.98 * len(seeds)


def test_mutated_files_raise_nothing_else(tmp_path: Path) -> None:
    check_mutated(tmp_path, range(400))


@pytest.mark.slow
def test_the_live_view_takes_a_mutated_file_or_says_why_not(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for seed in range(60):
        path.write_bytes(mutated(random.Random(seed)))
        try:
            with TemporaryRecording(str(path)) as recording:
                recording.snapshot(recording.end)
        except SourceError as error:
            assert str(error).isprintable()


@pytest.mark.slow
def test_ten_thousand_mutated_files_raise_nothing_else(tmp_path: Path) -> None:
    check_mutated(tmp_path, range(1000, 11_000))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   \n\n",
        b"{",
        b"[",
        b"[]",
        b"{}",
        b"[{}]",
        b"[1]",
        b"[[{}]]",
        b"{}\n{}",
        b"null",
        b"\xff\xfe{",
        b"{" * 100_000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"report":' + b"[" * 100_000,
        b'{"type":"trace","hops":[{"x":' + b"[" * 5000 + b"]" * 5000 + b"}]}",
        b'{"prb_id":1,"type":"traceroute","result":' + b'{"a":' * 900 + b"1" + b"}" * 901,
        b'{"report":{"mtr":{},"hubs":[' + b",".join([b'{"count":1,"host":""}'] * 300) + b"]}}",
        b'{"event":"session-began"}',
        b"SQLite format 3\x00",
        b"]{}",
        b'{"a":"',
        b"{\n" + b'"\\' * 100_000,
        b"{\n" + b'"' * 100_001,
    ],
    ids=range(25),
)
def test_odd_contents_are_one_quick_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    began = time.monotonic()
    assert not check(path)
    assert time.monotonic() - began < 2


def test_the_name_of_the_file_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J\nb"
    path.write_bytes(b"{}")
    assert not check(path)


def test_lines_and_files_have_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_input, "MAX_LINE", 1 << 20)
    monkeypatch.setattr(result_input, "MAX_BYTES", 3 << 20)
    path = tmp_path / "x"
    path.write_bytes(b'{"event":"' + b"x" * (1 << 20))
    with pytest.raises(ResultError, match="a line has more than 1 MiB"):
        snapshots_of(path)
    path.write_bytes(b"[" + b" " * (3 << 20))
    with pytest.raises(ResultError, match="more than 3 MiB"):
        snapshots_of(path)


def test_a_device_without_an_end_is_an_error() -> None:
    assert not check(Path("/dev/zero"))
    assert not check(Path("/dev/null"))
    assert not check(Path("/nowhere"))
    assert not check(Path("/"))


def test_documents_are_split_where_they_end() -> None:
    text = b'{"a": "}\\"{"}\n[1, {"b": []}] \x1e{}'
    assert list(json_text.split_documents(text)) == [b'{"a": "}\\"{"}', b'[1, {"b": []}]', b"{}"]
