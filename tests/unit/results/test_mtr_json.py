"""mtr's `-j`: counts and times as it tells them, and what it lacks is lacking."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.event_builders import EVENTS, began, lost, opened, reply, sent
from tests.helpers.results import FOLDER, sessions_of, snapshots_of
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, ProbeSettings, Protocol
from tui_trace.report.collector import Collector
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.mtr_json import render_json
from tui_trace.results.errors import ResultError

MTR = json.loads((FOLDER / "mtr.json").read_text())


def report(**changes: Any) -> dict[str, Any]:
    """The report of mtr with its first hop changed; None: that key is missing."""
    changed = json.loads(json.dumps(MTR))
    hub = changed["report"]["hubs"][0] | changes
    changed["report"]["hubs"][0] = {key: value for key, value in hub.items() if value is not None}
    return changed


def write(path: Path, *documents: Any, indent: int | None = None) -> Path:
    path.write_text("\n".join(json.dumps(one, indent=indent) for one in documents))
    return path


@pytest.mark.parametrize("name", ["mtr.json", "mtr-ipv6.json", "mtr-all-columns.json"])
def test_every_number_of_mtr_is_shown(name: str) -> None:
    hubs = json.loads((FOLDER / name).read_text())["report"]["hubs"]
    [snapshot] = snapshots_of(FOLDER / name)
    fields = "LDRSNBAWVGJMXI" if "Gmean" in hubs[0] else "LSNABWV"
    shown = json.loads(render_json(snapshot, ReportLayout(fields=fields)))["report"]["hubs"]
    assert len(shown) == len(hubs) == 4
    for ours, theirs in zip(shown, hubs, strict=True):
        assert {key: ours[key] for key in theirs} == theirs
    assert [hub["reached"] for hub in shown] == [False, False, False, True]


def test_what_mtr_does_not_tell_is_not_there() -> None:
    [snapshot] = snapshots_of(FOLDER / "mtr.json")
    assert (snapshot.wall, snapshot.vantage, snapshot.family) == (0, "client", 4)
    assert (snapshot.findings, snapshot.episodes, snapshot.paths) == ((), (), ())
    assert "no single RTTs" in (snapshot.notice or "")
    for hop in snapshot.run.hops:
        assert hop.recent == ()
        assert hop.figures.p50 is hop.figures.jitter is hop.figures.gmean is None
        assert hop.quote is None
    silent = snapshot.run.hops[1].figures
    assert silent.last is silent.min is silent.mean is None
    assert snapshot.run.rounds == 5


@pytest.mark.parametrize(
    ("host", "addresses", "names"),
    [
        ("192.0.2.1", ("192.0.2.1",), ()),
        ("gw.example (192.0.2.1)", ("192.0.2.1",), ("gw.example",)),
        ("gw.example", ("gw.example",), ()),
        ("gw.example (no address)", ("gw.example (no address)",), ()),
        ("???", (), ()),
    ],
)
def test_a_host_is_an_address_a_name_or_both(
    tmp_path: Path, host: str, addresses: tuple[str, ...], names: tuple[str, ...]
) -> None:
    path = write(tmp_path / "x", report(host=host, ASN="AS64500"))
    [snapshot] = snapshots_of(path)
    hop = snapshot.run.hops[0]
    assert tuple(one.address for one in hop.responders) == addresses
    known = snapshot.who.get("192.0.2.1")
    assert (known.names if known else ()) == names
    if "192.0.2.1" in addresses:
        assert known is not None
        assert known.asn == "AS64500"


def test_a_target_given_by_name_is_not_claimed_to_be_reached(tmp_path: Path) -> None:
    changed = report()
    changed["report"]["mtr"]["dst"] = "www.example"
    [snapshot] = snapshots_of(write(tmp_path / "x", changed))
    assert not snapshot.run.reached
    assert len(snapshot.run.hops) == 4


def test_numbers_that_old_versions_write_as_text_are_numbers(tmp_path: Path) -> None:
    [snapshot] = snapshots_of(write(tmp_path / "x", report(count="1", Snt="5", Last="2.5")))
    assert snapshot.run.hops[0].sent == 5
    assert snapshot.run.hops[0].figures.last == 2.5 * NS_PER_MS


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"Loss%": 20.0}, 1),
        ({"Loss%": None, "Drop": 2}, 2),
        ({"Loss%": None, "Rcv": 2}, 3),
        ({"Loss%": 50.0, "Snt": 7, "pending": 1}, 3),
    ],
)
def test_losses_are_counted_by_any_column(
    tmp_path: Path, changes: dict[str, Any], lost: int
) -> None:
    assert snapshots_of(write(tmp_path / "x", report(**changes)))[0].run.hops[0].lost == lost


@pytest.mark.parametrize(
    "changes",
    [
        {"Snt": None},
        {"Loss%": None},
        {"Snt": -1},
        {"Loss%": 101},
        {"Drop": 6},
        {"Rcv": 6},
        {"Last": -0.5},
        {"Last": 1e300},
        {"count": 256},
        {"host": 7},
        {"host": "x" * 5000},
        {"addresses": ["192.0.2.1"] * 65},
        {"pending": 9},
        {"Snt": 10**30},
    ],
)
def test_numbers_of_no_hop_are_one_error(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ResultError) as error:
        snapshots_of(write(tmp_path / "x", report(**changes)))
    assert len(str(error.value).splitlines()) == 1


def test_several_reports_one_after_another_or_in_a_list(tmp_path: Path) -> None:
    several = [report(), report(Snt=9), report()]
    for path in (
        write(tmp_path / "lines", *several),
        write(tmp_path / "pretty", *several, indent=4),
        write(tmp_path / "list", several),
        write(tmp_path / "pretty list", several, indent=4),
    ):
        assert [one.run.hops[0].sent for one in snapshots_of(path)] == [5, 9, 5]


@pytest.mark.parametrize("between", ["x", "7", '"text"', "]"])
def test_what_is_no_report_between_reports_is_an_error(tmp_path: Path, between: str) -> None:
    path = tmp_path / "x"
    text = json.dumps(report(), indent=4)
    path.write_text(f"{text}\n{between}\n{text}")
    with pytest.raises(ResultError, match="no JSON"):
        snapshots_of(path)


def test_our_own_report_comes_back_as_it_was(tmp_path: Path) -> None:
    collector = Collector()
    settings = ProbeSettings(protocol=Protocol.TCP, port=443, tos=184, size=60)
    for event in (
        began(wall=1_700_000_000 * 10**9),
        opened(probe=settings),
        ev.RoundBegan(at=0, run=1, round=1),
        sent(1, 1),
        reply(1, 1, 3 * NS_PER_MS),
        sent(2, 1),
        reply(2, 1, 5 * NS_PER_MS),
        sent(3, 1),
        lost(3, 1),
        sent(4, 2),
        reply(4, 2, address="203.0.113.80", kind=ev.ReplyKind.SYN_ACK, reached=True),
        ev.PathEnd(at=0, run=1, ttl=2, reached=True),
        ev.HostNamed(at=0, address="203.0.113.1", names=("gw.example",)),
    ):
        collector.event(event)
    before = json.loads(render_json(collector.snapshot(), ReportLayout()))
    [snapshot] = snapshots_of(write(tmp_path / "x", before, indent=4))
    after = json.loads(render_json(snapshot, ReportLayout()))
    assert after["report"]["mtr"] == before["report"]["mtr"]
    kept = {"count", "host", "Loss%", "Snt", "Last", "Avg", "Best", "Wrst", "StDev", "addresses"}
    kept |= {"reached", "jitter_ms", "p50_ms", "p90_ms", "p99_ms", "late", "duplicates"}
    for ours, theirs in zip(before["report"]["hubs"], after["report"]["hubs"], strict=True):
        assert {key: theirs[key] for key in kept} == {key: ours[key] for key in kept}
    told = {"address", "source", "start", "probe", "run", "rounds", "reached", "version"}
    for key in told:
        assert after["report"]["tui_trace"][key] == before["report"]["tui_trace"][key]


def test_a_summary_goes_through_json_lines(tmp_path: Path) -> None:
    [events] = sessions_of(FOLDER / "mtr.json")
    path = tmp_path / "lines"
    path.write_bytes(b"".join(ev.encode(event) + b"\n" for event in events))
    assert sessions_of(path) == [events]
    assert EVENTS[0].wall != 0
