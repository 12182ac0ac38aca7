"""Late import of the plot library, and a limit on how often something expensive is drawn."""

import sys
import threading
from collections.abc import Callable

from textual.message import Message
from textual.message_pump import MessagePump
from textual.timer import Timer

_PLOTS = "tui_trace.app.widgets.plots"
PAUSE = 1.0
"""Seconds from one drawing to the next: a plot costs twenty to a hundred milliseconds."""


class PlotsReady(Message):
    """The library of plots was loaded, or could not be."""

    def __init__(self, why_not: str = "") -> None:
        """`why_not`: one line, empty if all is well."""
        super().__init__()
        self.why_not = why_not


def load_plots(wanted_by: MessagePump) -> None:
    """Import the library of plots in a thread, so that the view goes on; then `PlotsReady`."""
    if _PLOTS in sys.modules:
        wanted_by.post_message(PlotsReady())
    else:
        threading.Thread(target=_load, args=(wanted_by,), daemon=True).start()


def _load(wanted_by: MessagePump) -> None:
    why_not = ""
    try:
        import tui_trace.app.widgets.plots  # noqa: F401
    except ImportError as error:
        why_not = f"no plots: {error}"
    wanted_by.post_message(PlotsReady(why_not))


class Throttle:
    """Does something at most once a second: the first time at once."""

    def __init__(self, node: MessagePump, work: Callable[[], object]) -> None:
        """`node` owns the timer, `work` is what is done."""
        self._node = node
        self._work = work
        self._timer: Timer | None = None
        self._asked = False

    def request(self) -> None:
        """Do it now, or when the pause since the last time is over."""
        if self._timer is not None:
            self._asked = True
            return
        self._asked = False
        self._timer = self._node.set_timer(PAUSE, self._over)
        self._work()

    def reset(self) -> None:
        """Skip the pause: the user waits for the next drawing."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _over(self) -> None:
        self._timer = None
        if self._asked:
            self.request()
