"""The events that every package shares: what happened, in order, immutable.

A *source* (live engine, lab, a recording) emits events; a *sink* (live view, report, recorder)
takes them. `at` is nanoseconds since the session began, by a monotonic clock; `rtt` is in
nanoseconds. As JSON, each event is one object whose `event` names its type
(`encode`, `decode_event`).
"""

import enum
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from tui_trace.core.quic_versions import QuicVersions
from tui_trace.core.ranges import Count, Int64, Measure, Ttl
from tui_trace.core.settings import Pace, ProbeSettings

SCHEMA = 3
"""Version of the event stream; it rises with a change that an old reader cannot read."""


MAX_SUMMARY_ADDRESSES = 64
"""Most addresses of one hop in a `HopSummary`."""


class Stamp(enum.StrEnum):
    """Where a time stamp was taken, best first."""

    KERNEL = "kernel"
    """In the driver, when the packet left or arrived."""
    SCHEDULER = "scheduler"
    """In the kernel, before the packet waited in the queue of the interface."""
    USER = "user"
    """In this program."""


class ReplyKind(enum.StrEnum):
    """The kind of a reply."""

    TIME_EXCEEDED = "time-exceeded"
    ECHO = "echo-reply"
    UNREACHABLE = "unreachable"
    """ICMP type 3 or ICMPv6 type 1; `code` gives the reason. Also ICMPv6 4/1, unknown protocol."""
    TOO_BIG = "too-big"
    """Fragmentation needed (ICMP 3/4) or ICMPv6 Packet Too Big; `mtu` is the MTU in it."""
    SYN_ACK = "syn-ack"
    RST = "rst"
    UDP = "udp"
    """A UDP datagram from the target."""
    VERSION_NEGOTIATION = "version-negotiation"
    """A QUIC server's packet that says which versions it has (RFC 9000 §17.2.1)."""
    OTHER = "other"
    """Any other ICMP message that quotes a probe, by its `icmp_type` and `code`. Without
    `icmp_type`: a datagram from the target in the protocol of the probe."""


FINAL_KINDS = frozenset(ReplyKind) - {ReplyKind.TIME_EXCEEDED}
"""Replies from the end of the path: no probe with a greater TTL gets farther. ICMP messages other
than Time Exceeded say that a packet was dropped too (RFC 792), or that its fragments never became
complete."""


class RewrittenField(enum.StrEnum):
    """A field of a probe that arrived at a hop otherwise than it was sent."""

    SOURCE = "source"
    DESTINATION = "destination"
    TOS = "tos"
    """The whole byte, if its upper six bits (DSCP) changed."""
    ECN = "ecn"
    """The two lower bits of the TOS byte."""
    FLOW_LABEL = "flow-label"
    LENGTH = "length"
    """Bytes of the IP packet; of IPv6, of its payload."""
    IP_ID = "ip-id"
    DF = "df"
    FRAGMENT = "fragment"
    """The probe arrived as a fragment."""
    SOURCE_PORT = "source-port"
    DESTINATION_PORT = "destination-port"
    IDENTIFIER = "identifier"
    """The identifier of ICMP echo."""
    SEQUENCE = "sequence"
    ACKNOWLEDGEMENT = "acknowledgement"
    TCP_FLAGS = "tcp-flags"
    """Flags in letters, as in tcpdump: `SEW`."""
    WINDOW = "window"
    MSS = "mss"
    OPTIONS = "options"
    """All TCP options, if an option other than the MSS changed."""
    CHECKSUM = "checksum"
    """The transport checksum, if no quoted field explains its change."""
    PAYLOAD = "payload"


