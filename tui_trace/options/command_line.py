"""The command line, read into one frozen `Options`; nothing is opened, resolved or sent here."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from tui_trace import __version__
from tui_trace.core.ip_literals import PLAIN_NUMBERS, is_ambiguous
from tui_trace.core.parse_values import parse_confidence, parse_mark, parse_protocol, parse_size
from tui_trace.core.settings import Pace, ProbeSettings, Protocol, SettingError, UsageError
from tui_trace.core.stream import CONFIDENCE
from tui_trace.names.location_options import LocationFiles
from tui_trace.names.name_options import AsnSource, NameOptions, parse_asn_source, parse_dns_server
from tui_trace.options.alerts import add_alerts, check_alerts, parse_event_command
from tui_trace.options.config_options import config_words
from tui_trace.options.help_text import ShowHelp
from tui_trace.options.locations import add_locations, parse_locations
from tui_trace.options.metrics import ListenAddress, add_metrics, parse_listen_address
from tui_trace.options.output import (
    Output,
    add_ipinfo,
    add_outputs,
    asks_origin,
    check_ways,
    parse_layout,
)
from tui_trace.options.pace import add_pace, parse_pace
from tui_trace.options.probe import parse_probe_settings
from tui_trace.options.recordings import add_recordings, check_recordings
from tui_trace.options.stretch import (
    HideOptions,
    StretchOptions,
    add_hide,
    joined,
    parse_hide,
    parse_stretch,
)
from tui_trace.options.targets import Target, check_host, targets_of
from tui_trace.options.vantages import add_vantages, parse_vantages
from tui_trace.remote.place import Place
from tui_trace.report.mtr_fields import ReportLayout

REPORT_ROUNDS = 10
LAB_DEFAULT = "plain"
LAB_QUIZ = "quiz"
"""A scenario that chance chooses and nobody names."""


class Options(msgspec.Struct, frozen=True):
    """The values of the command line."""

    hosts: tuple[str, ...]
    """The targets; none, only in the lab or with `targets_file`: the target of the scenario."""
    targets_file: Path | None
    """File with more targets."""
    resolve_all: bool
    """Each address of a name is a target."""
    words: tuple[str, ...]
    """The command line behind that of the config, for the lines of `targets_file`; else empty."""
    settings: ProbeSettings
    """Settings of the probes; the source may be a host name."""
    pace: Pace
    output: Output
    ways: float | None
    """Find every way first, with this probability, 0 to 1; None: do not."""
    confidence: float
    """The same for the key that finds ways."""
    dot: Path | None
    """File for the graph of the ways; None: no file."""
    check: bool
    """The exit status of a report says whether something is wrong."""
    layout: ReportLayout
    """Layout of a report."""
    family: int | None
    """IP version, 4 or 6; None: any that the host has."""
    naming: NameOptions
    locations: LocationFiles
    """Files that say where addresses are."""
    icmp_by_name: bool
    """`--icmp` was given, so there is no fallback to UDP."""
    mark: int | None
    """Mark for firewall and routing rules (SO_MARK, socket(7)); None: no mark."""
    completion: str | None
    """Shell whose completion script is printed; None: no script."""
    unprivileged: bool
    """Do not use raw sockets."""
    path_mtu: bool
    """Find the path MTU first (`--mtu`)."""
    largest: int | None
    """Size of `--psize` in bytes; None: not given."""
    lab: str | None
    """Name or file of a scenario, or `list`; None: the real network."""
    record: Path | None
    """File to record to; None: a file in the usual folder, if `recorded`."""
    recorded: bool
    """Record the session; the default where it has no end, and for a report with `record`."""
    replay: str | None
    """File or name of a recording to play; None: trace."""
    follow: bool
    """Go on from the end of the recording as it grows."""
    sessions: bool
    """List the recordings and exit."""
    commands: bool
    """Obey commands on standard input (`--commands`)."""
    places: tuple[Place, ...]
    """Where the probes leave from (`--from`); at least one."""
    reverse: bool
    """Trace to the place, and from there back (`--reverse`)."""
    metrics: ListenAddress | None
    """Where metrics are served; None: nowhere."""
    stretch: StretchOptions = StretchOptions()
    """The part of a recording that a report is of."""
    hide: HideOptions = HideOptions()
    """What is not shown."""
    event_command: tuple[str, ...] = ()
    """Words of the command that is run for each episode; none: no command."""
    reads_config: bool = True
    """Whether the config file is read (not with `--no-config`)."""

    @property
    def has_several(self) -> bool:
        """Return whether more than one session is, or may be, asked for."""
        return (
            len(self.hosts) > 1
            or self.targets_file is not None
            or self.resolve_all
            or len(self.places) > 1
            or (self.reverse and not self.places[0].is_local)
        )

    @property
    def host(self) -> str | None:
        """Return the first target of the command line; None: it names none."""
        return self.hosts[0] if self.hosts else None

    def back_to(self, host: str) -> "Options":
        """Return these options with this target, for `--reverse`."""
        return msgspec.structs.replace(self, hosts=(host,))

    def targets_in(self, text: str) -> list[Target]:
        """Return the targets of the command line, and those of a file with this text.

        `TargetsError` for a line that names none.
        """
        targets = [Target(host, self.settings) for host in self.hosts]
        if self.targets_file is not None:
            given = build_parser().parse_args(self.words)
            targets += targets_of(text, self.targets_file.name, given, _add_probe)
        return targets


USAGE = "tui-trace [OPTIONS] HOST…   or   tui-trace --lab [SCENARIO] [HOST]"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; completion scripts are made from it, too."""
    parser = _Parser(
        prog="tui-trace",
        usage=USAGE,
        add_help=False,
        allow_abbrev=False,
        description="A live traceroute whose probe is switched while it runs: t u i protocol,"
        " P port, Q TOS, F DF, S size; h shows all keys.",
    )
    parser.add_argument("host", nargs="*", metavar="HOST", help=argparse.SUPPRESS)

    _add_probe(parser)
    add_pace(parser)

    names = parser.add_argument_group("names")
    names.add_argument("-n", "--no-dns", action="store_true", help="no host names")
    names.add_argument("-b", "--show-ips", action="store_true", help="addresses beside names")
    names.add_argument(
        "--no-private-names", action="store_true", help="no names of private addresses (RFC 1918)"
    )
    add_ipinfo(names)
    names.add_argument(
        "--asn-source", metavar="SOURCE", help="AS numbers from cymru (default) or radb"
    )
    names.add_argument(
        "--owner", action="store_true", help="owner of each address, from the SOA record"
    )
    names.add_argument(
        "--dns-server", metavar="ADDR[:PORT]", help="resolver for names and for HOST"
    )

    add_locations(names)

    add_outputs(parser)
    add_recordings(parser)
    add_metrics(parser)
    add_hide(parser)
    add_alerts(parser)

    several = parser.add_argument_group("several targets")
    several.add_argument(
        "--targets", metavar="FILE", help="more targets: one a line, with options of its own"
    )
    several.add_argument(
        "--resolve-all", action="store_true", help="each address of a name is a target"
    )
    other = parser.add_argument_group("other")
    other.add_argument(
        "--lab",
        nargs="?",
        const=LAB_DEFAULT,
        metavar="SCENARIO",
        help="trace in the embedded lab; `list` shows its scenarios",
    )
    add_vantages(other)
    other.add_argument("--unprivileged", action="store_true", help="do not use raw sockets")
    other.add_argument("--no-config", action="store_true", help="do not read the config file")
    family = other.add_mutually_exclusive_group()
    family.add_argument("-4", dest="four", action="store_true", help="IPv4 only")
    family.add_argument("-6", dest="six", action="store_true", help="IPv6 only")
    other.add_argument("-v", "--version", action="version", version=f"tui-trace {__version__}")
    other.add_argument("-h", "--help", action=ShowHelp, nargs=0, help="show this")
    other.add_argument(
        "--completion", metavar="SHELL", help="print a completion script: bash, zsh or fish"
    )
    other.add_argument("--as", action=_First, metavar="PROGRAM", help="emulate this program")
    return parser


