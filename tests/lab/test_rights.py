"""The lab's processes have no rights while they read packets, looked at from outside."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.lab.lab_processes import all_end, settled

pytestmark = pytest.mark.usefixtures("inside")

NOBODY = 65534
NO_CAPABILITY = "0" * 16
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")

IMPORT = "import dns.message, dns.query, dns.reversename"

BECOME_NOBODY = f"""
import ctypes, os
{IMPORT}
import tui_trace.lab.process, tui_trace.lab.server_data
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
ctypes.CDLL(None).prctl(4, 1)  # PR_SET_DUMPABLE, as in a process that began as nobody
"""

ASK = """
import os, socket, sys
from tui_trace.lab import LabError, enter, load_scenario as load
BECOME
before = os.readlink("/proc/self/ns/net")
try:
    lab = enter(load("plain"))
except LabError as error:
    sys.exit(f"no lab: {error}")
assert os.readlink("/proc/self/ns/net") != before
# the first look, before there is any packet
with open(f"/proc/{lab.pid}/status") as file:
    status = dict(line.split(":\\t", 1) for line in file.read().splitlines() if ":\\t" in line)
print(lab.pid, {status[name] for name in SETS} == {"0" * 16}, flush=True)
IMPORT
sys.stdin.readline()
for name, kind in (
    ("www.example.com", "A"),
    ("www.example.com", "AAAA"),
    (dns.reversename.from_address("203.0.113.80"), "PTR"),
    ("113.0.203.in-addr.arpa", "SOA"),
    ("AS64503.asn.cymru.com", "TXT"),
    ("nobody.example", "MX"),
):
    query = dns.message.make_query(name, kind, use_edns=True)
    answer = dns.query.udp(query, lab.dns_server.removesuffix(":53"), timeout=20)
    print(kind, len(answer.answer), flush=True)
with socket.create_connection((lab.whois_server, 43), 20) as whois:
    whois.sendall(b"203.0.113.80\\r\\n")
    print("origin" in whois.makefile().read(), flush=True)
with socket.create_connection(("203.0.113.80", 443), 20):
    print("connected", flush=True)
sys.stdin.readline()
"""
ANSWERS = ["A 1", "AAAA 1", "PTR 1", "SOA 1", "TXT 1", "MX 0", "True", "connected"]


@contextmanager
def asking(become: str = "") -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process in a lab that asks when it is told to, and the lab's processes."""
    script = ASK.replace("BECOME", become).replace("SETS", repr(SETS)).replace("IMPORT", IMPORT)
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        try:
            yield process, _begun(process)
        finally:
            process.kill()


def _begun(process: subprocess.Popen[str]) -> list[int]:
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    if not line:
        told = process.stderr.read()
        assert "start it with sudo" in told
        pytest.skip(told.strip())
    pid, at_once = line.split()
    assert at_once == "True"
    return settled(int(pid))


def answers(process: subprocess.Popen[str]) -> list[str]:
    """Of all the lab's servers and hosts."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    return [process.stdout.readline().strip() for _ in ANSWERS]


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


@pytest.mark.parametrize(
    "become",
    [
        "",
        pytest.param(
            BECOME_NOBODY,
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="changes the user, as root can"),
            id="nobody",
        ),
    ],
)
def test_none_is_left_and_the_lab_answers(become: str) -> None:
    with asking(become) as (process, pids):
        assert answers(process) == ANSWERS
        for pid in pids:
            seen = status(pid)
            assert {name: seen[name] for name in SETS} == dict.fromkeys(SETS, NO_CAPABILITY)
            assert seen["NoNewPrivs"] == "1"
            if os.geteuid() == 0:
                assert seen["Uid"].split() == [str(NOBODY)] * 4
                assert seen["Gid"].split() == [str(NOBODY)] * 4
                assert seen["Groups"].split() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="tells by the user when the rights are gone")
def test_no_file_is_opened_once_they_are_gone() -> None:
    """Modules in a private home could not be read any more; who tries ends, and is silent then."""
    hook = f"""
def no_files(event, arguments):
    if event == "open" and os.geteuid() == {NOBODY}:
        # a pipe that is open has a number, and no name
        if not isinstance(arguments[0], int) and not str(arguments[0]).startswith("/proc/"):
            os.kill(os.getpid(), 9)
sys.addaudithook(no_files)
"""
    with asking(hook) as (process, pids):
        assert answers(process) == ANSWERS
        assert settled(pids[0]) == pids


def test_it_ends_with_a_process_that_may_not_signal_it() -> None:
    script = """
import os, time
from tui_trace.core import privileges as rights
from tui_trace.lab import enter, load_scenario as load
before = os.readlink("/proc/self/ns/net")
lab = enter(load("plain"))
assert os.readlink("/proc/self/ns/net") != before
rights.drop_capabilities()
print(lab.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pids = settled(int(process.stdout.readline()))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert all_end(pids)
