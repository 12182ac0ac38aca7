"""Where addresses are, by files of the user's: found once, harmless, and never in the way."""

import ipaddress
import json
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.hostile_text import EVIL
from tests.helpers.location_files import FRANKFURT, TITLE, peeringdb, write_geoip, write_peeringdb
from tests.helpers.recordings.recording_builders import Kept, record
from tui_trace.core.bounded_files import user_folder
from tui_trace.core.events import (
    Event,
    Located,
    Notice,
    PaceSet,
    Reply,
    ReplyKind,
    RoundBegan,
    RunOpened,
    SessionBegan,
    SessionEnded,
    Stamp,
)
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.core.stream import Command, Sink
from tui_trace.names import geoip_database, location_options
from tui_trace.names.exchange_prefixes import ExchangePrefixes, read_exchange_prefixes
from tui_trace.names.geoip_database import CityRecord, GeoipDatabase
from tui_trace.names.located_source import LocatedSource
from tui_trace.names.location_lookup import LocationLookup
from tui_trace.names.location_options import LocationFiles
from tui_trace.recording import Recording
from tui_trace.recording.redacted_source import RedactedSource
from tui_trace.redaction.redactor import Redactor

address = ipaddress.ip_address
PATIENCE = 20.0

# --- exchange points


def test_the_longest_prefix_names_the_exchange() -> None:
    found = ExchangePrefixes(
        [("80.81.192.0/21", "DE-CIX"), ("80.81.193.0/24", "its lab"), ("2001:7f8::/64", "DE-CIX")]
    )
    assert found.name_of(address("80.81.192.1")) == "DE-CIX"
    assert found.name_of(address("80.81.193.1")) == "its lab"
    assert found.name_of(address("80.81.200.1")) == ""
    assert found.name_of(address("2001:7f8::fc")) == "DE-CIX"
    assert found.name_of(address("2001:7f8:1::1")) == ""
    assert found.name_of(address("::80.81.192.1")) == "", "another IP version"
    assert found.name_of(address("192.168.1.1")) == ""


def test_the_file_is_what_the_api_gives(tmp_path: Path) -> None:
    networks = {"80.81.192.0/21": "DE-CIX Frankfurt", "195.66.224.0/21": "LINX LON1"}
    found = read_exchange_prefixes(write_peeringdb(tmp_path / "p.json", networks))
    assert len(found) == 2
    assert found.name_of(address("195.66.225.1")) == "LINX LON1"


def test_what_is_no_prefix_or_no_exchange_is_left_out(tmp_path: Path) -> None:
    dump = peeringdb({"80.81.192.0/21": "DE-CIX", "80.81.193.0/21": "bits of a host", "": "none"})
    dump["ixpfx"]["data"].append({"ixlan_id": 9999, "prefix": "192.0.2.0/24"})
    path = tmp_path / "p.json"
    path.write_text(json.dumps(dump))
    found = read_exchange_prefixes(path)
    assert len(found) == 1
    assert found.name_of(address("192.0.2.1")) == ""


def test_a_huge_table_is_refused_before_it_takes_memory(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    lans = b",".join([b'{"id":1000,"ix_id":1000}'] * 800_000)
    path.write_bytes(b'{"ix":{"data":[]},"ixlan":{"data":[' + lans + b']},"ixpfx":{"data":[]}}')
    with pytest.raises(ValueError, match="more than 16 MiB of exchange points"):
        read_exchange_prefixes(path)


# --- cities


def test_a_city_by_both_ip_versions(tmp_path: Path) -> None:
    path = write_geoip(
        tmp_path / "g.mmdb", {"198.51.100.0/24": FRANKFURT, "2001:db8::/32": FRANKFURT}
    )
    database = GeoipDatabase(path)
    assert database.title.startswith(f"{TITLE} of 20")
    here = CityRecord("Frankfurt am Main", "DE")
    assert database.find(address("198.51.100.7")) == here
    assert database.find(address("2001:db8::7")) == here
    for nowhere in ("198.51.101.7", "10.0.0.1", "2001:db9::7", "fe80::1"):
        assert database.find(address(nowhere)) == CityRecord()


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ({"city": "Paris", "country": "FR"}, CityRecord("Paris", "FR")),
        ({"city": "Paris", "country": "France", "country_code": "FR"}, CityRecord("Paris", "FR")),
        ({"country": {"iso_code": "FR"}}, CityRecord("", "FR")),
        ({"city": {"names": {"de": "Paris"}}}, CityRecord()),
        ({"city": {"names": 5}, "country": {"iso_code": ["FR"]}}, CityRecord()),
        ({"city": 5, "country": True}, CityRecord()),
        ("Paris", CityRecord()),
    ],
)
def test_what_a_record_says(tmp_path: Path, written: object, found: CityRecord) -> None:
    path = write_geoip(tmp_path / "g.mmdb", {"192.0.2.0/24": written}, ip_version=4)
    database = GeoipDatabase(path)
    assert database.find(address("192.0.2.1")) == found
    assert database.find(address("2001:db8::1")) == CityRecord(), "it has no IPv6"


