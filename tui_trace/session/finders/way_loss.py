"""Finds that one of the ways behind a load balancer loses probes, and the others do not."""

import math
from collections.abc import Collection, Iterator
from functools import partial
from typing import NamedTuple

from tui_trace.core.way_map import Node
from tui_trace.session.evidence import Findable
from tui_trace.session.finding import Finding, FindingKind, Sure
from tui_trace.session.loss_difference import E_VALUE, bursts_of, loss_evidence
from tui_trace.session.way_fold import WatchedWays
from tui_trace.session.ways import WaySearch

_CHANCE = 0.001
"""Probability at most, summed over all routers and looks, that a silent way is none."""
_LEAST = 5
"""Probes in a row that a way loses before it may count as silent."""
_OVER = 0.001
"""So improbable a row of answers, at the loss up to now, says that the loss is over."""
_MOST_ELSEWHERE = 0.5
"""Share that the others may lose: beyond it the target answers few of all probes."""
_LEAST_LOSS = 0.05
"""Share that a way has to lose more than the others."""


class _Branch(NamedTuple):
    """A router that some of the watched flows pass, and the others do not."""

    node: Node
    flows: tuple[int, ...]
    lost: float
    """Share of the probes to the end of the path."""
    lost_elsewhere: float
    probes: int
    since: int
    """`at` of the first lost probe."""


def find_way_loss(session: Findable) -> Iterator[Finding]:
    """Find routers by which flows lose probes that flows by others do not lose.

    Flows are compared in the same rounds, by their probes to the end of the path; of routers that
    the same flows pass, the nearest is told.
    """
    ways = session.ways
    if ways is None or ways.search is None:
        return
    bad: list[_Branch] = []
    rest = ways
    while len(rest.outcomes) > 1:
        branches = _branches(rest, ways.search)
        looked = (_look_at(rest, branch, len(branches)) for branch in branches)
        sure = [branch for branch in looked if branch is not None]
        if not sure:
            break
        # what fewer flows lose more of says it better
        worst = min(sure, key=lambda one: (-one.lost, len(one.flows), one.node.ttl))
        bad.append(worst)
        # the others are compared without it
        others = {f: known for f, known in rest.outcomes.items() if f not in worst.flows}
        rest = rest._replace(outcomes=others)
    if bad:
        yield _finding(ways, ways.search, bad)


def _branches(ways: WatchedWays, search: WaySearch) -> list[_Branch]:
    counts = {
        flow: (outcomes.count(False), len(outcomes) - outcomes.count(None))
        for flow, outcomes in ways.outcomes.items()
    }
    passing: dict[Node, list[int]] = {}
    for flow in search.flows:
        if flow.flow in counts:
            for ttl, address in enumerate(flow.path, search.first_ttl):
                if address is not None:
                    passing.setdefault(Node(ttl, address), []).append(flow.flow)
    groups: dict[tuple[int, ...], Node] = {}
    for node, flows in passing.items():
        groups.setdefault(tuple(flows), node)
    branches = []
    for group, node in groups.items():
        lost, probes = _sum(counts[flow] for flow in group)
        lost_elsewhere, others = _sum(counts[flow] for flow in counts if flow not in group)
        if probes and others:
            share, elsewhere = lost / probes, lost_elsewhere / others
            since = min((_first_loss(ways, flow) for flow in group), default=0)
            branches.append(_Branch(node, group, share, elsewhere, probes, since))
    return branches


def _first_loss(ways: WatchedWays, flow: int, begin: int = 0) -> int:
    """Return the `at` of the first lost probe of a flow from this place on."""
    pairs = list(zip(ways.outcomes[flow], ways.times[flow], strict=True))[begin:]
    lost = (at for is_answered, at in pairs if is_answered is False)
    return next(lost, pairs[-1][1] if pairs else ways.since)


def _sum(counts: Iterator[tuple[int, int]]) -> tuple[int, int]:
    lost, decided = 0, 0
    for one, other in counts:
        lost, decided = lost + one, decided + other
    return lost, decided


