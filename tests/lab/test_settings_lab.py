"""What one setting passes and another one does not, on packets that crossed the lab."""

import pytest
from msgspec.structs import replace

from tests.helpers.lab.lab_trace import trace
from tui_trace.core import events as ev
from tui_trace.session.finding import Finding, FindingKind
from tui_trace.session.fold import Session

pytestmark = pytest.mark.usefixtures("inside")

ROUNDS = ("-c", "12", "-i", "0.2")
FIRST_OF_SECOND = 1_000_000


def switched(scenario: str, passing: tuple[str, ...], other: tuple[str, ...]) -> list[Finding]:
    """What is found at the end of a session whose probe was switched."""
    session = Session()
    first = list(trace(scenario, *ROUNDS, *passing).stream[:-1])
    for event in first:
        session.apply(event)
    start = first[-1].at
    for event in trace(scenario, *ROUNDS, *other).stream[:-1]:
        if isinstance(event, (ev.SessionBegan, ev.PaceSet)):
            continue
        moved = {"at": start + event.at}
        if hasattr(event, "run"):
            moved["run"] = event.run + 1
        if hasattr(event, "probe"):
            moved["probe"] = event.probe + FIRST_OF_SECOND
        session.apply(replace(event, **moved))
    return list(session.snapshot().findings)


@pytest.mark.parametrize(
    ("scenario", "passing", "other", "kind", "says", "hop"),
    [
        (
            "firewall",
            ("-T", "-P", "443"),
            (),
            FindingKind.FILTERED,
            "TCP 443 reaches the target, ICMP stops after hop 7",
            7,
        ),
        (
            "ports",
            ("-T", "-P", "80"),
            ("-T", "-P", "25"),
            FindingKind.FILTERED,
            "TCP 80 reaches the target, TCP 25 stops after hop 7",
            7,
        ),
        (
            "mtu-black-hole",
            (),
            ("-s", "1500", "--df"),
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
    told = switched("plain", (), ("-T", "-P", "443"))
    assert not [one for one in told if one.kind in (FindingKind.FILTERED, FindingKind.BLACK_HOLE)]
