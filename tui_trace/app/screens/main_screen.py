"""The screen that a trace is watched on."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_trace.app.control.export import View
from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.probe_controls import ProbeControls
from tui_trace.app.control.time_navigation import TimeNavigator
from tui_trace.app.keymap import FOOTER, KEYS
from tui_trace.app.render.header import heading, probe_words, settings_fit_beside_target
from tui_trace.app.render.path_lines import balance_words
from tui_trace.app.render.table_layout import row_text
from tui_trace.app.screens.chart_screen import ChartScreen
from tui_trace.app.screens.column_chooser import ColumnChooser
from tui_trace.app.screens.compare_screen import CompareScreen
from tui_trace.app.screens.path_screen import PathScreen
from tui_trace.app.screens.prompting import PromptingScreen
from tui_trace.app.widgets.footer import Footer, Hint
from tui_trace.app.widgets.hop_inspector import HopInspector
from tui_trace.app.widgets.hop_table import HopTable
from tui_trace.app.widgets.prompt import Prompt
from tui_trace.app.widgets.styled_lines import StyledLines
from tui_trace.core.settings import ProbeSettings
from tui_trace.core.stream import Command, QueryRegistry, SetAsnLookup
from tui_trace.report.hop_columns import DISPLAYS
from tui_trace.session.host_labels import HostLabels, LabelMode, responders
from tui_trace.session.snapshot import Run, Snapshot

_TALL = 40
"""Terminal lines from which on the inspector takes more of them."""


class MainScreen(PromptingScreen):
    """Heading, table, inspector, and a line for keys or a prompt."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            key.keys,
            f"app.{key.action}" if key.action in ("leave", "help") else key.action,
            key.label,
            show=key.id in FOOTER,
            tooltip=key.about,
            id=key.id,
        )
        for key in KEYS
        if not key.priority
    ]

    def __init__(
        self,
        dials: ProbeControls,
        displays: dict[str, tuple[str, ...]],
        hints: list[Hint],
        *,
        send: Callable[[Command], None],
        trace: Callable[[str], None],
        watch: Callable[[tuple[int, ...]], None],
        history: Callable[[], SessionHistory],
        write: Callable[[View, str], None],
    ) -> None:
        """`watch` asks for runs by their numbers; for the others see `PromptingScreen`."""
        super().__init__(dials, displays, send=send, trace=trace, history=history, write=write)
        self._enquires = any("asn" in columns for columns in displays.values())
        """AS numbers are asked for."""
        self._hints = hints
        self._watch = watch
        self._travel = TimeNavigator(history)
        self.failure: str | None = None
        """Why the source broke, if it did."""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield StyledLines(id="heading")
        yield HopTable(id="hops")
        yield HopInspector(id="inspector")
        yield StyledLines(id="timestrip")
        yield Prompt(id="prompt")
        yield Footer(self._hints, id="keys")

    @property
    def table(self) -> HopTable:
        """The hops."""
        return self.query_one(HopTable)

    @property
    def here(self) -> int:
        """The moment that is looked at, in ns since the session began."""
        return self._travel.here

    @property
    def _inspector(self) -> HopInspector:
        return self.query_one(HopInspector)

    def on_mount(self) -> None:
        """The columns of the first display."""
        self.table.choose(self.columns)

    def on_resize(self) -> None:
        """Everything that depends on the width."""
        self._inspector.set_class(self.size.height >= _TALL, "-tall")
        self._show_heading()

    def take(self, snapshot: Snapshot) -> None:
        """How things stand now; seen at once, unless the past is looked at."""
        before, self._travel.present = self._travel.present, snapshot
        self._dials.follow(snapshot.run)
        if before is not None:
            self._tell_turn(before.run, snapshot)
        if self._travel.moment is None:
            self.snapshot = self._travel.hindsight(snapshot)
        else:
            self._show_timestrip()

    def _tell_turn(self, before: Run, snapshot: Snapshot) -> None:
        now = snapshot.run
        if now.turns_with and not before.turns_with and self.app.screen is self:
            self.action_compare()
        elif before.settings.flows > now.settings.flows and now.number < before.number:
            self.say(balance_words(snapshot, before.number))

    def told(self, line: str) -> None:
        """What came of going elsewhere in time, or of a note."""
        self.say(line)
        self._show_timestrip()

    def take_past(self, snapshot: Snapshot) -> None:
        """How things stood."""
        if self._travel.moment is not None:
            self.snapshot = self._travel.hindsight(snapshot)

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        """Draw what changed."""
        if snapshot is None:
            return
        self._dials.family = snapshot.family
        self._show_heading()
        self._show_hops(snapshot)
        self._show_inspector()
        self._show_timestrip()
        if isinstance(self.app.screen, ChartScreen):
            self.app.screen.look_at(snapshot)

    def _show_hops(self, snapshot: Snapshot) -> None:
        self.table.show(snapshot.run.hops, HostLabels(snapshot.who, self.label_mode))

    def enquire(self) -> None:
        """Tell a source whether AS numbers are to be asked for."""
        self._send(SetAsnLookup(self._enquires))

    def fail(self, why: str) -> None:
        """The source broke: say so above the figures that remain."""
        self.failure = why
        self._show_heading()

    def begin_anew(self) -> None:
        """Another session starts: its table owes nothing to the last one's."""
        self.failure = None
        self._travel = TimeNavigator(self._history)
        self.table.forget()
        self.close_prompt()

    def _show_heading(self) -> None:
        if not self.size.width:
            return
        shown = self.query_one("#heading", StyledLines)
        if self.snapshot is None:
            # room for what is to come, or the first answer would wait for another layout
            dials = self._dials
            settings = probe_words(dials.settings, dials.pace, dials.family)
            shown.styles.height = 2 if settings_fit_beside_target(settings, self.size.width) else 3
            return
        place = self._travel.place(self.snapshot)
        width, height = self.size
        lines = heading(self.snapshot, width, self.failure, place=place, height=height)
        if shown.styles.height is None or shown.styles.height.value != len(lines):
            shown.styles.height = len(lines)
        shown.show(lines)

    def _show_timestrip(self) -> None:
        strip = self.query_one("#timestrip", StyledLines)
        lines = self._travel.strip(self.snapshot, self.size.width)
        if strip.display != bool(lines):
            strip.display = bool(lines)
        strip.show(lines)

    def _show_inspector(self) -> None:
        if self._inspector.display:
            hop, labels = self.table.selected_hop, self.table.labels
            self._inspector.look_at(hop, labels, self.snapshot)

    def action_slower(self) -> None:
        """`+`; a recording is played faster."""
        if self._travel.hasten(1):
            self._show_heading()
            return
        self._turned(self._dials.interval(1))

    def action_faster(self) -> None:
        """`-`; a recording is played more slowly."""
        if self._travel.hasten(-1):
            self._show_heading()
            return
        self._turned(self._dials.interval(-1))

    def action_pause(self) -> None:
        """`p`."""
        if self._travel.hold():
            self._show_heading()
            return
        self._turned(self._dials.pause())

    def action_close(self) -> None:
        """Escape: the innermost thing that is open."""
        if self.prompt.question is not None:
            self.close_prompt()
        elif self._inspector.display:
            self._inspector.display = False
        else:
            self.table.select(None)

    def action_select(self, step: int) -> None:
        """Up and down."""
        self.table.move(step)
        self._show_inspector()

    def on_hop_table_selected(self) -> None:
        """The mouse selected a row."""
        self._show_inspector()

    def action_inspect(self) -> None:
        """Enter: open the panel of the selected hop, or close it."""
        if self.table.selected_hop is None:
            self.table.move(1)
        self._inspector.display = not self._inspector.display
        self._show_inspector()

    def action_charts(self) -> None:
        """`g`: of the selected hop, or of the last."""
        if self.snapshot is not None:
            ttl, place, travel = self.table.selected, self._travel.place, self.run_action
            self.app.push_screen(ChartScreen(self.snapshot, ttl, self.label_mode, place, travel))

    def action_display(self) -> None:
        """`d`: the next set of columns."""
        names = DISPLAYS
        self._display_now = names[(names.index(self._display_now) + 1) % len(names)]
        self.table.choose(self.columns)
        self.say(f"display: {self._display_now}")

    def action_columns(self) -> None:
        """`o`."""
        self.app.push_screen(
            ColumnChooser(
                self._display_now, self.columns, self._choose, lambda: self.table.left_out
            )
        )

    def _choose(self, columns: tuple[str, ...]) -> None:
        self._columns[self._display_now] = columns
        self.table.choose(columns)
        if "asn" in columns and not self._enquires:
            self._enquires = True
            self.enquire()

    def action_names(self) -> None:
        """`n`: the next way to call an address."""
        ways = list(LabelMode)
        self.label_mode = ways[(ways.index(self.label_mode) + 1) % len(ways)]
        if self.snapshot is not None:
            self._show_hops(self.snapshot)
        self.say(f"hosts by {self.label_mode}")

    def action_origins(self) -> None:
        """`z`: AS numbers in every display, or in none."""
        shown = "asn" not in self.columns
        for display, columns in self._columns.items():
            others = tuple(name for name in columns if name != "asn")
            self._columns[display] = ("asn", *others) if shown else others
        self._enquires = shown
        self.enquire()
        self.table.choose(self.columns)
        self.say("AS numbers: shown once they are known" if shown else "AS numbers: hidden")

    def action_whois(self) -> None:
        """`w`: ask the registry about the selected hop, one address after another."""
        if self.refused():
            return
        hop = self.table.selected_hop
        if hop is None or not hop.responders:
            self.say("no hop with an address is selected: up and down do")
            return
        everybody = responders(hop)
        labels = self.table.labels
        unknown = [one for one in everybody if labels.info(one.address).registered is None]
        address = (unknown or everybody)[0].address
        self._send(QueryRegistry(address))
        self.say(f"asking the registry about {address} …")
        self._inspector.display = True
        self._show_inspector()

    def action_compare(self) -> None:
        """`c`."""
        present = self._travel.present
        if present is None or not present.earlier:
            self.say("there is but one run so far: switch something, then compare")
            return
        self.app.push_screen(CompareScreen(present, self.label_mode, self._watch, self._take_turns))

    def _take_turns(self, pair: tuple[ProbeSettings, ProbeSettings] | None) -> None:
        if not self.refused():
            self._turned(self._dials.alternate(pair))

    def action_alternate(self) -> None:
        """`b`: the settings now and before take turns, or no more."""
        self._take_turns(None)

    def action_flows(self) -> None:
        """`x`."""
        if not self.refused():
            self._turned(self._dials.flows())

    def action_paths(self) -> None:
        """`H`."""
        if self.snapshot is not None:
            self.app.push_screen(PathScreen(self.snapshot, self.label_mode))

    def action_back(self, direction: int) -> None:
        """Left and right: a stretch of the timeline."""
        self._went(self._travel.step(direction))

    def action_change(self, direction: int) -> None:
        """`[` and `]`: where something happened."""
        self._went(self._travel.change(direction))

    def action_live(self) -> None:
        """`l`: the present, or a recording's end."""
        self._went(self._travel.to_present())

    def to_present(self) -> None:
        """Leave the past, if it is looked at; a recording that is played stays where it is."""
        if self._travel.moment is not None:
            self.action_live()

    def _went(self, why_not: str | None) -> None:
        if why_not is not None:
            self.say(why_not)
        elif self._travel.moment is None and self._travel.present is not None:
            self.snapshot = self._travel.hindsight(self._travel.present)
        else:
            self._show_heading()
            self._show_timestrip()

    def action_copy(self) -> None:
        """`y`."""
        hop = self.table.selected_hop
        if hop is None:
            self.say("no hop is selected: up and down do")
            return
        self.app.copy_to_clipboard(row_text(hop, self.table.table_layout, self.table.labels))
        self.say(f"hop {hop.ttl} copied to the clipboard")
