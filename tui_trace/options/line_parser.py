"""Options in a line of text, which replace those of the command line."""

import argparse
from collections.abc import Callable, Sequence
from copy import copy
from typing import NoReturn

_KINDS = ("icmp", "udp", "tcp", "protocol")
_OF_A_KIND = (*_KINDS, "port", "localport", "syn", "ack", "ecn")
"""Options that another protocol than that of the command line does not take over from there."""
_OF_ALL = ("mark", "mtu")
"""Options that hold for all that a process does."""


class LineError(Exception):
    """What is wrong with a line."""


class LineParser(argparse.ArgumentParser):
    """A parser whose errors are raised."""

    def __init__(self) -> None:
        """Begin without an option."""
        super().__init__(add_help=False, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise `LineError`."""
        raise LineError(message)


def own_options(
    words: Sequence[str],
    given: argparse.Namespace,
    add_options: Callable[[argparse.ArgumentParser], None],
) -> argparse.Namespace:
    """Return the command line with the options of a line in their place; raise `LineError`.

    `add_options` adds those that a line may have to a parser.
    """
    parser = LineParser()
    add_options(parser)
    own = parser.parse_args(words)
    for option in _OF_ALL:
        if getattr(own, option, None):
            raise LineError(f"--{option} holds for all that is probed: it is for the command line")
    merged = copy(given)
    if any(getattr(own, kind, None) for kind in _KINDS):
        for option in _OF_A_KIND:
            setattr(merged, option, parser.get_default(option))
    for key, value in vars(own).items():
        if value != parser.get_default(key):
            setattr(merged, key, value)
    return merged
