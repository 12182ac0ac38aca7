"""`--as tcptraceroute` beside the real one: the same lines on the same network, times masked."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from subprocess import CompletedProcess
from typing import TypeAlias

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.nameserver import serve_names
from tests.helpers.network.netns import Netns
from tests.helpers.network.peers import PROGRAMS

Pair: TypeAlias = tuple[CompletedProcess[str], CompletedProcess[str]]
"""What the real one did, and ours."""
Outcomes: TypeAlias = dict[str, Pair]

REAL = PROGRAMS["tcptraceroute"]
ROUTERS = 4
SILENT = 3
pytestmark = pytest.mark.timeout(400)
"""The first test waits for all command lines."""
TARGET = f"198.18.{ROUTERS + 1}.2"
VIRTUAL = "203.0.113.9"
"""What a NAT between here and the target turns into the target's address."""
OTHER_VIRTUAL, OTHER_PORT = "203.0.113.10", 8080
"""The same, and the port becomes another one, which is closed."""

_FIREWALL = """
table inet wall {
chain c {
type filter hook input priority 0
tcp dport 25 drop
tcp dport 26 reject with icmp type port-unreachable
tcp dport 27 reject with icmp type admin-prohibited
tcp dport 28 reject with icmp type host-unreachable
tcp dport 29 reject with icmp type net-unreachable
tcp dport 30 reject with icmp type prot-unreachable
tcp dport 31 reject with icmp type host-prohibited
tcp dport 32 reject with icmp type net-prohibited
}
}
"""
# Not by a route that is missing: of such errors the kernel sends a host one a second, and none just
# after a time exceeded where those are not limited (both count in one bucket).
_EDGE = """
table ip edge {
chain c {
type filter hook prerouting priority 0
ip daddr 203.0.113.128/25 reject with icmp type host-unreachable
}
}
"""
"""The first router sends nothing to a network that nobody has."""
_NAT = f"""
table ip nat0 {{
chain pre {{
type filter hook prerouting priority -300
ip daddr {OTHER_VIRTUAL} ip ttl > 1 tcp dport set 82 ip daddr set {TARGET}
ip daddr {VIRTUAL} ip ttl > 1 ip daddr set {TARGET}
}}
chain post {{
type filter hook postrouting priority 300
ip saddr {TARGET} tcp sport 82 tcp sport set {OTHER_PORT} ip saddr set {OTHER_VIRTUAL}
ip saddr {TARGET} tcp sport 80 ip saddr set {VIRTUAL}
}}
}}
"""


@pytest.fixture(scope="module")
def nat() -> Iterator[Chain]:
    with Chain(ROUTERS, silent=(SILENT,)) as made:
        listen(made.target, 80)
        made.router(2).nft(_NAT)
        yield made


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with Chain(ROUTERS, silent=(SILENT,)) as made:
        listen(made.target, 80)
        made.target.nft(_FIREWALL)
        made.router(1).nft(_EDGE)
        names = {made.hop(1): "gw.example", made.hop(2): "core1.example", TARGET: "www.example"}
        serve_names(made.client, names)
        yield made


TRACES = [
    "-q1 -w1 @",
    "-q1 -w1 -n @",
    "-q1 -w1 www.example",
    "-n -q1 -w1 www.example http",
    "-f4 @",
    "-f 4 -n @ 80",
    "-f4 -n -q2 @ 81",
    "-f4 -q1 @ https",
    "-n -f4 -q 1 -m 4 -w1 @",
    "-n -m2 @",
    "-n -m2 -q 5 @",
    "-f5 -q2 -w1 -m6 @ 25",
    "-f4 -q2 @ 26",
    "-f4 -q2 -n @ 27",
    "-f5 -q1 @ 28",
    "-f5 -q1 @ 29",
    "-f5 -q1 @ 30",
    "-f5 -q1 @ 31",
    "-f5 -q1 @ 32",
    "-n -f4 -S @",
    "-n -f4 -A @",
    "-n -f4 -SA @",
    "-n -f4 -E @",
    "-n -f5 -E -A -q1 @",
    "-n -f4 -F -t 16 -l 100 @",
    "-n -f5 -l 40 @",
    "-n -f5 -l 39 @",
    "-n -f5 @ 80 120",
    "-n -f5 -q1 @ 80 abc",
    "-n -f4 -p 4999 @",
    "-n -f4 -P 5001 -q2 @",
    "-n -f4 --track-port @",
    "-n -f4 --track-id @",
    "-n -f5 -p 5002 --track-port @",
    "-N -f4 -q1 @",
    "-n -i @device -f4 @",
    "-n -s 198.18.1.1 -f4 @",
    "-n -s 192.0.2.77 -f4 -m4 -q1 -w1 @",
    "-nf5 @ -q1",
    "-q1 -f5 -- @",
    "-q1 127.0.0.1",
    "-n -q1 -w1 -m3 203.0.113.200",
    "-q2 10.1.2.3 -m2",
    "-N -q2 10.1.2.3 -m2",
    "-f5 -n @ 0",
    "-n -q1 -w1 -f3 -m3 @",
    "-n -q3 -w1 -f3 -m4 @",
]
NATS = [
    f"-n -w1 {mode} {more} {virtual}"
    for mode in ("--dnat", "", "--no-dnat", "--no-dnat-strict")
    for more in ("-q1", "-q2 --track-port")
    for virtual in (f"{VIRTUAL} 80", f"{OTHER_VIRTUAL} {OTHER_PORT}")
]
WRONG = [
    "",
    "-h",
    "--help",
    "-q",
    "-q x @",
    "-q 1.5 @",
    "-Z @",
    "--foo @",
    "-f 0 @",
    "-m 0 @",
    "-f 256 @",
    "-m 300 @",
    "-f 20 -m 10 @",
    "-q 0 @",
    "-w 0 @",
    "-t x @",
    "-f -3 @",
    "nosuch.example",
    "::1",
    "-s nosuch.example @",
    "@ nosuchport",
    "@ 80 100 4",
    "-- -q1",
    "-i nosuchif @",
    "-nq1f6 @",
]


