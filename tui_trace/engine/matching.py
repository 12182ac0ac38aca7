"""Which probe an answer belongs to, or none: then it is foreign, or forged."""

from tui_trace.engine.ledger import Ledger, Probe, State
from tui_trace.events import ReplyKind
from tui_trace.settings import Protocol
from tui_trace.wire.network import Answer

ACKNOWLEDGING = frozenset({ReplyKind.SYN_ACK, ReplyKind.RST})
DIRECT = ACKNOWLEDGING | {ReplyKind.ECHO, ReplyKind.UDP}


def match(ledger: Ledger, answer: Answer, target: str) -> Probe | None:
    """The probe that `answer` speaks of.

    Key, flow and IP ID must all be those of one probe; what claims to come from the target must
    come from its address. A quote may name another destination: NAT on the way can rewrite it.
    """
    if answer.kind in DIRECT and answer.address != target:
        return None
    if answer.key is None:
        probe = _awaiting_datagram(ledger, answer)
    elif answer.kind in ACKNOWLEDGING:
        probe = ledger.find_acknowledged(answer.key)
    else:
        probe = ledger.find(answer.protocol, answer.key)
    if probe is None or probe.flow != answer.flow:
        return None
    if answer.ip_id is not None and answer.ip_id != probe.ip_id:
        return None
    return probe


def _awaiting_datagram(ledger: Ledger, answer: Answer) -> Probe | None:
    """A UDP answer carries no number of ours: it goes to the first probe it may be for."""
    for probe in ledger.oldest_first():
        if (
            probe.protocol is Protocol.UDP
            and probe.flow == answer.flow
            and probe.state is State.PENDING
            and probe.ttl > probe.run.horizon.farthest_router
        ):
            return probe
    return None
