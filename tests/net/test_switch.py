"""A switch while probes are in flight loses none, and each counts in the run that sent it."""

from typing import Any

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.params import FAMILIES, OPEN_PORT
from tui_trace.core.events import Event, ProbeLost, ProbeSent, Reply, RunOpened
from tui_trace.core.settings import NS_PER_MS, Pace, ProbeSettings, Protocol

ICMP = tui_trace_process.probe_of(Protocol.ICMP)
UDP = tui_trace_process.probe_of(Protocol.UDP)
TCP = tui_trace_process.probe_of(Protocol.TCP, port=OPEN_PORT)


def _to(settings: ProbeSettings) -> dict[str, Any]:
    return {"protocol": settings.protocol, "port": settings.port, "size": settings.size}


@pytest.mark.parametrize(
    ("family", "before", "change"),
    [
        (4, ICMP, _to(UDP)),
        (6, ICMP, _to(TCP)),
        (4, UDP, _to(TCP)),
        (6, UDP, _to(ICMP)),
        (4, UDP, {"port": 53}),
        (4, TCP, _to(ICMP)),
        (6, TCP, {"port": 80}),
        (4, ICMP, {"tos": 0xB8}),
        (4, UDP, {"df": True}),
        (6, ICMP, {"size": 1200}),
        (4, TCP, {"size": 400}),
        (6, TCP, {"tos": 8}),
    ],
    ids=lambda value: value.protocol.value if isinstance(value, ProbeSettings) else str(value),
)
def test_no_probe_in_flight_is_lost(
    family: int, before: ProbeSettings, change: dict[str, Any]
) -> None:
    with Chain(8, relay=1) as chain:
        assert chain.relay is not None
        listen(chain.target, OPEN_PORT)
        chain.relay.delay(150, 150)
        pace = Pace(interval=100 * NS_PER_MS)
        with tui_trace_process.Live(
            chain.client, chain.target_address(family), before, pace
        ) as live:
            live.run_until(lambda stream: len(tui_trace_process.only(Reply, stream)) > 40)
            live.switch(**change)
            live.run_until(
                lambda stream: any(e.run == 2 for e in tui_trace_process.only(Reply, stream))
            )
            live.set_pace(paused=True)
            live.run_until(lambda stream: all(one.answer for one in _decided(stream)))
            stream = live.stop()
        at_switch = next(k for k, e in enumerate(stream) if isinstance(e, RunOpened) and e.run == 2)
        in_flight = [one for one in _decided(stream[:at_switch]) if one.answer is None]
        assert len(in_flight) >= chain.length
        assert tui_trace_process.only(ProbeLost, stream) == []
        run_of = {sent.probe: sent.run for sent in tui_trace_process.only(ProbeSent, stream)}
        replies = tui_trace_process.only(Reply, stream)
        assert all(reply.run == run_of[reply.probe] for reply in replies)
        answered = {reply.probe for reply in stream[at_switch:] if isinstance(reply, Reply)}
        still_real = {one.sent.probe for one in _decided(stream)}
        assert {one.sent.probe for one in in_flight} & still_real <= answered
        assert all(reply.rtt >= 300 * NS_PER_MS for reply in replies)


def _decided(stream: list[Event]) -> list[tui_trace_process.Outcome]:
    return [one for one in tui_trace_process.outcomes(stream) if not one.void]


@FAMILIES
def test_settings_used_before_open_their_run_again(family: int) -> None:
    with Chain(2) as chain:
        pace = Pace(interval=50 * NS_PER_MS)
        with tui_trace_process.Live(chain.client, chain.target_address(family), ICMP, pace) as live:
            live.run_on(Reply, 3)
            for settings in (UDP, ICMP, UDP):
                live.switch(**_to(settings))
                live.run_on(Reply, 6)
            live.reset()
            live.run_until(
                lambda stream: any(e.run == 3 for e in tui_trace_process.only(Reply, stream))
            )
            stream = live.stop()
        opened = [(e.run, e.reopened) for e in tui_trace_process.only(RunOpened, stream)]
        assert opened == [(1, False), (2, False), (1, True), (2, True), (3, False)]
        kinds = {(e.run, e.kind.value) for e in tui_trace_process.only(Reply, stream) if e.reached}
        assert kinds == {(1, "echo-reply"), (2, "unreachable"), (3, "unreachable")}
