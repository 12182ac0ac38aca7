"""The interface between engine and wire: probes to send, and what came back for each.

The engine decides which probe leaves when, with which TTL and flow. The wire builds it, keeps what
it sent, and finds the probe that a reply belongs to (`tui_trace.wire.matching`). No packet layout
crosses this interface.

A probe is identified by its *flow* and its *key*. Both stand in the first eight bytes above IP, the
part that every router must quote (RFC 792):

    ========  =============================  =====================================
    protocol  flow (two 16-bit numbers)      key
    ========  =============================  =====================================
    ICMP      identifier, checksum           sequence number, 16 bits
    UDP       source port, destination port  checksum, 16 bits, 1–65535
    TCP       source port, destination port  sequence number, 32 bits
    QUIC      as UDP                         as UDP
    others    bytes 0–1, bytes 2–3           bytes 4–7
    ========  =============================  =====================================

IPv4 adds the IP ID. Two bytes of payload give ICMP and UDP the checksum that flow or key ask for.
QUIC has the key in its connection IDs, too, from where a server sends it back.
"""

import enum
import typing
from collections.abc import Collection, Iterable
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from tui_trace.core.events import Change, Interface, MplsLabel, ReplyKind, Stamp
from tui_trace.core.settings import ProbeSettings, Protocol

FlowTuple: TypeAlias = tuple[int, int]

PORTED = frozenset({33, 132, 136})
"""Other IP protocols whose first four bytes are ports, which a reply swaps: DCCP, SCTP, UDP-Lite
(RFC 4340, 9260, 3828). Of all others, any datagram from the target may be the reply."""


class OutgoingProbe:
    """One probe, as the engine asks for it and as the wire sent it."""

    __slots__ = (
        "data_length",
        "flow",
        "ip_id",
        "key",
        "monotonic",
        "owner",
        "packet",
        "settings",
        "stamp",
        "target",
        "ttl",
        "wall",
    )

    def __init__(
        self, settings: ProbeSettings, ttl: int, flow: FlowTuple, monotonic: int, wall: int
    ) -> None:
        """`monotonic` and `wall` are clock times in ns, read just before the probe is sent."""
        self.settings = settings
        self.ttl = ttl
        self.flow = flow
        self.monotonic = monotonic
        self.wall = wall
        """Nanoseconds since 1970 when it left; the kernel's, once `stamp` says so."""
        self.stamp = Stamp.USER
        """Which clock `wall` is from. `USER`: this program, just before it sent."""
        # all that follows is set by `Network.send`
        self.owner = 0
        """Number of the network that sent it, among those with the same wire."""
        self.target = ""
        """Its address."""
        self.key = 0
        self.ip_id = 0
        """1–65535; IPv4 only."""
        self.data_length = 0
        """Bytes of TCP data, which an RST may acknowledge beyond the key."""
        self.packet = b""
        """The first bytes of the IP packet, as it was sent; empty if they are not known."""


ProbeT = TypeVar("ProbeT", bound=OutgoingProbe)


class Answers(enum.Enum):
    """What a reply answers, where the kernel sends a probe again by itself."""

    PROBE = enum.auto()
    REPEAT = enum.auto()
    """Only the repetition: the probe itself may be lost, and the reply's time is no RTT."""
    UNKNOWN = enum.auto()
    """The probe or the repetition, which cannot be told."""


class ReceivedReply(NamedTuple):
    """One packet that came in, decoded. It answers one of our probes, or somebody else's."""

    address: str
    kind: ReplyKind
    protocol: Protocol
    """The protocol of the probe, not of the reply. Of QUIC: UDP."""
    flow: FlowTuple
    """As the probe carried it: a direct reply's ports are swapped back; an echo reply's checksum
    is converted to its request's. If a quote names another destination than the target, its effect
    on the checksum, of UDP and ICMPv6, is removed from `flow` and `key`."""
    key: int | None
    """The probe's. Of `SYN_ACK` and `RST`: the number acknowledged less one, which counts the
    probe's data too (RFC 9293 §3.10.7); of an RST without ACK: its sequence number. None for a
    datagram that the target sent (`UDP`, and `OTHER` with no ICMP type): only the flow identifies
    its probe, or not even that (see `PORTED`), unless it came by a socket of the probe's own. Of
    `VERSION_NEGOTIATION`: None until `ids` have identified it."""
    ip_id: int | None
    """Quoted; None for direct replies and IPv6."""
    destination: str
    """Where the probe went: as quoted, or the sender of a direct reply."""
    wall: int
    """Nanoseconds since 1970, when it arrived."""
    stamp: Stamp
    """Which clock `wall` is from. `SCHEDULER`: the kernel's, but behind its queues."""
    icmp_type: int | None
    code: int | None
    reply_ttl: int | None
    mtu: int | None
    ecn: bool
    quoted_tos: int | None
    quoted_ttl: int | None
    message: bytes = b""
    """The whole ICMP error, from its header on; empty for direct replies."""
    number: int = 0
    """The IP protocol of a datagram that answers `Protocol.IP`."""
    ids: bytes = b""
    """Of `VERSION_NEGOTIATION`: the connection IDs of the probe, which identify it in place of
    `key`."""
    versions: tuple[int, ...] = ()
    """Of `VERSION_NEGOTIATION`: the versions of QUIC that the server has."""


