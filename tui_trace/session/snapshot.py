"""What a session is at one moment: immutable, cheap to make ten times a second, made to be drawn.

All times are integers in nanoseconds unless the name says otherwise.
"""

import enum

import msgspec

from tui_trace.core.events import (
    AsnFound,
    HostNamed,
    Interface,
    MplsLabel,
    OwnerFound,
    RegistryRecord,
)
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings
from tui_trace.session.quote_text import QuoteSummary

LOST = -1
"""In `Hop.recent`: the wait passed unanswered."""
PENDING = -2
"""In `Hop.recent`: still in flight."""
RECENT = 256
"""Outcomes a hop remembers one by one, for sparkline and chart; older ones live in the figures."""


class RttStatistics(msgspec.Struct, frozen=True):
    """Statistics over the answered probes of one hop in one run; None where there are too few."""

    count: int
    last: int | None
    min: int | None
    max: int | None
    mean: float | None
    sd: float | None
    """Sample standard deviation (n−1), from two answers on."""
    jitter: float | None
    """Mean absolute difference of successive RTTs, from two answers on."""
    p50: int | None
    p90: int | None
    p99: int | None
    """Percentiles, within 1 % of the true sample (log buckets)."""
    gmean: float | None = None
    """Geometric mean; an RTT of 0 counts as 1 ns."""
    last_jitter: int | None = None
    """Difference of the last two RTTs, from two answers on."""
    max_jitter: int | None = None
    """The greatest difference of two successive RTTs."""
    smooth_jitter: float | None = None
    """Interarrival jitter as RFC 3550 §A.8 smooths it, from 0 on."""


class Responder(msgspec.Struct, frozen=True):
    """An address that answered at a hop."""

    address: str
    answers: int
    seen: int
    """`at` of its last answer."""


class Hop(msgspec.Struct, frozen=True):
    """One row of the table: a TTL in one run."""

    ttl: int
    responders: tuple[Responder, ...]
    """Latest first; empty if nothing answered."""
    sent: int
    lost: int
    """Waits that passed unanswered; a late answer takes one back."""
    late: int
    duplicates: int
    pending: int
    """In flight: neither lost nor answered."""
    figures: RttStatistics
    recent: tuple[int, ...]
    """Outcomes of the last probes in the order they were sent: RTT, `LOST` or `PENDING`."""
    marks: tuple[str, ...]
    """What the answers said: `[open]`, `[closed]`, `!H`, `MTU 1400`, `TOS=0!`."""
    user_stamped: int
    """Answers whose RTT rests on a stamp that the kernel did not take."""
    is_target: bool
    quote: QuoteSummary | None = None
    """What it last told of a probe; None if it never quoted one."""

    @property
    def received(self) -> tuple[str, ...]:
        """The last quoted probe as it got here, in words: `TOS 0 (sent 0xb8)`, `TTL 1`."""
        return self.quote.words() if self.quote is not None else ()

    @property
    def labels(self) -> tuple[MplsLabel, ...]:
        """MPLS labels that the probe came with, outermost first."""
        return self.quote.labels if self.quote is not None else ()

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Those that the router names."""
        return self.quote.interfaces if self.quote is not None else ()

    @property
    def loss_percent(self) -> float | None:
        """Lost of the probes that were decided; None before the first was."""
        decided = self.lost + self.figures.count
        return 100.0 * self.lost / decided if decided else None


class Run(msgspec.Struct, frozen=True):
    """The stretch probed with one set of settings."""

    number: int
    settings: ProbeSettings
    opened: int
    """`at` of its first opening."""
    rounds: int
    reached: bool
    hops: tuple[Hop, ...]
    turns_with: int = 0
    """Number of the run that it takes turns with, round by round; 0: none."""


class Balance(enum.StrEnum):
    """How several addresses come to answer at one TTL of one path."""

    PACKET = "per packet"
    """They take turns under a constant flow."""
    FLOW = "per flow"
    """The flow varies, and each takes its own way."""


class PathHop(msgspec.Struct, frozen=True):
    """One TTL of a path."""

    ttl: int
    addresses: tuple[str, ...]
    """Who is there; empty if nothing ever answered."""
    balanced: Balance | None


class PathVisit(msgspec.Struct, frozen=True):
    """A stretch of one run on one path."""

    run: int
    since: int
    """`at` of its first answer."""
    until: int
    """`at` of its last answer up to now."""


class Path(msgspec.Struct, frozen=True):
    """A way that probes went."""

    letter: str
    """`A`, `B`, … in the order of their discovery."""
    hops: tuple[PathHop, ...]
    """From TTL 1 to the last that is known; those between may be silent."""
    visits: tuple[PathVisit, ...]
    """Oldest first."""


class PathNow(msgspec.Struct, frozen=True):
    """The path of the run in force."""

    letter: str
    since: int


class MomentKind(enum.StrEnum):
    """What a moment is remembered for."""

    RUN = "run"
    PATH = "path"
    TROUBLE = "trouble"
    NOTICE = "notice"
    NOTE = "note"
    """The user's own words."""


