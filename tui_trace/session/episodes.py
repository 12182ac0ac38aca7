"""The episodes of a session: what looks at it have found, with a beginning and an end."""

from collections import deque
from collections.abc import Iterable, Mapping

from tui_trace.core.durations import format_duration
from tui_trace.session.checkpoint import MAX_EPISODES, CheckpointError, EpisodesCheckpoint
from tui_trace.session.finding import Episode, Finding, FindingKind
from tui_trace.session.finding_text import is_event
from tui_trace.session.snapshot import MomentKind, TimelineMoment


class EpisodeLog:
    """Folds what was found at each look into episodes."""

    def __init__(self) -> None:
        """Begin without any episode."""
        self._lasting: dict[tuple[str, int, int | None], Episode] = {}
        self._over: deque[Episode] = deque(maxlen=MAX_EPISODES)
        self._ended: dict[tuple[str, int], int] = {}
        self.news: list[Episode] = []
        """Episodes that began or ended at the last look."""

    @property
    def lasting(self) -> Mapping[tuple[str, int, int | None], Episode]:
        """Return the episodes that last, by the key of their finding."""
        return self._lasting

    @property
    def ended(self) -> Mapping[tuple[str, int], int]:
        """Return, by kind and run, the `at` of the end of the latest episode that is over."""
        return self._ended

    def look(self, found: Iterable[Finding], at: int) -> None:
        """Take what was found at `at`; what is not found any more is over."""
        self.news = []
        present: dict[tuple[str, int, int | None], Finding] = {}
        for finding in found:
            present.setdefault(finding.key, finding)
        for key, episode in list(self._lasting.items()):
            if key not in present:
                self._end(key, episode, at)
        for key, finding in present.items():
            known = self._lasting.get(key)
            if known is not None and finding.since > known.told:
                # not the same thing any more: it began after the other had been told
                self._end(key, known, finding.since)
            told = self._lasting[key].told if key in self._lasting else at
            episode = Episode(finding, told)
            if key not in self._lasting and is_event(finding):
                self.news.append(episode)
            self._lasting[key] = episode
            if finding.until is not None:
                self._end(key, episode, finding.until)

    def _end(self, key: tuple[str, int, int | None], episode: Episode, until: int) -> None:
        del self._lasting[key]
        finding = episode.finding
        self._ended.pop((finding.kind, finding.run), None)
        self._ended[finding.kind, finding.run] = until
        while len(self._ended) > MAX_EPISODES:
            del self._ended[next(iter(self._ended))]
        if is_event(finding):
            ended = Episode(finding, episode.told, until)
            self.news.append(ended)
            if until >= finding.since:
                self._over.append(ended)

    def findings(self) -> tuple[Finding, ...]:
        """Return what is so now, the worst first."""
        found = [episode.finding for episode in self._lasting.values()]
        found.sort(key=lambda one: (not one.harm, -one.severity, one.since))
        return tuple(found)

    def episodes(self) -> tuple[Episode, ...]:
        """Return the episodes that are remembered, in the order of their beginnings.

        What does not touch the target has no place among them.
        """
        known = [*self._over, *(one for one in self._lasting.values() if is_event(one.finding))]
        known.sort(key=lambda episode: episode.finding.since)
        return tuple(known)

    def moments(self) -> list[TimelineMoment]:
        """Return when episodes began and ended, for the timeline.

        A change of the path has a moment of its own there, and so has what the machine cannot send.
        """
        found: list[TimelineMoment] = []
        for episode in self.episodes():
            finding = episode.finding
            if finding.kind is FindingKind.PATH_CHANGE or (
                finding.kind is FindingKind.LOCAL and not finding.run
            ):
                continue
            found.append(TimelineMoment(finding.since, MomentKind.EPISODE, finding.text))
            if episode.until is not None:
                lasted = format_duration(episode.until - finding.since)
                text = f"over after {lasted}: {finding.past} {finding.details}".strip()
                found.append(TimelineMoment(episode.until, MomentKind.OVER, text))
        return found

    def checkpoint(self) -> EpisodesCheckpoint:
        """Return the whole state, for `from_checkpoint`."""
        return EpisodesCheckpoint(
            over=list(self._over),
            lasting=list(self._lasting.values()),
            ended=[(kind, run, until) for (kind, run), until in self._ended.items()],
        )

    @classmethod
    def from_checkpoint(cls, state: EpisodesCheckpoint) -> "EpisodeLog":
        """Restore a log; `CheckpointError` if none can have been in this state."""
        log = cls()
        log._over.extend(state.over)
        log._lasting = {episode.finding.key: episode for episode in state.lasting}
        log._ended = {(kind, run): until for kind, run, until in state.ended}
        if any(episode.until is None for episode in state.over):
            raise CheckpointError("an episode that is over, and has no end")
        return log
