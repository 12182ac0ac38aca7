"""The lab judged by programs that aren't ours: traceroute, mtr and ping see what the file says."""

import json
import re
import shutil
import statistics

import pytest

from tests.helpers.lab.lab_commands import Inside
from tui_trace.lab import load_scenario
from tui_trace.lab.scenario import Scenario


def need(program: str) -> str:
    """The program's path; skips where it is not installed."""
    found = shutil.which(program, path="/usr/bin:/usr/sbin:/bin:/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def hops_of(output: str) -> list[str]:
    """Of traceroute -n: everything after the hop's number, a line each."""
    return [line[4:].strip() for line in output.splitlines() if re.match(r"\s*\d+  ", line)]


def addresses(scenario: Scenario, family: int) -> list[str]:
    """Of all hops, in order."""
    return [str(hop.v4 if family == 4 else hop.v6) for hop in scenario.hops]


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("method", ["-U", "-I", "-T"])
def test_traceroute_sees_the_plain_path(inside: Inside, family: int, method: str) -> None:
    plain = load_scenario("plain")
    target = addresses(plain, family)[-1]
    output = inside("plain", need("traceroute"), f"-{family}", "-n", "-q1", method, target)
    assert [line.split()[0] for line in hops_of(output)] == addresses(plain, family)


def test_mtr_sees_the_plain_path_with_the_delays_of_the_file(inside: Inside) -> None:
    plain = load_scenario("plain")
    output = inside("plain", need("mtr"), "-n", "-j", "-c", "10", "-i", "0.2", "203.0.113.80")
    hubs = json.loads(output)["report"]["hubs"]
    assert [hub["host"] for hub in hubs] == addresses(plain, 4)
    assert all(hub["Loss%"] == 0 for hub in hubs)
    assert all(hub["StDev"] > 0 for hub in hubs)


def test_ping_measures_the_configured_delay(inside: Inside, record_property) -> None:  # type: ignore[no-untyped-def]
    """Never shorter than the file says; how much longer is the benchmark's question."""
    hops = load_scenario("plain").hops[:2]
    output = inside("plain", need("ping"), "-n", "-c", "50", "-i", "0.02", str(hops[-1].v4))
    times = [float(text) for text in re.findall(r"time=([\d.]+)", output)]
    assert len(times) == 50
    assert min(times) >= sum(hop.delay for hop in hops)
    record_property("median_ms", statistics.median(times))


def test_traceroute_sees_labels(inside: Inside) -> None:
    output = inside("mpls", need("traceroute"), "-n", "-e", "-q1", "203.0.113.80")
    lines = hops_of(output)
    assert "MPLS:L=24015,E=0,S=1,T=1" in lines[3]
    assert "MPLS:L=24102,E=0,S=0,T=2/L=16007,E=5,S=1,T=1" in lines[4]


def test_traceroute_sees_silent_hops_and_the_faulty_hosts(inside: Inside) -> None:
    traceroute = need("traceroute")
    command = (traceroute, "-n", "-q1", "-w1", "203.0.113.80")
    assert [line == "*" for line in hops_of(inside("silent", *command))] == [
        bool(hop.silent) for hop in load_scenario("silent").hops
    ]
    zero = [line.split()[0] for line in hops_of(inside("zero-ttl", *command))]
    assert zero[2] == zero[3] == load_scenario("zero-ttl").hops[3].v4
    twice = [line.split()[0] for line in hops_of(inside("reply-ttl", *command))]
    distance = len(load_scenario("reply-ttl").hops)
    assert twice[distance - 1 :] == ["*"] * (distance - 1) + ["203.0.113.80"]


@pytest.mark.parametrize(
    ("code", "mark"),
    [(0, "!N"), (1, "!H"), (2, "!P"), (5, "!S"), (9, "!X"), (13, "!X"), (14, "!V"), (15, "!C")],
)
def test_traceroute_prints_its_marks(inside: Inside, code: int, mark: str) -> None:
    port = str(7000 + code)
    output = inside(
        "unreachable", need("traceroute"), "-n", "-q1", "-U", "-p", port, "203.0.113.80"
    )
    assert hops_of(output)[-1].endswith(mark)


def test_traceroute_finds_the_mtu(inside: Inside) -> None:
    output = inside("mtu", need("traceroute"), "-n", "-q1", "--mtu", "203.0.113.80")
    assert "F=1400" in hops_of(output)[4]
    assert hops_of(output)[-1].startswith("203.0.113.80")


def test_tcptraceroute_sees_ports(inside: Inside) -> None:
    program = need("tcptraceroute.mt")
    for port, mark in ((80, "[open]"), (22, "[closed]")):
        output = inside("ports", program, "-n", "-q", "1", "203.0.113.80", str(port))
        assert mark in hops_of(output)[-1]


def test_a_whole_connection_to_an_open_port_works(inside: Inside) -> None:
    script = (
        "import socket; s = socket.create_connection(('203.0.113.80', 443), 5);"
        "s.close(); print('fine')"
    )
    assert inside("ports", "python3", "-c", script) == "fine\n"