def _add_probe(parser: argparse.ArgumentParser) -> None:
    probe = parser.add_argument_group("probe")
    kind = probe.add_mutually_exclusive_group()
    kind.add_argument("--icmp", action="store_true", help="ICMP echo (default)")
    kind.add_argument("-u", "--udp", action="store_true", help="UDP")
    kind.add_argument("-T", "--tcp", action="store_true", help="TCP SYN")
    kind.add_argument("--protocol", metavar="NAME|N", help="quic, or any IP protocol: gre, 89")
    probe.add_argument(
        "-P", "--port", metavar="N", help="destination port (33434, TCP 80, QUIC 443)"
    )
    probe.add_argument("-L", "--localport", metavar="N", help="source port")
    probe.add_argument("-a", "--address", metavar="ADDR", help="source address or a name of it")
    probe.add_argument("-I", "--interface", metavar="IF", help="interface that probes leave by")
    probe.add_argument("-s", "--psize", metavar="BYTES", help="length of the whole IP packet")
    probe.add_argument("-Q", "--tos", metavar="TOS", help="0-255, 0xNN or a DSCP name (EF, AF41)")
    probe.add_argument("-B", "--bitpattern", metavar="N", help="payload byte; above 255: random")
    probe.add_argument("-M", "--mark", metavar="N", help="netfilter mark (needs CAP_NET_ADMIN)")
    probe.add_argument("--df", action="store_true", help="don't fragment")
    probe.add_argument("--syn", action="store_true", help="TCP with SYN (default of TCP)")
    probe.add_argument("--ack", action="store_true", help="TCP with ACK; with --syn, both")
    probe.add_argument("--ecn", action="store_true", help="TCP with SYN, ECE and CWR")
    probe.add_argument("--mtu", action="store_true", help="path MTU, hop by hop")
    probe.add_argument(
        "--dont-route", action="store_true", help="probe neighbours only: use no gateway"
    )
    probe.add_argument("--flows", metavar="N", help="number of flows to probe at the same time")
    probe.add_argument(
        "--flow",
        metavar="MODE",
        help="what load balancers see: constant (default), classic or vary",
    )
    probe.add_argument(
        "--dnat",
        metavar="MODE",
        help="how to treat NAT in quoted headers: match (default), show or off",
    )
    probe.add_argument(
        "--track", metavar="FIELD", help="field that identifies a probe: seq (default), id or port"
    )


