"""The classic command lines and printers, event by event."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.event_builders import began, lost, reply, sent, void
from tui_trace.classic import called_as, nanog, tcptraceroute
from tui_trace.classic.getopt import Getopt
from tui_trace.classic.program import ProgramExit, split_own_options
from tui_trace.classic.request import parse_classic
from tui_trace.core import events as ev
from tui_trace.core.settings import (
    NS_PER_MS,
    NS_PER_S,
    DnatMode,
    FlowMode,
    ProbeIdField,
    Protocol,
    TcpFlags,
)
from tui_trace.names.name_options import AsnSource
from tui_trace.options.output import Output
from tui_trace.session.snapshot import UNKNOWN_HOST, AddressInfo


class Known:
    """Hosts whose names are known from the start."""

    def __init__(self, **names):
        self.names = {address.replace("_", "."): name for address, name in names.items()}

    def want(self, address):
        pass

    def who(self, address):
        name = self.names.get(address.replace("203.0.113.", "h"))
        return (
            AddressInfo(named=ev.HostNamed(at=0, address=address, names=(name,)))
            if name
            else UNKNOWN_HOST
        )


def printed(request, *events, hosts=None):
    output, errors = io.StringIO(), io.StringIO()
    printer = request.printer(output, errors, hosts or Known(), lambda _: None)
    head = (began(), ev.RunOpened(at=0, run=1, settings=request.settings, source_port=40000))
    for event in (*head, *events):
        if not printer.over:
            printer.event(event)
    return output.getvalue(), errors.getvalue(), printer


def tcp(line, *events, **more):
    return printed(tcptraceroute.parse_tcptraceroute(line.split()), *events, **more)


def test_the_lines_of_a_spray_end_at_the_target_whoever_answers_first() -> None:
    closed = {"kind": ev.ReplyKind.UNREACHABLE, "reached": True, "address": "203.0.113.80"}
    text, _, _ = printed(
        nanog.parse_nanog("-n -P -q 1 host".split()),
        *(sent(n, n) for n in range(1, 5)),
        reply(4, 4, **closed),
        reply(1, 1),
        ev.PathEnd(at=0, run=1, ttl=4, reached=True),
        reply(2, 2, **closed),
        ev.PathEnd(at=0, run=1, ttl=2, reached=True),
        void(3, 3),
        ev.SessionEnded(at=0),
    )
    assert [line.split()[0] for line in text.splitlines()] == ["1", "2"], text


OPEN = {"kind": ev.ReplyKind.SYN_ACK, "reached": True, "address": "203.0.113.80"}


def test_two_hosts_at_one_ttl_and_losses_between():
    text, errors, printer = tcp(
        "-q 4 -m 3 host",
        *(sent(n, 1) for n in range(4)),
        lost(0, 1),
        reply(2, 1, 3_000_000, address="203.0.113.7"),
        reply(1, 1, 2_000_000),
        reply(3, 1, 4_000_000),
        *(sent(n, 2) for n in range(4, 8)),
        reply(4, 2),
        lost(5, 2),
        reply(6, 2, 6_000_000),
        lost(7, 2),
        *(sent(n, 3) for n in range(8, 12)),
        *(lost(n, 3) for n in range(8, 12)),
        hosts=Known(h1="a.example"),
    )
    assert text.splitlines() == [
        " 1  * a.example (203.0.113.1) 2.000 ms",
        "    203.0.113.7  3.000 ms",
        "    a.example (203.0.113.1)  4.000 ms",
        " 2  203.0.113.2  1.000 ms * 6.000 ms *",
        " 3  * * * *",
    ]
    assert errors.endswith("Destination not reached\n")
    assert (printer.over, printer.code) == (True, 1)


def test_nothing_is_printed_out_of_order_and_a_late_answer_changes_nothing():
    request = tcptraceroute.parse_tcptraceroute("-q1 host".split())
    output = io.StringIO()
    printer = request.printer(output, io.StringIO(), Known(), lambda _: None)
    for event, expected in (
        (began(), ""),
        (ev.RunOpened(at=0, run=1, settings=request.settings), ""),
        (sent(1, 1), ""),
        (sent(2, 2), ""),
        (reply(2, 2), ""),
        (lost(1, 1), " 1  *\n 2  203.0.113.2  1.000 ms\n"),
        (reply(1, 1, late=True), ""),
        (sent(3, 3), ""),
        (reply(3, 3, **OPEN), " 3  203.0.113.80 [open]  1.000 ms\n"),
    ):
        before = output.getvalue()
        printer.event(event)
        assert output.getvalue()[len(before) :] == expected
    assert (printer.over, printer.code) == (True, 0)


def test_probes_beyond_the_target_are_not_shown():
    text, _, printer = tcp(
        "-q1 -m9 host", sent(1, 1), sent(2, 2), sent(3, 3),
        reply(1, 1), void(3, 3), reply(2, 2, **OPEN),
    )  # fmt: skip
    assert text == " 1  203.0.113.1  1.000 ms\n 2  203.0.113.80 [open]  1.000 ms\n"
    assert printer.code == 0


def test_a_refused_probe_ends_it():
    failed = ev.SendFailed(at=1, run=1, ttl=2, errno=90, reason="larger than the interface's MTU")
    text, errors, printer = tcp("-q3 host", sent(1, 1), reply(1, 1), failed)
    assert text == " 1  203.0.113.1  1.000 ms\n"
    assert errors.endswith("tcptraceroute: larger than the interface's MTU\n")
    assert (printer.over, printer.code) == (True, 1)


HOSTILE = "\x1b]0;owned\x07\x1b[31m\u202e\nred"


def test_hostile_names_reach_no_terminal():
    hosts = Known(h1=HOSTILE)
    for request in (
        tcptraceroute.parse_tcptraceroute(["-q1", "h"]),
        nanog.parse_nanog(["-q", "1", "h"]),
    ):
        text, _, _ = printed(request, sent(1, 1), reply(1, 1), hosts=hosts)
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
        assert text.count("\n") == 1


def test_nanog_in_a_hurry_prints_a_hop_once_though_further_probes_were_on_their_way():
    events = (
        sent(1, 1), sent(2, 1), sent(3, 1), reply(1, 1), sent(4, 2), reply(2, 1, 2_000_000),
        lost(3, 1), sent(5, 2), lost(4, 2), reply(5, 2, 3_000_000), sent(6, 3), reply(6, 3),
    )  # fmt: skip
    text, _, _ = printed(nanog.parse_nanog("-n -U h".split()), *events)
    assert text == " 1  203.0.113.1  1 ms\n 2  * 203.0.113.2  3 ms\n 3  203.0.113.3  1 ms\n"


def test_statistics_are_those_of_the_sample():
    times = [1_000_000, 2_000_000, 6_000_000]
    events = [sent(n, 1) for n in range(4)] + [reply(n, 1, t) for n, t in enumerate(times)]
    text, _, _ = printed(nanog.parse_nanog("-n -Q -q 4 h".split()), *events, lost(3, 1))
    assert text == " 1  203.0.113.1 *  (1.0 ms/3.0 ms(+-2.6 ms)/6.0 ms) 3/4 (75.00%)\n"


# --- command lines


def test_every_option_of_tcptraceroute_has_its_place():
    request = tcptraceroute.parse_tcptraceroute(
        "--dnat -n -F -E -i lo -f 2 -m 9 -q 5 -w 7 -t 184 -l 100 -p 4000 -s 192.0.2.1 h 443".split()
    )
    settings, pace = request.settings, request.pace
    assert (settings.protocol, settings.port, settings.source_port) == (Protocol.TCP, 443, 4000)
    assert (settings.tos, settings.df, settings.size, settings.no_tcp_options) == (
        184,
        True,
        100,
        True,
    )
    assert (settings.tcp_flags, settings.dnat) == (TcpFlags.ECN, DnatMode.SHOW)
    assert (settings.source, settings.interface, settings.spoofed_source) == (
        "192.0.2.1",
        "lo",
        True,
    )
    assert (pace.first_ttl, pace.max_ttl, pace.queries, pace.wait) == (2, 9, 5, 7 * NS_PER_S)
    assert pace.sequential
    assert pace.next_probe_after is None, "one port carries one SYN at a time"
    assert tcptraceroute.parse_tcptraceroute(["h"]).pace.next_probe_after == 50 * NS_PER_MS
    assert not request.naming.names


def test_private_addresses_by_the_rule_of_each():
    for address, asked in (
        ("10.1.2.3", False), ("172.16.0.1", False), ("172.32.0.1", True), ("192.168.1.1", False),
        ("100.64.0.1", True), ("169.254.1.1", True), ("198.18.1.1", True),
    ):  # fmt: skip
        assert tcptraceroute.parse_tcptraceroute(["h"]).asks_about(address) == asked
        assert tcptraceroute.parse_tcptraceroute(["-N", "h"]).asks_about(address)
        assert nanog.parse_nanog(["h"]).asks_about(address)


def test_every_option_of_nanog_has_its_place():
    words = "-adruvAMOQU -S 2 -m 9 -p 4000 -q 5 -s 192.0.2.1 -t 184 -w 2.5 -T <br> h 100".split()
    request = nanog.parse_nanog(words)
    settings, pace = request.settings, request.pace
    assert (settings.protocol, settings.flow) == (Protocol.UDP, FlowMode.CLASSIC)
    assert (settings.port, settings.tos, settings.df) == (4000, 184, True)
    assert settings.dont_route
    assert (pace.first_ttl, pace.max_ttl, pace.queries) == (2, 9, 5)
    assert (pace.wait, pace.first_reply) == (2_500_000_000, True)
    assert request.naming.asn_source is AsnSource.RADB
    assert request.naming.owner
    assert request.path_mtu
    assert nanog.parse_nanog(["-I", "icmp", "h"]).settings.protocol is Protocol.ICMP
    assert nanog.parse_nanog(["-I", "47", "h"]).settings.number == 47
    assert not nanog.parse_nanog(["-P", "h"]).pace.sequential
    ping = nanog.parse_nanog(["-$", "h"]).pace
    assert (ping.first_ttl, ping.max_ttl, ping.queries) == (64, 64, 1)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("-P -Q h", "spray and packet stats are incompatible."),
        ("-P -M h", "spray and MTU discovery are incompatible."),
        ("-P -I icmp h", "spray mode requires UDP packets.  Disabled."),
        ("-P -q 20 h", "Spray mode limited to 512 packets."),
    ],
)
def test_what_stands_against_probing_at_once(line, says):
    request = nanog.parse_nanog(line.split())
    assert request.pace.sequential
    assert says in printed(request)[1].splitlines()


def test_the_live_view_has_the_same_arguments():
    words = "--tui -q 2 -f 3 -S -t 16 --track-port h https".split()
    _, options = parse_classic("tcptraceroute", words)
    assert options.output is Output.LIVE
    assert (options.host, options.family) == ("h", 4)
    assert (options.settings.port, options.settings.track) == (443, ProbeIdField.PORT)
    assert (options.pace.first_ttl, options.pace.queries, options.pace.rounds) == (3, 2, None)
    assert not options.pace.sequential
    assert (options.pace.max_ttl, options.pace.interval) == (30, NS_PER_S)
    _, options = parse_classic("traceroute-nanog", ["--tui", "-M", "h"])
    assert options.path_mtu
    _, options = parse_classic("traceroute-nanog", ["--lab", "mtu", "--unprivileged", "h"])
    assert (options.lab, options.unprivileged, options.output) == ("mtu", True, Output.JSON_LINES)


def test_the_live_view_has_the_configs_pace_and_the_programs_probe():
    config = {"interval": 0.5, "max-ttl": 12, "queries": 7, "hide": 2, "udp": True, "tos": "EF"}
    words = "--tui -q 2 -f 20 h https".split()
    _, options = parse_classic("tcptraceroute", words, config)
    assert options.settings == parse_classic("tcptraceroute", words)[1].settings
    pace = options.pace
    assert (pace.interval, pace.queries) == (NS_PER_S // 2, 2)
    assert (pace.first_ttl, pace.max_ttl) == (20, 20)
    assert options.hide.ttl == 2
    assert options.reads_config
    _, options = parse_classic("traceroute-nanog", ["--tui", "--no-config", "h"], config)
    assert options.settings.protocol is Protocol.UDP
    assert (options.pace.max_ttl, options.reads_config) == (12, False)


def test_ours_among_theirs():
    assert split_own_options(["-q", "1", "--tui", "h", "--", "--tui"]) == (
        ["-q", "1", "h", "--", "--tui"],
        {"tui": ""},
    )
    assert split_own_options(["--lab=mtu", "h"]) == (["h"], {"lab": "mtu"})


@given(st.lists(st.text(max_size=8), max_size=8))
def test_no_command_line_breaks_a_parser(words):
    for parse in (tcptraceroute.parse_tcptraceroute, nanog.parse_nanog):
        try:
            parse(words)
        except ProgramExit as stop:
            assert stop.code in (0, 1)
            assert stop.error or stop.output


@given(st.lists(st.sampled_from(["-a", "-b1", "-b", "x", "-ab", "--", "-", "-z", "5"]), max_size=8))
def test_getopt_loses_no_word(words):
    getopt = Getopt(words, "ab:")
    list(getopt)
    assert all(word in words for word in getopt.operands)
    if "--" not in words and "-b" not in words and "-ab" not in words:
        assert getopt.operands == [word for word in words if word in ("x", "-", "5")]


def test_a_link_of_its_name_is_the_program(tmp_path):
    assert called_as("/usr/local/bin/tcptraceroute") == "tcptraceroute"
    assert called_as("tui-trace") is None
    ours = Path(sys.executable).parent / "tui-trace"
    if not ours.exists():
        pytest.skip("needs the console script")
    for name, error in (
        ("tcptraceroute", "Timeout must be at least 1\n"),
        ("traceroute-nanog", "wait must be >10 msec\n"),
    ):
        link = tmp_path / name
        link.symlink_to(ours)
        done = subprocess.run([link, "-w", "0", "h"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, error)


@pytest.mark.parametrize("words", [["--as"], ["--as", "traceroute"], ["--as", "", "h"]])
def test_other_programs_there_are_none(words):
    done = subprocess.run(
        [sys.executable, "-m", "tui_trace", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "tcptraceroute or traceroute-nanog" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_rights_a_syn_is_that_of_connect():
    request = tcptraceroute.parse_tcptraceroute(["h"]).without_rights()
    assert (request.settings.no_tcp_options, request.settings.size) == (False, 60)
    assert (
        tcptraceroute.parse_tcptraceroute(["-l", "100", "h"]).without_rights().settings.size == 100
    )
    udp = nanog.parse_nanog(["h"])
    assert udp.without_rights() is udp
