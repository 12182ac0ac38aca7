"""The command line for a session on another machine: the inverse of `parse_command_line`.

It says what to probe and how. What is done with the result (output, recording) stays here.
"""

from collections.abc import Iterator

from tui_trace.core.settings import (
    DEFAULT_PORT,
    DEFAULT_SIZE,
    NS_PER_S,
    DnatMode,
    FlowMode,
    Pace,
    ProbeIdField,
    ProbeSettings,
    Protocol,
    TcpFlags,
)
from tui_trace.names.name_options import NameOptions
from tui_trace.options.command_line import Options

_FLAGS = {
    TcpFlags.SYN: (),
    TcpFlags.ACK: ("--ack",),
    TcpFlags.SYN_ACK: ("--syn", "--ack"),
    TcpFlags.ECN: ("--ecn",),
}


def remote_words(options: Options, host: str, settings: ProbeSettings, pace: Pace) -> list[str]:
    """Return the words for this target, settings and pace, and `options` for all the rest.

    A value stands in one word with its option, and the target behind `--`: none of them can be
    taken for an option, whatever it begins with. An empty one is whoever calls there by ssh.
    """
    return [
        *_probe(options, settings),
        *_pace(pace),
        *_names(options.naming),
        *_others(options),
        *(("--", host) if host else ("--reverse",)),
    ]


def _probe(options: Options, settings: ProbeSettings) -> Iterator[str]:
    protocol = settings.protocol
    yield from _protocol(options, settings)
    if settings.track is ProbeIdField.IP_ID:
        yield "--track=id"
    # with --mtu the size is the largest that is tried
    size = options.largest if options.path_mtu else settings.size
    for name, value, usual in (
        ("psize", size, None if options.path_mtu else DEFAULT_SIZE[protocol]),
        ("tos", settings.tos, 0),
        ("bitpattern", settings.payload_byte, 0),
        ("flow", settings.flow.value, FlowMode.CONSTANT.value),
        ("flows", settings.flows, 1),
        ("dnat", settings.dnat.value, DnatMode.MATCH.value),
        ("address", settings.source, None),
        ("interface", settings.interface, None),
    ):
        if value != usual:
            yield f"--{name}={value}"
    if settings.df:
        yield "--df"
    if settings.dont_route:
        yield "--dont-route"


def _protocol(options: Options, settings: ProbeSettings) -> Iterator[str]:
    """Yield the protocol, and what goes with it only: another one would be refused with it."""
    protocol = settings.protocol
    if protocol is Protocol.IP:
        yield f"--protocol={settings.number}"
    elif protocol is Protocol.QUIC:
        yield f"--protocol={protocol.value}"
    elif protocol is not Protocol.ICMP or options.icmp_by_name:
        yield f"--{protocol.value}"
    if protocol.has_ports:
        if settings.port != DEFAULT_PORT[protocol]:
            yield f"--port={settings.port}"
        if settings.source_port is not None:
            yield f"--localport={settings.source_port}"
        elif settings.track is ProbeIdField.PORT:
            yield "--track=port"
    if protocol is Protocol.TCP:
        yield from _FLAGS[settings.tcp_flags]


def _pace(pace: Pace) -> Iterator[str]:
    usual = Pace()
    yield f"--first-ttl={pace.first_ttl}"
    yield f"--max-ttl={pace.max_ttl}"
    if pace.interval != usual.interval:
        yield f"--interval={pace.interval / NS_PER_S!r}"
    if pace.queries != usual.queries:
        yield f"--queries={pace.queries}"
    if pace.max_unknown != usual.max_unknown:
        yield f"--max-unknown={pace.max_unknown}"
    if pace.wait is not None:
        yield f"--timeout={pace.wait / NS_PER_S!r}"
    if pace.rounds is not None:
        yield f"--report-cycles={pace.rounds}"
    if pace.sequential:
        yield "--sequential"
    if pace.first_reply:
        yield "--first-reply"


def _names(naming: NameOptions) -> Iterator[str]:
    if not naming.names:
        yield "--no-dns"
    if not naming.private:
        yield "--no-private-names"
    if naming.asn_source is not None:
        yield f"--asn-source={naming.asn_source.value}"
    if naming.owner:
        yield "--owner"
    if naming.server is not None:
        yield f"--dns-server={naming.server}"


def _others(options: Options) -> Iterator[str]:
    if options.path_mtu:
        yield "--mtu"
    if options.mark is not None:
        yield f"--mark={options.mark}"
    if options.family is not None:
        yield f"-{options.family}"
    if options.unprivileged:
        yield "--unprivileged"
    if options.ways is not None:
        yield "--ways"
        yield f"--confidence={100 * options.ways:.6g}"
