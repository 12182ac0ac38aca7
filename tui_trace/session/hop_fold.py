"""One TTL of one run while it grows: the mutable counterpart of `snapshot.Hop`."""

from itertools import accumulate

from tui_trace.core.events import Reply, Stamp
from tui_trace.session.annotations import Annotations
from tui_trace.session.checkpoint import MAX_RESPONDERS, CheckpointError, HopCheckpoint, to_deltas
from tui_trace.session.quote_text import QuoteSummary
from tui_trace.session.snapshot import LOST, PENDING, RECENT, Hop, Responder
from tui_trace.session.stats import RttStats

# looked up once: asking an enum for a member is slow
_USER = Stamp.USER


class HopFold:
    """Counts what happened to the probes of one TTL.

    A probe is in flight, lost or answered, and `sent` is the sum of the three, so that the numbers
    always agree. Only probes in flight and the last `RECENT` probes are known by number.
    """

    __slots__ = (
        "_duplicates",
        "_fixed_mark",
        "_is_target",
        "_late",
        "_lost",
        "_marks",
        "_pending",
        "_quote",
        "_quoting_reply",
        "_recent",
        "_responders",
        "_snapshot",
        "_stats",
        "_user_stamped",
        "ttl",
    )

    def __init__(self, ttl: int) -> None:
        """Begin without any probe."""
        self.ttl = ttl
        self._stats = RttStats()
        self._marks = Annotations()
        self._pending: set[int] = set()
        self._recent: dict[int, int] = {}
        self._responders: dict[str, list[int]] = {}
        self._lost = 0
        self._late = 0
        self._duplicates = 0
        self._user_stamped = 0
        self._fixed_mark = ""
        self._is_target = False
        self._quote: QuoteSummary | None = None
        self._quoting_reply: Reply | None = None
        """The last reply with a quote, until `_summarise_quote` puts it into `_quote`."""
        self._snapshot: Hop | None = None

    def set_fixed_mark(self, mark: str) -> None:
        """Show this mark from now on, beside the marks of replies."""
        if mark != self._fixed_mark:
            self._snapshot = None
            self._fixed_mark = mark

    def checkpoint(self) -> HopCheckpoint:
        """Return the whole state, for `from_checkpoint`."""
        return HopCheckpoint(
            ttl=self.ttl,
            stats=self._stats.checkpoint(),
            marks=self._marks.checkpoint(),
            pending=to_deltas(sorted(self._pending)),
            recent=to_deltas(list(self._recent)),
            outcomes=list(self._recent.values()),
            responders={a: (answers, seen) for a, (answers, seen) in self._responders.items()},
            lost=self._lost,
            late=self._late,
            duplicates=self._duplicates,
            user_stamped=self._user_stamped,
            fixed_mark=self._fixed_mark,
            is_target=self._is_target,
            quote=self._summarise_quote(),
        )

    @classmethod
    def from_checkpoint(cls, state: HopCheckpoint) -> "HopFold":
        """Restore a hop; `CheckpointError` if no hop can have been in this state."""
        if len(state.recent) != len(state.outcomes):
            raise CheckpointError("an outcome for each probe")
        hop = cls(state.ttl)
        hop._stats = RttStats.from_checkpoint(state.stats)
        hop._marks = Annotations.from_checkpoint(state.marks)
        hop._pending = set(accumulate(state.pending))
        hop._recent = dict(zip(accumulate(state.recent), state.outcomes, strict=True))
        hop._responders = {a: [answers, seen] for a, (answers, seen) in state.responders.items()}
        hop._lost = state.lost
        hop._late = state.late
        hop._duplicates = state.duplicates
        hop._user_stamped = state.user_stamped
        hop._fixed_mark = state.fixed_mark
        hop._is_target = state.is_target
        hop._quote = state.quote
        return hop

    @property
    def answered(self) -> bool:
        """Return whether at least one probe was answered."""
        return self._stats.count > 0

    def on_sent(self, probe: int) -> None:
        """Count a probe that left."""
        self._snapshot = None
        self._pending.add(probe)
        recent = self._recent
        recent[probe] = PENDING
        if len(recent) > RECENT:
            del recent[next(iter(recent))]

    def on_lost(self, probe: int) -> None:
        """Count a probe as lost, if it is in flight."""
        if probe not in self._pending:
            return
        self._snapshot = None
        self._pending.remove(probe)
        self._lost += 1
        if probe in self._recent:
            self._recent[probe] = LOST

    def on_void(self, probe: int, *, was_lost: bool = False) -> None:
        """Count a probe as never sent; `was_lost`: it counts as lost until now."""
        if probe in self._pending:
            self._pending.remove(probe)
        elif self._lost and (was_lost or self._recent.get(probe) == LOST):
            self._lost -= 1
        else:
            return
        self._snapshot = None
        self._recent.pop(probe, None)

    def on_duplicate(self) -> None:
        """Count a further reply to an answered probe."""
        self._snapshot = None
        self._duplicates += 1

    def on_reply(self, reply: Reply, marks: tuple[str, ...]) -> None:
        """Count the first reply to a probe, in time or late."""
        self._snapshot = None
        probe = reply.probe
        rtt = reply.rtt if reply.rtt > 0 else 0
        if probe in self._pending:
            self._pending.remove(probe)
        elif reply.late and self._lost:
            self._lost -= 1
        if reply.late:
            self._late += 1
        if probe in self._recent:
            self._recent[probe] = rtt
        self._stats.add(rtt)
        if reply.sent_stamp is _USER or reply.received_stamp is _USER:
            self._user_stamped += 1
        self._is_target = reply.reached
        if reply.quoted_ttl is not None:
            self._quoting_reply = reply
        if marks:
            self._marks.record(marks, self._stats.count)
        responder = self._responders.get(reply.address)
        if responder is None:
            self._add_responder(reply)
        else:
            responder[0] += 1
            responder[1] = reply.at

    def _add_responder(self, reply: Reply) -> None:
        responders = self._responders
        if len(responders) >= MAX_RESPONDERS:
            del responders[min(responders, key=lambda address: responders[address][1])]
        responders[reply.address] = [1, reply.at]

    def snapshot(self) -> Hop:
        """Return the hop as it is now; the same object as before while nothing changed."""
        if self._snapshot is None:
            self._snapshot = self._make()
        return self._snapshot

    def _summarise_quote(self) -> QuoteSummary | None:
        if self._quoting_reply is not None:
            self._quote = QuoteSummary.from_reply(self._quoting_reply)
            self._quoting_reply = None
        return self._quote

    def _all_marks(self) -> tuple[str, ...]:
        marks = self._marks.recent(self._stats.count)
        return marks if self._fixed_mark in ("", *marks) else (self._fixed_mark, *marks)

    def _make(self) -> Hop:
        responders = [
            Responder(a, answers, seen) for a, (answers, seen) in self._responders.items()
        ]
        if len(responders) > 1:
            responders.sort(key=lambda responder: responder.seen, reverse=True)
        pending = len(self._pending)
        return Hop(
            ttl=self.ttl,
            responders=tuple(responders),
            sent=self._lost + self._stats.count + pending,
            lost=self._lost,
            late=self._late,
            duplicates=self._duplicates,
            pending=pending,
            figures=self._stats.snapshot(),
            recent=tuple(self._recent.values()),
            marks=self._all_marks(),
            user_stamped=self._user_stamped,
            is_target=self._is_target,
            quote=self._summarise_quote(),
        )
