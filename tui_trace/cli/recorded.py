"""What the sources of all targets have in common: options, a command, and a recording each."""

import itertools
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tui_trace.app.control.lab_quiz import LabScenario
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.core.source_filter import find_source
from tui_trace.core.stream import Source, SourceError
from tui_trace.core.word_lists import listed
from tui_trace.names.location_options import LocationFiles
from tui_trace.options.command_line import Options
from tui_trace.options.output import Output
from tui_trace.options.targets import LONGEST_FILE, MOST_TARGETS, Target
from tui_trace.redaction.redactor import Redactor
from tui_trace.remote.place import Place

if TYPE_CHECKING:
    from tui_trace.alerts.event_command import EventCommand
    from tui_trace.metrics.exporter import MetricsExporter
    from tui_trace.names.location_lookup import LocationLookup
    from tui_trace.recording.sessions import RetentionLimits
    from tui_trace.report.printer import Report
    from tui_trace.session.snapshot import Run, Snapshot


class NewRecordings:
    """What becomes of each source of a session: a recording, unless the options say no.

    Recordings have everything; what stands behind them hides what `--hide` says.
    """

    def __init__(self, options: Options) -> None:
        """Record as the options say."""
        self._options = options
        self._folder: Path | None = None
        """Where recordings go that nobody asked for."""
        self._numbers = itertools.count(1)
        """Of the recordings: those after the first get a name derived from it."""
        self.redactor = redactor_of(options)
        """Hides what `--hide` says, in all sources together; None: nothing."""
        self.kept: RetentionLimits | None = None
        """Limits of the usual folder of recordings; None: the default limits."""
        self.exporter: MetricsExporter | None = None
        """What serves the metrics of all targets; None: nothing does."""
        self.event_command: EventCommand | None = None
        """What is run for each episode."""
        self.location_files = LocationFiles()
        """Files of the config, in place of those that the options do not name."""
        self._locations: LocationLookup | None = None

    def located(self, source: Source, patience: float) -> Source:
        """Return the source, with where its addresses are; `patience` is as in `LocatedSource`."""
        from tui_trace.names.located_source import LocatedSource
        from tui_trace.names.location_lookup import LocationLookup

        if self._options.commands:  # who commands a session from elsewhere has files of their own
            return source
        if self._locations is None:
            files = self._options.locations.or_else(self.location_files)
            self._locations = LocationLookup(files)
        return LocatedSource(source, self._locations, patience=patience)

    def meter(self, source: Source, host: str, place: Place) -> Source:
        """Return the source, with metrics if they are asked for.

        A recording goes around it, for whoever looks for one. An empty `host` is this machine.
        """
        if self.exporter is None:
            return source
        from tui_trace.metrics.metered_source import MeteredSource

        return MeteredSource(source, host or "this machine", place.host, self.exporter)

    def told(self, source: Source) -> Source:
        """Return the source, with a command that is run for its episodes if there is one."""
        if self.event_command is None:
            return source
        from tui_trace.alerts.event_command import EventCommandSource

        return EventCommandSource(source, self.event_command)

    def record(self, source: Source) -> Source:
        """Return the source, with a recording unless the options say no, as it may be shown."""
        from tui_trace.recording import RecordedSource
        from tui_trace.recording.sessions import DEFAULT_RETENTION, free_path

        number = next(self._numbers)
        path = self._options.record
        if path is not None and number > 1:
            # the files of targets that are probed at the same time do not exist yet
            path = free_path(path.with_name(f"{path.stem}-{number}{path.suffix}"))
        if path is None and self._folder is not None:
            path = self._folder / f"{number}.session"
        elif not self._options.recorded:
            return self.shown(source)
        rolls = self._options.output is Output.WATCH
        kept = self.kept or DEFAULT_RETENTION
        return self.shown(RecordedSource(source, path, kept, rolls=rolls))

    def shown(self, source: Source) -> Source:
        """Return a source without what is hidden."""
        from tui_trace.recording.redacted_source import RedactedSource

        return source if self.redactor is None else RedactedSource(source, self.redactor)

    @contextmanager
    def report(self) -> "Iterator[Report]":
        """Return a context with the report that the options ask for, to run the sources in.

        One with tables at each episode has them from recordings, which are deleted in the end.
        """
        from tui_trace.report.printer import Report

        options = self._options
        report = Report(options.output.value, options.layout, options.dot, options.reverse)
        if options.output is not Output.HTML:
            yield report
            return
        with tempfile.TemporaryDirectory(prefix="tui-trace-") as folder:
            self._folder = Path(folder)
            yield replace(report, during=self._during)

    def _during(self, source: Source, snapshot: "Snapshot") -> "tuple[Run | None, ...]":
        from tui_trace.recording import RecordedSource, Recording
        from tui_trace.recording.episode_runs import episode_runs

        recorded = find_source(source, RecordedSource)
        if recorded is None or recorded.path is None:
            return ()
        with Recording(recorded.path, self.redactor) as recording:
            return episode_runs(recording, snapshot)

    def called(self, host: str, address: str) -> str:
        """Return what to call a target: its host, unless that is hidden."""
        return host if self.redactor is None else self.redactor.target(host, address)

    def hidden_in(self, text: str) -> str:
        """Return a text without what is known to be hidden."""
        return text if self.redactor is None else self.redactor.text(text)

    def called_place(self, name: str) -> str:
        """Return what to call a place that probes leave from."""
        return name if self.redactor is None or not name else self.redactor.vantage(name)

    def shown_settings(self, settings: ProbeSettings) -> ProbeSettings:
        """Return settings without what is hidden; commands with them mean the same."""
        return settings if self.redactor is None else self.redactor.settings(settings)

    def true_settings(self, settings: ProbeSettings) -> ProbeSettings:
        """Return what settings of `shown_settings` stand for."""
        return settings if self.redactor is None else self.redactor.revealed_settings(settings)


