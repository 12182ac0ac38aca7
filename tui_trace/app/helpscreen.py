"""Every key, and how to read the table."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui_trace.app.keys import GROUPS, Key

_LEGEND = (
    ("(no reply)", "nothing answered at this TTL; routers may be told to keep silent"),
    ("!21.4", "loss at the target itself; at a router alone it may be only a limit on its replies"),
    ("~0.42", "some RTTs of this row rest on a clock stamp that the kernel did not take"),
    ("▁▂▃ ▅", "recent RTTs, newest at the right; a gap is a lost probe. Each row has its own"),
    ("", "logarithmic scale, from its smallest RTT to at least twice that"),
    ("late 2", "replies that came after the wait; their loss was taken back"),
    ("dup 2", "further replies to a probe that had been answered"),
    ("!H !N !X", "unreachable: host, network, forbidden by a filter"),
    ("[open]", "the target's TCP port answered SYN/ACK; [closed]: RST"),
)


class HelpScreen(ModalScreen[None]):
    """Made from the bindings, so that it is never wrong."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,h,question_mark", "dismiss", "close", id="help.close", tooltip="Back")
    ]

    def __init__(self, shown: Callable[[Key], str]) -> None:
        """`shown` tells the keys that a `Key` has now."""
        super().__init__()
        self._shown = shown

    def compose(self) -> ComposeResult:
        """One text to scroll through."""
        parts: list[str | Content | tuple[str, str]] = []
        for name, keys in GROUPS:
            parts.append((f"{name}\n", "bold"))
            parts += [f"  {self._shown(key):<9} {key.about}\n" for key in keys]
            parts.append("\n")
        parts.append(("Reading the table\n", "bold"))
        parts += [f"  {sign:<10} {meaning}\n" for sign, meaning in _LEGEND]
        parts.append(("\nTimes are milliseconds. Ctrl-P finds a command by its name.", ""))
        with VerticalScroll(id="help") as box:
            box.border_title = "tui-trace"
            box.border_subtitle = "↑ ↓ scroll · Escape leaves"
            yield Static(Content.assemble(*parts))
