"""What tracing without rights costs: RTT against the wire and CPU a probe, beside raw sockets.

A CPU figure is user and system time of the whole program for each probe, its start taken off.
"""

import argparse
import resource
from collections.abc import Sequence

from tests.bench.common import errors_us, spread, table
from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture
from tests.helpers.network.capture_rtt import by_ttl, exchanges
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.netns import Netns
from tests.helpers.network.packet_parser import TCP, Packet

OPEN_PORT = 443
WAYS: dict[str, tuple[str, ...]] = {
    "ICMP": ("--icmp",),
    "UDP": ("-u",),
    "TCP, open port": ("-T", "-P", str(OPEN_PORT)),
    "TCP, closed port": ("-T", "-P", "81"),
}
RIGHTS: dict[str, tuple[str, ...]] = {"raw": (), "unprivileged": ("--unprivileged",)}


def _errors(chain: Chain, options: Sequence[str], probes: int) -> tuple[list[float], list[float]]:
    """Of the routers' answers and of the target's, in µs."""
    source, target = chain.source_address(), chain.target_address()
    options = (*options, "-i0.1", "-c", str(probes), "-m", str(chain.length))
    with Capture(chain.client, DOWN) as capture:
        done = tui_trace_process.program(
            chain.client, "--jsonl", "-n", *options, target, timeout=300
        )
        seen = by_ttl(
            # the ACK of a handshake is no probe
            [
                one
                for one in exchanges(capture.stop(), source, target)
                if not _is_ack(one.sent.packet)
            ]
        )
    told: dict[int, list[int | None]] = {}
    for one in tui_trace_process.outcomes(tui_trace_process.decode(done.stdout)):
        told.setdefault(one.sent.ttl, []).append(one.answer.rtt if one.answer else None)
    errors = {ttl: errors_us(told[ttl], seen[ttl]) for ttl in told}
    at_target = errors.pop(chain.length)
    return [error for each in errors.values() for error in each], at_target


def _is_ack(packet: Packet) -> bool:
    return packet.protocol == TCP and packet.tcp_flags == 0x10


def _cpu_us(space: Netns, args: Sequence[str], rounds: int, probes: int) -> float:
    def seconds(count: int) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        tui_trace_process.program(space, "--jsonl", "-n", *args, "-c", str(count), timeout=300)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return (seconds(rounds) - seconds(1)) * 1e6 / ((rounds - 1) * probes)


def run(probes: int, rate: int, seconds: int) -> None:
    """Measure each protocol with raw sockets and without rights, and print."""
    rows: list[list[object]] = []
    costs: list[list[object]] = []
    with Chain(8) as chain:
        listen(chain.target, OPEN_PORT)
        chain.client.sysctl(ipv4__ping_group_range="0 2147483647")
        hops = chain.length
        pace = ("-i", f"{hops / rate:.6f}", "-m", str(hops), chain.target_address())
        for way, options in WAYS.items():
            cost: list[object] = [way]
            for name, rights in RIGHTS.items():
                routers, target = _errors(chain, (*options, *rights), probes)
                rows.append([way, name, *spread(routers), *spread(target)])
                args = (*options, *rights, *pace)
                cost.append(_cpu_us(chain.client, args, rate * seconds // hops, hops))
            costs.append(cost)
    figures = ["mean", "p99", "worst"]
    table(
        f"Magnitude of the RTT's error against the wire, µs, {probes} probes a hop",
        [
            "probes",
            "rights",
            *(f"routers' {one}" for one in figures),
            *(f"target's {one}" for one in figures),
        ],
        rows,
    )
    table(
        f"The whole of `--jsonl`, {rate} probes a second, µs CPU a probe",
        ["probes", *RIGHTS],
        costs,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probes", type=int, default=200)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    run(options.probes, options.rate, options.seconds)
