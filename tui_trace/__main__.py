"""`python -m tui_trace`."""

from tui_trace.entry import run

run()
