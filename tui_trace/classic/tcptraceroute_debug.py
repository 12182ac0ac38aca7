"""What `tcptraceroute -d` tells beside its lines: each packet, as it leaves and comes."""

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
    """Lines on standard error, told when it happens, which is before a hop's line is complete.

    Where the original names its variables, these have our words. A probe's IP ID and a packet's
    length are not known here.
    """

    def __init__(self, errors: TextIO, settings: ProbeSettings, pace: Pace) -> None:
        """Nothing is told yet."""
        self._errors = errors
        self._settings = settings
        self._pace = pace
        self._sent: Counter[int] = Counter()
        self._source = ""

    def event(self, event: Event) -> None:
        """Take the next event."""
        pace = self._pace
        match event:
            case SessionBegan(source=source, address=address):
                self._source = source
                self._tell(f"Determined source address of {source} to reach {address}")
            case RunOpened():
                wait = (pace.wait or 0) // NS_PER_S
                self._tell(
                    f"{describe_settings(self._settings)} · TTL {pace.first_ttl} to {pace.max_ttl}"
                    f" · {pace.queries} probes a hop · wait {wait} s"
                )
            case ProbeSent(ttl=ttl):
                self._sent[ttl] += 1
                which = f"probe {self._sent[ttl]} of {pace.queries} for hop {ttl}"
                self._tell(f"Sent {which}, {_SENT_FLAGS[self._settings.tcp_flags]}")
            case Reply():
                self._tell(f"Received {self._packet(event)}")
            case ProbeLost():
                self._tell("timeout")

    def displayed(self) -> None:
        """A probe's outcome has been printed."""
        self._tell("displayed hop")

    def _packet(self, reply: Reply) -> str:
        if reply.kind not in (ReplyKind.SYN_ACK, ReplyKind.RST):
            return "ICMP packet"
        flags = "RST" if reply.kind is ReplyKind.RST else "SYN ACK"
        flags += " ECN" if reply.ecn else ""
        ends = f"{reply.address}:{self._settings.port} -> {self._source}"
        return f"TCP packet {ends}, flags {flags}"

    def _tell(self, line: str) -> None:
        self._errors.write(f"debug: {line}\n")
        self._errors.flush()
