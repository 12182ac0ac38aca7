"""What is wrong on the path: the worst finding, and how one is added."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from tests.helpers.app.fake_source import folded, path, stopped
from tui_trace.app.render.header import heading
from tui_trace.app.render.styled_text import plain
from tui_trace.core import events as ev
from tui_trace.core.settings import Pace
from tui_trace.session.annotations import REFUSALS
from tui_trace.session.findings import FINDERS, Finding, worst_finding
from tui_trace.session.snapshot import Snapshot


def words(snapshot: Snapshot) -> str:
    finding = worst_finding(snapshot)
    return finding.text if finding is not None else ""


@pytest.mark.parametrize("code", range(16))
def test_a_refusal_is_told_at_once_and_by_whom(code: int) -> None:
    refused = stopped(kind=ev.ReplyKind.UNREACHABLE, icmp_type=3, code=code)
    mark = refused.run.hops[-1].marks[0]
    if code == 4:
        assert words(refused) == "smaller MTU at hop 3: larger ones are refused"
    else:
        assert words(refused) == f"refused at hop 3: {mark}"
        assert mark in REFUSALS or mark == f"!<{code}>"


def test_a_probe_too_big_is_no_silent_target() -> None:
    finding = worst_finding(stopped(kind=ev.ReplyKind.TOO_BIG, icmp_type=3, code=4, mtu=1400))
    assert finding == Finding(
        kind="mtu",
        hop=3,
        harm=True,
        text="MTU 1400 at hop 3: larger ones are refused",
        short="MTU 1400 at hop 3",
    )


def test_a_largest_ttl_before_the_target_is_no_alarm() -> None:
    finding = worst_finding(replace(stopped(), pace=Pace(max_ttl=3)))
    assert finding is not None
    assert finding.text == "largest TTL 3 ends before the target"
    assert not finding.harm
    assert words(stopped()) == "", "the first rounds may still reach it"


def test_a_silent_target_is_told_after_some_rounds() -> None:
    silent = stopped()
    later = replace(silent, run=replace(silent.run, rounds=9))
    assert words(later) == "target silent, last answer from hop 3"
    mute = replace(silent, run=replace(silent.run, rounds=9, hops=()))
    assert words(mute) == "target silent, nobody answers"


def test_a_reached_target_hides_nothing_behind_an_old_refusal() -> None:
    assert words(folded(path(5))) == ""


def test_losses_of_the_target_come_first() -> None:
    there = folded(path(5))
    last = there.run.hops[-1]
    lossy = replace(last, lost=last.figures.count)
    bad = replace(there, run=replace(there.run, hops=(*there.run.hops[:-1], lossy)))
    assert worst_finding(bad) == Finding(
        "loss", 6, True, "50.0 % loss at the target", "50.0 % lost"
    )


# --- adding a finding, to the letter of the map


def find_slow_target(snapshot: Snapshot) -> Finding | None:
    last = snapshot.run.hops[-1]
    if not last.is_target or (last.figures.mean or 0) < 5e6:
        return None
    return Finding("slow", last.ttl, True, f"slow answers at hop {last.ttl}", "slow")


@pytest.fixture
def _added() -> Iterator[None]:
    FINDERS.append(find_slow_target)
    yield
    FINDERS.remove(find_slow_target)


@pytest.mark.usefixtures("_added")
def test_a_finding_that_was_added_stands_above_the_table() -> None:
    there = folded(path(5))
    assert words(there) == "slow answers at hop 6"
    assert "! slow answers at hop 6" in "\n".join(plain(line) for line in heading(there, 120))


@pytest.mark.usefixtures("_added")
def test_a_finding_that_was_added_last_gives_way_to_those_before() -> None:
    assert words(stopped(kind=ev.ReplyKind.UNREACHABLE, icmp_type=3, code=1)).startswith("refused")