def test_a_damaged_database_is_one_kind_of_error(tmp_path: Path) -> None:
    whole = write_geoip(
        tmp_path / "g.mmdb", {f"192.0.{net}.0/24": FRANKFURT for net in range(0, 40, 2)}
    ).read_bytes()
    rng = random.Random(1)
    refused = 0
    for number in range(400):
        data = bytearray(whole)
        if number % 2:
            del data[rng.randrange(len(data)) :]
        for _ in range(rng.randrange(1, 8)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        path = tmp_path / "damaged.mmdb"
        path.write_bytes(data)
        try:
            database = GeoipDatabase(path)
            for net in range(40):
                database.find(address(f"192.0.{net}.1"))
        except ValueError:
            refused += 1
    assert 100 < refused < 400


def test_lookups_that_take_too_long_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geoip_database, "MOST_SECONDS", 0.0)
    database = GeoipDatabase(write_geoip(tmp_path / "g.mmdb", {"192.0.2.0/24": FRANKFURT}))
    with pytest.raises(ValueError, match="too long"):
        [database.find(address("192.0.2.1")) for _ in range(1000)]


# --- in the stream


def reply(ttl: int, where: str) -> Reply:
    return Reply(
        5, 1, ttl, ttl, where, ReplyKind.TIME_EXCEEDED, 1_000_000, Stamp.KERNEL, Stamp.KERNEL
    )


