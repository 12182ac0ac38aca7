"""The path moved, goes back and forth, runs in a circle, or is balanced over several ways."""

from collections.abc import Iterator
from itertools import pairwise

from msgspec.structs import replace

from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_S
from tui_trace.session.evidence import Findable
from tui_trace.session.finding import Finding, FindingKind, Sure
from tui_trace.session.loss import wilson
from tui_trace.session.path_detector import changes_beyond_chance
from tui_trace.session.paths import diff_paths, varies_flow
from tui_trace.session.round_log import HopLog, RunLog, bits_of
from tui_trace.session.run_fold import RunFold
from tui_trace.session.snapshot import Path

YOUNG = 60 * NS_PER_S
"""How long a move of the path is news."""
_YOUNG_ROUNDS = 30
"""The same in rounds, where these are long."""
_WINDOW = 256
"""Slots back from now in which it is looked at who answers."""
_LOOKED, _MOST_BETWEEN = 64, 16
"""Slots after which a balanced hop is looked at anew, and the most between two looks."""
_LEAST = 24
"""Answers of a hop from which on it tells anything."""
_LEAST_PERCENT = 5.0
"""Share of the answers that the second address of a hop has for certain."""
_LEAST_CHANGES = 4
"""Changes of the address from which on they tell anything."""
_BY_CHANCE = -1.5
"""Deviations below chance of the number of changes up to which they are chance's."""
_IN_STAYS = -5.0
"""Deviations below chance from which on the path goes back and forth."""
_CALM = 4
"""Lengths of a stay (on average) without a change, after which the path stays where it is."""
_LEAST_OF_A_FLOW = 3
"""Answers of a flow at one hop, all from one address."""
_LEAST_FLOWS = 4
_PERIODS = (2, 3, 4)
"""Hops of a circle."""
_TURNS = 3
"""Times that an address answers in one round, at regular distances: a circle."""


def find_path_moves(session: Findable) -> Iterator[Finding]:
    """Find `path-change` in each run that is being probed.

    The first path of a run is none: the run began with it. Several flows at a time have several
    paths, and which of them are seen changes with what is sent.
    """
    for run in session.active:
        if run is session.run and not _may_have_moved(session, run):
            continue
        visits = [
            (visit.since, path)
            for path in session.paths()
            for visit in path.visits
            if visit.run == run.number
        ]
        if len(visits) < 2 or varies_flow(run.settings):
            continue
        visits.sort(key=lambda visit: visit[0])
        since, path = visits[-1]
        move = _describe_move(run, visits[-2][1], path, since)
        if session.at - since < max(YOUNG, _YOUNG_ROUNDS * session.pace.interval):
            yield move
        elif session.lasts(FindingKind.PATH_CHANGE, run.number, move.hop) is not None:
            yield replace(move, until=since)


def _may_have_moved(session: Findable, run: RunFold) -> bool:
    """Return whether the path is young, and older ones may be known: all else is slow to ask."""
    if session.path is None:
        return False
    young = max(YOUNG, _YOUNG_ROUNDS * session.pace.interval)
    is_young = session.at - session.path.since < young + NS_PER_S
    is_first = session.path.since - run.opened < session.pace.interval
    return (is_young and not is_first) or any(
        kind == FindingKind.PATH_CHANGE for kind, _, _ in session.lasting
    )


def _describe_move(run: RunFold, before: Path, after: Path, since: int) -> Finding:
    moved = [step for step in diff_paths(before, after) if step.move != "same"]
    places = [step.after or step.before for step in moved]
    hop = next((place.ttl for place in places if place is not None), None)
    longer = len(after.hops) - len(before.hops)
    where = f" from hop {hop} on" if hop is not None else ""
    if longer:
        hops = f"{abs(longer)} hop{'s' if abs(longer) > 1 else ''}"
        where += f", {hops} {'longer' if longer > 0 else 'shorter'}"
    known = run.log.hops.get(hop) if hop is not None else None
    return Finding(
        kind=FindingKind.PATH_CHANGE,
        harm=False,
        sure=Sure.CERTAIN,
        since=since,
        text=f"the path moved from {before.letter} to {after.letter}{where}",
        past=f"the path moved from {before.letter} to {after.letter}{where}",
        short=f"path {after.letter}",
        hop=hop,
        address=sanitize(next(reversed(known.by_address), "")) if known is not None else "",
        run=run.number,
        evidence={"before": before.letter, "after": after.letter, "longer_by_hops": longer},
        next="H shows what moved",
    )


def find_alternation(session: Findable) -> Iterator[Finding]:
    """Find `flap`, `balanced-packet` or `balanced-flow` at each hop with several addresses.

    Told apart by how often the address changes (the runs test of Wald and Wolfowitz), and by
    whether each flow has one address.
    """
    for run in session.active:
        log = run.log
        is_turn = (log.first_slot + log.slots) % _LOOKED < _MOST_BETWEEN
        slots = log.latest(_WINDOW)
        flaps: list[Finding] = []
        for ttl in sorted(log.hops):
            if log.target_ttl is not None and ttl > log.target_ttl:
                break
            hop = log.hops[ttl]
            if len(hop.by_address) < 2:
                continue
            if not is_turn and (known := _known_ways(session, run, ttl)) is not None:
                yield known
                continue
            found = _alternation(session, run, ttl, slots)
            if found is not None and found.kind is FindingKind.FLAP:
                flaps.append(found)
            elif found is not None:
                yield found
        # one path that goes back and forth shows at all hops that differ
        yield from flaps[:1]


def _known_ways(session: Findable, run: RunFold, ttl: int) -> Finding | None:
    """Return what was found of a hop if it is balanced: it need not be asked each time."""
    for kind in (FindingKind.BALANCED_PACKET, FindingKind.BALANCED_FLOW):
        if (lasting := session.lasts(kind, run.number, ttl)) is not None:
            return lasting.finding
    return None


