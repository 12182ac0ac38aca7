"""Lines of the log, into real pipes and files."""

import io
import os
import threading

from tui_trace.alerts.log_output import LogOutput


def test_a_full_pipe_stops_nobody_and_all_comes_once_it_is_read():
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as stream:
        output = LogOutput(stream, lambda: None, io.StringIO())
        for number in range(5000):
            output.write(f"{number:0100}")
        with open(reading, encoding="utf-8") as reader:
            assert [int(reader.readline()) for _ in range(5000)] == list(range(5000))
        output.close(5)


def test_a_reader_that_goes_away_asks_for_an_end():
    reading, writing = os.pipe()
    stopped = threading.Event()
    with open(writing, "w", encoding="utf-8") as stream:
        output = LogOutput(stream, stopped.set, io.StringIO())
        os.close(reading)
        output.write("x")
        assert stopped.wait(5)
        output.close(5)


def test_a_full_disk_is_told_once_and_ends_nothing():
    errors = io.StringIO()
    with open("/dev/full", "w", encoding="ascii", errors="replace") as full:
        output = LogOutput(full, lambda: 1 / 0, errors)
        for _ in range(3):
            output.write("±")
        output.close(5)
    assert errors.getvalue() == "tui-trace: standard output: No space left on device\n"
