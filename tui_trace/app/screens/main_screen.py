"""The main screen."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key

from tui_trace.app.control.export import View
from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.probe_controls import ProbeControls
from tui_trace.app.control.unbound_keys import hint_of_key
from tui_trace.app.keymap import FOOTER, KEYS
from tui_trace.app.render.header import (
    describe_change,
    heading,
    probe_words,
    settings_fit_beside_target,
)
from tui_trace.app.render.table_layout import row_text
from tui_trace.app.screens.chart_screen import ChartScreen
from tui_trace.app.screens.column_chooser import ColumnChooser
from tui_trace.app.screens.opening_screen import OpeningScreen
from tui_trace.app.widgets.footer import Footer, Hint
from tui_trace.app.widgets.hop_inspector import HopInspector
from tui_trace.app.widgets.hop_table import HopTable
from tui_trace.app.widgets.prompt import Prompt
from tui_trace.app.widgets.styled_lines import StyledLines
from tui_trace.core.events import MtuSearchEnd
from tui_trace.core.sanitize import sanitize
from tui_trace.core.stream import Command, QueryRegistry, SetAsnLookup
from tui_trace.report.cell_text import TextStyle
from tui_trace.report.hop_columns import DISPLAYS
from tui_trace.session.host_labels import HostLabels, LabelMode, responders
from tui_trace.session.last_minute import LastMinute, describe_window
from tui_trace.session.path_mtu_text import describe_path_mtu
from tui_trace.session.snapshot import PathMtu, Run, Snapshot, Ways
from tui_trace.session.way_text import describe_ways

_TALL = 40
"""Terminal lines from which on the inspector takes more of them."""


class MainScreen(OpeningScreen):
    """Header, table, inspector, and a line for keys or a prompt."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            key.keys,
            key.target_action,
            key.label,
            show=key.id in FOOTER,
            tooltip=key.description,
            id=key.id,
        )
        for key in KEYS
        if not key.priority
    ]

    def __init__(
        self,
        controls: ProbeControls,
        displays: dict[str, tuple[str, ...]],
        hints: list[Hint],
        *,
        send: Callable[[Command], None],
        trace: Callable[[str], None],
        watch: Callable[[tuple[int, ...]], None],
        history: Callable[[], SessionHistory],
        write: Callable[[View, str], None],
        greeting: str,
    ) -> None:
        """`greeting` is shown until the first snapshot; for the others see `OpeningScreen`."""
        super().__init__(
            controls,
            displays,
            send=send,
            trace=trace,
            watch=watch,
            history=history,
            write=write,
        )
        self._asn_wanted = any("asn" in columns for columns in displays.values())
        """AS numbers are asked for."""
        self._hints = hints
        self._greeting = greeting

    def compose(self) -> ComposeResult:
        yield StyledLines(id="heading")
        yield HopTable(id="hops")
        yield HopInspector(id="inspector")
        yield StyledLines(id="timestrip")
        yield Prompt(id="prompt")
        yield Footer(self._hints, id="keys")

    @property
    def position(self) -> int:
        """The moment that the user looks at, in ns since the session began."""
        return self._navigator.position

    @property
    def _inspector(self) -> HopInspector:
        return self.query_one(HopInspector)

    def on_mount(self) -> None:
        self.table.choose(self.columns)

    def on_key(self, event: Key) -> None:
        """Tell what to press instead of a key that does nothing."""
        if event.character and event.is_printable and event.key not in self.active_bindings:
            self.show_message(hint_of_key(event.character))

    def on_resize(self) -> None:
        """Arrange what depends on the size."""
        self._inspector.set_class(self.size.height >= _TALL, "-tall")
        self._show_heading()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show a snapshot, unless the user looks at the past."""
        before, self._navigator.present = self._navigator.present, snapshot
        self._controls.on_run_opened(snapshot.run)
        if before is not None:
            self._announce_turns(before.run, snapshot)
            self._announce_change(before, snapshot)
            self._announce_ways(before.ways, snapshot.ways)
            self._announce_path_mtu(before.path_mtu, snapshot)
        if self._navigator.moment is None:
            self.snapshot = self._navigator.with_known_path(snapshot)
        else:
            self._show_timestrip()

    def _announce_turns(self, before: Run, snapshot: Snapshot) -> None:
        now = snapshot.run
        if now.turns_with and not before.turns_with and self.app.screen is self:
            self.action_compare()

    def _announce_change(self, before: Snapshot, now: Snapshot) -> None:
        """Say what a key of the probe changed, in a screen that has no heading to show it."""
        if self._history().playback is not None:
            return
        if changed := describe_change(before, now):
            self._front.announce(" · ".join([changed, *self.take_warnings()]))

    def _announce_ways(self, before: Ways, now: Ways) -> None:
        latest, known = now.latest, before.latest
        if latest is None or latest.end is None:
            return
        if known is not None and (known.run, known.end) == (latest.run, latest.end):
            return
        self.show_message(f"{describe_ways(now)[0]} · G shows the ways")

    def _announce_path_mtu(self, before: PathMtu | None, now: Snapshot) -> None:
        """Say what was found where no heading does, and everywhere that it was stopped."""
        search = now.path_mtu
        if search is None or search == before:
            return
        is_news = before is None or (before.run, before.until) != (search.run, search.until)
        is_stopped = search.found is not None and search.found.reason is MtuSearchEnd.STOPPED
        if is_news and (self._front is not self or is_stopped):
            self.show_message(describe_path_mtu(search, HostLabels(now.who, self.label_mode)))

    def show_notice(self, line: str) -> None:
        """Show a message about a moment of the past, or about a note."""
        self.show_message(line)
        self._show_timestrip()

    def show_past_snapshot(self, snapshot: Snapshot) -> None:
        """Show a snapshot of the moment that the user went to."""
        if self._navigator.moment is not None:
            self.snapshot = self._navigator.with_known_path(snapshot)

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        """Draw a new snapshot."""
        if snapshot is None:
            return
        self._controls.family = snapshot.family
        self._show_heading()
        self._show_hops()
        self._show_inspector()
        self._show_timestrip()
        if isinstance(self._front, ChartScreen):
            self._front.look_at(snapshot)

    def _show_hops(self) -> None:
        shown = self.shown
        if shown is not None:
            labels = HostLabels(shown.who, self.label_mode)
            self.table.show(shown.run.hops, labels, window=shown.window)

    def request_asn_lookup(self) -> None:
        """Ask the source to look up AS numbers, or not to."""
        self._send(SetAsnLookup(self._asn_wanted))

    def show_failure(self, why: str) -> None:
        """Say why the source broke; the table stays."""
        self.failure = why
        self._show_heading()

    def use(self, controls: ProbeControls) -> None:
        """Show another target, which has these controls."""
        self._controls = controls
        self.reset_session()
        self.snapshot = None
        self._show_hops_of_none()

    def _show_hops_of_none(self) -> None:
        self.table.show((), HostLabels({}, self.label_mode))

    def reset_session(self) -> None:
        """Forget the session so far: another target is traced."""
        self.failure = None
        self.forget_session()
        self.table.reset()
        self.close_prompt()

    def _show_heading(self) -> None:
        if not self.size.width:
            return
        shown = self.query_one("#heading", StyledLines)
        if self.snapshot is None:
            # room for what is to come, or the first answer would wait for another layout
            controls = self._controls
            settings = probe_words(controls.settings, controls.pace, controls.family)
            shown.styles.height = 2 if settings_fit_beside_target(settings, self.size.width) else 3
            shown.show([[(f" {self._greeting}", TextStyle.WARN)]] if self._greeting else [])
            return
        place = self._navigator.view_position(self.snapshot)
        width, height = self.size
        now = self.shown or self.snapshot
        lines = heading(now, width, self.failure, place=place, height=height)
        if shown.styles.height is None or shown.styles.height.value != len(lines):
            shown.styles.height = len(lines)
        shown.show(lines)

    def _show_timestrip(self) -> None:
        strip = self.query_one("#timestrip", StyledLines)
        lines = self._navigator.timeline_lines(self.snapshot, self.size.width)
        if strip.display != bool(lines):
            strip.display = bool(lines)
        strip.show(lines)

    def _show_inspector(self) -> None:
        if self._inspector.display:
            self._inspector.look_at(
                self.table.selected_hop,
                self.table.labels,
                self.snapshot,
                scale=self.table.table_layout.scale,
                window=None if (shown := self.shown) is None else shown.window,
            )

    def action_slower(self) -> None:
        """Take a longer interval; in a replay, play faster (`+`)."""
        if self._navigator.change_speed(1):
            self._show_heading()
            return
        self._apply(self._controls.interval(1))

    def action_faster(self) -> None:
        """Take a shorter interval; in a replay, play slower (`-`)."""
        if self._navigator.change_speed(-1):
            self._show_heading()
            return
        self._apply(self._controls.interval(-1))

    def action_pause(self) -> None:
        """Pause, or resume (`p`)."""
        if self._navigator.toggle_pause():
            self._show_heading()
            return
        self._apply(self._controls.pause())

    def action_close(self) -> None:
        """Close what is open: the prompt, else the inspector; else deselect the hop."""
        if self.prompt.question is not None:
            self.close_prompt()
        elif self._inspector.display:
            self._inspector.display = False
        else:
            self.table.select(None)

    def action_select(self, step: int) -> None:
        """Select the hop so many rows below, or above."""
        self.table.move(step)
        self._show_inspector()

    def on_hop_table_selected(self) -> None:
        """Show the hop that the mouse selected."""
        self._show_inspector()

    def action_inspect(self) -> None:
        """Open or close the inspector of the selected hop (Enter)."""
        if self.table.selected_hop is None:
            self.table.move(1)
        self._inspector.display = not self._inspector.display
        self._show_inspector()

    def action_display(self) -> None:
        """Show the next display (`d`)."""
        names = DISPLAYS
        self._display_now = names[(names.index(self._display_now) + 1) % len(names)]
        self.table.choose(self.columns)
        self.show_message(f"display: {self._display_now}")

    def action_last_minute(self) -> None:
        """Show the figures of the last minute, or of the whole run (`L`)."""
        is_summary = self.snapshot is not None and self.snapshot.run.is_summary
        if self._last_minute is None and is_summary:
            self.show_message("another program told sums only: no last minute can be told")
            return
        self._last_minute = LastMinute() if self._last_minute is None else None
        if self.snapshot is not None:
            self.watch_snapshot(self.snapshot)
        self.show_message(
            "figures of the whole run"
            if self._last_minute is None
            else "figures of the last 60 s: loss, counts and times of the probes sent since"
        )

    def action_columns(self) -> None:
        """Open the column chooser (`o`)."""
        self.app.push_screen(
            ColumnChooser(
                self._display_now, self.columns, self._choose, lambda: self.table.left_out
            )
        )

    def _choose(self, columns: tuple[str, ...]) -> None:
        self._columns[self._display_now] = columns
        self.table.choose(columns)
        if "asn" in columns and not self._asn_wanted:
            self._asn_wanted = True
            self.request_asn_lookup()

    def action_names(self) -> None:
        """Name hosts in the next way (`n`)."""
        ways = list(LabelMode)
        self.label_mode = ways[(ways.index(self.label_mode) + 1) % len(ways)]
        self._show_hops()
        self.show_message(f"hosts by {self.label_mode}")

    def action_origins(self) -> None:
        """Show AS numbers in every display, or in none (`z`)."""
        shown = "asn" not in self.columns
        for display, columns in self._columns.items():
            others = tuple(name for name in columns if name != "asn")
            self._columns[display] = ("asn", *others) if shown else others
        self._asn_wanted = shown
        self.request_asn_lookup()
        self.table.choose(self.columns)
        self.show_message(
            "AS numbers: shown once they are known" if shown else "AS numbers: hidden"
        )

    def action_whois(self) -> None:
        """Look up the selected hop in the registry, one address after another (`w`)."""
        if self.refused_in_replay("the registry cannot be asked"):
            return
        hop = self.table.selected_hop
        if hop is None or not hop.responders:
            self.show_message("select a hop with an address first (up, down)")
            return
        answering = responders(hop)
        labels = self.table.labels
        unknown = [one for one in answering if labels.info(one.address).registered is None]
        address = (unknown or answering)[0].address
        self._send(QueryRegistry(address))
        self.show_message(f"looking up {address} in the registry …")
        self._inspector.display = True
        self._show_inspector()

    def action_back(self, direction: int) -> None:
        """Go a stretch of the timeline back (-1) or forward (1)."""
        self._position_changed(self._navigator.step(direction))

    def action_change(self, direction: int) -> None:
        """Go to the previous (-1) or next (1) change."""
        self._position_changed(self._navigator.change(direction))

    def action_live(self) -> None:
        """Go to the present, or to a recording's end (`l`)."""
        self._position_changed(self._navigator.to_present())

    def to_present(self) -> None:
        """Return to the present from the past; a replay stays where it is."""
        if self._navigator.moment is not None:
            self.action_live()

    def _position_changed(self, why_not: str | None) -> None:
        if why_not is not None:
            self.show_message(why_not)
        elif self._navigator.moment is None and self._navigator.present is not None:
            self.snapshot = self._navigator.with_known_path(self._navigator.present)
        else:
            self._show_heading()
            self._show_timestrip()

    def action_copy(self) -> None:
        """Copy the selected hop as text (`y`)."""
        hop = self.table.selected_hop
        if hop is None:
            self.show_message("select a hop first (up, down)")
            return
        row = row_text(hop, self.table.table_layout, self.table.labels)
        shown = self.shown
        if shown is not None and shown.window is not None:
            row = f"{row}  {describe_window(shown.window)}"
        if shown is not None and shown.vantage:
            row = f"{row}  from {sanitize(shown.vantage)}"
        self.app.copy_to_clipboard(row)
        self.show_message(f"hop {hop.ttl} copied to the clipboard")
