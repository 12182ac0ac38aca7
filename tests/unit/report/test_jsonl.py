"""Events as lines, into real pipes and files."""

import errno
import os
import re
import subprocess
import sys
from typing import get_args

import pytest

from tests.helpers.event_builders import EVENTS, reply
from tui_trace.core import events as ev
from tui_trace.core.settings import Pace
from tui_trace.report import jsonl
from tui_trace.report.jsonl import JsonLines


def unexpected():
    raise AssertionError("nothing is wrong with this stream")


def test_every_event_is_out_as_one_line_before_the_next():
    reading, writing = os.pipe()
    with open(reading, "rb") as reader, open(writing, "wb") as writer:
        sink = JsonLines(writer, unexpected)
        for event in EVENTS:
            sink.event(event)
            sink.pulse(event.at)
            line = os.read(reader.fileno(), 65536)
            assert line.endswith(b"\n")
            assert line.count(b"\n") == 1
            assert ev.decode_event(line) == event
    assert sink.failure is None


def test_a_full_disk_asks_for_an_end_once_and_is_told():
    ends = []
    with open("/dev/full", "wb") as full:
        sink = JsonLines(full, lambda: ends.append(1))
        for event in EVENTS:
            sink.event(event)
    assert ends == [1]
    assert sink.failure.errno == errno.ENOSPC


PROGRAM = """
import sys
from tests.helpers.event_builders import EVENTS
from tui_trace.report.jsonl import JsonLines
stopped = []
sink = JsonLines(sys.stdout.buffer, lambda: stopped.append(1))
sink.event(EVENTS[0])
sys.stdin.readline()
for event in EVENTS * 2000:
    sink.event(event)
sys.exit(7 if stopped == [1] and sink.failure is None else 8)
"""


@pytest.mark.parametrize("read_first", [True, False])
def test_a_reader_that_goes_away_ends_it_without_a_word(read_first):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as program:  # fmt: skip
        if read_first:
            assert ev.decode_event(program.stdout.readline()) == EVENTS[0]
        program.stdout.close()
        program.stdin.write(b"\n")
        program.stdin.flush()
        assert program.wait(30) == 7
        assert program.stderr.read() == b""


def test_the_schema_that_is_written_down_is_that_of_the_events():
    """Whoever adds a kind or a key writes it down; whoever takes one away raises the version."""
    table = jsonl.__doc__.split("=\n")[2]
    rows = re.findall(r"^([a-z-]+)(?:, the \w+)? +(.*(?:\n {20,}.*)*)", table, re.M)
    written = {kind: set(re.findall(r"[a-z_0-9]+", text)) for kind, text in rows}
    known = {struct.__struct_config__.tag: struct for struct in get_args(ev.Event)}
    assert set(written) == set(known)
    for kind, struct in known.items():
        fields = set(struct.__struct_encode_fields__) - {"at"}
        assert fields <= written[kind], kind
    for struct, kind in ((Pace, "pace-set"), (ev.SessionBegan, "session-began")):
        assert set(struct.__struct_encode_fields__) - {"at"} <= written[kind]
    assert f"schema version {ev.SCHEMA}." in jsonl.__doc__


def test_a_reader_of_another_version_passes_over_what_it_does_not_know():
    line = ev.encode(reply(1, 1)).replace(b"{", b'{"some_key_of_tomorrow":[1],', 1)
    assert ev.decode_event(line) == reply(1, 1)
