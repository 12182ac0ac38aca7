"""The options that say where probes leave from: `--from` and `--reverse`."""

import argparse

from tui_trace.remote.place import LOCAL, Place, parse_places


def add_vantages(group: argparse._ArgumentGroup) -> None:
    """Add these options."""
    group.add_argument(
        "--from",
        dest="places",
        metavar="PLACE,…",
        help="probe from there: local or ssh:[USER@]HOST, which has tui-trace, too",
    )
    group.add_argument(
        "--reverse",
        action="store_true",
        help="trace to the one place of --from, and from there back to here (or to HOST)",
    )


def parse_vantages(parser: argparse.ArgumentParser, given: argparse.Namespace) -> tuple[Place, ...]:
    """Return the places that probes leave from; `UsageError` for what does not go together.

    `--reverse` without `--from` is what the other machine gets: back to whoever called it by ssh.
    """
    places = (LOCAL,) if given.places is None else parse_places(given.places)
    if given.reverse:
        if given.places is not None and (len(places) > 1 or places[0].is_local):
            parser.error("--reverse goes with one place: --from ssh:[USER@]HOST")
        if len(given.host) > 1 or given.targets or given.resolve_all:
            parser.error("--reverse takes one HOST at most, the one to come back to")
        if given.places is None and given.host:
            parser.error("--reverse without --from goes back to who called by ssh, and to no HOST")
        if given.hide:
            parser.error("--reverse shows the way back to here, and does not go with --hide")
        if given.replay is not None or given.lab is not None:
            parser.error("--reverse goes with neither --replay nor --lab")
    if all(place.is_local for place in places):
        return places
    for name, other in (
        ("--lab", given.lab),
        ("--replay", given.replay),
        ("--resolve-all", given.resolve_all or None),
    ):
        if other is not None:
            parser.error(f"{name} needs no other place and does not go with --from")
    return places
