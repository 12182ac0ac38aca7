"""What became of each probe, round by round: the evidence that findings rest on.

A *slot* is one probe to each hop: a round has one, or one for each query and flow. What happened in
a slot is a bit of an integer, so that a question such as "how often did this hop lose a probe while
the target answered?" is `(hop.lost & target.answered).bit_count()`, and a late reply moves a bit.
"""

from array import array
from bisect import bisect_left
from itertools import accumulate

from tui_trace.core.events import Reply
from tui_trace.core.settings import ProbeSettings
from tui_trace.session.checkpoint import (
    CheckpointError,
    HopLogCheckpoint,
    RunLogCheckpoint,
    to_deltas,
)
from tui_trace.session.outcomes import HopOutcomes, RunOutcomes

WINDOW = 1024
"""Slots that are remembered at least; up to twice as many are."""
RTT_WINDOW = 128
"""Slots whose RTTs a hop remembers at least, and up to twice as many; the target, all. They
would be most of the size of a recording, as their last digits are noise: those of a hop are whole
microseconds."""
_US = 1000
_GREATEST = 1 << 62
NO_RTT = -1
"""In `HopLog.rtts`: this slot has no answer, or its RTT is not remembered."""
MAX_ADDRESSES = 16
"""Addresses of a hop whose answers are told apart; the one silent for longest makes room."""
_REMEMBERED = 256
"""Lost probes of a hop that a late reply can still take back."""


