"""What a search for the path MTU says of simulated paths whose truth is known: how often wrong.

No packets: each probe is answered, refused or lost by chance, at the time that the search gives it.
"""

import argparse
import random
from collections import Counter

from tests.bench.common import table
from tui_trace.core.events import MtuSearchEnd, MtuSource, ReplyKind
from tui_trace.engine.mtu_search import MtuSearch, SizedProbe

LENGTH = 8
LARGEST, SMALLEST = 1500, 28
RTT, TIMEOUT = 20_000_000, 1_000_000_000
"""Nanoseconds until an answer, and until a probe is given up."""
STEPS = 5000


def decided(
    search: MtuSearch, probe: SizedProbe, loss: float, hop: int, mtu: int, tells: bool
) -> int:
    """Tell the search what becomes of a probe; return how long (ns) that took."""
    if probe.size > mtu and probe.ttl >= hop:
        if tells and random.random() >= loss:
            search.on_reply(probe, f"10.0.0.{hop - 1}", ReplyKind.TOO_BIG, mtu, is_end=False)
            return RTT
    elif random.random() >= loss:
        is_end = probe.ttl >= LENGTH
        kind = ReplyKind.ECHO if is_end else ReplyKind.TIME_EXCEEDED
        search.on_reply(probe, f"10.0.0.{min(probe.ttl, LENGTH)}", kind, None, is_end=is_end)
        return RTT
    search.on_lost(probe)
    return TIMEOUT


def said(loss: float, kind: str) -> str:
    """Search one path, and return how right it is what was said."""
    hop = random.randint(2, LENGTH)
    mtu = LARGEST if kind == "clean" else random.randint(577, LARGEST - 1)
    search = MtuSearch(family=4, smallest=SMALLEST, largest=LARGEST, first_ttl=1, last_ttl=LENGTH)
    now = 0
    for _ in range(STEPS):
        due = search.next_due(now)
        if search.end is not None or due is None:
            break
        now = due
        probe = search.pop(now)
        if probe is not None:
            now += decided(search, probe, loss, hop, mtu, kind == "told")
    if search.end is not MtuSearchEnd.COMPLETE:
        return "not known"
    limit = {"clean": None, "told": MtuSource.REPORTED, "hole": MtuSource.BLACK_HOLE}[kind]
    if search.low != mtu or (search.limit is MtuSource.BLACK_HOLE) != (kind == "hole"):
        return "wrong size"
    if limit is None:
        return "right"
    if search.near_ttl < hop <= search.far_ttl:
        return "right" if search.far_ttl == search.near_ttl + 1 else "right, between more hops"
    return "wrong place"


def main() -> None:
    """Print how often each verdict is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paths", type=int, default=1000, help="of each line")
    paths = parser.parse_args().paths
    random.seed(1)
    verdicts = ("right", "right, between more hops", "not known", "wrong place", "wrong size")
    rows = []
    for kind in ("clean", "told", "hole"):
        for loss in (0.0, 0.05, 0.2, 0.5):
            found = Counter(said(loss, kind) for _ in range(paths))
            shares = [f"{100 * found[verdict] / paths:.1f} %" for verdict in verdicts]
            rows.append([kind, f"{loss:.0%} lost", *shares])
    table(f"Path MTU of {paths} simulated paths a line", ["path", "loss", *verdicts], rows)


if __name__ == "__main__":
    main()
