"""The keys that change the probe, at once or by a value that the user types."""

from abc import abstractmethod
from collections.abc import Callable

from textual.reactive import var

from tui_trace.app.control.export import ENDINGS, View, proposed
from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.lab_quiz import LabScenario
from tui_trace.app.control.probe_controls import ControlResult, ProbeControls
from tui_trace.app.screens.over_live import OverLive
from tui_trace.app.screens.prompt_host import PromptHost
from tui_trace.app.widgets.prompt import Prompt
from tui_trace.core.durations import format_duration
from tui_trace.core.events import Note
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import SettingError
from tui_trace.core.stream import Command, Inject, Reset, SetPace, Switch
from tui_trace.report.finding_lines import wall_clock
from tui_trace.report.hop_columns import DISPLAYS
from tui_trace.session.host_labels import LabelMode
from tui_trace.session.last_minute import LastMinute
from tui_trace.session.snapshot import Snapshot

_NOT_OF_THE_PROBE = ("target", "export", "note", "guess")
"""Questions that a moment of the past can be looked at with."""


class PromptingScreen(PromptHost):
    """The live screen's keys of the probe, which act in every screen over it, too.

    What they ask and say is asked and said by the screen on top.
    """

    snapshot: var[Snapshot | None] = var(None, always_update=True)

    def __init__(
        self,
        controls: ProbeControls,
        displays: dict[str, tuple[str, ...]],
        *,
        send: Callable[[Command], None],
        trace: Callable[[str], None],
        history: Callable[[], SessionHistory],
        write: Callable[[View, str], None],
    ) -> None:
        """`send` asks the source for a change, `trace` for another target.

        `history` is the past of the source in use, `write` exports to a file of some name.
        """
        super().__init__()
        self._controls = controls
        self._columns = displays
        self._display_now = DISPLAYS[0]
        self.label_mode = LabelMode.NAME
        """What addresses are called."""
        self._last_minute: LastMinute | None = None
        """Makes the figures of the last minute, if these are shown."""
        self._send = send
        self._trace = trace
        self._history = history
        self._write = write
        self._exported: View | None = None
        self._host: PromptHost = self
        """The screen whose prompt is open, or was last."""
        self._warnings: list[str] = []
        self.lab = LabScenario()
        """What the network does, in the lab."""
        self._noting = 0
        """The moment that the note under way is about."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the display in use."""
        return self._columns[self._display_now]

    # `abstractmethod` is for mypy, which checks it: Textual's metaclass rules out `abc.ABC`

    @property
    @abstractmethod
    def position(self) -> int:
        """The moment that the user looks at, in ns since the session began."""

    @abstractmethod
    def to_present(self) -> None:
        """Return to the present, which the keys of the probe change."""

    @property
    def shown(self) -> Snapshot | None:
        """The snapshot with the figures that the table shows; None: there is none yet."""
        if self.snapshot is None or self._last_minute is None:
            return self.snapshot
        return self._last_minute.of(self.snapshot)

    @property
    def prompt(self) -> Prompt:
        """The prompt in which values are typed, in whatever screen it is."""
        return super().prompt if self._host is self else self._host.prompt

    @property
    def _front(self) -> PromptHost:
        """The screen on top, if it is one over this one that has opened; else this screen."""
        top = self.app.screen
        return top if isinstance(top, OverLive) and top.is_mounted else self

    def show_message(self, text: str, *, lasting: bool = False) -> None:
        """Show a message in place of the keys of the screen on top."""
        if self._front is self:
            super().show_message(text, lasting=lasting)
        else:
            self._front.show_message(text, lasting=lasting)

    def clear_message(self) -> None:
        """Remove the message, here and in the screen on top."""
        super().clear_message()
        if self._front is not self:
            self._front.clear_message()

    def open_over(self, screen: OverLive, closed: Callable[[], None] = lambda: None) -> None:
        """Open a screen over this one; `closed` is called when it is left."""
        screen.live = self
        self.app.push_screen(screen, lambda _: closed())

    def on_host_left(self, host: PromptHost) -> None:
        """Ask nothing any more in this screen, which is left."""
        if self._host is host:
            self._host = self

    def refused_in_replay(self, why: str = "probe settings cannot be changed") -> bool:
        """Return whether a recording is played, in which nothing can be asked of the network.

        Then say `why`.
        """
        replayed = self._history().playback is not None
        if replayed:
            self.show_message(f"replay: {why}")
        return replayed

    def _apply(self, turn: ControlResult) -> None:
        self.to_present()
        if turn.command is not None:
            self._send(turn.command)
        if turn.warning is not None:
            self.show_message(turn.warning)
            if isinstance(turn.command, (Switch, SetPace)):
                self._warnings.append(turn.warning)

    def take_warnings(self) -> list[str]:
        """Return what was said of changes that are under way, once."""
        taken, self._warnings = self._warnings, []
        return taken

    def action_protocol(self, name: str) -> None:
        """Switch to a protocol (`t`, `u`, `i`, `U`)."""
        if not self.refused_in_replay():
            self._apply(self._controls.protocol(name))

    def action_dont_fragment(self) -> None:
        """Switch DF on or off (`F`)."""
        if not self.refused_in_replay():
            self._apply(self._controls.dont_fragment())

    def action_tcp_flags(self) -> None:
        """Take the next TCP flags (`A`)."""
        if not self.refused_in_replay():
            self._apply(self._controls.tcp_flags())

    def action_reset(self) -> None:
        """Start a new run (`r`)."""
        if not self.refused_in_replay():
            self._apply(ControlResult(Reset()))

    def action_ask(self, question: str) -> None:
        """Ask for a value (`P`, `Q`, `S`, `f`, `m`, `/`, `e`, `N`)."""
        if question == "target" and self.refused_in_replay("the target cannot be changed"):
            return
        if question not in _NOT_OF_THE_PROBE and self.refused_in_replay():
            return
        if question not in _NOT_OF_THE_PROBE:
            self.to_present()
        why_not = self._controls.why_not(question)
        if why_not is not None:
            self.show_message(why_not)
            return
        if question == "guess" and not self.lab.guesses:
            self.show_message("no quiz is under way: tui-trace --lab quiz begins one")
            return
        if question in ("export", "note") and self.snapshot is None:
            self.show_message("no data yet")
            return
        value = self._proposed(question)
        self._host = self._front
        self._host.open_prompt(question, value)
        if question == "export":
            self.prompt.show_message(
                f"Extension selects the format: {' '.join(ENDINGS)} · Escape leaves"
            )
        if question == "note":
            self._noting = self.position
            self.prompt.show_message(
                f"Pinned to {self._noted_at()} · Enter applies · Escape leaves"
            )

    def _noted_at(self) -> str:
        """Return the moment of the note, in the session and by the clock: `0:31, 14:13:51`."""
        moment = format_duration(self._noting)
        if self.snapshot is None or not self.snapshot.wall:
            return moment
        return f"{moment}, {wall_clock(self.snapshot)(self._noting)}"

    def _proposed(self, question: str) -> str:
        if self.snapshot is None:
            return self._controls.value(question)
        if question == "target":
            return self.snapshot.target
        if question == "export":
            self._exported = View(
                self.shown or self.snapshot,
                self.app.export_screenshot(title=f"tui-trace {sanitize(self.snapshot.target)}"),
                self.columns,
                self.label_mode,
                self._history().file,
                self._history().redactor,
            )
            return proposed(self.snapshot)
        return self._controls.value(question)

    def answer(self, text: str) -> None:
        """Use the value that was typed."""
        question = self.prompt.question
        if question is None or self.prompt.waiting:
            return
        text = text.strip()
        if question == "target":
            if text:
                self.prompt.wait(f"looking up {text} … · Escape leaves")
                self._trace(text)
            return
        if question == "export" and self._exported is not None:
            self.prompt.wait("writing …")
            self._write(self._exported, text)
            return
        if question == "guess":
            self.close_prompt()
            self.show_message(self.lab.judge(text))
            return
        if question == "note":
            self.close_prompt()
            if text:
                self._send(Inject(Note(at=0, text=text, moment=self._noting)))
                if self._history().playback is None:
                    self.show_message(f"noted at {self._noted_at()}")
            return
        try:
            turn = self._controls.answer(question, text)
        except SettingError as error:
            self.prompt.retry(str(error))
            return
        self.close_prompt()
        self._apply(turn)

    def export_finished(self, said: str, *, well: bool) -> None:
        """Show where the file was written, or why it was not."""
        if self.prompt.question != "export":
            return
        if well:
            self.close_prompt()
            self.show_message(said)
        else:
            self.prompt.retry(said)

    def close_prompt(self) -> None:
        """Close the prompt, in whatever screen it is, and show the keys again."""
        if self._host is self:
            self.shut_prompt()
        else:
            self._host.shut_prompt()
            self._host = self
