"""What the keys do that open another screen, or ask for what only such a screen shows."""

from collections.abc import Callable

from tui_trace.app.control.export import View
from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.probe_controls import ControlResult, ProbeControls
from tui_trace.app.control.saved_sessions import SavedSessions
from tui_trace.app.control.time_navigation import TimeNavigator
from tui_trace.app.screens.chart_screen import ChartScreen
from tui_trace.app.screens.compare_screen import CompareScreen
from tui_trace.app.screens.diagnosis_screen import DiagnosisScreen
from tui_trace.app.screens.findings_screen import FindingsScreen
from tui_trace.app.screens.path_screen import PathScreen
from tui_trace.app.screens.prompting import PromptingScreen
from tui_trace.app.screens.ways_screen import WaysScreen
from tui_trace.app.widgets.hop_table import HopTable
from tui_trace.core.settings import ProbeSettings
from tui_trace.core.stream import Command
from tui_trace.session.snapshot import Ways
from tui_trace.session.ways import WayFlow, WaySearch


class OpeningScreen(PromptingScreen):
    """A screen with a table of hops whose keys open the screens that tell more."""

    def __init__(
        self,
        controls: ProbeControls,
        displays: dict[str, tuple[str, ...]],
        *,
        send: Callable[[Command], None],
        trace: Callable[[str], None],
        watch: Callable[[tuple[int, ...]], None],
        history: Callable[[], SessionHistory],
        write: Callable[[View, str], None],
    ) -> None:
        """`watch` asks for runs by their numbers; for the others see `PromptingScreen`."""
        super().__init__(controls, displays, send=send, trace=trace, history=history, write=write)
        self._watch = watch
        self._navigator = TimeNavigator(history)
        self._sessions = SavedSessions()
        """What this session is compared with."""
        self.failure: str | None = None
        """Why the source broke, if it did."""

    @property
    def table(self) -> HopTable:
        """The table of hops."""
        return self.query_one(HopTable)

    def forget_session(self) -> None:
        """Forget what was looked at of the session so far: another target is traced."""
        self._navigator = TimeNavigator(self._history)
        self._sessions = SavedSessions()

    def action_charts(self) -> None:
        """Open the charts of the selected hop, or of the last (`g`)."""
        if self.snapshot is not None:
            ttl, place, travel = self.table.selected, self._navigator.view_position, self.run_action
            self.open_over(ChartScreen(self.snapshot, ttl, self.label_mode, place, travel))

    def action_compare(self) -> None:
        """Compare the run in force with another, of this session or of another one (`c`)."""
        self._open_comparison()

    def action_compare_session(self) -> None:
        """Choose another session, and compare with it."""
        if (screen := self._open_comparison()) is not None:
            screen.call_after_refresh(screen.action_sessions)

    def _open_comparison(self) -> CompareScreen | None:
        present = self._navigator.present
        if present is None:
            self.show_message("no data yet")
            return None
        screen = CompareScreen(
            present,
            self.label_mode,
            watch=self._watch,
            alternate=self._take_turns,
            sessions=self._sessions,
            history=self._history(),
        )
        self.open_over(screen)
        return screen

    def _take_turns(self, pair: tuple[ProbeSettings, ProbeSettings] | None) -> None:
        if not self.refused_in_replay():
            self._apply(self._controls.alternate_settings(pair))

    def action_alternate(self) -> None:
        """Let the settings now and before alternate, or stop that (`b`)."""
        self._take_turns(None)

    def action_diagnose(self) -> None:
        """Try settings in turns, and say which get through (`D`)."""
        present = self._navigator.present
        if self.refused_in_replay():
            return
        if present is None:
            self.show_message("no data yet")
            return
        egress = present.run.egress
        turns = self._controls.diagnosis(egress.mtu if egress is not None else 0)
        self.open_over(
            DiagnosisScreen(turns, present, self.label_mode, watch=self._watch, send=self._send)
        )
        self._apply(ControlResult(turns))

    def action_path_mtu(self) -> None:
        """Find the path MTU, or end that (`M`)."""
        if not self.refused_in_replay("path MTU probes cannot be sent"):
            present = self._navigator.present
            known = present.path_mtu if present is not None else None
            self._apply(self._controls.find_path_mtu(known))

    def action_find_ways(self) -> None:
        """Find every way through the network, or end that (`x`)."""
        self._ask_of_ways(self._controls.find_ways)

    def action_watch_ways(self) -> None:
        """Keep one flow a way going, or end that (`W`)."""
        self._ask_of_ways(self._controls.watch_ways)

    def _ask_of_ways(self, ask: Callable[[Ways], ControlResult]) -> None:
        if not self.refused_in_replay():
            present = self._navigator.present
            self._apply(ask(present.ways if present is not None else Ways()))

    def _pin_way(self, search: WaySearch, flow: WayFlow) -> None:
        if not self.refused_in_replay():
            asked = self._controls.pin(search.settings, flow.source_port)
            said = f"the table probes source port {flow.source_port} now"
            self._apply(asked._replace(warning=asked.warning or said))

    def action_ways(self) -> None:
        """Open the ways (`G`)."""
        if self.snapshot is not None:
            self.open_over(WaysScreen(self.snapshot, self.label_mode, pin=self._pin_way))

    def action_paths(self) -> None:
        """Open the paths (`H`)."""
        if self.snapshot is not None:
            self.open_over(PathScreen(self.snapshot, self.label_mode))

    def action_findings(self) -> None:
        """Open the findings (`V`)."""
        if self.snapshot is not None:
            self.open_over(FindingsScreen(self.snapshot, lambda: self.failure))
