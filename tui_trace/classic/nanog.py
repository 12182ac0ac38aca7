"""`traceroute-nanog` 6.3: its command line, and what it prints (traceroute-nanog(8)).

Its standard deviation is wrong (√Σx² / n); the one printed here is that of the sample.
"""

import re
import statistics
from collections.abc import Sequence
from typing import TextIO

from tui_trace import __version__
from tui_trace.classic.hosts import Hosts
from tui_trace.classic.nanog_spray import SprayPrinter
from tui_trace.classic.order import HURRY, InOrder, Outcome
from tui_trace.classic.request import Printer, Request, Stop
from tui_trace.classic.writing import Style, Writer
from tui_trace.events import (
    Event,
    MtuFound,
    Reply,
    ReplyKind,
    RunOpened,
    SendFailed,
    SessionBegan,
    SessionEnded,
)
from tui_trace.names.options import AsnSource, NameOptions
from tui_trace.settings import (
    MAX_PACKET,
    NS_PER_MS,
    NS_PER_S,
    Flow,
    Pace,
    ProbeSettings,
    Protocol,
    SettingError,
    minimum_size,
    parse_protocol,
)

NAME = "traceroute-nanog"
MOST_AT_ONCE = 512
"""TTLs, queries, and probes of `-P`, stay below this."""
MOST_SILENT = 10
"""Hops in a row, with `-a`."""
UDP_LEAST = 40
"""Bytes: headers, sequence number, TTL and a time stamp."""
PING_TTL = 64
PING_LOST = 23
_TERMINATOR = 31

_USAGE = (
    f"{NAME}, as tui-trace {__version__} does it\n"
    f"Usage: {NAME} [-adnruvAMOPQU$] [-w wait] [-S start_ttl] [-m max_ttl] [-p port]\n"
    "       [-q queries] [-t tos] [-s source] [-I protocol] [-T terminator] host [size]\n"
)
_FLAGS = "adnruvAMOPQU$"
_VALUES = "wSmpqtsIT"

_CODES = {0: " !N", 1: " !H", 2: " !P", 4: " !F", 5: " !S", 13: " !A"}
_ARRIVED = (2, 3)
"""Codes of unreachable that only the target itself can send."""


class _Given:
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
            raise self.refuse(f"unknown protocol {text[:40]}") from None


def parse(words: Sequence[str]) -> Request:
    """The request; `Stop` for all that is wrong."""
    given = _Given()
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


def _spray(given: _Given) -> tuple[bool, str]:
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


