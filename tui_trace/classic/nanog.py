"""`traceroute-nanog` 6.3: its command line, and what it prints (traceroute-nanog(8)).

Its standard deviation is wrong (√Σx² / n); the one printed here is that of the sample.
"""

import re
from collections.abc import Sequence
from typing import TextIO

from tui_trace import __version__
from tui_trace.classic.name_wait import NameWait
from tui_trace.classic.nanog_lines import NanogPrinter
from tui_trace.classic.nanog_spray import SprayPrinter
from tui_trace.classic.nanog_writer import Style, Writer
from tui_trace.classic.probe_order import HURRY
from tui_trace.classic.program import Printer, Request, Stop, Tell
from tui_trace.core.parse_values import parse_protocol
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import (
    MAX_PACKET,
    NS_PER_S,
    FlowMode,
    Pace,
    ProbeSettings,
    Protocol,
    SettingError,
    minimum_size,
)
from tui_trace.names.name_options import AsnSource, NameOptions

NAME = "traceroute-nanog"
MOST_AT_ONCE = 512
"""TTLs, queries, and probes of `-P`, stay below this."""
UDP_LEAST = 40
"""Bytes: headers, sequence number, TTL and a time stamp."""
PING_TTL = 64
_TERMINATOR = 31

_USAGE = (
    f"{NAME}, as tui-trace {__version__} does it\n"
    f"Usage: {NAME} [-adnruvAMOPQU$] [-w wait] [-S start_ttl] [-m max_ttl] [-p port]\n"
    "       [-q queries] [-t tos] [-s source] [-I protocol] [-T terminator] host [size]\n"
)
_FLAGS = "adnruvAMOPQU$"
_VALUES = "wSmpqtsIT"


class _NanogArguments:
    """The command line as far as it was read."""

    def __init__(self) -> None:
        self.flags: set[str] = set()
        self.first = 1
        self.last = 30
        self.queries = 3
        self.port = 33434
        self.tos = 0
        self.wait = 5.0
        self.source: str | None = None
        self.protocol = (Protocol.UDP, 0)
        self.end = "\n"
        self.set: set[str] = set()

    def refuse(self, message: str) -> Stop:
        return Stop(1, f"{message}{self.end}")

    def value(self, letter: str, text: str) -> None:
        """Take the value of an option; `Stop` if it cannot be."""
        number = _leading_number(text)
        self.set.add(letter)
        match letter:
            case "S":
                self.first = number
                self._check(number > self.last, f"min ttl must be <= max_ttl({self.last})")
                self._check(number < 1, "min ttl must be >0")
            case "m":
                self.last = number
                self._check(number < self.first, f"max ttl must be >= min ttl({self.first})")
                self._check(number > 255, "max ttl must be <256")
            case "q":
                self.queries = number
                wrong = not 1 <= number < MOST_AT_ONCE
                self._check(wrong, f"nprobes must be >0 and <{MOST_AT_ONCE}")
            case "p":
                self.port = number
                self._check(number < 1, "port must be >0")
                self._check(number > 65_535, "port must be <65536")
            case "t":
                self.tos = number
                self._check(not 0 <= number <= 255, "tos must be 0 to 255")
            case "w":
                self.wait = _leading_decimal(text)
                self._check(self.wait <= 0.01, "wait must be >10 msec")
                self._check(self.wait > 3600, "wait must be <=3600 sec")
            case "s":
                self.source = text
            case "I":
                self.protocol = self._protocol(text)
            case "T":
                self.end = text[:_TERMINATOR]

    def _check(self, wrong: bool, message: str) -> None:
        if wrong:
            raise self.refuse(message)

    def _protocol(self, text: str) -> tuple[Protocol, int]:
        if text[:1].isdecimal() and _leading_number(text) > 254:
            raise self.refuse("protocol must be <=254")
        try:
            return parse_protocol(str(_leading_number(text)) if text[:1].isdecimal() else text)
        except SettingError:
            raise self.refuse(f"unknown protocol {sanitize(text, 40)}") from None


