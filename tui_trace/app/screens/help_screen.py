"""Every key, and how to read the table."""

import textwrap
from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui_trace.app.keymap import COMMANDS, GROUPS, Key
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.screens.text_screen import TextScreen
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.report.cell_text import TextStyle
from tui_trace.session.annotations import REFUSALS, TOO_BIG
from tui_trace.session.loss import LIMITED

_LEGEND = (
    ("(no reply)", "nothing answered at this TTL; routers may be told to keep silent"),
    ("!21.4", "loss at the target itself; at a router alone it may be only a limit on its replies"),
    ("~0.42", "some RTTs of this row rest on a clock stamp that the kernel did not take"),
    (
        "▁▂▃ ▅",
        "recent RTTs, newest at the right; a gap is a lost probe. Each row has its own"
        " logarithmic scale, from its smallest RTT to at least twice that",
    ),
    ("A+B", "the path moved: the figures are of both paths; r counts afresh"),
    ("…", "the rest has no room here: Enter shows the whole hop; as a host: no answer yet"),
)
_NOTES = (
    ("[open]", "the target's port answered: SYN/ACK, or UDP; ecn: it would use ECN"),
    ("[closed]", "the target's TCP port answered RST"),
    (TOO_BIG, "the probe is larger than the next link takes, and DF forbids to fragment it"),
    ("MTU 1400", "what that link takes, in bytes"),
    *REFUSALS.items(),
    ("!<15>", "unreachable, by another code"),
    ("!", "the answer came in with TTL 1 or less: its sender may use up the TTL that was left"),
    ("NAT", "addresses or ports of the probe were rewritten before this hop"),
    ("TOS=0!", "the probe came here with another TOS byte than it was sent with"),
    ("MSS 1360", "the probe came here with another TCP maximum segment size"),
    ("MPLS 16", "the probe came here with these labels"),
    ("ECN …", "what became of ECN: refused, cleared on the way, or CE, congestion"),
    ("icmp 12/0", "another answer, by its ICMP type and code"),
    (LIMITED, "loss that those behind it do not have: it answers seldom, and the path is well"),
    ("late 2", "replies that came after the wait; their loss was taken back"),
    ("dup 2", "further replies to a probe that had been answered"),
)
_TIMELINE = (
    ("▁▂▃", "RTT of the target, on a logarithmic scale; a gap: no answer"),
    ("×", "the target lost probes"),
    ("A B", "another path begins; H shows what moved"),
    ("*", "a note of yours"),
)
LEGEND = (("Reading the table", _LEGEND), ("Notes", _NOTES), ("Timeline", _TIMELINE))
"""What the signs on the screen mean, by where they stand."""


def help_lines(width: int, shown: Callable[[Key], str]) -> list[StyledLine]:
    """All of it in `width` cells; `shown` tells the keys that a `Key` has now."""
    keys = [(name, [(shown(key), key.about) for key in group]) for name, group in GROUPS]
    keys.append(("Ctrl-P, by name", [(name, about) for name, _, about in COMMANDS]))
    signs = max(len(sign) for _, entries in (*keys, *LEGEND) for sign, _ in entries)
    lines: list[StyledLine] = []
    for name, entries in (*keys, *LEGEND):
        lines += [[(f" {name}", TextStyle.STRONG)], *_entries(entries, signs, width), []]
    closing = "Times are milliseconds. Ctrl-P finds every key's command by its name."
    return [
        *lines,
        *([(f" {text}", TextStyle.PLAIN)] for text in textwrap.wrap(closing, max(width - 2, 1))),
    ]


def _entries(entries: Iterable[tuple[str, str]], signs: int, width: int) -> Iterable[StyledLine]:
    room = max(width - signs - 5, 1)
    for sign, meaning in entries:
        first, *more = textwrap.wrap(meaning, room)
        yield [(f"  {pad_or_truncate(sign, signs)}  ", TextStyle.MARK), (first, TextStyle.PLAIN)]
        yield from ([(" " * (signs + 4) + text, TextStyle.PLAIN)] for text in more)


class HelpScreen(TextScreen):
    """Made from the bindings, so that it is never wrong."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,question_mark", "dismiss", "close", id="help.close", tooltip="Back")
    ]
    HEADING = "tui-trace: keys and signs"

    def __init__(self, shown: Callable[[Key], str]) -> None:
        """`shown` tells the keys that a `Key` has now."""
        super().__init__()
        self._shown = shown

    def lines(self, width: int) -> list[StyledLine]:
        """What there is to read, in `width` cells."""
        return help_lines(width, self._shown)
