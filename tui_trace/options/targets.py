"""Several targets: the hosts of the command line, and those of a file with options of their own."""

import argparse
import shlex
from collections.abc import Iterator

import msgspec

from tui_trace.core.ip_literals import PLAIN_NUMBERS, is_ambiguous
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import ProbeSettings, SettingError
from tui_trace.options.line_parser import LineError, own_options
from tui_trace.options.parser import add_probe
from tui_trace.options.probe import parse_probe_settings

MOST_TARGETS = 1000
LONGEST_FILE = 1 << 20
"""Bytes of a file of targets."""


class Target(msgspec.Struct, frozen=True):
    """What is to be probed."""

    host: str
    """As the user wrote it."""
    settings: ProbeSettings


class TargetsError(SettingError):
    """A line of a file that names no target."""

    def __init__(self, name: str, number: int, why: str) -> None:
        """Line `number` (from 1 on) of this file, and what is wrong with it."""
        ValueError.__init__(self, f"{name}, line {number}: {sanitize(why)}")


def targets_of(text: str, name: str, given: argparse.Namespace) -> Iterator[Target]:
    """Yield the targets of a file: one a line, with options that replace those `given`.

    What follows `#` is a comment. `name` is the file's, for errors; `TargetsError` for the first
    line that is wrong.
    """
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
            if words:
                merged = own_options(words, given, _add_target)
                check_host(merged.target)
                yield Target(merged.target, parse_probe_settings(merged))
        except (ValueError, SettingError, LineError) as error:
            raise TargetsError(name, number, str(error)) from None


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="HOST")
    add_probe(parser)


def check_host(host: str) -> None:
    """Raise `SettingError` for an address that could mean several."""
    if is_ambiguous(host):
        raise SettingError("HOST", host, PLAIN_NUMBERS)
