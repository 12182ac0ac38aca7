"""The options of the probes, read into `ProbeSettings`."""

import argparse

from tui_trace.core.parse_values import (
    check_track,
    mode_of,
    parse_count,
    parse_fill,
    parse_port,
    parse_protocol,
    parse_size,
    parse_tos,
)
from tui_trace.core.settings import (
    DEFAULT_PORT,
    DEFAULT_SIZE,
    MAX_FLOWS,
    DnatMode,
    FlowMode,
    ProbeIdField,
    ProbeSettings,
    Protocol,
    SettingError,
    TcpFlags,
)

_FLAGS = {
    (): TcpFlags.SYN,
    ("syn",): TcpFlags.SYN,
    ("ack",): TcpFlags.ACK,
    ("syn", "ack"): TcpFlags.SYN_ACK,
    ("ecn",): TcpFlags.ECN,
    ("syn", "ecn"): TcpFlags.ECN,
}
"""TCP flags of each combination of options."""


def parse_probe_settings(
    given: argparse.Namespace, *, lacks_protocol: bool = False
) -> ProbeSettings:
    """Return the settings; raise `SettingError` for a wrong value or combination of values.

    `lacks_protocol`: the config may still give one, so a port is right unless ICMP is asked for.
    """
    protocol, number = probe_protocol(given)
    if lacks_protocol and protocol is Protocol.ICMP and not (given.icmp or given.protocol):
        protocol = Protocol.TCP
    if not protocol.has_ports:
        kind = "ICMP" if protocol is Protocol.ICMP else "--protocol"
        for name in ("port", "localport"):
            if getattr(given, name) is not None:
                raise SettingError(f"--{name}", kind, "TCP or UDP probes (only these have ports)")
    transport = "udp" if protocol.transport is Protocol.UDP else "tcp"
    flow = mode_of(given.flow, FlowMode.CONSTANT, "--flow")
    track = mode_of(given.track, ProbeIdField.SEQUENCE, "--track")
    check_track(track, protocol, given.localport is not None)
    return ProbeSettings(
        protocol=protocol,
        number=number,
        port=(
            DEFAULT_PORT[protocol]
            if given.port is None
            else parse_port(given.port, "--port", transport)
        ),
        source_port=(
            None
            if given.localport is None
            else parse_port(given.localport, "--localport", transport)
        ),
        tos=0 if given.tos is None else parse_tos(given.tos),
        payload_byte=0 if given.bitpattern is None else parse_fill(given.bitpattern),
        df=given.df,
        size=DEFAULT_SIZE[protocol] if given.psize is None else parse_size(given.psize),
        tcp_flags=_flags(given),
        flow=flow,
        flows=1 if given.flows is None else parse_count(given.flows, "--flows", MAX_FLOWS),
        dont_route=given.dont_route,
        source=given.address,
        interface=given.interface,
        track=track,
        dnat=mode_of(given.dnat, DnatMode.MATCH, "--dnat"),
    )


def probe_protocol(given: argparse.Namespace) -> tuple[Protocol, int]:
    """Return the protocol and its number; an option for TCP flags implies TCP."""
    flag = next((name for name in ("syn", "ack", "ecn") if getattr(given, name)), None)
    chosen, number = Protocol.ICMP, 0
    if given.protocol is not None:
        chosen, number = parse_protocol(given.protocol)
    elif given.udp:
        chosen = Protocol.UDP
    elif given.tcp or (flag and not given.icmp):
        chosen = Protocol.TCP
    if flag and chosen is not Protocol.TCP:
        kind = f"--protocol {given.protocol}" if given.protocol else f"--{chosen.value}"
        raise SettingError(f"--{flag}", kind, "TCP probes (only these have flags)")
    return chosen, number


def _flags(given: argparse.Namespace) -> TcpFlags:
    names = tuple(name for name in ("syn", "ack", "ecn") if getattr(given, name))
    flags = _FLAGS.get(names)
    if flags is None:
        raise SettingError("--ecn", "--ack", "--syn (only a SYN asks for ECN)")
    return flags
