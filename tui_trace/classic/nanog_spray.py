"""The output of `traceroute-nanog -P`: all probes at once, and all lines at the end."""

from tui_trace.classic.nanog_writer import NanogWriter
from tui_trace.classic.probe_order import ProbeOrder
from tui_trace.core.events import (
    Event,
    PathEnd,
    Reply,
    RunOpened,
    SendFailed,
    SessionBegan,
    SessionEnded,
)
from tui_trace.core.settings import NS_PER_MS, Pace, ProbeSettings


class SprayPrinter:
    """Prints a line for each hop that answered and stars for silent hops before it."""

    def __init__(self, writer: NanogWriter, settings: ProbeSettings, pace: Pace):
        """Prepare the output."""
        self.over = False
        self.code = 0
        self._writer = writer
        self._settings = settings
        self._next_ttl = pace.first_ttl
        self._max_ttl = pace.max_ttl
        self._target_ttl = pace.max_ttl
        """Probes beyond it may be answered before it is known where the target is."""
        self._queries = pace.queries
        self._order = ProbeOrder()
        self._hops: dict[int, list[Reply | None]] = {}

    def event(self, event: Event) -> None:
        """Process the next event; print all lines when the session ends."""
        match event:
            case SessionBegan():
                self._began = event
            case RunOpened():
                size = self._settings.size
                self._writer.header(self._began, self._settings.source, self._max_ttl, size)
            case PathEnd(ttl=ttl, reached=True):
                self._target_ttl = ttl
            case Reply(address=address):
                self._writer.hosts.want(address)
            case SendFailed(reason=reason, errno=errno) if errno:
                self._writer.error(f"traceroute: {reason}")
                self.over, self.code = True, 1
                return
        for outcome in self._order.outcomes(event):
            if not outcome.void:
                self._hops.setdefault(outcome.ttl, []).append(outcome.reply)
        if isinstance(event, SessionEnded):
            self._print()
            self.over = True

    def _print(self) -> None:
        for ttl, replies in sorted(self._hops.items()):
            if ttl > self._target_ttl:
                break
            first = next((reply for reply in replies if reply is not None), None)
            if first is None:
                continue
            for silent in range(self._next_ttl, ttl):
                self._line(silent, " *" * self._queries)
            self._next_ttl = ttl + 1
            times = (
                " *" if reply is None else self._writer.time(reply.rtt / NS_PER_MS)
                for reply in replies
            )
            self._line(ttl, self._writer.host(first.address) + "".join(times))

    def _line(self, ttl: int, text: str) -> None:
        self._writer.write(f"{ttl:2} {text}{self._writer.style.end}")
