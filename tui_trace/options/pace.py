"""The options of the pace of probes, read into `Pace`."""

import argparse
from collections.abc import Callable
from functools import partial

from tui_trace.core.parse_values import check_ttls, parse_count, parse_seconds, parse_ttl
from tui_trace.core.settings import MAX_QUERIES, MAX_UNKNOWN, Pace, SettingError

PING_TTL = 255
"""TTL of `--ping`: large enough for any path."""

_PARSERS: dict[str, Callable[[str, str], int]] = {
    "interval": parse_seconds,
    "timeout": parse_seconds,
    "gracetime": parse_seconds,
    "first-ttl": parse_ttl,
    "max-ttl": parse_ttl,
    "queries": partial(parse_count, high=MAX_QUERIES),
    "max-unknown": partial(parse_count, high=MAX_UNKNOWN),
    "report-cycles": parse_count,
}


def add_pace(parser: argparse.ArgumentParser) -> None:
    """Add the options of the pace."""
    pace = parser.add_argument_group("pace")
    pace.add_argument("-f", "--first-ttl", metavar="N", help="first TTL (1)")
    pace.add_argument("-m", "--max-ttl", metavar="N", help="last TTL (30)")
    pace.add_argument("-i", "--interval", metavar="S", help="seconds per round (1)")
    pace.add_argument(
        "-Z", "--timeout", metavar="S", help="seconds to wait for a reply (adaptive, at most 5)"
    )
    pace.add_argument("-G", "--gracetime", metavar="S", help="the same as -Z, which wins")
    pace.add_argument("-q", "--queries", metavar="N", help="probes per hop and round (1)")
    pace.add_argument(
        "--sequential", action="store_true", help="wait for each probe before the next"
    )
    pace.add_argument(
        "--first-reply", action="store_true", help="go on to the next hop at the first reply"
    )
    pace.add_argument("--ping", action="store_true", help=f"only the target (TTL {PING_TTL})")
    pace.add_argument(
        "-U", "--max-unknown", metavar="N", help="stop after N silent hops in a row (5)"
    )
    pace.add_argument(
        "-c", "--report-cycles", metavar="N", help="stop after N rounds (reports: 10)"
    )


def ttl_range(first: int | None, last: int | None, usual: Pace) -> tuple[int, int]:
    """Return the first and the last TTL; raise `SettingError` if the first is larger.

    A TTL that is None is that of `usual`, but the last TTL is at least the first.
    """
    first = usual.first_ttl if first is None else first
    last = max(first, usual.max_ttl) if last is None else last
    check_ttls(first, last)
    return first, last


def parse_pace(given: argparse.Namespace, rounds: int | None) -> Pace:
    """Return the pace; raise `SettingError` for a wrong value.

    `rounds` is the number of rounds if `--report-cycles` is not given; None: no limit.
    """

    def value(name: str) -> int | None:
        text: str | None = getattr(given, name.replace("-", "_"))
        return None if text is None else _PARSERS[name](text, f"--{name}")

    usual = Pace()
    if given.ping:
        for option, ttl in (("--first-ttl", given.first_ttl), ("--max-ttl", given.max_ttl)):
            if ttl is not None:
                raise SettingError(option, ttl, f"no value with --ping, whose TTL is {PING_TTL}")
        first = last = PING_TTL
    else:
        first, last = ttl_range(value("first-ttl"), value("max-ttl"), usual)
    timeout, gracetime = value("timeout"), value("gracetime")
    return Pace(
        interval=value("interval") or usual.interval,
        first_ttl=first,
        max_ttl=last,
        queries=value("queries") or usual.queries,
        max_unknown=value("max-unknown") or usual.max_unknown,
        wait=timeout or gracetime,
        rounds=value("report-cycles") or rounds,
        sequential=given.sequential,
        first_reply=given.first_reply,
    )