def words(line: str) -> list[str]:
    return line.replace("@device", "down0").replace("@", TARGET).split()


def both(space: Netns, line: str) -> Pair:
    env = tui_trace_process.environment()
    real = space.run([REAL, *words(line)], check=False, timeout=60, env=env)
    mine = tui_trace_process.program(space, "--as", "tcptraceroute", *words(line), check=False)
    return real, mine


@pytest.fixture(scope="module")
def outcomes(
    chain: Chain, nat: Chain
) -> dict[str, tuple[CompletedProcess[str], CompletedProcess[str]]]:
    """Of all command lines, both programs: some wait for seconds, so several run at once.

    But not those that go by port or follow NAT: there the original takes another's answer for its
    own.
    """
    where = dict.fromkeys((*TRACES, *WRONG), chain)
    alone = {line for line in where if "--track-port" in line}
    with ThreadPoolExecutor(6) as pool:
        together = [line for line in where if line not in alone]
        done = pool.map(lambda line: both(where[line].client, line), together)
        outcomes = dict(zip(together, done, strict=True))
    for line in alone:
        outcomes[line] = both(where[line].client, line)
    for line in NATS:
        outcomes[line] = both(nat.client, line)
    return outcomes


def masked(text: str) -> list[str]:
    text = re.sub(r"\d+\.\d{3} ms", "T ms", text.replace(REAL, "tcptraceroute"))
    text = re.sub(r"port (?:3[2-9]|[456]\d)\d{3} for", "port P for", text)
    # the original names no letter here: it looks at the wrong variable
    return re.sub(r"(required for) -[^\n]$", r"\1 -?", text, flags=re.M).splitlines()


@pytest.mark.parametrize("line", [*TRACES, *NATS])
def test_the_same_lines(outcomes: Outcomes, line: str) -> None:
    real, mine = outcomes[line]
    assert masked(mine.stderr) == masked(real.stderr)
    assert masked(mine.stdout) == masked(real.stdout)
    assert mine.returncode == real.returncode


@pytest.mark.parametrize("line", WRONG)
def test_the_same_refusals(outcomes: Outcomes, line: str) -> None:
    real, mine = outcomes[line]
    assert mine.returncode == real.returncode != 0
    # what a usage says besides is each program's own
    theirs, own = masked(real.stderr), masked(mine.stderr)
    assert own[0] == theirs[0]
    assert bool(mine.stdout) == bool(real.stdout)
    assert len(own) == len(theirs)


def test_enough_was_compared(
    outcomes: Outcomes,
) -> None:
    assert len(outcomes) >= 40
    shown = "".join(real.stdout for real, _ in outcomes.values())
    for seen in ("[open]", "[closed]", "[open, ecn]", " *", "!p", "!A", "!H", "!N", "!P", "!C",
                 "Detected DNAT to 198.18.5.2\n", "Detected DNAT to 198.18.5.2:82\n",
                 "gw.example (198.18.1.2)"):  # fmt: skip
        assert seen in shown, seen


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-p 99999 @", "Port must be less than 65536"),
        ("@ 99999", "Port must be less than 65536"),
        ("-t 300 @", "TOS must be less than 256"),
        ("-l 70000 @", "Packet length must be at most 65535"),
        ("-q 99999999999999999999999 @", "Number of queries must be at most 1000"),
    ],
)
def test_what_the_original_cuts_is_refused(chain: Chain, line: str, message: str) -> None:
    done = tui_trace_process.program(
        chain.client, "--as", "tcptraceroute", *words(line), check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (1, f"{message}\n", "")
