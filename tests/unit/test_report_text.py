"""Reports of sessions made event by event."""

import json

import pytest

from tests.unit.test_session_fold import began, lost, opened, reply, sent
from tui_trace import events as ev
from tui_trace.report import mtr_json, text
from tui_trace.report.collector import Collector
from tui_trace.settings import NS_PER_MS, NS_PER_S, ProbeSettings, Protocol

TCP = ProbeSettings(protocol=Protocol.TCP, port=443, size=60)


def snapshot_of(*events, probe=TCP, **target):
    collector = Collector()
    for event in (began(**target), opened(probe=probe), *events):
        collector.event(event)
    collector.pulse(9 * NS_PER_S)
    return collector.snapshot()


def path():
    """A router, a silent one, two that share a TTL, and the target, of which one probe is lost."""
    events = []
    for n, ttl, address in (
        (0, 1, "203.0.113.1"), (10, 1, "203.0.113.1"), (20, 3, "203.0.113.3"),
        (30, 3, "203.0.113.4"),
    ):  # fmt: skip
        events += [sent(n, ttl), reply(n, ttl, (n + 5) * NS_PER_MS, address=address, at=n)]
    events += [sent(n, 2) for n in (41, 42)] + [lost(n, 2) for n in (41, 42)]
    open_port = {"kind": ev.ReplyKind.SYN_ACK, "reached": True, "address": "203.0.113.80"}
    events += [sent(n, 4) for n in (51, 52, 53, 54)]
    events += [reply(51, 4, 9_000_000, **open_port), lost(52, 4), lost(53, 4)]
    events += [reply(53, 4, 9_900_000, late=True, **open_port)]
    events += [reply(51, 4, 9_000_000, duplicate=True, **open_port)]
    return [*events, ev.PathEnd(at=1, run=1, ttl=4, reached=True)]


def test_table_has_the_columns_of_mtr_and_our_notes_after_them():
    lines = text.render(snapshot_of(*path()), wide=False).splitlines()
    assert lines[0].startswith("Start: 2001-09-09T01:46:40")
    assert lines[0].endswith(
        "  example.com (203.0.113.80) · TCP port 443 · TOS 0 · DF off · 60 bytes"
    )
    assert lines[1].startswith("HOST: ")
    assert lines[1][33:] == " Loss%   Snt   Last   Avg  Best  Wrst StDev"
    assert lines[2:] == [
        "  1.|-- 203.0.113.1                0.0%     2   15.0  10.0   5.0  15.0   7.1",
        "  2.|-- ???                       100.0     2    0.0   0.0   0.0   0.0   0.0",
        "  3.|-- 203.0.113.4                0.0%     2   35.0  30.0  25.0  35.0   7.1",
        "        203.0.113.3",
        "  4.|-- 203.0.113.80              33.3%     4    9.9   9.4   9.0   9.9   0.6"
        "  [open] · 1 late · 1 duplicate",
    ]


def test_wide_shows_in_full_what_the_narrow_one_cuts():
    name = "a-very-long-name-of-a-router.in.some.far.away.example"
    snapshot = snapshot_of(*path())
    narrow = text.render(snapshot, wide=False, name_of=lambda _: name)
    wide = text.render(snapshot, wide=True, name_of=lambda _: name)
    assert name not in narrow
    assert f"  1.|-- {name[:25]}" in narrow
    assert wide.count(name) == 4
    header, *rows = [line for line in wide.splitlines()[1:] if "|--" in line or "HOST" in line]
    assert {row.index("%") for row in rows if "%" in row[60:]} == {header.index("%")}


def test_an_address_is_never_cut():
    address = "2001:db8:1111:2222:3333:4444:5555:6666"
    snapshot = snapshot_of(sent(1, 1), reply(1, 1, address=address), family=6)
    assert address in text.render(snapshot, wide=False)


def test_what_is_wrong_stands_under_the_table():
    snapshot = snapshot_of(
        sent(1, 1),
        reply(1, 1, received_stamp=ev.Stamp.USER),
        ev.Foreign(at=1, count=3),
        ev.Notice(at=1, text="packet size raised to 40 bytes"),
        ev.SendFailed(at=NS_PER_S, run=1, ttl=1, errno=101, reason="no route to the network"),
    )
    assert text.render(snapshot, wide=False).splitlines()[-4:] == [
        "no route to the network",
        "packet size raised to 40 bytes",
        "3 foreign replies, which answer none of our probes",
        "RTT not by the kernel's stamps alone: hop 1",
    ]
    added = json.loads(mtr_json.render(snapshot))["report"]["tui_trace"]
    assert len(added["troubles"]) == 4
    assert added["foreign"] == 3


def test_hostile_text_reaches_no_terminal():
    snapshot = snapshot_of(
        sent(1, 1),
        reply(1, 1, address="\x1b[2J203.0.113.1\n"),
        ev.Notice(at=1, text="\x1b]0;owned\x07"),
        target="\x1b[31mred\r\nHOST",
        version="\x9b",
    )
    for shown in (
        text.render(snapshot, wide=True, name_of=lambda address: address + "\x1b[0m"),
        mtr_json.render(snapshot, name_of=lambda address: address + "\x1b[0m"),
    ):
        assert not {"\x1b", "\x9b", "\x07", "\r"} & set(shown)
        assert r"\x1b[2J203.0.113.1\n\x1b[0m" in shown.replace("\\\\", "\\")
    assert len(text.render(snapshot, wide=True).splitlines()) == 4


@pytest.mark.parametrize("wall", [0, -(1 << 70), 1 << 70])
def test_reports_of_nothing_yet_and_of_an_impossible_time(wall):
    empty = Collector().snapshot()
    assert len(text.render(empty, wide=False).splitlines()) == 2
    assert json.loads(mtr_json.render(empty))["report"]["hubs"] == []
    snapshot = snapshot_of(wall=wall)
    assert text.render(snapshot, wide=True).startswith("Start: ")
    assert json.loads(mtr_json.render(snapshot))


def test_figures_wider_than_their_column_stay_apart():
    events = [sent(1, 1), reply(1, 1, 123_456 * NS_PER_MS), sent(2, 1), reply(2, 1, 0)]
    events += [sent(n, 1) for n in range(3, 100)]
    row = text.render(snapshot_of(*events), wide=False).splitlines()[2]
    assert row.split()[1:] == [
        "203.0.113.1", "0.0%", "99", "0.0", "61728.0", "0.0", "123456.0", "87296.6"
    ]  # fmt: skip


def test_json_figures_and_additions():
    report = json.loads(mtr_json.render(snapshot_of(*path())))["report"]
    assert report["mtr"]["dst"] == "example.com"
    assert report["mtr"]["psize"] == "60"
    first, silent, both, target = report["hubs"]
    assert (first["Snt"], first["Loss%"], first["Avg"]) == (2, 0.0, 10.0)
    assert first["StDev"] == 7.071
    assert (silent["host"], silent["Loss%"], silent["Last"]) == ("???", 100.0, 0.0)
    assert silent["p50_ms"] is silent["jitter_ms"] is None
    assert both["addresses"] == ["203.0.113.4", "203.0.113.3"]
    assert (target["late"], target["duplicates"], target["pending"]) == (1, 1, 1)
    assert (target["marks"], target["reached"]) == (["[open]"], True)
    assert target["Loss%"] == 33.333
    assert target["jitter_ms"] == 0.9
    assert target["p99_ms"] == pytest.approx(9.9, rel=0.01)
    added = report["tui_trace"]
    assert added["probe"]["protocol"] == "tcp"
    assert added["start"] == "2001-09-09T01:46:40+00:00"