class Change(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A field that a hop on the way rewrote."""

    field: RewrittenField
    sent: Int64 | str | None = None
    """None if the field is missing, or has another value in each probe."""
    received: Int64 | str | None = None


class MplsLabel(msgspec.Struct, frozen=True, gc=False):
    """An entry of the MPLS label stack that the probe arrived with (RFC 4950, RFC 5462)."""

    label: Int64
    """0–1048575."""
    traffic_class: Int64
    """0–7; also called EXP."""
    bottom: bool
    ttl: Ttl


class Interface(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An interface of the router that answered, from its reply (RFC 5837)."""

    role: str
    """`incoming`, `sub-ip`, `outgoing` or `next-hop`."""
    index: Int64 | None = None
    """Index as in SNMP's ifTable."""
    address: str = ""
    name: str = ""
    """The name that the router gives the interface."""
    mtu: Int64 | None = None
    """Bytes."""


class _Event(msgspec.Struct, frozen=True, tag_field="event", omit_defaults=True, gc=False):
    at: Int64


class SessionBegan(_Event, frozen=True, tag="session-began", omit_defaults=False):
    """The first event of every stream."""

    wall: Int64
    """Nanoseconds since 1970 (UTC) at `at`; 0: not known."""
    target: str
    """The name that the user gave."""
    address: str
    family: Int64
    """4 or 6."""
    source: str
    """Address that the probes leave from."""
    version: str
    lab: str = ""
    """Name of the lab's scenario; empty on a real network."""
    schema: Int64 = SCHEMA
    vantage: str = ""
    """The machine that probes leave from, as it was named; empty: the one that shows them."""


class PaceSet(_Event, frozen=True, tag="pace-set"):
    """Probes leave at this pace from now on."""

    pace: Pace


class RunOpened(_Event, frozen=True, tag="run-opened", rename={"reopened": "again"}):
    """This run is active from now on; `reopened` if it was active before."""

    run: Int64
    settings: ProbeSettings
    reopened: bool = False
    source_port: Int64 = 0
    """Source port of its first flow; 0 if the protocol has no ports."""
    turns_with: tuple[Int64, ...] | Int64 = ()
    """Numbers of the other runs that it takes turns with, round by round; all open at once.

    Schema 1 had one number here, or 0; `partners` reads both."""
    temporary: bool = False
    """The program probes it for some rounds by itself, then goes on as before: what it meets is
    no episode."""
    beside: bool = False
    """It is probed beside the run in force, to find or to watch ways, or to find the path MTU: that
    one stays in force."""
    seeks_mtu: bool = False
    """It finds the path MTU: its probes have sizes of their own, `settings.size` at most."""

    @property
    def partners(self) -> tuple[int, ...]:
        """Return the numbers of the runs that it takes turns with."""
        turns = self.turns_with
        return turns if isinstance(turns, tuple) else (turns,) if turns else ()


class FlowOpened(_Event, frozen=True, tag="flow-opened"):
    """Probes of a run leave in one flow more."""

    run: Int64
    flow: Int64
    """Index of the flow in every run of the session, from 0 on."""
    source_port: Int64
    """Source port; of ICMP the identifier; 0 if the kernel chooses."""


class WaysSought(_Event, frozen=True, tag="ways-sought"):
    """Every way through the network is looked for, by probes of this run, from now on."""

    run: Int64
    confidence: float
    """Probability that nothing is missed."""
    budget: Int64
    """Most probes to be sent."""


class WaysEnd(enum.StrEnum):
    """Why no way is looked for any more."""

    COMPLETE = "complete"
    BUDGET = "budget"
    """The probes, or the source ports, are used up."""
    STOPPED = "stopped"


class WaysEnded(_Event, frozen=True, tag="ways-ended"):
    """The search for ways, or their watch, is over."""

    run: Int64
    reason: WaysEnd


class RoundBegan(_Event, frozen=True, tag="round-began"):
    """A round over the hops began; rounds count from 1 in each run."""

    run: Int64
    round: Int64


class ProbeSent(_Event, frozen=True, tag="probe-sent"):
    """A probe left; `probe` is unique in the session."""

    run: Int64
    probe: Int64
    ttl: Ttl
    flow: Int64 = 0
    """Index of its flow in the run, from 0 on."""
    source_port: Int64 = 0
    """Its source port, if it is not its flow's: probes that may meet a target which opens
    connections must not share one. A load balancer may send it another way than its flow."""
    size: Int64 = 0
    """Bytes of the whole packet, if that is not the size of its run; else 0."""


class Reply(_Event, frozen=True, tag="reply", rename={"past_target": "beyond"}):
    """A reply to a probe arrived."""

    run: Int64
    probe: Int64
    ttl: Ttl
    """The TTL that the probe was sent with."""
    address: str
    """The address that answered."""
    kind: ReplyKind
    rtt: Int64
    sent_stamp: Stamp
    received_stamp: Stamp
    flow: Int64 = 0
    """Index of the probe's flow in the run."""
    reached: bool = False
    """The target itself answered."""
    late: bool = False
    """The reply came after the timeout: the probe counted as lost, and the loss is taken back."""
    duplicate: bool = False
    """The probe had been answered before."""
    repeat: bool = False
    """The target repeated its SYN/ACK (RFC 6298 §2): it shows that the target is there, but it does
    not answer the probe, which may still be lost."""
    past_target: bool = False
    """The target answered a TTL greater than its own: a reply that belongs to no hop."""
    clock_stepped: bool = False
    """The wall clock was set meanwhile; `rtt` is by the monotonic clock."""
    icmp_type: Int64 | None = None
    code: Int64 | None = None
    reply_ttl: Ttl | None = None
    """TTL of the reply as it arrived."""
    mtu: Int64 | None = None
    """MTU in bytes, if a `TOO_BIG` reply contains one."""
    ecn: bool = False
    """A SYN/ACK that accepts ECN (ECE without CWR)."""
    quoted_tos: Int64 | None = None
    """TOS byte of the probe as the hop received it."""
    quoted_ttl: Ttl | None = None
    """TTL of the probe as the hop received it."""
    quoted_bytes: Int64 | None = None
    """Bytes of the probe in the quote; None: the whole probe."""
    changed: tuple[Change, ...] = ()
    """Fields that arrived otherwise than they were sent, except TTL and checksums."""
    labels: tuple[MplsLabel, ...] = ()
    """Outermost first."""
    interfaces: tuple[Interface, ...] = ()
    versions: QuicVersions = ()
    """The versions that a QUIC server has, of a `VERSION_NEGOTIATION`."""


class ProbeLost(_Event, frozen=True, tag="probe-lost"):
    """The timeout of this probe passed without a reply, or the local kernel gave up on it."""

    run: Int64
    probe: Int64
    ttl: Ttl
    reason: str = ""
    """Why, if the local kernel said so: nobody answered ARP for the gateway, for example."""


class HopSummary(_Event, frozen=True, tag="hop-summary"):
    """The statistics of one hop up to now, by a program that does not tell its single probes.

    It replaces an earlier one. Times are in ns; None: not told, or nothing was answered.
    """

    run: Int64
    ttl: Ttl
    sent: Count
    lost: Count
    """Of those sent."""
    addresses: Annotated[tuple[str, ...], Meta(max_length=MAX_SUMMARY_ADDRESSES)] = ()
    """Who answered, latest first; a host name where only that is told."""
    last: Count | None = None
    best: Count | None = None
    mean: Measure | None = None
    worst: Count | None = None
    sd: Measure | None = None
    gmean: Measure | None = None
    jitter: Measure | None = None
    last_jitter: Count | None = None
    max_jitter: Count | None = None
    smooth_jitter: Measure | None = None
    p50: Count | None = None
    p90: Count | None = None
    p99: Count | None = None
    late: Count = 0
    duplicates: Count = 0
    reached: bool = False
    """The target itself answered."""


class ProbeVoid(_Event, frozen=True, tag="probe-void"):
    """This probe counts as never sent: it was past the target, or never left this machine."""

    run: Int64
    probe: Int64
    ttl: Ttl
    reason: str


class SendFailed(_Event, frozen=True, tag="send-failed"):
    """The local machine refused to send, or its kernel answered the probe itself."""

    run: Int64
    ttl: Ttl
    errno: Int64
    """As in errno(3); 0 if the local kernel answered with an ICMP message."""
    reason: str
    mtu: Int64 | None = None
    """MTU of the interface in bytes, if it refused a larger packet."""


class MtuSource(enum.StrEnum):
    """How an MTU became known."""

    REPORTED = "reported"
    """A router reported it (RFC 1191 §4, RFC 4443 §3.2)."""
    GUESSED = "guessed"
    """A router refused without its MTU: the next plateau (RFC 1191 §7.1)."""
    INTERFACE = "interface"
    """The MTU of the local interface."""
    BLACK_HOLE = "black-hole"
    """No router reported it; larger packets are silently dropped."""


class MtuFound(_Event, frozen=True, tag="mtu-found", rename={"source": "how"}):
    """No packet larger than `mtu` bytes passes from the hop before `ttl` on."""

    ttl: Ttl
    """0: the local interface."""
    mtu: Int64
    source: MtuSource
    address: str
    """Address of the router that reported it; empty if none did."""


class MtuSearchEnd(enum.StrEnum):
    """Why the path MTU is not looked for any more."""

    COMPLETE = "complete"
    STOPPED = "stopped"
    SILENT = "silent"
    """Nobody answers small probes, or not often enough to tell what becomes of large ones."""
    ALL_LARGE = "all-large"
    """Packets vanish that every link carries: for another reason than their size alone."""
    FAILED = "failed"
    """This machine cannot send such probes."""


class PathMtuFound(_Event, frozen=True, tag="path-mtu-found"):
    """The search for the path MTU is over, and this is what it found.

    What it says holds up to `last_ttl`, the target or the last hop that answers.
    """

    run: Int64
    reason: MtuSearchEnd
    mtu: Int64 = 0
    """The largest size that passed, in bytes; 0: not known."""
    last_ttl: Ttl = 0
    reached: bool = False
    """The target is at `last_ttl`."""
    limit: MtuSource | None = None
    """What becomes of larger packets: `REPORTED` and `GUESSED`, a router refuses them (and did, or
    did not, tell this MTU); `BLACK_HOLE`, they vanish; `INTERFACE`, they cannot leave."""
    near_ttl: Ttl = 0
    """The farthest hop that larger packets reach; 0: none, or none is known."""
    near_address: str = ""
    far_ttl: Ttl = 0
    """The first hop that they do not reach; 0: not known."""
    far_address: str = ""
    refused_by: str = ""
    """The router that refuses them."""


class PathEnd(_Event, frozen=True, tag="path-end"):
    """The path is probed up to this TTL from now on."""

    run: Int64
    ttl: Ttl
    reached: bool
    """True: `ttl` is the target's. False: the last TTL that answered, plus `Pace.max_unknown`."""


class Foreign(_Event, frozen=True, tag="foreign"):
    """Replies arrived that look like replies to our probes, but match none of them."""

    count: Int64


class SourceChanged(_Event, frozen=True, tag="source-changed"):
    """Probes leave from another address than before."""

    source: str


class EgressFound(_Event, frozen=True, tag="egress-found"):
    """Probes of this run leave this way from now on."""

    run: Int64
    source: str
    """The address that they carry."""
    interface: str = ""
    """Name; empty if the kernel does not say."""
    gateway: str = ""
    """Empty if the target is on the link."""
    mtu: Int64 = 0
    """Of the route, or else of the interface, in bytes; 0: not known."""


class ClockStepped(_Event, frozen=True, tag="clock-stepped"):
    """The wall clock was set, or the machine slept: times of day are others from now on.

    Or this program was stopped (Ctrl-Z, a frozen container), and nothing was sent meanwhile.
    """

    wall: Int64
    """Nanoseconds since 1970 (UTC) at `at`, by the clock as it is now."""
    step: Int64 = 0
    """Nanoseconds by which the clock was set; negative: back."""
    asleep: Int64 = 0
    """Nanoseconds that the machine was suspended, which `at` does not count."""
    stopped: Int64 = 0
    """Nanoseconds that this program did not run, which `at` counts."""


class Notice(_Event, frozen=True, tag="notice"):
    """One line that the user should read."""

    text: str


class Note(_Event, frozen=True, tag="note"):
    """A note of the user."""

    text: str
    moment: Int64
    """The moment that the note is about, in ns since the session began; usually before `at`."""


class HostNamed(_Event, frozen=True, tag="named"):
    """The reverse DNS names of an address. A later event replaces an earlier one."""

    address: str
    names: tuple[str, ...] = ()
    """Names as in DNS, best first; empty if the address has no name any more."""
    confirmed: bool | None = None
    """The address records of the first name lead back to the address; None: not known (yet)."""
    shown: tuple[str, ...] = ()
    """If any name is an IDN: the names with each IDN in both forms (RFC 5890 §2.3.2.1)."""


class AsnFound(_Event, frozen=True, tag="origin"):
    """The origin AS of an address. A later event replaces an earlier one."""

    address: str
    asns: tuple[Int64, ...] = ()
    """AS numbers; several if several announce the same prefix."""
    prefix: str = ""
    country: str = ""
    """ISO 3166-1, two letters."""
    registry: str = ""
    """Mostly `arin`, `ripencc`, `apnic`, `lacnic` or `afrinic`; any text, or none."""
    names: tuple[str, ...] = ()
    """Names of the ASes in the same order; an empty name, or no names: unknown as yet."""
    allocated: str = ""
    """When the registry allocated the prefix, as it writes it: `2001-01-01`."""


class OwnerFound(_Event, frozen=True, tag="owned"):
    """The owner of the reverse zone of an address, from its SOA record."""

    address: str
    owner: str = ""
    """A mail address."""


class Located(_Event, frozen=True, tag="located"):
    """Where an address is, by files of the user's. A later event replaces an earlier one."""

    address: str
    exchange: str = ""
    """Name of the exchange point whose network the address is in, by PeeringDB."""
    city: str = ""
    country: str = ""
    database: str = ""
    """What says so of city and country (ISO 3166-1): `GeoLite2-City of 2026-11-03`."""


class RegistryRecord(_Event, frozen=True, tag="registered"):
    """The registry's record of an address, which is queried only on demand."""

    address: str
    network: str = ""
    """The handle and name of the network."""
    range: str = ""
    """A prefix, or the first and the last address."""
    organisation: str = ""
    country: str = ""
    abuse: str = ""
    """Mail address for complaints."""
    registry: str = ""
    error: str = ""
    """Why there is no record, in one line; the rest is empty then."""


class SessionEnded(_Event, frozen=True, tag="session-ended"):
    """The last event of a stream that ended in order."""


Event: TypeAlias = (
    SessionBegan
    | PaceSet
    | RunOpened
    | FlowOpened
    | WaysSought
    | WaysEnded
    | RoundBegan
    | ProbeSent
    | Reply
    | ProbeLost
    | HopSummary
    | ProbeVoid
    | SendFailed
    | MtuFound
    | PathMtuFound
    | PathEnd
    | Foreign
    | SourceChanged
    | EgressFound
    | ClockStepped
    | Notice
    | Note
    | HostNamed
    | AsnFound
    | OwnerFound
    | Located
    | RegistryRecord
    | SessionEnded
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """Return one line of JSON, without the newline."""
    return _encoder.encode(event)


def decode_event(line: bytes | str) -> Event:
    """Return the event of one line; raises `msgspec.ValidationError` or `DecodeError`."""
    return _decoder.decode(line)


def at_time(event: Event, at: int) -> Event:
    """Return the same event with another `at`, in ns."""
    return msgspec.structs.replace(event, at=at)
