"""SYN/ACKs that are lost or late: the target's repeat is no answer, and order is nobody's right."""

import pytest

from tests.helpers.network import peers
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import DroppingAnswers, filter_resets, listen
from tests.helpers.network.params import FAMILIES, OPEN_PORT
from tests.helpers.network.rows import report

TCP = ("-T", "-P", str(OPEN_PORT))
DELAY_MS = 40
SYN_ACK = "tcp flags & (syn | ack | rst) == syn | ack"
LENGTH = 3


@pytest.mark.parametrize(
    ("family", "percent", "resets"),
    [(4, 20, True), (6, 20, True), (4, 20, False), (6, 20, False), (4, 0, False)],
)
def test_a_lost_syn_ack_is_a_loss(family: int, percent: int, resets: bool) -> None:
    with Chain(LENGTH - 1, relay=2) as chain:
        assert chain.relay is not None
        chain.relay.delay(DELAY_MS / 2, DELAY_MS / 2)
        listen(chain.target, OPEN_PORT)
        if not resets:
            filter_resets(chain.client)
        dropping = DroppingAnswers(chain.target, SYN_ACK, percent)
        target = chain.target_address(family)
        seen = report(chain.client, *TCP, "-c100", "-i0.12", target)
        answers, dropped = dropping.counts()
    last = seen.hubs[LENGTH]
    assert seen.addresses == chain.hops(family)
    assert answers >= 95
    # each SYN/ACK is dropped by its own chance, the repeats among them
    assert abs(last["Loss%"] - 100 * dropped / answers) <= (12 if percent else 0)
    assert DELAY_MS <= last["Avg"] < 2 * DELAY_MS
    assert last["Wrst"] < 500
    assert (seen.hubs[1]["Loss%"], seen.hubs[2]["Loss%"]) == (0, 0)
    assert (seen.reached, seen.foreign) == (True, 0)


def test_traceroute_sees_it_so() -> None:
    with Chain(LENGTH - 1, relay=2) as chain:
        assert chain.relay is not None
        chain.relay.delay(DELAY_MS / 2, DELAY_MS / 2)
        listen(chain.target, OPEN_PORT)
        dropping = DroppingAnswers(chain.target, SYN_ACK, 20)
        words = ("-T", "-p", str(OPEN_PORT), "-f", str(LENGTH), "-m", str(LENGTH), "-w", "0.5")
        seen = peers.traceroute(
            chain.client, chain.target_address(), *words, "-q10", "-N5", timeout=60
        )
        answers, dropped = dropping.counts()
    times = seen[0].rtts_ms
    assert answers >= 10
    assert sum(one is None for one in times) <= dropped
    assert all(one < 500 for one in times if one is not None)


@FAMILIES
@pytest.mark.parametrize(("interval", "flow"), [("0.2", ()), ("0.2", ("-q", "3"))])
def test_what_is_overtaken_is_not_lost(family: int, interval: str, flow: tuple[str, ...]) -> None:
    """A SYN overtakes the reset of the connection before; every packet arrives."""
    with Chain(LENGTH - 1, relay=2) as chain:
        assert chain.relay is not None
        listen(chain.target, OPEN_PORT)
        chain.relay.delay(back_ms=40, jitter_ms=150)
        rounds = "25" if "-q" in flow else "70"
        options = (*TCP, "-c", rounds, "-i", interval, *flow)
        seen = report(chain.client, *options, chain.target_address(family))
    assert seen.addresses == chain.hops(family)
    losses = seen.losses()
    at_target = losses.pop(LENGTH)
    assert set(losses.values()) == {0}
    # the relay is a process: where it is held up for a second, a reset comes too late indeed
    assert at_target * seen.hubs[LENGTH]["Snt"] <= 100.5, "more than one probe"
    assert seen.hubs[LENGTH]["Wrst"] < 500
    assert seen.hubs[LENGTH]["Snt"] >= 65
