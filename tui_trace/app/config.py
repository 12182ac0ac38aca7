"""The config file: `tui-trace/config.toml` in the user's config directory (`~/.config` on Linux).

All of it is optional; the command line wins over it::

    theme = "tui-trace"        # or any of Textual's: nord, gruvbox, textual-light, ...
    refresh = 10               # repaints a second at most, 1 to 30
    zone = "local"             # of all times of day: or UTC, Europe/Berlin, ...
    suspended = "pause"        # at Ctrl-Z, nothing is sent until fg; or "probe": probing goes on
    bell = false               # rings as an episode that harms the target begins and ends

    [options]                  # long options; those of `ALONE` work on the command line alone
    icmp = true                # a flag; false says nothing
    tos = "BE"                 # anything else: a number or a text
    interval = 1.0
    max-ttl = 30

    [recordings]               # beyond these, the oldest are deleted as a new session begins
    keep = 100                 # recordings, the new one included, 1 to 100000
    size = "2 GiB"             # of all together: a number and MB, GB, TB, MiB, GiB or TiB

    [locations]                # as the options of these names; ~ is the home of the user
    geoip = "~/GeoLite2-City.mmdb"
    peeringdb = "~/peeringdb.json"

    [columns]                  # what each display shows after number and host
    latency = ["loss", "sent", "last", "min", "avg", "max", "recent", "notes"]

    [keymap]                   # names as in tui_trace/app/keymap.py; several keys with commas
    "probe.tcp" = "t"
    "app.quit" = "q,Z"

A key that is not known, a value of a wrong type or out of range, and a key of the keyboard that is
to do two things are refused with one line that names the file and the key. A file that cannot be
reached is an empty one, and so is any with `--no-config`.

`[options]` holds in the live view and with `--watch`. The command line is parsed first, for what
takes effect before any file of the user may be read, and again behind the options of the file
(`tui_trace/options/config_options.py`).
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from tui_trace.app.keymap import KEYS
from tui_trace.core.bounded_files import (
    error_reason,
    is_reachable,
    parse_toml,
    read_file,
    user_folder,
)
from tui_trace.core.local_time import LOCAL, parse_zone
from tui_trace.core.settings import SettingError, UsageError
from tui_trace.core.stream import SourceError
from tui_trace.names.location_options import LocationFiles
from tui_trace.options.command_line import Options, parse_command_line
from tui_trace.recording.sessions import RetentionLimits
from tui_trace.report.hop_columns import ALWAYS, COLUMNS, DISPLAYS

REFRESH = (1.0, 30.0)
"""Least and most repaints a second."""
SUSPENDED = ("pause", "probe")
MOST_BYTES = 256 * 1024
"""Of the file."""


class ConfigError(UsageError):
    """What the file says is wrong; the line names it."""


ParseBehind: TypeAlias = Callable[[Mapping[str, Any]], Options]
"""What parses a command line again, behind options of the file."""

_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SIZE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?([MGT]i?B)", re.ASCII)
_MOST_KEPT = 100_000


class Recordings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the usual folder of recordings holds at most."""

    keep: int = 100
    size: str = "2 GiB"

    def kept(self) -> RetentionLimits:
        """As numbers; `SettingError` if they can never be right."""
        if not 1 <= self.keep <= _MOST_KEPT:
            takes = f"1 to {_MOST_KEPT} recordings (--no-record records nothing)"
            raise SettingError("recordings.keep", self.keep, takes)
        found = _SIZE.fullmatch(self.size.strip())
        size = round(float(found[1]) * _UNITS[found[2]]) if found else 0
        if not size:
            raise SettingError("recordings.size", self.size, 'a size such as "500 MB" or "2 GiB"')
        return RetentionLimits(self.keep, size)


