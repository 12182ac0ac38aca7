"""A comparison of runs in words: the answer in one sentence, and a few words a hop."""

from tui_trace.core.durations import format_duration
from tui_trace.core.sanitize import MESSAGE_LIMIT, sanitize
from tui_trace.core.settings import NS_PER_MS
from tui_trace.session.compare import Difference, Row, RunComparison, Side, Verdict
from tui_trace.session.snapshot import Run

ENOUGH = 3
"""Probes behind the last answer that have to be lost before a path is said to stop there."""


def describe_comparison(comparison: RunComparison) -> str:
    """Return the answer in one sentence, the target first."""
    turns = ", measured in turns" if comparison.alternated else ""
    told = [
        _against_first(comparison, number) + _circumstances(comparison, number)
        for number in range(1, len(comparison.runs))
    ]
    return sanitize("; ".join(told) + turns, MESSAGE_LIMIT)


def describe_difference(comparison: RunComparison, row: Row, number: int) -> str:
    """Return what run `number` (from 1 on) has at this hop, compared with the first."""
    difference = row.differences[number - 1]
    one, other = row.sides[0], row.sides[number]
    told = [_moved_words(row, number)] if difference.moved else []
    if difference.loss is Verdict.DIFFERENT:
        told.append(_loss_words(comparison, number, one, other))
    if difference.rtt in (Verdict.DIFFERENT, Verdict.DRIFT):
        told.append(_step_words(difference.step))
    if difference.rtt is Verdict.DRIFT:
        told.append(str(Verdict.DRIFT))
    if told:
        return sanitize(", ".join(told))
    if one.ttl is None or other.ttl is None:
        return "" if row.is_target else "not on this path"
    if difference.loss is Verdict.SUMS:
        return str(Verdict.SUMS)
    return str(Verdict.SAME if difference.tested else Verdict.FEW)


def _moved_words(row: Row, number: int) -> str:
    one, other = row.sides[0], row.sides[number]
    if row.is_target:
        return "another address"
    return f"another router at hop {other.ttl}" if one.ttl != other.ttl else "another router"


def _by(comparison: RunComparison, number: int, word: str = "with") -> str:
    """Return `with TCP 443`, or `in run 2 of 2026-11-26 22:10`."""
    return f"{'in' if comparison.origins else word} {comparison.names[number]}"


def _loss_words(comparison: RunComparison, number: int, one: Side, other: Side) -> str:
    by = _by(comparison, number)
    if other.lost == other.decided:
        refused = other.outcomes.refused == other.outcomes.lost
        return f"refused {by}" if refused else f"silent {_by(comparison, number, 'to')}"
    if one.lost == one.decided:
        return f"answers only {_by(comparison, number, '')}".replace("  ", " ")
    more = (other.loss or 0.0) > (one.loss or 0.0)
    return f"{'more' if more else 'less'} loss {by}"


def _step_words(step: float) -> str:
    return f"{'slower' if step > 0 else 'faster'} by {_ms(abs(step))}"


def _ms(nanoseconds: float) -> str:
    return f"{nanoseconds / NS_PER_MS:.1f} ms"


# --- the sentence


def _against_first(comparison: RunComparison, number: int) -> str:
    runs, names = comparison.runs, comparison.names
    one, other = names[0], names[number]
    if told := _ends(runs[0], runs[number], one, other):
        return told
    if "" in (_stop(runs[0]), _stop(runs[number])):
        return f"Not enough data yet to compare {one} and {other}"
    target = comparison.target
    difference = target.differences[number - 1]
    farther = _farther(target.sides[0], target.sides[number], _by(comparison, number))
    if difference.real or difference.rtt is Verdict.DRIFT:
        return f"To the target: {_target_words(comparison, number)}{farther}"
    if difference.loss is Verdict.SUMS:
        told = one if target.sides[0].is_sums else other
        return (
            f"Nothing is tested: {told} has sums only, neither single RTTs nor the order of"
            f" losses{farther}"
        )
    if not difference.tested:
        return f"Not enough data yet to compare {one} and {other}{farther}"
    return (
        f"No difference at the target between {one} and {other}: {_visible(difference)}"
        f"{farther}{_on_the_way(comparison, number)}"
    )


