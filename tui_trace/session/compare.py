"""Runs side by side, hop by hop: what differs, and what could be chance.

The figures shown are those of the whole runs. The tests look at the samples that every hop
remembers one by one, its last `model.RECENT` outcomes, in live sessions and recordings alike: more
are not needed for a difference that anybody would act on.
"""

import enum
from collections.abc import Sequence
from statistics import median

import msgspec

from tui_trace.core.probe_text import describe_protocol, describe_tos
from tui_trace.core.settings import NS_PER_MS, ProbeSettings, Protocol
from tui_trace.session import significance
from tui_trace.session.loss import Interval, loss_of
from tui_trace.session.significance import PValues, Samples
from tui_trace.session.snapshot import LOST, PENDING, Hop, Run

TEST = (
    "Welch's t-test on ranks and Fisher's exact test,"
    " corrected for autocorrelation and for testing all hops"
)
"""What the verdicts rest on."""
ENOUGH = 3
"""Probes behind the last answer that have to be lost before a path is said to stop there."""


class Verdict(enum.StrEnum):
    """What may be said of a hop in two runs."""

    SAME = "no difference"
    """The figures are the same, as far as they are shown."""
    CHANCE = "not significant"
    DIFFERENT = "different"
    FEW = "not enough data"
    UNTESTED = "not tested: scipy cannot be loaded"


class Side(msgspec.Struct, frozen=True):
    """One hop of one run; `hop` is None where the run does not reach so far."""

    hop: Hop | None
    loss: Interval | None


class Difference(msgspec.Struct, frozen=True):
    """A hop in a run, compared with the same hop in the first run."""

    loss: Verdict
    rtt: Verdict
    moved: bool
    """Other addresses answer."""
    words: str
    """All of it in a few words."""

    @property
    def real(self) -> bool:
        """It is to be marked."""
        return Verdict.DIFFERENT in (self.loss, self.rtt)


class Row(msgspec.Struct, frozen=True):
    """One hop, in each of the runs that are compared."""

    ttl: int
    sides: tuple[Side, ...]
    """One a run."""
    differences: tuple[Difference, ...]
    """One a run after the first."""


class RunComparison(msgspec.Struct, frozen=True):
    """Two runs or more."""

    runs: tuple[Run, ...]
    names: tuple[str, ...]
    """Of the runs: what tells their settings apart."""
    sentence: str
    """The answer in one sentence."""
    rows: tuple[Row, ...]
    test: str = TEST


def compare_runs(runs: Sequence[Run]) -> RunComparison:
    """Each run against the first of them, hop by hop; at least two.

    Two that took turns round by round are compared turn by turn, so that what the network did to
    both cancels out. Slow, the first time (scipy is loaded): not for a thread that draws.
    """
    alternated = len(runs) == 2 and runs[1].number in runs[0].turns_with
    names = _names(runs)
    hops = [{hop.ttl: hop for hop in run.hops} for run in runs]
    ttls = sorted(set().union(*hops))
    pairs = [(one, ttl) for one in range(1, len(runs)) for ttl in ttls]
    told = _chances([(hops[0].get(ttl), hops[one].get(ttl)) for one, ttl in pairs], alternated)
    by_place = dict(zip(pairs, told, strict=True))
    rows = tuple(
        Row(
            ttl,
            tuple(_side(found.get(ttl)) for found in hops),
            tuple(
                _difference(hops[0].get(ttl), hops[one].get(ttl), by_place[one, ttl], names[one])
                for one in range(1, len(runs))
            ),
        )
        for ttl in ttls
    )
    return RunComparison(tuple(runs), names, _sentence(runs, names, rows, alternated), rows)


def _side(hop: Hop | None) -> Side:
    return Side(hop, loss_of(hop) if hop else None)


def _decided(hop: Hop | None) -> list[int]:
    return [outcome for outcome in hop.recent if outcome != PENDING] if hop else []


def _rtts(hop: Hop | None) -> list[int]:
    return [outcome for outcome in _decided(hop) if outcome != LOST]


