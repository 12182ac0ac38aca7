"""The lines of `traceroute-nanog`, one hop after another."""

import statistics

import msgspec

from tui_trace.classic.nanog_writer import Writer
from tui_trace.classic.probe_order import InOrder, Outcome
from tui_trace.classic.program import Tell
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

MOST_SILENT = 10
"""Hops in a row, with `-a`."""
MTU_LEAST = 68
"""Bytes that every link carries (RFC 791 §3.2)."""
PING_LOST = 23
"""Exit code of `-$` without an answer."""

_CODES = {0: " !N", 1: " !H", 2: " !P", 4: " !F", 5: " !S", 13: " !A"}
_ARRIVED = (2, 3)
"""Codes of unreachable that only the target itself can send."""


class NanogPrinter:
    """Prints each probe as soon as it and all before it are decided."""

    def __init__(
        self, writer: Writer, settings: ProbeSettings, pace: Pace, flags: set[str], tell: Tell
    ):
        """Nothing is printed yet; `flags` are letters of the command line."""
        self.over = False
        self.code = 0
        self._writer = writer
        self._settings = settings
        self._max_ttl = pace.max_ttl
        self._queries = pace.queries
        self._pace = pace
        self._flags = flags
        self._tell = tell
        self._run = 0
        self._order = InOrder()
        self._ttl = pace.first_ttl - 1
        self._told: int | None = None
        """The TTL whose first reply is all that is printed of it."""
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
        """Take the next event."""
        match event:
            case SessionBegan():
                self._began = event
            case RunOpened(run=run):
                self._opened(run)
            case Reply(address=address):
                self._writer.hosts.want(address)
            case SendFailed(run=run, mtu=int(mtu)) if "M" in self._flags:
                if run == self._run and mtu < self._settings.size:
                    self._go_on(max(self._ttl + 1, self._pace.first_ttl), mtu)
            case SendFailed(reason=reason, errno=errno) if errno:
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

    def _opened(self, run: int) -> None:
        """The first run, or one with another size, which knows nothing of the old one's probes."""
        if not self._run:
            shown = None if "M" in self._flags else self._settings.size
            self._writer.header(self._began, self._settings.source, self._max_ttl, shown)
        self._run = run
        self._order = InOrder()

    def _go_on(self, ttl: int, size: int) -> None:
        """Probe from this TTL on with packets of this size."""
        same = size == self._settings.size
        if not same:
            self._writer.write(f"MTU={size}\n")
        self._settings = msgspec.structs.replace(self._settings, size=size)
        self._order = InOrder()
        self._told = None
        self._tell(SetPace(msgspec.structs.replace(self._pace, first_ttl=ttl)))
        self._tell(Reset() if same else Switch(self._settings))

    def _outcome(self, outcome: Outcome) -> None:
        if outcome.void:
            self._end_hop()
            self.over = True
            return
        if outcome.ttl == self._told:
            return  # it left before the first reply was in
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
        self._told = outcome.ttl if hurried else None
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
            case ReplyKind.TIME_EXCEEDED:
                return ""
            case ReplyKind.OTHER if reply.icmp_type is not None:
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
        hurried = "U" in self._flags and self._unreachable
        stuck = hurried or self._unreachable >= self._queries
        given_up = "a" in self._flags and self._silent >= MOST_SILENT
        ttl, refused, size = self._ttl, self._refused, self._next_size
        again = size is not None and MTU_LEAST <= size < self._settings.size
        at_end = ttl >= self._max_ttl and not again
        self.over = self._arrived or bool(stuck) or given_up or at_end
        self._begin_hop()
        if refused and not self.over:
            self._go_on(ttl if again else ttl + 1, size if again and size else self._settings.size)
