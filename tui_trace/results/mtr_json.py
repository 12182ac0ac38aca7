"""mtr's `-j`, of versions 0.87 to 0.96, and our own, which has the same shape and more keys.

It has no time, no protocol and no single RTTs; ours tells the former two.
"""

import datetime
import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, field

from tui_trace.core import events as ev
from tui_trace.core.ip_literals import parse_literal
from tui_trace.core.ranges import Byte, Ttl
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings
from tui_trace.results.json_text import Milliseconds, Small, Text, ns
from tui_trace.results.rounds import same_address

_MTR = "mtr"
"""The version of a session that was read from mtr's own report."""
_SILENT = "???"
_BOTH = re.compile(r"(?P<name>.+) \((?P<address>[^()\s]+)\)")
"""A host with `-b`: `gw.example (192.0.2.1)`."""
_ASN = re.compile(r"AS(\d{1,10})")
_Percent = Annotated[float, Meta(ge=0, le=100)]
_UNTOLD = (
    "from a report of mtr: no single RTTs and no order of losses, so no percentiles, charts or"
    " findings"
)
_UNTOLD_BY_MTR = f"{_UNTOLD}; when it was, how often and with which protocol is not told either"


class _Header(msgspec.Struct, frozen=True):
    src: Text = ""
    dst: Text = ""
    tos: Byte = 0
    tests: Small = 0
    psize: Text = ""
    bitpattern: Text = ""


class _Hub(msgspec.Struct, frozen=True):
    count: Ttl
    host: Text
    asn: Text = field(name="ASN", default="")
    loss: _Percent | None = field(name="Loss%", default=None)
    dropped: Small | None = field(name="Drop", default=None)
    received: Small | None = field(name="Rcv", default=None)
    sent: Small | None = field(name="Snt", default=None)
    last: Milliseconds | None = field(name="Last", default=None)
    best: Milliseconds | None = field(name="Best", default=None)
    mean: Milliseconds | None = field(name="Avg", default=None)
    worst: Milliseconds | None = field(name="Wrst", default=None)
    sd: Milliseconds | None = field(name="StDev", default=None)
    gmean: Milliseconds | None = field(name="Gmean", default=None)
    last_jitter: Milliseconds | None = field(name="Jttr", default=None)
    jitter: Milliseconds | None = field(name="Javg", default=None)
    max_jitter: Milliseconds | None = field(name="Jmax", default=None)
    smooth_jitter: Milliseconds | None = field(name="Jint", default=None)
    addresses: Annotated[tuple[Text, ...], Meta(max_length=ev.MAX_SUMMARY_ADDRESSES)] = ()
    pending: Small = 0
    late: Small = 0
    duplicates: Small = 0
    reached: bool | None = None
    jitter_ms: Milliseconds | None = None
    p50_ms: Milliseconds | None = None
    p90_ms: Milliseconds | None = None
    p99_ms: Milliseconds | None = None


class _Ours(msgspec.Struct, frozen=True):
    """What our own `-j` says besides."""

    version: Text = ""
    address: Text = ""
    source: Text = ""
    start: Text | None = None
    probe: ProbeSettings = ProbeSettings()
    run: Annotated[int, Meta(ge=1, le=1 << 31)] = 1
    rounds: Small = 0


class _Report(msgspec.Struct, frozen=True):
    mtr: _Header
    hubs: Annotated[list[_Hub], Meta(max_length=256)]
    tui_trace: _Ours | None = None


class _Document(msgspec.Struct, frozen=True):
    report: _Report


def read_mtr(objects: Iterator[bytes]) -> Iterator[Iterator[ev.Event]]:
    """Iterate over the reports, each a session."""
    for text in objects:
        # strict=False: older versions write each number as a string
        yield _events(msgspec.json.decode(text, type=_Document, strict=False).report)


def _events(report: _Report) -> Iterator[ev.Event]:
    ours, header, hubs = report.tui_trace, report.mtr, report.hubs
    run = ours.run if ours else 1
    rounds = ours.rounds if ours else header.tests
    settings, untold = (ours.probe, _UNTOLD) if ours else _settings(header)
    if ours and ours.version == _MTR:
        untold = _UNTOLD_BY_MTR
    address = ours.address if ours else _address_of(header)
    yield ev.SessionBegan(
        at=0,
        wall=_parse_time(ours.start) if ours and ours.start else 0,
        target=header.dst,
        address=address or header.dst,
        family=_family([address, *(_host(hub)[0] for hub in hubs)]),
        source=ours.source if ours else "",
        version=ours.version if ours else _MTR,
        vantage=header.src,
    )
    yield ev.PaceSet(at=0, pace=Pace(max_ttl=255, rounds=rounds or None))
    yield ev.RunOpened(at=0, run=run, settings=settings)
    yield ev.RoundBegan(at=0, run=run, round=rounds)
    for hub in hubs:
        yield from _hub_events(hub, run, address)
    if hubs:
        last = max(hubs, key=lambda hub: hub.count)
        yield ev.PathEnd(at=0, run=run, ttl=last.count, reached=_is_target(last, address))
    yield ev.Notice(at=0, text=untold)
    yield ev.SessionEnded(at=0)


