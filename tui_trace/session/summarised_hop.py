"""A hop of which another program told statistics, but no single probe."""

from tui_trace.core.events import HopSummary
from tui_trace.session.snapshot import Hop, Responder, RttStatistics


def hop_of_summary(summary: HopSummary) -> Hop:
    """Return the hop with what is known of it: there is no order, so `recent` is empty."""
    answered = max(summary.sent - summary.lost, 0)
    lost = summary.sent - answered
    # how many answers came from which of several addresses is not told
    each = answered if len(summary.addresses) == 1 else 0
    return Hop(
        ttl=summary.ttl,
        responders=tuple(Responder(address, each, summary.at) for address in summary.addresses),
        sent=summary.sent,
        lost=lost,
        late=summary.late,
        duplicates=summary.duplicates,
        pending=0,
        figures=_figures(summary, answered) if answered else _figures(_NOTHING, 0),
        recent=(),
        marks=(),
        user_stamped=0,
        is_target=summary.reached,
    )


_NOTHING = HopSummary(at=0, run=0, ttl=0, sent=0, lost=0)


def _figures(summary: HopSummary, answered: int) -> RttStatistics:
    return RttStatistics(
        count=answered,
        last=summary.last,
        min=summary.best,
        max=summary.worst,
        mean=summary.mean,
        sd=summary.sd,
        jitter=summary.jitter,
        p50=summary.p50,
        p90=summary.p90,
        p99=summary.p99,
        gmean=summary.gmean,
        last_jitter=summary.last_jitter,
        max_jitter=summary.max_jitter,
        smooth_jitter=summary.smooth_jitter,
    )
