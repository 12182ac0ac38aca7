"""Rights given up, looked at from outside: each case is a process of its own."""

import os
import pwd
import subprocess
import sys
import textwrap

import pytest

from tui_trace.core import privileges

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
        from tui_trace.core import privileges as rights
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
        from tui_trace.core import privileges as rights
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
        from tui_trace.core import privileges as rights
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
        from tui_trace.core import privileges as rights
        rights.drop_capabilities()
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
        from tui_trace.core import privileges as rights
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
        from tui_trace.core import privileges as rights
        over = threading.Event()
        threading.Thread(target=over.wait).start()
        try:
            rights.give_up_rights(lambda: None)
        except RuntimeError as error:
            print(error)
        over.set()
    """)
    assert "before the first thread" in out


def test_dropping_twice_is_no_error() -> None:
    run("""
        from tui_trace.core import privileges as rights
        rights.drop_capabilities()
        rights.drop_capabilities()
    """)


@pytest.mark.slow
def test_everything_that_any_function_of_ours_imports_is_preloaded() -> None:
    out = run("""
        import ast, importlib.util, pathlib, sys
        from tui_trace.cli.preload import import_everything
        import_everything()
        root = pathlib.Path(importlib.util.find_spec("tui_trace").submodule_search_locations[0])
        for path in root.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Import(names=names):
                        wanted = [each.name for each in names]
                    case ast.ImportFrom(module=module):
                        wanted = [module]
                    case _:
                        continue
                for name in wanted:
                    print(name, name in sys.modules)
            module = ".".join(path.relative_to(root.parent).with_suffix("").parts)
            print(module, module.removesuffix(".__init__") in sys.modules)
    """)
    seen = dict(line.split() for line in out.splitlines())
    assert len(seen) > 200
    assert {name for name, found in seen.items() if found == "False"} == {"tui_trace.__main__"}


@pytest.mark.slow
def test_preloading_starts_no_thread() -> None:
    run("""
        import os
        from tui_trace.cli.preload import import_everything
        import_everything()
        assert len(os.listdir("/proc/self/task")) == 1
    """)


NOBODY = pwd.getpwnam("nobody")
UID, GID, HOME = NOBODY.pw_uid, NOBODY.pw_gid, NOBODY.pw_dir


@pytest.mark.parametrize(
    ("uid", "gid", "found"),
    [
        (str(UID), "100", privileges.Caller(UID, 100, "nobody", HOME)),
        (str(UID), "", privileges.Caller(UID, GID, "nobody", HOME)),
        ("3999999999", "7", privileges.Caller(3_999_999_999, 7, "", "/")),
        ("3999999999", "", None),
        ("0", "0", None),
        ("", "", None),
        ("-1", "-1", None),
        ("4294967295", "7", None),
        ("99999999999999999999", "7", None),
        ("１２３", "7", None),
        ("12 3", "7", None),
        ("1e3", "7", None),
    ],
)  # fmt: skip
def test_the_caller_is_who_sudo_names_or_nobody(
    uid: str, gid: str, found: privileges.Caller | None
) -> None:
    assert privileges.caller({"SUDO_UID": uid, "SUDO_GID": gid}) == found


def test_without_sudo_nobody_called() -> None:
    assert privileges.caller({}) is None


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_becomes_the_caller_and_never_root_again() -> None:
    out = run(f"""
        import os
        from tui_trace.core import privileges as rights
        os.environ.update(SUDO_UID="{UID}", SUDO_GID="{GID}", HOME="/root",
                          XDG_CACHE_HOME="/root/cache")
        rights.give_up_rights(lambda: None)
        for attempt in (lambda: os.setresuid(0, 0, 0), lambda: os.setgroups([0]),
                        lambda: os.chroot("/"), lambda: open("/etc/cron.d/tt-test", "w")):
            try:
                attempt()
            except PermissionError:
                print("refused")
        print(os.environ["HOME"], os.environ["USER"], os.environ.get("XDG_CACHE_HOME"))
        print(os.getresuid(), os.getresgid(), os.getgroups())
    """)
    ids = (UID,) * 3, (GID,) * 3, [GID]
    assert out.splitlines() == [
        *["refused"] * 4,
        f"{HOME} nobody None",
        " ".join(map(str, ids)),
    ]


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be refused to become somebody else")
def test_who_cannot_become_the_caller_says_so() -> None:
    done = subprocess.run(
        [
            *("setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-setuid,-setgid"),
            *(sys.executable, "-m", "tui_trace", "--lab", "-r", "-c1"),
        ],
        env={**os.environ, "SUDO_UID": str(UID), "SUDO_GID": str(GID)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tui-trace: cannot become nobody, who called sudo: ")
    assert done.stderr.count("\n") == 1
