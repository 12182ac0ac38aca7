"""The live view waits for a network that is not there yet; a report says so and ends."""

import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.outages import Fault, link_down, no_route
from tests.helpers.network.params import FAMILIES, OPEN_PORT, OPTION, PROTOCOLS
from tests.helpers.network.terminals import Tmux
from tui_trace.core.settings import Protocol

LATER = 3.0
"""Seconds after the start at which the network comes."""
HANGS = 5.0
"""Seconds; the program starts in one, and what waits for a network takes for ever."""
SHOWN = {
    Protocol.ICMP: "ICMP echo",
    Protocol.UDP: "UDP port 33434",
    Protocol.TCP: f"TCP port {OPEN_PORT}",
}
LATE_ADDRESS = {4: "198.18.1.77", 6: "2001:db8:0:1::77"}


@contextmanager
def nothing_amiss(_chain: Chain) -> Iterator[None]:
    yield


@contextmanager
def no_address(chain: Chain) -> Iterator[None]:
    """The address to send from comes later."""
    yield
    chain.client.ip(
        f"address add {LATE_ADDRESS[4]}/24 dev {DOWN}",
        f"address add {LATE_ADDRESS[6]}/64 dev {DOWN} nodad",
    )


LATE: dict[str, tuple[Fault, bool]] = {
    "route": (no_route, False),
    "link": (link_down, False),
    "address": (no_address, True),
}
"""What is missing at first, and whether `-a` asks for the late address."""


def arguments(chain: Chain, family: int, from_late_address: bool) -> list[str]:
    source = ["-a", LATE_ADDRESS[family]] if from_late_address else []
    return ["-n", *source, chain.target_address(family)]


def answered(screen: str, chain: Chain, family: int) -> int:
    """Probes of the target's row that were sent, if none of them was lost; else 0."""
    address = re.escape(chain.target_address(family))
    row = re.search(rf"^\W*{chain.length} +{address} +!?([\d.]+) +(\d+) ", screen, re.MULTILINE)
    return int(row[2]) if row is not None and float(row[1]) == 0 else 0


def wait_until_answered(tmux: Tmux, chain: Chain, family: int, count: int) -> None:
    end = time.monotonic() + 15
    while answered(screen := tmux.screen(), chain, family) < count:
        assert time.monotonic() < end, screen
        time.sleep(0.1)


def trace_through(
    fault: AbstractContextManager[None], chain: Chain, family: int, args: list[str]
) -> tuple[str, str]:
    """The screen while the fault lasts, and after it, once the target has answered."""
    with Tmux(chain.client) as tmux:
        with fault:
            tmux.start(
                tui_trace_process.command("-i", "0.3", *args), tui_trace_process.environment()
            )
            tmux.wait_for(re.escape(chain.target_address(family)) + r"(.|\n)*q quit|q +[Qq]uit")
            time.sleep(LATER)
            before = tmux.screen()
        wait_until_answered(tmux, chain, family, 5)
        after = tmux.wait_without(r"^ ! \w")
        tmux.press("q")
        tmux.wait_for("prompt> *$")
    return before, after


@FAMILIES
@pytest.mark.parametrize("what", LATE)
def test_the_view_probes_as_soon_as_it_can(what: str, family: int) -> None:
    fault, from_late_address = LATE[what]
    with Chain(2) as chain:
        args = arguments(chain, family, from_late_address)
        before, after = trace_through(fault(chain), chain, family, args)
    for screen in (before, after):
        assert "stopped" not in screen
        assert "Errno" not in screen
        assert "Traceback" not in screen
    assert re.search(r"^ ! \w", before, re.MULTILINE), before


@PROTOCOLS
def test_every_protocol_waits_for_its_route(protocol: Protocol) -> None:
    with Chain(2) as chain:
        args = [*OPTION[protocol], *arguments(chain, 4, False)]
        before, _ = trace_through(no_route(chain), chain, 4, args)
    assert "stopped" not in before
    assert SHOWN[protocol] in before
    assert "every 0.3 s" in before


def test_with_a_route_the_view_says_nothing() -> None:
    with Chain(2) as chain:
        args = arguments(chain, 4, False)
        before, after = trace_through(nothing_amiss(chain), chain, 4, args)
    for screen in (before, after):
        assert not re.search(r"^ ! \w", screen, re.MULTILINE), screen


@FAMILIES
@pytest.mark.parametrize("what", LATE)
def test_a_report_does_not_wait(what: str, family: int) -> None:
    fault, from_late_address = LATE[what]
    with Chain(2) as chain, fault(chain):
        began = time.monotonic()
        done = tui_trace_process.program(
            chain.client, "-r", *arguments(chain, family, from_late_address), check=False
        )
        took = time.monotonic() - began
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
    assert took < HANGS
