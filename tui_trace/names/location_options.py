"""Options of where hosts are: the user's own files, which are never fetched."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from tui_trace.core.bounded_files import is_reachable, user_folder

GEOIP_NAME = "GeoLite2-City.mmdb"
PEERINGDB_NAME = "peeringdb.json"
_GEOIP_FOLDERS = ("/usr/local/share/GeoIP", "/usr/share/GeoIP", "/var/lib/GeoIP")
"""Where geoipupdate(1) of MaxMind, Fedora and Debian puts its files."""


class LocationFiles(msgspec.Struct, frozen=True):
    """The files that say where addresses are; None: none."""

    geoip: Path | None = None
    """Cities and countries, in MaxMind's format."""
    peeringdb: Path | None = None
    """Networks of exchange points, as JSON."""

    def or_else(self, others: "LocationFiles") -> "LocationFiles":
        """Return these files, and those of `others` in place of those that are None."""
        return LocationFiles(self.geoip or others.geoip, self.peeringdb or others.peeringdb)

    def or_usual(self) -> "LocationFiles":
        """Return these files, and in place of those that are None the usual ones that exist."""
        folder = user_folder("config")
        ours = () if folder is None else (folder,)
        everywhere = (*ours, *map(Path, _GEOIP_FOLDERS))
        usual = LocationFiles(_first(everywhere, GEOIP_NAME), _first(ours, PEERINGDB_NAME))
        return self.or_else(usual)


def _first(folders: Iterable[Path], name: str) -> Path | None:
    places = (folder / name for folder in folders)
    return next((place for place in places if is_reachable(place)), None)
