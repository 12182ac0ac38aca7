"""Nothing is wrong: how small a fault would have been seen."""

from collections.abc import Iterator

from tui_trace.core.settings import NS_PER_MS
from tui_trace.session.evidence import Findable
from tui_trace.session.finders.burst_statistics import bursts_in
from tui_trace.session.finding import Finding, FindingKind, Sure
from tui_trace.session.loss import wilson

_Z = 1.645
"""Of the bound: more loss than that would have been seen in 95 % of cases."""
_LEAST = 20
"""Answers of the target from which on it is said."""


def find_all_well(session: Findable) -> Iterator[Finding]:
    """Find `ok`: the target answers. Who folds it knows whether anything harmful is found."""
    log = session.run.log
    number = session.run.number
    since = max((end for (_, run), end in session.ended.items() if run == number), default=0)
    slots = log.since(since)
    bursts = bursts_in(log.target.lost, log.target.answered, slots)
    if bursts.answered < _LEAST:
        return
    step = session.run.level.smallest_step
    steady = "" if step is None else f", RTT steady within {step / NS_PER_MS:.1f} ms"
    percent = wilson(bursts.lost, bursts.probes, _Z).high
    yield Finding(
        kind=FindingKind.OK,
        harm=False,
        sure=Sure.CERTAIN,
        since=max(log.times[0], since),
        text=f"no loss above {percent:.1f} % in {bursts.probes} probes{steady}",
        past=f"there was no loss above {percent:.1f} % in {bursts.probes} probes{steady}",
        short="ok",
        run=number,
        evidence={
            "probes": bursts.probes,
            "lost": bursts.lost,
            "loss_below_percent": round(percent, 2),
        },
    )
