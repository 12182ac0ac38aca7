"""The lab: probes answered a second, a configured delay as it shows, and the first full table."""

import argparse
import os
import re
import select
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.common import percentile, table
from tests.helpers.lab.lab_commands import ENTER_LAB
from tests.helpers.network import tui_trace_process
from tests.helpers.network.netns import Netns, make_all
from tests.helpers.network.terminals import Terminal
from tui_trace.lab import load_scenario
from tui_trace.lab.packets import checksum

DELAY = """title = "One hop at ten milliseconds"
[[hops]]
name = "target.example"
v4 = "198.18.0.1"
delay = 10
"""


def _inside(scenario: str, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ENTER_LAB), scenario, *command],
        capture_output=True,
        text=True,
        check=True,
        env=tui_trace_process.environment(),
    )
    return done.stdout


def _cpu(pid: int) -> float:
    """Seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def flood(lab: int, target: str, hops: int, rate: int, seconds: int) -> None:
    """Inside: echo requests at `rate` a second, TTLs in turn; prints what came of them."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sender.setblocking(False)
    count = rate * seconds
    began, used = time.monotonic(), _cpu(lab)
    sent = answered = 0
    until = None
    while until is None or time.monotonic() < until:
        due = min(count, int((time.monotonic() - began) * rate))
        while sent < due:
            message = struct.pack("!BBHHH", 8, 0, 0, 7, sent & 0xFFFF) + bytes(36)
            message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, sent % hops + 1)
            sender.sendto(message, (target, 0))
            sent += 1
        if sent == count and until is None:
            until = time.monotonic() + 1
        select.select([sender], [], [], 0.0005)
        while True:
            try:
                sender.recv(2048)
            except BlockingIOError:
                break
            answered += 1
    print(sent, answered, _cpu(lab) - used)


def _first_table(space: Netns) -> float:
    """ms from process start until every hop of the default scenario stands in the table."""
    wanted = [str(hop.v4) for hop in load_scenario().hops]
    program = tui_trace_process.command("--lab", "plain", "-n")
    with Terminal(space, program, rows=50, env=tui_trace_process.environment()) as terminal:
        stamp = terminal.started
        while True:
            rows = [line for line in terminal.lines if re.match(r"\W*\d+\W", line)]
            if all(any(f" {address} " in row for row in rows) for address in wanted):
                return (stamp - terminal.started) / 1e6
            read = terminal.read(20)
            assert read is not None, "\n".join(terminal.lines)
            stamp = read


def run(seconds: int, times: int) -> None:
    """Measure and print."""
    plain = load_scenario()
    rows: list[list[object]] = []
    for rate in (1000, 3000, 5000, 10_000):
        arguments = ["@lab", str(plain.target.v4), str(len(plain.hops)), str(rate), str(seconds)]
        said = _inside("plain", sys.executable, "-m", "tests.bench.lab", "--flood", *arguments)
        sent, answered, used = said.split()
        rows.append([rate, sent, answered, 1e6 * float(used) / int(sent)])
    table(
        f"Echo requests over the default scenario for {seconds} s",
        ["a second", "sent", "answered", "CPU of the lab a probe, µs"],
        rows,
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "delay.toml"
        file.write_text(DELAY)
        said = _inside(str(file), "ping", "-n", "-c", "500", "-i", "0.01", "198.18.0.1")
    rtts = [float(text) for text in re.findall(r"time=([\d.]+)", said)]
    table(
        "A configured delay of 10 ms by ping (kernel stamps), ms",
        ["answers", "min", "median", "99th percentile"],
        [
            [
                len(rtts),
                *(f"{x:.3f}" for x in (min(rtts), statistics.median(rtts), percentile(rtts, 99))),
            ]
        ],
    )
    (space,) = make_all(["lab"])
    try:
        found = [_first_table(space) for _ in range(times)]
    finally:
        space.delete()
    table(
        "tui-trace --lab: from process start to the first full table, ms",
        ["runs", "median", "worst"],
        [[times, statistics.median(found), max(found)]],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--flood", nargs=5)
    given = parser.parse_args()
    if given.flood:
        lab, target, hops, rate, seconds = given.flood
        flood(int(lab), target, int(hops), int(rate), int(seconds))
    else:
        run(given.seconds, given.times)
