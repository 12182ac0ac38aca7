"""The targets of the live view, one of which is in the table."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.probe_controls import ControlResult, ProbeControls
from tui_trace.app.render.target_lines import TargetRow
from tui_trace.app.render.vantage_lines import VantageState
from tui_trace.app.source_thread import SourceThread
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.core.stream import Reset, Source
from tui_trace.session.merged_paths import HERE

OpenSource: TypeAlias = Callable[[str, ProbeSettings, Pace], Source]
"""A source for a target, to begin with these settings; may block, may raise `SourceError`."""


class TargetSource(NamedTuple):
    """A target of the command line."""

    host: str
    source: Source
    settings: ProbeSettings
    open_source: OpenSource
    """Opens another target from the same place."""
    vantage: str = ""
    """The machine that probes leave from; empty: this one."""


class TracedTarget:
    """One target that is being traced."""

    def __init__(
        self,
        target: TargetSource,
        controls: ProbeControls,
        tracing: SourceThread,
        history: SessionHistory,
    ) -> None:
        """`tracing` has not begun yet."""
        self.target = target
        self.controls = controls
        self.tracing = tracing
        self.history = history

    def row(self, place: int) -> TargetRow:
        """Return what the overview shows of it."""
        last = self.tracing.last
        return TargetRow(
            place,
            last.target if last is not None and last.target else self.target.host,
            last,
            self.tracing.failure,
            self.target.vantage or HERE,
        )

    def state(self, what: str) -> object:
        """Return what a key of the probe changes: a protocol, or whether something is on."""
        match what:
            case "df":
                return self.controls.settings.df
            case "pause":
                return self.controls.pace.paused
        return self.controls.settings.protocol

    def learn_family(self) -> None:
        """Tell the controls the IP version, which they know only of what was in the table."""
        if self.tracing.last is not None and self.tracing.last.family:
            self.controls.family = self.tracing.last.family

    def act(self, what: str) -> bool:
        """Do what a key of the probe does; return whether it changes anything."""
        keys: dict[str, Callable[[], ControlResult]] = {
            "df": self.controls.dont_fragment,
            "pause": self.controls.pause,
            "reset": lambda: ControlResult(Reset()),
        }
        act = keys.get(what)
        done = self.controls.protocol(what) if act is None else act()
        if done.command is not None:
            self.tracing.command(done.command)
        return done.command is not None


class TracedTargets:
    """All targets, and which of them is in the table."""

    def __init__(self, first: TracedTarget, *others: TracedTarget, reverse: bool = False) -> None:
        """`first` is in the table; `reverse`: it is the way to a place, the other one back."""
        self.all = [first, *others]
        self.reverse = reverse
        self.place = 0
        """That of the target in the table, from 0 on."""
        for each in self.all:
            each.controls.is_alone = len(self.vantages()) == len(self.all)

    @property
    def now(self) -> TracedTarget:
        """Return the target in the table."""
        return self.all[self.place]

    def vantages(self) -> list[int]:
        """Return the places of the target in the table: one for each vantage it is probed from."""
        if self.reverse:
            return list(range(len(self.all)))
        host = self.now.target.host
        same = [place for place, one in enumerate(self.all) if one.target.host == host]
        names = {self.all[place].target.vantage for place in same}
        return same if len(names) == len(same) else [self.place]

    def replaced(self) -> list[int]:
        """Return the places that another target takes: those of the target in the table."""
        return [self.place] if self.reverse else self.vantages()

    def start(self, places: Iterable[int]) -> None:
        """Begin to trace these; only the one in the table is shown."""
        for place in places:
            self.all[place].tracing.show(place == self.place)
            self.all[place].tracing.start()

    def keep_listed(self, places: Iterable[int], listed: bool) -> None:
        """Keep up to date what a screen of several shows of these from now on, or no more."""
        for place in places:
            self.all[place].tracing.keep_listed(listed)

    def states(self) -> list[VantageState]:
        """Return what is known of the target in the table from each vantage."""
        found = []
        for place in self.vantages():
            one = self.all[place]
            tracing = one.tracing
            found.append(VantageState(place, one.target.vantage, tracing.last, tracing.failure))
        return found

    def rows(self) -> list[TargetRow]:
        """Return what the overview shows."""
        return [target.row(place) for place, target in enumerate(self.all)]

    def go_to(self, place: int) -> None:
        """Put this target into the table."""
        self.now.tracing.show(False)
        self.place = place
        self.now.tracing.show(True)

    def act_on(self, places: Sequence[int], what: str) -> str:
        """Do what a key does with one, so that all are alike; return how many it changed."""
        targets = [self.all[place] for place in places]
        for target in targets:
            target.learn_family()
        if what in ("df", "pause"):
            # IPv6 has no bit to switch
            able = [one for one in targets if what != "df" or one.controls.family == 4]
            off = [target for target in able if not target.state(what)]
            changed = off or able
        elif what == "reset":
            changed = targets
        else:
            changed = [target for target in targets if target.state(what) != what]
        count = sum([target.act(what) for target in changed])
        return f"{what}: {count} of {len(targets)} changed"

    def answer(self, places: Sequence[int], question: str, text: str) -> str:
        """Set what a prompt asked for; return how many it changed, or what else there is to say.

        `SettingError` for a text that can never be right.
        """
        changed = 0
        warning = None
        for place in places:
            self.all[place].learn_family()
            self.all[place].controls.check(question, text)
        for place in places:
            target = self.all[place]
            why_not = target.controls.why_not(question)
            if why_not is not None:
                warning = warning or why_not
                continue
            done = target.controls.answer(question, text)
            warning = warning or done.warning
            if done.command is not None:
                target.tracing.command(done.command)
                changed += 1
        return warning or f"{question} {text.strip()}: {changed} of {len(places)} changed"
