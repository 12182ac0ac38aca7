"""Machines that lack something: no /proc, no /dev, no resolver, no name for the user."""

import os
import re
import sys
import time

import pytest

from tests.helpers.missing_modules import BLOCKED
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain

HIDDEN = 'mount --make-rprivate / && {} && exec "$@"'


def _report(chain: Chain, *before: str, host: str | None = None) -> tuple[int, str, str]:
    target = host or chain.target_address()
    done = chain.client.run(
        [*before, *tui_trace_process.command("-r", "-n", "-c1", "-i0.2", target)],
        check=False, env=tui_trace_process.environment(), timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def _without(change: str) -> tuple[str, ...]:
    return ("unshare", "--mount", "sh", "-c", HIDDEN.format(change), "sh")


@pytest.mark.parametrize(
    "before",
    [
        _without("mount -t tmpfs none /proc"),
        _without("mount -t tmpfs none /sys"),
        _without("mount -t tmpfs none /dev"),
        _without("mount --bind /dev/null /etc/resolv.conf"),
        ("env", "-u", "HOME", "PATH="),
        ("env", "HOME=/dev/null"),
        ("sh", "-c", 'mkdir "$HOME/gone"; cd "$HOME/gone"; rmdir "$HOME/gone"; exec "$@"', "sh"),
    ],
    ids=["proc", "sys", "dev", "resolv.conf", "PATH", "HOME", "folder"],
)  # fmt: skip
def test_what_it_can_do_without(plain: Chain, before: tuple[str, ...]) -> None:
    code, out, err = _report(plain, *before)
    assert (code, err) == (0, "")
    assert all(str(hop) in out for hop in plain.hops())


def test_without_a_resolver_a_name_is_unknown(plain: Chain) -> None:
    hidden = _without("mount --bind /dev/null /etc/resolv.conf")
    code, out, err = _report(plain, *hidden, host="somewhere.invalid")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "unknown host 'somewhere.invalid'" in err


def test_no_socket_takes_the_place_of_a_closed_stream(plain: Chain) -> None:
    process = plain.client.popen(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh",
         *tui_trace_process.command("-r", "-n", "-c100000", "-i0.1", plain.target_address())],
        env=tui_trace_process.environment(),
    )  # fmt: skip
    try:
        end = time.monotonic() + 20
        held: dict[int, str] = {}
        while not any(name.startswith("socket:") for name in held.values()):
            assert time.monotonic() < end, held
            time.sleep(0.1)
            held = _held(process.pid)
        assert not [held[number] for number in (0, 1, 2) if held[number].startswith("socket:")]
    finally:
        process.kill()
        process.communicate(timeout=10)


def _held(pid: int) -> dict[int, str]:
    """What the numbers of a process's open files stand for."""
    folder = f"/proc/{pid}/fd"
    held = {}
    for number in os.listdir(folder):
        try:
            held[int(number)] = os.readlink(f"{folder}/{number}")
        except FileNotFoundError:
            continue
    return held


@pytest.mark.parametrize("program", ["tcptraceroute", "traceroute-nanog"])
@pytest.mark.parametrize(
    ("redirection", "code", "line"),
    [
        (">/dev/full", 1, "tui-trace: cannot write: No space left on device"),
        (">&-", 1, "tui-trace: cannot write: Bad file descriptor"),
        ("2>/dev/full", 0, ""),
        ("2>&-", 0, ""),
    ],
)
def test_lines_that_cannot_be_written(
    plain: Chain, program: str, redirection: str, code: int, line: str
) -> None:
    words = tui_trace_process.command("--as", program, "-n", "-q1", "-m2", plain.target_address())
    done = plain.client.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *words],
        check=False,
        env=tui_trace_process.environment(),
    )
    assert "Traceback" not in done.stderr
    assert done.stderr.rstrip("\n").endswith(line)
    if code == 0:
        assert str(plain.hop(1)) in done.stdout
        assert done.stderr == ""
    else:
        assert done.returncode == code


@pytest.mark.parametrize("limits", ["ulimit -n 13", "ulimit -n 9", "ulimit -s 10000000000"])
@pytest.mark.parametrize("words", [("-r", "-z"), ("--as", "traceroute-nanog", "-q1")])
def test_a_trace_that_gets_too_little(plain: Chain, limits: str, words: tuple[str, ...]) -> None:
    done = plain.client.run(
        ["bash", "-c", f'{limits}; exec "$@"', "bash",
         *tui_trace_process.command(*words, plain.target_address())],
        check=False, env=tui_trace_process.environment(),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(r"tui-trace: cannot (open|start) more (files|threads) \(ulimit .*\)", last)
    assert "Traceback" not in done.stderr


def test_a_package_for_names_that_is_missing(plain: Chain) -> None:
    child = BLOCKED.format(module="dns")
    words = [sys.executable, "-c", child, "-r", "-z", "-c1", plain.target_address()]
    done = plain.client.run(words, check=False, env=tui_trace_process.environment())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tui-trace: the package dnspython is missing: pip install tui-trace\n"
