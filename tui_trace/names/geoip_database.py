"""Cities and countries, from a database in MaxMind's format: GeoLite2, DB-IP, IPinfo."""

import datetime
import time
from pathlib import Path
from typing import Any, NamedTuple

import maxminddb

from tui_trace.core.bounded_files import read_start
from tui_trace.names.addresses import Address

MOST_SECONDS = 5.0
"""CPU time of all lookups together: a forged file can make each of them take 0.3 s."""
_LANGUAGE = "en"


class CityRecord(NamedTuple):
    """What the database says of an address; empty where it says nothing."""

    city: str = ""
    country: str = ""
    """ISO 3166-1, two letters."""


class GeoipDatabase:
    """An open database; belongs to one thread."""

    def __init__(self, path: Path) -> None:
        """Open the file; `OSError`, or `ValueError` with what is wrong with it."""
        self.path = path
        read_start(path, 1)  # a pipe would wait for its writer
        try:
            # no mmap: the process would die where the file is cut off meanwhile
            self._reader = maxminddb.open_database(path, maxminddb.MODE_FILE)
            about = self._reader.metadata()
            built = datetime.datetime.fromtimestamp(about.build_epoch, datetime.UTC)
            self.title = f"{about.database_type} of {built:%Y-%m-%d}"
            """What the file calls itself, and when it was made."""
        except OSError:
            raise
        except Exception as error:  # what the file says of itself may have any type
            raise ValueError("no database in MaxMind's format") from error
        self._spent = 0.0

    def find(self, address: Address) -> CityRecord:
        """Return what is known of an address; `ValueError` if the file cannot be used any more."""
        if address.version > self._reader.metadata().ip_version:
            return CityRecord()
        began = time.thread_time()
        try:
            record = self._reader.get(address)
        except Exception as error:  # as above
            raise ValueError("the database is damaged") from error
        finally:
            self._spent += time.thread_time() - began
        if self._spent > MOST_SECONDS:
            raise ValueError("lookups in it take too long")
        return _city_record(record) if isinstance(record, dict) else CityRecord()

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


def _city_record(record: dict[Any, Any]) -> CityRecord:
    """Read MaxMind's nested objects, and IPinfo's plain texts."""
    country = record.get("country_code") or record.get("country")
    if isinstance(country, dict):
        country = country.get("iso_code")
    return CityRecord(_name(record.get("city")), _text(country))


def _name(value: object) -> str:
    if isinstance(value, dict):
        names = value.get("names")
        value = names.get(_LANGUAGE) if isinstance(names, dict) else None
    return _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
