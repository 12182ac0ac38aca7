"""What a search for the path MTU found, in words, in reports and in the heading."""

import msgspec
import pytest
from msgspec.structs import replace

from tui_trace.app.render.path_mtu_lines import path_mtu_lines
from tui_trace.core import events as ev
from tui_trace.core.events import MtuSearchEnd as End
from tui_trace.core.events import MtuSource
from tui_trace.core.settings import NS_PER_S, ProbeSettings
from tui_trace.report.finding_lines import path_mtu_object, state_lines
from tui_trace.session.checkpoint import SessionCheckpoint
from tui_trace.session.fold import Session
from tui_trace.session.host_labels import HostLabels
from tui_trace.session.path_mtu_text import describe_path_mtu
from tui_trace.session.snapshot import Snapshot

HOLE = ev.PathMtuFound(
    at=9 * NS_PER_S,
    run=2,
    reason=End.COMPLETE,
    mtu=1400,
    last_ttl=8,
    reached=True,
    limit=MtuSource.BLACK_HOLE,
    near_ttl=4,
    near_address="192.0.2.4",
    far_ttl=5,
    far_address="192.0.2.5",
)
REFUSED = replace(HOLE, limit=MtuSource.REPORTED, refused_by="192.0.2.4")


def session_of(found: ev.PathMtuFound | None) -> Session:
    session = Session()
    session.apply(ev.RunOpened(at=0, run=1, settings=ProbeSettings()))
    session.apply(ev.RunOpened(1, 2, ProbeSettings(size=1500), beside=True, seeks_mtu=True))
    session.apply(ev.ProbeSent(at=2, run=2, probe=1, ttl=8, size=1401))
    if found is not None:
        session.apply(found)
    return session


def words(snapshot: Snapshot) -> str:
    assert snapshot.path_mtu is not None
    return describe_path_mtu(snapshot.path_mtu, HostLabels(snapshot.who))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "finding the path MTU, trying 1401 bytes (1 probe) …"),
        (
            HOLE,
            "path MTU 1400 bytes; larger packets vanish between hop 4 192.0.2.4"
            " and hop 5 192.0.2.5",
        ),
        (
            replace(HOLE, near_ttl=0, near_address="", reached=False),
            "path MTU 1400 bytes; larger packets vanish between this machine and hop 5 192.0.2.5"
            "; as far as hop 8, the last that answers",
        ),
        (
            REFUSED,
            "path MTU 1400 bytes; larger packets are refused by 192.0.2.4 before hop 5 192.0.2.5",
        ),
        (
            replace(REFUSED, limit=MtuSource.GUESSED),
            "path MTU 1400 bytes; larger packets are refused by 192.0.2.4"
            " before hop 5 192.0.2.5, which does not say what it takes",
        ),
        (replace(HOLE, reason=End.STOPPED), "search for the path MTU stopped"),
        (
            replace(HOLE, reason=End.SILENT, last_ttl=0),
            "path MTU not known: nobody answers ICMP echo",
        ),
    ],
)
def test_the_sentence(found: ev.PathMtuFound | None, said: str) -> None:
    assert words(session_of(found).snapshot()) == said


@pytest.mark.parametrize("found", [HOLE, REFUSED])
def test_what_a_forged_event_names_is_no_escape(found: ev.PathMtuFound) -> None:
    evil = "\x1b[2J[bold]\n"
    snapshot = session_of(
        replace(found, near_address=evil, far_address=evil, refused_by=evil)
    ).snapshot()
    told = path_mtu_object(snapshot)
    assert told is not None
    everything = words(snapshot) + "".join(map(str, told.values())) + "".join(state_lines(snapshot))
    assert "\x1b" not in everything
    assert "\n" not in everything


@pytest.mark.parametrize("found", [None, HOLE])
def test_a_search_is_written_down_and_taken_up_again(found: ev.PathMtuFound | None) -> None:
    session = session_of(found)
    state = msgspec.msgpack.encode(session.checkpoint())
    again = Session.from_checkpoint(msgspec.msgpack.decode(state, type=SessionCheckpoint))
    again.apply(HOLE)
    session.apply(HOLE)
    assert again.snapshot() == session.snapshot()


def test_the_heading_tells_it_for_some_minutes_and_reports_always() -> None:
    snapshot = session_of(HOLE).snapshot()
    assert len(path_mtu_lines(snapshot, 70, lines=2)) == 2
    later = replace(snapshot, at=snapshot.at + 120 * NS_PER_S)
    assert len(path_mtu_lines(later, 70, lines=2)) == 1
    later = replace(snapshot, at=snapshot.at + 3600 * NS_PER_S)
    assert path_mtu_lines(later, 70, lines=2) == []
    (line,) = [line for line in state_lines(later) if "path MTU" in line]
    assert line.endswith(words(snapshot))
    told = path_mtu_object(later)
    assert told is not None
    assert (told["mtu"], told["near_hop"], told["far_hop"], told["limit"]) == (
        1400, 4, 5, "black-hole",
    )  # fmt: skip
