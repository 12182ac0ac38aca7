"""The one vocabulary that every room shares: what happened, in order, immutable.

A *source* (live engine, lab, a recording) emits these; a *sink* (live view, report, recorder)
takes them. `at` is nanoseconds since the session began, by a monotonic clock; `rtt` is in
nanoseconds. As JSON, each event is one object whose `event` names its type
(`encode`, `decode_event`).
"""

import enum
from typing import TypeAlias

import msgspec

from tui_trace.core.ranges import Int64, Ttl
from tui_trace.core.settings import Pace, ProbeSettings

SCHEMA = 1
"""Version of the event stream; a change that an old reader cannot bear raises it."""


class Stamp(enum.StrEnum):
    """Who took a time stamp, best first."""

    KERNEL = "kernel"
    """The driver, as the packet left or came."""
    SCHEDULER = "scheduler"
    """The kernel, before the packet waited in the interface's queue."""
    USER = "user"
    """This program."""


class ReplyKind(enum.StrEnum):
    """What came back."""

    TIME_EXCEEDED = "time-exceeded"
    ECHO = "echo-reply"
    UNREACHABLE = "unreachable"
    """ICMP type 3, ICMPv6 type 1; `code` tells why. Also ICMPv6's way to say that a protocol is
    unknown, 4/1."""
    TOO_BIG = "too-big"
    """Fragmentation needed (ICMP 3/4) or ICMPv6 Packet Too Big; `mtu` is the router's."""
    SYN_ACK = "syn-ack"
    RST = "rst"
    UDP = "udp"
    """A UDP datagram from the target."""
    OTHER = "other"
    """Any other ICMP message that quotes a probe; `icmp_type` and `code` tell which. Without an
    `icmp_type`: a datagram from the target in the very protocol that was probed."""


class RewrittenField(enum.StrEnum):
    """A field of a probe that was not received as it was sent."""

    SOURCE = "source"
    DESTINATION = "destination"
    TOS = "tos"
    """The whole byte, where its upper six bits (DSCP) changed."""
    ECN = "ecn"
    """The two lower bits of the TOS byte."""
    FLOW_LABEL = "flow-label"
    LENGTH = "length"
    """Bytes of the IP packet; of IPv6, of its payload."""
    IP_ID = "ip-id"
    DF = "df"
    FRAGMENT = "fragment"
    """It is one: some router cut the probe up."""
    SOURCE_PORT = "source-port"
    DESTINATION_PORT = "destination-port"
    IDENTIFIER = "identifier"
    """Of ICMP echo."""
    SEQUENCE = "sequence"
    ACKNOWLEDGEMENT = "acknowledgement"
    TCP_FLAGS = "tcp-flags"
    """In letters, as tcpdump has them: `SEW`."""
    WINDOW = "window"
    MSS = "mss"
    OPTIONS = "options"
    """All TCP options, where others than the MSS changed."""
    CHECKSUM = "checksum"
    """Of the transport, where nothing that was quoted explains it."""
    PAYLOAD = "payload"


