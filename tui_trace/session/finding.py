"""A finding: a claim about the session with its evidence. An episode: a finding with begin and end.

Times are `at`, in ns since the session began; who prints them adds the wall clock.
"""

import enum
from typing import TypeAlias

import msgspec

from tui_trace.core.ranges import Int64, Ttl


class FindingKind(enum.StrEnum):
    """What a finding claims."""

    DOWN = "down"
    """The target is silent."""
    LOSS = "loss"
    """Probes are lost from this hop on, and the target loses them, too."""
    REFUSED = "refused"
    """A router or a firewall answers unreachable."""
    FILTERED = "filtered"
    """This protocol, port, size or mark stops here while another one passes."""
    MTU = "mtu"
    """Larger packets are refused."""
    BLACK_HOLE = "mtu-black-hole"
    """Larger packets vanish."""
    QUEUE = "queue"
    """Delay grows and drains from this hop on, up to the target."""
    SLOWER = "slower"
    """The target's RTT stepped up, from this hop on."""
    WAY_LOSS = "way-loss"
    """One of the ways behind a load balancer loses probes, the others do not."""
    PATH_CHANGE = "path-change"
    FLAP = "flap"
    """The path goes back and forth."""
    LOOP = "loop"
    """Probes run in a circle."""
    LOCAL = "local"
    """The trouble begins on this machine, or before the first hop."""
    MAX_TTL = "max-ttl"
    """The path is longer than the largest TTL."""
    RATE_LIMITED = "rate-limited"
    """This hop answers a bounded number of probes a second; the traffic is fine."""
    ANSWERS_LOST = "answers-lost"
    """Answers of this hop alone are lost; the traffic is fine."""
    SLOW_ANSWERS = "slow-answers"
    """This hop answers slowly; those behind it do not."""
    BALANCED_FLOW = "balanced-flow"
    BALANCED_PACKET = "balanced-packet"
    ASYMMETRIC = "asymmetric"
    """Answers from this hop on come back over another number of hops."""
    NAT = "nat"
    TOS_REWRITTEN = "tos-rewritten"
    ECN_CLEARED = "ecn-cleared"
    MSS_CLAMPED = "mss-clamped"
    DUPLICATES = "duplicates"
    REPEATS = "repeats"
    """The target repeats its SYN/ACKs."""
    OK = "ok"
    """Nothing is wrong, and how small a fault would have been seen."""


ROW_KINDS = frozenset(
    {
        FindingKind.ANSWERS_LOST,
        FindingKind.RATE_LIMITED,
        FindingKind.SLOW_ANSWERS,
        FindingKind.BALANCED_FLOW,
        FindingKind.BALANCED_PACKET,
        FindingKind.ASYMMETRIC,
    }
)
"""Kinds that stand in the row of their hop, in a word; what answers show has a mark of its own."""


class Sure(enum.StrEnum):
    """How sure a finding is. Below `LIKELY`, nothing is said."""

    CERTAIN = "certain"
    """Wrong in at most one session of 100, watched every second to its end."""
    LIKELY = "likely"
    """Wrong in at most one session of 20."""


CLEAN_HOP, BAD_HOP = "clean_hop", "bad_hop"
"""Names in the evidence: the last TTL that is known to have no part in it (0: none), and the one by
which it has begun."""

Evidence: TypeAlias = dict[str, Int64 | float | str]
"""The numbers that a finding rests on, by name; a name says its unit (`rtt_ms`, `loss_percent`)."""


class Finding(msgspec.Struct, frozen=True):
    """A claim about the session. Its texts are harmless for a terminal."""

    kind: FindingKind
    harm: bool
    """The traffic to the target suffers."""
    sure: Sure
    since: Int64
    """`at` of its beginning: of the first probe that it concerns."""
    text: str
    """The claim in the present tense, without times: `target silent`."""
    past: str
    """The same when it is over: `target was silent`."""
    details: str = ""
    """More of it, behind the time: `75 probes, last answer hop 4 10.77.3.2`."""
    short: str = ""
    """The claim for narrow terminals; empty: `text`."""
    hop: Ttl | None = None
    """TTL at which it begins; None: the whole path."""
    address: str = ""
    """The address of that hop; empty if unknown."""
    run: Int64 = 0
    """Number of the run that it is about; 0: of the session."""
    severity: float = 0.0
    """Orders findings: 0 (harmless) to 1 (nothing reaches the target)."""
    evidence: Evidence = {}
    until: Int64 | None = None
    """`at` of its end, where the finder knows it; it is not found any more after that.

    An end before its beginning: it was a mistake, and is forgotten."""
    next: str = ""
    """The key or option that would settle or refute it, with what it does; may be empty."""

    @property
    def key(self) -> tuple[str, int, int | None]:
        """Return what tells findings apart: an episode has one key from its begin to its end.

        Where a harmful finding begins may become clearer while it lasts.
        """
        return self.kind, self.run, None if self.harm else self.hop


class Episode(msgspec.Struct, frozen=True):
    """A finding with a beginning and an end."""

    finding: Finding
    """As it was last seen."""
    told: Int64
    """`at` of the moment from which on it was claimed."""
    until: Int64 | None = None
    """`at` of its end; None: it lasts."""


class JointKind(enum.StrEnum):
    """What several sessions claim together."""

    MEETING_POINT = "meeting-point"
    """The paths of the targets that suffer meet at a node, and those of the others do not."""
    VANTAGES = "vantages"
    """A target suffers from one vantage and not from another, or from all of them."""


class JointFinding(msgspec.Struct, frozen=True):
    """A claim about sessions that ran beside one another. Its texts are harmless for a terminal."""

    kind: JointKind
    text: str
    target: str = ""
    """The target that it is about; empty: all."""
    evidence: Evidence = {}
