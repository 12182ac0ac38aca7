"""A process that gets no socket says so, and goes on with what it has."""

import sys
from collections.abc import Iterator
from subprocess import CompletedProcess

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.params import NOBODY, OPEN_PORT
from tui_trace.core.events import SendFailed, SessionEnded

UNPRIVILEGED = pytest.mark.parametrize("user", [(), NOBODY], ids=["raw", "unprivileged"])
LIMIT = "cannot open more files (ulimit -n)"

SANDBOX = """
import ctypes, os, platform, struct, sys
number = {"x86_64": 41, "aarch64": 198}[platform.machine()]
code = b"".join(struct.pack("=HBBI", *each) for each in (
    (0x20, 0, 0, 0),               # the system call
    (0x15, 0, 4, number),          # socket(2)?
    (0x20, 0, 0, 24),              # its second argument
    (0x54, 0, 0, 0xF),
    (0x15, 0, 1, 1),               # SOCK_STREAM?
    (0x06, 0, 0, 0x00050001),      # EPERM
    (0x06, 0, 0, 0x7FFF0000),      # allowed
))
program = ctypes.create_string_buffer(code)
fprog = ctypes.create_string_buffer(struct.pack("@HxxxxxxP", 7, ctypes.addressof(program)))
libc = ctypes.CDLL(None, use_errno=True)
assert not libc.prctl(38, 1, 0, 0, 0)
assert not libc.prctl(22, 2, fprog, 0, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Runs a program in a sandbox where stream sockets cannot be opened: seccomp(2)."""


@pytest.fixture(scope="module")
def path() -> Iterator[Chain]:
    """2 routers."""
    with Chain(2) as chain:
        listen(chain.target, OPEN_PORT)
        yield chain


def limited(chain: Chain, files: int, user: tuple[str, ...], *args: str) -> CompletedProcess[str]:
    """With at most so many descriptors; never a traceback, and at most one line of error."""
    shell = ["bash", "-c", f'ulimit -n {files}; exec "$@"', "bash"]
    command = tui_trace_process.command("--jsonl", "-n", *args, chain.target_address())
    done = chain.client.run(
        [*shell, *user, *command], check=False, timeout=60, env=tui_trace_process.environment()
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "Error" not in done.stderr, done.stderr
    return done


@UNPRIVILEGED
@pytest.mark.parametrize("protocol", ["-T", "-u", "--icmp"])
def test_any_number_of_descriptors_is_enough_or_named(
    path: Chain, user: tuple[str, ...], protocol: str
) -> None:
    """From too few to begin with to one too few for the last socket."""
    path.client.sysctl(ipv4__ping_group_range="0 2147483647")
    worked = []
    for files in range(5, 35, 5):
        done = limited(path, files, user, protocol, "-c1", "-m4")
        worked.append(done.returncode == 0)
        if done.returncode:
            assert done.returncode == 1
            assert LIMIT in done.stderr.splitlines()[-1], done.stderr
    assert worked == sorted(worked)
    assert any(worked)
    assert not all(worked)


def test_many_flows_and_few_descriptors(path: Chain) -> None:
    """Each SYN that may open a connection holds a port, by a socket of its own."""
    done = limited(path, 88, (), "-T", "-P", str(OPEN_PORT), "--flows", "64", "-c4", "-i0.3", "-m4")
    assert done.returncode == 0, done.stderr
    stream = tui_trace_process.decode(done.stdout)
    assert isinstance(stream[-1], SessionEnded)
    reasons = {failed.reason for failed in tui_trace_process.only(SendFailed, stream)}
    assert reasons <= {f"this process {LIMIT}"}
    assert tui_trace_process.hops(stream)


def test_no_descriptor_for_the_first_flows(path: Chain) -> None:
    done = limited(path, 40, (), "-T", "-P", "81", "--flows", "64", "-c1")
    assert (done.returncode, done.stderr) == (1, f"tui-trace: this process {LIMIT}\n")


@UNPRIVILEGED
def test_a_sandbox_without_stream_sockets(path: Chain, user: tuple[str, ...]) -> None:
    args = tui_trace_process.command("--jsonl", "-n", "-T", "-c1", "-m4", path.target_address())
    done = path.client.run(
        [sys.executable, "-c", SANDBOX, *user, *args],
        check=False,
        env=tui_trace_process.environment(),
    )
    assert "Traceback" not in done.stderr, done.stderr
    words = "this process may not open a socket (EPERM: a sandbox?)"
    if done.returncode:
        assert done.stderr == f"tui-trace: {words}\n"
    else:
        failed = tui_trace_process.only(SendFailed, tui_trace_process.decode(done.stdout))
        assert {one.reason for one in failed} == {words}
