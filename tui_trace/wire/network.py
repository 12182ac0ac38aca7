"""The interface between engine and wire: probes to send, and replies decoded. No bytes cross it.

A probe is identified by its *flow* and its *key*. Both stand in the first eight bytes above IP, the
part that every router must quote (RFC 792):

    ========  =============================  =====================================
    protocol  flow (two 16-bit numbers)      key
    ========  =============================  =====================================
    ICMP      identifier, checksum           sequence number, 16 bits
    UDP       source port, destination port  checksum, 16 bits, 1–65535
    TCP       source port, destination port  sequence number, 32 bits
    others    bytes 0–1, bytes 2–3           bytes 4–7
    ========  =============================  =====================================

IPv4 adds the IP ID. Two bytes of payload give ICMP and UDP the checksum that flow or key ask for.
"""

import typing
from typing import NamedTuple, TypeAlias

from tui_trace.core.events import Change, Interface, MplsLabel, ReplyKind, Stamp
from tui_trace.core.settings import ProbeSettings, Protocol

FlowTuple: TypeAlias = tuple[int, int]

PORTED = frozenset({33, 132, 136})
"""Other IP protocols whose first four bytes are ports, which a reply swaps: DCCP, SCTP, UDP-Lite
(RFC 4340, 9260, 3828). Of all others, any datagram from the target may be the reply."""


class ProbeSpec(NamedTuple):
    """One probe to send."""

    settings: ProbeSettings
    ttl: int
    flow: FlowTuple
    key: int
    ip_id: int
    """1–65535; IPv4 only."""


class SendStamp(NamedTuple):
    """When a probe left. If a probe has two, the one that was handed over last counts."""

    protocol: Protocol
    flow: FlowTuple
    key: int
    stamp: Stamp
    """Which clock stamped it. `USER`: this program, just before it sent; the kernel took none."""
    wall: int
    """Nanoseconds since 1970 by the kernel's clock."""


class ReceivedReply(NamedTuple):
    """One packet that came in, decoded. The engine decides whether it answers one of our probes."""

    address: str
    kind: ReplyKind
    protocol: Protocol
    """The protocol of the probe, not of the reply."""
    flow: FlowTuple
    """As the probe carried it: a direct reply's ports are swapped back; an echo reply's checksum
    is converted to its request's. If a quote names another destination than the target, its effect
    on the checksum, of UDP and ICMPv6, is removed from `flow` and `key`."""
    key: int | None
    """The probe's. Of `SYN_ACK` and `RST`: the number acknowledged less one, which counts the
    probe's data too (RFC 9293 §3.10.7); of an RST without ACK: its sequence number. None for a
    datagram that the target sent (`UDP`, and `OTHER` with no ICMP type): only the flow identifies
    its probe, or not even that (see `PORTED`), unless it came by a socket of the probe's own."""
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
    """The whole ICMP error, from its header on, for `Network.quoted`; empty for direct replies."""
    number: int = 0
    """The IP protocol of a datagram that answers `Protocol.IP`."""
    checksum_invariant: int | None = None
    """(Ports + checksum) mod 65535, after the addresses' contribution is removed: NAT does not
    change it. Only for a UDP probe over IPv6 that was quoted with other addresses than ours."""


class QuoteDetails(NamedTuple):
    """What an ICMP error says about a probe, beside which probe it is."""

    changed: tuple[Change, ...] = ()
    shown: int | None = None
    """Bytes of the probe that were quoted; None: all of them."""
    is_translated: bool = True
    """The first eight bytes of the transport header are the probe's. Only ports or identifier may
    differ, and the checksum only by what these and the addresses change in it."""
    labels: tuple[MplsLabel, ...] = ()
    interfaces: tuple[Interface, ...] = ()


NOTHING_QUOTED = QuoteDetails()


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


class Network(typing.Protocol):
    """The network as one target is probed in it: real sockets, or a simulation and its clock."""

    family: int
    """4 or 6."""
    address: str
    """The target's."""

    def open(self) -> None:
        """Take over the sockets, which one target uses at a time. Call this first."""
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

    def reserve_port(self, protocol: Protocol, port: int | None = None) -> int:
        """Reserve a source port until `close`, and return it; None: the kernel picks one.

        The receive filter lets in what comes to a reserved port. `SendError` if it is in use.
        """
        ...

    def data_length(self, settings: ProbeSettings) -> int:
        """Return the bytes of TCP data in a probe of these settings, which an RST acknowledges."""
        ...

    def send(self, probe: ProbeSpec) -> None:
        """Send one probe; `SendError` if this machine's kernel refuses."""
        ...

    def receive(self, timeout: int) -> tuple[list[SendStamp], list[ReceivedReply]]:
        """Wait at most `timeout` ns for a packet or for `wake`, and return all that came.

        Send stamps are read before the replies, so a probe's stamp never comes after its reply.
        """
        ...

    def quoted(self, probe: ProbeSpec, reply: ReceivedReply) -> QuoteDetails:
        """Return what a reply with a `message` says about the probe that was sent; never raises."""
        ...

    def wake(self) -> None:
        """End a `receive` early; for any thread, and for signal handlers."""
        ...

    def close(self) -> None:
        """Free the reserved ports. Raw sockets stay open: they may not be opened a second time."""
        ...