FIRST_PATH = "A"
"""Letter of the path that a session begins with."""
PATH_WORD = "path "
"""What stands before the letter in the text of a `PATH` moment."""


class TimelineMoment(msgspec.Struct, frozen=True):
    """Something worth going back to."""

    at: int
    what: MomentKind
    text: str


class Bucket(msgspec.Struct, frozen=True):
    """What the target did in one stretch of the session."""

    path: str = ""
    """Letter of the path in force at its end; empty if there was no answer yet."""
    answered: int = 0
    """By the target."""
    lost: int = 0
    """Of the probes to the target; a late answer takes one back."""
    total: int = 0
    """Of the RTTs, in ns."""
    min: int | None = None
    max: int | None = None

    @property
    def mean(self) -> float | None:
        """RTT of the target in ns; None without an answer."""
        return self.total / self.answered if self.answered else None

    @property
    def loss_percent(self) -> float | None:
        """Of the target; None if nothing was decided."""
        decided = self.answered + self.lost
        return 100.0 * self.lost / decided if decided else None


class Timeline(msgspec.Struct, frozen=True):
    """The whole session in a bounded number of stretches of equal width."""

    width: int
    """Nanoseconds of a bucket: one second, doubled as often as it takes."""
    buckets: tuple[Bucket, ...]
    """From the session's start to the last that saw anything happen."""
    moments: tuple[TimelineMoment, ...]
    """In the order of their time."""

    @property
    def notes(self) -> tuple[TimelineMoment, ...]:
        """What the user wrote down."""
        return tuple(moment for moment in self.moments if moment.what is MomentKind.NOTE)

    def path_at(self, at: int) -> PathNow | None:
        """The path in force at `at` (ns), as far as is known by now; None before any change."""
        changes = [m for m in self.moments if m.what is MomentKind.PATH and m.at <= at]
        if not changes:
            return None
        return PathNow(changes[-1].text.removeprefix(PATH_WORD), changes[-1].at)


class AddressInfo(msgspec.Struct, frozen=True):
    """What is known of an address; None where nothing is (yet)."""

    named: HostNamed | None = None
    origin: AsnFound | None = None
    owned: OwnerFound | None = None
    registered: RegistryRecord | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Its names as people read them, best first."""
        return (self.named.shown or self.named.names) if self.named is not None else ()

    @property
    def asn(self) -> str:
        """Who announces it: `AS64500`, `AS64500/AS64501`; empty if nobody is known to."""
        return "/".join(f"AS{asn}" for asn in self.origin.asns) if self.origin is not None else ""

    @property
    def owner(self) -> str:
        """The mailbox of its reverse zone; empty if none is known."""
        return self.owned.owner if self.owned is not None else ""


UNKNOWN_HOST = AddressInfo()
"""Of an address about which nothing is known."""


class Snapshot(msgspec.Struct, frozen=True):
    """Everything that a view needs to draw the session as it is at `at`."""

    at: int
    wall: int
    """Nanoseconds since 1970 (UTC) when the session began."""
    target: str
    address: str
    family: int
    source: str
    version: str
    lab: str
    """Name of the lab's scenario; empty on a real network."""
    pace: Pace
    run: Run
    """The run in force."""
    earlier: tuple[int, ...]
    """Numbers of the other runs of this session."""
    trouble: str | None
    """What is wrong just now with our own side, in one line; None if all is well."""
    notice: str | None
    """The last notice and change of source, in one line."""
    foreign: int
    """Replies that answer none of our probes."""
    ended: bool
    path: PathNow | None = None
    """None before the first answer."""
    paths: tuple[Path, ...] = ()
    """All that this session has seen, in the order of their discovery."""
    timeline: Timeline = Timeline(NS_PER_S, (), ())
    who: dict[str, AddressInfo] = {}
    """What is known of each address, `UNKNOWN_HOST` for those that are not in it; never changed."""

    @property
    def mixed(self) -> tuple[str, ...]:
        """Letters of the paths that the figures of the run in force are of, if of several."""
        run = self.run.number
        letters = tuple(
            path.letter for path in self.paths if any(visit.run == run for visit in path.visits)
        )
        return letters if len(letters) > 1 else ()
