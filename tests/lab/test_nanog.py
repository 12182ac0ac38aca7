"""`--as traceroute-nanog` in the lab against golden files, made by hand of its formats.

The first three are the examples of its manual page: a router that forwards packets of TTL 0, so
that two lines are the same; silent gateways; a target that answers with the TTL that was left.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("inside")

GOLDEN = Path(__file__).with_name("golden")
TARGET = "203.0.113.80"
CASES = {
    "zero-ttl": ("zero-ttl", "www.example.com", 0),
    "silent": ("silent", "-w 1 www.example.com", 0),
    "reply-ttl": ("reply-ttl", "-w 1 www.example.com", 0),
    "plain": ("plain", f"-n {TARGET}", 0),
    "size": ("plain", f"-n -m 2 {TARGET} 100", 0),
    "microseconds": ("plain", f"-n -u -q 2 -S 3 -m 4 {TARGET}", 0),
    "statistics": ("plain", f"-n -Q -q 4 -m 3 {TARGET}", 0),
    "statistics-silent": ("silent", f"-n -Q -w 1 -q 2 {TARGET}", 0),
    "hurry": ("plain", f"-n -U {TARGET}", 0),
    "parallel": ("silent", f"-n -P -w 2 -q 2 {TARGET}", 0),
    "terminator": ("plain", f"-n -T <br> -m 2 {TARGET}", 0),
    "icmp": ("plain", f"-n -I icmp -q 1 {TARGET}", 0),
    "tos": ("tos", f"-n -t 184 -q 1 {TARGET}", 0),
    "mpls": ("mpls", f"-n -q 2 {TARGET}", 0),
    "mtu": ("mtu", f"-n -M -q 2 {TARGET}", 0),
    "as-and-owner": ("plain", "-A -O -q 1 www.example.com", 0),
    "give-up": ("firewall", f"-n -a -q 1 -w 1 -m 40 {TARGET}", 0),
    "ping": ("plain", f"-n -$ {TARGET}", 0),
    "ping-lost": ("firewall", f"-n -$ -w 1 {TARGET}", 23),
    "net-unreachable": ("unreachable", f"-n -q 1 -S 8 -p 7000 {TARGET}", 0),
    "host-unreachable": ("unreachable", f"-n -q 1 -S 8 -p 7001 {TARGET}", 0),
    "protocol-unreachable": ("unreachable", f"-n -q 1 -S 8 -p 7002 {TARGET}", 0),
    "fragmentation-needed": ("unreachable", f"-n -q 1 -S 8 -p 7004 {TARGET}", 0),
    "source-route-failed": ("unreachable", f"-n -q 1 -S 8 -p 7005 {TARGET}", 0),
    "prohibited": ("unreachable", f"-n -q 1 -S 8 -p 7013 {TARGET}", 0),
}


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tui_trace", "--as", "traceroute-nanog", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


def masked(text: str) -> str:
    """Without the times; whether they have decimals stays."""
    text = re.sub(r"\d+\.\d{3} ms", "N.NNN ms", text)
    text = re.sub(r"\d+\.\d ms", "N.N ms", text)
    return re.sub(r"(?<=  )\d+ ms", "N ms", text)


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    scenario, line, code = CASES[name]
    done = run("--lab", scenario, *line.split())
    shown = f"{masked(done.stdout)}--- standard error, exit {done.returncode}\n{done.stderr}"
    assert shown == (GOLDEN / f"{name}.txt").read_text()
    assert done.returncode == code


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("-q 0 h", "nprobes must be >0 and <512"),
        ("-q x h", "nprobes must be >0 and <512"),
        ("-S 31 h", "min ttl must be <= max_ttl(30)"),
        ("-S 9 -m 8 h", "max ttl must be >= min ttl(9)"),
        ("-m 256 h", "max ttl must be <256"),
        ("-p 0 h", "port must be >0"),
        ("-p 65536 h", "port must be <65536"),
        ("-t 256 h", "tos must be 0 to 255"),
        ("-w 0 h", "wait must be >10 msec"),
        ("-I nosuch h", "unknown protocol nosuch"),
        ("-I 255 h", "protocol must be <=254"),
        ("h 65535", "traceroute: packet size must be 0 <= s < 65535"),
        ("h -5", "traceroute: packet size must be 0 <= s < 65535"),
    ],
)
def test_refusals(line: str, error: str) -> None:
    done = run(*line.split())
    assert (done.returncode, done.stderr, done.stdout) == (1, f"{error}\n", "")


@pytest.mark.parametrize("line", ["", "-Z h", "--help", "-q", "-n", "-g 192.0.2.1 h"])
def test_usage_is_on_standard_output(line: str) -> None:
    done = run(*line.split())
    assert (done.returncode, done.stderr) == (1, "")
    assert "Usage: traceroute-nanog" in done.stdout


def test_an_unknown_host() -> None:
    done = run("--lab", "plain", "nosuch.example")
    assert (done.returncode, done.stderr) == (1, "traceroute-nanog: unknown host nosuch.example\n")
    done = run("--lab", "plain", "-s", "nosuch.example", TARGET)
    assert (done.returncode, done.stderr) == (1, "traceroute: unknown host nosuch.example\n")
