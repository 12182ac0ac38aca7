"""Reports of sessions made event by event."""

import csv
import io
import json
import re

import pytest

from tests.helpers.event_builders import began, lost, opened, reply, sent
from tui_trace.app.render.final_table import format_final_table
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, ProbeSettings, Protocol, SettingError
from tui_trace.report import mtr_csv, mtr_json
from tui_trace.report.collector import Collector
from tui_trace.report.markdown import render_markdown
from tui_trace.report.mtr_fields import FIELDS, ReportLayout, parse_fields
from tui_trace.report.mtr_text import render_text

NARROW, WIDE = ReportLayout(), ReportLayout(wide=True)
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
    lines = render_text(snapshot_of(*path()), NARROW).splitlines()
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
    addresses = [f"203.0.113.{n}" for n in (1, 3, 4, 80)]
    named = [ev.HostNamed(at=1, address=address, names=(name,)) for address in addresses]
    snapshot = snapshot_of(*path(), *named)
    narrow = render_text(snapshot, NARROW)
    wide = render_text(snapshot, WIDE)
    assert name not in narrow
    assert f"  1.|-- {name[:25]}" in narrow
    assert wide.count(name) == 4
    header, *rows = [line for line in wide.splitlines()[1:] if "|--" in line or "HOST" in line]
    assert {row.index("%") for row in rows if "%" in row[60:]} == {header.index("%")}


def test_an_address_is_never_cut():
    address = "2001:db8:1111:2222:3333:4444:5555:6666"
    snapshot = snapshot_of(sent(1, 1), reply(1, 1, address=address), family=6)
    assert address in render_text(snapshot, NARROW)


def test_what_is_wrong_stands_under_the_table():
    snapshot = snapshot_of(
        sent(1, 1),
        reply(1, 1, received_stamp=ev.Stamp.USER),
        ev.Foreign(at=1, count=3),
        ev.Notice(at=1, text="packet size raised to 40 bytes"),
        ev.SendFailed(at=NS_PER_S, run=1, ttl=1, errno=101, reason="no route to the network"),
    )
    assert render_text(snapshot, NARROW).splitlines()[-4:] == [
        "no route to the network",
        "packet size raised to 40 bytes",
        "3 replies matched none of our probes",
        "hop 1: some RTTs use user-space timestamps",
    ]
    added = json.loads(mtr_json.render_json(snapshot, NARROW))["report"]["tui_trace"]
    assert len(added["troubles"]) == 4
    assert added["foreign"] == 3


def test_notes_stand_under_the_table_at_their_time():
    notes = [
        ev.Note(at=8 * NS_PER_S, text="the provider was called", moment=5 * NS_PER_S),
        ev.Note(at=9 * NS_PER_S, text="first loss", moment=2 * NS_PER_S),
    ]
    snapshot = snapshot_of(*path(), *notes)
    for report in (render_text, render_markdown):
        lines = [line for line in report(snapshot, NARROW).splitlines() if "Note 20" in line]
        assert re.fullmatch(r"Note 2001.*09.*01:46:42.*: first loss", lines[0])
        assert re.fullmatch(r"Note 2001.*09.*01:46:45.*: the provider was called", lines[1])
    told = json.loads(mtr_json.render_json(snapshot, NARROW))["report"]["tui_trace"]["notes"]
    assert told[0] == {"time": "2001-09-09T01:46:42+00:00", "at_s": 2.0, "text": "first loss"}
    assert format_final_table(snapshot, 80).rstrip().endswith("the provider was called")


def test_the_json_says_how_probes_leave():
    silent = snapshot_of(*path())
    way = ev.EgressFound(0, 1, "192.0.2.5", "eth0\x1b[2J", "192.0.2.1", 1500)
    said = [
        json.loads(mtr_json.render_json(one, NARROW))["report"]["tui_trace"]
        for one in (silent, snapshot_of(way, *path()))
    ]
    assert [one["runs"][0]["egress"] == one["egress"] for one in said] == [True, True]
    assert said[0]["egress"] is None
    shown = said[1]["egress"]
    assert "\x1b" not in shown.pop("interface")
    assert shown == {"source": "192.0.2.5", "gateway": "192.0.2.1", "mtu": 1500}


