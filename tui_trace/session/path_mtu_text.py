"""What a search for the path MTU found, in a sentence."""

from tui_trace.core.events import MtuSearchEnd, MtuSource, PathMtuFound
from tui_trace.core.probe_text import describe_protocol
from tui_trace.core.sanitize import sanitize
from tui_trace.session.host_labels import HostLabels
from tui_trace.session.snapshot import PathMtu


def describe_path_mtu(search: PathMtu, labels: HostLabels) -> str:
    """Return what was found, or how far the search is."""
    found = search.found
    if found is None:
        tried = f", trying {search.size} bytes" if search.size else ""
        probes = "1 probe" if search.sent == 1 else f"{search.sent} probes"
        return f"finding the path MTU{tried} ({probes}) …"
    if found.reason is MtuSearchEnd.COMPLETE:
        return f"path MTU {found.mtu} bytes{_limit(found, labels)}{_as_far_as(found)}"
    if found.reason is MtuSearchEnd.STOPPED:
        return "search for the path MTU stopped"
    kind = sanitize(describe_protocol(search.settings))
    return f"path MTU not known: {_why_not(found, kind)}"


def _why_not(found: PathMtuFound, kind: str) -> str:
    match found.reason:
        case MtuSearchEnd.FAILED:
            return f"this machine cannot send such probes ({kind})"
        case MtuSearchEnd.ALL_LARGE:
            return (
                f"{kind} of more than {found.mtu} bytes vanishes, which no link is too small for:"
                " something drops it for another reason"
            )
    if not found.last_ttl:
        return f"nobody answers {kind}"
    return f"{_end(found)} answers {kind} too seldom to tell"


def _end(found: PathMtuFound) -> str:
    return "the target" if found.reached else f"hop {found.last_ttl}, the last that answers,"


def _as_far_as(found: PathMtuFound) -> str:
    return "" if found.reached else f"; as far as hop {found.last_ttl}, the last that answers"


def _limit(found: PathMtuFound, labels: HostLabels) -> str:
    match found.limit:
        case None:
            return " or more: no larger packets were tried"
        case MtuSource.INTERFACE:
            return ", that of the interface here: nothing on the path takes less"
        case MtuSource.BLACK_HOLE:
            return (
                f"; larger packets vanish between {_near(found, labels)} and {_far(found, labels)}"
            )
    by = labels.host(found.refused_by) if found.refused_by else "a router"
    unsaid = "" if found.limit is MtuSource.REPORTED else ", which does not say what it takes"
    where = f" before {_far(found, labels)}" if found.far_ttl else ""
    return f"; larger packets are refused by {by}{where}{unsaid}"


def _near(found: PathMtuFound, labels: HostLabels) -> str:
    if not found.near_ttl:
        return "this machine"
    return f"hop {found.near_ttl} {labels.host(found.near_address)}".rstrip()


def _far(found: PathMtuFound, labels: HostLabels) -> str:
    return f"hop {found.far_ttl} {labels.host(found.far_address)}".rstrip()
