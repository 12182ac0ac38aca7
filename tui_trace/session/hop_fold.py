"""One TTL of one run while it grows: the mutable counterpart of `snapshot.Hop`."""

from collections import deque
from itertools import accumulate

from tui_trace.core.events import HopSummary, Reply, Stamp
from tui_trace.session.annotations import Annotations
from tui_trace.session.checkpoint import (
    LATEST_PORTS,
    MAX_RESPONDERS,
    CheckpointError,
    HopCheckpoint,
    to_deltas,
)
from tui_trace.session.latest_probes import DUPLICATE, LATE, REPEAT, USER_STAMPED, LatestProbes
from tui_trace.session.quote_text import QuoteSummary
from tui_trace.session.snapshot import LOST, Hop, LossReason, Responder
from tui_trace.session.stats import RttStats
from tui_trace.session.summarised_hop import hop_of_summary

# looked up once: asking an enum for a member is slow
_USER = Stamp.USER
SILENT_LOSSES = 10
"""Probes lost for no known reason in a row, after which an earlier reason has passed. A router may
limit how many errors it sends, and the local kernel gives only some of the probes back."""


class HopFold:
    """Counts what happened to the probes of one TTL.

    A probe is in flight, lost or answered, and `sent` is the sum of the three, so that the numbers
    always agree. A refused probe is lost. Only probes in flight and the latest ones are known by
    number.
    """

    __slots__ = (
        "_duplicates",
        "_fixed_mark",
        "_given_up",
        "_is_target",
        "_late",
        "_latest",
        "_latest_ports",
        "_lost",
        "_marks",
        "_pending",
        "_quote",
        "_quoting_reply",
        "_reason",
        "_refused",
        "_refusers",
        "_repeats",
        "_reply_ttl",
        "_responders",
        "_silent",
        "_snapshot",
        "_stats",
        "_summary",
        "_user_stamped",
        "_versions",
        "ttl",
    )

    def __init__(self, ttl: int) -> None:
        """Begin without any probe."""
        self.ttl = ttl
        self._stats = RttStats()
        self._marks = Annotations()
        self._pending: set[int] = set()
        self._latest = LatestProbes()
        self._responders: dict[str, list[int]] = {}
        self._refusers: dict[str, list[int]] = {}
        self._repeats = 0
        self._latest_ports: deque[int] = deque(maxlen=LATEST_PORTS)
        """Source ports of the last probes, since there was one that is not its flow's; 0: its."""
        self._refused = 0
        self._given_up = 0
        self._reason: LossReason | None = None
        self._silent = 0
        """Probes lost for no known reason since `_reason`."""
        self._lost = 0
        self._late = 0
        self._duplicates = 0
        self._user_stamped = 0
        self._fixed_mark = ""
        self._is_target = False
        self._versions: tuple[int, ...] = ()
        self._reply_ttl = 0
        self._quote: QuoteSummary | None = None
        self._quoting_reply: Reply | None = None
        """The last reply with a quote, until `_summarise_quote` puts it into `_quote`."""
        self._snapshot: Hop | None = None
        self._summary: HopSummary | None = None
        """What another program told of the hop, in place of single probes."""

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
            latest=self._latest.checkpoint(),
            responders={a: (answers, seen) for a, (answers, seen) in self._responders.items()},
            refusers={a: (answers, seen) for a, (answers, seen) in self._refusers.items()},
            repeats=self._repeats,
            latest_ports=list(self._latest_ports),
            refused=self._refused,
            given_up=self._given_up,
            reason=self._reason,
            silent=self._silent,
            reply_ttl=self._reply_ttl,
            lost=self._lost,
            late=self._late,
            duplicates=self._duplicates,
            user_stamped=self._user_stamped,
            fixed_mark=self._fixed_mark,
            is_target=self._is_target,
            quote=self._summarise_quote(),
            summary=self._summary,
            versions=self._versions,
        )

    @classmethod
    def from_checkpoint(cls, state: HopCheckpoint) -> "HopFold":
        """Restore a hop; `CheckpointError` if no hop can have been in this state."""
        hop = cls(state.ttl)
        hop._stats = RttStats.from_checkpoint(state.stats)
        hop._marks = Annotations.from_checkpoint(state.marks)
        hop._pending = set(accumulate(state.pending))
        hop._latest = LatestProbes.from_checkpoint(state.latest)
        hop._responders = {a: [answers, seen] for a, (answers, seen) in state.responders.items()}
        hop._refusers = {a: [answers, seen] for a, (answers, seen) in state.refusers.items()}
        hop._repeats = state.repeats
        hop._latest_ports.extend(state.latest_ports)
        hop._refused = state.refused
        hop._given_up = state.given_up
        hop._reason = state.reason
        hop._silent = state.silent
        hop._reply_ttl = state.reply_ttl
        hop._lost = state.lost
        hop._late = state.late
        hop._duplicates = state.duplicates
        if hop._refused + hop._given_up > hop._lost:
            raise CheckpointError("more reasons than losses")
        hop._user_stamped = state.user_stamped
        hop._fixed_mark = state.fixed_mark
        hop._is_target = state.is_target
        hop._quote = state.quote
        hop._summary = state.summary
        hop._versions = state.versions
        return hop

    @property
    def answered(self) -> bool:
        """Return whether at least one probe was answered."""
        return self._stats.count > 0 or (
            self._summary is not None and self._summary.sent > self._summary.lost
        )

    @property
    def heard(self) -> bool:
        """Return whether at least one probe was answered or refused."""
        return bool(self._responders or self._refusers) or self.answered

    @property
    def reason(self) -> LossReason | None:
        """Return why its last probes were lost; None after an answer, or if nobody says why."""
        return self._reason

    @property
    def quote(self) -> QuoteSummary | None:
        """Return what its last quote of a probe shows; None if it never quoted one."""
        return self._summarise_quote()

    @property
    def repeats(self) -> int:
        """Return how many SYN/ACKs the target sent again."""
        return self._repeats

    @property
    def duplicates(self) -> int:
        """Return how many further replies to answered probes there were."""
        return self._duplicates

    def is_lost(self, probe: int) -> bool:
        """Return whether a probe, one of the latest, counts as lost."""
        return self._latest.is_lost(probe)

    def on_sent(self, probe: int, at: int, spare_port: int = 0) -> None:
        """Count a probe that left `at` (ns).

        `spare_port` is its source port if it is not its flow's.
        """
        self._snapshot = None
        if spare_port or self._latest_ports:
            self._latest_ports.append(spare_port)
        self._pending.add(probe)
        self._latest.on_sent(probe, at)

    def on_lost(self, probe: int, reason: str = "") -> bool:
        """Count a probe as lost, if it is in flight; return whether it was.

        `reason` is what the local kernel says, if it gave the probe up.
        """
        if probe not in self._pending:
            return False
        self._pending.remove(probe)
        self._lose(probe)
        if reason:
            self._given_up += 1
            self._explain(LossReason(text=reason), probe, is_refusal=False)
        elif self._reason is not None:
            self._silent += 1
            if self._silent >= SILENT_LOSSES:
                self._reason = None
        return True

    def _lose(self, probe: int) -> None:
        self._snapshot = None
        self._lost += 1
        self._latest.decide(probe, LOST)

    def _explain(self, reason: LossReason, probe: int, *, is_refusal: bool) -> None:
        self._reason = reason
        self._silent = 0
        if probe in self._latest.outcomes:
            self._latest.reasons.setdefault(probe, is_refusal)

    def on_void(self, probe: int, *, was_lost: bool = False) -> None:
        """Count a probe as never sent; `was_lost`: it counts as lost until now."""
        if probe in self._pending:
            self._pending.remove(probe)
        elif self._lost and (was_lost or self.is_lost(probe)):
            self._take_back(probe)
        else:
            return
        self._snapshot = None
        self._latest.forget(probe)

    def on_duplicate(self, probe: int) -> None:
        """Count a further reply to an answered probe."""
        self._snapshot = None
        self._duplicates += 1
        self._latest.remark(probe, DUPLICATE)

    def on_repeat(self, probe: int) -> None:
        """Count a SYN/ACK that the target repeated."""
        self._snapshot = None
        self._repeats += 1
        self._latest.remark(probe, REPEAT)

    def on_refused(self, reply: Reply, marks: tuple[str, ...]) -> bool:
        """Count a probe that somebody refused as lost; return whether it did not count so yet."""
        self._snapshot = None
        probe = reply.probe
        is_new = probe in self._pending or not (reply.late or self.is_lost(probe))
        if is_new:
            self._pending.discard(probe)
            self._lose(probe)
        if probe not in self._latest.reasons and self._refused + self._given_up < self._lost:
            self._refused += 1
        self._explain(LossReason(marks, reply.address), probe, is_refusal=True)
        if marks:
            self._marks.record(marks, self._heard_replies)
        if reply.quoted_ttl is not None and not self._responders:
            self._quoting_reply = reply
        _count_address(self._refusers, reply)
        return is_new

    def on_summary(self, summary: HopSummary) -> None:
        """Take the statistics of another program in place of any before."""
        self._snapshot = None
        self._summary = summary

    def on_reply(self, reply: Reply, marks: tuple[str, ...]) -> None:
        """Count the first answer to a probe, in time or late."""
        self._snapshot = None
        probe = reply.probe
        rtt = reply.rtt if reply.rtt > 0 else 0
        if probe in self._pending:
            self._pending.remove(probe)
        elif self._lost and (reply.late or self.is_lost(probe)):
            self._take_back(probe)
        latest = self._latest
        if reply.late:
            self._late += 1
            latest.remark(probe, LATE)
        latest.decide(probe, rtt)
        self._stats.add(rtt)
        if reply.sent_stamp is _USER or reply.received_stamp is _USER:
            self._user_stamped += 1
            latest.remark(probe, USER_STAMPED)
        self._reply_ttl = (reply.reply_ttl or 0) & 0xFF
        self._is_target = reply.reached
        if reply.versions:
            self._versions = reply.versions
        self._reason = None
        if reply.quoted_ttl is not None:
            self._quoting_reply = reply
        if marks:
            self._marks.record(marks, self._heard_replies)
        _count_address(self._responders, reply)

    def _take_back(self, probe: int) -> None:
        """Count one lost probe less."""
        self._lost -= 1
        was_refused = self._latest.reasons.pop(probe, None)
        if was_refused is True and self._refused:
            self._refused -= 1
        if was_refused is False and self._given_up:
            self._given_up -= 1
        # a reason is not known of a probe that is older than the latest
        self._given_up = min(self._given_up, self._lost)
        self._refused = min(self._refused, self._lost - self._given_up)

    @property
    def _heard_replies(self) -> int:
        return self._stats.count + self._refused

    def snapshot(self) -> Hop:
        """Return the hop as it is now; the same object as before while nothing changed."""
        if self._snapshot is None:
            self._snapshot = (
                self._make() if self._summary is None else hop_of_summary(self._summary)
            )
        return self._snapshot

    def _summarise_quote(self) -> QuoteSummary | None:
        if self._quoting_reply is not None:
            self._quote = QuoteSummary.from_reply(self._quoting_reply)
            self._quoting_reply = None
        return self._quote

    def _all_marks(self) -> tuple[str, ...]:
        marks = self._marks.recent(self._heard_replies)
        return marks if self._fixed_mark in ("", *marks) else (self._fixed_mark, *marks)

    def _make(self) -> Hop:
        refusers = _latest_first(self._refusers)
        pending = len(self._pending)
        return Hop(
            ttl=self.ttl,
            responders=_latest_first(self._responders) or refusers,
            sent=self._lost + self._stats.count + pending,
            lost=self._lost,
            late=self._late,
            duplicates=self._duplicates,
            pending=pending,
            figures=self._stats.snapshot(),
            recent=tuple(self._latest.outcomes.values()),
            marks=self._all_marks(),
            user_stamped=self._user_stamped,
            is_target=self._is_target,
            quote=self._summarise_quote(),
            repeats=self._repeats,
            spare_ports=len({port for port in self._latest_ports if port}),
            refused=self._refused,
            given_up=self._given_up,
            refuser=refusers[0].address if refusers else "",
            reason=self._reason,
            versions=self._versions,
            reply_ttl=self._reply_ttl,
            sent_at=self._latest.sent_at(),
            remarks=self._latest.all_remarks(),
        )


def _count_address(known: dict[str, list[int]], reply: Reply) -> None:
    """Count a reply under its address; the address silent for longest makes room."""
    one = known.get(reply.address)
    if one is not None:
        one[0] += 1
        one[1] = reply.at
        return
    if len(known) >= MAX_RESPONDERS:
        del known[min(known, key=lambda address: known[address][1])]
    known[reply.address] = [1, reply.at]


def _latest_first(known: dict[str, list[int]]) -> tuple[Responder, ...]:
    found = [Responder(address, answers, seen) for address, (answers, seen) in known.items()]
    if len(found) > 1:
        found.sort(key=lambda responder: responder.seen, reverse=True)
    return tuple(found)