@pytest.mark.parametrize("moment", [-(1 << 63), (1 << 63) - 1])
def test_a_note_about_an_impossible_time_is_one_all_the_same(moment):
    snapshot = snapshot_of(*path(), ev.Note(at=NS_PER_S, text="when", moment=moment))
    assert render_text(snapshot, NARROW).count("when") == 1
    assert mtr_json.render_json(snapshot, NARROW)


def test_hostile_text_reaches_no_terminal():
    address = "\x1b[2J203.0.113.1\n"
    snapshot = snapshot_of(
        sent(1, 1),
        reply(1, 1, address=address),
        ev.HostNamed(at=1, address=address, names=("\x1b[31mred\u202e", "other")),
        ev.AsnFound(at=1, address=address, asns=(64500,), prefix="\x1b[0m"),
        ev.Notice(at=1, text="\x1b]0;owned\x07"),
        target="\x1b[31mred\r\nHOST",
        version="\x9b",
    )
    for render in (
        render_text,
        mtr_json.render_json,
        mtr_csv.render_csv,
        render_markdown,
    ):
        for layout in (ReportLayout(both=True, about=1), ReportLayout(names=False, about=0)):
            shown = render(snapshot, layout)
            assert not {"\x1b", "\x9b", "\x07", "\r", "\u202e"} & set(shown)
            assert "\\x1b[2J203.0.113.1\\n" in re.sub(r"\\([^\w])", r"\1", shown).replace(
                "\\\\", "\\"
            )
    assert len(render_text(snapshot, WIDE).splitlines()) == 4


@pytest.mark.parametrize("wall", [0, -(1 << 70), 1 << 70])
def test_reports_of_nothing_yet_and_of_an_impossible_time(wall):
    empty = Collector().snapshot()
    assert len(render_text(empty, NARROW).splitlines()) == 2
    assert json.loads(mtr_json.render_json(empty, NARROW))["report"]["hubs"] == []
    snapshot = snapshot_of(wall=wall)
    assert render_text(snapshot, WIDE).startswith("Start: ")
    assert json.loads(mtr_json.render_json(snapshot, NARROW))


def test_figures_wider_than_their_column_stay_apart():
    events = [sent(1, 1), reply(1, 1, 123_456 * NS_PER_MS), sent(2, 1), reply(2, 1, 0)]
    events += [sent(n, 1) for n in range(3, 100)]
    row = render_text(snapshot_of(*events), NARROW).splitlines()[2]
    assert row.split()[1:] == [
        "203.0.113.1", "0.0%", "99", "0.0", "61728.0", "0.0", "123456.0", "87296.6"
    ]  # fmt: skip


def test_json_figures_and_additions():
    report = json.loads(mtr_json.render_json(snapshot_of(*path()), NARROW))["report"]
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


def who(address="203.0.113.1", **fields):
    origin = {"asns": (64500, 64501), "prefix": "203.0.113.0/24", "country": "DE"}
    known = origin | {"registry": "ripencc", "allocated": "2001-01-01"} | fields
    return [
        ev.HostNamed(at=1, address=address, names=("gw.example",)),
        ev.AsnFound(at=1, address=address, **known),
    ]


@pytest.mark.parametrize(
    ("layout", "row"),
    [
        (ReportLayout(), "  1.|-- gw.example   "),
        (ReportLayout(names=False), "  1.|-- 203.0.113.1   "),
        (ReportLayout(both=True), "  1.|-- gw.example (203.0.113.1)   "),
        (ReportLayout(names=False, both=True), "  1.|-- 203.0.113.1   "),
        (ReportLayout(about=0), "  1. AS64500/AS64501 gw.example   "),
        (ReportLayout(about=1), "  1. 203.0.113.0/24     gw.example   "),
        (ReportLayout(about=2), "  1. DE  gw.example   "),
        (ReportLayout(about=3), "  1. ripencc gw.example   "),
        (ReportLayout(about=4), "  1. 2001-01-01 gw.example   "),
    ],
)
def test_what_stands_for_a_host(layout, row):
    lines = render_text(snapshot_of(*path(), *who()), layout).splitlines()
    assert lines[2].startswith(row)
    assert lines[2].endswith("0.0%     2   15.0  10.0   5.0  15.0   7.1")
    assert "???" in lines[3]
    for other in (render_markdown, mtr_csv.render_csv):
        assert ("gw.example" in other(snapshot_of(*path(), *who()), layout)) == layout.names


