"""Finds the probe that a reply belongs to; a reply without a probe is foreign or forged."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from tui_trace.core.events import ReplyKind, RewrittenField
from tui_trace.core.settings import DnatMode, ProbeIdField, Protocol
from tui_trace.engine.probe_registry import ProbeRegistry, ProbeState
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.wire.network import PORTED, ProbeSpec, QuoteDetails, ReceivedReply

ACKNOWLEDGING = frozenset({ReplyKind.SYN_ACK, ReplyKind.RST})
DIRECT = ACKNOWLEDGING | {ReplyKind.ECHO, ReplyKind.UDP}

Quoting: TypeAlias = Callable[[ProbeSpec, ReceivedReply], QuoteDetails]
"""`tui_trace.wire.network.Network.quoted`."""


def probe_spec(probe: RunProbe) -> ProbeSpec:
    """Return the probe as the network was asked to send it."""
    return ProbeSpec(probe.run.settings, probe.ttl, probe.flow, probe.key, probe.ip_id)


def match_reply(
    registry: ProbeRegistry[EngineRun], answer: ReceivedReply, target: str, quoting: Quoting
) -> RunProbe | None:
    """Return the probe that `answer` replies to; None if it matches no probe.

    A direct reply must come from the target's address, with the key and the flow of one probe. A
    quote must have both, too; if a field differs, NAT may have rewritten it.
    """
    is_direct = answer.kind in DIRECT or answer.key is None
    if is_direct and answer.address != target:
        return None
    if answer.key is None:
        return _probe_for_datagram(registry, answer)
    if answer.checksum_invariant is not None:
        # NAT changed the checksum, which is the key: it may be the key of another probe now
        probe = registry.find_checksum_invariant(answer.checksum_invariant)
    elif answer.kind in ACKNOWLEDGING:
        probe = registry.find_acknowledged(answer.key)
    else:
        probe = registry.find(answer.protocol, answer.key)
    if (
        probe is not None
        and answer.checksum_invariant is None
        and probe.flow == answer.flow
        and answer.destination == target
        and (answer.ip_id is None or answer.ip_id == probe.ip_id)
    ):
        return probe
    if is_direct:
        return None
    for candidate in _candidates(registry, answer, probe):
        if candidate.run.settings.dnat is not DnatMode.OFF and _may_be_quote_of(
            candidate, answer, target, quoting
        ):
            return candidate
    return None


def _candidates(
    registry: ProbeRegistry[EngineRun], answer: ReceivedReply, found: RunProbe | None
) -> Iterator[RunProbe]:
    """Iterate over probes that agree with a quote in a field that identifies them.

    The IP ID comes before the key, because NAT may have turned the key into another probe's.
    """
    if answer.ip_id is not None:
        by_id = registry.find_ip_id(answer.ip_id)
        if by_id is not None and by_id.protocol is answer.protocol:
            yield by_id
    if found is not None:
        yield found
    by_port = registry.find_port(answer.protocol, answer.flow[0])
    if by_port is not None and by_port.run.settings.track is ProbeIdField.PORT:
        yield by_port


def _may_be_quote_of(probe: RunProbe, answer: ReceivedReply, target: str, quoting: Quoting) -> bool:
    """Return whether a quote that differs from the probe can quote it all the same.

    At least 32 unguessable bits must agree, mostly more: the key and the flow, or the IP ID or the
    flow label together with a NAT that explains the rest, or the field that `--track` names.
    """
    same_port = probe.flow[0] == answer.flow[0]
    same_flow = probe.flow == answer.flow
    if same_flow and probe.key == answer.key:
        return True
    went_elsewhere = answer.destination != target
    track = probe.run.settings.track
    if track is ProbeIdField.PORT:
        return same_port and (same_flow or went_elsewhere)
    if answer.ip_id not in (None, probe.ip_id):
        return False
    if track is ProbeIdField.IP_ID and answer.ip_id is not None:
        return same_port and (same_flow or went_elsewhere)
    has_ports = probe.protocol is not Protocol.ICMP
    if has_ports and not same_port and probe.flow[1] != answer.flow[1]:
        return False
    quoted = quoting(probe_spec(probe), answer)
    # if the port differs too, the 20 bits of the flow label must agree in its place
    lacks_port = answer.checksum_invariant is not None and not same_port
    has_label = all(change.field is not RewrittenField.FLOW_LABEL for change in quoted.changed)
    return quoted.is_translated and (has_label or not lacks_port)


def _probe_for_datagram(
    registry: ProbeRegistry[EngineRun], answer: ReceivedReply
) -> RunProbe | None:
    """Return the first probe that a datagram without a probe ID may reply to."""
    beyond = None
    for probe in registry.by_age():
        if (
            _expects(probe, answer)
            and probe.ttl > probe.run.path_end.farthest_router_ttl
            and probe.wall <= answer.wall
        ):
            if probe.state is ProbeState.PENDING:
                return probe
            if probe.state is ProbeState.VOID and beyond is None:
                beyond = probe
    return beyond


def _expects(probe: RunProbe, answer: ReceivedReply) -> bool:
    if probe.protocol is not answer.protocol:
        return False
    if probe.protocol is Protocol.IP:
        if probe.run.settings.number != answer.number:
            return False
        if answer.number not in PORTED:
            return True
    return probe.flow == answer.flow
