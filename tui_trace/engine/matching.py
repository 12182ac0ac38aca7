"""Which probe an answer belongs to, or none: then it is foreign, or forged."""

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
    """The probe as the wire was asked to send it."""
    return ProbeSpec(probe.run.settings, probe.ttl, probe.flow, probe.key, probe.ip_id)


def match_reply(
    ledger: ProbeRegistry[EngineRun], answer: ReceivedReply, target: str, quoting: Quoting
) -> RunProbe | None:
    """The probe that `answer` speaks of.

    What claims to come from the target must come from its address, and carry key and flow of one
    probe. So must a quote; one that does not agree in every field may have been rewritten by NAT.
    """
    is_direct = answer.kind in DIRECT or answer.key is None
    if is_direct and answer.address != target:
        return None
    if answer.key is None:
        return _probe_for_datagram(ledger, answer)
    if answer.weight is not None:
        # the checksum, which is the key, follows the addresses: it may be another probe's by now
        probe = ledger.find_checksum_invariant(answer.weight)
    elif answer.kind in ACKNOWLEDGING:
        probe = ledger.find_acknowledged(answer.key)
    else:
        probe = ledger.find(answer.protocol, answer.key)
    if (
        probe is not None
        and answer.weight is None
        and probe.flow == answer.flow
        and answer.destination == target
        and (answer.ip_id is None or answer.ip_id == probe.ip_id)
    ):
        return probe
    if is_direct:
        return None
    for candidate in _candidates(ledger, answer, probe):
        if candidate.run.settings.dnat is not DnatMode.OFF and _may_be_quote_of(
            candidate, answer, target, quoting
        ):
            return candidate
    return None


def _candidates(
    ledger: ProbeRegistry[EngineRun], answer: ReceivedReply, found: RunProbe | None
) -> Iterator[RunProbe]:
    """Probes that agree with a quote in the one field that tells them apart.

    The IP ID goes before a key that NAT may have turned into another probe's.
    """
    if answer.ip_id is not None:
        by_id = ledger.find_ip_id(answer.ip_id)
        if by_id is not None and by_id.protocol is answer.protocol:
            yield by_id
    if found is not None:
        yield found
    by_port = ledger.find_port(answer.protocol, answer.flow[0])
    if by_port is not None and by_port.run.settings.track is ProbeIdField.PORT:
        yield by_port


def _may_be_quote_of(probe: RunProbe, answer: ReceivedReply, target: str, quoting: Quoting) -> bool:
    """Whether a quote that differs from the probe can be of it all the same.

    At least 32 bits, mostly more, have to agree that nobody guesses: the key and the flow, or
    the IP ID or the flow label with what NAT makes of them, or what the user said to go by.
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
    # where the port is not the probe's either, the 20 bits of the flow label stand in for it
    lacks_port = answer.weight is not None and not same_port
    has_label = all(change.field is not RewrittenField.FLOW_LABEL for change in quoted.changed)
    return quoted.is_translated and (has_label or not lacks_port)


def _probe_for_datagram(ledger: ProbeRegistry[EngineRun], answer: ReceivedReply) -> RunProbe | None:
    """Such an answer carries no number of ours: it goes to the first probe it may be for."""
    beyond = None
    for probe in ledger.by_age():
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
