"""An answer and the probe it belongs to, as the event that everybody else hears of."""

from tui_trace.engine.ledger import Probe, State
from tui_trace.events import Reply, ReplyKind, Stamp
from tui_trace.wire.network import Answer, Quoted

FINAL_KINDS = frozenset(ReplyKind) - {ReplyKind.TIME_EXCEEDED}
"""What meets the end of the path: no probe of a greater TTL gets farther. The other ICMP messages
say that a packet was thrown away too (RFC 792), or that pieces of it never came together."""


def reply_of(
    probe: Probe,
    answer: Answer,
    quoted: Quoted,
    *,
    at: int,
    rtt: int,
    was: State,
    stepped: bool,
    by_target: bool,
) -> Reply:
    """The event; `was` is the probe's state before, `stepped` that `rtt` is by our own clock."""
    end = probe.run.horizon.end
    return Reply(
        at=at,
        run=probe.run.number,
        probe=probe.number,
        ttl=probe.ttl,
        address=answer.address,
        kind=answer.kind,
        rtt=rtt,
        sent_stamp=Stamp.USER if stepped else probe.stamp,
        received_stamp=Stamp.USER if stepped else answer.stamp,
        flow=probe.index,
        reached=by_target,
        late=was is State.LOST,
        duplicate=was is State.ANSWERED,
        beyond=end is not None and probe.ttl > end and answer.kind in FINAL_KINDS,
        clock_stepped=stepped,
        icmp_type=answer.icmp_type,
        code=answer.code,
        reply_ttl=answer.reply_ttl,
        mtu=answer.mtu,
        ecn=answer.ecn,
        quoted_tos=answer.quoted_tos,
        quoted_ttl=answer.quoted_ttl,
        quoted_bytes=quoted.shown,
        changed=quoted.changed,
        labels=quoted.labels,
        interfaces=quoted.interfaces,
    )
