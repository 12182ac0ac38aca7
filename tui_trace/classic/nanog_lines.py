"""The line output of `traceroute-nanog`, hop by hop."""

import statistics

import msgspec

from tui_trace.classic.nanog_writer import NanogWriter
from tui_trace.classic.probe_order import Outcome, ProbeOrder
from tui_trace.classic.program import SendCommand
from tui_trace.core.events import (
    Event,
    Reply,
    ReplyKind,
    RunOpened,
    SendFailed,
    SessionBegan,
    SessionEnded,
)
from tui_trace.core.settings import NS_PER_MS, Pace, ProbeSettings
from tui_trace.core.stream import Reset, SetPace, Switch
from tui_trace.engine.path_mtu import PLATEAUS

MAX_SILENT = 10
"""Silent hops in a row after which `-a` stops."""
MIN_MTU = 68
"""Bytes that every link can carry (RFC 791 §3.2)."""
EXIT_NO_REPLY = 23
"""Exit code of `-$` if no reply came."""

_CODES = {0: " !N", 1: " !H", 2: " !P", 4: " !F", 5: " !S", 13: " !A"}
_ARRIVED = (2, 3)
"""Codes of Destination Unreachable that only the target sends."""


class NanogPrinter:
    """Prints the outcome of each probe when it and all earlier outcomes are known."""

    def __init__(
        self,
        writer: NanogWriter,
        settings: ProbeSettings,
        pace: Pace,
        flags: set[str],
        send_command: SendCommand,
    ):
        """Prepare the output; `flags` are letters of the command line."""
        self.over = False
        self.code = 0
        self._writer = writer
        self._settings = settings
        self._max_ttl = pace.max_ttl
        self._queries = pace.queries
        self._pace = pace
        self._flags = flags
        self._send_command = send_command
        self._run = 0
        self._order = ProbeOrder()
        self._ttl = pace.first_ttl - 1
        self._done_ttl: int | None = None
        """The TTL of which only the first reply is printed (`-U`)."""
        self._silent = 0
        self._tos = settings.tos
        self._label: tuple[int, int] | None = None
        self._begin_hop()

    def _begin_hop(self) -> None:
        self._probes = 0
        self._times: list[float] = []
        self._address: str | None = None
        self._arrived = False
        self._unreachable = 0
        self._refused = False
        self._next_size: int | None = None

    def event(self, event: Event) -> None:
        """Process the next event and print what it completes."""
        match event:
            case SessionBegan():
                self._began = event
            case RunOpened(run=run):
                self._begin_run(run)
            case Reply(address=address):
                self._writer.hosts.want(address)
            case SendFailed(run=run, mtu=int(mtu)) if "M" in self._flags:
                if run == self._run and mtu < self._settings.size:
                    self._continue_at(max(self._ttl + 1, self._pace.first_ttl), mtu)
            case SendFailed(reason=reason, errno=errno) if errno:
                self._end_hop()
                self._writer.error(f"traceroute: {reason}")
                self.over, self.code = True, 1
            case SessionEnded():
                self._end_hop()
                self.over = True
        for outcome in self._order.outcomes(event):
            if self.over:
                return
            self._outcome(outcome)

    def _begin_run(self, run: int) -> None:
        """Begin the first run, or one with another size, and forget all earlier probes."""
        if not self._run:
            shown = None if "M" in self._flags else self._settings.size
            self._writer.header(self._began, self._settings.source, self._max_ttl, shown)
        self._run = run
        self._order = ProbeOrder()

    def _continue_at(self, ttl: int, size: int) -> None:
        """Continue at this TTL with packets of `size` bytes."""
        same = size == self._settings.size
        if not same:
            self._writer.write(f"MTU={size}\n")
        self._settings = msgspec.structs.replace(self._settings, size=size)
        self._order = ProbeOrder()
        self._done_ttl = None
        self._send_command(SetPace(msgspec.structs.replace(self._pace, first_ttl=ttl)))
        self._send_command(Reset() if same else Switch(self._settings))

    def _outcome(self, outcome: Outcome) -> None:
        if outcome.void:
            self._end_hop()
            self.over = True
            return
        if outcome.ttl == self._done_ttl:
            return  # this probe was sent before the first reply came
        if outcome.ttl != self._ttl or not self._probes:
            self._end_hop()
            self._ttl = outcome.ttl
            self._writer.write(f"{outcome.ttl:2} ")
        self._probes += 1
        if outcome.reply is None:
            self._print_lost()
        else:
            self._print_reply(outcome.reply)
        first_only = "U" in self._flags and outcome.reply is not None
        self._done_ttl = outcome.ttl if first_only else None
        if not self.over and (first_only or self._probes == self._queries):
            self._end_hop()

    def _print_lost(self) -> None:
        if "$" in self._flags:
            self._writer.write(self._writer.style.end)
            self.over, self.code = True, EXIT_NO_REPLY
            return
        self._writer.write(" *")

    def _print_reply(self, reply: Reply) -> None:
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
        self._writer.write(text + self._annotation(reply))

    def _labels(self, reply: Reply) -> str:
        if not reply.labels:
            return ""
        first = reply.labels[0]
        label = first.label, first.traffic_class
        text = "" if label == self._label else f" [MPLS: Label {label[0]} Exp {label[1]}]"
        self._label = label
        return text + (" More labels" if len(reply.labels) > 1 else "")

    def _annotation(self, reply: Reply) -> str:
        match reply.kind:
            case ReplyKind.TIME_EXCEEDED:
                return ""
            case ReplyKind.OTHER if reply.icmp_type is not None:
                return ""
            case ReplyKind.TOO_BIG if "M" in self._flags:
                return self._mtu_annotation(reply.mtu)
            case ReplyKind.UNREACHABLE | ReplyKind.TOO_BIG:
                code = reply.code or 0
                if code in _ARRIVED:
                    self._arrived = True
                elif code in _CODES:
                    self._unreachable += 1
                if code == 3:
                    return _low_ttl_mark(reply)
                return _CODES.get(code, "")
            case _:
                self._arrived = True
                return _low_ttl_mark(reply)

    def _mtu_annotation(self, mtu: int | None) -> str:
        size = self._settings.size
        self._refused = True
        if mtu is None:
            self._next_size = next((each for each in PLATEAUS if each < size), PLATEAUS[-1])
            return f" !M?{self._next_size}"
        if mtu >= size:
            return " !M>"
        self._next_size = mtu
        return f" !M={mtu}"

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
        first_only = "U" in self._flags and self._unreachable
        stuck = first_only or self._unreachable >= self._queries
        given_up = "a" in self._flags and self._silent >= MAX_SILENT
        ttl, refused, size = self._ttl, self._refused, self._next_size
        again = size is not None and MIN_MTU <= size < self._settings.size
        at_end = ttl >= self._max_ttl and not again
        self.over = self._arrived or bool(stuck) or given_up or at_end
        self._begin_hop()
        if refused and not self.over:
            self._continue_at(
                ttl if again else ttl + 1, size if again and size else self._settings.size
            )


def _low_ttl_mark(reply: Reply) -> str:
    return " !" if reply.reply_ttl is not None and reply.reply_ttl <= 1 else ""
