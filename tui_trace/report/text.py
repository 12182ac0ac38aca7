"""`-r` and `-w`: the report of mtr 0.95, with our notes after its columns."""

from collections.abc import Iterator

from tui_trace.report.words import NameOf, began, hosts, notes, own_name, subject, troubles
from tui_trace.session.model import Hop, Snapshot
from tui_trace.settings import NS_PER_MS

_NARROW = 33
"""Characters of the host column and what stands before it."""
_INDENT = 8
_COLUMNS = f"{' Loss%':6}{'Snt':>6}{'':1}{'Last':>6}{'Avg':>6}{'Best':>6}{'Wrst':>6}{'StDev':>6}"


def render(snapshot: Snapshot, *, wide: bool, name_of: NameOf = str) -> str:
    """The run in force as a table, at any moment; times in ms.

    Unless `wide`, names are cut to mtr's width. Addresses never are: half of one is another.
    """
    rows = [(hop, hosts(hop, name_of)) for hop in snapshot.run.hops]
    machine = f"HOST: {own_name()}"
    width = max([len(machine) if wide else _NARROW, *_widths(rows, wide)])
    start = began(snapshot).astimezone().strftime("%Y-%m-%dT%H:%M:%S%z")
    lines = [f"Start: {start}  {subject(snapshot)}"]
    lines.append(f"{machine:{width}.{width}}{_COLUMNS}")
    for hop, names in rows:
        host = f"{hop.ttl:3}.|-- {names[0]}"
        lines.append(f"{host:{width}.{width}}{_figures(hop)}  {notes(hop)}".rstrip())
        lines += [f"{'':{_INDENT}}{other}"[:width] for other in names[1:]]
    lines += troubles(snapshot)
    return "\n".join(lines) + "\n"


def _widths(rows: list[tuple[Hop, list[str]]], wide: bool) -> Iterator[int]:
    for hop, names in rows:
        addresses = {responder.address for responder in hop.responders}
        yield from (_INDENT + len(name) for name in names if wide or name in addresses)


def _figures(hop: Hop) -> str:
    figures = hop.figures
    times = (figures.last, figures.mean, figures.min, figures.max, figures.sd)
    last, *others = (f"{(value or 0) / NS_PER_MS:.1f}" for value in times)
    return f"{_loss(hop):>6}{hop.sent:6}  {last:>5}" + "".join(f" {text:>5}" for text in others)


def _loss(hop: Hop) -> str:
    percent = hop.loss_percent or 0.0
    # as mtr has it: the column has no room for the sign of a whole loss
    return f"{percent:.1f}%" if percent < 99.95 else f"{percent:.1f}"
