"""What is said of each scenario: the right kind at the right hop, and nothing harmful besides."""

import re
from pathlib import Path

import pytest

from tests.helpers.lab.simulated_session import WatchedSession, probe, simulated_session
from tui_trace.core.settings import Protocol, TcpFlags
from tui_trace.lab import scenario_names
from tui_trace.session.finding import FindingKind as Kind
from tui_trace.session.finding_text import describe_episode

GOLDEN = Path(__file__).parent / "golden" / "finding_words.txt"
TCP, UDP = Protocol.TCP, Protocol.UDP
BIG = {"size": 1500, "df": True}

# scenario, settings, settings after 60 s, and what is to be said of it, harmful or harmless
CASES = [
    ("plain", probe(), None, {(Kind.OK, None)}),
    ("ipv6", probe(), None, {(Kind.OK, None)}),
    ("mpls", probe(), None, {(Kind.OK, None)}),
    ("silent", probe(), None, {(Kind.OK, None)}),
    ("malformed", probe(), None, {(Kind.OK, None)}),
    ("forged", probe(), None, {(Kind.OK, None)}),
    ("nat-repaired", probe(), None, {(Kind.OK, None)}),
    ("reply-ttl", probe(), None, {(Kind.OK, None)}),
    ("zero-ttl", probe(), None, {(Kind.OK, None)}),
    ("loss", probe(), None, {(Kind.LOSS, 4)}),
    ("rate-limit", probe(), None, {(Kind.RATE_LIMITED, 3)}),
    ("queue", probe(), None, {(Kind.QUEUE, 2)}),
    ("asymmetric", probe(), None, {(Kind.ASYMMETRIC, 5)}),
    ("path-change", probe(), None, {(Kind.PATH_CHANGE, 6), (Kind.SLOWER, 6)}),
    ("per-packet", probe(), None, {(Kind.BALANCED_PACKET, 6)}),
    ("per-flow", probe(UDP, flows=8), None, {(Kind.BALANCED_FLOW, 6)}),
    ("disorder", probe(), None, {(Kind.DUPLICATES, 3)}),
    ("nat", probe(UDP), None, {(Kind.NAT, 6)}),
    ("tos", probe(TCP, tos=0xB8, tcp_flags=TcpFlags.ECN), None, {
        (Kind.TOS_REWRITTEN, 4), (Kind.ECN_CLEARED, 6), (Kind.MSS_CLAMPED, 7),
    }),
    ("mtu", probe(**BIG), None, {(Kind.MTU, 5)}),
    ("mtu-black-hole", probe(), probe(**BIG), {(Kind.BLACK_HOLE, 4)}),
    ("firewall", probe(TCP, port=443), probe(), {(Kind.FILTERED, 7)}),
    ("firewall", probe(), None, {(Kind.DOWN, 7)}),
    ("ports", probe(TCP, port=80), probe(TCP, port=25), {(Kind.FILTERED, 7)}),
    ("unreachable", probe(UDP, port=7000), None, {(Kind.REFUSED, 7)}),
    ("ways-nested", probe(), None, {(Kind.OK, None)}),
    ("ways-unequal", probe(), None, {(Kind.OK, None)}),
    ("ways-mesh", probe(), None, {(Kind.OK, None)}),
    ("ways-dead", probe(UDP), None, {(Kind.OK, None)}),
    ("ways-reorder", probe(), None, {(Kind.BALANCED_PACKET, 3)}),
]  # fmt: skip


def test_every_scenario_stands_here() -> None:
    assert {case[0] for case in CASES} == set(scenario_names())


@pytest.mark.parametrize(
    ("scenario", "settings", "after", "wanted"),
    CASES,
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_said(scenario, settings, after, wanted):
    switches = [] if after is None else [(60, after)]
    family = 6 if scenario == "ipv6" else 4
    watched = simulated_session(scenario, 150, settings, family=family, switches=switches)
    said = {(kind, hop) for kind, hops in watched.said.items() for hop in hops}
    assert wanted <= said
    harmful = {one.finding.kind for one in watched.session.snapshot().episodes if one.finding.harm}
    assert harmful <= {kind for kind, _ in wanted}


def words_of(watched: WatchedSession) -> set[str]:
    """Everything that was said, in words: numbers and addresses are masked."""
    episodes = watched.session.snapshot().episodes
    said = {describe_episode(episode, lambda _: "TIME") for episode in episodes}
    said |= watched.words
    return {re.sub(r"[0-9a-f]*\d[0-9a-f.:]*", "N", words) for words in said}


def test_the_words_of_every_finding() -> None:
    """A change of them is a change of what users read: look at it, then write it down."""
    told: set[str] = set()
    for scenario, settings, after, _ in CASES:
        switches = [] if after is None else [(60, after)]
        family = 6 if scenario == "ipv6" else 4
        watched = simulated_session(scenario, 150, settings, family=family, switches=switches)
        told |= {f"{scenario}: {words}" for words in words_of(watched)}
    known = set(GOLDEN.read_text().splitlines())
    assert told == known
