"""What answers say in each scenario: marks, ports, codes, sizes, labels, rewriting."""

import pytest

from tests.helpers.lab.lab_trace import Traced, trace
from tests.helpers.lab.scenario_paths import MS, QUICK, address, along, firewall
from tests.helpers.lab.simulated_session import probe, simulated_trace
from tui_trace.core.events import ReplyKind, RewrittenField
from tui_trace.core.settings import ProbeSettings, Protocol, TcpFlags
from tui_trace.lab import load_scenario

pytestmark = pytest.mark.usefixtures("inside")

UDP, TCP, QUIC = Protocol.UDP, Protocol.TCP, Protocol.QUIC

MARKS4 = {
    0: "!N", 1: "!H", 2: "!P", 3: "!p", 4: "!F", 5: "!S", 6: "!U", 7: "!U", 8: "!I", 9: "!A",
    10: "!C", 11: "!T", 12: "!T", 13: "!A", 14: "!<14>", 15: "!<15>",
}  # fmt: skip
"""As tcptraceroute prints them."""


@pytest.mark.parametrize("code", range(16))
def test_each_unreachable_code(code: int) -> None:
    traced = simulated_trace("unreachable", probe(UDP, port=7000 + code), 1)
    is_refused(traced, code)


def test_an_unreachable_code_on_the_link() -> None:
    is_refused(trace("unreachable", "-u", "-P", "7013", "-c", "1"), 13)


def is_refused(traced: Traced, code: int) -> None:
    scenario = load_scenario("unreachable")
    wall = len(scenario.hops) - 1
    assert traced.path() == [*along(scenario, 4)[:-1], {address(scenario.hops[wall - 1], 4)}]
    assert traced.run.hops[-1].marks == (MARKS4[code],)
    last = traced.replies[wall + 1][0]
    assert (last.icmp_type, last.code, last.reached) == (3, code, False)


@pytest.mark.parametrize(
    ("code", "mark"),
    [(0, "!N"), (1, "!A"), (2, "!H"), (3, "!H"), (4, "!p"), (5, "!S"), (6, "!U")],
)
def test_each_unreachable_code_of_ipv6(code: int, mark: str) -> None:
    traced = simulated_trace("unreachable", probe(TCP, port=7100 + code), 1, family=6)
    assert traced.run.hops[-1].marks == (mark,)
    last = traced.replies[len(traced.run.hops)][0]
    assert (last.icmp_type, last.code) == (1, code)


@pytest.mark.parametrize(
    ("settings", "family", "marks", "kind"),
    [
        (probe(TCP, port=80), 4, ("[open]",), ReplyKind.SYN_ACK),
        (probe(TCP, port=80, tcp_flags=TcpFlags.ECN), 4, ("[open, ecn]",), ReplyKind.SYN_ACK),
        (probe(TCP, port=80, tcp_flags=TcpFlags.ACK), 4, ("[closed]",), ReplyKind.RST),
        (probe(TCP, port=22), 4, ("[closed]",), ReplyKind.RST),
        (probe(UDP, port=53), 4, ("[open]",), ReplyKind.UDP),
        (probe(UDP), 4, (), ReplyKind.UNREACHABLE),
        (probe(TCP, port=443), 6, ("[open]",), ReplyKind.SYN_ACK),
        (probe(QUIC), 4, ("[quic]",), ReplyKind.VERSION_NEGOTIATION),
        (probe(QUIC), 6, ("[quic]",), ReplyKind.VERSION_NEGOTIATION),
        (probe(QUIC, port=53), 4, ("[open]",), ReplyKind.UDP),
        (probe(QUIC, port=80), 6, ("[closed]",), ReplyKind.UNREACHABLE),
    ],
    ids=[
        *("open", "ecn", "ack", "closed", "service", "no-service", "open-6"),
        *("quic", "quic-6", "no-quic", "no-quic-6"),
    ],
)
def test_ports_of_the_target(
    settings: ProbeSettings, family: int, marks: tuple[str, ...], kind: ReplyKind
) -> None:
    scenario = load_scenario("ports")
    traced = simulated_trace("ports", settings, 10, family=family)
    assert traced.path() == along(scenario, family)
    assert traced.run.hops[-1].marks == marks
    assert sum(hop.lost for hop in traced.run.hops) == 0
    assert {reply.kind for reply in traced.replies[len(scenario.hops)]} == {kind}


@pytest.mark.parametrize("options", [("-T", "-P", "25"), ("-u", "-P", "137"), ("-u", "-P", "443")])
def test_a_filtered_port_says_nothing(options: tuple[str, ...]) -> None:
    scenario = load_scenario("ports")
    traced = trace("ports", *options, "-c", "3", "-i", "0.1")
    assert traced.path()[: len(scenario.hops)] == [*along(scenario, 4)[:-1], set()]


def test_a_firewall_that_passes_one_port() -> None:
    scenario = load_scenario("firewall")
    open_way = trace("firewall", "-T", "-P", "443", *QUICK)
    assert open_way.path() == along(scenario, 4)
    assert open_way.run.hops[-1].marks == ("[open]",)
    for options in (("-T", "-P", "80"), ("-u",), ("--protocol", "quic")):
        assert trace("firewall", *options, *QUICK).path() == firewall(scenario, 4)


def test_an_mtu_that_is_reported() -> None:
    scenario = load_scenario("mtu")
    place = next(place for place, hop in enumerate(scenario.hops) if hop.mtu)
    teller = address(scenario.hops[place - 1], 4)
    traced = trace("mtu", "--df", "-s", "1500", *QUICK)
    assert traced.path()[: place + 1] == [*along(scenario, 4)[:place], {teller}]
    reply = traced.replies[place + 1][0]
    assert (reply.kind, reply.mtu) == (ReplyKind.TOO_BIG, scenario.hops[place].mtu)
    assert "MTU 1400" in traced.hops[place + 1].marks
    assert trace("mtu", "--df", "-s", "1400", *QUICK).path() == along(scenario, 4)
    assert trace("mtu", "-s", "1500", *QUICK).path() == along(scenario, 4)
    six = trace("mtu", "-6", "-s", "1500", *QUICK)
    assert six.replies[place + 1][0].mtu == scenario.hops[place].mtu