def parse_nanog(words: Sequence[str]) -> Request:
    """The request; `Stop` for all that is wrong."""
    given = _NanogArguments()
    rest = list(words)
    while rest and rest[0].startswith("-"):
        letters = rest.pop(0)[1:]
        for place, letter in enumerate(letters):
            if letter in _FLAGS:
                given.flags.add(letter)
            elif letter in _VALUES:
                attached = letters[place + 1 :]
                if not attached and not rest:
                    raise Stop(1, output=_USAGE)
                given.value(letter, attached or rest.pop(0))
                break
            else:
                raise Stop(1, output=_USAGE)
    if not rest:
        raise Stop(1, output=_USAGE)
    size = _leading_number(rest[1]) if len(rest) > 1 else 0
    if not 0 <= size < MAX_PACKET:
        raise given.refuse(f"traceroute: packet size must be 0 <= s < {MAX_PACKET}")
    return _request(given, rest[0], size)


def _leading_number(text: str) -> int:
    """As atoi(3): what is no number counts as 0."""
    found = re.match(r"\s*([+-]?[0-9]{1,9})", text)
    return int(found[1]) if found else 0


def _leading_decimal(text: str) -> float:
    """As atof(3)."""
    found = re.match(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", text[:40])
    return float(found[0]) if found else 0.0


def _spray(given: _NanogArguments) -> tuple[bool, str]:
    """Whether `-P` holds, and what stands against it."""
    if "P" not in given.flags:
        return False, ""
    total = given.queries * given.last
    lines = ""
    if total >= MOST_AT_ONCE:
        lines += (
            f"Spray mode limited to {MOST_AT_ONCE} packets.\n"
            f"Max TTL of {given.last} with {given.queries} probes = {total}\n"
            "Disabling spray mode.\n"
        )
    if "Q" in given.flags:
        lines += "spray and packet stats are incompatible.\n"
    if "M" in given.flags:
        lines += "spray and MTU discovery are incompatible.\n"
    if given.protocol[0] is not Protocol.UDP:
        lines += "spray mode requires UDP packets.  Disabled.\n"
    return not lines, lines


def _request(given: _NanogArguments, host: str, size: int) -> Request:
    ping = "$" in given.flags
    if ping:
        given.first = given.last = PING_TTL
        given.queries = 1
    protocol, number = given.protocol
    finds_mtu = "M" in given.flags
    least = UDP_LEAST if protocol is Protocol.UDP else minimum_size(protocol, 4)
    settings = ProbeSettings(
        protocol=protocol,
        number=number,
        port=0 if protocol in (Protocol.ICMP, Protocol.IP) else given.port,
        tos=given.tos,
        df=finds_mtu,
        size=MAX_PACKET if finds_mtu else max(size, least),
        flow=FlowMode.CLASSIC if protocol is Protocol.UDP else FlowMode.CONSTANT,
        source=given.source,
        spoofed_source=given.source is not None,
        dont_route="r" in given.flags,
    )
    spray, warnings = _spray(given)
    fields = {"S": "first_ttl", "m": "max_ttl", "w": "wait", "q": "queries"}
    style = Style(
        end=given.end,
        numeric="n" in given.flags,
        asn="A" in given.flags,
        owner="O" in given.flags,
        microseconds="u" in given.flags,
    )

    pace = Pace(
        first_ttl=given.first,
        max_ttl=given.last,
        queries=given.queries,
        max_unknown=255,
        wait=round(given.wait * NS_PER_S),
        # the printer says how it goes on after each new MTU
        rounds=None if finds_mtu else 1,
        interval=3600 * NS_PER_S if finds_mtu else NS_PER_S,
        sequential=not spray,
        next_probe_after=None if finds_mtu else HURRY,
        first_reply="U" in given.flags and not spray,
    )

    def printer(output: TextIO, errors: TextIO, hosts: NameWait, tell: Tell) -> Printer:
        errors.write(warnings)
        writer = Writer(output, errors, hosts, style)
        if spray:
            return SprayPrinter(writer, settings, pace)
        return NanogPrinter(writer, settings, pace, given.flags, tell)

    return Request(
        program=NAME,
        host=host,
        settings=settings,
        pace=pace,
        given=frozenset(fields[letter] for letter in given.set if letter in fields),
        path_mtu=finds_mtu,
        naming=NameOptions(
            names="n" not in given.flags,
            asn_source=AsnSource.RADB if style.asn else None,
            owner=style.owner,
        ),
        asks_about=lambda _: True,
        unknown_host=f"{NAME}: unknown host {{}}{given.end}",
        unknown_source=f"traceroute: unknown host {{}}{given.end}",
        unknown_device="",
        printer=printer,
    )
