"""What the benchmarks share: tables, busy cores, and errors against the wire."""

import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.helpers.network.capture_rtt import Exchange


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; numbers to one decimal place unless they come as text."""
    cells = [[_text(cell) for cell in row] for row in rows]
    widths = [max(len(row[k]) for row in [list(head), *cells]) for k in range(len(head))]
    print(f"\n{title}\n")
    for row in [list(head), ["-" * width for width in widths], *cells]:
        print(
            "| "
            + " | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            + " |"
        )
    sys.stdout.flush()


def _text(cell: object) -> str:
    if cell is None:
        return "–"
    return f"{cell:.1f}" if isinstance(cell, float) else str(cell)


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many processes that do nothing but take the cores."""
    loop = "import signal\nsignal.alarm(300)\nwhile True: pass"
    running = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def errors_us(told_ns: Sequence[int | None], wire: Sequence[Exchange]) -> list[float]:
    """RTT as told less RTT on the wire in µs, for each probe that both saw answered."""
    assert len(told_ns) == len(wire), f"{len(told_ns)} probes told, {len(wire)} on the wire"
    return [
        (told - exchange.rtt) / 1000
        for told, exchange in zip(told_ns, wire, strict=True)
        if told is not None and exchange.rtt is not None
    ]


def percentile(values: Sequence[float], percent: float) -> float:
    """Of at least one value, the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean, 99th percentile and greatest of the magnitudes."""
    magnitudes = [abs(value) for value in values]
    return statistics.fmean(magnitudes), percentile(magnitudes, 99), max(magnitudes)
