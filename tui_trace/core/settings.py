"""Settings: how a probe looks on the wire, and when probes leave.

`ProbeSettings` is frozen: the live view replaces the whole value to change a field. A *run* of a
session is the part that is probed with one `ProbeSettings`. `Pace` belongs to no run.
"""

import enum
from typing import Any

import msgspec

from tui_trace.core.ranges import Byte, Count, Int64, Port, Ttl

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000

MAX_FLOWS = 512
MAX_QUERIES = 100
"""Largest number of probes per hop and round."""
MAX_UNKNOWN = 255
"""Largest number of silent hops in a row: no path has more hops."""
MAX_PACKET = 65_535
"""Largest IP packet, in bytes (RFC 791)."""


class SettingError(ValueError):
    """A value that is never valid; `str()` is one line for the user."""

    def __init__(self, option: str, given: object, takes: str) -> None:
        """`option` is as the user writes it (`--port`); `takes` says which values are valid."""
        super().__init__(f"{option} takes {takes}, not {str(given)[:40]!r}")


class UsageError(SettingError):
    """Something else that is never valid, such as options that do not go together."""

    def __init__(self, line: str) -> None:
        """`line` is the one for the user."""
        ValueError.__init__(self, line)


class Protocol(enum.StrEnum):
    """The protocol of a probe, above IP."""

    ICMP = "icmp"
    UDP = "udp"
    TCP = "tcp"
    IP = "ip"
    """Any other protocol, by its number in `ProbeSettings.number`."""
    QUIC = "quic"
    """UDP with the first packet of a QUIC connection, in a version that no server has."""

    @property
    def transport(self) -> "Protocol":
        """Return the protocol whose header the probe has: UDP for QUIC."""
        return Protocol.UDP if self is Protocol.QUIC else self

    @property
    def has_ports(self) -> bool:
        """Return whether a probe has ports. Of the protocols by number, no port can be chosen."""
        return self.transport in (Protocol.TCP, Protocol.UDP)


class FlowMode(enum.StrEnum):
    """Which flows load balancers see in a sequence of probes (`--flow`)."""

    CONSTANT = "constant"
    """All hashed fields stay the same: one path is measured (Paris traceroute)."""
    CLASSIC = "classic"
    """UDP's destination port rises with each probe, as in Van Jacobson's traceroute."""
    VARY = "vary"
    """The source port, or ICMP's identifier, changes with each probe."""


class TcpFlags(enum.StrEnum):
    """Flags of a TCP probe."""

    SYN = "syn"
    ACK = "ack"
    SYN_ACK = "syn+ack"
    ECN = "ecn"
    """SYN with ECE and CWR: asks for ECN (RFC 3168 §6.1.1)."""


class ProbeIdField(enum.StrEnum):
    """The field that identifies a probe in a quote if other fields were rewritten (`--track`)."""

    SEQUENCE = "seq"
    """The probe ID in the first eight bytes of each protocol."""
    IP_ID = "id"
    """The IP ID, for firewalls that rewrite TCP sequence numbers. IPv6 has none: as `SEQUENCE`."""
    PORT = "port"
    """A separate source port for each probe, for firewalls that rewrite the IP ID too."""


class DnatMode(enum.StrEnum):
    """How to treat quoted headers that NAT rewrote (`--dnat`)."""

    OFF = "off"
    """They match no probe: a quote must agree in every field."""
    MATCH = "match"
    SHOW = "show"
    """They match, and the view shows where the probe really went."""


QUIC_DATAGRAM = 1200
"""Bytes of UDP payload below which a QUIC server answers nothing (RFC 9000 §6.1, §14.1)."""

DEFAULT_PORT = {
    Protocol.ICMP: 0,
    Protocol.UDP: 33434,
    Protocol.TCP: 80,
    Protocol.IP: 0,
    Protocol.QUIC: 443,
}
DEFAULT_SIZE = {
    Protocol.ICMP: 64,
    Protocol.UDP: 64,
    Protocol.TCP: 60,
    Protocol.IP: 64,
    Protocol.QUIC: 20 + 8 + QUIC_DATAGRAM,
}

_TRANSPORT_MINIMUM = {
    # header, and two bytes of payload that keep the checksum where a constant flow needs it
    Protocol.ICMP: 8 + 2,
    Protocol.UDP: 8 + 2,
    # header and the 20 bytes of options of a Linux SYN
    Protocol.TCP: 20 + 20,
    # what every router must quote, and all that is ours
    Protocol.IP: 8,
    # a smaller one would count as lost, whatever the path does with it
    Protocol.QUIC: 8 + QUIC_DATAGRAM,
}

DSCP_NAMES = {
    "CS0": 0, "CS1": 8, "CS2": 16, "CS3": 24, "CS4": 32, "CS5": 40, "CS6": 48, "CS7": 56,
    "AF11": 10, "AF12": 12, "AF13": 14, "AF21": 18, "AF22": 20, "AF23": 22,
    "AF31": 26, "AF32": 28, "AF33": 30, "AF41": 34, "AF42": 36, "AF43": 38,
    "EF": 46, "VA": 44, "LE": 1, "BE": 0, "DF": 0,
}  # fmt: skip
"""Code points by name (RFC 2474, 2597, 3246, 5865, 8622); the TOS byte is four times these."""

