"""What is written to the terminal: the cells that differ, and no more than it takes."""

from tui_trace.app.terminal.frame import Frame
from tui_trace.app.terminal.output import TerminalOutput

__all__ = ["Frame", "TerminalOutput"]
