"""What many vantages cost here: one target from ten places by ssh, 15 hops, every second.

The places are ten sessions on one host with a real sshd. Printed is the CPU time of this end: the
program and its ssh processes, without what the start takes.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from tests.bench.common import table
from tests.helpers.network.chain import Chain
from tests.helpers.network.ssh_host import NAME, SshHost
from tests.helpers.network.terminals import Terminal
from tests.helpers.network.tui_trace_process import command

_SHORT = 15
"""Rounds of the session that is subtracted; until its end all places have connected."""


def cpu(host: SshHost, target: str, places: int, rounds: int, *, live: bool) -> float:
    """Return the CPU seconds of a whole session."""
    names = ",".join(f"ssh:{NAME}-{number}" for number in range(places))
    words = command("-n", "-c", str(rounds), "--from", names, target)
    before = _children()
    if live:
        with Terminal(host.viewer, [*words, "--no-record"], env=host.environment) as terminal:
            end = time.monotonic() + rounds
            while (left := end - time.monotonic()) > 0:
                terminal.take(left)
            terminal.write(b"qq")
            terminal.wait(30)
    else:
        host.viewer.run([*words, "-j"], env=host.environment, timeout=rounds + 90)
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=10)
    parser.add_argument("--hops", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=45)
    args = parser.parse_args()
    rows = []
    with (
        Chain(args.hops - 1) as chain,
        tempfile.TemporaryDirectory() as folder,
        SshHost(chain.client, Path(folder)) as host,
    ):
        target = chain.target_address()
        for name, live in (("report", False), ("live view, 120x40", True)):
            short, long = (
                cpu(host, target, args.places, rounds, live=live)
                for rounds in (_SHORT, args.rounds)
            )
            rows.append([name, short, f"{100 * (long - short) / (args.rounds - _SHORT):.1f} %"])
    title = f"{args.places} places by ssh, {args.hops} hops, every second"
    table(title, ["what", f"CPU s of the first {_SHORT} s", "of a core after that"], rows)


if __name__ == "__main__":
    main()
