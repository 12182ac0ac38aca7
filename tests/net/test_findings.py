"""What is said of real routers, beside what their own counters say."""

import time
from collections.abc import Sequence
from contextlib import contextmanager

import pytest

from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import Dropping, DroppingAnswers
from tests.helpers.network.netns import Netns
from tests.helpers.network.tui_trace_process import Live, probe_of
from tui_trace.core.events import Event
from tui_trace.core.settings import NS_PER_MS, Pace, Protocol
from tui_trace.session.finding import Episode, Finding
from tui_trace.session.finding import FindingKind as Kind
from tui_trace.session.fold import Session

INTERVAL = 50 * NS_PER_MS
PACE = Pace(interval=INTERVAL)
EXCEEDED = {4: "icmp type time-exceeded", 6: "icmpv6 type time-exceeded"}


def session_of(stream: Sequence[Event]) -> Session:
    session = Session()
    for event in stream:
        session.apply(event)
    return session


def watched(chain: Chain, rounds: int, family: int = 4, protocol: Protocol = Protocol.ICMP):
    """A session of so many rounds."""
    with Live(chain.client, chain.target_address(family), probe_of(protocol), PACE) as live:
        live.run_for(rounds * INTERVAL / 1e9)
        return session_of(live.stop())


def episodes(session: Session, kind: Kind) -> list[Episode]:
    return [one for one in session.snapshot().episodes if one.finding.kind is kind]


def findings(session: Session, kind: Kind) -> list[Finding]:
    return [one for one in session.findings() if one.kind is kind]


def harmful(session: Session) -> set[Kind]:
    return {one.finding.kind for one in session.snapshot().episodes if one.finding.harm}


@contextmanager
def rules(node: Netns, hook: str, *lines: str):
    text = "\n".join((f"type filter hook {hook} priority 0", *lines))
    node.nft(f"table inet fault {{\nchain c {{\n{text}\n}}\n}}\n")
    yield
    node.nft("delete table inet fault\n")


@pytest.mark.parametrize("family", [4, 6])
def test_a_clean_path(family: int) -> None:
    with Chain(5) as chain:
        session = watched(chain, 100, family)
        assert not session.snapshot().episodes
        assert [one.kind for one in session.findings()] == [Kind.OK]


@pytest.mark.parametrize(("family", "protocol"), [(4, Protocol.ICMP), (6, Protocol.UDP)])
def test_loss_on_a_link(family: int, protocol: Protocol) -> None:
    with Chain(5) as chain:
        dropping = Dropping(chain.router(3), chain.target_address(family), 20)
        session = watched(chain, 200, family, protocol)
        forwarded, dropped = dropping.counts()
        (loss,) = findings(session, Kind.LOSS)
        truth = 100 * dropped / forwarded
        assert float(loss.evidence["low_percent"]) <= truth <= float(loss.evidence["high_percent"])
        assert loss.hop in (4, None), "what router 3 forwards never gets to hop 4"
        assert harmful(session) <= {Kind.LOSS, Kind.DOWN}


def test_lost_answers_of_one_router() -> None:
    with Chain(5) as chain:
        dropping = DroppingAnswers(chain.router(3), EXCEEDED[4], 30)
        session = watched(chain, 160)
        sent, dropped = dropping.counts()
        (own,) = findings(session, Kind.ANSWERS_LOST)
        assert own.hop == 3
        assert own.evidence["lost"] == pytest.approx(dropped, abs=3)
        assert dropped < sent
        assert not session.snapshot().episodes


def test_a_router_that_limits_its_answers() -> None:
    with Chain(5) as chain:
        limit = f"{EXCEEDED[4]} limit rate over 10/second burst 1 packets drop"
        with rules(chain.router(3), "output", limit):
            session = watched(chain, 200)
        (own,) = findings(session, Kind.RATE_LIMITED)
        assert own.hop == 3
        assert not session.snapshot().episodes


@pytest.mark.parametrize("refuses", [False, True], ids=["silent", "refused"])
def test_an_outage_begins_and_ends_when_it_did(refuses: bool) -> None:
    """By the clock of this machine."""
    rule = 'oifname "down0" icmp type echo-request '
    rule += "reject with icmp type net-unreachable" if refuses else "drop"
    with (
        Chain(5) as chain,
        Live(chain.client, chain.target_address(), probe_of(Protocol.ICMP), PACE) as live,
    ):
        live.run_for(2)
        before = time.time_ns()
        with rules(chain.router(4), "forward", rule):
            begin = time.time_ns()
            live.run_for(2)
            end = time.time_ns()
        after = time.time_ns()
        live.run_for(2)
        stream = live.stop()
    session = session_of(stream)
    (episode,) = session.snapshot().episodes
    wall = session.snapshot().wall
    assert episode.finding.kind is (Kind.REFUSED if refuses else Kind.DOWN)
    assert before - INTERVAL <= wall + episode.finding.since <= begin + 2 * INTERVAL
    assert episode.until is not None
    assert end <= wall + episode.until <= after + 1_200 * NS_PER_MS
    assert episode.finding.hop == 4
