"""The Textual app: one source at a time, its snapshots on the screen, a clean way out."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from msgspec.structs import replace
from textual._context import active_message_pump
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widget import Widget

from tui_trace.app import textual_imports  # noqa: F401  (imported to have it imported)
from tui_trace.app.config import Config
from tui_trace.app.control.episode_bell import EpisodeBell
from tui_trace.app.control.export import ExportError, View, export
from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.lab_quiz import LabScenario
from tui_trace.app.control.probe_controls import ProbeControls
from tui_trace.app.keymap import COMMANDS, KEYS, Key, footer_keys
from tui_trace.app.messages import (
    EpisodeTold,
    Exported,
    PastFetched,
    SnapshotTaken,
    SourceEnded,
    SourceOpened,
)
from tui_trace.app.render.target_lines import TargetRow
from tui_trace.app.screens.compare_screen import CompareScreen
from tui_trace.app.screens.diagnosis_screen import DiagnosisScreen
from tui_trace.app.screens.findings_screen import FindingsScreen
from tui_trace.app.screens.help_screen import HelpScreen
from tui_trace.app.screens.main_screen import MainScreen
from tui_trace.app.screens.path_screen import PathScreen
from tui_trace.app.screens.several_screen import SeveralControls, SeveralScreen
from tui_trace.app.screens.targets_screen import TargetsScreen
from tui_trace.app.screens.vantages_screen import VantagesScreen
from tui_trace.app.screens.ways_screen import WaysScreen
from tui_trace.app.source_thread import SourceThread
from tui_trace.app.targets import OpenSource, TargetSource, TracedTarget, TracedTargets
from tui_trace.app.terminal_app import TerminalApp
from tui_trace.app.themes import sheets
from tui_trace.app.widgets.footer import Hint
from tui_trace.core import error_messages
from tui_trace.core.settings import Pace, SettingsHistory
from tui_trace.core.stream import CONFIDENCE, Command, Source, SourceError
from tui_trace.report.hop_columns import DISPLAYS, columns_of
from tui_trace.session.snapshot import Snapshot

PATIENCE = 1.0
"""Seconds that a source gets to end."""


class TraceApp(TerminalApp[None]):
    """The live view of one source after another.

    After `run`, `last_snapshot` is what was last known.
    """

    CSS = sheets("live", "chooser", "reading", "charts")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            key.keys,
            key.action,
            key.label,
            False,
            tooltip=key.description,
            id=key.id,
            priority=True,
        )
        for key in KEYS
        if key.priority
    ]

    def __init__(
        self,
        open_source: OpenSource,
        source: Source,
        switches: SettingsHistory,
        pace: Pace,
        config: Config,
        *,
        confidence: float = CONFIDENCE,
        host: str = "",
        vantage: str = "",
        others: Sequence[TargetSource] = (),
        greeting: str = "",
        reverse: bool = False,
        compare: bool = False,
        lab: LabScenario | None = None,
    ) -> None:
        """`source` begins with the settings of `switches` and with `pace`, once there is a screen.

        `confidence` is how sure a search for ways is to be. `host` names the target, and `vantage`
        the machine that probes leave from; `others` are traced beside it. `greeting` is a line to
        show until the first snapshot. `reverse`: the other target is the way back from the first.
        `compare`: it is asked at once which other session to compare with. `lab`: what the network
        of the lab does, which the help tells.
        `ConfigError` if the config names a theme that is not there.
        """
        super().__init__(config)
        self._greeting = greeting
        self._config = config
        self._confidence = confidence
        self._compare = compare
        self.lab = lab or LabScenario()
        """What the network does, in the lab."""
        first = TargetSource(host, source, switches.current, open_source, vantage)
        self._bell = EpisodeBell(os.environ, is_on=config.bell)
        self._targets = TracedTargets(
            self._trace(first, switches, pace),
            *(self._trace(other, SettingsHistory(other.settings), pace) for other in others),
            reverse=reverse,
        )
        self._awaited = ""
        """The target that was looked up last."""
        self.set_keymap(dict(config.keymap))

    def _trace(self, target: TargetSource, switches: SettingsHistory, pace: Pace) -> TracedTarget:
        return TracedTarget(
            target,
            ProbeControls(switches, pace, self._confidence),
            self._prepare(target.source),
            SessionHistory(target.source, self._show_past),
        )

    @property
    def _tracing(self) -> SourceThread:
        return self._targets.now.tracing

    @property
    def _controls(self) -> ProbeControls:
        return self._targets.now.controls

    @property
    def history(self) -> SessionHistory:
        """The past of the source in use."""
        return self._targets.now.history

    def rows(self) -> list[TargetRow]:
        """Return all targets, for the overview."""
        return self._targets.rows()

    @property
    def last_snapshot(self) -> Snapshot | None:
        """The newest snapshot; it stays after the end."""
        return self._tracing.last

    def get_default_screen(self) -> Screen[None]:
        """Return the main screen, which stays below all others."""
        self.live = MainScreen(
            self._controls,
            {name: columns_of(name) for name in DISPLAYS} | self._config.columns,
            [
                Hint(
                    key.id,
                    self.shown_key(key, first=True),
                    key.label,
                    key.target_action,
                    key.description,
                )
                for key in footer_keys(replayed=self.history.playback is not None)
            ],
            send=self._send,
            trace=self._open_target,
            watch=self._watch_runs,
            history=lambda: self.history,
            write=self._export,
            greeting=self._greeting,
        )
        self.live.lab = self.lab
        return self.live

    def on_mount(self) -> None:
        """Start the source when the screen is ready for its first answer."""
        self.live.request_asn_lookup()
        self.call_after_refresh(self._targets.start, range(len(self._targets.all)))
        if len(self._targets.vantages()) == len(self._targets.all) > 1:
            self.action_vantages()
        elif len(self._targets.all) > 1:
            self.action_targets()

    def _prepare(self, source: Source) -> SourceThread:
        return SourceThread(
            source,
            self._config.refresh,
            lambda tracing, snapshot: self.post_message(SnapshotTaken(tracing, snapshot)),
            lambda tracing: self.post_message(SourceEnded(tracing)),
            lambda tracing, episode: self.post_message(EpisodeTold(tracing, episode)),
        )

    def on_episode_told(self, message: EpisodeTold) -> None:
        """Ring, if the bell is on; what a replay tells has rung long ago."""
        last = message.tracing.last
        sequence = self._bell.ring(last.target if last else "", message.episode)
        if sequence and self._driver is not None and self.history.playback is None:
            self._driver.write(sequence)

    def action_ring(self) -> None:
        """Switch the bell on or off (`B`)."""
        self.live.show_message(self._bell.toggle())

    def on_snapshot_taken(self, message: SnapshotTaken) -> None:
        """Pass a snapshot on to the screens that show it."""
        # what came too late, while the screens are taken down, has nowhere to be shown
        if message.tracing is not self._tracing or not self.is_running:
            return
        self.live.show_snapshot(message.snapshot)
        if self._compare:
            self._compare = False
            self.live.action_compare_session()
        top = self.screen
        if not top.is_mounted:
            return  # it is being opened, with the snapshot before
        if isinstance(top, (PathScreen, FindingsScreen, WaysScreen)):
            top.look_at(message.snapshot)
        elif isinstance(top, (CompareScreen, DiagnosisScreen)):
            top.look_at(message.snapshot, self._tracing.runs)

    def _export(self, view: View, name: str) -> None:
        def work() -> None:
            try:
                said, well = export(view, name), True
            except ExportError as error:
                said, well = str(error), False
            except Exception as error:
                said, well = f"not written: {error_messages.one_line(error)}", False
                self.details = error_messages.format_traceback(error)
            self.post_message(Exported(said, well))

        threading.Thread(target=work, daemon=True).start()

    def on_exported(self, message: Exported) -> None:
        """Show where the file was written, or why it was not."""
        self.live.export_finished(message.said, well=message.well)

    def _show_past(self, found: Snapshot | str) -> None:
        self.post_message(PastFetched(found))

    def on_past_fetched(self, message: PastFetched) -> None:
        """Show a moment of the past, or why it cannot be shown."""
        if isinstance(message.found, str):
            self.live.show_notice(message.found)
        else:
            self.live.show_past_snapshot(message.found)

    def on_source_ended(self, message: SourceEnded) -> None:
        """Show why the source broke, if it did; the statistics stay."""
        if message.tracing is self._tracing and message.tracing.failure is not None:
            self.failure = message.tracing.failure
            self.details = message.tracing.details
            if self.is_running:
                self.live.show_failure(self.failure)

    def _send(self, command: Command) -> None:
        self._tracing.command(command)

    def _watch_runs(self, numbers: tuple[int, ...]) -> None:
        self._tracing.watch(numbers)

    def _open_target(self, target: str) -> None:
        self._awaited = target
        openers = {}
        for place in self._targets.replaced():
            one = self._targets.all[place]
            pace = replace(one.controls.pace, paused=False)
            settings = one.controls.settings
            openers[place] = partial(one.target.open_source, target, settings, pace)
        threading.Thread(
            target=self._open_target_worker, args=(target, openers), daemon=True
        ).start()

    def _open_target_worker(self, target: str, openers: Mapping[int, Callable[[], Source]]) -> None:
        sources: dict[int, Source] = {}
        why_not = ""
        try:
            for place, opener in openers.items():
                sources[place] = opener()
        except SourceError as error:
            why_not = str(error)
        except Exception as error:
            why_not = error_messages.one_line(error)
            self.details = error_messages.format_traceback(error)
        self.post_message(SourceOpened(target, sources, why_not))

    async def on_source_opened(self, message: SourceOpened) -> None:
        """Switch to the new target, unless the user left the prompt meanwhile."""
        prompt = self.live.prompt
        if prompt.question != "target" or not prompt.waiting or message.target != self._awaited:
            return
        if message.why_not:
            prompt.retry(message.why_not)
            return
        await self._end([self._targets.all[place].tracing for place in message.sources])
        self.failure = None
        self.live.reset_session()
        for place, source in message.sources.items():
            before = self._targets.all[place]
            before.controls.pace = replace(before.controls.pace, paused=False)
            self._targets.all[place] = TracedTarget(
                before.target._replace(host=message.target, source=source),
                before.controls,
                self._prepare(source),
                SessionHistory(source, self._show_past),
            )
        self.live.request_asn_lookup()
        self._targets.start(message.sources)

    def action_targets(self) -> None:
        """Open the overview of all targets (`T`)."""
        places = range(len(self._targets.all))
        now, controls = self._targets.place, self._controls_of(places)
        self._open_several(TargetsScreen(self.rows, now=now, controls=controls), places)

    def action_vantages(self) -> None:
        """Open the table of the target from all vantages (`v`)."""
        places = self._targets.vantages()
        if len(places) < 2:
            self.live.show_message("there is one vantage only: --from takes several places")
            return
        self._open_several(
            VantagesScreen(
                self._targets.states,
                lambda: self.live.label_mode,
                now=self._targets.place,
                controls=self._controls_of(places),
                reverse=self._targets.reverse,
            ),
            places,
        )

    def _open_several(self, screen: SeveralScreen, places: Sequence[int]) -> None:
        """Open a screen of the targets at these places, which are up to date while it is open."""
        self._targets.keep_listed(places, True)
        self.live.open_over(screen, partial(self._targets.keep_listed, places, False))

    def _controls_of(self, places: Sequence[int]) -> SeveralControls:
        return SeveralControls(
            self.choose_target,
            partial(self._targets.act_on, places),
            self._controls.value,
            partial(self._targets.answer, places),
            is_replay=self.history.playback is not None,
        )

    def action_next_target(self, step: int) -> None:
        """Put the next target into the table, or the one before (Tab, shift-Tab)."""
        count = len(self._targets.all)
        if count > 1:
            self.choose_target((self._targets.place + step) % count)
        else:
            self.live.show_message("there is one target only")

    def choose_target(self, place: int) -> None:
        """Put this target into the table."""
        if place == self._targets.place:
            return
        self._targets.go_to(place)
        self.failure = self._tracing.failure
        self.live.use(self._controls)
        self.live.request_asn_lookup()
        if self.failure is not None:
            self.live.show_failure(self.failure)
        if self._tracing.last is not None:
            self.live.show_snapshot(self._tracing.last)

    async def _end(self, tracings: Sequence[SourceThread]) -> None:
        for tracing in tracings:
            tracing.stop()
        deadline = time.monotonic() + PATIENCE
        while not all(one.join(0) for one in tracings) and time.monotonic() < deadline:
            await asyncio.sleep(0.005)

    async def _leave(self, code: int) -> None:
        self.stop_painting()
        await self._end([target.tracing for target in self._targets.all])
        await super()._leave(code)

    async def run_action(
        self,
        action: str | tuple[str, str, tuple[object, ...]],
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Remove the last message, which is about something else, and run the action."""
        self.live.clear_message()
        return await super().run_action(action, default_namespace, namespaces)

    def action_help(self) -> None:
        """Open the help (`h`, `?`)."""
        self.live.open_over(HelpScreen(self.shown_key, self.lab.about))

    def shown_key(self, key: Key, first: bool = False) -> str:
        """Return the keys that do this now, as a keyboard labels them."""
        names = self._config.keymap.get(key.id, key.keys).split(",")
        shown = [self.get_key_display(Binding(name.strip(), "")) for name in names]
        return shown[0] if first else " ".join(shown)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Return the commands of the palette: every key, what has no key, and the themes."""
        yield SystemCommand("theme", "Choose another theme", self.action_change_theme)
        for name, action, about in COMMANDS:
            yield SystemCommand(name, about, partial(self.live.run_action, action))
        for key in KEYS:
            if not key.priority:
                yield SystemCommand(
                    f"{key.label} ({self.shown_key(key)})",
                    key.description,
                    partial(self.live.run_action, key.target_action),
                )

    def _is_left(self, pump: MessagePump | None) -> bool:
        """Whether the screen of `pump` is being taken down: what it should fill may be gone."""
        if self._exit:
            return True
        return isinstance(pump, Widget) and any(
            isinstance(node, Widget) and node._pruning for node in pump.ancestors_with_self
        )

    def show_line(self, line: str) -> None:
        """Show a line in place of the keys, for a moment."""
        self.live.show_message(line)

    def show_error(self, line: str) -> None:
        """Show an unexpected error in the view, which goes on."""
        self.live.show_notice(line)

    def _handle_exception(self, error: Exception) -> None:
        """End the view with one line instead of a traceback; the terminal is restored."""
        if isinstance(error, NoMatches) and self._is_left(active_message_pump.get(None)):
            return
        super()._handle_exception(error)
        for target in self._targets.all:
            target.tracing.stop()
