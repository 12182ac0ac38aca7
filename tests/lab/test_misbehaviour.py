"""What goes wrong on purpose: delay, loss, silence, refusals and rubbish, as the keys say."""

from typing import get_args

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror
from scapy.layers.inet6 import IPv6

from tests.helpers.lab.lab_client import MS, TARGET, answers, chain, only, probe
from tui_trace.lab.scenario import MalformedKind


def test_slow_answers_are_nobody_elses_delay() -> None:
    net = chain(r2="answer_delay = 50")
    assert [net.receive(bytes(probe(ttl)), 0)[0][0] for ttl in (1, 2, 3)] == [MS, 52 * MS, 3 * MS]


def test_answers_lost_doubled_and_held() -> None:
    raw = bytes(probe(2))
    count = 4_000
    low, high = count * 0.3 - 75, count * 0.3 + 75
    net = chain(r2="answer_loss = 30")
    assert low <= sum(not net.receive(raw, 0) for _ in range(count)) <= high
    assert all(net.receive(bytes(probe(3)), 0) for _ in range(100))
    net = chain(r2="duplicate = 30")
    assert low <= sum(len(net.receive(raw, 0)) == 2 for _ in range(count)) <= high
    net = chain(r2="hold = { percent = 30, by = 500 }")
    assert low <= sum(net.receive(raw, 0)[0][0] == 502 * MS for _ in range(count)) <= high


def test_jitter_has_the_mean_of_the_file() -> None:
    net = chain(r1="jitter = 2")
    raw = bytes(probe(1))
    extra = [net.receive(raw, 0)[0][0] - MS for _ in range(20_000)]
    assert min(extra) >= 0
    assert 1.9 * MS < sum(extra) / len(extra) < 2.1 * MS


def test_the_way_back_has_its_own_length_and_delay() -> None:
    net = chain(r2="back_hops = 3\nback_delay = 20")
    assert [only(net, probe(ttl)).ttl for ttl in (1, 2, 3)] == [255, 251, 250]
    assert [net.receive(bytes(probe(ttl)), 0)[0][0] for ttl in (1, 3)] == [MS, 23 * MS]


def test_a_reply_with_the_ttl_that_was_left_dies_on_the_way() -> None:
    net = chain(target="reply_ttl_from_probe = true")
    assert [len(answers(net, probe(ttl, ICMP()))) for ttl in range(4, 9)] == [0, 0, 0, 1, 1]
    assert only(net, probe(7, ICMP())).ttl == 1


def test_a_router_that_forwards_zero() -> None:
    net = chain(r2="forwards_zero = true")
    assert [only(net, probe(ttl)).src for ttl in (2, 3)] == ["198.18.0.3"] * 2
    assert [only(net, probe(ttl))[IPerror].ttl for ttl in (2, 3)] == [0, 1]
    net = chain(r3="forwards_zero = true")
    assert only(net, probe(3)).src == TARGET


def test_silence_and_refusals_of_a_host() -> None:
    net = chain(target="ping = false\necn = false\nopen = [80]", r2="silent = true")
    assert answers(net, probe(9, ICMP())) == []
    assert answers(net, probe(2)) == []
    assert only(net, probe(9, TCP(dport=80, flags="SEC")))[TCP].flags == "SA"


def test_rules_in_order_and_for_the_router_itself() -> None:
    rules = """rules = [
        { action = "pass", protocol = "tcp", port = 80 },
        { action = "reject", protocol = "tcp", code = 10 },
        { action = "reject", protocol = "udp", port = 7, code = 1, code6 = 5 },
        { action = "drop" },
    ]"""
    net = chain(r2=rules, target="open = [80]")
    assert only(net, probe(2)).src == "198.18.0.2"
    assert only(net, probe(9, TCP(dport=80)))[TCP].flags == "SA"
    refused = only(net, probe(9, TCP(dport=81)))
    assert (refused.src, refused[ICMP].type, refused[ICMP].code) == ("198.18.0.2", 3, 10)
    assert answers(net, probe(9, ICMP())) == []
    six = IPv6(src="2001:db8::2", dst="2001:db8:2::80", hlim=9) / UDP(dport=7)
    refused = only(net, six)
    assert (refused.payload.type, refused.payload.code) == (1, 5)
    wall = chain(target='rules = [{ action = "drop", protocol = "icmp" }]')
    assert answers(wall, probe(9, ICMP())) == []
    assert only(wall, probe(9))[ICMP].code == 3


@pytest.mark.parametrize("kind", get_args(MalformedKind))
def test_tricks_come_before_the_answer_or_in_its_place(kind: MalformedKind) -> None:
    sent = bytes(probe(2, UDP(sport=40_000, dport=9) / bytes(20)))
    (_, usual), *none = chain().receive(sent, 0)
    assert none == []
    beside = [raw for _, raw in chain(r2=f'also = ["{kind}"]').receive(sent, 0)]
    assert len(beside) == 2
    assert beside[1][20:] == usual[20:]
    instead = [raw for _, raw in chain(r2=f'instead = "{kind}"').receive(sent, 0)]
    assert len(instead) == 1
    for hostile in (beside[0], instead[0]):
        assert hostile[20:] != usual[20:]
        assert IP(hostile).src == "198.18.0.2"
        own = sent[20:28] in hostile[28:]
        assert own == (
            kind in ("bad-checksum", "bad-extension", "oversized-quote", "wrong-version")
        )


def test_no_forged_reply_has_a_number_that_was_sent() -> None:
    net = chain(r2='instead = "forged"')
    sent: list[set[bytes]] = [set(), set(), set()]
    for number in range(1, 8_001):
        raw = bytearray(bytes(probe(2, UDP(sport=40_000, dport=9) / bytes(20))))
        for key, (at, numbers) in enumerate(zip((4, 26, 28), sent, strict=True)):
            raw[at : at + 2] = (number * 7 + key * 101).to_bytes(2, "big")
            numbers.add(bytes(raw[at : at + 2]))
        (_, hostile), *_ = net.receive(bytes(raw), 0)
        assert not any(hostile[28 + at :][:2] in sent[n] for n, at in enumerate((4, 26, 28)))
