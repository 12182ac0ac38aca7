"""The options that choose what is printed, and how."""

import argparse
import enum
from typing import NoReturn

from tui_trace.core.settings import SettingError
from tui_trace.report.mtr_fields import ReportLayout, parse_fields


class Output(enum.Enum):
    """The sink of the events."""

    LIVE = "live"
    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON_LINES = "lines"
    WATCH = "watch"

    @property
    def is_endless(self) -> bool:
        """Return whether the session goes on until somebody ends it, and is recorded."""
        return self in (Output.LIVE, Output.WATCH)


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


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the output options; the last one on a command line counts, as in mtr."""
    group = parser.add_argument_group("output without the live view")
    parser.set_defaults(output=Output.LIVE, wide=False)
    for letter, name, output, text in (
        ("-r", "--report", Output.TEXT, "a table at the end"),
        ("-j", "--json", Output.JSON, "mtr's JSON with more keys"),
        ("-C", "--csv", Output.CSV, "mtr's CSV with more columns"),
        (None, "--markdown", Output.MARKDOWN, "a table for tickets"),
        (None, "--html", Output.HTML, "one file for a ticket, with a table at each episode"),
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
    group.add_argument(
        "--commands", action="store_true", help="with --jsonl: obey JSON lines on standard input"
    )
    group.add_argument("--check", action="store_true", help="exit status 3 if something is wrong")
    group.add_argument("-o", "--order", metavar="FIELDS", help="columns: of LDRSNBAWVGJMXIK")
    hide = argparse.SUPPRESS
    group.add_argument(
        "-t", "--curses", dest="output", action="store_const", const=Output.LIVE, help=hide
    )
    group.add_argument("-e", "--mpls", action="store_true", help=hide)
    for refused, count, instead in _REFUSED:
        group.add_argument(*refused, action=_Refused, nargs=count, const=instead, help=hide)


def check_ways(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Refuse what does not go with a search for ways; `UsageError`."""
    wanted = "--ways" if given.ways else "--dot" if given.dot is not None else None
    if given.dot is not None and given.output is Output.LIVE:
        parser.error("--dot writes the ways of a report: add -r, -w, -j, -C or another one")
    if wanted and given.replay is None:
        for name, other in (("--mtu", given.mtu), ("--sequential", given.sequential)):
            if other:
                parser.error(f"{wanted} finds all ways at once and does not go with {name}")


def add_ipinfo(group: "argparse._ArgumentGroup") -> None:
    """Add mtr's `-z` and `-y`, which add information before each host."""
    group.add_argument(
        "-z",
        "--aslookup",
        dest="ipinfo",
        action="store_const",
        const="0",
        help="AS numbers (live: always)",
    )
    about = "0 AS, 1 prefix, 2 country, 3 registry, 4 date, 5 city, 6 exchange"
    group.add_argument("-y", "--ipinfo", metavar="N", help=about)


def asks_origin(given: argparse.Namespace) -> bool:
    """Return whether a report shows something of the origin AS."""
    return given.ipinfo is not None and given.ipinfo in "01234"


def parse_layout(given: argparse.Namespace) -> ReportLayout:
    """Return the layout of a report; raise `SettingError` for a wrong value."""
    about = given.ipinfo
    if about is not None and (len(about) > 1 or about not in "0123456"):
        raise SettingError("--ipinfo", about, "0 to 6")
    return ReportLayout(
        fields=ReportLayout().fields if given.order is None else parse_fields(given.order),
        wide=given.wide,
        names=not given.no_dns,
        both=given.show_ips,
        about=None if about is None else int(about),
    )
