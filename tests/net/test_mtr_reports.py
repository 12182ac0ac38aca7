"""Our reports beside those of the real mtr on the same routers."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.helpers.event_builders import began, lost, opened, reply, sent
from tests.helpers.network.chain import Chain
from tui_trace.core.events import PathEnd, ReplyKind, RoundBegan
from tui_trace.core.settings import ProbeSettings
from tui_trace.report import mtr_json, mtr_text
from tui_trace.report.collector import Collector
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.session.snapshot import Snapshot

ROUNDS = 2
FAST = ("-n", "-c", str(ROUNDS), "-i", "0.2", "-G", "1")


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with Chain(3, silent=(2,)) as made:
        yield made


def mtr(chain: Chain, family: int, *options: str) -> str:
    target = chain.target_address(family)
    return chain.client.run(["mtr", f"-{family}", *options, *FAST, target]).stdout


def same_path(chain: Chain, family: int, **settings: int) -> Snapshot:
    """A session with the answers that this chain gives, without the engine."""
    target = chain.target_address(family)
    collector = Collector()
    collector.event(began(target=target, address=target, family=family))
    collector.event(opened(probe=ProbeSettings(**settings)))
    number = 0
    for sweep in range(ROUNDS):
        collector.event(RoundBegan(at=sweep, run=1, round=sweep + 1))
        for ttl, address in enumerate(chain.hops(family), 1):
            number += 1
            collector.event(sent(number, ttl))
            if address is None:
                collector.event(lost(number, ttl))
                continue
            at_target = ttl == chain.length
            kind = ReplyKind.ECHO if at_target else ReplyKind.TIME_EXCEEDED
            fields = {"address": address, "kind": kind, "reached": at_target}
            collector.event(reply(number, ttl, 54_321, **fields))
    collector.event(PathEnd(at=1, run=1, ttl=chain.length, reached=True))
    return collector.snapshot()


def masked(report: str) -> list[str]:
    """Its lines after the first, without what differs from run to run: the times."""
    rows = report.splitlines()[1:]
    return [re.sub(r"(?<= )\d+\.\d(?=  |$)", "0.0", row) for row in rows]


@pytest.mark.parametrize("family", [4, 6])
def test_the_table_is_that_of_mtr_but_for_the_times(chain: Chain, family: int) -> None:
    theirs = mtr(chain, family, "-r")
    ours = mtr_text.render_text(same_path(chain, family), ReportLayout())
    assert len(theirs.splitlines()) == 2 + chain.length
    for mine, real in zip(masked(ours), masked(theirs), strict=True):
        assert mine == real
    start = r"Start: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}(  |$)"
    for report in (ours, theirs):
        assert re.match(start, report.splitlines()[0])


@pytest.mark.parametrize("family", [4, 6])
def test_the_wide_table_has_the_words_of_mtr(chain: Chain, family: int) -> None:
    theirs = masked(mtr(chain, family, "-r", "-w"))
    ours = masked(mtr_text.render_text(same_path(chain, family), ReportLayout(wide=True)))
    # not its columns: mtr's header stands two characters left of what it heads
    assert [line.split() for line in ours] == [line.split() for line in theirs]
    assert ours[1:] == theirs[1:]


def kinds(value: object) -> object:
    """Keys and types of a JSON value, in the order they come."""
    if isinstance(value, dict):
        return [(key, kinds(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [kinds(inner) for inner in value]
    return type(value)


def test_json_has_all_keys_of_mtr_in_order_and_type(chain: Chain) -> None:
    theirs = json.loads(mtr(chain, 4, "-j", "-Q", "184", "-s", "100"))["report"]
    ours = json.loads(mtr_json.render_json(same_path(chain, 4, tos=184, size=100), ReportLayout()))[
        "report"
    ]
    assert kinds(ours["mtr"]) == kinds(theirs["mtr"])
    assert ours["mtr"] == theirs["mtr"]
    for mine, real in zip(ours["hubs"], theirs["hubs"], strict=True):
        assert kinds(mine)[: len(real)] == kinds(real)
        for key in ("count", "host", "Loss%", "Snt"):
            assert mine[key] == real[key]
