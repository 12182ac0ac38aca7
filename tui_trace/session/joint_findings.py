"""What sessions that run beside one another say together: the only place that claims it."""

from collections.abc import Sequence

from msgspec.structs import replace

from tui_trace.session.finding import JointFinding
from tui_trace.session.meeting_point import meeting_finding
from tui_trace.session.snapshot import Snapshot
from tui_trace.session.vantages import vantage_findings


def find_joint(snapshots: Sequence[Snapshot]) -> list[JointFinding]:
    """Return what several sessions say together; of one, nothing."""
    meeting = meeting_finding(snapshots)
    return [*([] if meeting is None else [meeting]), *vantage_findings(snapshots)]


def find_joint_now(snapshots: Sequence[Snapshot]) -> list[JointFinding]:
    """Return what those that still go on say together; of sessions that are all over, all."""
    return find_joint([one for one in snapshots if not one.ended] or snapshots)


def with_joint(snapshot: Snapshot, found: Sequence[JointFinding]) -> Snapshot:
    """Return a session with what concerns it of all that was found."""
    own = (one for one in found if one.target in ("", snapshot.target))
    return replace(snapshot, together=tuple(own))
