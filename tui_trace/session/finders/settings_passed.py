"""The settings in force reach the target, and others did not a moment ago."""

from collections.abc import Iterator

from msgspec.structs import replace

from tui_trace.session.evidence import Findable
from tui_trace.session.finders.settings_filtered import ENOUGH, Contrast, tell
from tui_trace.session.finders.silence import RECENTLY, trailing_losses
from tui_trace.session.finding import Finding, Sure
from tui_trace.session.run_fold import RunFold


def find_passed(session: Findable) -> Iterator[Finding]:
    """Find `filtered`, harmless now: what a switch away from settings that do not pass has shown.

    A target that happened to come back with the switch looks alike, so it is never certain.
    """
    if len(session.runs) < 2:
        return
    passing = session.run
    for blocked in session.runs.values():
        if blocked in session.active or blocked.temporary:
            continue
        contrast = _contrast(passing, blocked)
        if contrast is not None:
            yield replace(tell(contrast), harm=False, severity=0.0, sure=Sure.LIKELY)


def _contrast(passing: RunFold, blocked: RunFold) -> Contrast | None:
    lost, first = trailing_losses(blocked.log.target)
    if lost < ENOUGH or blocked.log.target_ttl is not None:
        # what reached the target once is not filtered: there was an outage
        return None
    log = blocked.log
    ended = log.ends[log.slots - 1]
    answered = passing.log.target.answered & passing.log.since(ended)
    if answered.bit_count() < ENOUGH:
        return None
    soonest = passing.log.times[(answered & -answered).bit_length() - 1]
    if soonest - ended > RECENTLY:
        return None
    stretch = (1 << log.slots) - (1 << first)
    return Contrast(passing, blocked, log.times[first], lost, answered.bit_count(), False, stretch)
