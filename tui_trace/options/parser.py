"""The parser of the command line; completion scripts are made from it, too."""

import argparse
import sys
from typing import NoReturn

from tui_trace import __version__
from tui_trace.core.sanitize import error_line
from tui_trace.options.help_text import ShowHelp
from tui_trace.options.output import Output
from tui_trace.options.pace import PING_TTL

LAB_DEFAULT = "plain"

USAGE = "tui-trace [OPTIONS] HOST…   or   tui-trace --lab [SCENARIO] [HOST]"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.stderr.write(error_line(message))
        sys.exit(2)


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

    add_probe(parser)
    _add_pace(parser)

    names = parser.add_argument_group("names")
    names.add_argument("-n", "--no-dns", action="store_true", help="no host names")
    names.add_argument("-b", "--show-ips", action="store_true", help="addresses beside names")
    names.add_argument(
        "--no-private-names", action="store_true", help="no names of private addresses (RFC 1918)"
    )
    _add_ipinfo(names)
    names.add_argument(
        "--asn-source", metavar="SOURCE", help="AS numbers from cymru (default) or radb"
    )
    names.add_argument(
        "--owner", action="store_true", help="owner of each address, from the SOA record"
    )
    names.add_argument(
        "--dns-server", metavar="ADDR[:PORT]", help="resolver for names and for HOST"
    )

    _add_outputs(parser)
    _add_recordings(parser)

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
    other.add_argument("--unprivileged", action="store_true", help="do not use raw sockets")
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


def add_probe(parser: argparse.ArgumentParser) -> None:
    """Add the options of a probe, to this parser or to that of a line in a file of targets."""
    probe = parser.add_argument_group("probe")
    kind = probe.add_mutually_exclusive_group()
    kind.add_argument("--icmp", action="store_true", help="ICMP echo (default)")
    kind.add_argument("-u", "--udp", action="store_true", help="UDP")
    kind.add_argument("-T", "--tcp", action="store_true", help="TCP SYN")
    kind.add_argument("--protocol", metavar="NAME|N", help="any IP protocol: gre, sctp, 89")
    probe.add_argument("-P", "--port", metavar="N", help="destination port (UDP 33434, TCP 80)")
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


def _add_pace(parser: argparse.ArgumentParser) -> None:
    pace = parser.add_argument_group("pace")
    pace.add_argument("-f", "--first-ttl", metavar="N", help="first TTL (1)")
    pace.add_argument("-m", "--max-ttl", metavar="N", help="last TTL (30)")
    pace.add_argument("-i", "--interval", metavar="S", help="seconds per round (1)")
    pace.add_argument(
        "-Z", "--timeout", metavar="S", help="seconds to wait for a reply (adaptive, at most 5)"
    )
    pace.add_argument("-G", "--gracetime", metavar="S", help="the same as -Z, which wins")
    pace.add_argument("-q", "--queries", metavar="N", help="probes per hop and round (1)")
    pace.add_argument(
        "--sequential", action="store_true", help="wait for each probe before the next"
    )
    pace.add_argument(
        "--first-reply", action="store_true", help="go on to the next hop at the first reply"
    )
    pace.add_argument("--ping", action="store_true", help=f"only the target (TTL {PING_TTL})")
    pace.add_argument(
        "-U", "--max-unknown", metavar="N", help="stop after N silent hops in a row (5)"
    )
    pace.add_argument(
        "-c", "--report-cycles", metavar="N", help="stop after N rounds (reports: 10)"
    )


def _add_recordings(parser: argparse.ArgumentParser) -> None:
    kept = parser.add_argument_group(
        "recordings of live sessions; beyond 100 or 2 GiB the oldest are deleted"
    )
    where = kept.add_mutually_exclusive_group()
    where.add_argument("--record", metavar="FILE", help="record to this new file, also a report")
    where.add_argument("--no-record", action="store_true", help="do not record")
    kept.add_argument("--replay", metavar="FILE", help="play a recording, in any output")
    kept.add_argument("--sessions", action="store_true", help="list the recordings")


class _First(argparse.Action):
    """`--as` after other options is an error: as first option, it never comes to this parser."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        parser.error("--as PROGRAM must be the first option; that program's options follow")


class _Wide(argparse.Action):
    """`-w`: a report that is wide, even if `-r` follows."""

    def __call__(self, _parser: object, given: argparse.Namespace, *_: object) -> None:
        given.output = Output.TEXT
        given.wide = True


class _Refused(argparse.Action):
    """An option of mtr that is not supported; `const` names an alternative."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _given: argparse.Namespace,
        _values: object,
        option: str | None = None,
    ) -> NoReturn:
        parser.error(f"{option}: {self.const}")


_REFUSED: tuple[tuple[tuple[str, ...], int | str, str], ...] = (
    (("-x", "--xml"), 0, "XML is not supported; -j prints JSON"),
    (("-l", "--raw"), 0, "raw output is not supported; --jsonl prints each event"),
    (("-p", "--split"), 0, "split output is not supported; --jsonl prints each event"),
    (("-F", "--filename"), "?", "reading hosts from a file is not supported; name one HOST"),
    (("-S", "--sctp"), 0, "SCTP probes are not supported; use --tcp, --udp or --icmp"),
    (("-g", "--gtk"), 0, "a window is not supported; the live view needs a terminal"),
    (("--displaymode",), "?", "press d in the live view to change the display"),
)
"""Unsupported options of mtr, their number of values, and the alternative."""


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the output options; the last one on a command line counts, as in mtr."""
    group = parser.add_argument_group("output without the live view")
    parser.set_defaults(output=Output.LIVE, wide=False)
    for letter, name, output, text in (
        ("-r", "--report", Output.TEXT, "a table at the end"),
        ("-j", "--json", Output.JSON, "mtr's JSON with more keys"),
        ("-C", "--csv", Output.CSV, "mtr's CSV with more columns"),
        (None, "--markdown", Output.MARKDOWN, "a table for tickets"),
        (None, "--jsonl", Output.JSON_LINES, "each event as a line of JSON"),
    ):
        names = [letter, name] if letter else [name]
        group.add_argument(*names, dest="output", action="store_const", const=output, help=text)
    group.add_argument(
        "-w", "--report-wide", action=_Wide, nargs=0, help="a table with full host names"
    )
    group.add_argument("--ways", action="store_true", help="every way through the network, first")
    group.add_argument(
        "--confidence", metavar="PERCENT", help="how sure to be that no way is missed (95)"
    )
    group.add_argument("--dot", metavar="FILE", help="write the ways to this new file as a graph")
    group.add_argument("--check", action="store_true", help="exit status 3 if something is wrong")
    group.add_argument("-o", "--order", metavar="FIELDS", help="columns: letters of LDRSNBAWVGJMXI")
    hide = argparse.SUPPRESS
    group.add_argument(
        "-t", "--curses", dest="output", action="store_const", const=Output.LIVE, help=hide
    )
    group.add_argument("-e", "--mpls", action="store_true", help=hide)
    for refused, count, instead in _REFUSED:
        group.add_argument(*refused, action=_Refused, nargs=count, const=instead, help=hide)


def _add_ipinfo(group: "argparse._ArgumentGroup") -> None:
    """Add mtr's `-z` and `-y`, which add information before each host."""
    group.add_argument(
        "-z",
        "--aslookup",
        dest="ipinfo",
        action="store_const",
        const="0",
        help="AS numbers (live: always)",
    )
    about = "0 AS, 1 prefix, 2 country, 3 registry, 4 date"
    group.add_argument("-y", "--ipinfo", metavar="N", help=about)