def test_an_mtu_that_is_a_black_hole() -> None:
    scenario = load_scenario("mtu-black-hole")
    place = next(place for place, hop in enumerate(scenario.hops) if hop.mtu)
    traced = trace("mtu-black-hole", "--df", "-s", "1500", *QUICK)
    path = traced.path()
    assert path[:place] == along(scenario, 4)[:place]
    assert set().union(*path[place:]) == set()


def test_tos_rewritten_and_ecn_cleared() -> None:
    scenario = load_scenario("tos")
    place = next(place for place, hop in enumerate(scenario.hops) if hop.tos is not None)
    traced = trace("tos", "-Q", "EF", *QUICK)
    wanted = [184] * (place + 1) + [scenario.hops[place].tos] * (len(scenario.hops) - place - 2)
    routers = [hop.ttl for hop in traced.run.hops[:-1]]
    assert [traced.replies[ttl][0].quoted_tos for ttl in routers] == wanted
    for hop in traced.run.hops[:-1]:
        assert hop.marks == (("TOS=0!",) if hop.ttl > place + 1 else ())


def test_cleared_ecn_and_a_clamped_mss_show_behind() -> None:
    scenario = load_scenario("tos")
    traced = trace("tos", "-T", "--ecn", *QUICK)
    cleared = next(place for place, hop in enumerate(scenario.hops) if hop.clear_ecn)
    clamped = next(place for place, hop in enumerate(scenario.hops) if hop.mss)
    for place, hop in enumerate(traced.run.hops[:-1]):
        assert ("ECN cleared" in hop.marks) == (place > cleared)
        assert (f"MSS {scenario.hops[clamped].mss}" in hop.marks) == (place > clamped)
    assert set(traced.run.hops[-1].marks) == {"[open]", "ECN refused"}


def test_labels_are_those_of_the_file() -> None:
    scenario = load_scenario("mpls")
    traced = trace("mpls", *QUICK)
    for place, hop in enumerate(scenario.hops[:-1]):
        for reply in traced.replies[place + 1]:
            got = [(each.label, each.traffic_class, each.ttl) for each in reply.labels]
            assert got == [(each.label, each.exp, each.ttl) for each in hop.mpls]
            assert [each.bottom for each in reply.labels] == [False, True][-len(got) :][: len(got)]


def test_the_interface_is_that_of_the_file() -> None:
    scenario = load_scenario("mpls")
    traced = trace("mpls", *QUICK)
    for place, hop in enumerate(scenario.hops[:-1]):
        for reply in traced.replies[place + 1]:
            told = [hop.interface] if hop.interface else []
            assert [each.name for each in reply.interfaces] == told


def test_an_asymmetric_return_shows_in_the_ttl_and_the_time() -> None:
    scenario = load_scenario("asymmetric")
    traced = trace("asymmetric", *QUICK)
    more = 0
    extra = 0.0
    delay = 0.0
    for place, hop in enumerate(scenario.hops):
        more += hop.back_hops
        extra += hop.back_delay
        delay += hop.delay
        for reply in traced.replies[place + 1]:
            assert reply.reply_ttl == hop.reply_ttl - place - more
            assert reply.rtt >= (delay + extra) * MS
    assert more > 0


@pytest.mark.parametrize("protocol", [(), ("-T",), ("-u",)])
def test_forged_and_foreign_replies_are_counted_and_credited_to_nobody(
    protocol: tuple[str, ...],
) -> None:
    scenario = load_scenario("forged")
    traced = trace("forged", *protocol, *QUICK)
    assert traced.path() == along(scenario, 4)
    for hop in traced.run.hops:
        assert (hop.lost, hop.duplicates, hop.late) == (0, 0, 0)
    # the report ends with the last answer: what else comes of the last round may be read or not
    also = sum(len(hop.also) for hop in scenario.hops)
    assert 4 * also <= traced.foreign <= 5 * also


@pytest.mark.parametrize("protocol", [(), ("-u",), ("-T", "-P", "80"), ("-6",), ("-6", "-u")])
def test_a_nat_that_does_not_repair_shows_where_probes_go(protocol: tuple[str, ...]) -> None:
    scenario = load_scenario("nat")
    family = 6 if "-6" in protocol else 4
    traced = trace("nat", *protocol, *QUICK)
    gateway = next(place for place, hop in enumerate(scenario.hops) if hop.dnat)
    dnat = scenario.hops[gateway].dnat
    assert dnat is not None
    assert traced.path() == along(scenario, family)
    for place, _ in enumerate(scenario.hops[:-1]):
        for reply in traced.replies[place + 1]:
            went = [
                each.received for each in reply.changed if each.field is RewrittenField.DESTINATION
            ]
            behind = place > gateway
            assert went == ([dnat.v4 if family == 4 else dnat.v6] if behind else [])


@pytest.mark.parametrize("protocol", [(), ("-u",), ("-T", "-P", "8080"), ("-6", "-u")])
def test_a_nat_that_repairs_hides(protocol: tuple[str, ...]) -> None:
    scenario = load_scenario("nat-repaired")
    traced = trace("nat-repaired", *protocol, *QUICK)
    assert traced.path() == along(scenario, 6 if "-6" in protocol else 4)
    assert not any("NAT" in mark for hop in traced.run.hops for mark in hop.marks)
