"""`-r` and `-w`: the report of mtr 0.95, with our notes after its columns."""

from collections.abc import Sequence

from tui_trace.report.fields import FIELDS, Field, Layout
from tui_trace.report.runs import others
from tui_trace.report.words import (
    ABOUT,
    abouts,
    began,
    hosts,
    mpls,
    noted,
    notes,
    own_name,
    subject,
    troubles,
)
from tui_trace.session.model import Hop, Run, Snapshot
from tui_trace.text import clean

_NARROW = 33
"""Characters of the host column and what stands before it."""
_BRANCH = ".|-- "
_PLACE = 3
"""Characters of the hop's number."""


def render(snapshot: Snapshot, layout: Layout, runs: Sequence[Run] = ()) -> str:
    """The run in force as a table, at any moment, and below it what the others were; times in ms.

    Unless `wide`, names are cut to mtr's width. Addresses never are: half of one is another.
    """
    table = [(hop, _hosts(snapshot, hop, layout)) for hop in snapshot.run.hops]
    width = _width(table, layout)
    start = began(snapshot).astimezone().strftime("%Y-%m-%dT%H:%M:%S%z")
    machine = f"HOST: {own_name()}"
    lines = [f"Start: {start}  {subject(snapshot)}"]
    lines.append(f"{machine:{width}.{width}}{_titles(layout)}".rstrip())
    for hop, texts in table:
        lines.append(f"{texts[0]:{width}.{width}}{_values(hop, layout)}  {notes(hop)}".rstrip())
        lines += [text[:width] for text in texts[1:]]
        lines += [f"{'':{_PLACE + len(_BRANCH) - 1}}[{mpls(label)}]" for label in hop.labels]
    lines += [*others(snapshot, runs), *troubles(snapshot), *noted(snapshot)]
    return "\n".join(lines) + "\n"


def _hosts(snapshot: Snapshot, hop: Hop, layout: Layout) -> list[str]:
    """What stands left of the figures: one line for each host that answered."""
    names = hosts(snapshot, hop, layout)
    if layout.about is None:
        heads = [f"{hop.ttl:{_PLACE}}{_BRANCH}", *[" " * (_PLACE + len(_BRANCH))] * len(names)]
        return [head + name for head, name in zip(heads, names, strict=False)]
    room = ABOUT[layout.about].width
    known = [f"{text:{room - 1}} " for text in abouts(snapshot, hop, layout.about)]
    heads = [f"{hop.ttl:{_PLACE}}. ", *[" " * (_PLACE + 2)] * len(names)]
    return [head + text + name for head, text, name in zip(heads, known, names, strict=False)]


def _width(table: list[tuple[Hop, list[str]]], layout: Layout) -> int:
    in_full = [
        len(text)
        for hop, texts in table
        for text, responder in zip(texts, hop.responders, strict=False)
        if layout.wide or layout.both or text.endswith(clean(responder.address))
    ]
    # where something stands before the hosts, mtr leaves one more space behind them
    in_full = [length + (layout.about is not None) for length in in_full]
    least = len(f"HOST: {own_name()}") if layout.wide else _NARROW
    return max([least, *in_full])


def _titles(layout: Layout) -> str:
    return "".join(
        " " if letter == " " else f"{FIELDS[letter].title:>{FIELDS[letter].width}}"
        for letter in layout.fields
    )


def _values(hop: Hop, layout: Layout) -> str:
    return "".join(
        " " if letter == " " else _value(FIELDS[letter], hop) for letter in layout.fields
    )


def _value(field: Field, hop: Hop) -> str:
    text = f"{field.value(hop):.{field.digits}f}"
    if field is FIELDS["L"] and text != "100.0":
        # as mtr has it: the column has no room for the sign of a whole loss
        text += "%"
    return f" {text:>{field.width - 1}}"
