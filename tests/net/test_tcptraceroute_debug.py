"""`tcptraceroute -d` beside the real one: each packet it sends and sees is told, by both alike."""

import re
from collections import Counter
from collections.abc import Iterator
from subprocess import CompletedProcess

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.peers import PROGRAMS

SILENT, TARGET_TTL = 2, 4
_FIREWALL = """
table inet wall {
chain c {
type filter hook input priority 0
tcp dport 27 reject with icmp type admin-prohibited
}
}
"""
LINES = [
    "-q2 -w1 @",
    "-q1 -w1 -f3 --track-port @ 81",
    "-q1 -f4 @ 27",
    "-q3 -f4 -A @",
    "-q1 -f4 -S -A @",
    "-q2 -f3 -E @",
    "-q1 -f3 -m3 -p 5000 @",
]


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with Chain(TARGET_TTL - 1, silent=(SILENT,)) as made:
        listen(made.target, 80)
        made.target.nft(_FIREWALL)
        yield made


def both(chain: Chain, line: str) -> tuple[CompletedProcess[str], CompletedProcess[str]]:
    words = ["-d", "-n", *line.replace("@", chain.target_address()).split()]
    real = chain.client.run([PROGRAMS["tcptraceroute"], *words], check=False)
    mine = tui_trace_process.program(chain.client, "--as", "tcptraceroute", *words, check=False)
    return real, mine


def told(text: str) -> Counter[str]:
    """What both tell of packets, without what only the original knows: IP ID, port, ACK of RST."""
    found: Counter[str] = Counter()
    for line in text.splitlines():
        stripped = re.sub(r", IP ID \d+|, source port \d+|(?<=-> 198\.18\.1\.1):\d+", "", line)
        stripped = re.sub(r"(flags RST) ACK", r"\1", stripped).rstrip()
        if re.match(
            r"debug: (Determined|Sent|Received ICMP|Received TCP packet \d|timeout|displayed)",
            stripped,
        ):
            found[stripped] += 1
    return found


@pytest.mark.parametrize("line", LINES)
def test_the_same_packets_are_told(chain: Chain, line: str) -> None:
    real, mine = both(chain, line)
    # what was sent ahead beyond the target, before that had answered
    ahead = rf"debug: Sent probe \d of \d for hop (?:[{TARGET_TTL + 1}-9]|\d\d)\b"
    kept = {text: n for text, n in told(mine.stderr).items() if not re.match(ahead, text)}
    assert kept == told(real.stderr)
    assert sum(kept.values()) >= 4
    lines = [re.sub(r"\d+\.\d{3} ms", "T ms", one.stdout) for one in (real, mine)]
    assert lines[0] == lines[1]
    assert mine.returncode == real.returncode


def test_nothing_is_told_without_it(chain: Chain) -> None:
    words = ("--as", "tcptraceroute", "-n", "-q1", "-f3", chain.target_address())
    assert "debug" not in tui_trace_process.program(chain.client, *words).stderr