def _hub_events(hub: _Hub, run: int, target: str) -> Iterator[ev.Event]:
    address, name = _host(hub)
    sent, lost = _counts(hub)
    given: dict[str, Any] = {}
    if lost < sent:
        given = {
            "last": ns(hub.last),
            "best": ns(hub.best),
            "mean": _float_ns(hub.mean),
            "worst": ns(hub.worst),
            # of a single answer mtr writes 0 for what needs two
            **(_of_two(hub) if sent - lost > 1 else {}),
            "gmean": _float_ns(hub.gmean),
            "p50": ns(hub.p50_ms),
            "p90": ns(hub.p90_ms),
            "p99": ns(hub.p99_ms),
        }
    yield ev.HopSummary(
        at=0,
        run=run,
        ttl=hub.count,
        sent=sent,
        lost=lost,
        addresses=hub.addresses or ((address or name,) if address or name else ()),
        late=hub.late,
        duplicates=hub.duplicates,
        reached=lost < sent and _is_target(hub, target),
        **given,
    )
    if address and name:
        yield ev.HostNamed(at=0, address=address, names=(name,))
    if address and (asns := tuple(int(number) for number in _ASN.findall(hub.asn))):
        yield ev.AsnFound(at=0, address=address, asns=asns)


def _of_two(hub: _Hub) -> dict[str, float | int | None]:
    return {
        "sd": _float_ns(hub.sd),
        "jitter": _float_ns(hub.jitter if hub.jitter is not None else hub.jitter_ms),
        "last_jitter": ns(hub.last_jitter),
        "max_jitter": ns(hub.max_jitter),
        "smooth_jitter": _float_ns(hub.smooth_jitter),
    }


def _counts(hub: _Hub) -> tuple[int, int]:
    """Return how many probes have an outcome, and how many of them were lost.

    `ValueError` where the columns do not tell it. mtr writes five digits of the percentage: of
    more than 100,000 probes it is not exact.
    """
    if hub.sent is None:
        raise ValueError(f"hop {hub.count} has no Snt: how many probes were sent is not told")
    sent = hub.sent - hub.pending
    if hub.dropped is not None:
        lost = hub.dropped
    elif hub.received is not None:
        lost = sent - hub.received
    elif hub.loss is not None:
        lost = round(hub.loss * sent / 100)
    else:
        raise ValueError(f"hop {hub.count} has no Loss%, Drop or Rcv")
    if not 0 <= lost <= sent:
        raise ValueError(f"hop {hub.count} lost {lost} of {sent} probes")
    return sent, lost


def _host(hub: _Hub) -> tuple[str, str]:
    """Return address and name of the first host of a hop; each may be empty."""
    host = "" if hub.host == _SILENT else hub.host
    if parse_literal(host) is not None:
        return host, ""
    both = _BOTH.fullmatch(host)
    if both is not None and parse_literal(both["address"]) is not None:
        return both["address"], both["name"]
    return (hub.addresses[0] if hub.addresses else ""), host


def _is_target(hub: _Hub, target: str) -> bool:
    if hub.reached is not None:
        return hub.reached
    return same_address(_host(hub)[0], target)


def _address_of(header: _Header) -> str:
    """Return the target's address; empty if only its name is told."""
    return header.dst if parse_literal(header.dst) is not None else ""


def _settings(header: _Header) -> tuple[ProbeSettings, str]:
    """Return what mtr says of its probes, and what is not told."""
    try:
        size, fill = int(header.psize), int(header.bitpattern, 16)
        known = 0 < size <= 1 << 16 and 0 <= fill <= 0xFF
    except ValueError:
        known = False
    if not known:
        return ProbeSettings(tos=header.tos), f"{_UNTOLD_BY_MTR}, nor the size of each probe"
    return ProbeSettings(tos=header.tos, size=size, payload_byte=fill), _UNTOLD_BY_MTR


def _family(addresses: list[str]) -> int:
    known = (parse_literal(address) for address in addresses if address)
    return next((address.version for address in known if address is not None), 4)


def _parse_time(text: str) -> int:
    """Return ns since 1970; 0 if the text is no time."""
    try:
        return max(int(datetime.datetime.fromisoformat(text).timestamp()), 0) * NS_PER_S
    except (ValueError, OverflowError, OSError):
        return 0


def _float_ns(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds * 1e6