class QuoteDetails(NamedTuple):
    """What an ICMP error says about a probe, beside which probe it is."""

    changed: tuple[Change, ...] = ()
    shown: int | None = None
    """Bytes of the probe that were quoted; None: all of them."""
    labels: tuple[MplsLabel, ...] = ()
    interfaces: tuple[Interface, ...] = ()


NOTHING_QUOTED = QuoteDetails()


class Answer(NamedTuple, Generic[ProbeT]):
    """A probe, and what came back for it."""

    probe: ProbeT
    """If the reply carries no probe ID (`ReceivedReply.key` is None): the probe that left last from
    the port that the reply came to; where there are no ports, the last one of its protocol."""
    reply: ReceivedReply
    quoted: QuoteDetails = NOTHING_QUOTED
    answers: Answers = Answers.PROBE


class Received(NamedTuple, Generic[ProbeT]):
    """All that came in since the last time."""

    answers: list[Answer[ProbeT]]
    """In the order in which they arrived."""
    foreign: int = 0
    """Replies that look like replies to our probes, but match none of them."""


class Egress(NamedTuple):
    """How probes leave this machine."""

    source: str
    """The address that they carry."""
    interface: str = ""
    """Name; empty if the kernel does not say."""
    gateway: str = ""
    """Empty if the target is on the link."""
    mtu: int = 0
    """Of the route, or else of the interface, in bytes; 0: not known."""
    interface_index: int = 0
    """0: not known."""


class SendError(Exception):
    """This machine's kernel refused a packet."""

    def __init__(self, errno: int, reason: str, mtu: int | None = None) -> None:
        """`errno` as in errno(3), `reason` for the user, `mtu` of the interface in bytes."""
        self.errno = errno
        self.reason = reason
        self.mtu = mtu
        super().__init__(reason)


class Network(typing.Protocol[ProbeT]):
    """The network as one target is probed in it: real sockets, or a simulation and its clock."""

    family: int
    """4 or 6."""
    address: str
    """The target's."""
    keeps_ports: bool
    """All probes of a flow leave from its port; False: the kernel picks one for each socket."""

    @property
    def wire(self) -> object:
        """Return what it shares with the networks of other targets, for which it collects, too."""
        ...

    def open(self) -> None:
        """Let in what comes for this target. Call this first.

        `SendError` if this process cannot wait for them.
        """
        ...

    def monotonic(self) -> int:
        """Return nanoseconds that only move forward."""
        ...

    def wall(self) -> int:
        """Return nanoseconds since 1970, by the clock that the stamps are taken from."""
        ...

    def egress(self, settings: ProbeSettings) -> Egress:
        """Return how probes of these settings leave now, by their first ports if flows differ.

        `SendError` if none can leave. Sends nothing.
        """
        ...

    def reserve_port(
        self, protocol: Protocol, port: int | None = None, *, is_spare: bool = False
    ) -> int:
        """Reserve a source port until `close`, and return it; None: the kernel picks one.

        A spare one is refused where the file descriptors get scarce.

        The receive filter lets in what comes to a reserved port. `SendError` if it is in use.
        """
        ...

    def send(self, probe: ProbeT) -> None:
        """Give a probe its ID and send it; `SendError` if this machine's kernel refuses."""
        ...

    def receive(self, timeout: int, *, wake_on_reply: bool = True) -> Received[ProbeT]:
        """Wait at most `timeout` ns for a reply or for `wake`, and return all that came.

        Without `wake_on_reply` no reply ends the wait: the kernel has stamped it when it came, and
        several are read at once for less. A probe's send stamp is in the probe before its reply is
        returned.
        """
        ...

    def handles(self, *, wake_on_reply: bool) -> Collection[int]:
        """Return the file descriptors that are readable when something has come, or on `wake`."""
        ...

    def collect(self) -> Iterable[tuple["Network[ProbeT]", Received[ProbeT]]]:
        """Return all that came, for this network and those with the same `wire`; never waits."""
        ...

    def wake(self) -> None:
        """End a `receive` early; for any thread, and for signal handlers."""
        ...

    def close(self) -> None:
        """Free the reserved ports. Raw sockets stay open: they may not be opened a second time."""
        ...
