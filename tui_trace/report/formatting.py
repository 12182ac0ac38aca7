"""Texts that several reports have in common."""

import datetime
import os
from collections.abc import Callable
from typing import NamedTuple

from tui_trace.core.durations import local_time
from tui_trace.core.events import AsnFound, MplsLabel
from tui_trace.core.ip_literals import parse_literal
from tui_trace.core.probe_text import describe_settings
from tui_trace.core.sanitize import sanitize
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.session.host_labels import HostLabels
from tui_trace.session.snapshot import UNKNOWN_HOST, AddressInfo, Hop, Snapshot

SILENT = "???"
"""A hop that never answered, as mtr writes it."""


class IpInfo(NamedTuple):
    """A value that can stand before each host: one of mtr's `--ipinfo`."""

    title: str
    width: int
    """Characters that mtr gives it, the space behind it included."""
    text: Callable[[AddressInfo], str]


def _of_origin(text: Callable[[AsnFound], str]) -> Callable[[AddressInfo], str]:
    return lambda who: text(who.origin) if who.origin is not None else ""


IP_INFO = (
    IpInfo("ASN", 9, lambda who: who.asn),
    IpInfo("Prefix", 19, _of_origin(lambda origin: origin.prefix)),
    IpInfo("Country", 4, _of_origin(lambda origin: origin.country)),
    IpInfo("Registry", 8, _of_origin(lambda origin: origin.registry)),
    IpInfo("Allocated", 11, _of_origin(lambda origin: origin.allocated)),
    IpInfo("City", 22, lambda who: who.city),
    IpInfo("Exchange", 22, lambda who: who.exchange),
)
"""By the number of `--ipinfo`."""
OWN_IP_INFO = (5, 6)
"""Those that mtr does not have."""


def hostname(snapshot: Snapshot) -> str:
    """Return the name of the machine that probes leave from, for mtr's header."""
    return sanitize(snapshot.vantage or os.uname().nodename)


def began(snapshot: Snapshot, form: str) -> str:
    """Return when the session or its stretch began, as `strftime` has it; or `unknown`."""
    if not snapshot.wall:
        return "unknown"
    return time_of(snapshot, snapshot.began).strftime(form)


def known_addresses(hop: Hop) -> list[str]:
    """Return who answered, latest first, without those of whom only a name is known."""
    addresses = (responder.address for responder in hop.responders)
    return [sanitize(address) for address in addresses if parse_literal(address) is not None]


def time_of(snapshot: Snapshot, at: int) -> datetime.datetime:
    """Return when `at` (ns since the session began) was, to the second, in the zone in use."""
    return local_time(snapshot.wall_at(at))


def hosts(snapshot: Snapshot, hop: Hop, layout: ReportLayout) -> list[str]:
    """Return the labels of the hosts that answered at a hop, latest first."""
    labels = HostLabels(snapshot.who, layout.label_mode)
    return [labels.host(responder.address) for responder in hop.responders] or [SILENT]


def all_ip_info(snapshot: Snapshot, hop: Hop, about: int) -> list[str]:
    """Return what is known of each host of a hop, else `???` or `AS???`, as in mtr."""
    known = (snapshot.who.get(one.address, UNKNOWN_HOST) for one in hop.responders)
    found = [sanitize(IP_INFO[about].text(who)) for who in known]
    return [text or unknown(about) for text in found or [""]]


def unknown(about: int) -> str:
    """Return the text for a host of which nothing is known."""
    return f"AS{SILENT}" if about == 0 else SILENT


def probed(snapshot: Snapshot) -> str:
    """Return the target: `example.com (203.0.113.80)`."""
    target = sanitize(snapshot.target)
    if snapshot.address != snapshot.target:
        target += f" ({sanitize(snapshot.address)})"
    return target


def describe_probe(snapshot: Snapshot) -> str:
    """Return target and settings: `example.com (203.0.113.80) · TCP port 443 · …`."""
    settings = describe_settings(snapshot.run.settings, snapshot.family)
    return f"{probed(snapshot)} · {sanitize(settings)}"


def mpls_text(label: MplsLabel) -> str:
    """Return a label in the form of mtr's `-e`."""
    known = (label.label, label.traffic_class, int(label.bottom), label.ttl)
    return "MPLS: Lbl {} TC {} S {} TTL {}".format(*known)


def format_notes(snapshot: Snapshot) -> list[str]:
    """Return the user's notes: `Note 2026-11-22 22:03:11+0000: the provider was called`."""
    return [
        f"Note {time_of(snapshot, note.at):%Y-%m-%d %H:%M:%S%z}: {sanitize(note.text)}"
        for note in snapshot.timeline.notes
    ]
