"""The internet as a function of packets: hops, hosts, rewriting, time and chance."""

import socket
import struct
from collections import Counter

import pytest
import scapy.contrib.mpls
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, ICMPerror, IPerror, UDPerror
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.utils import checksum as scapy_checksum

from tests.helpers.lab.lab_client import HERE, MS, TARGET, answers, chain, only, probe
from tui_trace.lab import load_scenario, scenario_names
from tui_trace.lab.packets import checksum
from tui_trace.lab.simulator import Simulator

SCENARIOS = {name: load_scenario(name) for name in scenario_names()}


def test_each_hop_answers_at_its_time() -> None:
    net = chain()
    for ttl in (1, 2, 3):
        ((at, answer),) = answers(net, probe(ttl), now=5 * MS)
        assert at == 5 * MS + ttl * MS
        assert (answer.src, answer.dst) == (f"198.18.0.{ttl}", HERE)
        assert answer[ICMP].type == 11
        assert answer[IPerror].id == 77
        assert answer[IPerror].ttl == 1
        assert answer.ttl == 255 - (ttl - 1)
    answer = only(net, probe(4))
    assert (answer.src, answer[ICMP].type, answer[ICMP].code) == (TARGET, 3, 3)


def test_ports_of_the_target() -> None:
    net = chain(target="open = [80]\nfiltered = [25]\nudp_open = [53]")
    syn = only(net, probe(9, TCP(sport=1000, dport=80, seq=41)))
    assert (syn[TCP].flags, syn[TCP].ack) == ("SA", 42)
    closed = only(net, probe(9, TCP(sport=1000, dport=22, seq=41)))
    assert (closed[TCP].flags, closed[TCP].ack) == ("RA", 42)
    assert answers(net, probe(9, TCP(sport=1000, dport=25))) == []
    assert only(net, probe(9, UDP(sport=7, dport=53) / b"abc"))[UDP].payload.load == b"abc"
    assert only(net, probe(9, TCP(sport=1, dport=80, flags="A", ack=99)))[TCP].seq == 99
    ecn = only(net, probe(9, TCP(sport=1001, dport=80, flags="SEC")))
    assert ecn[TCP].flags == "SAE"


def test_a_half_open_connection_answers_no_second_syn() -> None:
    net = chain()
    first = only(net, probe(9, TCP(sport=1000, dport=80, seq=1)))
    assert answers(net, probe(9, TCP(sport=1000, dport=80, seq=2))) == []
    again = only(net, probe(9, TCP(sport=1000, dport=80, seq=1)))
    assert again[TCP].seq == first[TCP].seq
    assert answers(net, probe(9, TCP(sport=1000, dport=80, seq=2, flags="R"))) == []
    assert only(net, probe(9, TCP(sport=1000, dport=80, seq=2)))[TCP].ack == 3


def test_damaged_probes_are_not_answered_by_hosts() -> None:
    net = chain()
    for transport in (ICMP(), TCP(dport=80), UDP(dport=9)):
        raw = bytearray(bytes(probe(9, transport)))
        raw[22] ^= 0xFF
        assert net.receive(bytes(raw), 0) == []
        assert net.receive(bytes(probe(9, transport)), 0)


@pytest.mark.parametrize("length", [8, 28, 60])
def test_quote_length(length: int) -> None:
    answer = only(chain(r2=f"quote = {length}"), probe(2, UDP(dport=9) / bytes(100)))
    assert len(answer) == 20 + 8 + 20 + length
    assert answer[UDPerror].dport == 9


def test_labels_and_interface_in_an_extension() -> None:
    keys = 'mpls = [{ label = 24015, exp = 3, ttl = 7 }, { label = 16 }]\ninterface = "eth0"'
    answer = only(chain(r2=keys), probe(2, UDP(dport=9) / bytes(8)))
    assert answer[ICMP].length == 32
    stack = answer[scapy.contrib.mpls.ICMPExtension_MPLS].stack
    entries = list(stack[0].iterpayloads())
    assert [(entry.label, entry.cos, entry.s, entry.ttl) for entry in entries] == [
        (24015, 3, 0, 7),
        (16, 0, 1, 1),
    ]
    assert b"eth0" in bytes(answer)


def test_rewritten_fields_are_seen_behind_and_checksums_hold() -> None:
    net = chain(r1="tos = 8\nclear_ecn = true\nmss = 1000")
    segment = TCP(dport=80, flags="SEC", options=[("MSS", 1460)])
    seen = only(net, probe(3, segment, tos=0xB9))[IPerror]
    assert seen.tos == 8
    assert seen.payload.options == [("MSS", 1000)]
    assert seen.payload.flags == "S"
    assert only(net, probe(9, segment))[TCP].flags == "SA"
    untouched = only(chain(), probe(3, segment, tos=0xB9))[IPerror]
    assert (untouched.tos, untouched.payload.flags) == (0xB9, "SEC")


