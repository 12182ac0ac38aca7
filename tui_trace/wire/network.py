"""What the engine asks of the wire, and what the wire tells it. No bytes pass this line.

A probe is told from all others by its *flow* and its *key*. Both stand in the first eight bytes
above IP, the part that every router must quote (RFC 792):

    ========  =============================  =====================================
    protocol  flow (two 16-bit numbers)      key
    ========  =============================  =====================================
    ICMP      identifier, checksum           sequence number, 16 bits
    UDP       source port, destination port  checksum, 16 bits, 1–65535
    TCP       source port, destination port  sequence number, 32 bits
    others    bytes 0–1, bytes 2–3           bytes 4–7
    ========  =============================  =====================================

IPv4 adds the IP ID. Two bytes of payload make the checksum what it has to be.
"""

import typing
from typing import NamedTuple, TypeAlias

from tui_trace.core.events import Change, Interface, MplsLabel, ReplyKind, Stamp
from tui_trace.core.settings import ProbeSettings, Protocol

FlowTuple: TypeAlias = tuple[int, int]

PORTED = frozenset({33, 132, 136})
"""Those of the other protocols whose first four bytes are ports, which an answer swaps: DCCP, SCTP,
UDP-Lite (RFC 4340, 9260, 3828). Of the rest, any datagram from the target may be the answer."""


class ProbeSpec(NamedTuple):
    """One probe to send."""

    settings: ProbeSettings
    ttl: int
    flow: FlowTuple
    key: int
    ip_id: int
    """1–65535; IPv4 only."""


class SendStamp(NamedTuple):
    """A probe was stamped as it left. Of two stamps the later told counts."""

    protocol: Protocol
    flow: FlowTuple
    key: int
    stamp: Stamp
    """`USER` where the kernel takes none: then by this program just before it sent."""
    wall: int
    """Nanoseconds since 1970 by the kernel's clock."""


class ReceivedReply(NamedTuple):
    """One packet that came in, decoded. Whether it answers a probe of ours is not decided yet."""

    address: str
    kind: ReplyKind
    protocol: Protocol
    """Of the probe it speaks of."""
    flow: FlowTuple
    """As the probe carried it: a direct reply's ports are swapped back; an echo reply's checksum
    is turned back into its request's. Where a quote names another destination than the target,
    what that alone does to a checksum, of UDP and ICMPv6, is undone in `flow` and `key`."""
    key: int | None
    """Of the probe it speaks of. `SYN_ACK` and `RST`: the number acknowledged less one, which
    counts the probe's data too (RFC 9293 §3.10.7); an RST without ACK: its sequence number.
    `UDP`, and `OTHER` with no ICMP type: None, a datagram of the target's own, known by its flow
    alone, or by less (see `PORTED`), unless its socket tells."""
    ip_id: int | None
    """Quoted; None for direct replies and IPv6."""
    destination: str
    """Where the probe went: quoted, or the sender of a direct reply."""
    wall: int
    """Nanoseconds since 1970, when it arrived."""
    stamp: Stamp
    """Who took `wall`: `KERNEL`, `USER`, or `SCHEDULER`: the kernel, behind its queues."""
    icmp_type: int | None
    code: int | None
    reply_ttl: int | None
    mtu: int | None
    ecn: bool
    quoted_tos: int | None
    quoted_ttl: int | None
    message: bytes = b""
    """All of an ICMP error, from its header on, for `Network.quoted`; empty for direct replies."""
    number: int = 0
    """The IP protocol of a datagram that answers `Protocol.IP`."""
    checksum_invariant: int | None = None
    """(Ports + checksum) mod 65535, after the addresses' contribution is removed: NAT does not
    change it. Only for a UDP probe over IPv6 that was quoted with other addresses than ours."""


class QuoteDetails(NamedTuple):
    """What an ICMP error says of a probe, beyond which one it is."""

    changed: tuple[Change, ...] = ()
    shown: int | None = None
    """Bytes of the probe that were quoted, where not all were."""
    is_translated: bool = True
    """The first eight bytes are the probe's, but for ports and identifier, with the checksum that
    these and the addresses make."""
    labels: tuple[MplsLabel, ...] = ()
    interfaces: tuple[Interface, ...] = ()


NOTHING_QUOTED = QuoteDetails()


class SendError(Exception):
    """Our own kernel refused a packet."""

    def __init__(self, errno: int, reason: str, mtu: int | None = None) -> None:
        """`errno` as in errno(3), `reason` in the user's words, `mtu` of the interface in bytes."""
        self.errno = errno
        self.reason = reason
        self.mtu = mtu
        super().__init__(reason)


class Network(typing.Protocol):
    """A target's view of the world: real sockets, or a simulation with a clock of its own."""

    family: int
    """4 or 6."""
    address: str
    """The target's."""

    def open(self) -> None:
        """Take over the sockets, which one target uses at a time; before all that follows."""
        ...

    def monotonic(self) -> int:
        """Nanoseconds that only move forward."""
        ...

    def wall(self) -> int:
        """Nanoseconds since 1970, by the clock that the stamps are taken from."""
        ...

    def source(self, settings: ProbeSettings) -> str:
        """The address that probes of these settings leave from now; `SendError` if none does."""
        ...

    def reserve_port(self, protocol: Protocol, port: int | None = None) -> int:
        """Reserve a source port for as long as this network lives; None: the kernel picks.

        A reserved TCP port is known to the receive filter. `SendError` if it is taken.
        """
        ...

    def data_length(self, settings: ProbeSettings) -> int:
        """Bytes of TCP data in a probe of these settings, which an RST acknowledges."""
        ...

    def send(self, probe: ProbeSpec) -> None:
        """Send one probe; `SendError` if our kernel refuses."""
        ...

    def receive(self, timeout: int) -> tuple[list[SendStamp], list[ReceivedReply]]:
        """Wait at most `timeout` ns for something to arrive or for `wake`, and take all there is.

        Stamps of sending are read before the answers, so a probe's stamp never comes after its
        reply.
        """
        ...

    def quoted(self, probe: ProbeSpec, answer: ReceivedReply) -> QuoteDetails:
        """What an answer with a `message` says of the probe that was sent; never raises."""
        ...

    def wake(self) -> None:
        """End a `receive` early; thread-safe and from a signal handler too."""
        ...

    def close(self) -> None:
        """Give ports back. The raw sockets outlive it: they cannot be opened twice."""
        ...
