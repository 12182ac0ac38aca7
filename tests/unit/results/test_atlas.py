"""RIPE Atlas: a session for each probe and target, with every reply that it tells."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.helpers.results import FOLDER, sessions_of, snapshots_of
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, FlowMode, Protocol
from tui_trace.results.errors import ResultError
from tui_trace.session.snapshot import LOST, Snapshot

FILE = FOLDER / "atlas.json"
RESULTS = json.loads(FILE.read_text())


@pytest.fixture(scope="module")
def snapshots() -> list[Snapshot]:
    return snapshots_of(FILE)


def test_a_session_for_each_probe_and_target(snapshots: list[Snapshot]) -> None:
    assert [(one.vantage, one.target) for one in snapshots] == [
        ("RIPE Atlas probe 11", "www.example"),
        ("RIPE Atlas probe 12", "2001:db8:80:0:0:0:0:1"),
        ("RIPE Atlas probe 13", "late.example"),
        ("RIPE Atlas probe 14", "tcp.example"),
        ("RIPE Atlas probe 15", "nowhere.example"),
    ]


def test_traceroutes_of_one_probe_are_rounds(snapshots: list[Snapshot]) -> None:
    first = snapshots[0]
    assert (first.wall, first.source) == (1_700_000_000 * NS_PER_S, "192.168.7.2")
    assert first.run.rounds == 2
    assert first.pace.interval == 1800 * NS_PER_S
    assert first.pace.queries == 3
    near, mpls, silent, target = first.run.hops
    assert (near.sent, near.lost, near.figures.count) == (6, 1, 5)
    assert near.recent[:3] == (1_500_000, 1_250_000, LOST)
    assert (mpls.duplicates, mpls.figures.max) == (1, 11 * NS_PER_MS)
    assert [label.label for label in sessions_labels()] == [24001, 17]
    assert (silent.sent, silent.lost, silent.responders) == (3, 3, ())
    # the second traceroute did not meet it: those probes are lost at the target's TTL
    assert (target.sent, target.lost, target.is_target) == (6, 4, True)
    assert first.run.reached


def sessions_labels() -> tuple[ev.MplsLabel, ...]:
    events = sessions_of(FILE)[0]
    return next(one.labels for one in events if isinstance(one, ev.Reply) and one.labels)


def test_replies_have_what_atlas_tells_and_no_more() -> None:
    replies = [one for one in sessions_of(FILE)[0] if isinstance(one, ev.Reply)]
    first = replies[0]
    assert (first.ttl, first.address, first.rtt) == (1, "192.168.7.1", 1_500_000)
    assert (first.kind, first.reply_ttl, first.quoted_ttl) == (ev.ReplyKind.TIME_EXCEEDED, 64, 1)
    assert first.quoted_tos is None
    odd = next(one for one in replies if one.quoted_tos is not None)
    assert (odd.quoted_tos, odd.quoted_ttl) == (32, 2)
    target = next(one for one in replies if one.reached)
    assert (target.kind, target.ttl, target.quoted_ttl) == (ev.ReplyKind.ECHO, 4, None)
    assert {one.received_stamp for one in replies} == {ev.Stamp.USER}


def test_ipv6_errors_and_the_mtu(snapshots: list[Snapshot]) -> None:
    settings = snapshots[1].run.settings
    assert (settings.protocol, settings.size, settings.flow) == (Protocol.UDP, 88, FlowMode.VARY)
    assert settings.port == 0
    replies = [one for one in sessions_of(FILE)[1] if isinstance(one, ev.Reply)]
    unreachable, too_big = ev.ReplyKind.UNREACHABLE, ev.ReplyKind.TOO_BIG
    assert [(one.kind, one.code, one.mtu, one.reached) for one in replies] == [
        (ev.ReplyKind.TIME_EXCEEDED, None, None, False),
        (unreachable, 1, None, False),
        (too_big, None, 1280, False),
        (unreachable, 4, None, True),
        (unreachable, 4, None, True),
        (unreachable, 2, None, False),
    ]
    hop = snapshots[1].run.hops[0]
    assert (hop.sent, hop.lost, hop.refused) == (3, 2, 2)


def test_late_answers_make_stars_neither_lost_nor_sent(snapshots: list[Snapshot]) -> None:
    late = snapshots[2]
    assert [(hop.sent, hop.lost) for hop in late.run.hops] == [(1, 0), (0, 0)]
    assert "late answers" in (late.notice or "")
    assert not any(finding.harm for finding in late.findings)
    kinds = Counter(type(event) for event in sessions_of(FILE)[2])
    assert (kinds[ev.ProbeVoid], kinds[ev.ProbeLost], kinds[ev.Reply]) == (5, 0, 1)


def test_tcp_flags_tell_open_from_closed() -> None:
    replies = [one for one in sessions_of(FILE)[3] if isinstance(one, ev.Reply)]
    assert [(one.kind, one.reached) for one in replies] == [
        (ev.ReplyKind.SYN_ACK, True),
        (ev.ReplyKind.RST, True),
    ]


def test_what_the_probe_could_not_send_is_said(snapshots: list[Snapshot]) -> None:
    assert snapshots[4].trouble == "name resolution failed: no such name"
    assert snapshots[4].address == "nowhere.example"


def test_flows_that_change_are_no_change_of_the_path(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("\n".join(json.dumps(RESULTS[0] | {"paris_id": id}) for id in (1, 2)))
    assert snapshots_of(path)[0].run.settings.flow is FlowMode.VARY


def test_results_on_lines_and_out_of_order_are_the_same(
    tmp_path: Path, snapshots: list[Snapshot]
) -> None:
    path = tmp_path / "x"
    path.write_text("\n".join(json.dumps(one) for one in reversed(RESULTS)))
    found = {one.vantage: one for one in snapshots_of(path)}
    assert found == {one.vantage: one for one in snapshots}


def test_one_object_is_one_session(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(json.dumps(RESULTS[0], indent=2))
    assert len(snapshots_of(path)) == 1


def test_a_file_without_a_traceroute_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(json.dumps(RESULTS[-1]))
    with pytest.raises(ResultError, match="no traceroute among 1 results"):
        snapshots_of(path)
