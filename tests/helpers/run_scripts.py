"""A session whose probe was switched."""

from tests.helpers.event_builders import SETTINGS, began, lost, opened, reply, sent
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, ProbeSettings, Protocol

ICMP, TCP = SETTINGS


UDP = ProbeSettings(protocol=Protocol.UDP, port=53, size=60)


def rounds(run, first, *, reaches):
    """A router and, perhaps, the target behind it."""
    events = []
    for number in range(ROUNDS):
        at = first + number * NS_PER_S
        events.append(ev.RoundBegan(at=at, run=run, round=number + 1))
        probe = run * 1000 + number * 2
        rtt = 1_000_000 + 7919 * number % 997
        events += [sent(probe, 1, run=run, at=at), reply(probe, 1, rtt, run=run, at=at)]
        events.append(sent(probe + 1, 2, run=run, at=at))
        if reaches:
            target = {"address": "203.0.113.80", "reached": True, "kind": ev.ReplyKind.SYN_ACK}
            events.append(reply(probe + 1, 2, 2 * rtt, run=run, at=at, **target))
        else:
            events.append(lost(probe + 1, 2, run=run, at=at))
    return [*events, ev.PathEnd(at=events[-1].at, run=run, ttl=2, reached=reaches)]


def switched():
    """ICMP that goes nowhere, UDP that never left, TCP that reaches the target."""
    minute = 60 * NS_PER_S
    return [
        began(),
        opened(1, probe=ICMP),
        *rounds(1, 0, reaches=False),
        opened(2, minute, probe=UDP),
        opened(3, minute, probe=TCP),
        *rounds(3, minute, reaches=True),
    ]


ROUNDS = 40
