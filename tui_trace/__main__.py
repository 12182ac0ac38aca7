"""`python -m tui_trace`, and the console script."""

from typing import NoReturn

from tui_trace.stopping import end_by_signals


def run() -> NoReturn:
    """Run the program; Ctrl-C ends it from here on, also while its modules are imported."""
    end_by_signals()
    from tui_trace.cli import run as trace  # noqa: PLC0415

    trace()


if __name__ == "__main__":
    run()
