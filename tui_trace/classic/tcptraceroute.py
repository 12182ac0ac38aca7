"""`tcptraceroute` 1.5beta7: its command line, and what it prints (tcptraceroute(1)).

Numbers that do not fit their field (a port of 99999, a TOS of 300) are refused, where the
original cuts them.
"""

import ipaddress
import socket
from collections.abc import Sequence
from typing import TextIO

from tui_trace import __version__
from tui_trace.classic.getopt import MISSING, UNKNOWN, Getopt
from tui_trace.classic.hosts import Hosts
from tui_trace.classic.order import HURRY, InOrder, Outcome
from tui_trace.classic.request import Request, Stop, Tell
from tui_trace.classic.routes import device_of
from tui_trace.events import (
    Event,
    Field,
    ProbeSent,
    Reply,
    ReplyKind,
    RunOpened,
    SendFailed,
    SessionBegan,
    SessionEnded,
)
from tui_trace.names.options import NameOptions
from tui_trace.settings import (
    MAX_PACKET,
    NS_PER_MS,
    NS_PER_S,
    Dnat,
    Pace,
    ProbeSettings,
    Protocol,
    TcpFlags,
    Track,
)
from tui_trace.text import clean

NAME = "tcptraceroute"
HEADERS = 40
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

_MARKS = {
    0: "!N", 1: "!H", 2: "!P", 3: "!p", 4: "!F", 5: "!S", 6: "!U", 7: "!U", 8: "!I", 9: "!A",
    10: "!C", 11: "!T", 12: "!T", 13: "!A",
}  # fmt: skip
"""By the code of destination unreachable (RFC 792, RFC 1812 §5.2.7.1)."""


class _Given:
    """The command line as far as it was read."""

    def __init__(self) -> None:
        self.numbers = {"l": 0, "f": 1, "m": 30, "q": 3, "w": 3, "t": 0, "p": 0}
        self.set: set[str] = set()
        self.texts: dict[str, str] = {}
        self.dnat = Dnat.MATCH
        self.track = Track.IP_ID

    def number(self, letter: str, text: str) -> None:
        """Take a number, of digits alone."""
        if not (text.isascii() and text.isdecimal()):
            raise Stop(1, f"Numeric argument required for -{letter}\n")
        self.numbers["p" if letter == "P" else letter] = int(text[:20])
        self.set.add(letter)


def parse(words: Sequence[str], name: str = NAME) -> Request:
    """The request; `Stop` for help, version and all that is wrong. `name` is what it is called."""
    given = _Given()
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
    line = "" if unknown is None else f"Unknown command line argument: {unknown}\n"
    return Stop(1, line + _USAGE.format(name), _ABOUT)


def _take_long_options(given: _Given, words: Sequence[str], name: str) -> list[str]:
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
                given.track = Track.IP_ID
            case "--track-port":
                given.track = Track.PORT
            case "--dnat":
                given.dnat = Dnat.SHOW
            case "--no-dnat":
                given.dnat = Dnat.MATCH
            case "--no-dnat-strict":
                given.dnat = Dnat.OFF
            case "--no-filter" | "--select" | "--no-select" | "--no-getinterfaces":
                pass
            case _ if word.startswith("--"):
                raise _usage(name, word)
            case _:
                rest.append(word)
    return rest


def _request(given: _Given, operands: Sequence[str]) -> Request:
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
    if fixed and track is Track.PORT:
        warnings += "Warning: --track-id implied by specifying the local source port\n"
        track = Track.IP_ID
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
        bare=True,
        source=given.texts.get("s"),
        foreign="s" in given.texts,
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
        hurry=None if fixed else HURRY,
    )

    def printer(
        output: TextIO, errors: TextIO, hosts: Hosts, _tell: Tell
    ) -> "TcptraceroutePrinter":
        errors.write(warnings)
        return TcptraceroutePrinter((output, errors), hosts, settings, pace)

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
            "error opening device {0}: {0}: No such device exists (No such device exists)\n"
        ),
        printer=printer,
    )


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal():
        return int(text[:20])
    try:
        return socket.getservbyname(text, "tcp")
    except (OSError, UnicodeError, ValueError):
        raise Stop(1, f"Unknown port: {text[:80]}\n") from None


def _leading_number(text: str) -> int:
    """As atoi(3): what is no number counts as 0."""
    digits = text[: len(text) - len(text.lstrip("0123456789"))]
    return int(digits[:20] or "0")


def _is_private(address: str) -> bool:
    return any(ipaddress.ip_address(address) in network for network in _PRIVATE)


def _service(port: int) -> str:
    try:
        return f"{port} ({socket.getservbyport(port, 'tcp')})"
    except (OSError, OverflowError):
        return str(port)


