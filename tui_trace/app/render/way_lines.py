"""The ways through the network as lines: where they part and join, and how each of them does."""

from collections.abc import Iterator, Sequence

from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.core.probe_text import describe_settings
from tui_trace.core.way_map import Node
from tui_trace.report.cell_text import TextStyle, short_ms, sparkline
from tui_trace.session.finding import Finding, FindingKind
from tui_trace.session.host_labels import NO_REPLY, HostLabels
from tui_trace.session.snapshot import Snapshot, WayRow, WayWatched
from tui_trace.session.way_text import Diamond, WayBranch, describe_ways, diamonds
from tui_trace.session.ways import WaySearch

_PORT = 6
_FIGURES = 15
"""Cells of loss and RTT."""
_SPARK = 12
"""Cells of the latest outcomes, where there is room."""
_LEAST_CELL = 7
_NOBODY = {"?": "(unknown)", "*": NO_REPLY, "": ""}
_MANY = 12
"""Ways of one diamond from which on those that are fine are folded."""


def selectable_flows(snapshot: Snapshot, *, folded: bool) -> list[int]:
    """Return the flows of the rows that can be selected, from above; each once."""
    search = snapshot.ways.latest
    if search is None:
        return []
    bad = _bad_flows(snapshot, search)
    rows = [
        branch.flow.flow
        for diamond in diamonds(search)
        for branch in _unfolded(diamond, bad, folded=folded)
    ]
    return list(dict.fromkeys(rows))


def ways_lines(
    snapshot: Snapshot, width: int, labels: HostLabels, *, selected: int | None, folded: bool
) -> list[StyledLine]:
    """Return what is known of the ways; `selected` is the flow of the marked row."""
    search = snapshot.ways.latest
    if search is None:
        return [
            [(" No way is known yet: x finds every way through the network.", TextStyle.STRONG)]
        ]
    lines: list[StyledLine] = []
    for sentence in describe_ways(snapshot.ways):
        lines += wrapped(sentence, width, TextStyle.STRONG)
    lines += wrapped(_progress(snapshot, search), width, TextStyle.DIM)
    bad = _bad_flows(snapshot, search)
    for finding in _way_findings(snapshot):
        text = f"{finding.text}: {finding.details}"
        lines += wrapped(text, width, TextStyle.BAD, indent=1, sign="!")
    figures = _figures(snapshot.ways.watched)
    for diamond in diamonds(search):
        shown = _unfolded(diamond, bad, folded=folded)
        lines += [[], _title(diamond, len(shown), bad, labels)]
        if shown:
            lines += _Drawing(diamond, shown, figures, labels).lines(width, selected, bad)
    return lines


def _progress(snapshot: Snapshot, search: WaySearch) -> str:
    probe = describe_settings(search.settings, snapshot.family)
    sent = f"{search.sent} probes in {len(search.flows)} flows"
    if search.end is None:
        return f"searching: {sent}, at most {search.budget} · {probe} · x stops"
    watched = snapshot.ways.watched
    watching = watched is not None and not watched.is_over
    hint = "watched live · W stops" if watching else "W watches each of them"
    return f"{sent} · {probe} · {hint if len(search.cover) > 1 else 'x searches again'}"


def _way_findings(snapshot: Snapshot) -> list[Finding]:
    return [one for one in snapshot.findings if one.kind is FindingKind.WAY_LOSS]


def _bad_flows(snapshot: Snapshot, search: WaySearch) -> frozenset[int]:
    """Return the flows by routers of which it was found that they lose."""
    bad = {
        port
        for finding in _way_findings(snapshot)
        for port in str(finding.evidence.get("source_ports", "")).split()
    }
    return frozenset(flow.flow for flow in search.cover if str(flow.source_port) in bad)


def _unfolded(diamond: Diamond, bad: frozenset[int], *, folded: bool) -> Sequence[WayBranch]:
    if not folded or len(diamond.branches) < _MANY:
        return diamond.branches
    return [branch for branch in diamond.branches if branch.flow.flow in bad]


def _title(diamond: Diamond, shown: int, bad: frozenset[int], labels: HostLabels) -> StyledLine:
    count = len(diamond.branches)
    count_bad = sum(branch.flow.flow in bad for branch in diamond.branches)
    begin, end = _end(diamond.begin, "here", labels), _end(diamond.end, "…", labels)
    first, last = diamond.ttls[0], diamond.ttls[-1]
    hops = f"hop {first}" if first == last else f"hops {first}–{last}"
    words = f" {hops}: {count} ways from {begin} to {end}"
    if count_bad:
        words += f", {count_bad} bad"
    if shown < count:
        words += " · space unfolds"
    return [(words, TextStyle.STRONG)]


def _end(node: Node | None, instead: str, labels: HostLabels) -> str:
    return labels.host(node.address) if node is not None and node.address else instead


