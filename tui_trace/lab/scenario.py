"""Scenarios: what the lab's internet is made of, as data anyone can write (TOML).

Delays and jitter are milliseconds, moments and periods seconds, loss and the like percent.
The last hop is the target. `loading.load` reads one.
"""

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Percent = Annotated[float, Meta(ge=0, le=100)]
Milliseconds = Annotated[float, Meta(ge=0, le=60_000)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Moment = Annotated[float, Meta(ge=0, le=86_400)]
Byte = Annotated[int, Meta(ge=0, le=255)]
Port = Annotated[int, Meta(ge=1, le=65_535)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._-]+$")]
Text = Annotated[str, Meta(max_length=200)]
Trick = Literal[
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
"""Packets that are no answer (see `tricks.py`)."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A TOML table: a key that is not known is a mistake."""


class Rule(_Table, frozen=True):
    """One line of a firewall; of those that match a packet the first decides."""

    action: Literal["pass", "drop", "reject"]
    protocol: Literal["icmp", "tcp", "udp"] | None = None
    """Absent: all."""
    port: Port | None = None
    """Destination port; absent: all."""
    code: Annotated[int, Meta(ge=0, le=15)] = 13
    """Of `reject`: ICMP unreachable code (RFC 1812 §5.2.7.1)."""
    code6: Annotated[int, Meta(ge=0, le=7)] | None = None
    """The same over IPv6 (RFC 4443 §3.1); absent: the nearest to `code`."""


class LabDnat(_Table, frozen=True):
    """Destination NAT of what goes to the target."""

    v4: str | None = None
    v6: str | None = None
    """Where it goes in truth."""
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
    """Some answers come later than they should."""

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
    """What the link to this hop adds to a round trip."""
    jitter: Milliseconds = 0
    """Mean of a random delay on top (exponential)."""
    loss: Percent = 0
    """Of what crosses the link to this hop, so of everything behind it too."""
    mtu: Annotated[int, Meta(ge=68, le=65_535)] | None = None
    """Bytes; of the link to this hop."""
    mtu_reported: bool = True
    """The router before tells (`False`: a black hole)."""
    queue: Queue | None = None
    back_delay: Milliseconds = 0
    """More delay for answers that come back over this link."""
    back_hops: Annotated[int, Meta(ge=0, le=255)] = 0
    """More routers on the way back than on the way here."""

    silent: bool = False
    """Sends no ICMP errors."""
    answer_delay: Milliseconds = 0
    """Time it takes to make an answer; nobody behind it notices."""
    answer_loss: Percent = 0
    """Of its own answers."""
    rate: Annotated[float, Meta(gt=0, le=1_000_000)] | None = None
    """ICMP errors a second, at most."""
    burst: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    """ICMP errors it may send at once, before `rate` counts."""
    quote: Annotated[int, Meta(ge=0, le=65_535)] | None = None
    """Bytes above the IP header that its errors quote; absent: all that fits."""
    reply_ttl: Byte = 255
    """TTL that its answers start with."""
    reply_ttl_from_probe: bool = False
    """Its answers start with the TTL that was left of the probe's."""
    duplicate: Percent = 0
    """Of its answers, sent twice."""
    hold: Delay | None = None
    mpls: tuple[LabLabel, ...] = ()
    interface: Text = ""
    """Name of its interface, told in an extension (RFC 5837)."""
    also: tuple[Trick, ...] = ()
    """Sent before each right answer."""
    instead: Trick | None = None
    """Sent in place of each right answer."""

    forwards_zero: bool = False
    """Forwards packets of TTL 0 instead of answering."""
    rules: tuple[Rule, ...] = ()
    """Of what it forwards or, as the target, takes."""
    tos: Byte | None = None
    """Rewrites the TOS byte of what it forwards."""
    clear_ecn: bool = False
    """Clears the ECN bits of IP and TCP."""
    mss: Annotated[int, Meta(ge=48, le=65_535)] | None = None
    """Clamps the MSS option of a SYN."""
    dnat: LabDnat | None = None

    ping: bool = True
    """Answers echo requests that are for itself."""
    open: tuple[Port, ...] = ()
    """TCP ports that accept; others refuse."""
    filtered: tuple[Port, ...] = ()
    """TCP and UDP ports that say nothing."""
    udp_open: tuple[Port, ...] = ()
    """UDP ports that answer; others are unreachable."""
    ecn: bool = True
    """Accepts ECN in a SYN."""


class Branch(_Table, frozen=True):
    """One more way through a diamond."""

    hops: Annotated[tuple[LabHop, ...], Meta(max_length=64)] = ()


class Diamond(_Table, frozen=True):
    """Parallel ways: a stretch of the hops, and branches beside it."""

    beside: Annotated[tuple[Name, ...], Meta(min_length=1)]
    """Names of hops that follow one another: the first way."""
    balance: Literal["flow", "packet"]
    """The flow decides, or chance for each packet."""
    branches: Annotated[tuple[Branch, ...], Meta(min_length=1, max_length=64)]


class Detour(_Table, frozen=True):
    """Another way that takes the place of a stretch of hops while it is in force."""

    name: Name
    instead_of: Annotated[tuple[Name, ...], Meta(min_length=1)]
    """Names of hops that follow one another."""
    hops: tuple[LabHop, ...] = ()


class Event(_Table, frozen=True):
    """Something that happens `at` seconds after the first packet."""

    at: Moment
    hop: Name | None = None
    set: dict[str, Any] = {}
    """Keys of that hop and their new values."""
    detour: Text | None = None
    """The detour that is in force from now on; empty: none."""


class Scenario(_Table, frozen=True):
    """A whole internet."""

    title: Annotated[str, Meta(min_length=1, max_length=120)]
    """One line for `--lab list`."""
    hops: Annotated[tuple[LabHop, ...], Meta(min_length=1, max_length=250)]
    seed: int = 1
    """Of everything random: loss, jitter, the choice per packet."""
    diamonds: tuple[Diamond, ...] = ()
    detours: tuple[Detour, ...] = ()
    events: tuple[Event, ...] = ()
    repeat: Seconds | None = None
    """The timeline starts again after this."""
    name: str = ""
    """The file's, without `.toml`; set by `load`."""

    @property
    def target(self) -> LabHop:
        """The last hop."""
        return self.hops[-1]

    @property
    def families(self) -> tuple[int, ...]:
        """4 and 6, as far as the target has an address."""
        return tuple(
            family
            for family, address in ((4, self.target.v4), (6, self.target.v6))
            if address is not None
        )

    def all_hops(self) -> Iterator[LabHop]:
        """Every hop, also of branches and detours."""
        yield from self.hops
        for diamond in self.diamonds:
            for branch in diamond.branches:
                yield from branch.hops
        for detour in self.detours:
            yield from detour.hops

    def resolve(self, host: str, family: int | None = None) -> str | None:
        """The address of a name of this scenario; of an address, itself. None if there is none."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            pass
        else:
            return str(address) if family in (None, address.version) else None
        for hop in self.all_hops():
            if hop.name.lower() == host.lower().rstrip("."):
                both = (hop.v4 if family != 6 else None, hop.v6 if family != 4 else None)
                return next((address for address in both if address is not None), None)
        return None