class TcptraceroutePrinter:
    """Prints each probe as soon as it and all before it are decided."""

    def __init__(
        self, streams: tuple[TextIO, TextIO], hosts: Hosts, settings: ProbeSettings, pace: Pace
    ):
        """Nothing is printed yet."""
        self.over = False
        self.code = 1
        self._output, self._errors = streams
        self._hosts = hosts
        self._settings = settings
        self._max_ttl = pace.max_ttl
        self._queries = pace.queries
        self._order = InOrder()
        self._began: SessionBegan | None = None
        self._reached = False
        self._query = 0
        # of the probe printed last
        self._ttl = 0
        self._address: str | None = None
        self._state = ""
        self._named = False
        self._nat: tuple[str | None, int | None] = (None, None)

    def event(self, event: Event) -> None:
        """Take the next event."""
        match event:
            case SessionBegan():
                self._began = event
            case RunOpened(source_port=port, settings=probe) if self._began is not None:
                # without rights each probe has a port of its own
                single = probe.bare and probe.track is not Track.PORT
                self._header(self._began, f", port {port}" if single else "")
            case Reply(address=address):
                self._hosts.want(address)
            case SendFailed(reason=reason, errno=errno) if errno:
                self._end_line()
                self._errors.write(f"{NAME}: {reason}\n")
                self.over = True
            case SessionEnded():
                self._finish()
            case ProbeSent():
                pass
        for outcome in self._order.take(event):
            if self.over:
                return
            self._outcome(outcome)

    def _header(self, began: SessionBegan, from_port: str) -> None:
        settings = self._settings
        device = settings.interface or device_of(began.source, began.address)
        host = began.target
        if host != began.address:
            host += f" ({began.address})"
        length = f", {settings.size} byte packets" if settings.size > HEADERS else ""
        self._errors.write(
            f"Selected device {device}, address {began.source}{from_port} for outgoing packets\n"
            f"Tracing the path to {host} on TCP port {_service(settings.port)},"
            f" {self._max_ttl} hops max{length}\n"
        )
        self._errors.flush()

    def _outcome(self, outcome: Outcome) -> None:
        if outcome.void:
            self._finish()
            return
        self._query = 1 if outcome.ttl != self._ttl else self._query + 1
        self._write(self._probe(outcome))
        self._ttl = outcome.ttl
        self._address = outcome.reply.address if outcome.reply is not None else None
        if self._query == self._queries:
            self._write("\n")
            if self._reached or outcome.ttl == self._max_ttl:
                self._finish()

    def _probe(self, outcome: Outcome) -> str:
        reply = outcome.reply
        address = reply.address if reply is not None else None
        same_hop = outcome.ttl == self._ttl
        nat = self._translated(reply)
        parts = [_nat_line(nat, same_hop)] if nat else []
        if not same_hop:
            parts.append(f"{outcome.ttl:2}  ")
            self._named = False
            self._state = ""
        elif not nat and address and self._address and address != self._address:
            parts.append("\n    ")
            self._named = False
        after_loss = self._query > 1 and self._address is None
        if reply is not None and (nat or not self._named):
            parts += [" " if after_loss else "", self._host(reply.address)]
            self._named = True
        if (state := _state(reply)) and state != self._state:
            parts.append(f" [{state}]")
            self._state = state
        if reply is not None or self._query > 1:
            parts.append(" " if reply is None or after_loss else "  ")
        self._reached = self._reached or _is_final(reply)
        return "".join([*parts, _time(reply)])

    def _translated(self, reply: Reply | None) -> str:
        """Where a NAT sends probes that was not known of before; empty if there is none."""
        if reply is None or self._settings.dnat is not Dnat.SHOW or self._began is None:
            return ""
        received = {change.field: change.received for change in reply.changed}
        host, port = received.get(Field.DESTINATION), received.get(Field.DESTINATION_PORT)
        now = (str(host) if host else None, int(port) if port else None)
        known = all(new is None or new == old for new, old in zip(now, self._nat, strict=True))
        if known:
            return ""
        self._nat = now
        return (now[0] or self._began.address) + (f":{now[1]}" if now[1] else "")

    def _host(self, address: str) -> str:
        named = self._hosts.who(address).named
        name = clean(named.names[0]) if named is not None and named.names else address
        return name if name == address else f"{name} ({address})"

    def _finish(self) -> None:
        if self.over:
            return
        self._end_line()
        self.over = True
        self.code = 0 if self._reached else 1
        if not self._reached:
            self._errors.write("Destination not reached\n")

    def _end_line(self) -> None:
        if 0 < self._query < self._queries:
            self._write("\n")

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()


def _nat_line(target: str, same_hop: bool) -> str:
    line = f"      Detected DNAT to {target}\n"
    return f"\n{line}    " if same_hop else line


def _state(reply: Reply | None) -> str:
    if reply is None:
        return ""
    if reply.kind is ReplyKind.SYN_ACK:
        return "open, ecn" if reply.ecn else "open"
    return "closed" if reply.kind is ReplyKind.RST else ""


def _is_final(reply: Reply | None) -> bool:
    return reply is not None and reply.kind not in (ReplyKind.TIME_EXCEEDED, ReplyKind.OTHER)


def _time(reply: Reply | None) -> str:
    if reply is None:
        return "*"
    time = f"{reply.rtt / NS_PER_MS:.3f} ms"
    match reply.kind:
        case ReplyKind.UNREACHABLE | ReplyKind.TOO_BIG:
            return f"{time} {_MARKS.get(reply.code or 0, f'!<{reply.code}>')}"
        case ReplyKind.OTHER if reply.icmp_type != 11:
            return f"{time} -- Unexpected ICMP"
        case _:
            return time
