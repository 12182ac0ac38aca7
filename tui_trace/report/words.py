"""What the reports have in common: hosts, notes and troubles in words."""

import datetime
import os
from collections.abc import Callable
from typing import TypeAlias

from tui_trace.session.model import Hop, Snapshot
from tui_trace.settings import NS_PER_S
from tui_trace.text import clean

NameOf: TypeAlias = Callable[[str], str]
"""From an address to the words that stand for it, a name or the address itself."""

SILENT = "???"
"""A hop that never answered, as mtr writes it."""

_LAST_DAY = 253_402_214_400
"""The start of 9999-12-31 (UTC), in seconds: no calendar goes farther."""


def own_name() -> str:
    """This machine, as mtr's header names it."""
    return clean(os.uname().nodename)


def began(snapshot: Snapshot) -> datetime.datetime:
    """When the session began, whatever a recording says."""
    seconds = min(max(snapshot.wall // NS_PER_S, 0), _LAST_DAY)
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def hosts(hop: Hop, name_of: NameOf) -> list[str]:
    """Those that answered at a hop, latest first and fit for a terminal."""
    return [clean(name_of(responder.address)) for responder in hop.responders] or [SILENT]


def subject(snapshot: Snapshot) -> str:
    """What was probed, and how: `example.com (203.0.113.80) · TCP port 443 · …`."""
    target = clean(snapshot.target)
    if snapshot.address != snapshot.target:
        target += f" ({clean(snapshot.address)})"
    return f"{target} · {clean(snapshot.run.settings.words())}"


def notes(hop: Hop) -> str:
    """What there is to say of a hop beside its figures; usually nothing."""
    counts = ((hop.late, "late"), (hop.duplicates, "duplicate"))
    parts = [f"{count} {word}" for count, word in counts if count]
    return " · ".join([*map(clean, hop.marks), *parts])


def troubles(snapshot: Snapshot) -> list[str]:
    """One line for each thing that the reader of the figures has to know."""
    lines = [clean(text) for text in (snapshot.trouble, snapshot.notice) if text]
    if snapshot.foreign:
        lines.append(f"{snapshot.foreign} foreign replies, which answer none of our probes")
    loose = [str(hop.ttl) for hop in snapshot.run.hops if hop.user_stamped]
    if loose:
        lines.append(f"RTT not by the kernel's stamps alone: hop {', '.join(loose)}")
    return lines
