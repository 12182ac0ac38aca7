"""A session at one moment: immutable, and cheap enough to make ten times a second.

All times are integers in nanoseconds unless the name says otherwise.
"""

import enum

import msgspec
from msgspec.structs import replace

from tui_trace.core.events import (
    AsnFound,
    EgressFound,
    HostNamed,
    Interface,
    Located,
    MplsLabel,
    OwnerFound,
    PathMtuFound,
    ProbeSent,
    RegistryRecord,
)
from tui_trace.core.percentages import loss_percent
from tui_trace.core.ranges import Count, Int64
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings
from tui_trace.session.finding import Episode, Finding, JointFinding
from tui_trace.session.outcomes import RunOutcomes
from tui_trace.session.quote_text import QuoteSummary
from tui_trace.session.ways import WaySearch

LOST = -1
"""In `Hop.recent`: no reply came before the timeout."""
PENDING = -2
"""In `Hop.recent`: the probe is still in flight."""
RECENT = 256
"""Outcomes that a hop keeps one by one at least, for sparkline and chart."""


class RttStatistics(msgspec.Struct, frozen=True):
    """Statistics of the answered probes of one hop in one run; None where there are too few."""

    count: int
    last: int | None
    min: int | None
    max: int | None
    mean: float | None
    sd: float | None
    """Sample standard deviation (n−1), from two replies on."""
    jitter: float | None
    """Mean absolute difference of successive RTTs, from two replies on."""
    p50: int | None
    p90: int | None
    p99: int | None
    """Percentiles, within 1 % of the true sample (log buckets)."""
    gmean: float | None = None
    """Geometric mean; an RTT of 0 counts as 1 ns."""
    last_jitter: int | None = None
    """Difference of the last two RTTs, from two replies on."""
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


class LossReason(msgspec.Struct, frozen=True):
    """Why probes get lost, in the words of who knows it."""

    marks: tuple[str, ...] = ()
    """Of the ICMP error that refused the probe: `!N`; empty if the local kernel gave it up."""
    address: str = ""
    """Who sent that error."""
    text: str = ""
    """What the local kernel says: `nobody answers ARP for 10.0.0.1`; empty for an ICMP error."""


