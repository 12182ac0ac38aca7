"""The time zone of all times of day that are shown, written and typed."""

import datetime
import zoneinfo

from tui_trace.core.settings import SettingError

ZONES = "local, UTC, or a name such as Europe/Berlin"
LOCAL = "local"
_LONGEST = 100


class _Chosen:
    """What this process shows, as `TZ` is one for a process."""

    zone: datetime.tzinfo | None = None


def parse_zone(text: str) -> datetime.tzinfo | None:
    """Return a time zone by its name; None: that of this machine. `SettingError`."""
    name = text.strip()
    if name.lower() == LOCAL:
        return None
    if name.upper() == "UTC":
        return datetime.UTC
    try:
        if not name or len(name) > _LONGEST:
            raise ValueError
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingError("zone", text, ZONES) from None


def use_zone(name: str) -> None:
    """Use this time zone from now on, in the whole process. `SettingError`."""
    _Chosen.zone = parse_zone(name)


def local(moment: datetime.datetime) -> datetime.datetime:
    """Return a moment in the zone in use; a time of day without a zone is meant in that one."""
    if moment.tzinfo is None and _Chosen.zone is not None:
        return moment.replace(tzinfo=_Chosen.zone)
    return moment.astimezone(_Chosen.zone)


def zone_name(moment: datetime.datetime) -> str:
    """Return what the zone is called then (`CET`); empty: nobody chose one."""
    return "" if _Chosen.zone is None else local(moment).strftime("%Z")
