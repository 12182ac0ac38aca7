"""How a probe's settings read in words."""

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


def describe_protocol(settings: ProbeSettings) -> str:
    """`ICMP echo`, `UDP port 33434`, `TCP port 443`, `TCP ACK port 443`, `IP protocol 47 (gre)`."""
    match settings.protocol:
        case Protocol.ICMP:
            return "ICMP echo"
        case Protocol.UDP:
            return f"UDP port {settings.port}"
        case Protocol.TCP:
            return f"{_TCP_WORDS[settings.tcp_flags]} port {settings.port}"
        case Protocol.IP:
            name = PROTOCOL_NAMES.get(settings.number)
            return f"IP protocol {settings.number}{f' ({name})' if name else ''}"


def describe_tos(tos: int) -> str:
    """`0`, or with the code point's name where it has one: `184 (EF)`."""
    for name, code in DSCP_NAMES.items():
        if tos and tos == code << 2:
            return f"{tos} ({name})"
    return str(tos)
