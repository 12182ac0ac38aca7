"""The options of being told: `--watch` and `--on-event`."""

import argparse
import shlex

from tui_trace.core.settings import SettingError
from tui_trace.options.output import Output

_TAKES = "a program and its arguments, without a shell"


def add_alerts(parser: argparse.ArgumentParser) -> None:
    """Add the options; `--watch` is an output, of which the last one counts."""
    group = parser.add_argument_group("left alone")
    group.add_argument(
        "--watch",
        dest="output",
        action="store_const",
        const=Output.WATCH,
        help="a line as each episode begins and ends, until SIGTERM; recorded",
    )
    group.add_argument(
        "--on-event", metavar="CMD", help="run this as an episode begins and as it ends"
    )


def parse_event_command(text: str | None) -> tuple[str, ...]:
    """Return the words of `--on-event`; none if it was not given. `SettingError`."""
    if text is None:
        return ()
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise SettingError("--on-event", text, f"{_TAKES} ({error})") from None
    if not words or not words[0] or "\0" in text:
        raise SettingError("--on-event", text, _TAKES)
    return words


def check_alerts(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Refuse what does not go with these options; `UsageError`."""
    if given.output is Output.WATCH:
        for name, other in (
            ("--replay", given.replay),
            ("--check", given.check),
            ("--ways", given.ways),
            ("--dot", given.dot),
        ):
            if other:
                parser.error(f"--watch traces until it is stopped and does not go with {name}")
    if given.on_event is not None and given.replay is not None:
        parser.error("--on-event goes with a trace: a recording plays what is over")