class Replies:
    """A source of one reply from each address, twice."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    def run(self, sink: Sink) -> None:
        for event in (
            SessionBegan(0, 1, "target.example", "203.0.113.80", 4, "192.0.2.9", "0"),
            PaceSet(1, Pace()),
            RunOpened(2, 1, ProbeSettings()),
            RoundBegan(3, 1, 1),
        ):
            sink.event(event)
        for _ in range(2):
            for ttl, where in enumerate(self.addresses, 1):
                sink.event(reply(ttl, where))
                sink.pulse(6)
        sink.event(SessionEnded(7))

    def command(self, command: Command) -> None:
        pass

    def stop(self) -> None:
        pass


def told(files: LocationFiles, *addresses: str) -> list[Event]:
    sink = Kept()
    LocatedSource(Replies(*addresses), LocationLookup(files), patience=PATIENCE).run(sink)
    return sink.events


def located(events: list[Event]) -> dict[str, Located]:
    found = [event for event in events if isinstance(event, Located)]
    assert len({event.address for event in found}) == len(found), "each once"
    return {event.address: event for event in found}


@pytest.fixture
def files(tmp_path: Path) -> LocationFiles:
    return LocationFiles(
        write_geoip(
            tmp_path / "g.mmdb", {"198.51.100.0/24": FRANKFURT, "2001:db8::/32": FRANKFURT}
        ),
        write_peeringdb(
            tmp_path / "p.json", {"198.51.100.0/25": "DE-CIX", "203.0.113.0/24": "LINX"}
        ),
    )


@pytest.fixture(autouse=True)
def _no_usual_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(location_options, "_GEOIP_FOLDERS", ())
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_each_address_is_told_once_before_the_end(files: LocationFiles) -> None:
    events = told(files, "10.0.0.1", "198.51.100.1", "198.51.100.200", "2001:db8::1")
    assert isinstance(events[-1], SessionEnded)
    found = located(events)
    assert set(found) == {"198.51.100.1", "198.51.100.200", "2001:db8::1", "203.0.113.80"}
    first = found["198.51.100.1"]
    assert (first.city, first.country, first.exchange) == ("Frankfurt am Main", "DE", "DE-CIX")
    assert first.database.startswith(TITLE)
    assert found["198.51.100.200"].exchange == ""
    assert found["203.0.113.80"] == Located(
        found["203.0.113.80"].at, "203.0.113.80", exchange="LINX", database=first.database
    )


def test_an_address_is_looked_up_once_for_all_sources(
    files: LocationFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    find = GeoipDatabase.find

    def counted(self: GeoipDatabase, one: ipaddress.IPv4Address) -> CityRecord:
        asked.append(str(one))
        assert threading.current_thread().name == "locations"
        return find(self, one)

    monkeypatch.setattr(GeoipDatabase, "find", counted)
    lookup = LocationLookup(files)
    for _ in range(2):
        sink = Kept()
        LocatedSource(Replies("198.51.100.1"), lookup, patience=PATIENCE).run(sink)
        assert "198.51.100.1" in located(sink.events)
    assert sorted(asked) == ["198.51.100.1", "203.0.113.80"]


def test_without_files_nothing_is_said() -> None:
    events = told(LocationFiles(), "198.51.100.1")
    assert not [event for event in events if isinstance(event, (Located, Notice))]


def test_usual_files_are_found(files: LocationFiles) -> None:
    folder = user_folder("config")
    assert folder is not None
    folder.mkdir(parents=True)
    assert files.geoip is not None
    assert files.peeringdb is not None
    files.geoip.rename(folder / location_options.GEOIP_NAME)
    files.peeringdb.rename(folder / location_options.PEERINGDB_NAME)
    (where,) = (located(told(LocationFiles(), "198.51.100.1"))["198.51.100.1"],)
    assert (where.city, where.exchange) == ("Frankfurt am Main", "DE-CIX")


def write(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


BROKEN = {
    "missing": lambda _: None,
    "folder": lambda path: path.mkdir(),
    "pipe": os.mkfifo,
    "empty": write(b""),
    "huge": sparse,
    "text": write(b"no database"),
    "deep": write(b"[" * 1_000_000),
    "other JSON": write(b'{"ix": {"data": [{"id": "one"}]}}'),
    "no JSON object": write(b"[]"),
    "without networks": write(
        b'{"ix": {"data": []}, "ixlan": {"data": []}, "ixpfx": {"data": []}}'
    ),
    "only a marker": write(b"\xab\xcd\xefMaxMind.com" + b"\xe1\x41a" * 50_000),
    "a pointer to itself": write(b"\0" * 64 + b"\xab\xcd\xefMaxMind.com\x20\x00"),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("field", ["geoip", "peeringdb"])
def test_a_file_that_cannot_be_used_is_one_line(
    files: LocationFiles, tmp_path: Path, field: str, kind: str
) -> None:
    bad = tmp_path / "bad\x1b[31m"
    BROKEN[kind](bad)
    given = {"geoip": files.geoip, "peeringdb": files.peeringdb, field: bad}
    events = told(LocationFiles(**given), "198.51.100.1")
    (line,) = [event.text for event in events if isinstance(event, Notice)]
    assert line.startswith(f"--{field} ")
    assert line.isprintable()
    other = located(events)["198.51.100.1"]
    assert (other.city, other.exchange) == (
        ("", "DE-CIX") if field == "geoip" else ("Frankfurt am Main", "")
    )


def test_a_database_that_is_cut_off_while_it_is_read_is_one_line(files: LocationFiles) -> None:
    assert files.geoip is not None
    lookup = LocationLookup(files)
    sink = Kept()
    LocatedSource(Replies("198.51.100.1"), lookup, patience=PATIENCE).run(sink)
    os.truncate(files.geoip, 0)
    sink = Kept()
    LocatedSource(Replies("198.51.100.9", "198.51.100.8"), lookup, patience=PATIENCE).run(sink)
    (line,) = [event.text for event in sink.events if isinstance(event, Notice)]
    assert line == f"--geoip {files.geoip}: the database is damaged"
    assert located(sink.events)["198.51.100.8"].exchange == "DE-CIX"


@pytest.mark.parametrize("evil", EVIL)
def test_text_of_the_files_is_harmless(tmp_path: Path, evil: str) -> None:
    record = {"city": {"names": {"en": evil}}, "country": evil}
    given = LocationFiles(
        write_geoip(tmp_path / "g.mmdb", {"198.51.100.0/24": record}),
        write_peeringdb(tmp_path / "p.json", {"198.51.100.0/24": evil}),
    )
    for where in located(told(given, "198.51.100.1")).values():
        assert (where.city + where.country + where.exchange).isprintable()


def test_an_end_that_is_asked_for_waits_for_nothing(files: LocationFiles) -> None:
    class Never(LocationLookup):
        def settle(self, _done: threading.Event) -> None:
            source.stop()

    source = LocatedSource(Replies("198.51.100.1"), Never(files), patience=3600)
    sink = Kept()
    source.run(sink)
    assert isinstance(sink.events[-1], SessionEnded)


def test_a_hidden_hop_has_no_place(files: LocationFiles) -> None:
    hops = ("198.51.100.1", "203.0.113.9")
    inner = LocatedSource(Replies(*hops), LocationLookup(files), patience=PATIENCE)
    sink = Kept()
    RedactedSource(inner, Redactor(1)).run(sink)
    assert set(located(sink.events)) == {"203.0.113.9", "203.0.113.80"}
    assert "Frankfurt" not in repr(sink.events)


def test_a_recording_remembers_it(files: LocationFiles, tmp_path: Path) -> None:
    path = record(told(files, "198.51.100.1"), tmp_path / "a.session")
    with Recording(path) as recording:
        who = recording.snapshot(recording.end).who["198.51.100.1"]
    assert (who.city, who.exchange) == ("Frankfurt am Main, DE", "DE-CIX")
