"""The lines that `tcptraceroute` 1.5beta7 prints."""

import socket
from typing import TextIO

from tui_trace.classic.name_wait import NameWait
from tui_trace.classic.probe_order import InOrder, Outcome
from tui_trace.classic.routes import device_of
from tui_trace.classic.tcptraceroute_debug import DebugLines
from tui_trace.core.events import (
    Event,
    ProbeSent,
    Reply,
    ReplyKind,
    RewrittenField,
    RunOpened,
    SendFailed,
    SessionBegan,
    SessionEnded,
)
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_MS, DnatMode, Pace, ProbeIdField, ProbeSettings

HEADERS = 40
"""Bytes of IPv4's and TCP's, without options."""

_MARKS = {
    0: "!N", 1: "!H", 2: "!P", 3: "!p", 4: "!F", 5: "!S", 6: "!U", 7: "!U", 8: "!I", 9: "!A",
    10: "!C", 11: "!T", 12: "!T", 13: "!A",
}  # fmt: skip
"""By the code of destination unreachable (RFC 792, RFC 1812 §5.2.7.1)."""


def _service(port: int) -> str:
    try:
        return f"{port} ({socket.getservbyport(port, 'tcp')})"
    except (OSError, OverflowError):
        return str(port)


class TcptraceroutePrinter:
    """Prints each probe as soon as it and all before it are decided."""

    def __init__(
        self,
        streams: tuple[TextIO, TextIO],
        hosts: NameWait,
        settings: ProbeSettings,
        pace: Pace,
        debug: DebugLines | None = None,
    ):
        """Nothing is printed yet. With `debug`, each probe's outcome ends its line."""
        self._debug = debug
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
        if self._debug is not None:
            self._debug.event(event)
        match event:
            case SessionBegan():
                self._began = event
            case RunOpened(source_port=port, settings=probe) if self._began is not None:
                # without rights each probe has a port of its own
                single = probe.no_tcp_options and probe.track is not ProbeIdField.PORT
                self._header(self._began, f", port {port}" if single else "")
            case Reply(address=address):
                self._hosts.want(address)
            case SendFailed(reason=reason, errno=errno) if errno:
                self._end_line()
                self._errors.write(f"tcptraceroute: {sanitize(reason)}\n")
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
        host = sanitize(began.target)
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
        if self._debug is not None:
            self._write("\n\n")
            self._debug.displayed()
        self._ttl = outcome.ttl
        self._address = outcome.reply.address if outcome.reply is not None else None
        if self._query == self._queries:
            if self._debug is None:
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
        if reply is None or self._settings.dnat is not DnatMode.SHOW or self._began is None:
            return ""
        received = {change.field: change.received for change in reply.changed}
        host, port = (
            received.get(RewrittenField.DESTINATION),
            received.get(RewrittenField.DESTINATION_PORT),
        )
        now = (str(host) if host else None, int(port) if port else None)
        known = all(new is None or new == old for new, old in zip(now, self._nat, strict=True))
        if known:
            return ""
        self._nat = now
        return (now[0] or self._began.address) + (f":{now[1]}" if now[1] else "")

    def _host(self, address: str) -> str:
        named = self._hosts.who(address).named
        name = sanitize(named.names[0]) if named is not None and named.names else address
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
        if self._debug is None and 0 < self._query < self._queries:
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
