"""Scenarios: the lab's routers and hosts as data that anybody can write (TOML).

Delays and jitter are in milliseconds, moments and periods in seconds, loss and other shares in
percent. The last hop is the target. `load_scenario` reads a scenario.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tui_trace.core.ip_literals import parse_literal

Percent = Annotated[float, Meta(ge=0, le=100)]
Milliseconds = Annotated[float, Meta(ge=0, le=60_000)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Moment = Annotated[float, Meta(ge=0, le=86_400)]
Byte = Annotated[int, Meta(ge=0, le=255)]
Port = Annotated[int, Meta(ge=1, le=65_535)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._-]+$")]
Text = Annotated[str, Meta(max_length=200)]
MalformedKind = Literal[
    "bad-checksum",
    "bad-extension",
    "empty",
    "foreign",
    "forged",
    "oversized-quote",
    "short-quote",
    "truncated",
    "wrong-version",
]
"""Kinds of malformed replies (see `malformed.py`)."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A TOML table; an unknown key is an error."""


class Rule(_Table, frozen=True):
    """A rule of a firewall; the first rule that matches a packet decides."""

    action: Literal["pass", "drop", "reject"]
    protocol: Literal["icmp", "tcp", "udp"] | None = None
    """None: all protocols."""
    port: Port | None = None
    """Destination port; None: all ports."""
    code: Annotated[int, Meta(ge=0, le=15)] = 13
    """ICMP unreachable code of `reject` (RFC 1812 §5.2.7.1)."""
    code6: Annotated[int, Meta(ge=0, le=7)] | None = None
    """ICMPv6 unreachable code of `reject` (RFC 4443 §3.1); None: the nearest to `code`."""


class LabDnat(_Table, frozen=True):
    """Destination NAT for packets to the target."""

    v4: str | None = None
    v6: str | None = None
    """Translated destination; `v4` likewise."""
    port: Port | None = None
    repair: bool = False
    """Quotes in ICMP errors show the address that the client used."""


class LabLabel(_Table, frozen=True):
    """An MPLS label stack entry (RFC 3032)."""

    label: Annotated[int, Meta(ge=0, le=0xFFFFF)]
    exp: Annotated[int, Meta(ge=0, le=7)] = 0
    ttl: Byte = 1


class Queue(_Table, frozen=True):
    """A queue on the link to this hop: delay grows to `peak`, then drains, every `period`."""

    peak: Milliseconds
    period: Seconds


class Delay(_Table, frozen=True):
    """An extra delay of some answers."""

    percent: Percent
    by: Milliseconds


class LabHop(_Table, frozen=True):
    """A router, or as the last hop the target, with the link that leads to it."""

    name: Name
    v4: str | None = None
    v6: str | None = None
    asn: Annotated[int, Meta(ge=1, le=4_294_967_295)] | None = None
    owner: Text = ""

    delay: Milliseconds = 0
    """Delay that the link to this hop adds to a round trip."""
    jitter: Milliseconds = 0
    """Mean of an additional random delay (exponential)."""
    loss: Percent = 0
    """Loss on the link to this hop; it affects all hops behind it, too."""
    mtu: Annotated[int, Meta(ge=68, le=65_535)] | None = None
    """MTU of the link to this hop in bytes."""
    mtu_reported: bool = True
    """The router before this hop reports the MTU; False: a black hole."""
    queue: Queue | None = None
    back_delay: Milliseconds = 0
    """Additional delay of answers that return over this link."""
    back_hops: Annotated[int, Meta(ge=0, le=255)] = 0
    """Routers that only the return path has."""

    silent: bool = False
    """The hop sends no ICMP errors."""
    answer_delay: Milliseconds = 0
    """Time to make an answer; hops behind this hop are not affected."""
    answer_loss: Percent = 0
    """Loss of the hop's own answers."""
    rate: Annotated[float, Meta(gt=0, le=1_000_000)] | None = None
    """Maximum number of ICMP errors per second; None: no limit."""
    burst: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    """ICMP errors that the hop may send at once before `rate` limits them."""
    quote: Annotated[int, Meta(ge=0, le=65_535)] | None = None
    """Bytes after the IP header that its errors quote; None: as many as fit."""
    reply_ttl: Byte = 255
    """Initial TTL of its answers."""
    reply_ttl_from_probe: bool = False
    """Its answers start with the remaining TTL of the probe."""
    duplicate: Percent = 0
    """Share of its answers that are sent twice."""
    hold: Delay | None = None
    """Some of its answers come later."""
    mpls: tuple[LabLabel, ...] = ()
    interface: Text = ""
    """Name of its interface in an ICMP extension (RFC 5837); empty: no extension."""
    also: tuple[MalformedKind, ...] = ()
    """Malformed replies that precede each correct answer."""
    instead: MalformedKind | None = None
    """Malformed reply that replaces each correct answer."""

    forwards_zero: bool = False
    """The hop forwards a packet with TTL 0 instead of answering it."""
    rules: tuple[Rule, ...] = ()
    """Firewall for packets that the hop forwards or, as the target, receives."""
    tos: Byte | None = None
    """TOS byte that forwarded packets get; None: unchanged."""
    clear_ecn: bool = False
    """The hop clears the ECN bits of IP and TCP."""
    mss: Annotated[int, Meta(ge=48, le=65_535)] | None = None
    """Largest MSS option of a forwarded SYN; a larger one is lowered. None: unchanged."""
    dnat: LabDnat | None = None

    ping: bool = True
    """The hop answers echo requests to its own address."""
    open: tuple[Port, ...] = ()
    """TCP ports that accept connections; other ports refuse."""
    filtered: tuple[Port, ...] = ()
    """TCP and UDP ports that stay silent."""
    udp_open: tuple[Port, ...] = ()
    """UDP ports that answer; other ports are unreachable."""
    quic: tuple[Port, ...] = ()
    """UDP ports where a QUIC server listens, which stays silent to what is no QUIC."""
    ecn: bool = True
    """The host accepts ECN in a SYN."""


