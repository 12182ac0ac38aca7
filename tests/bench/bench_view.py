"""What the live view costs: `python -m tests.bench.bench_view`.

The app runs in a pseudo-terminal of 120 × 40 that is read as fast as it writes. Its source emits
real events for 30 hops, all of which change every time; they are folded and painted on the way
that a real trace goes. Printed is the CPU time of the process (user and system) as a share of one
core, and beside it what the source and the fold need without a view.
"""

import os
import pty
import select
import struct
import sys
import threading
import time
from collections.abc import Iterable
from fcntl import ioctl
from termios import TIOCSWINSZ

from tests.helpers.app.fake_source import began, reply
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.render.table_layout import TableLayout
from tui_trace.app.source_thread import SnapshotSink
from tui_trace.app.widgets import hop_table
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings, SettingsHistory
from tui_trace.session.host_labels import HostLabels
from tui_trace.session.snapshot import Hop

HOPS = 30
SECONDS = 10.0
SETTLE = 2.0


class Busy:
    """30 hops, all answering `rate` times a second."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.stopped = threading.Event()

    def command(self, command: object) -> None:
        """Nothing to be asked."""

    def stop(self) -> None:
        self.stopped.set()

    def run(self, sink) -> None:
        sink.event(began())
        sink.event(ev.PaceSet(at=0, pace=Pace()))
        sink.event(ev.RunOpened(at=0, run=1, settings=ProbeSettings()))
        start = time.monotonic()
        number = 0
        while not self.stopped.is_set():
            number += 1
            at = round((time.monotonic() - start) * NS_PER_S)
            sink.event(ev.RoundBegan(at=at, run=1, round=number))
            for ttl in range(1, HOPS + 1):
                probe = number * HOPS + ttl
                rtt = ttl * (1 + (number * 7919 + ttl * 104729) % 97 / 97)
                sink.event(ev.ProbeSent(at=at, run=1, probe=probe, ttl=ttl))
                sink.event(reply(1, probe, ttl, f"203.0.113.{ttl}", rtt, at))
            sink.pulse(at)
            self.stopped.wait(max(start + number / self.rate - time.monotonic(), 0))
        sink.event(ev.SessionEnded(at=at))


def live(rate: float) -> None:
    """In the child: run the app for a while, tell the share on descriptor 3."""
    source = Busy(rate)
    settings = ProbeSettings()
    app = TraceApp(
        lambda *_: source, source, SettingsHistory(settings), Pace(), Config(refresh=max(rate, 10))
    )
    built = 0
    build = hop_table.row

    def counted(hop: Hop, layout: TableLayout, labels: HostLabels) -> list[StyledLine]:
        nonlocal built
        built += 1
        return build(hop, layout, labels)

    hop_table.row = counted
    threading.Thread(target=tell, args=(lambda: built,), daemon=True).start()
    app.run()


def folded(rate: float) -> None:
    """In the child: the same without a view."""
    source = Busy(rate)
    threading.Thread(target=tell, args=(lambda: 0,), daemon=True).start()
    source.run(SnapshotSink(lambda _: None, max(rate, 10)))


def tell(rows) -> None:
    time.sleep(SETTLE)
    cpu, wall, built = time.process_time(), time.monotonic(), rows()
    time.sleep(SECONDS)
    share = (time.process_time() - cpu) / (time.monotonic() - wall)
    painted = (rows() - built) / (time.monotonic() - wall)
    os.write(3, f"{share:.4f} {painted:.0f}".encode())
    os._exit(0)


def in_terminal(kind: str, rate: float) -> tuple[float, float]:
    """Share of a core, and rows built a second."""
    reader, writer = os.pipe()
    pid, terminal = pty.fork()
    if pid == 0:
        os.dup2(writer, 3)
        os.environ["TERM"] = "xterm-256color"
        os.environ["COLORTERM"] = "truecolor"
        os.environ.pop("NO_COLOR", None)
        command = [sys.executable, "-m", "tests.bench.bench_view", kind, str(rate)]
        os.set_inheritable(3, True)
        os.execv(sys.executable, command)
    os.close(writer)
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    said = b""
    drawn = 0
    deadline = time.monotonic() + SETTLE + SECONDS + 20
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal, reader], [], [], 1)
        if reader in ready:
            said = os.read(reader, 100)
            break
        if terminal in ready:
            try:
                drawn += len(os.read(terminal, 65536))
            except OSError:
                break
    os.close(reader)
    os.close(terminal)
    os.waitpid(pid, 0)
    if not said:
        raise SystemExit("the view said nothing")
    share, rows = said.split()
    return float(share), float(rows)


def main(rates: Iterable[float] = (1, 5, 10)) -> None:
    print(f"{HOPS} hops, all cells changing, 120 × 40, {SECONDS:g} s each; % of one core")
    print(f"{'Hz':>4} {'view and all':>13} {'events, fold':>13} {'rows built/s':>13}")
    for rate in rates:
        share, rows = in_terminal("live", rate)
        without, _ = in_terminal("folded", rate)
        print(f"{rate:>4g} {100 * share:>12.1f}% {100 * without:>12.1f}% {rows:>13.0f}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        {"live": live, "folded": folded}[sys.argv[1]](float(sys.argv[2]))
    else:
        main()
