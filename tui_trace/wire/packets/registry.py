"""All protocols of probes. A new one is a module like its neighbours, and an entry here.

Of those with the same IP number, QUIC and UDP, the first one reads quotes and replies.
"""

from collections.abc import Mapping

from tui_trace.core.settings import Protocol
from tui_trace.wire.packets.icmp import Icmp
from tui_trace.wire.packets.other_ip import OtherIp
from tui_trace.wire.packets.probe_protocol import ProbeProtocol
from tui_trace.wire.packets.quic import Quic
from tui_trace.wire.packets.tcp import Tcp
from tui_trace.wire.packets.udp import Udp

PROBE_PROTOCOLS: Mapping[int, dict[Protocol, ProbeProtocol]] = {4: {}, 6: {}}
"""By IP version, and by the name in the settings."""
BY_IP_NUMBER: Mapping[int, dict[int, ProbeProtocol]] = {4: {}, 6: {}}
"""By IP version, and by IP protocol or next header; `OtherIp` is not here: it has no number."""


def register(protocol: type[ProbeProtocol]) -> None:
    """Let probes of this protocol be built, and their replies be decoded."""
    for family in (4, 6):
        made = protocol(family)
        PROBE_PROTOCOLS[family][made.protocol] = made
        if made.ip_numbers is not None:
            BY_IP_NUMBER[family].setdefault(made.ip_numbers[family], made)


for each in (Icmp, Udp, Tcp, OtherIp, Quic):
    register(each)


def protocol_of(number: int, family: int) -> ProbeProtocol:
    """Return the protocol of probes that has this IP protocol number; `OtherIp` for all others."""
    return BY_IP_NUMBER[family].get(number) or PROBE_PROTOCOLS[family][Protocol.IP]