def _request(given: _Given, host: str, size: int) -> Request:
    ping = "$" in given.flags
    if ping:
        given.first = given.last = PING_TTL
        given.queries = 1
    protocol, number = given.protocol
    finds_mtu = "M" in given.flags
    settings = ProbeSettings(
        protocol=protocol,
        number=number,
        port=0 if protocol in (Protocol.ICMP, Protocol.IP) else given.port,
        tos=given.tos,
        df=finds_mtu,
        size=max(size, UDP_LEAST if protocol is Protocol.UDP else minimum_size(protocol, 4)),
        flow=Flow.CLASSIC if protocol is Protocol.UDP else Flow.CONSTANT,
        source=given.source,
        foreign=given.source is not None,
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
        rounds=1,
        sequential=not spray,
        hurry=None if finds_mtu else HURRY,
        first_reply="U" in given.flags and not spray,
    )

    def printer(output: TextIO, errors: TextIO, hosts: Hosts) -> Printer:
        errors.write(warnings)
        writer = Writer(output, errors, hosts, style)
        kind = SprayPrinter if spray else LinePrinter
        return kind(writer, settings, pace, given.flags)

    return Request(
        program=NAME,
        host=host,
        settings=settings,
        pace=pace,
        given=frozenset(fields[letter] for letter in given.set if letter in fields),
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


class LinePrinter:
    """Prints each probe as soon as it and all before it are decided."""

    def __init__(self, writer: Writer, settings: ProbeSettings, pace: Pace, flags: set[str]):
        """Nothing is printed yet; `flags` are letters of the command line."""
        self.over = False
        self.code = 0
        self._writer = writer
        self._settings = settings
        self._max_ttl = pace.max_ttl
        self._queries = pace.queries
        self._flags = flags
        self._order = InOrder()
        self._ttl = pace.first_ttl - 1
        self._silent = 0
        self._tos = settings.tos
        self._label: tuple[int, int] | None = None
        self._size = settings.size
        self._begin_hop()

    def _begin_hop(self) -> None:
        self._probes = 0
        self._times: list[float] = []
        self._address: str | None = None
        self._arrived = False
        self._unreachable = 0

    def event(self, event: Event) -> None:
        """Take the next event."""
        match event:
            case SessionBegan():
                self._began = event
            case RunOpened():
                shown = None if "M" in self._flags else self._settings.size
                self._writer.header(self._began, self._settings.source, self._max_ttl, shown)
            case MtuFound(mtu=mtu):
                self._end_hop()
                self._size = mtu
                self._writer.write(f"MTU={mtu}\n")
            case Reply(address=address):
                self._writer.hosts.want(address)
            case SendFailed(reason=reason, errno=errno) if errno and event.mtu is None:
                self._end_hop()
                self._writer.error(f"traceroute: {reason}")
                self.over, self.code = True, 1
            case SessionEnded():
                self._end_hop()
                self.over = True
        for outcome in self._order.take(event):
            if self.over:
                return
            self._outcome(outcome)

    def _outcome(self, outcome: Outcome) -> None:
        if outcome.void:
            self._end_hop()
            self.over = True
            return
        if outcome.ttl != self._ttl or not self._probes:
            self._end_hop()
            self._ttl = outcome.ttl
            self._writer.write(f"{outcome.ttl:2} ")
        self._probes += 1
        if outcome.reply is None:
            self._lost()
        else:
            self._answered(outcome.reply)
        hurried = "U" in self._flags and outcome.reply is not None
        if not self.over and (hurried or self._probes == self._queries):
            self._end_hop()

    def _lost(self) -> None:
        if "$" in self._flags:
            self._writer.write(self._writer.style.end)
            self.over, self.code = True, PING_LOST
            return
        self._writer.write(" *")

    def _answered(self, reply: Reply) -> None:
        text = ""
        if reply.address != self._address:
            self._address = reply.address
            text = self._writer.host(reply.address)
        time = reply.rtt / NS_PER_MS
        self._times.append(time)
        text += self._labels(reply)
        if "Q" not in self._flags:
            text += self._writer.time(time)
        if reply.quoted_tos is not None and reply.quoted_tos != self._tos:
            text += f" (TOS={reply.quoted_tos}!)"
            self._tos = reply.quoted_tos
        self._writer.write(text + self._mark(reply))

    def _labels(self, reply: Reply) -> str:
        if not reply.labels:
            return ""
        first = reply.labels[0]
        label = first.label, first.traffic_class
        text = "" if label == self._label else f" [MPLS: Label {label[0]} Exp {label[1]}]"
        self._label = label
        return text + (" More labels" if len(reply.labels) > 1 else "")

    def _mark(self, reply: Reply) -> str:
        match reply.kind:
            case ReplyKind.TIME_EXCEEDED | ReplyKind.OTHER:
                return ""
            case ReplyKind.TOO_BIG if "M" in self._flags:
                return self._mtu_mark(reply.mtu)
            case ReplyKind.UNREACHABLE | ReplyKind.TOO_BIG:
                code = reply.code or 0
                if code in _ARRIVED:
                    self._arrived = True
                elif code in _CODES:
                    self._unreachable += 1
                if code == 3:
                    return self._died_on_the_way(reply)
                return _CODES.get(code, "")
            case _:
                self._arrived = True
                return self._died_on_the_way(reply)

    def _died_on_the_way(self, reply: Reply) -> str:
        return " !" if reply.reply_ttl is not None and reply.reply_ttl <= 1 else ""

    def _mtu_mark(self, mtu: int | None) -> str:
        if mtu is None:
            return f" !M?{next((size for size in PLATEAUS if size < self._size), PLATEAUS[-1])}"
        return " !M>" if mtu >= self._size else f" !M={mtu}"

    def _end_hop(self) -> None:
        if not self._probes:
            return
        answered = len(self._times)
        if "Q" in self._flags and answered:
            low, high, mean = min(self._times), max(self._times), statistics.fmean(self._times)
            sd = statistics.stdev(self._times) if answered > 1 else 0.0
            self._writer.write(
                f"  ({low:.1f} ms/{mean:.1f} ms(+-{sd:.1f} ms)/{high:.1f} ms)"
                f" {answered}/{self._probes} ({100 * answered / self._probes:.2f}%)"
            )
        self._writer.write(self._writer.style.end)
        self._silent = 0 if answered else self._silent + 1
        hurried = "U" in self._flags and self._unreachable
        stuck = hurried or self._unreachable >= self._queries
        given_up = "a" in self._flags and self._silent >= MOST_SILENT
        self.over = self._arrived or bool(stuck) or given_up or self._ttl >= self._max_ttl
        self._begin_hop()


PLATEAUS = (65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68)
"""MTUs of links, largest first (RFC 1191 §7.1)."""
