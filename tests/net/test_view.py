"""The live view in a real terminal: keys are seen on the wire, and trouble on the screen."""

import re
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture, probes
from tests.helpers.network.chain import DOWN, Chain, address
from tests.helpers.network.fault_injection import Sending, listen
from tests.helpers.network.outages import REFUSALS, move
from tests.helpers.network.packet_parser import ICMP, ICMP6, TCP, UDP, Packet
from tests.helpers.network.params import FAMILIES, OPEN_PORT
from tests.helpers.network.terminals import Tmux


class Step(NamedTuple):
    """Keys, and what the probes look like from then on."""

    keys: tuple[str, ...]
    value: str | None
    """Typed into the prompt."""
    shown: str
    on_the_wire: Callable[[Packet], bool]


STEPS = [
    Step(("t",), None, "TCP port 80 ", lambda p: p.protocol == TCP and p.ports[1] == 80),
    Step(("P",), "443", "TCP port 443 ", lambda p: p.protocol == TCP and p.ports[1] == 443),
    Step(("Q",), "EF", r"TOS 184 \(EF\)", lambda p: p.protocol == TCP and p.tos == 184),
    Step(("F",), None, "DF on", lambda p: p.tos == 184 and p.df),
    Step(("S",), "200", "200 bytes", lambda p: p.protocol == TCP and p.length == 200),
    Step(("u",), None, "UDP port 33434", lambda p: p.protocol == UDP and p.ports[1] == 33434),
    Step(("P",), "domain", "UDP port 53 ", lambda p: p.protocol == UDP and p.ports[1] == 53),
    Step(("i",), None, "ICMP echo", lambda p: p.protocol in (ICMP, ICMP6) and p.tos == 184),
    Step(("t",), None, "TCP port 443 .*200 bytes", lambda p: p.protocol == TCP and p.length == 200),
    Step(("f",), "3", "TTL 3", lambda p: p.ttl >= 3),
    Step(("m",), "4", "TTL 3–4", lambda p: p.ttl in (3, 4)),
]


@FAMILIES
def test_every_switch_is_on_the_wire_within_a_round_of_the_key(family: int) -> None:
    # every packet of IPv6 carries what DF asks for
    steps = [step for step in STEPS if family == 4 or step.keys != ("F",)]
    with Chain(5) as chain:
        listen(chain.target, OPEN_PORT)
        sending = Sending(chain.client)
        target = chain.target_address(family)
        pressed = []
        with Capture(chain.client, DOWN) as capture:
            with Tmux(chain.client, columns=160) as tmux:
                tmux.start(
                    tui_trace_process.command("-n", "-i", "0.25", target),
                    tui_trace_process.environment(),
                )
                tmux.wait_for(re.escape(chain.hop(2, family)))
                for step in steps:
                    if step.value is None:
                        pressed.append(time.time_ns())
                        tmux.press(*step.keys)
                    else:
                        tmux.press(*step.keys)
                        tmux.answer(step.value)
                        pressed.append(time.time_ns())
                        tmux.press("Enter")
                    tmux.wait_for(step.shown)
                    _wait_sent(sending, 2 * chain.length)
                tmux.press("q")
                tmux.wait_for("prompt> *$")
            seen = probes(capture.stop(), chain.source_address(family), target)
    ends = [*pressed[1:], seen[-1].wall]
    for step, began, ended in zip(steps, pressed, ends, strict=True):
        after = [step.on_the_wire(one.packet) for one in seen if began <= one.wall < ended]
        assert any(after), step
        before_the_first = after.index(True)
        assert before_the_first <= chain.length, step
        assert all(after[before_the_first:]), step


def _wait_sent(sending: Sending, count: int) -> None:
    wanted = sending.count() + count
    end = time.monotonic() + 20
    while sending.count() < wanted:
        assert time.monotonic() < end, "nothing is sent"
        time.sleep(0.05)


@pytest.mark.parametrize("way", list(REFUSALS))
def test_the_view_says_what_is_wrong_and_recovers(way: str) -> None:
    outage, _ = REFUSALS[way]
    with Chain(2) as chain, Tmux(chain.client) as tmux:
        args = ("-n", "-i", "0.3", "-s", "1400", chain.target_address())
        tmux.start(tui_trace_process.command(*args), tui_trace_process.environment())
        tmux.wait_for(re.escape(chain.hop(2)))
        with outage(chain):
            screen = tmux.wait_for(r"^ ! \w.*\w")
            assert "Errno" not in screen
        tmux.wait_without(r"^ ! ")
        _assert_goes_on(tmux)


def test_the_view_tells_of_another_source_address() -> None:
    with Chain(2) as chain, Tmux(chain.client) as tmux:
        tmux.start(
            tui_trace_process.command("-n", "-i", "0.3", chain.target_address()),
            tui_trace_process.environment(),
        )
        tmux.wait_for(re.escape(chain.hop(2)))
        move(chain)
        tmux.wait_for(re.escape(f"leave from {address(1, 9, 4)}"))
        _assert_goes_on(tmux)


def _assert_goes_on(tmux: Tmux) -> None:
    """More probes of the farthest hop are answered than now."""
    answered = _received(tmux.screen())
    end = time.monotonic() + 20
    while _received(tmux.screen()) < answered + 3:
        assert time.monotonic() < end, tmux.screen()
        time.sleep(0.1)


def _received(screen: str) -> float:
    """Answers of hop 3, by its loss and count."""
    row = re.search(r"^\W*3 +[\w.:]+ +!?([\d.]+) +(\d+) ", screen, re.MULTILINE)
    assert row is not None, screen
    return float(row[2]) * (100 - float(row[1])) / 100
