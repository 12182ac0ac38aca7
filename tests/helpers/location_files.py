"""Files that say where addresses are, made for tests."""

import json
from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet

FRANKFURT = {
    "city": {"names": {"en": "Frankfurt am Main", "de": "Frankfurt"}},
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
}
TITLE = "GeoLite2-City"


def write_geoip(path: Path, records: dict[str, object], *, ip_version: int = 6) -> Path:
    """A database with a record for each prefix."""
    writer = MMDBWriter(
        ip_version=ip_version,
        ipv4_compatible=ip_version == 6,
        database_type=TITLE,
        languages=["en"],
    )
    for prefix, record in records.items():
        writer.insert_network(IPSet([prefix]), record)
    writer.to_db_file(str(path))
    return path


def peeringdb(networks: dict[str, str]) -> dict[str, dict[str, list[dict[str, object]]]]:
    """What the API and CAIDA give for exchange points with these prefixes, by name."""
    names = sorted(set(networks.values()))
    numbers = {name: 30 + number for number, name in enumerate(names)}
    now = {"created": "2010-07-29T00:00:00Z", "updated": "2026-11-03T00:00:00Z", "status": "ok"}
    return {
        "ix": {
            "data": [
                {"id": number, "org_id": 2, "name": name, "city": "Frankfurt", **now}
                for name, number in numbers.items()
            ]
        },
        "ixlan": {
            "data": [
                {"id": number + 100, "ix_id": number, "mtu": 1500, "dot1q_support": False, **now}
                for number in numbers.values()
            ]
        },
        "ixpfx": {
            "data": [
                {
                    "id": number, "ixlan_id": numbers[name] + 100, "protocol": "IPv4",
                    "prefix": prefix, "in_dfz": False, **now,
                }
                for number, (prefix, name) in enumerate(networks.items())
            ]
        },
        "net": {"data": [{"id": 1, "name": "not looked at", "info_prefixes4": None, **now}]},
    }  # fmt: skip


def write_peeringdb(path: Path, networks: dict[str, str]) -> Path:
    """That as a file."""
    path.write_text(json.dumps(peeringdb(networks)))
    return path
