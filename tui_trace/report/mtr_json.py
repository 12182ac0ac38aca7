"""`-j`: the JSON of mtr 0.95, the same keys and nesting, ours only added.

Added to `report`: `tui_trace`, what mtr does not say of the run. Added to each hub: `addresses`
(latest first), `late`, `duplicates`, `pending`, `user_stamped` (answers whose RTT rests on a stamp
that the kernel did not take), `marks`, `reached` (it is the target), and `jitter_ms`, `p50_ms`,
`p90_ms`, `p99_ms`, which are null where there are too few answers. All times are in ms.
"""

import json
from typing import Any

import msgspec

from tui_trace.report.words import NameOf, began, hosts, own_name, troubles
from tui_trace.session.model import Hop, Snapshot
from tui_trace.settings import NS_PER_MS
from tui_trace.text import clean


def render(snapshot: Snapshot, *, name_of: NameOf = str) -> str:
    """The run in force as one JSON object, at any moment."""
    run = snapshot.run
    rounds = snapshot.pace.rounds
    report = {
        "mtr": {
            "src": own_name(),
            "dst": clean(snapshot.target),
            "tos": run.settings.tos,
            "tests": run.rounds if rounds is None else rounds,
            "psize": str(run.settings.size),
            "bitpattern": "0x00",
        },
        "hubs": [_hub(hop, name_of) for hop in run.hops],
        "tui_trace": {
            "version": clean(snapshot.version),
            "address": clean(snapshot.address),
            "source": clean(snapshot.source),
            "start": began(snapshot).isoformat(),
            "probe": msgspec.to_builtins(run.settings),
            "rounds": run.rounds,
            "reached": run.reached,
            "foreign": snapshot.foreign,
            "troubles": troubles(snapshot),
        },
    }
    return json.dumps({"report": report}, indent=4) + "\n"


def _hub(hop: Hop, name_of: NameOf) -> dict[str, Any]:
    figures = hop.figures
    return {
        "count": hop.ttl,
        "host": hosts(hop, name_of)[0],
        "Loss%": round(hop.loss_percent or 0.0, 3),
        "Snt": hop.sent,
        "Last": _ms(figures.last) or 0.0,
        "Avg": _ms(figures.mean) or 0.0,
        "Best": _ms(figures.min) or 0.0,
        "Wrst": _ms(figures.max) or 0.0,
        "StDev": _ms(figures.sd) or 0.0,
        "addresses": [clean(responder.address) for responder in hop.responders],
        "late": hop.late,
        "duplicates": hop.duplicates,
        "pending": hop.pending,
        "user_stamped": hop.user_stamped,
        "marks": [clean(mark) for mark in hop.marks],
        "reached": hop.is_target,
        "jitter_ms": _ms(figures.jitter),
        "p50_ms": _ms(figures.p50),
        "p90_ms": _ms(figures.p90),
        "p99_ms": _ms(figures.p99),
    }


def _ms(ns: float | None) -> float | None:
    return None if ns is None else round(ns / NS_PER_MS, 3)
