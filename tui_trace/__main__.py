"""`python -m tui_trace`."""

from tui_trace.cli import run

run()
