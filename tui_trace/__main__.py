"""`python -m tui_trace`."""

from tui_trace.cli.entry import run

run()
