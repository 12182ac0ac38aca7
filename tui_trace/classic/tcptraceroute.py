"""`tcptraceroute` 1.5beta7: its command line (tcptraceroute(1)).

Numbers that do not fit their field (a port of 99999, a TOS of 300) are refused, where the
original cuts them.
"""

import ipaddress
import socket
from collections.abc import Sequence
from typing import TextIO

from tui_trace import __version__
from tui_trace.classic.getopt import MISSING, UNKNOWN, Getopt
from tui_trace.classic.name_wait import NameWait
from tui_trace.classic.probe_order import HURRY
from tui_trace.classic.program import Request, Stop, Tell
from tui_trace.classic.tcptraceroute_debug import DebugLines
from tui_trace.classic.tcptraceroute_lines import HEADERS, TcptraceroutePrinter
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import (
    MAX_PACKET,
    NS_PER_S,
    DnatMode,
    Pace,
    ProbeIdField,
    ProbeSettings,
    Protocol,
    TcpFlags,
)
from tui_trace.names.name_options import NameOptions

NAME = "tcptraceroute"
MOST_QUERIES = 1000

_ABOUT = f"\n{NAME}, as tui-trace {__version__} does it\n\n"
_USAGE = (
    "Usage: {} [-nNFSAE] [-i <interface>] [-f <first ttl>]\n"
    "       [-l <packet length>] [-q <number of queries>] [-t <tos>]\n"
    "       [-m <max ttl>] [-p|-P <source port>] [-s <source address>]\n"
    "       [-w <wait time>] <host> [destination port] [packet length]\n\n"
)
_LETTERS = "hvdnNi:l:f:Fm:P:p:q:w:s:t:SAE"
_NUMBERS = "lfmPpqwt"
_PRIVATE = tuple(
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)

_FLAGS = {
    (True, False, False): TcpFlags.SYN,
    (True, False, True): TcpFlags.ECN,
    (False, True, False): TcpFlags.ACK,
    (True, True, False): TcpFlags.SYN_ACK,
    (False, True, True): TcpFlags.ACK,
    (True, True, True): TcpFlags.SYN_ACK,
}
"""By -S, -A and -E."""


class _TcptracerouteArguments:
    """The command line as far as it was read."""

    def __init__(self) -> None:
        self.numbers = {"l": 0, "f": 1, "m": 30, "q": 3, "w": 3, "t": 0, "p": 0}
        self.set: set[str] = set()
        self.texts: dict[str, str] = {}
        self.dnat = DnatMode.MATCH
        self.track = ProbeIdField.IP_ID

    def number(self, letter: str, text: str) -> None:
        """Take a number, of digits alone."""
        if not (text.isascii() and text.isdecimal()):
            raise Stop(1, f"Numeric argument required for -{letter}\n")
        self.numbers["p" if letter == "P" else letter] = int(text[:20])
        self.set.add(letter)


def parse_tcptraceroute(words: Sequence[str], name: str = NAME) -> Request:
    """The request; `Stop` for help, version and all that is wrong. `name` is what it is called."""
    given = _TcptracerouteArguments()
    short = _take_long_options(given, words, name)
    getopt = Getopt(short, _LETTERS)
    for letter, value in getopt:
        match letter:
            case "h":
                raise _usage(name)
            case "v":
                raise Stop(0, output=_ABOUT)
            case _ if letter == UNKNOWN:
                raise _usage(name, f"-{value}")
            case _ if letter == MISSING:
                raise Stop(1, f"Argument required for -{value}\n")
            case _ if letter in _NUMBERS:
                given.number(letter, value)
            case "i" | "s":
                given.texts[letter] = value
            case _:
                given.set.add(letter)
                given.set.discard({"n": "N", "N": "n"}.get(letter, ""))
    if not 1 <= len(getopt.operands) <= 3:
        raise _usage(name)
    return _request(given, getopt.operands)


def _usage(name: str, unknown: str | None = None) -> Stop:
    line = "" if unknown is None else f"Unknown command line argument: {sanitize(unknown)}\n"
    return Stop(1, line + _USAGE.format(name), _ABOUT)