class _Drawing:
    """A diamond as lines, a way each; what ways have in common at their beginning is drawn once."""

    def __init__(
        self,
        diamond: Diamond,
        shown: Sequence[WayBranch],
        figures: dict[int, WayRow],
        labels: HostLabels,
    ) -> None:
        self._ttls = diamond.ttls
        self._rows = shown
        self._figures = figures
        self._labels = labels
        self._shows_asn = True

    def lines(self, width: int, selected: int | None, bad: frozenset[int]) -> Iterator[StyledLine]:
        """Return the head and a line for each way; the `bad` flows and the selected are marked."""
        sizes, spark = self._layout(width)
        yield [(self._head(sizes, spark), TextStyle.DIM)]
        for place, (flow, _) in enumerate(self._rows):
            is_bad, is_selected = flow.flow in bad, flow.flow == selected
            mark = "▶" if is_selected else "!" if is_bad else " "
            style = TextStyle.STRONG if is_selected else TextStyle.PLAIN
            style = TextStyle.BAD if is_bad else style
            line: StyledLine = [(f"{mark}{flow.source_port or '–':>{_PORT - 1}} ", style)]
            for column, size in enumerate(sizes):
                sign, text = self._cell(place, column)
                line += [(f"{sign} ", TextStyle.DIM), (pad_or_truncate(text, size) + " ", style)]
            line.append((f"{self._closing(place)} ", TextStyle.DIM))
            if self._figures:
                line += _figures_of(self._figures.get(flow.flow), spark, style)
            yield line

    def _layout(self, width: int) -> tuple[list[int], int]:
        """Return the widths of the columns, and that of the latest outcomes."""
        room = width - _PORT - 3 - 3 * len(self._ttls) - (_FIGURES if self._figures else 0)
        sizes = self._sizes()
        if sum(sizes) > room:
            # half an AS number says nothing
            self._shows_asn = False
            sizes = self._sizes()
        spare = room - sum(sizes)
        spark = min(_SPARK, spare - 1) if self._figures and spare > 5 else 0
        while sum(sizes) + spark > room and max(sizes) > _LEAST_CELL:
            sizes[sizes.index(max(sizes))] -= 1
        return sizes, spark

    def _sizes(self) -> list[int]:
        texts = [
            [f"Hop {ttl}", *(self._text(row.cells[column]) for row in self._rows)]
            for column, ttl in enumerate(self._ttls)
        ]
        return [max(map(cell_width, column)) for column in texts]

    def _head(self, sizes: list[int], spark: int) -> str:
        text = f"{'Port':>{_PORT}} "
        for ttl, size in zip(self._ttls, sizes, strict=True):
            text += f"  {pad_or_truncate(f'Hop {ttl}', size)} "
        if self._figures:
            text += f"  {'Loss':>6} {'RTT':>7}{' Recent' if spark > 6 else ''}"
        return text

    def _cell(self, place: int, column: int) -> tuple[str, str]:
        """Return how a cell hangs on what stands before it, and its text if it is drawn here."""
        prefix = self._rows[place].cells[:column]
        above = self._rows[place - 1].cells if place else None
        is_new = above is None or above[: column + 1] != self._rows[place].cells[: column + 1]
        following = [
            row.cells[column] for row in self._rows[place + 1 :] if row.cells[:column] == prefix
        ]
        cell = self._rows[place].cells[column]
        is_last = all(each == cell for each in following)
        if not is_new:
            return " " if is_last else "│", ""
        is_first = above is None or above[:column] != prefix
        sign = ("─" if is_last else "┬") if is_first else ("└" if is_last else "├")
        return sign, self._text(cell)

    def _closing(self, place: int) -> str:
        if len(self._rows) == 1:
            return "─"
        return "┐" if not place else "┘" if place == len(self._rows) - 1 else "┤"

    def _text(self, cell: str) -> str:
        if cell in _NOBODY:
            return _NOBODY[cell]
        asn = self._labels.asn(cell) if self._shows_asn else ""
        return f"{self._labels.host(cell)} AS{asn}" if asn else self._labels.host(cell)


def _figures(watched: WayWatched | None) -> dict[int, WayRow]:
    return {} if watched is None else {row.flow: row for row in watched.rows}


def _figures_of(
    row: WayRow | None, spark: int, style: TextStyle
) -> Iterator[tuple[str, TextStyle]]:
    if row is None or not row.hops:
        yield f"{'–':>6} {'–':>7}", TextStyle.DIM
        return
    end = row.hops[-1]
    loss = "–" if row.loss_percent is None else f"{row.loss_percent:.1f}%"
    yield f"{loss:>6} {short_ms(end.figures.mean) or '–':>7}", style
    if spark:
        yield f" {sparkline(end.recent, end.figures.min, spark)}", TextStyle.SPARK