class HopLog:
    """One hop of one run. Bit `i` of each integer is slot `RunLog.first_slot + i`."""

    __slots__ = (
        "_is_exact",
        "_lost_probes",
        "_pending",
        "answered",
        "by_address",
        "lost",
        "refused",
        "reply_ttls",
        "rtts",
    )

    def __init__(self, *, is_exact: bool = False) -> None:
        """Begin without any probe; `is_exact`: RTTs are kept to the nanosecond."""
        self._is_exact = is_exact
        self.lost = 0
        self.answered = 0
        self.refused = 0
        """Those of `lost` that somebody refused, or that the local kernel gave up."""
        self.by_address: dict[str, int] = {}
        """`answered`, by the address that answered, the latest last."""
        self.rtts = array("q")
        """RTT in ns of each slot, or `NO_RTT`; may be shorter than the slots of the run."""
        self.reply_ttls = array("B")
        """TTL of the answer as it arrived, 0 where it is not known; as long as `rtts`."""
        self._pending: dict[int, int] = {}
        """By probe in flight: its slot."""
        self._lost_probes: dict[int, int] = {}

    def rtts_of(self, slots: int) -> list[int]:
        """Return the RTTs (ns) of those of `slots` (bits) that were answered, in their order.

        Those that are not remembered are left out.
        """
        rtts = self.rtts
        if not slots:
            return []
        first = (slots & -slots).bit_length() - 1
        stretch = slots >> first
        if not stretch & (stretch + 1):
            # all of a stretch: where there was no answer, there is no RTT
            return [rtt for rtt in rtts[first : slots.bit_length()] if rtt != NO_RTT]
        known = [rtts[place] for place in bits_of(slots & self.answered)]
        return [rtt for rtt in known if rtt != NO_RTT]

    def snapshot(self) -> HopOutcomes:
        """Return the outcomes as they are now; they share nothing with the log."""
        return HopOutcomes(
            self.lost, self.answered, self.refused, tuple(self.by_address)[::-1], self.rtts[:]
        )

    # --- what happens to its probes

    def _on_sent(self, probe: int, slot: int) -> None:
        self._pending[probe] = slot

    def _on_lost(self, probe: int, slot: int, *, is_refused: bool) -> None:
        bit = 1 << slot
        self.lost |= bit
        if is_refused:
            self.refused |= bit
        self._lost_probes[probe] = slot
        if len(self._lost_probes) > _REMEMBERED:
            del self._lost_probes[next(iter(self._lost_probes))]

    def _on_answer(self, slot: int, reply: Reply) -> None:
        bit = 1 << slot
        if self.lost & bit:
            self._take_back(slot)
        self.answered |= bit
        missing = slot + 1 - len(self.rtts)
        if missing > 0:
            self.rtts.extend([NO_RTT] * missing)
            self.reply_ttls.extend(bytes(missing))
        rtt = _in_range(reply.rtt)
        self.rtts[slot] = rtt if self._is_exact else (rtt + _US // 2) // _US * _US
        self.reply_ttls[slot] = (reply.reply_ttl or 0) & 0xFF
        by_address = self.by_address
        known = by_address.pop(reply.address, 0)
        by_address[reply.address] = known | bit
        if len(by_address) > MAX_ADDRESSES:
            del by_address[next(iter(by_address))]

    def _take(self, probe: int) -> int | None:
        """Return the slot of a probe whose outcome changes now; None: it is not known."""
        slot = self._pending.pop(probe, None)
        return self._lost_probes.pop(probe, None) if slot is None else slot

    def _take_back(self, slot: int) -> None:
        self.lost &= ~(1 << slot)
        self.refused &= ~(1 << slot)

    def _forget(self, slots: int) -> None:
        """Forget the oldest slots."""
        self.lost >>= slots
        self.answered >>= slots
        self.refused >>= slots
        del self.rtts[:slots]
        del self.reply_ttls[:slots]
        shifted = {address: bits >> slots for address, bits in self.by_address.items()}
        self.by_address = {address: bits for address, bits in shifted.items() if bits}
        self._pending = {p: slot - slots for p, slot in self._pending.items() if slot >= slots}
        self._lost_probes = {
            p: slot - slots for p, slot in self._lost_probes.items() if slot >= slots
        }

    def _forget_rtts(self, before: int) -> None:
        """Forget the RTTs of the slots before this one."""
        count = min(before, len(self.rtts))
        self.rtts[:count] = array("q", [NO_RTT]) * count
        self.reply_ttls[:count] = array("B", bytes(count))

    def checkpoint(self) -> HopLogCheckpoint:
        """Return the whole state, for `from_checkpoint`."""
        return HopLogCheckpoint(
            lost=f"{self.lost:x}",
            answered=f"{self.answered:x}",
            refused=f"{self.refused:x}",
            by_address={address: f"{bits:x}" for address, bits in self.by_address.items()},
            rtts=self.rtts.tolist() if self._is_exact else [rtt // _US for rtt in self.rtts],
            reply_ttls=self.reply_ttls.tobytes(),
            pending=self._pending,
            lost_probes=self._lost_probes,
        )

    @classmethod
    def from_checkpoint(cls, state: HopLogCheckpoint, *, is_exact: bool = False) -> "HopLog":
        """Restore a hop; `CheckpointError` if no hop can have been in this state."""
        log = cls(is_exact=is_exact)
        log.lost, log.answered, log.refused = map(
            _bits, (state.lost, state.answered, state.refused)
        )
        log.by_address = {address: _bits(text) for address, text in state.by_address.items()}
        unit = 1 if is_exact else _US
        try:
            log.rtts = array("q", [rtt * unit if rtt >= 0 else NO_RTT for rtt in state.rtts])
        except OverflowError:
            raise CheckpointError("an RTT of centuries") from None
        log.reply_ttls = array("B", state.reply_ttls)
        log._pending = dict(state.pending)
        log._lost_probes = dict(state.lost_probes)
        slots = [*state.pending.values(), *state.lost_probes.values()]
        if not all(0 <= slot < 2 * WINDOW for slot in slots):
            raise CheckpointError("a probe in no slot")
        if len(log.rtts) != len(log.reply_ttls) or log.answered >> len(log.rtts):
            raise CheckpointError("answers without their times")
        if log.lost & log.answered or log.refused & ~log.lost:
            raise CheckpointError("lost and answered at once")
        return log


class RunLog:
    """All hops of one run, and its target at whatever TTL it answers."""

    def __init__(self, number: int, settings: ProbeSettings) -> None:
        """Begin without any probe; `number` is the run's."""
        self.number = number
        self.settings = settings
        self.first_slot = 0
        """Number of the oldest slot that is remembered: bit 0."""
        self.times = array("q")
        """`at` (ns) of the first probe of each slot."""
        self.ends = array("q")
        """`at` (ns) of the last probe of each slot, which is mostly the one to the target."""
        self.flows = array("q")
        """Index of the flow that each slot was probed with."""
        self.rounds = array("q")
        """Number of the round that each slot belongs to."""
        self.hops: dict[int, HopLog] = {}
        """By TTL, in no order."""
        self.target = HopLog(is_exact=True)
        """The target's own answers, and losses at the end of the path, whatever the TTL."""
        self.target_ttl: int | None = None
        """TTL of the target's last answer; None: it did not answer in this run."""
        self._round = 0
        self._base = 0
        """The first slot of the present round."""
        self._first_rtt = 0
        """The first slot whose RTTs all hops remember."""
        self._counts: dict[int, int] = {}
        """By TTL: probes of the present round."""

    @property
    def slots(self) -> int:
        """Return the number of slots that are remembered."""
        return len(self.times)

    def latest(self, slots: int) -> int:
        """Return the bits of the latest `slots` slots."""
        count = len(self.times)
        first = max(count - slots, 0)
        return (1 << count) - (1 << first)

    def since(self, at: int) -> int:
        """Return the bits of the slots that began at `at` (ns) or later."""
        first = self._place(at)
        return (1 << len(self.times)) - (1 << first)

    def _place(self, at: int) -> int:
        return bisect_left(self.times, at)

    def snapshot(self) -> RunOutcomes:
        """Return the outcomes of all hops as they are now."""
        return RunOutcomes(
            self.times[:],
            {ttl: self.hops[ttl].snapshot() for ttl in sorted(self.hops)},
            self.target.snapshot(),
            self.target_ttl,
        )

    # --- what happens

    def on_round(self, number: int) -> None:
        """Begin a round."""
        self._round = _in_range(number)
        self._base = len(self.times)
        self._counts.clear()
        if self._base >= 2 * WINDOW:
            self._forget(self._base - WINDOW)
        if self._base - self._first_rtt >= 2 * RTT_WINDOW:
            self._first_rtt = self._base - RTT_WINDOW
            for hop in self.hops.values():
                hop._forget_rtts(self._first_rtt)

    def on_sent(self, probe: int, ttl: int, flow: int, at: int) -> None:
        """Count a probe that left."""
        at = _in_range(at)
        count = self._counts.get(ttl, 0)
        self._counts[ttl] = count + 1
        slot = self._base + count
        if slot >= len(self.times):
            if slot >= 2 * WINDOW:
                self._forget(WINDOW)
                slot -= WINDOW
            self.times.append(at)
            self.ends.append(at)
            self.flows.append(flow)
            self.rounds.append(self._round)
        if slot < 0:
            # so many probes of this round went elsewhere that its first slots are forgotten
            return
        self.ends[slot] = at
        hop = self.hops.get(ttl)
        if hop is None:
            hop = self.hops[ttl] = HopLog()
        hop._on_sent(probe, slot)

    def on_answer(self, reply: Reply) -> int | None:
        """Count the first answer to a probe, in time or late; return the number of its slot.

        None: the probe is not known any more.
        """
        hop = self.hops.get(reply.ttl)
        slot = hop._take(reply.probe) if hop is not None else None
        if hop is None or slot is None:
            return None
        hop._on_answer(slot, reply)
        if reply.reached:
            self.target_ttl = reply.ttl
            self.target._on_answer(slot, reply)
        elif (place := self.target._take(reply.probe)) is not None:
            # a late answer of a router at what was the end of the path
            self.target._take_back(place)
        return self.first_slot + slot

    def on_past_target(self, reply: Reply) -> None:
        """Count an answer of the target to a TTL past its own: it is there."""
        hop = self.hops.get(reply.ttl)
        slot = hop._take(reply.probe) if hop is not None else None
        if hop is None or slot is None:
            return
        hop._take_back(slot)
        if not self.target.answered >> slot & 1:
            self.target._on_answer(slot, reply)

    def on_lost(self, probe: int, ttl: int, *, at_end: bool, is_refused: bool = False) -> None:
        """Count a lost probe; `at_end`: its TTL is the last of the path."""
        hop = self.hops.get(ttl)
        slot = hop._take(probe) if hop is not None else None
        if hop is None or slot is None:
            return
        hop._on_lost(probe, slot, is_refused=is_refused)
        if at_end and not self.target.answered >> slot & 1:
            self.target._on_lost(probe, slot, is_refused=is_refused)

    def on_void(self, probe: int, ttl: int) -> None:
        """Forget a probe that counts as never sent."""
        hop = self.hops.get(ttl)
        slot = hop._take(probe) if hop is not None else None
        if hop is not None and slot is not None:
            hop._take_back(slot)
            if self.target._take(probe) is not None:
                self.target._take_back(slot)

    def _forget(self, slots: int) -> None:
        self.first_slot += slots
        self._base -= slots
        self._first_rtt = max(self._first_rtt - slots, 0)
        del self.times[:slots]
        del self.ends[:slots]
        del self.flows[:slots]
        del self.rounds[:slots]
        self.target._forget(slots)
        for hop in self.hops.values():
            hop._forget(slots)

    # --- checkpoints

    def checkpoint(self) -> RunLogCheckpoint:
        """Return the whole state, for `from_checkpoint`."""
        return RunLogCheckpoint(
            first_slot=self.first_slot,
            times=to_deltas(self.times.tolist()),
            ends=[end - time for time, end in zip(self.times, self.ends, strict=True)],
            flows=self.flows.tolist(),
            rounds=to_deltas(self.rounds.tolist()),
            hops={ttl: hop.checkpoint() for ttl, hop in self.hops.items()},
            target=self.target.checkpoint(),
            target_ttl=self.target_ttl,
            round=self._round,
            base=self._base,
            first_rtt=self._first_rtt,
            counts=self._counts,
        )

    @classmethod
    def from_checkpoint(
        cls, number: int, settings: ProbeSettings, state: RunLogCheckpoint
    ) -> "RunLog":
        """Restore a run's log; `CheckpointError` if no run can have been in this state."""
        log = cls(number, settings)
        log.first_slot = state.first_slot
        lengths = {len(state.times), len(state.ends), len(state.flows), len(state.rounds)}
        if len(lengths) > 1 or len(state.times) > 2 * WINDOW:
            raise CheckpointError("slots without their times")
        times = list(accumulate(state.times))
        ends = [time + rest for time, rest in zip(times, state.ends, strict=True)]
        try:
            log.times, log.ends, log.flows, log.rounds = (
                array("q", numbers)
                for numbers in (times, ends, state.flows, accumulate(state.rounds))
            )
        except OverflowError:
            raise CheckpointError("times of no session") from None
        log.hops = {ttl: HopLog.from_checkpoint(hop) for ttl, hop in state.hops.items()}
        log.target = HopLog.from_checkpoint(state.target, is_exact=True)
        log.target_ttl = state.target_ttl
        log._round, log._base, log._first_rtt = state.round, state.base, state.first_rtt
        log._counts = dict(state.counts)
        if not 0 <= state.base <= len(log.times):
            raise CheckpointError("a round without slots")
        return log


def _in_range(number: int) -> int:
    """Return the nearest number of which any two differ by less than 2⁶³."""
    return number if 0 <= number <= _GREATEST else min(max(number, 0), _GREATEST)


def bits_of(number: int) -> list[int]:
    """Return the places of the bits that are set, from the lowest on."""
    return [place for place, bit in enumerate(bin(number)[:1:-1]) if bit == "1"]


def _bits(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        raise CheckpointError("no bits") from None
