"""The bell of the live view: it rings, and the desktop shows why, as the target begins to suffer.

A desktop notification is an escape sequence that only some terminals have: OSC 9 (iTerm2, kitty,
Ghostty) or OSC 777 (WezTerm, foot, rxvt-unicode). Inside a multiplexer the bell alone gets through.
"""

from collections.abc import Mapping

from tui_trace.core.sanitize import sanitize
from tui_trace.session.finding import Episode

_BELL = "\a"
_TITLE = "tui-trace"
_OSC_9 = "\x1b]9;{text}\x1b\\"
_OSC_777 = f"\x1b]777;notify;{_TITLE};{{text}}\x1b\\"
_BY_PROGRAM = {"iTerm.app": _OSC_9, "ghostty": _OSC_9, "WezTerm": _OSC_777}
"""By `TERM_PROGRAM`."""
_BY_TERM = {
    "xterm-kitty": _OSC_9,
    "xterm-ghostty": _OSC_9,
    "foot": _OSC_777,
    "foot-extra": _OSC_777,
    "rxvt-unicode": _OSC_777,
    "rxvt-unicode-256color": _OSC_777,
}


class EpisodeBell:
    """Whether episodes ring, and how this terminal does that."""

    def __init__(self, environment: Mapping[str, str], *, is_on: bool) -> None:
        """The environment says which terminal it is."""
        self.is_on = is_on
        known = _BY_PROGRAM.get(environment.get("TERM_PROGRAM", ""))
        self._notification = known or _BY_TERM.get(environment.get("TERM", ""), "")

    def toggle(self) -> str:
        """Switch it on or off; return what to say of it."""
        self.is_on = not self.is_on
        if not self.is_on:
            return "bell: off"
        also = ", and the desktop shows what it is" if self._notification else ""
        return f"bell: rings as an episode that harms the target begins and ends{also}"

    def ring(self, target: str, episode: Episode) -> str:
        """Return what to write to the terminal for an episode that began or ended."""
        finding = episode.finding
        if not self.is_on or not finding.harm:
            return ""
        said = f"over: {finding.past}" if episode.until is not None else finding.text
        text = sanitize(f"{target}: {said} {finding.details}".strip())
        return _BELL + self._notification.format(text=text)
