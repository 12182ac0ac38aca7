"""The options that the config file gives: words that stand before those of the command line.

Every long option of the command line is one of them, but those of `ALONE`. The command line wins,
also where it says in another way what the file says: with another protocol, for example.
"""

import argparse
from collections.abc import Iterator, Mapping

from tui_trace.core.parse_values import parse_ttl
from tui_trace.core.settings import SettingError, UsageError
from tui_trace.options.probe import probe_protocol
from tui_trace.options.targets import KINDS, OF_A_KIND

ALONE: dict[str, str] = {
    option: why
    for why, options in (
        (
            "it takes effect before this file is read",
            "no-config mark unprivileged metrics on-event",
        ),
        (
            "it says what is done, and is no setting",
            "targets resolve-all lab from reverse replay follow report-since until sessions record"
            " as completion help version",
        ),
        (
            "it chooses the output",
            "report report-wide json csv markdown html jsonl watch curses commands check dot",
        ),
        ("reports do not read this file's options", "order show-ips"),
        ("[locations] has it", "geoip peeringdb"),
        (
            "it is there for those who come from mtr",
            "xml raw split filename sctp gtk displaymode mpls",
        ),
    )
    for option in options.split()
}
"""Options that work on the command line alone, and why."""

_FLAGS = frozenset({"syn", "ack", "ecn"})
_TTLS = frozenset({"first_ttl", "max_ttl"})
_SAME = (_FLAGS, frozenset({"timeout", "gracetime"}))
"""Options that say the same, beside those that exclude each other."""


def config_words(
    parser: argparse.ArgumentParser, config: Mapping[str, object], own: argparse.Namespace
) -> list[str]:
    """Return the words for options of the file, without those that `own` has another way to say.

    `own` is the command line. `SettingError` for a key or a value that there is not.
    """
    known = config_keys(parser)
    for key in config:
        if key in ALONE:
            raise UsageError(f"--{key} works on the command line alone: {ALONE[key]}")
        if key not in known:
            raise UsageError(f"--{key[:40]}: there is no such option")
    words = {key: word for key, value in config.items() if (word := _word(known[key], key, value))}
    said = {name for name, value in vars(own).items() if value != parser.get_default(name)}
    overruled = frozenset(_overruled(parser, own, said, words)) if said else frozenset()
    return [word for key, word in words.items() if known[key].dest not in overruled]


def config_keys(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Return the action of each option that the file may give, by its name."""
    return {
        name: action
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--") and (name := option[2:]) not in ALONE
    }


def _word(action: argparse.Action, key: str, value: object) -> str | None:
    """Return the word for an option; None: a flag that is not set."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise SettingError(f"--{key}", _shown(value), "true or false")
        return f"--{key}" if value else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise SettingError(f"--{key}", _shown(value), "a number or a text")
    text = _shown(value)
    if "\0" in text:  # no command line has one
        raise SettingError(f"--{key}", text, "a text without NUL")
    return f"--{key}={text}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a table"
    if isinstance(value, int) and value.bit_length() > 4096:
        return hex(value)  # Python writes at most 4300 decimal digits
    return str(value)


def _overruled(
    parser: argparse.ArgumentParser,
    own: argparse.Namespace,
    said: set[str],
    words: Mapping[str, str],
) -> Iterator[str]:
    """Yield the names (`dest`) of what the file says and the command line says in another way."""
    for group in parser._mutually_exclusive_groups:
        names = {action.dest for action in group._group_actions}
        if names & said:
            yield from names
    for same in _SAME:
        if same & said:
            yield from same
    file = parser.parse_args([*words.values()])
    if said & {*KINDS, *_FLAGS}:
        yield from KINDS
        if probe_protocol(own) != probe_protocol(file):
            yield from (*OF_A_KIND, "track")
    if said & _TTLS:
        yield "ping"
    if "ping" in said or (said & _TTLS and _is_crossed(own, file)):
        yield from _TTLS


def _is_crossed(own: argparse.Namespace, file: argparse.Namespace) -> bool:
    """Return whether the first TTL is larger than the last, of which one is the file's."""
    first, last = (getattr(own, name) or getattr(file, name) for name in ("first_ttl", "max_ttl"))
    return bool(first and last) and parse_ttl(first, "") > parse_ttl(last, "")