def test_an_unknown_host_has_no_origin():
    lines = render_text(snapshot_of(*path()), ReportLayout(about=0)).splitlines()
    assert [line[5:14] for line in lines[2:]] == ["AS???    "] * 5
    hubs = json.loads(mtr_json.render_json(snapshot_of(*path(), *who()), ReportLayout(about=0)))
    assert [hub["ASN"] for hub in hubs["report"]["hubs"]] == ["AS64500/AS64501"] + ["AS???"] * 3


ALL = ReportLayout(fields="LDRSNBAWVGJMXIK")


def test_every_column_of_mtr_in_any_order():
    lines = render_text(snapshot_of(*path()), ALL).splitlines()
    assert lines[1].split()[2:] == [field.title for field in FIELDS.values()]
    assert lines[1].endswith(
        " Loss% Drop   Rcv   Snt  Last  Best   Avg  Wrst StDev Gmean Jttr Javg Jmax Jint Back"
    )
    assert lines[2].split()[2:] == (
        "0.0% 0 2 2 15.0 5.0 10.0 15.0 7.1 8.7 10.0 10.0 10.0 0.6 -".split()
    )
    hub = json.loads(mtr_json.render_json(snapshot_of(*path()), ALL))["report"]["hubs"][0]
    assert list(hub)[2:17] == [field.title for field in FIELDS.values()]
    assert (hub["Gmean"], hub["Jint"], hub["Rcv"]) == (8.66, 0.625, 2)
    backwards = render_text(snapshot_of(*path()), ReportLayout(fields="S L")).splitlines()
    assert backwards[1].endswith("   Snt  Loss%")
    assert backwards[2].endswith("     2   0.0%")


@pytest.mark.parametrize("fields", ["", "  ", "Q", "l", "L" * 21, "L,S", "\x1b"])
def test_other_columns_there_are_none(fields):
    with pytest.raises(SettingError, match="LDRSNBAWVGJMXIK"):
        parse_fields(fields)


def test_csv_has_the_header_of_mtr_and_ours_behind_it():
    shown = mtr_csv.render_csv(snapshot_of(*path()), NARROW)
    head, *rows = csv.reader(io.StringIO(shown))
    assert shown.startswith(
        "Mtr_Version,Start_Time,Status,Host,Hop,Ip,Loss%,Snt, ,Last,Avg,Best,Wrst,StDev,"
    )
    assert {len(row) for row in rows} == {len(head)}
    target = dict(zip(head, rows[-1], strict=True))
    assert target["Ip"] == "203.0.113.80"
    assert (target["Loss%"], target["Snt"], target[" "]) == ("33.33", "4", "1")
    assert (target["Late"], target["Duplicates"], target["Reached"]) == ("1", "1", "1")
    assert target["Marks"] == "[open]"
    assert rows[2][head.index("Addresses")] == "203.0.113.4 203.0.113.3"


@pytest.mark.parametrize("name", ["a,b", 'a"b', "=cmd|' /C calc'!A0", "+1", "@SUM(A1)"])
def test_no_name_breaks_a_csv_or_runs_in_a_spreadsheet(name):
    snapshot = snapshot_of(*path(), ev.HostNamed(at=1, address="203.0.113.1", names=(name,)))
    head, *rows = csv.reader(io.StringIO(mtr_csv.render_csv(snapshot, NARROW)))
    assert {len(row) for row in rows} == {len(head)}
    assert rows[0][5].removeprefix("'") == name
    assert not rows[0][5].startswith(("=", "+", "@"))


def test_no_name_is_markup_in_a_ticket():
    name = "a|b`c*d_e[x](y)<script>#1!@all"
    snapshot = snapshot_of(*path(), ev.HostNamed(at=1, address="203.0.113.1", names=(name,)))
    lines = render_markdown(snapshot, NARROW).splitlines()
    cells = [len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")]
    assert set(cells) == {11}
    row = next(line for line in lines if line.startswith("| 1 "))
    assert not re.search(r"(?<!\\)[`*_\[<#!@]", row)
    assert name in re.sub(r"\\(.)", r"\1", row)
