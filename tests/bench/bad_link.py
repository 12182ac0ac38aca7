"""The live view on a bad link, beside mtr: bytes written, the first full table, and `q`.

Both trace the same chain of namespaces once a second, in a terminal of 80 × 24 that takes so many
bytes a second. `q` is timed to the end of the process, and to the last byte that the terminal takes
after it: what the kernel still holds for the terminal when the process has gone is not lost. The
terminal answers what it is asked, as terminals do; `silent` is one that never does.
"""

import argparse
import math
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.bench.common import table
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.slow_terminal import SlowTerminal

HOPS = (6, 32)
RATES = (960.0, 2000.0, 5000.0)
FIRST = 9600.0
SECONDS = 25.0
"""Watched for the bytes."""
BEFORE_Q = 12.0
"""Seconds from the start of a program until `q` is typed."""
LONGEST = 45.0
"""Seconds that a program gets to end."""
_ROW = re.compile(r"^\W*\d+\W+\S")


_MTRS_COLUMNS = '[columns]\nlatency = ["loss", "sent", "last", "min", "avg", "max"]\n'
"""What mtr shows, too: no sparkline, no notes."""


class Program(NamedTuple):
    """What is run, and whether its terminal answers."""

    name: str
    args: list[str]
    answers: bool = True
    config: str = ""


def programs(chain: Chain) -> list[Program]:
    """Ours with a terminal that answers and one that does not, and mtr."""
    target = chain.target_address()
    limits = ["-n", "-m", "40"]
    ours = tui_trace_process.command(*limits, target)
    return [
        Program("tui-trace", ours),
        Program("tui-trace, silent", ours, answers=False),
        Program("mtr", ["mtr", *limits, target]),
    ]


def _same_information(chain: Chain) -> list[Program]:
    """Ours drawn once a second, and with no more than mtr shows."""
    ours = programs(chain)[0]
    return [
        ours._replace(name="tui-trace, refresh = 1", config="refresh = 1\n"),
        ours._replace(name="tui-trace, mtr's columns", config=_MTRS_COLUMNS),
        ours._replace(name="both", config="refresh = 1\n" + _MTRS_COLUMNS),
    ]


@contextmanager
def _terminal(chain: Chain, program: Program, rate: float | None) -> Iterator[SlowTerminal]:
    with TemporaryDirectory(prefix="tt-config-") as folder:
        file = Path(folder, "tui-trace", "config.toml")
        file.parent.mkdir()
        file.write_text(program.config)
        env = tui_trace_process.environment() | {"XDG_CONFIG_HOME": folder}
        with SlowTerminal(
            chain.client.popen,
            program.args,
            rate=rate,
            answers=program.answers,
            env=env | {"COLORTERM": "truecolor"},
        ) as terminal:
            yield terminal


def written(chain: Chain, program: Program) -> int:
    """Bytes in `SECONDS` from the start on."""
    with _terminal(chain, program, None) as terminal:
        time.sleep(SECONDS)
        return len(terminal.raw)


def first_table(chain: Chain, program: Program) -> float:
    """Seconds from the start of the process to the first full table."""
    with _terminal(chain, program, FIRST) as terminal:
        return terminal.wait_for(is_full(chain)) - terminal.started


def is_full(chain: Chain) -> Callable[[list[str]], bool]:
    """Whether every hop has its row with its address, or as many as there are lines for."""

    def shows(lines: list[str]) -> bool:
        found = {ttl for ttl in range(1, chain.length + 1) if _has_row(lines, chain.hop(ttl))}
        # of a path that does not fit the program shows a part without a gap
        return len(found) >= min(chain.length, 12)

    return shows


def _has_row(lines: list[str], address: str) -> bool:
    shown = re.compile(rf"\b{re.escape(address)}(?![\d.])")
    return any(_ROW.match(line) and shown.search(line) for line in lines)


def left(chain: Chain, program: Program, rate: float) -> tuple[float, float]:
    """Seconds from `q` to the end of the process, and to the last byte."""
    with _terminal(chain, program, rate) as terminal:
        time.sleep(max(terminal.started + BEFORE_Q - time.monotonic(), 0))
        pressed = time.monotonic()
        terminal.press(b"q")
        try:
            ended = terminal.wait(LONGEST)
        except subprocess.TimeoutExpired:
            return math.inf, math.inf
        return ended - pressed, terminal.drained(LONGEST) - pressed


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < math.inf else f"> {LONGEST:g}"


def _ratio(value: float, beside: float) -> str:
    return f"{value / beside:.1f}" if value < math.inf else "–"


def run(times: int, hops: tuple[int, ...]) -> None:
    """Start each program so many times, and print medians."""
    for length in hops:
        with Chain(length - 1) as chain:
            rows: list[list[object]] = []
            found: dict[str, list[float]] = {}
            for program in programs(chain):
                quits = [
                    statistics.median(column)
                    for rate in RATES
                    for column in zip(
                        *(left(chain, program, rate) for _ in range(times)), strict=True
                    )
                ]
                first = statistics.median(first_table(chain, program) for _ in range(times))
                found[program.name] = [written(chain, program), first, *quits]
            peer = found["mtr"]
            for name, figures in found.items():
                rows.append([name, str(round(figures[0])), *map(_seconds, figures[1:])])
                if name != "mtr":
                    ratios = (_ratio(*pair) for pair in zip(figures, peer, strict=True))
                    rows.append([f"{name} / mtr", *ratios])
            head = ["program", f"bytes in {SECONDS:g} s", f"first table at {FIRST:g} B/s"]
            for rate in RATES:
                head += [f"q at {rate:g} B/s", "last byte"]
            for program in _same_information(chain):
                count = written(chain, program)
                rows.append([program.name, str(count)] + ["–"] * 7)
                rows.append([f"{program.name} / mtr", _ratio(count, peer[0])] + ["–"] * 7)
            table(f"{length} hops, 80 × 24, once a second; seconds, median of {times}", head, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--hops", type=int, nargs="+", default=HOPS)
    chosen = parser.parse_args()
    run(chosen.times, tuple(chosen.hops))