def _target_words(comparison: RunComparison, number: int) -> str:
    target = comparison.target
    difference = target.differences[number - 1]
    first, second = target.sides[0], target.sides[number]
    one, other = _by(comparison, 0), _by(comparison, number)
    told = []
    if difference.loss is Verdict.DIFFERENT:
        told.append(f"{_percent(second.loss)} loss {other}, {_percent(first.loss)} {one}")
    if difference.rtt in (Verdict.DIFFERENT, Verdict.DRIFT):
        told.append(f"{_step_words(difference.step)} {other} than {one}")
    if difference.rtt is Verdict.DRIFT:
        told.append(f"but within one of the sessions it drifts by {_ms(difference.drift)}")
    return "; ".join(told)


def _circumstances(comparison: RunComparison, number: int) -> str:
    """Return what else is different than the network, if the runs are of different sessions."""
    if not comparison.origins:
        return ""
    first, second = comparison.origins[0], comparison.origins[number]
    begins = first.wall(comparison.runs[0]), second.wall(comparison.runs[number])
    told = []
    if first != second and all(begins):
        told.append(f"measured {format_duration(abs(begins[1] - begins[0]))} apart")
    for word, was, now in (
        ("to", first.address, second.address),
        ("from", first.place, second.place),
    ):
        if was and now and was != now:
            told.append(f"{word} {now}, not {word} {was}")
    return "".join(f"; {one}" for one in told)


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0.0):.1f} %"


def _visible(difference: Difference) -> str:
    """Return how large a difference would have been seen."""
    told = []
    if difference.visible_loss is not None:
        told.append(f"{100 * difference.visible_loss:.1f} % loss")
    if difference.visible_rtt is not None:
        told.append(_ms(difference.visible_rtt))
    untested = "" if difference.rtt is not Verdict.FEW else "; the RTTs are too few to be compared"
    return f"more than {' or '.join(told)} would have been seen{untested}"


def _farther(one: Side, other: Side, by: str) -> str:
    if one.ttl is None or other.ttl is None or one.ttl == other.ttl:
        return ""
    hops = abs(other.ttl - one.ttl)
    way = "farther" if other.ttl > one.ttl else "nearer"
    return f"; {by} the target is {hops} hop{'s' if hops > 1 else ''} {way}"


def _on_the_way(comparison: RunComparison, number: int) -> str:
    """Return what differs before a target that is the same: it is no fault of the traffic."""
    hops = comparison.rows[:-1]
    if real := [row for row in hops if row.differences[number - 1].real]:
        told = describe_difference(comparison, real[0], number)
        rest = len(real) - 1
        more = f", and {rest} more hop{'s' if rest > 1 else ''}" if rest else ""
        return f"; only the answers of hop {real[0].ttl}{more} differ: {told}"
    if moved := [row for row in hops if row.differences[number - 1].moved]:
        return f"; another path from hop {moved[0].ttl} on"
    return ""


# --- how runs end


def _stop(run: Run) -> str | None:
    """Where a run ends that did not reach the target: ` stops at hop 7`, `: !A at hop 7`.

    Empty: not known yet. None: it reached the target, or it ends because it was told to.
    """
    if run.reached:
        return None
    answered = [hop for hop in run.hops if hop.responders]
    last = answered[-1] if answered else None
    refusals = [mark for mark in last.marks if mark.startswith("!")] if last else []
    if last is not None and refusals:
        mtu = [mark for mark in last.marks if mark.startswith("MTU ")]
        return f": {', '.join([f'{refusals[0]} at hop {last.ttl}', *mtu[:1]])}"
    behind = [hop for hop in run.hops if last is None or hop.ttl > last.ttl]
    if max((hop.lost for hop in behind), default=0) >= ENOUGH:
        return f" stops at hop {last.ttl}" if last is not None else " gets no answer at all"
    return "" if any(hop.sent for hop in behind) else None


def _ends(one: Run, other: Run, first: str, second: str) -> str | None:
    stops = _stop(one), _stop(other)
    if one.reached != other.reached:
        near, far, stop = (first, second, stops[0]) if other.reached else (second, first, stops[1])
        if not stop:
            return None
        return (
            f"{near}{stop}; {far} reaches the target"
            if stop.startswith(":")
            else (f"{far} reaches the target, {near}{stop}")
        )
    if not stops[0] or not stops[1]:
        return None
    if stops[0] == stops[1]:
        return f"Neither reaches the target: each{stops[0]}"
    return f"Neither reaches the target: {first}{stops[0]}; {second}{stops[1]}"
