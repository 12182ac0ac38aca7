"""Which SYN a reply answers: a probe's own, or one that the kernel sent again.

The kernel repeats an unanswered SYN after 1 s, and then again and again (RFC 6298 §2.1; Linux: each
second or with doubling pauses). A target repeats a SYN/ACK as often. A reply that comes later than
the first repetition answers the probe only if it is shown to: by a TCP timestamp (RFC 7323 §3) that
the reply carries back, or because it came too soon for an answer to a repetition.
"""

import struct
from collections.abc import Hashable

from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.wire.network import Answers

REPETITION = NS_PER_S
"""How long after the probe the kernel repeats it, in ns: so long at least."""

_SPREAD = 10 * NS_PER_MS
_FEW = 2
"""Replies of a nearer hop whose fastest is taken for the time that the path needs."""
_IN_A_ROW = 5
"""Replies taken for repeats in a row after which the path may have grown slower."""

_MAX_PATHS = 64

_NO_OPERATION, _END, _TIMESTAMPS = 1, 0, 8
_u32 = struct.Struct("!I")


class _Hop:
    """What one TTL's replies showed."""

    def __init__(self) -> None:
        self.fastest: int | None = None
        self.count = 0
        self.repeats_in_a_row = 0


class FastestReplies:
    """The fastest RTTs by TTL, and what they say of a reply that came late."""

    def __init__(self) -> None:
        """Begin without a reply."""
        self._by_path: dict[Hashable, dict[int, _Hop]] = {}

    def _hops(self, path: Hashable) -> dict[int, _Hop]:
        if path not in self._by_path and len(self._by_path) >= _MAX_PATHS:
            self._by_path.clear()
        return self._by_path.setdefault(path, {})

    def note(self, path: Hashable, ttl: int, rtt: int) -> None:
        """Note an RTT, in ns, of which it is sure which SYN was answered.

        `path`: TTLs of different paths are not compared.
        """
        hop = self._hops(path).setdefault(ttl, _Hop())
        hop.fastest = rtt if hop.fastest is None else min(hop.fastest, rtt)
        hop.count += 1
        hop.repeats_in_a_row = 0

    def judge(self, path: Hashable, ttl: int, elapsed: int, *, is_likely: bool) -> Answers:
        """Return what a reply answers that came `elapsed` ns after its probe.

        `is_likely`: a timestamp says that the probe was answered, but maybe for the second time.
        """
        hops = self._hops(path)
        since_repetition = elapsed - REPETITION
        own = hops.get(ttl)
        if own is not None and own.fastest is not None:
            if since_repetition < _least(own.fastest):
                return Answers.PROBE
            own.repeats_in_a_row += 1
            if own.repeats_in_a_row < _IN_A_ROW:
                return Answers.REPEAT
            del hops[ttl]
        few = 1 if is_likely else _FEW
        nearer = [
            hop.fastest
            for number, hop in hops.items()
            if number < ttl and hop.fastest is not None and hop.count >= few
        ]
        # an answer to a repetition would be faster than the path to a nearer hop
        if nearer and since_repetition < _least(max(nearer)):
            return Answers.PROBE
        return Answers.UNKNOWN


def _least(rtt: int) -> int:
    """Return the least time that an answer takes, where the fastest so far took `rtt` ns."""
    return rtt * 9 // 10 - _SPREAD


def quoted_timestamp(header: bytes) -> int | None:
    """Return the timestamp (TSval) in a TCP header, as much of it as was quoted; None: none."""
    if len(header) < 20:
        return None
    options = header[20 : (header[12] >> 4) * 4]
    place = 0
    while place + 1 < len(options) and options[place] != _END:
        if options[place] == _NO_OPERATION:
            place += 1
            continue
        if options[place] == _TIMESTAMPS and place + 6 <= len(options):
            return int(_u32.unpack_from(options, place + 2)[0])
        place += max(2, options[place + 1])
    return None
