"""The way to a place and the way back from it, side by side."""

from collections.abc import Iterator, Sequence

from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.sanitize import sanitize
from tui_trace.report.cell_text import short_ms
from tui_trace.report.formatting import SILENT
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.session.host_labels import HostLabels, LabelMode
from tui_trace.session.snapshot import Hop, Snapshot
from tui_trace.session.there_and_back import align_ways, describe_there_and_back

_FIGURES = 3 + 1 + 6 + 7
"""Characters of TTL, loss and mean."""
_HOST_LEAST = 12
_BETWEEN = " = "
_WIDTH = 100


def there_and_back_lines(
    there: Snapshot, back: Snapshot, width: int, mode: LabelMode
) -> Iterator[str]:
    """Yield the table, in lines of `width` characters."""
    host = max(_HOST_LEAST, (width - len(_BETWEEN)) // 2 - _FIGURES - 1)
    names = (f"there: to {there.target}", f"back: from {back.vantage} to {back.target}")
    sides = [pad_or_truncate(sanitize(name), host + _FIGURES + 1) for name in names]
    yield f"{sides[0]}   {sides[1]}".rstrip()
    title = f"  # {'host':<{host}} Loss%    Avg"
    yield f"{title}   {title}"
    labels = [HostLabels(one.who, mode) for one in (there, back)]
    for pair in align_ways(there, back).pairs:
        one = _side(pair.there, labels[0], host)
        other = _side(pair.back, labels[1], host)
        yield f"{one}{_BETWEEN if pair.is_same else '   '}{other}".rstrip()
    yield ""
    yield "=: both answer from one link"


def _side(hop: Hop | None, labels: HostLabels, host: int) -> str:
    if hop is None:
        return " " * (host + _FIGURES)
    name = labels.host(hop.responders[0].address) if hop.responders else SILENT
    loss = "" if hop.loss_percent is None else f"{hop.loss_percent:.1f}"
    figures = f"{loss:>6}{short_ms(hop.figures.mean):>7}"
    return f"{hop.ttl:>3} {pad_or_truncate(name, host)}{figures}"


def render_there_and_back(snapshots: Sequence[Snapshot], layout: ReportLayout) -> str:
    """Return the table of two sessions as text; empty if there are fewer."""
    if len(snapshots) < 2:
        return ""
    there, back = snapshots
    sentence = describe_there_and_back(align_ways(there, back))
    lines = [sentence, "", *there_and_back_lines(there, back, _WIDTH, layout.label_mode)]
    return "".join(f"{line}\n" for line in lines)
