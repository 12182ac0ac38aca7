"""Many flows and short rounds: what the machine can give is shared out, and given back."""

import signal
import time
from collections import Counter
from subprocess import DEVNULL, PIPE

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import Sending, listen, mute
from tests.helpers.network.params import OPEN_PORT
from tests.helpers.network.tui_trace_process import Live, decode, only, probe_of
from tui_trace.core.events import ProbeSent, RoundBegan
from tui_trace.core.settings import NS_PER_S, Pace, Protocol

MANY = 64
"""Flows that 256 descriptors have to do for."""
HANGS = 2.0
"""Seconds; what hangs takes many more, and what does not a tenth of one."""
LONG = 12.0
"""Seconds in which every number that a probe can have has been taken."""
LIMITED = ("sh", "-c", 'ulimit -n "$0"; exec "$@"')
PROTOCOLS = pytest.mark.parametrize("protocol", [Protocol.UDP, Protocol.TCP])


@PROTOCOLS
@pytest.mark.parametrize(
    ("descriptors", "target", "rounds"), [(1024, "far", 25), (256, "silent", 50)]
)
def test_every_flow_is_probed_in_every_round(
    protocol: Protocol, descriptors: int, target: str, rounds: int
) -> None:
    options = ("-T", "-P", str(OPEN_PORT)) if protocol is Protocol.TCP else ("-u",)
    with Chain(2, relay=3) as chain:
        assert chain.relay is not None
        listen(chain.target, OPEN_PORT)
        chain.relay.delay(150, 150)
        if target == "silent":
            mute(chain.target)
        args = (*options, "--flows", str(MANY), "-m", "3", "-i", "0.2", "-c", str(rounds))
        ours = tui_trace_process.command("--jsonl", "-n", *args, chain.target_address())
        done = chain.client.run(
            [*LIMITED, str(descriptors), *ours],
            check=False,
            env=tui_trace_process.environment(),
        )
    assert (done.returncode, done.stderr) == (0, "")
    counts = Counter((sent.ttl, sent.flow) for sent in only(ProbeSent, decode(done.stdout)))
    assert len(counts) == 3 * MANY
    assert max(counts.values()) - min(counts.values()) <= 1, counts.most_common()[-3:]
    assert min(counts.values()) >= rounds - 1


@PROTOCOLS
def test_a_reset_gives_the_ports_of_its_run_back(protocol: Protocol) -> None:
    settings = probe_of(protocol, flows=MANY)
    if protocol is Protocol.TCP:
        settings = probe_of(protocol, flows=MANY, port=OPEN_PORT)
    with Chain(1) as chain:
        listen(chain.target, OPEN_PORT)
        pace = Pace(interval=NS_PER_S)
        with Live(chain.client, chain.target_address(), settings, pace) as live:
            held = []
            for _ in range(10):
                live.run_on(RoundBegan, 2)
                live.reset()
                held.append(live.open_files)
            live.stop()
    # in the first seconds each flow takes as many ports as rest at a time, on a busy machine more
    assert max(held) <= held[4] + 2 * MANY, held


@pytest.mark.parametrize(
    ("option", "number"),
    [("--icmp", signal.SIGINT), ("-u", signal.SIGTERM)],
    ids=["icmp", "udp"],
)
def test_a_silent_target_asked_without_a_pause_stops_nothing(option: str, number: int) -> None:
    with Chain(1) as chain:
        mute(chain.target)
        sending = Sending(chain.client)
        pace = ("-i", "0.001", "-q", "3", "-Z", "30", "-c", "100000")
        process = chain.client.popen(
            tui_trace_process.command("-r", "-n", option, *pace, chain.target_address()),
            stdout=DEVNULL,
            stderr=PIPE,
            env=tui_trace_process.environment(),
        )
        try:
            time.sleep(LONG)
            sent = sending.count()
            time.sleep(2)
            more = sending.count() - sent
            began = time.monotonic()
            process.send_signal(number)
            _, err = process.communicate(timeout=20)
            took = time.monotonic() - began
        finally:
            process.kill()
            process.wait(10)
    print(f"{sent} packets in {LONG:g} s, {more} in the next 2 s, {took:.3f} s to the end")
    assert b"Traceback" not in err
    assert more > 200
    assert took < HANGS
