"""The sink of `--watch`: a line for each episode, and for what else a log of the night needs."""

from collections import Counter
from collections.abc import Callable

from tui_trace.alerts.episode_lines import episode_line, has_end, log_line
from tui_trace.core.durations import describe_clock_step, format_duration
from tui_trace.core.events import (
    ClockStepped,
    Event,
    Notice,
    SessionBegan,
    SessionEnded,
    SourceChanged,
)
from tui_trace.core.probe_text import describe_settings
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.report.finding_lines import rfc3339
from tui_trace.session.episode_feed import EpisodeFeed
from tui_trace.session.finding import Episode, FindingKind
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Hop, Snapshot

GAP = 5 * NS_PER_S
"""Without a pulse for so long, nothing was probed: the process was stopped, or starved."""


class WatchLog:
    """Writes the log of one target; another session of it may follow the one that ended."""

    def __init__(
        self, write: Callable[[str], object], alive: Callable[[], object] = lambda: None
    ) -> None:
        """`write` takes a line without its end. `alive` is called with each pulse."""
        self._write = write
        self._alive = alive
        self._begin()
        self.is_summary_due = False
        """Set by any thread: a summary is written with the next pulse."""

    def _begin(self) -> None:
        self._feed = EpisodeFeed()
        self._counts: Counter[FindingKind] = Counter()
        self._lengths: Counter[FindingKind] = Counter()
        """Nanoseconds of the episodes that are over."""
        self._at = 0
        self._unwatched = 0

    def restore(self, session: Session) -> None:
        """Go on from this session, without telling again what it told."""
        self._feed = EpisodeFeed(session)

    def event(self, event: Event) -> None:
        """Write what the event told, if it told anything."""
        if isinstance(event, SessionBegan):
            self._begin()
        news = self._feed.apply(event)
        match event:
            case SessionBegan():
                self._log(event.at, "WATCH", event.address)
            case ClockStepped():
                self._log(event.at, "CLOCK", describe_clock_step(event))
            case SourceChanged(source=source):
                self._log(event.at, "SOURCE", f"probes now leave from {source}")
            case Notice(text=text):
                self._log(event.at, "NOTE", text)
        for episode in news:
            self._tell(episode)
        if isinstance(event, SessionEnded):
            self._summarise(event.at)

    def pulse(self, at: int) -> None:
        """Notice a gap, and write the summary if it was asked for."""
        if at - self._at > GAP:
            self._unwatched += at - self._at
            self._log(at, "GAP", f"nothing was probed for {format_duration(at - self._at)}")
        self._at = at
        if self.is_summary_due:
            self.is_summary_due = False
            self._summarise(at)
        self._alive()

    def _log(self, at: int, word: str, text: str) -> None:
        self._write(log_line(self._feed.snapshot(at), at, word, text))

    def _tell(self, episode: Episode) -> None:
        kind, until = episode.finding.kind, episode.until
        if until is None:
            self._counts[kind] += 1
        elif until < episode.finding.since:
            self._counts[kind] -= 1
        else:
            self._lengths[kind] += until - episode.finding.since
        if until is None or has_end(episode):
            self._write(episode_line(self._feed.snapshot(), episode))

    def _summarise(self, at: int) -> None:
        snapshot = self._feed.snapshot(at)
        told = "; ".join(filter(None, (self._episodes(snapshot), _figures(snapshot))))
        watched = format_duration(at - self._unwatched)
        since = rfc3339(snapshot, 0, "seconds")
        self._log(at, "SUMMARY", f"{watched} since {since}: {told}")

    def _episodes(self, snapshot: Snapshot) -> str:
        lengths = self._lengths.copy()
        lasting: list[str] = []
        for episode in snapshot.episodes:
            if episode.until is None:
                kind = episode.finding.kind
                lengths[kind] += snapshot.at - episode.finding.since
                if episode.finding.harm:
                    lasting.append(f"{kind.value.upper()} lasts")
        told = [_count(kind, number, lengths[kind]) for kind, number in self._counts.items()]
        return "; ".join(filter(None, (", ".join(filter(None, told)) or "no episodes", *lasting)))


def _count(kind: FindingKind, number: int, length: int) -> str:
    if not number:
        return ""
    took = "" if kind is FindingKind.PATH_CHANGE else f" ({format_duration(length)})"
    return f"{number} {kind.value}{took}"


def _figures(snapshot: Snapshot) -> str:
    """Return loss and RTT of the target: `0.41 % of 28800 probes lost, RTT 8.1/8.8±0.4/31.2 ms`."""
    run = snapshot.run
    hop = next((each for each in run.hops if each.is_target), None)
    if hop is None:
        return f"{describe_settings(run.settings, snapshot.family)}: the target never answered"
    return ", ".join(filter(None, (_loss(hop), _rtt(hop))))


def _loss(hop: Hop) -> str:
    percent = hop.loss_percent
    decided = hop.lost + hop.figures.count
    share = "" if percent is None else f"{percent:.2f} % of "
    return f"{share}{decided} probes lost"


def _rtt(hop: Hop) -> str:
    figures = hop.figures
    if figures.min is None or figures.mean is None or figures.max is None:
        return ""
    digits = 1 if figures.min >= NS_PER_MS else 3
    low, mean, sd, high = (
        f"{value / NS_PER_MS:.{digits}f}"
        for value in (figures.min, figures.mean, figures.sd or 0, figures.max)
    )
    return f"RTT {low}/{mean}±{sd}/{high} ms"
