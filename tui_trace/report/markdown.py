"""`--markdown`: the report as a table for tickets (GitHub Flavored Markdown)."""

import re
from collections.abc import Iterator

from tui_trace.report.fields import Layout, chosen
from tui_trace.report.words import (
    ABOUT,
    abouts,
    began,
    hosts,
    noted,
    notes,
    own_name,
    subject,
    troubles,
)
from tui_trace.session.model import Hop, Snapshot

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&@^=\"'])")


def render(snapshot: Snapshot, layout: Layout) -> str:
    """The run in force as a table, at any moment; times in ms. No text in it is markup."""
    start = began(snapshot).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    about = [ABOUT[layout.about].title] if layout.about is not None else []
    titles = [field.title for field in chosen(layout)]
    head = ["#", *about, "Host", *titles, "Notes"]
    rule = ["--:", *[":--"] * len(about), ":--", *["--:"] * len(titles), ":--"]
    lines = [f"{_plain(own_name())} → {_plain(subject(snapshot))}, {start}", ""]
    lines += [_line(head), _line(rule)]
    lines += [_line(_row(snapshot, hop, layout)) for hop in snapshot.run.hops]
    lines += [f"\n{_plain(text)}" for text in (*troubles(snapshot), *noted(snapshot))]
    return "\n".join(lines) + "\n"


def _row(snapshot: Snapshot, hop: Hop, layout: Layout) -> Iterator[str]:
    yield str(hop.ttl)
    if layout.about is not None:
        yield "<br>".join(_plain(text) for text in abouts(snapshot, hop, layout.about))
    yield "<br>".join(_plain(name) for name in hosts(snapshot, hop, layout))
    for field in chosen(layout):
        percent = "%" if field.title.endswith("%") else ""
        yield f"{field.value(hop):.{field.digits}f}{percent}"
    yield _plain(notes(hop))


def _line(cells: Iterator[str] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)
