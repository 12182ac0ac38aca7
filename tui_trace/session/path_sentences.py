"""Sentences about the paths of a session, and how much it means that there is one."""

from tui_trace.session.paths import varies_flow
from tui_trace.session.snapshot import Snapshot


def describe_one_path(snapshot: Snapshot) -> str:
    """Say how much it means that the session has seen one path only."""
    if varies_flow(snapshot.run.settings):
        return "One path seen so far, which may contain several parallel paths of its flows."
    return "One path seen so far (one flow)."