def _samples(one: Hop | None, other: Hop | None, alternated: bool) -> Samples:
    outcomes = _decided(one), _decided(other)
    losses = tuple([outcome == LOST for outcome in series] for series in outcomes)
    rtts = _rtts(one), _rtts(other)
    if alternated:
        # the latest of both belong together, and so on back; half a pair is none
        turns = zip(reversed(outcomes[0]), reversed(outcomes[1]), strict=False)
        both = [turn for turn in turns if LOST not in turn][::-1]
        rtts = [turn[0] for turn in both], [turn[1] for turn in both]
    return Samples(rtts, (losses[0], losses[1]))


def _chances(
    pairs: Sequence[tuple[Hop | None, Hop | None]], alternated: bool
) -> list[PValues | None]:
    told = [_samples(one, other, alternated) for one, other in pairs]
    try:
        return list(significance.adjusted_p_values(told, paired=alternated))
    except ImportError:
        return [None] * len(told)


# --- one hop


def _difference(
    one: Hop | None, other: Hop | None, chances: PValues | None, name: str
) -> Difference:
    same_loss = _shown(_loss(one)) == _shown(_loss(other))
    same_rtt = _shown(_mean(one)) == _shown(_mean(other))
    if chances is None:
        loss = Verdict.SAME if same_loss else Verdict.UNTESTED
        rtt = Verdict.SAME if same_rtt else Verdict.UNTESTED
    else:
        loss = _verdict(chances.loss, same_loss)
        rtt = _verdict(chances.rtt, same_rtt)
    addresses = [{r.address for r in hop.responders} if hop else set() for hop in (one, other)]
    moved = all(addresses) and addresses[0].isdisjoint(addresses[1])
    words = _words(one, other, loss, rtt, name)
    if moved:
        words = f"another router; {words}" if words != Verdict.SAME else "another router"
    return Difference(loss, rtt, moved, words)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _loss(hop: Hop | None) -> float | None:
    return hop.loss_percent if hop else None


def _mean(hop: Hop | None) -> float | None:
    return hop.figures.mean / NS_PER_MS if hop and hop.figures.mean is not None else None


def _verdict(p: float | None, same: bool) -> Verdict:
    if p is not None and p < significance.FAMILYWISE_ALPHA:
        return Verdict.DIFFERENT
    if same:
        return Verdict.SAME
    return Verdict.FEW if p is None else Verdict.CHANCE


def _words(one: Hop | None, other: Hop | None, loss: Verdict, rtt: Verdict, name: str) -> str:
    parts: list[str] = []
    if loss is Verdict.DIFFERENT and one and other:
        first, second = one.loss_percent or 0.0, other.loss_percent or 0.0
        if second >= 100:
            refused = other.refused == other.lost
            parts.append(f"refused with {name}" if refused else f"silent to {name}")
        elif first >= 100:
            parts.append(f"answers only {name}")
        else:
            parts.append(f"{'more' if second > first else 'less'} loss with {name}")
    if rtt is Verdict.DIFFERENT and one and other:
        step = median(_rtts(other)) - median(_rtts(one))
        parts.append(f"{'slower' if step > 0 else 'faster'} by {abs(step) / NS_PER_MS:.1f} ms")
    if parts:
        return ", ".join(parts)
    for verdict in (Verdict.UNTESTED, Verdict.CHANCE, Verdict.FEW):
        if verdict in (loss, rtt) and one and other and one.sent and other.sent:
            return str(verdict)
    return str(Verdict.SAME)


# --- names and the sentence


def _names(runs: Sequence[Run]) -> tuple[str, ...]:
    """What tells each from the others."""
    differing = [
        field
        for field in ProbeSettings.__struct_fields__
        if len({getattr(run.settings, field) for run in runs}) > 1
    ]
    names = [_name(run.settings, differing) for run in runs]
    return tuple(
        f"{name} (run {run.number})" if names.count(name) > 1 else name
        for run, name in zip(runs, names, strict=True)
    )


