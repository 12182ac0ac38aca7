"""Streams of events by chance, in any order that an engine can emit."""

from collections import Counter

import msgspec
from hypothesis import strategies as st

from tests.helpers.event_builders import SETTINGS, began, lost, opened, reply, sent, void
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, Pace

REFUSING = (ev.ReplyKind.UNREACHABLE, ev.ReplyKind.TOO_BIG, ev.ReplyKind.OTHER)


class Probe(msgspec.Struct):
    run: int
    number: int
    ttl: int
    state: str = "pending"
    rtt: int = 0
    refused: bool = False
    repeats: int = 0


@st.composite
def streams(draw):
    """Any order that an engine can emit, and the outcome of every probe by number."""
    events: list[ev.Event] = [began(), ev.PaceSet(at=0, pace=Pace()), opened(1)]
    probes: list[Probe] = []
    opened_runs = [1]
    run, at, duplicates, late = 1, 0, Counter(), Counter()
    order: dict[tuple[int, int], list[int]] = {}
    for _ in range(draw(st.integers(0, 120))):
        at += draw(st.integers(0, NS_PER_S))
        what = draw(
            st.sampled_from(
                ["send"] * 3
                + ["answer"] * 2
                + ["lose", "void", "beyond", "switch", "duplicate", "refuse", "repeat"]
            )
        )
        if what == "switch":
            number = draw(st.integers(1, len(opened_runs) + 1))
            again = number in opened_runs
            events.append(opened(number, at, reopened=again, probe=SETTINGS[number % 2]))
            if not again:
                opened_runs.append(number)
            run = number
            continue
        if what == "send":
            probe = Probe(run, len(probes) + 1, draw(st.integers(1, 4)))
            probes.append(probe)
            order.setdefault((run, probe.ttl), []).append(probe.number)
            events.append(sent(probe.number, probe.ttl, run=run, at=at))
            continue
        wanted = {
            "answer": ("pending", "lost"),
            "beyond": ("pending", "lost"),
            "lose": ("pending",),
            "void": ("pending", "lost"),
            "duplicate": ("answered",),
            "refuse": ("pending", "lost", "answered"),
            "repeat": ("pending", "lost", "answered"),
        }[what]
        candidates = [probe for probe in probes if probe.state in wanted]
        if not candidates:
            continue
        probe = draw(st.sampled_from(candidates))
        key = probe.run, probe.ttl
        if what == "lose":
            probe.state = "lost"
            events.append(lost(probe.number, probe.ttl, run=probe.run, at=at))
            continue
        if what == "void":
            probe.state, probe.refused = "void", False
            events.append(void(probe.number, probe.ttl, run=probe.run, at=at))
            continue
        if what == "refuse":
            again = probe.refused or probe.state == "answered"
            duplicates[key] += again
            fields = {"late": not again and probe.state == "lost", "duplicate": again}
            if not again:
                probe.state, probe.refused = "lost", True
            events.append(
                reply(
                    probe.number,
                    probe.ttl,
                    run=probe.run,
                    at=at,
                    kind=draw(st.sampled_from(REFUSING)),
                    icmp_type=3,
                    code=0,
                    address="192.0.2.1",
                    **fields,
                )
            )
            continue
        if what == "repeat":
            probe.repeats += 1
            events.append(
                reply(
                    probe.number,
                    probe.ttl,
                    99 * NS_PER_S,
                    run=probe.run,
                    at=at,
                    kind=ev.ReplyKind.SYN_ACK,
                    repeat=True,
                    reached=True,
                    late=probe.state == "lost",
                    duplicate=probe.state == "answered",
                )
            )
            continue
        was_lost = probe.state == "lost" and not probe.refused
        duplicate = False
        rtt = draw(st.integers(0, 10 * NS_PER_S))
        if what == "duplicate":
            duplicates[key] += 1
        elif what == "beyond":
            probe.state, probe.refused = "void", False
        else:
            late[key] += was_lost
            duplicate = probe.refused
            probe.state, probe.rtt, probe.refused = "answered", rtt, False
        events.append(
            reply(
                probe.number,
                probe.ttl,
                rtt,
                run=probe.run,
                at=at,
                late=was_lost,
                duplicate=what == "duplicate" or duplicate,
                past_target=what == "beyond",
                reached=what == "beyond",
            )
        )
    return events, probes, duplicates, late, opened_runs