@pytest.mark.parametrize("repair", [False, True])
def test_dnat_in_quotes(repair: bool) -> None:
    nat = f'dnat = {{ v4 = "198.51.100.9", port = 8080, repair = {str(repair).lower()} }}'
    net = chain(r2=nat, target="open = [8080]")
    sent = probe(2, UDP(sport=5, dport=33434) / b"hello")
    assert only(net, sent)[IPerror].dst == TARGET
    sent.ttl = 3
    quote = only(net, sent)[IPerror]
    if repair:
        assert (quote.dst, quote[UDPerror].dport) == (TARGET, 33434)
        assert quote[UDPerror].chksum == sent[UDP].chksum
    else:
        assert (quote.dst, quote[UDPerror].dport) == ("198.51.100.9", 8080)
        pseudo = quote.copy()
        raw = bytes(pseudo)
        fake = socket.inet_aton(HERE) + socket.inet_aton("198.51.100.9")
        fake += struct.pack("!II", len(raw) - 20, 17)
        assert checksum(fake + raw[20:]) == 0
    answer = only(net, probe(9, TCP(sport=5, dport=80)))
    assert (answer.src, answer[TCP].sport, answer[TCP].flags) == (TARGET, 80, "SA")


def test_mtu_is_reported_by_the_router_before_the_link() -> None:
    net = chain(r3="mtu = 1000")
    big = ICMP() / bytes(1200)
    answer = only(net, probe(9, big, flags="DF"))
    assert (answer.src, answer[ICMP].code, answer[ICMP].nexthopmtu) == ("198.18.0.2", 4, 1000)
    assert only(net, probe(9, big))[ICMP].type == 0
    assert answers(chain(r3="mtu = 1000\nmtu_reported = false"), probe(9, big, flags="DF")) == []
    six = IPv6(src="2001:db8::2", dst="2001:db8:2::80", hlim=9) / ICMPv6EchoRequest(
        data=bytes(1200)
    )
    answer = only(net, six)
    assert (answer.src, answer.payload.type, answer.payload.mtu) == ("2001:db8:1::2", 2, 1000)


def test_a_rate_limit_holds_over_time() -> None:
    net = chain(r2="rate = 10\nburst = 3")
    raw = bytes(probe(2))
    got = sum(len(net.receive(raw, tick * MS)) for tick in range(10_000))
    assert 100 <= got <= 103
    assert all(net.receive(bytes(probe(3)), tick * MS) for tick in range(100))


@pytest.mark.parametrize("percent", [1, 20, 60])
def test_loss_is_what_the_file_says_behind_and_not_before(percent: int) -> None:
    net = chain(r2=f"loss = {percent}")
    count = 20_000
    share = percent / 100
    spread = 2.576 * (count * share * (1 - share)) ** 0.5
    for ttl in (2, 4):
        raw = bytes(probe(ttl))
        lost = sum(not net.receive(raw, 0) for _ in range(count))
        assert abs(lost - count * share) <= spread
    assert all(net.receive(bytes(probe(1)), 0) for _ in range(100))


def test_flow_or_chance_decides_in_a_diamond() -> None:
    def seen(balance: str, ports: range) -> Counter[str]:
        net = chain(
            more=f"""
[[diamonds]]
beside = ["r2"]
balance = "{balance}"
[[diamonds.branches]]
[[diamonds.branches.hops]]
name = "other"
v4 = "198.18.0.22"
[[diamonds.branches]]
"""
        )
        return Counter(only(net, probe(2, UDP(sport=port, dport=1))).src for port in ports)

    assert len(seen("flow", range(5, 6))) == 1
    assert set(seen("flow", range(1000, 1200))) == {"198.18.0.2", "198.18.0.22", "198.18.0.3"}
    net = chain(more='[[diamonds]]\nbeside = ["r2"]\nbalance = "packet"\n[[diamonds.branches]]\n')
    assert {only(net, probe(2)).src for _ in range(100)} == {"198.18.0.2", "198.18.0.3"}


STORY = """
[[detours]]
name = "long"
instead_of = ["r2"]
[[detours.hops]]
name = "d1"
v4 = "198.18.9.1"
[[detours.hops]]
name = "d2"
v4 = "198.18.9.2"
[[events]]
at = 20
detour = "long"
[[events]]
at = 30
hop = "d1"
set = { silent = true }
[[events]]
at = 40
detour = ""
"""