_FIELD_NAMES = dict(
    zip(ProbeSettings.__struct_fields__, ProbeSettings.__struct_encode_fields__, strict=True)
)
"""The names that fields of the settings have in recordings and in JSON, which are shorter."""


def _name(settings: ProbeSettings, differing: Sequence[str]) -> str:
    parts: list[str] = []
    if not differing or {"protocol", "port", "tcp_flags"} & set(differing):
        parts.append(describe_protocol(settings).replace(" port ", " ").replace(" echo", ""))
    if "df" in differing:
        parts.append(f"DF {'on' if settings.df else 'off'}")
    sized = "size" in differing and ("protocol" not in differing or len(parts) == 0)
    if sized or ("df" in differing and settings.df):
        parts.append(f"{settings.size} bytes")
    if "tos" in differing:
        parts.append(f"TOS {describe_tos(settings.tos)}")
    told = {"protocol", "port", "tcp_flags", "df", "size", "tos"}
    parts += [
        f"{_FIELD_NAMES[field].replace('_', ' ')} {getattr(settings, field)}"
        for field in differing
        if field not in told
    ]
    if settings.protocol is Protocol.ICMP and parts == []:
        parts.append("ICMP")
    return " with ".join([parts[0], ", ".join(parts[1:])]) if len(parts) > 1 else parts[0]


def _sentence(
    runs: Sequence[Run], names: Sequence[str], rows: Sequence[Row], alternated: bool
) -> str:
    turns = ", measured in turns" if alternated else ""
    for number in range(1, len(runs)):
        one, other = runs[0], runs[number]
        if told := _ends(one, other, names[0], names[number]):
            return told + turns
        if "" in (_stop(one), _stop(other)):
            continue
        reached = one.reached and other.reached
        if told := _at_the_end(rows, number, names) or _on_the_way(rows, number, names, reached):
            return told + turns
    verdicts = {v for row in rows for d in row.differences for v in (d.loss, d.rtt)}
    if Verdict.UNTESTED in verdicts:
        return str(Verdict.UNTESTED).capitalize()
    if _is_early(runs, rows):
        return f"Not enough data yet to compare {' and '.join(names)}"
    return f"No significant difference between {' and '.join(names)}{turns}"


def _is_early(runs: Sequence[Run], rows: Sequence[Row]) -> bool:
    """How the runs end is not known yet, or nothing can be said of the target."""
    if any(_stop(run) == "" for run in runs):
        return True
    return any(
        Verdict.FEW in (difference.loss, difference.rtt)
        for row in rows
        if any(side.hop is not None and side.hop.is_target for side in row.sides)
        for difference in row.differences
    )


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


def _at_the_end(rows: Sequence[Row], number: int, names: Sequence[str]) -> str | None:
    for row in reversed(rows):
        one, other = row.sides[0].hop, row.sides[number].hop
        difference = row.differences[number - 1]
        if one and other and one.is_target and other.is_target and difference.real:
            return f"To the target: {difference.words}{_against(difference, names, number)}"
    return None


def _on_the_way(
    rows: Sequence[Row], number: int, names: Sequence[str], reached: bool
) -> str | None:
    real = [row for row in rows if row.differences[number - 1].real]
    if real:
        row = real[0]
        difference = row.differences[number - 1]
        rest = len(real) - 1
        more = f", and at {rest} more hop{'s' if rest > 1 else ''}" if rest else ""
        against = _against(difference, names, number)
        told = f"op {row.ttl}: {difference.words}{against}{more}"
        return f"The target is the same; h{told}" if reached else f"H{told}"
    moved = [row.ttl for row in rows if row.differences[number - 1].moved]
    if moved:
        return f"{names[number]} takes another path than {names[0]} from hop {moved[0]} on"
    return None


def _against(difference: Difference, names: Sequence[str], number: int) -> str:
    if names[number] in difference.words:
        return f" than with {names[0]}" if " loss with " in difference.words else ""
    return f" with {names[number]} than with {names[0]}"