class Branch(_Table, frozen=True):
    """One more path through a diamond."""

    hops: Annotated[tuple[LabHop, ...], Meta(max_length=64)] = ()
    branches: Annotated[tuple["Branch", ...], Meta(max_length=64)] = ()
    """Behind these hops the path parts again, by the flow."""

    def all_hops(self) -> Iterator[LabHop]:
        """Yield every hop, including those of the branches behind it."""
        yield from self.hops
        for branch in self.branches:
            yield from branch.all_hops()


class Diamond(_Table, frozen=True):
    """Load balancing: a part of the path, and branches parallel to it."""

    beside: Annotated[tuple[Name, ...], Meta(min_length=1)]
    """Names of consecutive hops: the first branch."""
    balance: Literal["flow", "packet"]
    """The branch depends on the flow, or is random for each packet."""
    branches: Annotated[tuple[Branch, ...], Meta(min_length=1, max_length=64)]


class Detour(_Table, frozen=True):
    """Hops that replace a part of the path while the detour is in force."""

    name: Name
    instead_of: Annotated[tuple[Name, ...], Meta(min_length=1)]
    """Names of consecutive hops."""
    hops: tuple[LabHop, ...] = ()


class Event(_Table, frozen=True):
    """A change `at` seconds after the first packet."""

    at: Moment
    hop: Name | None = None
    set: dict[str, Any] = {}
    """Keys of that hop and their new values."""
    detour: Text | None = None
    """The detour that comes into force; empty: no detour."""


class Scenario(_Table, frozen=True):
    """All hops between the prober and a target, and how they change over time."""

    title: Annotated[str, Meta(min_length=1, max_length=120)]
    """One line for `--lab list`."""
    hops: Annotated[tuple[LabHop, ...], Meta(min_length=1, max_length=250)]
    seed: int = 1
    """Seed of all that is random: loss, jitter, the branch of each packet."""
    diamonds: tuple[Diamond, ...] = ()
    detours: tuple[Detour, ...] = ()
    events: tuple[Event, ...] = ()
    repeat: Seconds | None = None
    """Period after which the events start again; None: they happen once."""
    name: str = ""
    """Name of the file without `.toml`; set when the file is read."""

    @property
    def target(self) -> LabHop:
        """The hop that probes are sent to: the last one."""
        return self.hops[-1]

    @property
    def families(self) -> tuple[int, ...]:
        """The IP versions (4, 6) of which the target has an address."""
        return tuple(
            family
            for family, address in ((4, self.target.v4), (6, self.target.v6))
            if address is not None
        )

    def all_hops(self) -> Iterator[LabHop]:
        """Yield every hop, including those of branches and detours."""
        yield from self.hops
        for diamond in self.diamonds:
            for branch in diamond.branches:
                yield from branch.all_hops()
        for detour in self.detours:
            yield from detour.hops

    def resolve(self, host: str, family: int | None = None) -> str | None:
        """Return the address of a host name, or an address as it is; None if there is none.

        `family` is 4, 6, or None for any.
        """
        address = parse_literal(host)
        if address is not None:
            return str(address) if family in (None, address.version) else None
        for hop in self.all_hops():
            if hop.name.lower() == host.lower().rstrip("."):
                both = (hop.v4 if family != 6 else None, hop.v6 if family != 4 else None)
                return next((address for address in both if address is not None), None)
        return None
