"""Quotes that a middlebox left wrong: what survives of the probe's secret proves the answer."""

from collections.abc import Iterator

import pytest

from tests.helpers.network import peers
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.params import OPEN_PORT
from tests.helpers.network.rows import report

TCP = ("-T", "-P", str(OPEN_PORT))
BOX_AT = 2
"""The first hop behind the middlebox."""
LENGTH = 5
VARY = ("--flow", "vary")

CASES = {
    # rewrites of the box: the probes, the family, and what the rows behind it say
    "clean-udp": (("as-is",), ("-u",), 4, ""),
    "clean-tcp": (("as-is",), TCP, 6, ""),
    "clean-cut": (("cut",), TCP, 4, ""),
    "sum-shifted": (("quoted-sum-shifted",), ("-u",), 4, "checksum"),
    "sum-shifted-6": (("quoted-sum-shifted",), ("-u",), 6, "checksum"),
    "sum-shifted-cut": (("quoted-sum-shifted", "cut"), ("-u",), 4, "checksum"),
    "sum-zero": (("quoted-sum-zero",), ("-u",), 4, "checksum"),
    "sum-zero-cut": (("quoted-sum-zero", "cut"), ("-u",), 4, "checksum"),
    "sequence-random": (("sequence-random",), TCP, 4, "sequence"),
    "sequence-random-cut": (("sequence-random", "cut"), TCP, 4, "sequence"),
    "sequence-shifted": (("sequence-shifted",), TCP, 4, "sequence"),
    "sequence-shifted-cut": (("sequence-shifted", "cut"), TCP, 4, "sequence"),
    "ip-id-icmp": (("ip-id",), (), 4, "IP ID"),
    "ip-id-udp": (("ip-id",), ("-u",), 4, "IP ID"),
    "ip-id-udp-cut": (("ip-id", "cut"), ("-u",), 4, "IP ID"),
    "ip-id-tcp": (("ip-id",), TCP, 4, "IP ID"),
    "ip-id-tcp-cut": (("ip-id", "cut"), TCP, 4, "IP ID"),
}
VARIED = {"ip-id-icmp", *(name for name in CASES if name.endswith("-cut"))}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Iterator[tuple[Chain, tuple[str, ...], int, str]]:
    """Four routers and a target, with this box before the second."""
    rewrites, options, family, said = CASES[request.param]
    with Chain(LENGTH - 1, relay=BOX_AT, rewrites=rewrites) as chain:
        listen(chain.target, OPEN_PORT)
        yield chain, options, family, said


def test_mtr_sees_every_hop(case: tuple[Chain, tuple[str, ...], int, str]) -> None:
    """So the box carries everything, and its checksums are right."""
    chain, options, family, _ = case
    hubs = peers.mtr(chain.client, chain.target_address(family), *options, "-c3", "-i0.2", "-G1")
    assert [hub.address for hub in hubs] == chain.hops(family)
    assert [hub.loss_percent for hub in hubs] == [0] * LENGTH


def test_every_hop_is_seen_and_the_rewriting_told(
    case: tuple[Chain, tuple[str, ...], int, str], request: pytest.FixtureRequest
) -> None:
    """Of flows that vary, too, where a quote that is cut leaves the least of the secret."""
    chain, options, family, said = case
    check(chain, family, said, *options)
    if request.node.callspec.id in VARIED:
        check(chain, family, said, *options, *VARY)


def check(chain: Chain, family: int, said: str, *options: str) -> None:
    seen = report(chain.client, *options, "-c6", "-i0.2", chain.target_address(family))
    assert seen.addresses == chain.hops(family)
    assert set(seen.losses().values()) == {0}
    assert (seen.foreign, seen.reached) == (0, True)
    quotes = {ttl: " ".join(seen.hubs[ttl]["received"]).lower() for ttl in range(1, LENGTH)}
    behind = [ttl for ttl, text in quotes.items() if said and said.lower() in text]
    assert behind == (list(range(BOX_AT, LENGTH)) if said else [])
