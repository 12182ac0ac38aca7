"""What the reports have in common: hosts, notes and troubles in words."""

import datetime
import os
from collections.abc import Callable
from typing import NamedTuple

from tui_trace.core.events import AsnFound, MplsLabel
from tui_trace.core.probe_text import describe_settings
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_S
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.session.snapshot import UNKNOWN_HOST, Hop, Run, Snapshot

SILENT = "???"
"""A hop that never answered, as mtr writes it."""

_LAST_DAY = 253_402_214_400
"""The start of 9999-12-31 (UTC), in seconds: no calendar goes farther."""


class About(NamedTuple):
    """What can stand before a host: one of mtr's `--ipinfo`."""

    title: str
    width: int
    """Characters that mtr gives it, the space behind it included."""
    of: Callable[[AsnFound], str]


ABOUT = (
    About("ASN", 9, lambda origin: "/".join(f"AS{asn}" for asn in origin.asns)),
    About("Prefix", 19, lambda origin: origin.prefix),
    About("Country", 4, lambda origin: origin.country),
    About("Registry", 8, lambda origin: origin.registry),
    About("Allocated", 11, lambda origin: origin.allocated),
)
"""By mtr's number."""


def hostname() -> str:
    """This machine, as mtr's header names it."""
    return sanitize(os.uname().nodename)


def began(snapshot: Snapshot) -> datetime.datetime:
    """When the session began, whatever a recording says."""
    return time_of(snapshot, 0)


def time_of(snapshot: Snapshot, at: int) -> datetime.datetime:
    """The time of day at `at` (ns since the session began), to the second."""
    seconds = min(max((snapshot.wall + at) // NS_PER_S, 0), _LAST_DAY)
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def hosts(snapshot: Snapshot, hop: Hop, layout: ReportLayout) -> list[str]:
    """Those that answered at a hop, latest first and fit for a terminal."""
    return [host_label(snapshot, responder.address, layout) for responder in hop.responders] or [
        SILENT
    ]


def host_label(snapshot: Snapshot, address: str, layout: ReportLayout) -> str:
    """An address by name, by number or by both, as the layout says; fit for a terminal."""
    names = snapshot.who.get(address, UNKNOWN_HOST).names if layout.names else ()
    if not names:
        return sanitize(address)
    return f"{sanitize(names[0])} ({sanitize(address)})" if layout.both else sanitize(names[0])


def all_ip_info(snapshot: Snapshot, hop: Hop, about: int) -> list[str]:
    """What is known of each host of a hop, or `???`; for AS numbers `AS???`, as mtr has it."""
    found = []
    for responder in hop.responders:
        origin = snapshot.who.get(responder.address, UNKNOWN_HOST).origin
        found.append(sanitize(ABOUT[about].of(origin)) if origin is not None else "")
    return [text or unknown(about) for text in found or [""]]


def unknown(about: int) -> str:
    """Of a host that nothing is known of."""
    return f"AS{SILENT}" if about == 0 else SILENT


def probed(snapshot: Snapshot) -> str:
    """The target: `example.com (203.0.113.80)`."""
    target = sanitize(snapshot.target)
    if snapshot.address != snapshot.target:
        target += f" ({sanitize(snapshot.address)})"
    return target


def describe_probe(snapshot: Snapshot) -> str:
    """What was probed, and how: `example.com (203.0.113.80) · TCP port 443 · …`."""
    settings = describe_settings(snapshot.run.settings, snapshot.family)
    return f"{probed(snapshot)} · {sanitize(settings)}"


def notes_text(hop: Hop) -> str:
    """What there is to say of a hop beside its figures; usually nothing."""
    counts = ((hop.late, "late"), (hop.duplicates, "duplicate"))
    parts = [f"{count} {word}" for count, word in counts if count]
    return " · ".join([*map(sanitize, hop.marks), *parts])


def mpls_text(label: MplsLabel) -> str:
    """A label as mtr's `-e` has it."""
    known = (label.label, label.traffic_class, int(label.bottom), label.ttl)
    return "MPLS: Lbl {} TC {} S {} TTL {}".format(*known)


def format_warnings(snapshot: Snapshot) -> list[str]:
    """One line for each thing that the reader of the figures has to know."""
    return [*session_troubles(snapshot), *run_troubles(snapshot.run)]


def session_troubles(snapshot: Snapshot) -> list[str]:
    """Those that are of no run alone."""
    lines = [sanitize(text) for text in (snapshot.trouble, snapshot.notice) if text]
    if snapshot.foreign:
        lines.append(f"{snapshot.foreign} foreign replies, which answer none of our probes")
    return lines


def run_troubles(run: Run) -> list[str]:
    """Those of one run's figures."""
    loose = [str(hop.ttl) for hop in run.hops if hop.user_stamped]
    return [f"RTT not by the kernel's stamps alone: hop {', '.join(loose)}"] if loose else []


def format_notes(snapshot: Snapshot) -> list[str]:
    """What the user wrote down: `Note 2026-11-22 22:03:11+0000: the provider was called`."""
    return [
        f"Note {time_of(snapshot, note.at).astimezone():%Y-%m-%d %H:%M:%S%z}: {sanitize(note.text)}"
        for note in snapshot.timeline.notes
    ]