def redactor_of(options: Options) -> Redactor | None:
    """Return what hides as `--hide` says; None if nothing is to be hidden."""
    if not options.hide:
        return None
    # the names of this machine are as near as anything
    words = {os.uname().nodename, os.uname().nodename.partition(".")[0]} - {"localhost"}
    redactor = Redactor(options.hide.ttl, private=options.hide.private, words=words)
    for place in options.places:
        redactor.vantage(place.host)
    return redactor


class RecordingFactory(ABC):
    """The base of what makes sources for several targets."""

    def __init__(self, options: Options, recordings: NewRecordings | None = None) -> None:
        """Record as the options say, or with the `recordings` of several factories."""
        self.options = options
        self.recordings = recordings or NewRecordings(options)
        places = [place.host for place in options.places if not place.is_local]
        others = [self.recordings.called_place(place) for place in places]
        self.greeting = f"connecting to {listed(others)} …" if others else ""
        """A line for the view until the first event."""

    @property
    def lab_scenario(self) -> LabScenario:
        """What the network of the lab does."""
        return LabScenario()

    @property
    def first_host(self) -> str:
        """The host of the command line; empty if it names none."""
        return self.options.host or ""

    @property
    def broke_off(self) -> bool:
        """Whether a session ended before its time."""
        return False

    @abstractmethod
    def open_target(self, host: str, settings: ProbeSettings, pace: Pace) -> Source:
        """Return a live trace to another host with these settings; raise `SourceError`."""

    def opener(self, place: Place) -> Callable[[str, ProbeSettings, Pace], Source]:  # noqa: ARG002
        """Return what opens another target from a place, as `open_target` does."""
        return self.open_target

    def targets(self) -> list[Target]:
        """Return the targets of the command line, and of the file that it names.

        `SourceError` if the file cannot be read, `TargetsError` for what is in it.
        """
        options = self.options
        text = "" if options.targets_file is None else _read(options.targets_file)
        targets = options.targets_in(text) or [Target(self.first_host, options.settings)]
        if not targets[0].host and not options.reverse:
            raise SourceError(f"{options.targets_file} names no target")
        if len(targets) > MOST_TARGETS:
            raise SourceError(f"{len(targets)} targets: at most {MOST_TARGETS} can be probed")
        return targets


def _read(path: Path) -> str:
    """Return the text of a file of targets; `SourceError`."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise SourceError(f"{sanitize(str(path))}: {error.strerror}") from None
    if len(data) > LONGEST_FILE:
        raise SourceError(f"{sanitize(str(path))}: longer than {LONGEST_FILE >> 20} MiB")
    return data.decode("utf-8", "replace")
