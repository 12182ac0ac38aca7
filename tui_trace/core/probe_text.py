"""Probe settings in words."""

from collections.abc import Sequence

from tui_trace.core.events import EgressFound
from tui_trace.core.settings import (
    DSCP_NAMES,
    PROTOCOL_NAMES,
    DnatMode,
    FlowMode,
    ProbeIdField,
    ProbeSettings,
    Protocol,
    TcpFlags,
)


def describe_settings(settings: ProbeSettings, family: int = 4) -> str:
    """Return the settings in words: `TCP port 443 · TOS 0 · DF off · 60 bytes`."""
    parts = [describe_protocol(settings), f"TOS {describe_tos(settings.tos)}"]
    parts.append("DF always" if family == 6 else f"DF {'on' if settings.df else 'off'}")
    parts.append(f"{settings.size} bytes")
    if settings.flow is not FlowMode.CONSTANT:
        parts.append(f"flow {settings.flow.value}")
    if settings.flows > 1:
        parts.append(f"{settings.flows} flows")
    if settings.source_port is not None:
        parts.append(f"from port {settings.source_port}")
    if settings.interface is not None:
        parts.append(f"via {settings.interface}")
    if settings.dont_route:
        parts.append("no gateway")
    if settings.track is not ProbeIdField.SEQUENCE:
        field = "IP ID" if settings.track is ProbeIdField.IP_ID else "source port"
        parts.append(f"probe ID in the {field}")
    if settings.dnat is not DnatMode.MATCH:
        parts.append(f"NAT {'shown' if settings.dnat is DnatMode.SHOW else 'not matched'}")
    return " · ".join(parts)


_TCP_WORDS = {
    TcpFlags.SYN: "TCP",
    TcpFlags.ACK: "TCP ACK",
    TcpFlags.SYN_ACK: "TCP SYN+ACK",
    TcpFlags.ECN: "TCP SYN+ECN",
}


def five_tuple(settings: ProbeSettings, source: str, source_port: int, address: str) -> str:
    """Return protocol, addresses and ports of a flow: `UDP 192.0.2.1:40001 → 198.51.100.7:53`.

    ICMP has an identifier, another protocol neither.
    """
    name = settings.protocol.upper()
    if settings.protocol is Protocol.ICMP:
        return f"{name} {source} → {address} identifier {source_port}"
    if not settings.protocol.has_ports:
        return f"IP {settings.number} {source} → {address}"
    ends = (f"[{host}]" if ":" in host else host for host in (source, address))
    here, there = ends
    return f"{name} {here}:{source_port} → {there}:{settings.port}"


def describe_protocol(settings: ProbeSettings) -> str:
    """Return `ICMP echo`, `UDP port 33434`, `TCP ACK port 443`, `IP protocol 47 (gre)`.

    Without the port where another program probed, and does not tell it.
    """
    port = f" port {settings.port}" if settings.port else ""
    match settings.protocol:
        case Protocol.ICMP:
            return "ICMP echo"
        case Protocol.UDP | Protocol.QUIC:
            return f"{settings.protocol.upper()}{port}"
        case Protocol.TCP:
            return f"{_TCP_WORDS[settings.tcp_flags]}{port}"
        case Protocol.IP:
            name = PROTOCOL_NAMES.get(settings.number)
            return f"IP protocol {settings.number}{f' ({name})' if name else ''}"


def short_protocol(settings: ProbeSettings) -> str:
    """Return the same in short: `TCP 443`, `ICMP`."""
    return describe_protocol(settings).replace(" port ", " ").replace(" echo", "")


def describe_tos(tos: int) -> str:
    """Return the TOS byte, with the name of its code point if it has one: `0`, `184 (EF)`."""
    for name, code in DSCP_NAMES.items():
        if tos and tos == code << 2:
            return f"{tos} ({name})"
    return str(tos)


def describe_turns(others: Sequence[int]) -> str:
    """Return with which runs a run takes turns: `in turns with run 2`, `… with runs 2, 3`."""
    return f"in turns with run{'s' if len(others) > 1 else ''} {', '.join(map(str, others))}"


def describe_egress(egress: EgressFound) -> str:
    """Return `from 192.0.2.5 by eth0 via 192.0.2.1, MTU 1500`; unknown parts are left out."""
    words = [f"from {egress.source}"]
    if egress.interface:
        words.append(f"by {egress.interface}")
        words.append(f"via {egress.gateway}" if egress.gateway else "without a gateway")
    return " ".join(words) + (f", MTU {egress.mtu}" if egress.mtu else "")
