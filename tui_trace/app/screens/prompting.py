"""The keys that change what is probed, at once or by a value that is typed."""

from collections.abc import Callable

from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Input

from tui_trace.app.control.export import ENDINGS, View, proposed
from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.probe_controls import ControlResult, ProbeControls
from tui_trace.app.widgets.footer import Footer
from tui_trace.app.widgets.prompt import Prompt
from tui_trace.core.durations import format_duration
from tui_trace.core.events import Note
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import SettingError
from tui_trace.core.stream import Command, Inject, Reset
from tui_trace.report.hop_columns import DISPLAYS
from tui_trace.session.host_labels import LabelMode
from tui_trace.session.snapshot import Snapshot

_NOT_OF_THE_PROBE = ("target", "export", "note")
"""Questions that a moment of the past can be looked at with."""


class PromptingScreen(Screen[None]):
    """What the live view asks of its source and its user; it composes a `Prompt` and a `Footer`."""

    snapshot: var[Snapshot | None] = var(None, always_update=True)

    def __init__(
        self,
        dials: ProbeControls,
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
        self._dials = dials
        self._columns = displays
        self._display_now = DISPLAYS[0]
        self.label_mode = LabelMode.NAME
        """What addresses are called."""
        self._send = send
        self._trace = trace
        self._history = history
        self._write = write
        self._exported: View | None = None
        self._noting = 0
        """The moment that the note under way is about."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the display in use."""
        return self._columns[self._display_now]

    @property
    def here(self) -> int:
        """The moment that is looked at, in ns since the session began."""
        raise NotImplementedError

    @property
    def prompt(self) -> Prompt:
        """Where values are typed."""
        return self.query_one(Prompt)

    def say(self, text: str) -> None:
        """One line for a moment, in place of the keys."""
        self.query_one(Footer).say(text)

    def hush(self) -> None:
        """What was said is of the past."""
        for bar in self.query(Footer):
            bar.hush()

    def to_present(self) -> None:
        """Look at the present: it is what the keys of the probe are about."""
        raise NotImplementedError

    def refused(self) -> bool:
        """Say so if nothing can be asked of the network: a recording is played."""
        replayed = self._history().playback is not None
        if replayed:
            self.say("this is a recording: its probes were sent long ago")
        return replayed

    def _turned(self, turn: ControlResult) -> None:
        self.to_present()
        if turn.command is not None:
            self._send(turn.command)
        if turn.warning is not None:
            self.say(turn.warning)

    def action_protocol(self, name: str) -> None:
        """`t`, `u`, `i`."""
        if not self.refused():
            self._turned(self._dials.protocol(name))

    def action_dont_fragment(self) -> None:
        """`F`."""
        if not self.refused():
            self._turned(self._dials.dont_fragment())

    def action_tcp_flags(self) -> None:
        """`A`."""
        if not self.refused():
            self._turned(self._dials.tcp_flags())

    def action_reset(self) -> None:
        """`r`."""
        if not self.refused():
            self._turned(ControlResult(Reset()))

    def action_ask(self, question: str) -> None:
        """`P`, `Q`, `S`, `f`, `m`, `/`, `e`, `N`."""
        if question not in ("export", "note") and self.refused():
            return
        if question not in _NOT_OF_THE_PROBE:
            self.to_present()
        why_not = self._dials.why_not(question)
        if why_not is not None:
            self.say(why_not)
            return
        if question in ("export", "note") and self.snapshot is None:
            self.say("nothing happened yet")
            return
        value = self._proposed(question)
        self.query_one(Footer).display = False
        self.prompt.ask(question, value)
        if question == "export":
            self.prompt.say(f"The ending says what: {' '.join(ENDINGS)} · Escape leaves")
        if question == "note":
            self._noting = self.here
            self.prompt.say(
                f"Pinned to {format_duration(self._noting)} · Enter applies · Escape leaves"
            )

    def _proposed(self, question: str) -> str:
        if self.snapshot is None:
            return self._dials.value(question)
        if question == "target":
            return self.snapshot.target
        if question == "export":
            self._exported = View(
                self.snapshot,
                self.app.export_screenshot(title=f"tui-trace {sanitize(self.snapshot.target)}"),
                self.columns,
                self.label_mode,
                self._history().file,
            )
            return proposed(self.snapshot)
        return self._dials.value(question)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the prompt."""
        question = self.prompt.question
        if question is None or self.prompt.waiting:
            return
        text = event.value.strip()
        if question == "target":
            if text:
                self.prompt.wait(f"looking up {text} … · Escape leaves")
                self._trace(text)
            return
        if question == "export" and self._exported is not None:
            self.prompt.wait("writing …")
            self._write(self._exported, text)
            return
        if question == "note":
            self.close_prompt()
            if text:
                self._send(Inject(Note(at=0, text=text, moment=self._noting)))
                if self._history().playback is None:
                    self.say(f"noted at {format_duration(self._noting)}")
            return
        try:
            turn = self._dials.answer(question, text)
        except SettingError as error:
            self.prompt.retry(str(error))
            return
        self.close_prompt()
        self._turned(turn)

    def exported(self, said: str, *, well: bool) -> None:
        """The file is written, or why not."""
        if self.prompt.question != "export":
            return
        if well:
            self.close_prompt()
            self.say(said)
        else:
            self.prompt.retry(said)

    def close_prompt(self) -> None:
        """The keys are shown again."""
        self.prompt.close()
        self.query_one(Footer).display = True
