"""The options of recordings: what is recorded, and what is played."""

import argparse

from tui_trace.options.stretch import add_stretch


def add_recordings(parser: argparse.ArgumentParser) -> None:
    """Add the options to the parser."""
    kept = parser.add_argument_group(
        "recordings of live sessions; 100 or 2 GiB are kept: [recordings] in the config"
    )
    where = kept.add_mutually_exclusive_group()
    where.add_argument("--record", metavar="FILE", help="record to this new file, also a report")
    where.add_argument("--no-record", action="store_true", help="do not record")
    kept.add_argument(
        "--replay",
        metavar="FILE",
        help="play a recording, or results of mtr, RIPE Atlas or scamper (-: standard input)",
    )
    kept.add_argument(
        "--follow", action="store_true", help="with --replay: attach to a session that runs"
    )
    add_stretch(kept)
    kept.add_argument("--sessions", action="store_true", help="list, open or delete recordings")


def check_recordings(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Refuse what does not go with a recording that is played; `UsageError`."""
    if given.replay is None:
        if given.follow:
            parser.error("--follow goes with --replay NAME; --sessions lists the names")
        return
    for name, other in (
        ("HOST", given.host),
        ("--targets", given.targets),
        ("--lab", given.lab),
        ("--record", given.record),
        ("--metrics", given.metrics),
        ("--geoip", given.geoip),
        ("--peeringdb", given.peeringdb),
    ):
        if other:
            parser.error(f"--replay plays a recording and does not go with {name}")
