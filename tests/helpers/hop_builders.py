"""Hops with known outcomes."""

from array import array

from tui_trace.core.settings import NS_PER_S, ProbeSettings
from tui_trace.session.outcomes import HopOutcomes, RunOutcomes
from tui_trace.session.snapshot import LOST, Hop, Responder, Run
from tui_trace.session.stats import RttStats


def hop_of(ttl, outcomes, *, address=None, marks=(), target=False):
    stats = RttStats()
    for outcome in outcomes:
        if outcome != LOST:
            stats.add(outcome)
    lost = sum(outcome == LOST for outcome in outcomes)
    who = (Responder(address or f"192.0.2.{ttl}", stats.count, 0),) if stats.count else ()
    return Hop(
        ttl=ttl, responders=who, sent=len(outcomes), lost=lost, late=0, duplicates=0, pending=0,
        figures=stats.snapshot(), recent=tuple(outcomes), marks=tuple(marks),
        user_stamped=0, is_target=target,
    )  # fmt: skip


def outcomes_of(hop, series):
    """What a run's log has of a hop; None in the series: no probe, or one in flight."""
    bits = [sum(1 << place for place, one in enumerate(series) if test(one)) for test in (
        lambda one: one == LOST, lambda one: one is not None and one != LOST
    )]  # fmt: skip
    rtts = array("q", [LOST if one is None else one for one in series])
    addresses = tuple(who.address for who in hop.responders) if hop is not None else ()
    refused = bits[0] if hop is not None and hop.refused else 0
    return HopOutcomes(bits[0], bits[1], refused, addresses, rtts)


def run_of(number, hops, probe=None, *, reached=True, start=0, interval=1.0, turns_with=()):
    """A run of hops from `hop_of`, one probe a round, and what its log has of them."""
    series = {hop.ttl: hop.recent for hop in hops}
    longest = max(map(len, series.values()), default=0)
    times = array("q", [int((start + place * interval) * NS_PER_S) for place in range(longest)])
    target = next((hop for hop in hops if hop.is_target), None)
    known = {hop.ttl: outcomes_of(hop, series[hop.ttl]) for hop in hops}
    last = known[target.ttl] if target is not None else HopOutcomes()
    return Run(
        number, probe or ProbeSettings(), 0, longest, reached, tuple(hops), turns_with,
        outcomes=RunOutcomes(times, known, last, target.ttl if target is not None else None),
    )  # fmt: skip
