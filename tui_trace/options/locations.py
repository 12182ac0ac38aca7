"""The options that name files which say where addresses are."""

import argparse
from pathlib import Path

from tui_trace.names.location_options import GEOIP_NAME, PEERINGDB_NAME, LocationFiles


def add_locations(group: "argparse._ArgumentGroup") -> None:
    """Add the options."""
    group.add_argument("--geoip", metavar="FILE", help=f"cities, such as {GEOIP_NAME}")
    group.add_argument("--peeringdb", metavar="FILE", help=f"exchange points: {PEERINGDB_NAME}")


def parse_locations(given: argparse.Namespace) -> LocationFiles:
    """Return the files that are named."""
    return LocationFiles(
        geoip=None if given.geoip is None else Path(given.geoip),
        peeringdb=None if given.peeringdb is None else Path(given.peeringdb),
    )