class _First(argparse.Action):
    """`--as` after other options is an error: as first option, it never comes to this parser."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        parser.error("--as PROGRAM must be the first option; that program's options follow")


_ENOUGH = ("host", "sessions", "completion", "lab", "targets", "reverse")


NO_OPTIONS: Mapping[str, object] = {}
"""Of a config that gives none."""


def parse_command_line(
    arguments: Sequence[str], config: Mapping[str, object] | None = NO_OPTIONS
) -> Options:
    """Return the options; raise `SettingError` for what is wrong, `SystemExit` for help.

    `config` has options of the config file, by their names: the command line wins over them. None:
    it has not been read yet, and may still give the protocol that a port needs.
    """
    parser = build_parser()
    words = joined(arguments)
    given = parser.parse_args(words)
    if config:
        words = [*config_words(parser, config, given), *words]
        given = parser.parse_args(words)
    check_recordings(parser, given)
    if given.replay is None and not any(getattr(given, name) for name in _ENOUGH):
        parser.error("no HOST was given; --help shows the options")
    if any(not host.strip() for host in given.host):
        parser.error("HOST is empty; --help shows the options")
    places = parse_vantages(parser, given)
    _check_several(parser, given, places)
    check_ways(parser, given)
    check_alerts(parser, given)
    if given.commands and (given.output is not Output.JSON_LINES or given.replay is not None):
        parser.error("--commands goes with --jsonl, and with a trace: it reads commands for it")
    if given.check and given.output is Output.LIVE:
        parser.error("--check is the exit status of a report: add -r, -w, -j, -C or another one")
    for host in given.host:
        check_host(host)
    if given.address is not None and is_ambiguous(given.address):
        raise SettingError("--address", given.address, PLAIN_NUMBERS)
    confidence = CONFIDENCE if given.confidence is None else parse_confidence(given.confidence)
    return Options(
        hosts=tuple(given.host),
        targets_file=None if given.targets is None else Path(given.targets),
        resolve_all=given.resolve_all,
        words=tuple(words) if given.targets else (),
        settings=parse_probe_settings(given, lacks_protocol=config is None and _obeys(given)),
        pace=parse_pace(given, _usual_rounds(given.output)),
        output=given.output,
        ways=confidence if given.ways or given.dot else None,
        confidence=confidence,
        dot=None if given.dot is None else Path(given.dot),
        check=given.check,
        layout=parse_layout(given),
        family=4 if given.four else 6 if given.six else None,
        naming=_naming(given),
        locations=parse_locations(given),
        icmp_by_name=given.icmp,
        path_mtu=given.mtu,
        largest=None if given.psize is None else parse_size(given.psize),
        mark=None if given.mark is None else parse_mark(given.mark),
        completion=given.completion,
        unprivileged=given.unprivileged,
        lab=given.lab,
        record=None if given.record is None else Path(given.record),
        recorded=given.record is not None or (given.output.is_endless and not given.no_record),
        replay=given.replay,
        follow=given.follow,
        sessions=given.sessions,
        commands=given.commands,
        places=places,
        reverse=given.reverse,
        metrics=None if given.metrics is None else parse_listen_address(given.metrics),
        stretch=parse_stretch(parser, given),
        hide=parse_hide(given.hide),
        event_command=parse_event_command(given.on_event),
        reads_config=not given.no_config,
    )


def _check_several(
    parser: argparse.ArgumentParser, given: argparse.Namespace, places: Sequence[Place]
) -> None:
    """Refuse what does not go with several targets or several places; `UsageError`."""
    several = len(given.host) > 1 or given.targets or given.resolve_all
    is_other_ip = given.protocol and parse_protocol(given.protocol)[0] is Protocol.IP
    for name, other in (
        ("--dot", given.dot),
        ("--protocol", is_other_ip),
        ("--commands", given.commands),
    ):
        if other and several:
            parser.error(f"{name} takes one target")
        if other and len(places) > 1 and name != "--protocol":
            parser.error(f"{name} takes one place")


def _obeys(given: argparse.Namespace) -> bool:
    """Return whether options of the config hold: for what a person looks at, or leaves alone."""
    output: Output = given.output
    return output.is_endless and not given.no_config


def _usual_rounds(output: Output) -> int | None:
    return None if output.is_endless or output is Output.JSON_LINES else REPORT_ROUNDS


def _naming(given: argparse.Namespace) -> NameOptions:
    source = parse_asn_source(given.asn_source) if given.asn_source else AsnSource.CYMRU
    unasked = given.output.is_endless and not given.no_dns
    wanted = asks_origin(given) or given.asn_source is not None or unasked
    return NameOptions(
        names=not given.no_dns,
        private=not given.no_private_names,
        asn_source=source if wanted else None,
        owner=given.owner,
        server=parse_dns_server(given.dns_server) if given.dns_server else None,
    )
