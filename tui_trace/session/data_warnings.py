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
    hops = [str(hop.ttl) for hop in run.hops if hop.user_stamped]
    if not hops:
        return []
    place = f"hop{'s' if len(hops) > 1 else ''} {', '.join(hops)}"
    return [f"{place}: some RTTs use user-space timestamps"]
