"""Rights given up, looked at from outside: each case is a process of its own."""

import os
import subprocess
import sys
import textwrap

import pytest

from tui_trace import rights

CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapAmb")
NOTHING = "0" * 16


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def status(text: str) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_nothing_is_left_in_any_task() -> None:
    out = run("""
        import pathlib
        from tui_trace import rights
        rights.drop_capabilities()
        for task in pathlib.Path("/proc/self/task").iterdir():
            print((task / "status").read_text())
    """)
    seen = status(out)
    assert [seen[name] for name in CAPABILITIES] == [NOTHING] * 4
    assert seen["NoNewPrivs"] == "1"


def test_threads_started_later_have_none() -> None:
    out = run("""
        import pathlib, threading
        from tui_trace import rights
        rights.drop_capabilities()
        def show():
            print(pathlib.Path("/proc/thread-self/status").read_text())
        thread = threading.Thread(target=show)
        thread.start()
        thread.join()
    """)
    seen = status(out)
    assert [seen[name] for name in CAPABILITIES] == [NOTHING] * 4


def test_exec_gives_none_back() -> None:
    out = run("""
        import subprocess
        from tui_trace import rights
        rights.drop_capabilities()
        subprocess.run(["cat", "/proc/self/status"], check=True)
    """)
    seen = status(out)
    assert [seen[name] for name in CAPABILITIES] == [NOTHING] * 4


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a bounding set to lose")
def test_root_loses_its_bounding_set() -> None:
    out = run("""
        import subprocess
        from tui_trace import rights
        assert rights.has_net_raw()
        rights.drop_capabilities()
        assert not rights.has_net_raw()
        subprocess.run(["cat", "/proc/self/status"], check=True)
    """)
    seen = status(out)
    assert seen["CapBnd"] == NOTHING
    assert seen["Uid"].split() == ["0"] * 4


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has inheritable rights to lose")
def test_rights_by_setpriv_are_lost_too() -> None:
    done = subprocess.run(
        [
            *("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
            *("--inh-caps=+net_raw", "--ambient-caps=+net_raw", "/bin/sh", "-c"),
            "cat /proc/self/status",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert int(status(done.stdout)["CapEff"], 16) == 1 << 13
    out = run("""
        import ctypes, subprocess
        from tui_trace import rights
        libc = ctypes.CDLL(None)
        # what setpriv leaves behind: one right in every set but the bounding set, which stays
        head = rights._Head(rights._VERSION_3, 0)
        both = (rights._Sets * 2)(rights._Sets(1 << 13, 1 << 13, 1 << 13))
        assert libc.capset(ctypes.byref(head), ctypes.byref(both)) == 0
        assert libc.prctl(47, 2, 13, 0, 0) == 0
        rights.drop_capabilities()
        subprocess.run(["cat", "/proc/self/status"], check=True)
    """)
    seen = status(out)
    assert [seen[name] for name in CAPABILITIES] == [NOTHING] * 4
    assert seen["CapBnd"] != NOTHING


def test_a_second_thread_forbids_it() -> None:
    out = run("""
        import threading
        from tui_trace import rights
        over = threading.Event()
        threading.Thread(target=over.wait).start()
        try:
            rights.drop_capabilities()
        except RuntimeError as error:
            print(error)
        over.set()
    """)
    assert "before the first thread" in out


def test_dropping_twice_is_no_error() -> None:
    run("""
        from tui_trace import rights
        rights.drop_capabilities()
        rights.drop_capabilities()
    """)


def test_has_net_raw_is_the_kernels_word() -> None:
    with open("/proc/thread-self/status") as file:
        effective = int(status(file.read())["CapEff"], 16)
    assert rights.has_net_raw() is bool(effective & 1 << 13)