def _look_at(ways: WatchedWays, branch: _Branch, count: int) -> _Branch | None:
    """Return the branch, if chance hardly makes one of so many lose so much more than the others.

    One that has fallen silent has lost everything since then.
    """
    is_worse = branch.lost >= branch.lost_elsewhere + _LEAST_LOSS
    if not is_worse or branch.lost_elsewhere > _MOST_ELSEWHERE:
        return None
    one = _in_turns(ways, branch.flows)
    other = _in_turns(ways, ways.outcomes.keys() - set(branch.flows))
    if _is_silent(one, other, count):
        since = min(map(partial(_silent_since, ways), branch.flows))
        return branch._replace(lost=1.0, probes=_row(one, lost=True), since=since)
    if _row(one, lost=False) * math.log1p(-min(branch.lost, 0.99)) < math.log(_OVER):
        return None
    is_sure = loss_evidence(bursts_of(other, one)) >= E_VALUE * count
    return branch if is_sure else None


def _silent_since(ways: WatchedWays, flow: int) -> int:
    outcomes = ways.outcomes[flow]
    answered = [place for place, is_answered in enumerate(outcomes) if is_answered]
    return _first_loss(ways, flow, answered[-1] + 1 if answered else 0)


def _in_turns(ways: WatchedWays, flows: Collection[int]) -> list[bool]:
    """Return whether probes were lost, round by round; those in flight are left out."""
    outcomes = [ways.outcomes[flow] for flow in sorted(flows)]
    rounds = min(map(len, outcomes))
    latest = [flow[len(flow) - rounds :] for flow in outcomes]
    turns = (outcome for turn in zip(*latest, strict=True) for outcome in turn)
    return [not is_answered for is_answered in turns if is_answered is not None]


def _is_silent(one: list[bool], other: list[bool], count: int) -> bool:
    """Return whether all of the last probes were lost, and by chance as many would not be."""
    row = _row(one, lost=True)
    if row < _LEAST:
        return False
    # the others' loss with a margin: of few probes little is known
    share = (sum(other) + 1) / (len(other) + 2)
    return row * math.log(share) < math.log(_CHANCE / count / len(one))


def _row(outcomes: list[bool], *, lost: bool) -> int:
    """Return how many of the latest probes were lost one after another; or were not."""
    latest = enumerate(reversed(outcomes))
    return next((place for place, each in latest if each is not lost), len(outcomes))


def _finding(ways: WatchedWays, search: WaySearch, bad: list[_Branch]) -> Finding:
    """Say which ways lose; the first one is the worst."""
    worst = bad[0]
    count = len(search.nodes_at(worst.node.ttl))
    beside = sum(branch.node.ttl == worst.node.ttl for branch in bad)
    subject = f"{beside} of {count} ways at hop {worst.node.ttl}"
    verb = "loses" if beside == 1 else "lose"
    what = _loss(worst) if beside == 1 else "probes"
    described = [_describe(search, branch, with_loss=len(bad) > 1) for branch in bad]
    elsewhere = f"the others lose {100 * min(branch.lost_elsewhere for branch in bad):.1f} %"
    return Finding(
        kind=FindingKind.WAY_LOSS,
        harm=True,
        sure=Sure.CERTAIN,
        since=min(branch.since for branch in bad),
        text=f"{subject} {verb} {what}",
        past=f"{subject} lost {what}",
        details="; ".join([*described, elsewhere]),
        hop=worst.node.ttl,
        address=worst.node.address,
        run=ways.run,
        severity=min(0.9, worst.lost),
        evidence={
            "loss_percent": round(100 * worst.lost, 1),
            "others_loss_percent": round(100 * worst.lost_elsewhere, 1),
            "probes": worst.probes,
            "source_port": _port(search, worst),
            "flows_percent": _share(search, worst),
            "source_ports": " ".join(
                str(flow.source_port)
                for flow in search.flows
                if any(flow.flow in branch.flows for branch in bad)
            ),
        },
        next="G shows the ways; Enter there pins the table to one",
    )


def _loss(branch: _Branch) -> str:
    return "everything" if branch.lost > 0.99 else f"{100 * branch.lost:.0f} %"


def _describe(search: WaySearch, branch: _Branch, *, with_loss: bool) -> str:
    port, share = _port(search, branch), _share(search, branch)
    who = branch.node.address or "nobody answers there"
    loss = f"{_loss(branch)}, " if with_loss else ""
    return f"{who}: {loss}{share} % of flows, source port {port}"


def _port(search: WaySearch, branch: _Branch) -> int:
    flow = search.flow(branch.flows[0])
    return flow.source_port if flow is not None else 0


def _share(search: WaySearch, branch: _Branch) -> int:
    """Return how many percent of the flows pass the router."""
    place = branch.node.ttl - search.first_ttl
    known = [flow.path[place] for flow in search.flows if len(flow.path) > place]
    return round(100 * known.count(branch.node.address) / max(1, len(known)))
