"""The lab lives as long as the process that entered it, needs no root, and hears no Ctrl-C."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.helpers.lab.lab_commands import CANNOT, ENTER_LAB
from tests.helpers.lab.lab_processes import alive, all_end, settled

pytestmark = pytest.mark.usefixtures("inside")

ENTER = """
import os, sys, time
from tui_trace.lab import LabError, enter, load_scenario as load
before = os.readlink("/proc/self/ns/net")
try:
    lab = enter(load("plain"))
except LabError as error:
    sys.exit(f"LabError: {error}")
assert os.readlink("/proc/self/ns/net") != before
print(lab.pid, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_ends_with_the_process_however_that_ends(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENTER + "time.sleep(60)"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        pids = settled(int(process.stdout.readline()))
        process.send_signal(number)
        process.wait()
    assert all_end(pids)


def test_ends_when_it_is_closed() -> None:
    script = ENTER + "sys.stdin.readline(); lab.close(); lab.close(); print('closed', flush=True)"
    script += "; time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stdin=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        pids = settled(int(process.stdout.readline()))
        process.stdin.write(b"\n")
        assert process.stdout.readline() == b"closed\n"
        assert all_end(pids)
        process.kill()


def test_ctrl_c_in_the_terminal_is_not_for_the_lab() -> None:
    script = ENTER.replace(
        "import os", "import signal; signal.signal(2, signal.SIG_IGN)\nimport os"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script + "time.sleep(60)"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        pids = settled(int(process.stdout.readline()))
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.3)
        assert all(alive(pid) for pid in pids)
        process.kill()
    assert all_end(pids)


def test_holds_no_output_of_ours_open() -> None:
    """A pipe to the lab's parent ends with the parent, though the lab may take a moment more."""
    done = subprocess.run(
        [sys.executable, "-c", ENTER + "os.kill(os.getpid(), 9)"],
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user id, which needs root")
@pytest.mark.skipif(shutil.which("traceroute") is None, reason="traceroute is not installed")
def test_no_root_is_needed() -> None:
    """As `nobody`, in a user namespace; the probes are answered and nobody has more rights."""
    script = f"""
import ctypes, os, pkgutil, runpy, subprocess, sys
import tui_trace.lab.process, tui_trace.lab.server_data
os.setgroups([]); os.setgid(65534); os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1)  # PR_SET_DUMPABLE, as in a process that began as nobody
sys.argv = ["inside.py", "plain", "traceroute", "-n", "-q1", "203.0.113.80"]
runpy.run_path({str(ENTER_LAB)!r}, run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode == CANNOT:
        assert "start it with sudo" in done.stderr
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split()[:2] == ["12", "203.0.113.80"]


@pytest.mark.skipif(os.geteuid() != 0, reason="limits namespaces, which needs root")
def test_where_no_namespace_is_given_one_line_says_what_to_do() -> None:
    """In a user namespace that allows no further ones, without rights in it."""
    limited = (
        "echo 0 > /proc/sys/user/max_user_namespaces; echo 0 > /proc/sys/user/max_net_namespaces;"
        f"exec {sys.executable} {ENTER_LAB} plain true"
    )
    done = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", limited],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == CANNOT
    assert done.stderr.count("\n") == 1
    assert "CAP_SYS_ADMIN" in done.stderr  # uid 0 of that user namespace


def test_threads_are_too_late() -> None:
    """A namespace is a thread's own, so with a second thread nothing may be entered at all."""
    script = """
import os, threading, time
threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
from tui_trace.lab import LabError, enter, load_scenario as load
before = os.readlink("/proc/thread-self/ns/net")
try:
    enter(load("plain"))
except LabError as error:
    print(error)
assert os.readlink("/proc/thread-self/ns/net") == before
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "the lab must be entered before the first thread starts"