class Hop(msgspec.Struct, frozen=True):
    """One row of the table: a TTL in one run.

    Only a Time Exceeded message and the target's own reply are answers. A probe that somebody else
    refused with an ICMP error, or that the local kernel gave up, is lost for that reason.
    """

    ttl: int
    responders: tuple[Responder, ...]
    """Who answered, latest first; if nobody did, who refused. Empty if nothing was heard.

    A summary of another program may have a host name in place of an address."""
    sent: int
    lost: int
    """Probes without an answer before the timeout; a late answer takes its loss back."""
    late: int
    duplicates: int
    pending: int
    """In flight: neither lost nor answered."""
    figures: RttStatistics
    recent: tuple[int, ...]
    """Outcomes of the last probes in the order they were sent: RTT, `LOST` or `PENDING`.

    Empty where another program told only a summary."""
    marks: tuple[str, ...]
    """Annotations: `[open]`, `[closed]`, `[quic]`, `!H`, `MTU 1400`, `TOS=0!`."""
    user_stamped: int
    """Replies whose RTT uses a stamp that the kernel did not take."""
    is_target: bool
    quote: QuoteSummary | None = None
    """What its last quote of a probe shows; None if it never quoted one."""
    repeats: int = 0
    """SYN/ACKs that the target repeated: they answer no probe."""
    spare_ports: int = 0
    """Source ports of its last 32 probes, besides those of the run's flows."""
    refused: int = 0
    """Lost probes that somebody refused with an ICMP error."""
    given_up: int = 0
    """Lost probes that the local kernel gave up."""
    refuser: str = ""
    """Who refused a probe last; empty if nobody did."""
    reason: LossReason | None = None
    """Why the last probes were lost; None after an answer, or where nobody says why any more."""
    versions: tuple[int, ...] = ()
    """The versions of QUIC that it said it has, last."""
    reply_ttl: int = 0
    """TTL of its last answer as it arrived; 0: not known."""
    sent_at: tuple[int, ...] = ()
    """`at` of the last ones of `recent`: those sent in the minute before the newest."""
    remarks: tuple[int, ...] = ()
    """What else happened to each of these, as bits of `latest_probes`; empty: nothing did."""

    @property
    def received(self) -> tuple[str, ...]:
        """Return the last quoted probe as it arrived, in words: `TOS 0 (sent 0xb8)`, `TTL 1`."""
        return self.quote.describe() if self.quote is not None else ()

    @property
    def labels(self) -> tuple[MplsLabel, ...]:
        """Return the MPLS labels that the probe arrived with, outermost first."""
        return self.quote.labels if self.quote is not None else ()

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Return the interfaces that the router names."""
        return self.quote.interfaces if self.quote is not None else ()

    @property
    def is_summary(self) -> bool:
        """Return whether another program told its sums, and no single probe."""
        return bool(self.sent) and not self.recent

    @property
    def is_silent(self) -> bool:
        """Return whether its last probe whose outcome is known was lost."""
        decided = (outcome for outcome in reversed(self.recent) if outcome != PENDING)
        return next(decided, None) == LOST

    @property
    def unexplained(self) -> int:
        """Lost probes of which nobody said why."""
        return self.lost - self.refused - self.given_up

    @property
    def loss_percent(self) -> float | None:
        """Loss of the probes whose outcome is known; None before the first is."""
        return loss_percent(self.lost, self.figures.count)


class Run(msgspec.Struct, frozen=True):
    """The stretch probed with one set of settings."""

    number: int
    settings: ProbeSettings
    opened: int
    """`at` of its first opening."""
    rounds: int
    reached: bool
    hops: tuple[Hop, ...]
    turns_with: tuple[int, ...] = ()
    """Numbers of the other runs that it takes turns with, round by round."""
    egress: EgressFound | None = None
    """How its probes leave this machine; None: not known."""
    target_answered: int = 0
    """The remembered slots in which the target answered, as bits, the oldest lowest."""
    target_lost: int = 0
    """Those in which it did not."""
    outcomes: RunOutcomes | None = None
    """What became of its latest probes; None where runs are not compared."""

    @property
    def is_summary(self) -> bool:
        """Return whether another program told sums of any of its hops, and no single probe."""
        return any(hop.is_summary for hop in self.hops)


class WayRow(msgspec.Struct, frozen=True):
    """One way that is watched."""

    flow: int
    source_port: int
    hops: tuple[Hop, ...]
    """By TTL; the last one is where its probes end."""
    lost: int
    """Probes to the end of the path that were lost."""
    decided: int
    """Probes to the end of the path that were answered or lost."""

    @property
    def loss_percent(self) -> float | None:
        """Loss at the end of the path; None before an outcome is known."""
        return loss_percent(self.lost, self.decided - self.lost)


class WayWatched(msgspec.Struct, frozen=True):
    """Ways that are watched, or were."""

    run: int
    settings: ProbeSettings
    is_over: bool
    rows: tuple[WayRow, ...]


class Ways(msgspec.Struct, frozen=True):
    """All that is known of ways."""

    searches: tuple[WaySearch, ...] = ()
    """The latest ones, oldest first."""
    watched: WayWatched | None = None

    @property
    def latest(self) -> WaySearch | None:
        """Return the latest search."""
        return self.searches[-1] if self.searches else None


class Balance(enum.StrEnum):
    """Why several addresses answer at one TTL of one path."""

    PACKET = "per packet"
    """The addresses alternate although the flow is constant."""
    FLOW = "per flow"
    """The flow varies, and each flow has its own path."""


class PathHop(msgspec.Struct, frozen=True):
    """One TTL of a path."""

    ttl: int
    addresses: tuple[str, ...]
    """Addresses that answered; empty if the hop is silent."""
    balanced: Balance | None


class PathVisit(msgspec.Struct, frozen=True):
    """A stretch of one run on one path."""

    run: int
    since: int
    """`at` of its first answer."""
    until: int
    """`at` of its last answer up to now."""


class Path(msgspec.Struct, frozen=True):
    """A path that probes took."""

    letter: str
    """`A`, `B`, … in the order of their discovery."""
    hops: tuple[PathHop, ...]
    """All hops from TTL 1 to the last known one; some may be silent."""
    visits: tuple[PathVisit, ...]
    """Oldest first."""


class PathNow(msgspec.Struct, frozen=True):
    """The present path of a run, and `at` of its first reply there."""

    letter: str
    since: int


class MomentKind(enum.StrEnum):
    """Why a moment is on the timeline."""

    RUN = "run"
    PATH = "path"
    TROUBLE = "trouble"
    NOTICE = "notice"
    NOTE = "note"
    """A note of the user."""
    MTU = "mtu"
    """The path MTU was found."""
    EPISODE = "episode"
    """An episode began."""
    OVER = "over"
    """An episode ended."""


FIRST_PATH = "A"
"""Letter of the first path of a session."""
PATH_WORD = "path "
"""What stands before the letter in the text of a `PATH` moment."""


class TimelineMoment(msgspec.Struct, frozen=True):
    """An event of the session that the user may want to go back to."""

    at: int
    what: MomentKind
    text: str


class Bucket(msgspec.Struct, frozen=True):
    """The replies of the target in one stretch of the session."""

    path: str = ""
    """Letter of the path at its end; empty if there was no reply yet."""
    answered: int = 0
    """Replies of the target."""
    lost: int = 0
    """Lost probes to the target; a late reply takes its loss back."""
    total: int = 0
    """Sum of the RTTs, in ns."""
    min: int | None = None
    max: int | None = None

    @property
    def mean(self) -> float | None:
        """Return the mean RTT of the target in ns; None without a reply."""
        return self.total / self.answered if self.answered else None

    @property
    def loss_percent(self) -> float | None:
        """Loss of the target; None if no outcome is known."""
        return loss_percent(self.lost, self.answered)


class Timeline(msgspec.Struct, frozen=True):
    """The whole session, in a bounded number of buckets of equal width."""

    width: int
    """Nanoseconds of a bucket: one second, doubled as often as necessary."""
    buckets: tuple[Bucket, ...]
    """All buckets from the start to the last one with an event."""
    moments: tuple[TimelineMoment, ...]
    """Moments in the order of their time."""
    start: int = 0
    """`at` from which on the first bucket counts."""

    @property
    def notes(self) -> tuple[TimelineMoment, ...]:
        """Return the notes of the user."""
        return tuple(moment for moment in self.moments if moment.what is MomentKind.NOTE)

    def path_at(self, at: int) -> PathNow | None:
        """Return the path at `at` (ns), as far as is known now; None before any change."""
        changes = [m for m in self.moments if m.what is MomentKind.PATH and m.at <= at]
        if not changes:
            return None
        return PathNow(changes[-1].text.removeprefix(PATH_WORD), changes[-1].at)


class AddressInfo(msgspec.Struct, frozen=True):
    """What is known about an address; None where nothing is known yet."""

    named: HostNamed | None = None
    origin: AsnFound | None = None
    owned: OwnerFound | None = None
    registered: RegistryRecord | None = None
    located: Located | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return its names as people read them, best first."""
        return (self.named.shown or self.named.names) if self.named is not None else ()

    @property
    def dns_name(self) -> str | None:
        """The first name as DNS has it, an IDN in its ASCII form; None if no name is known."""
        return next(iter(self.named.names), None) if self.named is not None else None

    @property
    def asn(self) -> str:
        """Return its origin AS: `AS64500`, `AS64500/AS64501`; empty if unknown."""
        return "/".join(f"AS{asn}" for asn in self.origin.asns) if self.origin is not None else ""

    @property
    def owner(self) -> str:
        """Return the mailbox of its reverse zone; empty if unknown."""
        return self.owned.owner if self.owned is not None else ""

    @property
    def city(self) -> str:
        """Return its city and country, as far as a database says: `Frankfurt am Main, DE`."""
        if self.located is None:
            return ""
        return ", ".join(part for part in (self.located.city, self.located.country) if part)

    @property
    def exchange(self) -> str:
        """Return the exchange point whose network it is in; empty: none, or unknown."""
        return self.located.exchange if self.located is not None else ""


