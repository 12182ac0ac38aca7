"""The output of `tcptraceroute -d`: each packet when it is sent and received."""

from collections import Counter
from typing import TextIO

from tui_trace.core.events import (
    Event,
    ProbeLost,
    ProbeSent,
    Reply,
    ReplyKind,
    RunOpened,
    SessionBegan,
)
from tui_trace.core.probe_text import describe_settings
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings, TcpFlags

_SENT_FLAGS = {
    TcpFlags.SYN: "SYN",
    TcpFlags.ACK: "ACK",
    TcpFlags.SYN_ACK: "SYN ACK",
    TcpFlags.ECN: "SYN CWR ECN",
}


class DebugLines:
    """Writes debug lines to standard error when events happen, before a hop's line is complete.

    The original prints its variables; these lines have the terms of this program. The IP ID of a
    probe and the length of a packet are not known here.
    """

    def __init__(self, errors: TextIO, settings: ProbeSettings, pace: Pace) -> None:
        """Write debug lines to `errors`."""
        self._errors = errors
        self._settings = settings
        self._pace = pace
        self._sent: Counter[int] = Counter()
        self._source = ""

    def event(self, event: Event) -> None:
        """Write the lines of the next event."""
        pace = self._pace
        match event:
            case SessionBegan(source=source, address=address):
                self._source = source
                self._write(f"Determined source address of {source} to reach {address}")
            case RunOpened():
                wait = (pace.wait or 0) // NS_PER_S
                self._write(
                    f"{describe_settings(self._settings)} · TTL {pace.first_ttl} to {pace.max_ttl}"
                    f" · {pace.queries} probes a hop · wait {wait} s"
                )
            case ProbeSent(ttl=ttl):
                self._sent[ttl] += 1
                which = f"probe {self._sent[ttl]} of {pace.queries} for hop {ttl}"
                self._write(f"Sent {which}, {_SENT_FLAGS[self._settings.tcp_flags]}")
            case Reply():
                self._write(f"Received {self._packet(event)}")
            case ProbeLost():
                self._write("timeout")

    def displayed(self) -> None:
        """Write that the outcome of a probe has been printed."""
        self._write("displayed hop")

    def _packet(self, reply: Reply) -> str:
        if reply.kind not in (ReplyKind.SYN_ACK, ReplyKind.RST):
            return "ICMP packet"
        flags = "RST" if reply.kind is ReplyKind.RST else "SYN ACK"
        flags += " ECN" if reply.ecn else ""
        ends = f"{reply.address}:{self._settings.port} -> {self._source}"
        return f"TCP packet {ends}, flags {flags}"

    def _write(self, line: str) -> None:
        self._errors.write(f"debug: {line}\n")
        self._errors.flush()
