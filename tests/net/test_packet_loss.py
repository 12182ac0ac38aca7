"""Loss is loss: what was dropped, and neither a late reply nor a rate limit elsewhere."""

import math
import statistics

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import Dropping, limit_errors, listen
from tests.helpers.network.params import OPEN_PORT, OPTION, TURNS
from tui_trace.core.events import Event, ProbeLost, Reply
from tui_trace.core.settings import NS_PER_MS, Pace, Protocol
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Hop


def _rows(stream: list[Event]) -> dict[int, Hop]:
    session = Session()
    for event in stream:
        session.apply(event)
    return {hop.ttl: hop for hop in session.snapshot().run.hops}


@TURNS
def test_loss_is_what_the_router_counted(protocol: Protocol, family: int) -> None:
    with Chain(4) as chain:
        listen(chain.target, OPEN_PORT)
        target = chain.target_address(family)
        dropping = Dropping(chain.router(2), target, 30)
        options = ("-i0.02", "-c100", "-m", str(chain.length), "-Z0.5")
        stream = tui_trace_process.trace(chain.client, *OPTION[protocol], *options, target)
        rows = _rows(stream)
        forwarded, dropped = dropping.counts()
        beyond = [rows[ttl] for ttl in (3, 4, 5)]
        assert rows[1].lost == rows[2].lost == 0
        passing = [one for one in tui_trace_process.outcomes(stream) if one.sent.ttl > 2]
        assert len(passing) == forwarded
        assert len([one for one in passing if one.answer is None]) == dropped
        scouts = [one for one in passing if one.void or (one.answer and one.answer.past_target)]
        assert sum(hop.sent for hop in beyond) == forwarded - len(scouts)
        assert len(scouts) <= 1
        share = dropped / forwarded
        for hop in beyond:
            # 99 % over three hops, by the normal approximation
            margin = 2.94 * math.sqrt(share * (1 - share) / hop.sent) * 100
            assert hop.loss_percent is not None
            assert abs(hop.loss_percent - 100 * share) <= margin


@TURNS
def test_a_hop_that_limits_its_errors_loses_alone(protocol: Protocol, family: int) -> None:
    with Chain(4) as chain:
        listen(chain.target, OPEN_PORT)
        limit_errors(chain.router(2), per_second=2)
        options = ("-i0.05", "-c40", "-Z0.3", "-m", str(chain.length))
        target = chain.target_address(family)
        rows = _rows(tui_trace_process.trace(chain.client, *OPTION[protocol], *options, target))
        assert {ttl: hop.lost for ttl, hop in rows.items() if ttl != 2} == dict.fromkeys(
            (1, 3, 4, 5), 0
        )
        assert rows[2].lost > rows[2].sent / 2
        assert rows[2].figures.count > 0


@TURNS
def test_a_late_reply_takes_its_loss_back(protocol: Protocol, family: int) -> None:
    with Chain(3, relay=2) as chain:
        assert chain.relay is not None
        chain.relay.delay(150, 150)
        pace = Pace(interval=200 * NS_PER_MS, wait=100 * NS_PER_MS, max_ttl=chain.length)
        settings = tui_trace_process.probe_of(protocol)
        target = chain.target_address(family)
        with tui_trace_process.Live(chain.client, target, settings, pace) as live:
            live.run_until(lambda stream: len(tui_trace_process.only(Reply, stream)) > 20)
            live.set_pace(paused=True)
            live.run_until(
                lambda stream: (
                    not any(one.answer is None for one in tui_trace_process.outcomes(stream))
                )
            )
            stream = live.stop()
        rows = _rows(stream)
        assert (rows[1].late, rows[1].lost) == (0, 0)
        for ttl in range(2, chain.length + 1):
            hop = rows[ttl]
            assert hop.late == hop.sent == hop.figures.count > 3
            assert (hop.lost, hop.pending) == (0, 0)
            assert hop.figures.min is not None
            assert hop.figures.min >= 300 * NS_PER_MS
        called_lost = {event.probe for event in tui_trace_process.only(ProbeLost, stream)}
        assert called_lost == {
            reply.probe for reply in tui_trace_process.only(Reply, stream) if reply.late
        }


@TURNS
def test_an_rtt_longer_than_the_interval_is_no_loss(protocol: Protocol, family: int) -> None:
    with Chain(3, relay=2) as chain:
        assert chain.relay is not None
        listen(chain.target, OPEN_PORT)
        chain.relay.delay(200, 100)
        options = ("-i0.05", "-c30", "-m", str(chain.length))
        stream = tui_trace_process.trace(
            chain.client, *OPTION[protocol], *options, chain.target_address(family)
        )
        rows = _rows(stream)
        assert [hop.lost for hop in rows.values()] == [0] * chain.length
        assert tui_trace_process.only(ProbeLost, stream) == []
        for ttl in range(2, chain.length + 1):
            rtts = [
                one.answer.rtt
                for one in tui_trace_process.outcomes(stream)
                if one.sent.ttl == ttl and one.answer is not None
            ]
            assert min(rtts) >= 300 * NS_PER_MS
            assert abs(statistics.median(rtts) - 300 * NS_PER_MS) < 5 * NS_PER_MS


@TURNS
def test_a_doubled_reply_is_a_duplicate(protocol: Protocol, family: int) -> None:
    with Chain(3, relay=2) as chain:
        assert chain.relay is not None
        chain.relay.delay(copies=2)
        options = ("-i0.1", "-c10", "-m", str(chain.length))
        stream = tui_trace_process.trace(
            chain.client, *("-T", "-P81") if protocol is Protocol.TCP else OPTION[protocol],
            *options, chain.target_address(family),
        )  # fmt: skip
        rows = _rows(stream)
        assert all(hop.lost == 0 and hop.figures.count == hop.sent for hop in rows.values())
        assert rows[1].duplicates == 0
        for ttl in range(2, chain.length + 1):
            # probe and reply are doubled; the last round may end before the copies come
            assert rows[ttl].duplicates >= 3 * (rows[ttl].sent - 1)