UNKNOWN_HOST = AddressInfo()
"""The value for an address about which nothing is known."""


class Stretch(msgspec.Struct, frozen=True):
    """A stretch of a session. All are `at`."""

    since: int
    until: int
    session_end: int
    """The end of all that was measured."""


class PathMtu(msgspec.Struct, frozen=True):
    """The latest search for the path MTU. All times are `at`."""

    run: Int64
    settings: ProbeSettings
    since: Int64
    until: Int64 | None = None
    """None: it goes on."""
    sent: Count = 0
    """Probes."""
    size: Int64 = 0
    """Bytes of the latest probe."""
    found: PathMtuFound | None = None
    """What it found; None: it goes on."""

    def with_probe(self, sent: ProbeSent) -> "PathMtu":
        """Return the search with one probe more."""
        return replace(self, sent=self.sent + 1, size=sent.size or self.settings.size)


class Snapshot(msgspec.Struct, frozen=True):
    """The session as it is at `at`: all that a view or a report needs."""

    at: int
    wall: int
    """Nanoseconds since 1970 (UTC) at the moment from which `at` counts; 0: not known."""
    target: str
    address: str
    family: int
    source: str
    version: str
    lab: str
    """Name of the lab's scenario; empty on a real network."""
    pace: Pace
    run: Run
    """The active run."""
    earlier: tuple[int, ...]
    """Numbers of the other runs of this session."""
    trouble: str | None
    """What is wrong with the local machine now, in one line; None: nothing is."""
    notice: str | None
    """The last notice and the last change of the source address, in one line."""
    foreign: int
    """Replies that matched none of our probes."""
    ended: bool
    path: PathNow | None = None
    """None before the first reply."""
    paths: tuple[Path, ...] = ()
    """All paths of this session, in the order of their discovery."""
    timeline: Timeline = Timeline(NS_PER_S, (), ())
    findings: tuple[Finding, ...] = ()
    """What is so now, the worst first."""
    episodes: tuple[Episode, ...] = ()
    """What was and is so, in the order of the beginnings."""
    ways: Ways = Ways()
    """What is known of the ways through the network."""
    path_mtu: PathMtu | None = None
    """The latest search for the path MTU; None: there was none."""
    who: dict[str, AddressInfo] = {}
    """What is known about each address. Never changed; `UNKNOWN_HOST` stands for a missing one."""
    vantage: str = ""
    """The machine that probes leave from, as it was named; empty: this one."""
    together: tuple[JointFinding, ...] = ()
    """What this session and those beside it say together."""
    stretch: Stretch | None = None
    """What statistics, paths and episodes are of; None: the whole session up to `at`."""
    window: int | None = None
    """Nanoseconds before `at`; the figures of the hops are of the probes sent since. None: of all
    probes of the run."""
    during: tuple[Run | None, ...] = ()
    """What was measured during each of `episodes`, as far as a report asked for it."""

    @property
    def began(self) -> int:
        """Return `at` from which on it was measured."""
        return 0 if self.stretch is None else self.stretch.since

    clock: tuple[tuple[int, int], ...] = ()
    """Steps of the wall clock: `at`, and the wall clock then, in ns since 1970 (UTC)."""

    def wall_at(self, at: int) -> int:
        """Return the nanoseconds since 1970 (UTC) at `at`, by the clock as it was set then."""
        since, wall = max((step for step in self.clock if step[0] <= at), default=(0, self.wall))
        return wall + at - since

    @property
    def mixed(self) -> tuple[str, ...]:
        """Return the letters of the active run's paths, if its statistics mix several."""
        run = self.run.number
        letters = tuple(
            path.letter for path in self.paths if any(visit.run == run for visit in path.visits)
        )
        return letters if len(letters) > 1 else ()
