"""The peers, on the same network as we: run in a namespace, their output read to hops."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.helpers.network.netns import Netns

PROGRAMS = {"mtr": "mtr", "traceroute": "traceroute.db", "tcptraceroute": "tcptraceroute.mt"}


@dataclass(frozen=True)
class PeerHop:
    """One hop as a peer saw it."""

    ttl: int
    address: str | None
    """The first that answered."""
    rtts_ms: tuple[float | None, ...] = ()
    """One entry a probe, None for a lost one; empty where the peer tells no single times."""
    sent: int = 0
    loss_percent: float = 0.0


def mtr(space: Netns, target: str, *options: str, timeout: float = 60) -> list[PeerHop]:
    """mtr's JSON report."""
    done = space.run(["mtr", "-j", "-n", *options, target], timeout=timeout)
    return parse_mtr(done.stdout)


def parse_mtr(text: str) -> list[PeerHop]:
    """Hops of mtr's JSON."""
    hubs = json.loads(text)["report"]["hubs"]
    return [
        PeerHop(
            ttl=int(hub["count"]),
            address=None if hub["host"] == "???" else hub["host"],
            sent=int(hub["Snt"]),
            loss_percent=float(hub["Loss%"]),
        )
        for hub in hubs
    ]


def mtr_raw(space: Netns, target: str, *options: str, timeout: float = 120) -> str:
    """mtr's raw lines (`-l`): one for each probe and each answer."""
    return space.run(["mtr", "-l", "-n", *options, target], timeout=timeout).stdout


def parse_mtr_raw(text: str) -> dict[int, list[float | None]]:
    """RTTs in ms by TTL, in the order the probes were sent; None where nothing came."""
    order: dict[int, list[int]] = {}
    answers: dict[tuple[int, int], float] = {}
    for line in text.splitlines():
        words = line.split()
        if words[0] == "x":
            order.setdefault(int(words[1]) + 1, []).append(int(words[2]))
        elif words[0] == "p":
            answers[int(words[1]) + 1, int(words[3])] = int(words[2]) / 1000
    return {ttl: [answers.get((ttl, one)) for one in sent] for ttl, sent in order.items()}


def traceroute(space: Netns, target: str, *options: str, timeout: float = 60) -> list[PeerHop]:
    """Butskoy's traceroute."""
    done = space.run([PROGRAMS["traceroute"], "-n", *options, target], timeout=timeout)
    return parse_lines(done.stdout)


def tcptraceroute(
    space: Netns, target: str, port: int, *options: str, timeout: float = 60
) -> list[PeerHop]:
    """Toren's tcptraceroute, by the name that no wrapper takes."""
    words = [PROGRAMS["tcptraceroute"], "-n", *options, target, str(port)]
    done = space.run(words, timeout=timeout, check=False)
    assert done.stdout, done.stderr
    return parse_lines(done.stdout)


def parse_lines(text: str) -> list[PeerHop]:
    """Hops of the classic line output, as traceroute and tcptraceroute print it with `-n`."""
    hops = []
    for line in text.splitlines():
        match = re.match(r"\s*(\d+)\s\s*(.*)", line)
        if match is None or line.startswith("traceroute"):
            continue
        words = match[2].split()
        hops.append(PeerHop(int(match[1]), _address(words), _times(words)))
    return hops


def _address(words: Sequence[str]) -> str | None:
    found = (word for word in words if re.fullmatch(r"[0-9a-f]*[.:][0-9a-f.:]+", word))
    return next((word for word in found if word.count(".") != 1), None)


def _times(words: Sequence[str]) -> tuple[float | None, ...]:
    return tuple(
        None if word == "*" else float(words[place - 1])
        for place, word in enumerate(words)
        if word in ("*", "ms")
    )
