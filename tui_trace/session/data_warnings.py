"""What the reader of a session's numbers has to know about them."""

from tui_trace.core.sanitize import sanitize
from tui_trace.session.snapshot import Run, Snapshot


def all_warnings(snapshot: Snapshot) -> list[str]:
    """Return the warnings about the session and about its run in force, one line each."""
    return [*session_warnings(snapshot), *run_warnings(snapshot.run)]


def session_warnings(snapshot: Snapshot) -> list[str]:
    """Return the warnings that belong to no single run, one line each."""
    lines = [sanitize(text) for text in (snapshot.trouble, snapshot.notice) if text]
    if snapshot.foreign:
        replies = "reply" if snapshot.foreign == 1 else "replies"
        lines.append(f"{snapshot.foreign} {replies} matched none of our probes")
    return lines


def run_warnings(run: Run) -> list[str]:
    """Return the warnings about the statistics of one run, one line each."""
    told: dict[str, list[int]] = {}
    for hop in run.hops:
        if hop.reason is not None and hop.reason.text:
            told.setdefault(sanitize(hop.reason.text), []).append(hop.ttl)
    stamped = [hop.ttl for hop in run.hops if hop.user_stamped]
    if stamped:
        told["some RTTs use user-space timestamps"] = stamped
    return [f"{_place(ttls)}: {text}" for text, ttls in told.items()]


def _place(ttls: list[int]) -> str:
    return f"hop{'s' if len(ttls) > 1 else ''} {', '.join(map(str, ttls))}"