class Change(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A field that some hop on the way rewrote."""

    field: RewrittenField
    sent: Int64 | str | None = None
    """None where it is missing, or differs from probe to probe and says nothing."""
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
    """An interface of the router that answered, as it tells it itself (RFC 5837)."""

    role: str
    """`incoming`, `sub-ip`, `outgoing` or `next-hop`."""
    index: Int64 | None = None
    """As in SNMP's ifTable."""
    address: str = ""
    name: str = ""
    """The router's own words."""
    mtu: Int64 | None = None
    """Bytes."""


class _Event(msgspec.Struct, frozen=True, tag_field="event", omit_defaults=True, gc=False):
    at: Int64


class SessionBegan(_Event, frozen=True, tag="session-began", omit_defaults=False):
    """First of every stream."""

    wall: Int64
    """Nanoseconds since 1970 (UTC) at `at`."""
    target: str
    """As the user named it."""
    address: str
    family: Int64
    """4 or 6."""
    source: str
    """Address that the probes leave from."""
    version: str
    lab: str = ""
    """Name of the scenario, if this is the lab and no real network."""
    schema: Int64 = SCHEMA


class PaceSet(_Event, frozen=True, tag="pace-set"):
    """From here on probes leave at this pace."""

    pace: Pace


class RunOpened(_Event, frozen=True, tag="run-opened", rename={"reopened": "again"}):
    """These settings are in force; `reopened` if this run was open before."""

    run: Int64
    settings: ProbeSettings
    reopened: bool = False
    source_port: Int64 = 0
    """Of its first flow; 0 where there are no ports."""
    turns_with: Int64 = 0
    """The run that it takes turns with, round by round; 0: none. Both are told at the start."""


class RoundBegan(_Event, frozen=True, tag="round-began"):
    """A sweep over the hops starts; rounds count from 1 in each run."""

    run: Int64
    round: Int64


class ProbeSent(_Event, frozen=True, tag="probe-sent"):
    """A probe left; `probe` is unique in the session."""

    run: Int64
    probe: Int64
    ttl: Ttl
    flow: Int64 = 0
    """Which of the run's flows it belongs to; 0 where there is but one."""


class Reply(_Event, frozen=True, tag="reply", rename={"past_target": "beyond"}):
    """Something came back for a probe."""

    run: Int64
    probe: Int64
    ttl: Ttl
    """The TTL that the probe was sent with."""
    address: str
    """Who answered."""
    kind: ReplyKind
    rtt: Int64
    sent_stamp: Stamp
    received_stamp: Stamp
    flow: Int64 = 0
    """Which of the run's flows the probe belonged to."""
    reached: bool = False
    """The target itself answered."""
    late: bool = False
    """It came after the wait; the probe had been called lost, which is taken back."""
    duplicate: bool = False
    """The probe had been answered before."""
    past_target: bool = False
    """The target, to a TTL greater than its own: an answer, but no hop."""
    clock_stepped: bool = False
    """The wall clock moved meanwhile; `rtt` is by the monotonic clock."""
    icmp_type: Int64 | None = None
    code: Int64 | None = None
    reply_ttl: Ttl | None = None
    """TTL of the reply as it arrived."""
    mtu: Int64 | None = None
    """Bytes; of `TOO_BIG`, where the router gives it."""
    ecn: bool = False
    """A SYN/ACK that accepts ECN (ECE without CWR)."""
    quoted_tos: Int64 | None = None
    """TOS byte of the probe as the hop received it."""
    quoted_ttl: Ttl | None = None
    """TTL of the probe as the hop received it."""
    quoted_bytes: Int64 | None = None
    """How much of the probe was quoted, in bytes, where it is less than was sent."""
    changed: tuple[Change, ...] = ()
    """What the hop received otherwise than it was sent, TTL and checksums aside."""
    labels: tuple[MplsLabel, ...] = ()
    """Outermost first."""
    interfaces: tuple[Interface, ...] = ()


class ProbeLost(_Event, frozen=True, tag="probe-lost"):
    """The wait for this probe passed without an answer."""

    run: Int64
    probe: Int64
    ttl: Ttl


class ProbeVoid(_Event, frozen=True, tag="probe-void"):
    """This probe counts as never sent: it proved to lie beyond the target, or never left us."""

    run: Int64
    probe: Int64
    ttl: Ttl
    reason: str


class SendFailed(_Event, frozen=True, tag="send-failed"):
    """Our own machine would not send, or answered in the network's place."""

    run: Int64
    ttl: Ttl
    errno: Int64
    """As in errno(3); 0 if the refusal came as an ICMP message of our own kernel."""
    reason: str
    mtu: Int64 | None = None
    """Bytes that the interface takes, where it refused more."""


class MtuSource(enum.StrEnum):
    """How an MTU became known."""

    REPORTED = "reported"
    """A router said it (RFC 1191 §4, RFC 4443 §3.2)."""
    GUESSED = "guessed"
    """A router refused and did not say it: the next plateau (RFC 1191 §7.1)."""
    INTERFACE = "interface"
    """Our own."""
    BLACK_HOLE = "black-hole"
    """Nobody says it; larger probes vanish."""


class MtuFound(_Event, frozen=True, tag="mtu-found", rename={"source": "how"}):
    """From the hop before `ttl` on, no more than `mtu` bytes pass."""

    ttl: Ttl
    """0: our own interface."""
    mtu: Int64
    source: MtuSource
    address: str
    """Who said it; empty if nobody did."""


class PathEnd(_Event, frozen=True, tag="path-end"):
    """Up to this TTL the path is probed from now on."""

    run: Int64
    ttl: Ttl
    reached: bool
    """It is the target's own; else the last that answered, and `Pace.max_unknown`."""


class Foreign(_Event, frozen=True, tag="foreign"):
    """Replies that speak of probes like ours but answer none of them."""

    count: Int64


class SourceChanged(_Event, frozen=True, tag="source-changed"):
    """Probes leave from another address than before."""

    source: str


class Notice(_Event, frozen=True, tag="notice"):
    """One line that the user should read."""

    text: str


class Note(_Event, frozen=True, tag="note"):
    """What the user wrote down."""

    text: str
    moment: Int64
    """What it is about, in ns since the session began; usually before `at`."""


class HostNamed(_Event, frozen=True, tag="named"):
    """What reverse DNS calls an address. Later ones take the place of earlier ones."""

    address: str
    names: tuple[str, ...] = ()
    """As DNS has them, best first; empty if it had some and has none any more."""
    confirmed: bool | None = None
    """The address records of the first name lead back to the address; None: not known (yet)."""
    shown: tuple[str, ...] = ()
    """If any is an IDN: as people read them, each IDN in both forms (RFC 5890 §2.3.2.1)."""


class AsnFound(_Event, frozen=True, tag="origin"):
    """Who announces an address. Later ones take the place of earlier ones."""

    address: str
    asns: tuple[Int64, ...] = ()
    """AS numbers; several if several announce the same prefix."""
    prefix: str = ""
    country: str = ""
    """ISO 3166-1, two letters."""
    registry: str = ""
    """`arin`, `ripencc`, `apnic`, `lacnic` or `afrinic`."""
    names: tuple[str, ...] = ()
    """Of the ASes, in the same order, an empty one where it is not known; none: not known (yet)."""
    allocated: str = ""
    """When the registry gave the prefix away, as it says it: `2001-01-01`."""


class OwnerFound(_Event, frozen=True, tag="owned"):
    """Who answers for the reverse zone of an address, from its SOA record."""

    address: str
    owner: str = ""
    """A mailbox, as in mail."""


class RegistryRecord(_Event, frozen=True, tag="registered"):
    """What the registry knows of an address; asked for only on demand."""

    address: str
    network: str = ""
    """The handle and name of the network."""
    range: str = ""
    """As prefix, or first and last address."""
    organisation: str = ""
    country: str = ""
    abuse: str = ""
    """Mailbox for complaints."""
    registry: str = ""
    error: str = ""
    """Why there is no record, in one line; the rest is empty then."""


class SessionEnded(_Event, frozen=True, tag="session-ended"):
    """Last of a stream that ended in order."""


Event: TypeAlias = (
    SessionBegan
    | PaceSet
    | RunOpened
    | RoundBegan
    | ProbeSent
    | Reply
    | ProbeLost
    | ProbeVoid
    | SendFailed
    | MtuFound
    | PathEnd
    | Foreign
    | SourceChanged
    | Notice
    | Note
    | HostNamed
    | AsnFound
    | OwnerFound
    | RegistryRecord
    | SessionEnded
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """One line of JSON, without the newline."""
    return _encoder.encode(event)


def decode_event(line: bytes | str) -> Event:
    """The event of one line; raises `msgspec.ValidationError` or `DecodeError` on anything else."""
    return _decoder.decode(line)


def at_time(event: Event, at: int) -> Event:
    """The same event at another time."""
    return msgspec.structs.replace(event, at=at)