@pytest.mark.parametrize("repeat", [False, True])
def test_a_detour_comes_and_goes_and_the_story_repeats(repeat: bool) -> None:
    net = chain(top="repeat = 50" if repeat else "", more=STORY)

    def at(moment: float, ttl: int) -> str | None:
        got = answers(net, probe(ttl), 10**12 + int(moment * 10**9))
        return got[0][1].src if got else None

    for start in (0, 50, 100):
        assert at(start, 2) == "198.18.0.2"
        assert at(start + 19.9, 3) == "198.18.0.3"
        if start and not repeat:
            assert at(start + 25, 2) == "198.18.0.2"
            continue
        far = (at(start + 20, 2), at(start + 20, 3), at(start + 20, 4))
        assert far == ("198.18.9.1", "198.18.9.2", "198.18.0.3")
        assert (at(start + 31, 2), at(start + 31, 3)) == (None, "198.18.9.2")
        assert at(start + 41, 2) == "198.18.0.2"
    assert at(525, 2) == ("198.18.9.1" if repeat else "198.18.0.2")


def test_who_is_not_there_is_unreachable_and_routers_are_hosts_too() -> None:
    net = chain()
    answer = only(net, IP(src=HERE, dst="203.0.113.81", ttl=9) / ICMP())
    assert (answer.src, answer[ICMP].type, answer[ICMP].code) == ("198.18.0.3", 3, 1)
    assert only(net, IP(src=HERE, dst="198.18.0.2", ttl=9) / ICMP()).src == "198.18.0.2"
    for own in ("192.0.2.2", "192.0.2.53", "192.0.2.77", "224.0.0.1", "255.255.255.255"):
        assert answers(net, IP(src=HERE, dst=own, ttl=9) / ICMP()) == []


def test_other_protocols_are_refused() -> None:
    answer = only(chain(), IP(src=HERE, dst=TARGET, ttl=9, proto=132) / (b"x" * 12))
    assert (answer[ICMP].type, answer[ICMP].code) == (3, 2)


def test_queue_grows_and_drains() -> None:
    net = chain(r2="queue = { peak = 80, period = 40 }")
    times = [net.receive(bytes(probe(2)), t * 1_000 * MS)[0][0] - t * 1_000 * MS for t in range(81)]
    assert [round(each / MS) for each in times[:41:10]] == [2, 42, 82, 42, 2]
    assert max(times) == times[20] == times[60]


@given(st.binary(max_size=200), st.integers(0, 10**12))
@settings(max_examples=150)
def test_nothing_that_comes_in_raises(raw: bytes, now: int) -> None:
    for name in ("malformed", "nat", "mpls", "plain"):
        Simulator(SCENARIOS[name]).receive(raw, now)


@given(st.data())
@settings(max_examples=250)
def test_mutated_probes_never_raise(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(SCENARIOS)))
    transport = data.draw(st.sampled_from([ICMP(), UDP(), TCP(flags="SEC"), TCP(flags="FA")]))
    raw = bytearray(bytes(probe(data.draw(st.integers(0, 30)), transport / bytes(20))))
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    net = Simulator(SCENARIOS[name])
    for moment in (0, 10**9, 10**11):
        net.receive(bytes(raw), moment)
        net.receive(bytes(raw[:cut]), moment)


@given(st.binary(max_size=60))
def test_checksum_is_that_of_scapy(data: bytes) -> None:
    assert checksum(data) == scapy_checksum(data)


def test_icmp_error_in_an_answer_is_never_answered() -> None:
    error = ICMP(type=11) / IPerror(src=TARGET, dst=HERE) / ICMPerror()
    assert answers(chain(), probe(9, error)) == []


def test_a_syn_ack_is_repeated_until_it_is_answered() -> None:
    """After 1, 2, 4, 8 and 16 s, and no more; not after an RST, an ACK, or a second one."""
    for answered in (None, "R", "A"):
        net = chain()
        syn = probe(9, TCP(sport=1000, dport=80, seq=1))
        ((at, first),) = answers(net, syn)
        ((again, _),) = answers(net, syn, 500 * MS)
        assert again == at + 500 * MS
        assert net.retransmissions.due == 1_000 * MS
        assert net.retransmissions.pop_due(999 * MS) == []
        said = net.retransmissions.pop_due(3_000 * MS)
        if answered:
            reply = TCP(sport=1000, dport=80, seq=2, ack=first[TCP].seq + 1, flags=answered)
            assert answers(net, probe(9, reply), 3_001 * MS) == []
        said += net.retransmissions.pop_due(200_000 * MS)
        seconds = (1, 3) if answered else (1, 3, 7, 15, 31)
        assert [moment for moment, _ in said] == [at + each * 1_000 * MS for each in seconds]
        assert {(IP(raw)[TCP].flags.value, IP(raw)[TCP].seq) for _, raw in said} == {
            (0x12, first[TCP].seq)
        }
        assert net.retransmissions.due is None
