"""The targets of the live view, one of which is in the table."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.probe_controls import ControlResult, ProbeControls
from tui_trace.app.keymap import KEY_BY_ID
from tui_trace.app.render.styled_text import interval_words
from tui_trace.app.render.target_lines import TargetRow
from tui_trace.app.render.vantage_lines import VantageState
from tui_trace.app.source_thread import SourceThread
from tui_trace.core.settings import Pace, ProbeSettings, Protocol
from tui_trace.core.stream import Reset, Source
from tui_trace.session.merged_paths import HERE

OpenSource: TypeAlias = Callable[[str, ProbeSettings, Pace], Source]
"""A source for a target, to begin with these settings; may block, may raise `SourceError`."""


_PROTOCOLS = {
    "probe.tcp": "tcp",
    "probe.udp": "udp",
    "probe.icmp": "icmp",
    "probe.quic": "quic",
}
_SLOWER = {"pace.slower": 1, "pace.faster": -1}


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

    def learn_family(self) -> None:
        """Tell the controls the IP version, which they know only of what was in the table."""
        if self.tracing.last is not None and self.tracing.last.family:
            self.controls.family = self.tracing.last.family

    def obey(self, done: ControlResult) -> bool:
        """Send the command of a key of the probe; return whether there is one."""
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

    def act_on(self, places: Sequence[int], id: str) -> str:
        """Do what the key of this id does with one, so that all are alike.

        Return how many it changed, or what else there is to say.
        """
        targets = [self.all[place] for place in places]
        for target in targets:
            target.learn_family()
        label, first = KEY_BY_ID[id].label, targets[0].controls
        if id == "pace.reset":
            done = [target.obey(ControlResult(Reset())) for target in targets]
        elif id in _PROTOCOLS:
            done = [target.obey(target.controls.protocol(_PROTOCOLS[id])) for target in targets]
        elif id == "probe.df":
            # IPv6 has no bit to switch
            able = [target for target in targets if target.controls.family == 4]
            off = [target for target in able if not target.controls.settings.df]
            done = [target.obey(target.controls.dont_fragment()) for target in off or able]
        elif id == "pace.pause":
            going = [target for target in targets if not target.controls.pace.paused]
            done = [target.obey(target.controls.pause()) for target in going or targets]
        elif id in _SLOWER:
            interval, why_not = first.next_interval(_SLOWER[id])
            if interval is None:
                return why_not
            label = interval_words(interval)
            done = [target.obey(target.controls.take_interval(interval)) for target in targets]
        elif id == "probe.flags":
            able = [one for one in targets if one.controls.settings.protocol is Protocol.TCP]
            if not able:
                return "none is probed with TCP: t switches to it"
            flags = able[0].controls.next_tcp_flags
            label = f"TCP flags {flags.value}"
            done = [target.obey(target.controls.take_tcp_flags(flags)) for target in able]
        else:
            return f"{label}: of one target only · Enter shows the selected one"
        return f"{label}: {sum(done)} of {len(targets)} changed"

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
            changed += target.obey(done)
        return warning or f"{question} {text.strip()}: {changed} of {len(places)} changed"
