"""Several targets: the hosts of the command line, and those of a file with options of their own."""

import argparse
import shlex
from collections.abc import Callable, Iterator
from copy import copy
from typing import NoReturn

import msgspec

from tui_trace.core.ip_literals import PLAIN_NUMBERS, is_ambiguous
from tui_trace.core.parse_values import parse_protocol
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import ProbeSettings, Protocol, SettingError, UsageError
from tui_trace.options.probe import parse_probe_settings

MOST_TARGETS = 1000
LONGEST_FILE = 1 << 20
"""Bytes of a file of targets."""
KINDS = ("icmp", "udp", "tcp", "protocol")
OF_A_KIND = (*KINDS, "port", "localport", "syn", "ack", "ecn")
"""Options that another protocol than that of the command line does not take over from there."""
_OF_ALL = ("mark", "mtu")
"""Options that hold for all targets."""


class Target(msgspec.Struct, frozen=True):
    """What is to be probed."""

    host: str
    """As the user wrote it."""
    settings: ProbeSettings


class TargetsError(UsageError):
    """A line of a file that names no target."""

    def __init__(self, name: str, number: int, why: str) -> None:
        """Line `number` (from 1 on) of this file, and what is wrong with it."""
        super().__init__(f"{name}, line {number}: {sanitize(why)}")


class _LineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def targets_of(
    text: str,
    name: str,
    given: argparse.Namespace,
    add_probe: Callable[[argparse.ArgumentParser], None],
) -> Iterator[Target]:
    """Yield the targets of a file: one a line, with options that replace those `given`.

    `add_probe` adds the options of a probe to a parser. What follows `#` is a comment. `name` is
    the file's, for errors; `TargetsError` for the first line that is wrong.
    """
    parser = _LineParser(add_help=False, allow_abbrev=False)
    parser.add_argument("host")
    add_probe(parser)
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
            if words:
                yield _target(parser, words, given)
        except ValueError as error:
            raise TargetsError(name, number, str(error)) from None


def _target(parser: argparse.ArgumentParser, words: list[str], given: argparse.Namespace) -> Target:
    own = parser.parse_args(words)
    for option in _OF_ALL:
        if getattr(own, option):
            raise UsageError(f"--{option} cannot be one target's own")
    if own.protocol and parse_protocol(own.protocol)[0] is Protocol.IP:
        raise UsageError("--protocol cannot be one target's own, but with quic")
    merged = copy(given)
    if any(getattr(own, kind) for kind in KINDS):
        for option in OF_A_KIND:
            setattr(merged, option, parser.get_default(option))
    for key, value in vars(own).items():
        if value != parser.get_default(key):
            setattr(merged, key, value)
    check_host(own.host)
    return Target(own.host, parse_probe_settings(merged))


def check_host(host: str) -> None:
    """Raise `SettingError` for an address that could mean several."""
    if is_ambiguous(host):
        raise SettingError("HOST", host, PLAIN_NUMBERS)
