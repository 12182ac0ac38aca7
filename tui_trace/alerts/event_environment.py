"""`--on-event`: what the command is told, as variables of its environment.

==========================  =======================================================================
variable                    value
==========================  =======================================================================
TUI_TRACE_EVENT             began, ended, or mistaken: it was told, and is taken back
TUI_TRACE_KIND              the kind of the episode: down, loss, slower, path-change …
TUI_TRACE_HARM              1 if the target suffers, else 0
TUI_TRACE_SURE              certain or likely
TUI_TRACE_TARGET            the target as it was named
TUI_TRACE_ADDRESS           its address
TUI_TRACE_VANTAGE           the machine that probes leave from, if it is another one
TUI_TRACE_SINCE             when it began (RFC 3339)
TUI_TRACE_UNTIL             when it ended; empty as it begins
TUI_TRACE_SECONDS           how long it lasted; empty as it begins
TUI_TRACE_HOP               the TTL where it begins; empty: the whole path
TUI_TRACE_HOP_ADDRESS       the address of that hop
TUI_TRACE_TEXT              a sentence
TUI_TRACE_LINE              the line that --watch writes of it
TUI_TRACE_JSON              the object that --jsonl writes of it
==========================  =======================================================================

All of them are there each time. Texts from outside are one line of harmless characters.
"""

import json

from tui_trace.alerts.episode_lines import episode_line, place_of
from tui_trace.core.sanitize import MESSAGE_LIMIT, sanitize
from tui_trace.core.settings import NS_PER_S
from tui_trace.report.finding_lines import finding_object
from tui_trace.session.finding import Episode
from tui_trace.session.snapshot import Snapshot


def event_environment(snapshot: Snapshot, episode: Episode) -> dict[str, str]:
    """Return the variables for an episode that began, or that is over."""
    finding, until = episode.finding, episode.until
    told = finding_object(snapshot, finding, until)
    event = "began" if until is None else "ended" if until >= finding.since else "mistaken"
    facts = {
        "EVENT": event,
        "KIND": finding.kind.value,
        "HARM": str(int(finding.harm)),
        "SURE": finding.sure.value,
        "TARGET": snapshot.target,
        "ADDRESS": snapshot.address,
        "VANTAGE": place_of(snapshot),
        "SINCE": told["since"],
        "UNTIL": told["until"] or "",
        "SECONDS": "" if until is None else f"{max(until - finding.since, 0) / NS_PER_S:.1f}",
        "HOP": "" if finding.hop is None else str(finding.hop),
        "HOP_ADDRESS": finding.address,
        "TEXT": told["text"],
        "LINE": episode_line(snapshot, episode),
    }
    safe = {f"TUI_TRACE_{name}": sanitize(text, MESSAGE_LIMIT) for name, text in facts.items()}
    # ASCII, in which JSON writes out whatever is not harmless
    return safe | {"TUI_TRACE_JSON": json.dumps(told).replace("\x7f", "\\u007f")}
