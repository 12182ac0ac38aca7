"""What one setting passes and another one does not, on packets of the lab."""

import pytest

from tests.helpers.lab.simulated_session import probe, simulated_session
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.session.finding import Finding, FindingKind

TCP = Protocol.TCP


def switched(scenario: str, passing: ProbeSettings, other: ProbeSettings) -> list[Finding]:
    """What is found at the end of a session whose probe was switched after 12 rounds."""
    watched = simulated_session(scenario, 24, passing, switches=[(12, other)])
    return list(watched.session.snapshot().findings)


@pytest.mark.parametrize(
    ("scenario", "passing", "other", "kind", "says", "hop"),
    [
        (
            "firewall",
            probe(TCP, port=443),
            probe(),
            FindingKind.FILTERED,
            "TCP 443 reaches the target, ICMP stops after hop 7",
            7,
        ),
        (
            "ports",
            probe(TCP, port=80),
            probe(TCP, port=25),
            FindingKind.FILTERED,
            "TCP 80 reaches the target, TCP 25 stops after hop 7",
            7,
        ),
        (
            "mtu-black-hole",
            probe(),
            probe(size=1500, df=True),
            FindingKind.BLACK_HOLE,
            "1500 bytes vanish after hop 4, 64 pass: a black hole",
            4,
        ),
    ],
)
def test_what_stops_is_named_after_the_switch(scenario, passing, other, kind, says, hop) -> None:
    (found,) = [one for one in switched(scenario, passing, other) if one.kind is kind]
    assert found.text == says
    assert found.hop == hop
    assert found.harm
    assert found.run == 2


def test_a_switch_that_both_pass_says_nothing() -> None:
    told = switched("plain", probe(), probe(TCP, port=443))
    assert not [one for one in told if one.kind in (FindingKind.FILTERED, FindingKind.BLACK_HOLE)]