def _take_long_options(
    given: _TcptracerouteArguments, words: Sequence[str], name: str
) -> list[str]:
    """Long options count wherever they stand, before any other is looked at."""
    rest: list[str] = []
    for place, word in enumerate(words):
        match word:
            case "--":
                return [*rest, *words[place:]]
            case "--help":
                raise _usage(name)
            case "--version":
                raise Stop(0, output=_ABOUT)
            case "--track-id" | "--track-ipid":
                given.track = ProbeIdField.IP_ID
            case "--track-port":
                given.track = ProbeIdField.PORT
            case "--dnat":
                given.dnat = DnatMode.SHOW
            case "--no-dnat":
                given.dnat = DnatMode.MATCH
            case "--no-dnat-strict":
                given.dnat = DnatMode.OFF
            case "--no-filter" | "--select" | "--no-select" | "--no-getinterfaces":
                pass
            case _ if word.startswith("--"):
                raise _usage(name, word)
            case _:
                rest.append(word)
    return rest


def _request(given: _TcptracerouteArguments, operands: Sequence[str]) -> Request:
    numbers = given.numbers
    port = 80 if len(operands) < 2 else _port(operands[1])
    length = numbers["l"] if len(operands) < 3 else _leading_number(operands[2])
    first, last = numbers["f"], numbers["m"]
    for wrong, message in (
        (first < 1 or last < 1, "TTL must be greater than 0"),
        (first > 255 or last > 255, "TTL must be less than 256"),
        (first > last, f"Minimum TTL ({first}) must be less than maximum TTL ({last})"),
        (numbers["q"] < 1, "Number of queries must be at least 1"),
        (numbers["q"] > MOST_QUERIES, f"Number of queries must be at most {MOST_QUERIES}"),
        (numbers["w"] < 1, "Timeout must be at least 1"),
        (numbers["w"] > 3600, "Timeout must be at most 3600"),
        (numbers["t"] > 255, "TOS must be less than 256"),
        (max(numbers["p"], port) > 65_535, "Port must be less than 65536"),
        (length > MAX_PACKET, f"Packet length must be at most {MAX_PACKET}"),
    ):
        if wrong:
            raise Stop(1, f"{message}\n")
    warnings = ""
    fixed = bool(numbers["p"])
    track = given.track
    if fixed and track is ProbeIdField.PORT:
        warnings += "Warning: --track-id implied by specifying the local source port\n"
        track = ProbeIdField.IP_ID
    if length < HEADERS and length:
        warnings += f"Warning: Increasing packet length to {HEADERS} bytes\n"
    length = max(length, HEADERS)
    device = given.texts.get("i")
    has_syn = "S" in given.set or "A" not in given.set
    settings = ProbeSettings(
        protocol=Protocol.TCP,
        port=port,
        source_port=numbers["p"] or None,
        tos=numbers["t"],
        df="F" in given.set,
        size=length,
        tcp_flags=_FLAGS[has_syn, "A" in given.set, "E" in given.set],
        no_tcp_options=True,
        source=given.texts.get("s"),
        spoofed_source="s" in given.texts,
        interface=device,
        track=track,
        dnat=given.dnat,
    )
    fields = {"f": "first_ttl", "m": "max_ttl", "w": "wait", "q": "queries"}
    numeric, private = "n" in given.set, "N" in given.set

    pace = Pace(
        first_ttl=first,
        max_ttl=last,
        queries=numbers["q"],
        max_unknown=255,
        wait=numbers["w"] * NS_PER_S,
        rounds=1,
        sequential=True,
        # one source port carries one SYN at a time, so nothing can be sent ahead from it
        next_probe_after=None if fixed else HURRY,
    )

    def printer(
        output: TextIO, errors: TextIO, hosts: NameWait, _tell: Tell
    ) -> TcptraceroutePrinter:
        errors.write(warnings)
        debug = DebugLines(errors, settings, pace) if "d" in given.set else None
        return TcptraceroutePrinter((output, errors), hosts, settings, pace, debug)

    return Request(
        program=NAME,
        host=operands[0],
        settings=settings,
        pace=pace,
        given=frozenset(fields[letter] for letter in given.set if letter in fields),
        naming=NameOptions(names=not numeric),
        path_mtu=False,
        asks_about=lambda address: private or not _is_private(address),
        unknown_host="Bad destination address: {}\n",
        unknown_source="Bad source address: {}\n",
        unknown_device=(
            "error opening device {}: {}: No such device exists (No such device exists)\n"
        ),
        printer=printer,
    )


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal():
        return int(text[:20])
    try:
        return socket.getservbyname(text, "tcp")
    except (OSError, UnicodeError, ValueError):
        raise Stop(1, f"Unknown port: {sanitize(text, 80)}\n") from None


def _leading_number(text: str) -> int:
    """As atoi(3): what is no number counts as 0."""
    digits = text[: len(text) - len(text.lstrip("0123456789"))]
    return int(digits[:20] or "0")


def _is_private(address: str) -> bool:
    return any(ipaddress.ip_address(address) in network for network in _PRIVATE)
