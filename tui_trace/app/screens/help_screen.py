"""The help screen: every key, and how to read the table."""

import textwrap
from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui_trace.app.keymap import COMMANDS, GROUPS, Key
from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.app.screens.over_live import OverLiveText
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.report.cell_text import TextStyle
from tui_trace.session.annotations import REFUSALS, TOO_BIG

_LEGEND = (
    ("(no reply)", "nothing answered at this TTL; some routers are set up not to reply"),
    (
        "!21.4",
        "loss at the target itself; loss at one router may only mean that its replies are limited",
    ),
    ("~0.42", "some RTTs of this row use user-space timestamps instead of the kernel's"),
    (
        "▁▂▃ ▅",
        "recent RTTs, newest at the right; a gap is a lost probe. Each row has its own"
        " logarithmic scale, from its smallest RTT to at least twice that",
    ),
    ("A+B", "the path changed: the statistics mix both paths; r starts a new run"),
    ("…", "cut off: Enter shows the whole hop; as a host: no answer yet"),
)
_NOTES = (
    ("[open]", "the target's port answered: SYN/ACK, or UDP; ecn: it accepts ECN"),
    (
        "[quic]",
        "a QUIC server answered with the versions that it has; Enter shows them",
    ),
    ("[closed]", "the target's port is closed: RST, or of QUIC port unreachable"),
    (TOO_BIG, "the probe is larger than the next link's MTU, and DF forbids fragmentation"),
    ("MTU 1400", "the MTU of that link, in bytes"),
    *REFUSALS.items(),
    ("!<15>", "unreachable, with another ICMP code"),
    ("!", "the reply arrived with TTL 1 or less: its sender may reuse the TTL left in the probe"),
    ("NAT", "addresses or ports of the probe were rewritten before this hop"),
    ("TOS=0!", "the probe arrived here with a different TOS byte than it was sent with"),
    ("MSS 1360", "the probe arrived here with a different TCP maximum segment size"),
    ("MPLS 16", "the probe arrived here with these labels"),
    ("ECN …", "ECN was refused, cleared on the way, or marked CE (congestion)"),
    ("icmp 12/0", "another reply, by its ICMP type and code"),
    ("answers lost", "this hop alone loses answers: the traffic is fine"),
    ("rate-limited", "this hop answers a bounded number of probes a second: the traffic is fine"),
    ("slow answers", "this hop answers later than hops behind it: the traffic is fine"),
    ("3 ways", "a load balancer chooses between several ways here"),
    ("back +3", "answers from here on come back over three more hops than probes go"),
    ("!N from …", "who refused probes on their way to this hop: they count as lost"),
    ("×8.80", "the last RTT, and a probe has been lost since"),
    ("late 2", "replies after the timeout; their probes no longer count as lost"),
    ("dup 2", "further replies to a probe that was already answered"),
    ("rep 2", "SYN/ACKs that the target sent again: they answer no probe"),
)
_TIMELINE = (
    ("▁▂▃", "RTT of the target, on a logarithmic scale; a gap: no answer"),
    ("×", "the target lost probes"),
    ("A B", "another path begins; H shows what changed"),
    ("*", "one of your notes"),
)
LEGEND = (("Reading the table", _LEGEND), ("Notes", _NOTES), ("Timeline", _TIMELINE))
"""What the signs on the screen mean, by where they stand."""


def help_lines(width: int, shown: Callable[[Key], str]) -> list[StyledLine]:
    """Return the help in `width` cells; `shown` returns the keys that a `Key` has now."""
    keys = [(name, [(shown(key), key.description) for key in group]) for name, group in GROUPS]
    keys.append(("Ctrl-P, by name", [(name, about) for name, _, about in COMMANDS]))
    signs = max(len(sign) for _, entries in (*keys, *LEGEND) for sign, _ in entries)
    lines: list[StyledLine] = []
    for name, entries in (*keys, *LEGEND):
        lines += [[(f" {name}", TextStyle.STRONG)], *_entries(entries, signs, width), []]
    closing = (
        "Times are in milliseconds. Ctrl-P finds every command by name. The keys of probe and pace"
        " act in every screen that shows measurements."
    )
    return [
        *lines,
        *([(f" {text}", TextStyle.PLAIN)] for text in textwrap.wrap(closing, max(width - 2, 1))),
    ]


def _entries(entries: Iterable[tuple[str, str]], signs: int, width: int) -> Iterable[StyledLine]:
    room = max(width - signs - 5, 1)
    for sign, meaning in entries:
        first, *more = textwrap.wrap(meaning, room, break_on_hyphens=False)
        yield [(f"  {pad_or_truncate(sign, signs)}  ", TextStyle.MARK), (first, TextStyle.PLAIN)]
        yield from ([(" " * (signs + 4) + text, TextStyle.PLAIN)] for text in more)


class HelpScreen(OverLiveText):
    """The help: keys from the keymap, and the meaning of every sign."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,question_mark", "dismiss", "close", id="help.close", tooltip="Back")
    ]
    HEADING = "tui-trace: keys and signs"
    HINT = " ↑ ↓ scroll · Escape leaves"

    def __init__(self, shown: Callable[[Key], str], lab: str = "") -> None:
        """`shown` returns the keys that a `Key` has now; `lab` says what the lab does."""
        super().__init__()
        self._shown = shown
        self._lab = lab

    async def action_probe(self, id: str) -> None:
        """Change nothing: nothing is measured here."""
        self.action_elsewhere(id)

    def lines(self, width: int) -> list[StyledLine]:
        lab = wrapped(self._lab, width, TextStyle.MARK) if self._lab else []
        return [*lab, *([[]] if lab else []), *help_lines(width, self._shown)]