class Locations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files that say where addresses are; None: the usual ones."""

    geoip: str | None = None
    peeringdb: str | None = None

    def files(self) -> LocationFiles:
        """As paths."""
        geoip, peeringdb = (
            None if name is None else Path(os.path.expanduser(name))
            for name in (self.geoip, self.peeringdb)
        )
        return LocationFiles(geoip, peeringdb)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file says; `Config()` is what an empty one says."""

    theme: str | None = None
    refresh: float = 10.0
    """Repaints a second at most."""
    bell: bool = False
    """Episodes that harm the target ring."""
    zone: str = LOCAL
    """The time zone of all times of day."""
    suspended: str = "pause"
    """What probing does while the view is suspended (Ctrl-Z): one of `SUSPENDED`."""
    options: dict[str, Any] = {}
    """Options of the command line by their long names: see `options_before`."""
    recordings: Recordings = Recordings()
    locations: Locations = Locations()
    columns: dict[str, tuple[str, ...]] = {}
    keymap: dict[str, str] = {}
    """Keys by the id of what they do."""
    path: str = ""
    """Where it was read from."""

    def options_before(self, parse: ParseBehind) -> Options:
        """Return what `parse` makes of a command line behind the options of the file.

        `ConfigError` if they do not go together, `SettingError` if the command line is wrong.
        """
        try:
            return parse(self.options)
        except SettingError as error:
            parse({})  # what is wrong without the file is not the file's
            raise ConfigError(
                f"{self.path}: [options] does not go with the command line: {error}"
                " (--no-config leaves the file out)"
            ) from None


def default_path() -> Path | None:
    """Where the file is looked for; None for a user who has no home."""
    folder = user_folder("config")
    return None if folder is None else folder / "config.toml"


def load_config(path: Path | None = None) -> Config:
    """Read the file; one that cannot be seen is empty, unless it was named.

    `ConfigError` for what it says, `SourceError` if it cannot be read.
    """
    place = default_path() if path is None else path
    if place is None or (path is None and not is_reachable(place)):
        return Config()
    try:
        content = read_file(place, MOST_BYTES)
    except FileNotFoundError:
        raise SourceError(f"{place}: there is no such file") from None
    except OSError as error:
        raise SourceError(f"{place}: cannot be read: {error_reason(error)}") from None
    try:
        _, values = parse_toml(content)
        if "path" in values:
            raise msgspec.ValidationError("Object contains unknown field `path`")
        config = replace(msgspec.convert(values, Config), path=str(place))
        _check(config)
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{place}: {_line(error)}") from None
    return config


def _line(error: Exception) -> str:
    return " ".join(str(error).replace("Object contains", "the file contains").split())


def _check_options(options: Mapping[str, Any]) -> None:
    """Refuse what can never be right, whatever the command line is."""
    if not options:
        return
    try:
        parse_command_line(["host"], options)
    except SettingError as error:
        line = str(error)
        where = "options." if line.startswith("--") else "options: "
        raise UsageError(where + line.removeprefix("--")) from None


def _check(config: Config) -> None:
    low, high = REFRESH
    if not low <= config.refresh <= high:
        raise SettingError("refresh", config.refresh, f"{low:g} to {high:g} repaints a second")
    parse_zone(config.zone)
    if config.suspended not in SUSPENDED:
        raise SettingError("suspended", config.suspended, " or ".join(SUSPENDED))
    config.recordings.kept()
    _check_options(config.options)
    for display, columns in config.columns.items():
        if display not in DISPLAYS:
            raise SettingError("columns", display, f"displays ({', '.join(DISPLAYS)})")
        known = [name for name in COLUMNS if name not in ALWAYS]
        for name in columns:
            if name not in known or columns.count(name) > 1:
                raise SettingError(
                    f"columns.{display}", name, f"each of these at most once: {', '.join(known)};"
                )
    ids = {key.id: key.keys for key in KEYS}
    for name, keys in config.keymap.items():
        if name not in ids:
            raise SettingError("keymap", name, "the id of a key binding")
        if not all(key.strip() for key in keys.split(",")):
            raise SettingError(f"keymap.{name}", keys, "names of keys, separated by commas")
    taken: dict[str, str] = {}
    kept = {name: keys for name, keys in ids.items() if name not in config.keymap}
    for name, keys in {**kept, **config.keymap}.items():
        for key in keys.split(","):
            other = taken.setdefault(key.strip(), name)
            if other != name:
                raise SettingError(
                    f"keymap.{name}", key, f"a key that is not bound to {other} already"
                )
