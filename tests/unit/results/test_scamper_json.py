"""scamper's JSON: replies as it lists them, losses as they follow from its attempts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.results import FOLDER, sessions_of, snapshots_of
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, FlowMode, Protocol
from tui_trace.results.errors import ResultError

ICMP = FOLDER / "scamper-icmp-paris.json"
TRACE = json.loads(ICMP.read_text().splitlines()[1])


def write(path: Path, *objects: dict[str, Any]) -> Path:
    path.write_text("\n".join(map(json.dumps, objects)))
    return path


@pytest.mark.parametrize(
    ("name", "protocol", "sent", "kind"),
    [
        ("scamper-icmp-paris.json", Protocol.ICMP, [1, 2, 1, 1], ev.ReplyKind.ECHO),
        ("scamper-udp-paris.json", Protocol.UDP, [1, 1, 1, 1], ev.ReplyKind.UNREACHABLE),
        ("scamper-tcp-all-attempts.json", Protocol.TCP, [2, 2, 2, 2], ev.ReplyKind.RST),
    ],
)
def test_a_trace_of_scamper(
    name: str, protocol: Protocol, sent: list[int], kind: ev.ReplyKind
) -> None:
    told = json.loads((FOLDER / name).read_text().splitlines()[1])
    [snapshot] = snapshots_of(FOLDER / name)
    assert (snapshot.target, snapshot.source) == ("198.18.4.2", "198.18.1.1")
    assert snapshot.vantage == "client"
    assert snapshot.run.settings.protocol is protocol
    assert [hop.sent for hop in snapshot.run.hops] == sent
    assert sum(sent) == told["probe_count"]
    assert [hop.lost for hop in snapshot.run.hops] == [0, sent[1], 0, 0]
    assert [hop.is_target for hop in snapshot.run.hops] == [False, False, False, True]
    [events] = sessions_of(FOLDER / name)
    replies = [one for one in events if isinstance(one, ev.Reply)]
    assert replies[-1].kind is kind
    for one, hop in zip(replies, told["hops"], strict=True):
        assert (one.address, one.ttl) == (hop["addr"], hop["probe_ttl"])
        assert one.rtt == round(hop["rtt"] * 1_000_000)
        assert one.reply_ttl == hop["reply_ttl"]
        assert one.quoted_ttl == hop.get("icmp_q_ttl")
        tx = hop["tx"]["sec"] * NS_PER_S + hop["tx"]["usec"] * 1000
        assert snapshot.wall + one.at == tx


def test_traces_to_one_target_are_rounds_of_one_session(tmp_path: Path) -> None:
    later = TRACE | {"start": {"sec": TRACE["start"]["sec"] + 60, "usec": 0}, "hops": []}
    other = TRACE | {"dst": "198.18.9.9"}
    one, two = snapshots_of(write(tmp_path / "x", later, TRACE, other))
    assert (one.run.rounds, two.run.rounds) == (2, 1)
    assert [hop.lost for hop in one.run.hops] == [2, 4, 2, 2]
    assert one.run.reached


def test_other_types_are_passed_over(tmp_path: Path) -> None:
    ping = {"type": "ping", "version": "0.4", "src": "198.18.1.1", "dst": "198.18.4.2"}
    assert len(snapshots_of(write(tmp_path / "x", ping, TRACE, ping))) == 1
    with pytest.raises(ResultError, match="no trace among 1 objects"):
        snapshots_of(write(tmp_path / "y", ping))


@pytest.mark.parametrize("base", [0, 1])
def test_attempts_count_from_0_or_from_1(tmp_path: Path, base: int) -> None:
    """Of the second hop only the second attempt was answered."""
    hops = [
        TRACE["hops"][0] | {"probe_id": base},
        TRACE["hops"][1] | {"probe_ttl": 2, "probe_id": base + 1},
    ]
    path = write(tmp_path / "x", TRACE | {"hops": hops, "hop_count": 2, "probe_count": 3})
    assert [(hop.sent, hop.lost) for hop in snapshots_of(path)[0].run.hops] == [(1, 0), (2, 1)]


@pytest.mark.parametrize(("count", "lost"), [(4, 1), (2, 0)])
def test_the_number_of_probes_says_from_where_attempts_count(
    tmp_path: Path, count: int, lost: int
) -> None:
    hops = [TRACE["hops"][0] | {"probe_ttl": ttl, "probe_id": 1} for ttl in (1, 2)]
    path = write(tmp_path / "x", TRACE | {"hops": hops, "hop_count": 2, "probe_count": count})
    assert [hop.lost for hop in snapshots_of(path)[0].run.hops] == [lost, lost]


def test_unanswered_probes_that_are_listed_are_the_lost_ones(tmp_path: Path) -> None:
    lost = [{"probe_ttl": 2, "probe_id": number, "tx": TRACE["start"]} for number in (1, 2, 3)]
    [snapshot] = snapshots_of(write(tmp_path / "x", TRACE | {"no_hops": lost}))
    assert [hop.lost for hop in snapshot.run.hops] == [0, 3, 0, 0]


def test_extensions_mtu_duplicates_and_stamps(tmp_path: Path) -> None:
    label = {"mpls_ttl": 1, "mpls_s": 1, "mpls_exp": 3, "mpls_label": 300}
    hop = TRACE["hops"][0] | {
        "icmpext": [{"ie_cn": 1, "ie_ct": 1, "ie_dl": 4, "mpls_labels": [label]}],
        "icmp_type": 3,
        "icmp_code": 4,
        "icmp_nhmtu:": 1400,
        "flags": ["dltxts", "dlrxts"],
    }
    path = write(tmp_path / "x", TRACE | {"hops": [hop, hop], "method": "udp", "hop_count": 1})
    first, second = (one for one in sessions_of(path)[0] if isinstance(one, ev.Reply))
    assert (first.kind, first.mtu) == (ev.ReplyKind.TOO_BIG, 1400)
    assert first.labels == (ev.MplsLabel(300, 3, True, 1),)
    assert first.sent_stamp is first.received_stamp is ev.Stamp.KERNEL
    assert (first.duplicate, second.duplicate) == (False, True)
    assert snapshots_of(path)[0].run.settings.flow is FlowMode.CLASSIC


def test_an_unknown_method_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="method 'pigeon'"):
        snapshots_of(write(tmp_path / "x", TRACE | {"method": "pigeon"}))