def _alternation(session: Findable, run: RunFold, ttl: int, slots: int) -> Finding | None:
    log = run.log
    hop = log.hops[ttl]
    if varies_flow(run.settings):
        return _ways_by_flow(session, run, ttl, slots)
    who = {
        place: address
        for address, bits in hop.by_address.items()
        for place in bits_of(bits & slots)
    }
    answers = [who[place] for place in sorted(who)]
    counts = sorted((answers.count(address) for address in set(answers)), reverse=True)
    is_stray = len(counts) < 2 or wilson(counts[1], len(answers)).low < _LEAST_PERCENT
    if len(answers) < _LEAST or is_stray:
        return None
    changed = [place for place, (one, other) in enumerate(pairwise(answers), 1) if one != other]
    if len(changed) < _LEAST_CHANGES:
        return None
    beyond = changes_beyond_chance(counts, len(changed))
    if beyond > _BY_CHANCE:
        text = f"hop {ttl} is balanced per packet over {len(counts)} ways"
        return _quiet(session, run, FindingKind.BALANCED_PACKET, ttl, (text, len(counts)))
    stay = (changed[-1] - changed[0]) / (len(changed) - 1)
    if beyond > _IN_STAYS or len(answers) - changed[-1] > _CALM * stay:
        return None
    places = sorted(who)
    return _flap(session, run, ttl, len(changed), log.times[places[changed[0]]])


def _ways_by_flow(session: Findable, run: RunFold, ttl: int, slots: int) -> Finding | None:
    addresses = _addresses_by_flow(run.log, run.log.hops[ttl], slots)
    count = len(set(addresses))
    if len(addresses) < _LEAST_FLOWS or count < 2:
        return None
    text = f"hop {ttl} is balanced per flow over {count} ways at least"
    return _quiet(session, run, FindingKind.BALANCED_FLOW, ttl, (text, count))


def _addresses_by_flow(log: RunLog, hop: HopLog, slots: int) -> list[str]:
    """Return the one address of each flow; nothing if a flow has several: they are by packet."""
    by_flow: dict[int, list[str]] = {}
    for address, bits in hop.by_address.items():
        for place in bits_of(bits & slots):
            by_flow.setdefault(log.flows[place], []).append(address)
    known = [found for found in by_flow.values() if len(found) >= _LEAST_OF_A_FLOW]
    if any(len(set(found)) > 1 for found in known):
        return []
    return [found[0] for found in known]


def _quiet(
    session: Findable, run: RunFold, kind: FindingKind, ttl: int, words: tuple[str, int]
) -> Finding:
    text, ways = words
    known = session.lasts(kind, run.number, ttl)
    return Finding(
        kind=kind,
        harm=False,
        sure=Sure.CERTAIN,
        since=known.finding.since if known is not None else session.at,
        text=text,
        past=text.replace(" is ", " was "),
        short=f"{ways} ways",
        hop=ttl,
        address=sanitize(next(reversed(run.log.hops[ttl].by_address), "")),
        run=run.number,
        evidence={"ways": ways},
        next="x shows the ways by flow" if kind is FindingKind.BALANCED_PACKET else "",
    )


def _flap(session: Findable, run: RunFold, ttl: int, changes: int, since: int) -> Finding:
    known = session.lasts(FindingKind.FLAP, run.number, ttl)
    return Finding(
        kind=FindingKind.FLAP,
        harm=False,
        sure=Sure.CERTAIN,
        since=known.finding.since if known is not None else since,
        text=f"the path goes back and forth at hop {ttl}",
        past=f"the path went back and forth at hop {ttl}",
        details=f"({changes} changes)",
        short="flap",
        hop=ttl,
        address=sanitize(next(reversed(run.log.hops[ttl].by_address), "")),
        run=run.number,
        evidence={"changes": changes},
        next="H shows the paths",
    )


def find_loop(session: Findable) -> Iterator[Finding]:
    """Find `loop`: one address answers several times in a round, at regular distances."""
    for run in session.active:
        found = _find_loop(run)
        if found is not None:
            yield found


def _find_loop(run: RunFold) -> Finding | None:
    log = run.log
    slots = log.latest(_WINDOW) & ~log.target.answered
    target_answered = log.target.answered.bit_length()
    for ttl in sorted(log.hops):
        for period in _PERIODS:
            places = [log.hops.get(ttl + period * turn) for turn in range(_TURNS)]
            between = log.hops.get(ttl + 1)
            for address, bits in log.hops[ttl].by_address.items():
                seen = bits & slots
                for place in places[1:]:
                    seen &= place.by_address.get(address, 0) if place is not None else 0
                if between is not None:
                    seen &= ~between.by_address.get(address, 0)
                # what was before the target's last answer is over
                seen = seen >> target_answered << target_answered
                if seen:
                    return _describe_loop(run, ttl, period, address, seen)
    return None


def _describe_loop(run: RunFold, ttl: int, period: int, address: str, seen: int) -> Finding:
    first = (seen & -seen).bit_length() - 1
    last = ttl + period - 1
    rounds = seen.bit_count()
    return Finding(
        kind=FindingKind.LOOP,
        harm=True,
        sure=Sure.CERTAIN if rounds > 1 else Sure.LIKELY,
        since=run.log.times[first],
        text=f"probes run in a circle between hop {ttl} and hop {last}",
        past=f"probes ran in a circle between hop {ttl} and hop {last}",
        details=f"({sanitize(address)}, {rounds} rounds)",
        short=f"loop at hop {ttl}",
        hop=ttl,
        address=sanitize(address),
        run=run.number,
        severity=1.0,
        evidence={"rounds": rounds, "period": period},
    )