PROTOCOL_NAMES = {
    2: "igmp", 4: "ipip", 33: "dccp", 41: "ipv6", 46: "rsvp", 47: "gre", 50: "esp", 51: "ah",
    88: "eigrp", 89: "ospf", 103: "pim", 112: "vrrp", 115: "l2tp", 124: "isis", 132: "sctp",
    136: "udplite",
}  # fmt: skip
"""IP protocols that people probe, by number (IANA's registry), also where there is no
/etc/protocols."""

_SETTINGS_ON_DISK = {"payload_byte": "fill", "no_tcp_options": "bare", "spoofed_source": "foreign"}
_PACE_ON_DISK = {"next_probe_after": "hurry"}
"""Names of fields in recordings and in JSON, if they differ from the names here."""


class ProbeSettings(msgspec.Struct, frozen=True, rename=_SETTINGS_ON_DISK):
    """How a probe looks on the wire. Probes with equal settings belong to one run."""

    protocol: Protocol = Protocol.ICMP
    port: Port = 0
    """Destination port, 1–65535; 0 for ICMP, and where another program does not tell it."""
    source_port: Port | None = None
    """1–65535; None: the kernel chooses a free port."""
    tos: Byte = 0
    """The TOS byte, or IPv6's traffic class, 0–255."""
    df: bool = False
    """Don't fragment. In IPv6 no router fragments, even if this is False."""
    size: Int64 = 64
    """Bytes of the whole IP packet."""
    payload_byte: Byte = 0
    """Value of all unused payload bytes, 0–255."""
    tcp_flags: TcpFlags = TcpFlags.SYN
    no_tcp_options: bool = False
    """TCP without options: 40 bytes suffice."""
    flow: FlowMode = FlowMode.CONSTANT
    flows: Int64 = 1
    """Number of constant flows that are probed side by side, from 1 on."""
    source: str | None = None
    """Address that probes leave from; None: the route decides."""
    spoofed_source: bool = False
    """`source` need not be an address of this machine; then no reply arrives here."""
    interface: str | None = None
    dont_route: bool = False
    """Send without a gateway: only neighbours are reached (SO_DONTROUTE, IPv4)."""
    number: Byte = 0
    """The IP protocol of `Protocol.IP`, 0–255."""
    track: ProbeIdField = ProbeIdField.SEQUENCE
    dnat: DnatMode = DnatMode.MATCH


class Pace(msgspec.Struct, frozen=True, rename=_PACE_ON_DISK):
    """When probes leave, and over which TTLs. A pace belongs to no run."""

    interval: Count = NS_PER_S
    """Nanoseconds between the starts of two rounds."""
    first_ttl: Ttl = 1
    max_ttl: Ttl = 30
    queries: Count = 1
    """Probes for each hop in each round."""
    max_unknown: Count = 5
    """Silent hops past the last one that answered, after which probing stops."""
    wait: Count | None = None
    """Nanoseconds to wait for a reply; None: adaptive, at most five seconds."""
    rounds: Count | None = None
    """Number of rounds; None: until the user stops."""
    paused: bool = False
    sequential: bool = False
    """Each probe waits for the reply or the loss of the probe before it, as in traceroute."""
    next_probe_after: Count | None = None
    """Nanoseconds after which the next probe of a sequence leaves without that; None: it waits."""
    first_reply: bool = False
    """After the first reply of a hop, its other queries of the round are left out."""


def minimum_size(protocol: Protocol, family: int, no_tcp_options: bool = False) -> int:
    """Return the size of the smallest probe of this protocol, in bytes; `family` is 4 or 6."""
    above = 20 if no_tcp_options and protocol is Protocol.TCP else _TRANSPORT_MINIMUM[protocol]
    return (20 if family == 4 else 40) + above


class SettingsHistory:
    """The settings in use, and the last port and size of each protocol."""

    def __init__(self, settings: ProbeSettings) -> None:
        """Start from the settings of the command line."""
        self.current = settings
        self._remembered = {
            protocol: (DEFAULT_PORT[protocol], DEFAULT_SIZE[protocol]) for protocol in Protocol
        }

    def protocol(self, protocol: Protocol) -> ProbeSettings:
        """Change to another protocol, with the port and the size of its last use."""
        now = self.current
        self._remembered[now.protocol] = (now.port, now.size)
        port, size = self._remembered[protocol]
        return self.change(protocol=protocol, port=port, size=size)

    def port_of(self, protocol: Protocol) -> int:
        """Return the port in use, or of the last use of another protocol."""
        now = self.current
        return now.port if protocol is now.protocol else self._remembered[protocol][0]

    def change(self, **fields: Any) -> ProbeSettings:
        """Replace fields of the settings in use, and return the new settings."""
        self.current = msgspec.structs.replace(self.current, **fields)
        return self.current
