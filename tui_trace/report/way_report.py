"""The ways through the network in reports: as lines, as an object for programs, as a graph."""

from collections.abc import Iterator
from typing import Any

import msgspec

from tui_trace.core.probe_text import describe_settings
from tui_trace.core.sanitize import sanitize
from tui_trace.core.way_map import Node
from tui_trace.session.snapshot import Snapshot, Ways
from tui_trace.session.way_text import describe_ways, percent, way_table
from tui_trace.session.ways import WaySearch

UNKNOWN = "?"
"""Stands where it is not known what a flow meets."""


def way_lines(snapshot: Snapshot) -> Iterator[str]:
    """Return what the latest search for ways has shown, in lines; none without one."""
    search = snapshot.ways.latest
    if search is None:
        return
    settings = describe_settings(search.settings, snapshot.family)
    yield f"Ways by {settings}: {search.sent} probes in {len(search.flows)} flows"
    for sentence in describe_ways(snapshot.ways):
        yield f"  {sentence}"
    head, rows = way_cells(search)
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        yield "  " + "  ".join(map(str.ljust, row, widths)).rstrip()


def way_cells(search: WaySearch) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of the table of ways; no rows if there is one way."""
    table = way_table(search)
    head = ["Port", *(f"Hop {ttl}" for ttl in table.ttls)]
    rows = [
        [str(flow.source_port), *(sanitize(cell or "") for cell in cells)]
        for flow, cells in table.rows
    ]
    return head, rows


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
    names = {Node(search.first_ttl - 1, ""): "n0_0"}
    for number, node in enumerate(search.nodes, 1):
        names[node] = f"n{node.ttl}_{number}"
        text = _quote(f"{node.ttl}  {node.address or '*'}")
        lines.append(f"  {names[node]} [label={text}];")
    lines += [f"  {names[link.begin]} -> {names[link.end]};" for link in search.links]
    return "\n".join([*lines, "}"]) + "\n"


def _quote(text: str) -> str:
    safe = sanitize(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{safe}"'
