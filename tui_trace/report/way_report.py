"""The ways through the network in reports: as lines, as an object for programs, as a graph."""

from collections.abc import Iterator
from typing import Any

import msgspec

from tui_trace.core.probe_text import describe_settings
from tui_trace.core.sanitize import sanitize
from tui_trace.core.way_map import Node
from tui_trace.session.snapshot import Snapshot, Ways
from tui_trace.session.way_text import common_start, describe_ways, diamonds, percent
from tui_trace.session.ways import WaySearch


def way_lines(snapshot: Snapshot) -> Iterator[str]:
    """Return what the latest search for ways has shown, in lines; none without one."""
    search = snapshot.ways.latest
    if search is None:
        return
    settings = describe_settings(search.settings, snapshot.family)
    yield f"Ways by {settings}: {search.sent} probes in {len(search.flows)} flows"
    for sentence in describe_ways(snapshot.ways):
        yield f"  {sentence}"
    for head, rows in way_tables(search):
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        for row in (head, *rows):
            yield "  " + "  ".join(map(str.ljust, row, widths)).rstrip()


def way_tables(search: WaySearch) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Return head and rows for each stretch of several ways: a row a way, with a port of it."""
    for diamond in diamonds(search):
        head = ["Port", *(f"Hop {ttl}" for ttl in diamond.ttls)]
        rows = []
        above: tuple[str, ...] = ("",) * len(diamond.ttls)
        for flow, cells in diamond.branches:
            same = min(common_start(cells, above), len(cells) - 1)
            rows.append([str(flow.source_port), *[""] * same, *map(sanitize, cells[same:])])
            above = cells
        yield head, rows


def way_object(ways: Ways) -> dict[str, Any] | None:
    """Return the latest search for ways for JSON; None without one."""
    search = ways.latest
    if search is None:
        return None
    return {
        "probe": msgspec.to_builtins(search.settings),
        "confidence": search.confidence,
        "probes": search.sent,
        "end": search.end,
        "text": describe_ways(ways),
        "per_packet": list(search.per_packet),
        "nodes": [_node(node) for node in search.nodes],
        "links": [
            {"from": _node(link.begin), "to": _node(link.end)}
            for link in search.links
            if link.begin.ttl >= search.first_ttl
        ],
        "flows": [
            {
                "flow": flow.flow,
                "source_port": flow.source_port,
                "path": [None if at is None else sanitize(at) for at in flow.path],
            }
            for flow in search.flows
        ],
    }


def _node(node: Node) -> dict[str, Any]:
    return {"hop": node.ttl, "address": sanitize(node.address) or None}


def way_graph(snapshot: Snapshot) -> str:
    """Return the latest search as a graph in the DOT language of Graphviz; empty without one."""
    search = snapshot.ways.latest
    if search is None:
        return ""
    label = _quote(f"{snapshot.source} to {snapshot.target}, {percent(search.confidence)} % sure")
    lines = ["digraph ways {", "  rankdir=LR;", "  node [shape=box];", f"  label={label};"]
    lines += [f"  n0_0 [label={_quote(snapshot.source)}];"]
    names: dict[Node, str] = {}
    for number, node in enumerate(search.nodes, 1):
        names[node] = f"n{node.ttl}_{number}"
        text = _quote(f"{node.ttl}  {node.address or '*'}")
        lines.append(f"  {names[node]} [label={text}];")
    first = [names[node] for node in search.nodes_at(search.first_ttl)]
    lines += [f"  n0_0 -> {name};" for name in first]
    lines += [f"  {names[link.begin]} -> {names[link.end]};" for link in search.links]
    return "\n".join([*lines, "}"]) + "\n"


def _quote(text: str) -> str:
    safe = sanitize(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{safe}"'
