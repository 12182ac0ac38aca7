"""Refusals by somebody else, and neighbours that are not there: losses of the target's, told so."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE

import pytest

from tests.helpers.network.chain import DOWN, UP, Chain, address
from tests.helpers.network.fault_injection import Sending, listen
from tests.helpers.network.params import FAMILIES, OPEN_PORT
from tests.helpers.network.rows import Report, parse, report
from tests.helpers.network.tui_trace_process import command, environment, program

TCP = ("-T", "-P", str(OPEN_PORT))
DELAY_MS = 40
"""The way to the target and back, behind the last router."""
EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}


@contextmanager
def prober(chain: Chain, family: int, *options: str) -> Iterator[list[Report]]:
    """A report that runs meanwhile, its first probes sent; it is in the list afterwards."""
    answers = Sending(chain.target)
    words = command("-j", "-n", *options, chain.target_address(family))
    running = chain.client.popen(words, env=environment(), stdout=PIPE)
    found: list[Report] = []
    try:
        end = time.monotonic() + 20
        while answers.count() < 3 and time.monotonic() < end:
            time.sleep(0.05)
        yield found
        found.append(parse(running.communicate(timeout=40)[0].decode()))
    finally:
        running.kill()


def has_no_uplink(chain: Chain, family: int, ttl: int, kind: str) -> None:
    """The router refuses what goes on; "none": it has no route at all."""
    everywhere = EVERYWHERE[family]
    change = f"route replace {kind} {everywhere}"
    if kind != "none":  # IPv6 keeps it beside the route that it is to replace
        chain.router(ttl).ip(f"route delete {everywhere}", change)
    else:
        chain.router(ttl).ip(f"route delete {everywhere}")


def has_uplink(chain: Chain, family: int, ttl: int, kind: str) -> None:
    everywhere = EVERYWHERE[family]
    gone = [f"route delete {kind} {everywhere}"] if kind != "none" else []
    back = f"route add {everywhere} via {address(ttl + 1, 2, family)}"
    chain.router(ttl).ip(*gone, back)


@pytest.mark.parametrize(
    ("options", "family", "kind"),
    [((), 6, "unreachable"), (("-u",), 4, "prohibit"), (TCP, 4, "none")],
)
def test_a_refusal_on_the_way_is_a_loss_of_the_target(
    options: tuple[str, ...], family: int, kind: str
) -> None:
    """The gateway is without its uplink for 4 of 10 s."""
    with Chain(4, relay=5) as chain:
        listen(chain.target, OPEN_PORT)
        assert chain.relay is not None
        chain.relay.delay(DELAY_MS / 2, DELAY_MS / 2)
        with prober(chain, family, "-c25", "-i0.4", *options) as found:
            time.sleep(3)
            has_no_uplink(chain, family, 2, kind)
            time.sleep(4)
            has_uplink(chain, family, 2, kind)
        seen = found[0]
    assert seen.addresses == chain.hops(family)
    losses = seen.losses()
    assert losses[1] == 0  # the second refuses its own TTL, too: Linux does so once a second
    assert 25 <= losses[5] <= 55
    assert seen.hubs[5]["Best"] >= DELAY_MS
    assert seen.hubs[5]["Wrst"] < 10 * DELAY_MS
    assert seen.hubs[5]["Snt"] >= 23


@FAMILIES
@pytest.mark.parametrize(("dead", "interval", "rounds"), [(False, "0.5", "10"), (True, "1", "16")])
def test_a_dead_gateway_is_loss_in_every_row(
    family: int, dead: bool, interval: str, rounds: str
) -> None:
    """It is gone for 8 of 16 s, and nobody answers ARP or neighbour discovery for it."""
    with Chain(3) as chain:
        with prober(chain, family, "-c", rounds, "-i", interval) as found:
            if dead:
                time.sleep(4)
                chain.router(1).nft(
                    "table netdev dead {\nchain c {\n"
                    f"type filter hook ingress device {UP} priority 0; policy drop\n}}\n}}\n"
                )
                chain.client.ip(f"neigh flush dev {DOWN}")
                time.sleep(8)
                chain.router(1).nft("delete table netdev dead\n")
        seen = found[0]
    losses = seen.losses()
    if not dead:
        assert set(losses.values()) == {0}
        return
    assert seen.addresses == chain.hops(family)
    # what the kernel holds for ARP when the gateway is back, up to 3 s of it, arrives after all
    assert all(25 <= loss <= 60 for loss in losses.values()), losses
    assert max(losses.values()) - min(losses.values()) <= 15
    assert all(hub["Snt"] >= int(rounds) - 2 for hub in seen.hubs.values())
    assert "limit" not in str(seen.hubs)


@pytest.mark.parametrize(
    ("family", "options", "rights"),
    [
        (4, (), ()),
        (4, TCP, ()),
        (6, ("-u",), ()),
        (6, TCP, ("--unprivileged",)),
    ],
)
def test_a_dead_host_on_the_link_is_told(
    family: int, options: tuple[str, ...], rights: tuple[str, ...]
) -> None:
    with Chain(1) as chain:
        dead = address(1, 0x77, family)
        words = ("-c5", "-i1", *options, *rights)
        seen = report(chain.client, *words, dead)
        text = program(chain.client, "-r", "-n", *words, dead)
    assert list(seen.hubs) == [1]
    assert seen.hubs[1]["Loss%"] == 100
    assert seen.hubs[1]["Snt"] == 5
    assert not seen.reached
    assert re.search("ARP" if family == 4 else "neighbou?r", text.stdout + text.stderr)


@FAMILIES
def test_a_live_host_on_the_link_answers(family: int) -> None:
    with Chain(1) as chain:
        seen = report(chain.client, "-c5", "-i0.2", chain.hop(1, family))
    assert (seen.losses(), seen.reached) == ({1: 0}, True)
