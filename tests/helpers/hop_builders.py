"""Hops with known outcomes."""

from tui_trace.session.snapshot import LOST, Hop, Responder
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
        figures=stats.snapshot(), recent=tuple(outcomes[-256:]), marks=tuple(marks),
        user_stamped=0, is_target=target,
    )  # fmt: skip
