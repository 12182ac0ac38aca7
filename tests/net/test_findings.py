"""What is said of real routers, beside what their own counters say."""

import time
from collections.abc import Sequence
from contextlib import contextmanager

import pytest

from tests.helpers.network.chain import Chain, address
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
        low, high = float(loss.evidence["low_percent"]), float(loss.evidence["high_percent"])
        # an interval of 95 % is left once in 20 times: one of twice its width, once in 10,000
        assert abs(truth - (low + high) / 2) <= high - low
        assert loss.hop in (4, None), "what router 3 forwards never gets to hop 4"
        assert harmful(session) <= {Kind.LOSS, Kind.DOWN}


def test_lost_answers_of_one_router() -> None:
    with Chain(5) as chain:
        dropping = DroppingAnswers(chain.router(3), EXCEEDED[4], 30)
        session = watched(chain, 160)
        sent, dropped = dropping.counts()
        (own,) = findings(session, Kind.ANSWERS_LOST)
        assert own.hop == 3
        # told of the probes whose outcome was known when it was looked at last
        unseen = sent - int(own.evidence["probes"])
        assert 0 <= dropped - int(own.evidence["lost"]) <= unseen < 20
        assert not session.snapshot().episodes


def test_a_router_that_limits_its_answers() -> None:
    with Chain(5) as chain:
        limit = f"{EXCEEDED[4]} limit rate over 10/second burst 1 packets drop"
        with rules(chain.router(3), "output", limit):
            session = watched(chain, 200)
        # on a busy machine probes leave at odd times, and so the gaps are no longer regular
        (own,) = findings(session, Kind.RATE_LIMITED) + findings(session, Kind.ANSWERS_LOST)
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


def switched(chain: Chain, first, second, rounds: int = 100):
    """A session whose settings change after half of its rounds; its fields replace settings."""
    settings = probe_of(Protocol.ICMP, **first)
    pace = Pace(interval=INTERVAL, wait=500 * NS_PER_MS)
    with Live(chain.client, chain.target_address(), settings, pace) as live:
        live.run_for(rounds * INTERVAL / 2e9)
        live.switch(**second)
        live.run_for(rounds * INTERVAL / 2e9)
        return session_of(live.stop())


FORWARD = 'oifname "down0" '


def test_a_protocol_that_a_firewall_drops() -> None:
    with Chain(5) as chain:
        with rules(chain.router(3), "forward", f"{FORWARD} meta l4proto udp counter drop"):
            session = switched(chain, {}, {"protocol": Protocol.UDP, "port": 33434})
        (found,) = findings(session, Kind.FILTERED)
        assert (found.hop, found.harm) == (3, True)
        assert not episodes(session, Kind.DOWN)


def test_a_black_hole_for_large_packets() -> None:
    with Chain(5) as chain:
        with rules(chain.router(3), "forward", f"{FORWARD} ip length > 1300 counter drop"):
            session = switched(chain, {}, {"size": 1400, "df": True})
        (found,) = findings(session, Kind.BLACK_HOLE)
        assert found.hop == 3
        assert "1400 bytes vanish after hop 3, 64 pass" in found.text


def test_a_link_that_is_too_small_says_so() -> None:
    with Chain(5) as chain:
        chain.router(3).ip("link set down0 mtu 1300")
        session = switched(chain, {}, {"size": 1400, "df": True})
        (found,) = findings(session, Kind.MTU)
        assert "MTU 1300" in found.text


def test_a_step_of_the_delay_and_its_end() -> None:
    with Chain(5, relay=4) as chain:
        assert chain.relay is not None
        settings = probe_of(Protocol.ICMP)
        with Live(chain.client, chain.target_address(), settings, PACE) as live:
            live.run_for(3)
            chain.relay.delay(10, 10)
            live.run_for(4)
            chain.relay.delay(0, 0)
            live.run_for(4)
            session = session_of(live.stop())
        (episode,) = episodes(session, Kind.SLOWER)
        assert float(episode.finding.evidence["added_ms"]) == pytest.approx(20, abs=2)
        assert episode.finding.hop == 4
        assert episode.until is not None
        assert (episode.until - episode.finding.since) / 1e9 == pytest.approx(4, abs=0.7)


def test_a_router_that_answers_from_another_address_is_another_path() -> None:
    settings = probe_of(Protocol.ICMP)
    with Chain(5) as chain, Live(chain.client, chain.target_address(), settings, PACE) as live:
        live.run_for(2)
        with rules(chain.router(3), "output", "icmp type time-exceeded ip saddr set 10.9.9.3"):
            live.run_for(2)
        session = session_of(live.stop())
    (move,) = findings(session, Kind.PATH_CHANGE)
    assert (move.hop, move.harm) == (3, False)
    assert harmful(session) == set()


def test_two_routers_that_send_each_other_the_probes() -> None:
    with Chain(5) as chain:
        target = chain.target_address()
        chain.router(4).ip(f"route replace {target}/32 via {address(4, 1, 4)}")
        session = watched(chain, 40)
        (loop,) = findings(session, Kind.LOOP)
        assert loop.hop == 4, "router 3 has another address on the link to router 4"


def test_fields_that_a_router_rewrites() -> None:
    rewriting = (f"{FORWARD} ip dscp set cs0", f"{FORWARD} tcp option maxseg size set 1200")
    with Chain(5) as chain:
        settings = probe_of(Protocol.TCP, port=81, tos=0xB8)
        with (
            rules(chain.router(2), "forward", *rewriting),
            Live(chain.client, chain.target_address(), settings, PACE) as live,
        ):
            live.run_for(2)
            session = session_of(live.stop())
        assert [one.hop for one in findings(session, Kind.TOS_REWRITTEN)] == [3]
        assert [one.hop for one in findings(session, Kind.MSS_CLAMPED)] == [3]


def test_answers_that_come_twice() -> None:
    with Chain(5, relay=4) as chain:
        assert chain.relay is not None
        chain.relay.delay(copies=2)
        session = watched(chain, 60)
        assert {one.hop for one in findings(session, Kind.DUPLICATES)} >= {4, 5, 6}
        assert harmful(session) == set()
