"""`--watch` itself, on real routers: told, stopped, killed, started again, without a network."""

import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from tests.helpers.closing import Closing
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.outages import interface_made_anew, no_route
from tests.helpers.network.silent_resolver import DeadResolver
from tui_trace.recording import list_sessions

PATIENCE = 20.0
"""Seconds for what takes one or two."""
LINE = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d) (\S+) ((?:OVER )?[A-Z-]+) ?(.*)\n"
)


class Watch(Closing):
    """A watch that runs, and its log so far."""

    def __init__(self, chain: Chain, state: Path, *args: str, **env: str) -> None:
        self.log: list[tuple[str, ...]] = []
        environment = {**tui_trace_process.environment(), "XDG_STATE_HOME": str(state), **env}
        command = tui_trace_process.command("--watch", "-n", "-i", "0.25", *args)
        self.process: Popen[bytes] = chain.client.popen(command, stdout=PIPE, env=environment)

    def until(self, word: str) -> str:
        """Read the log up to this word; the text behind it."""
        assert self.process.stdout is not None
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            line = self.process.stdout.readline().decode()
            if not line:
                break
            found = LINE.fullmatch(line)
            assert found is not None, line
            self.log.append(found.groups())
            if found[3] == word:
                return found[4]
        raise AssertionError(f"no {word}: {self.log}")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send the signal; the exit code and standard error."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        self.log += [found.groups() for found in LINE.finditer(out.decode())]
        return self.process.returncode, err.decode()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate(timeout=PATIENCE)


@pytest.fixture
def chain() -> Iterator[Chain]:
    with Chain(3) as chain:
        yield chain


def test_an_outage_is_told_and_signals_give_the_summary(chain: Chain, tmp_path: Path) -> None:
    target = chain.target_address()
    with Watch(chain, tmp_path, target) as watch:
        assert watch.until("WATCH") == target
        wait_for_rounds(tmp_path, 12)
        chain.router(2).sysctl(ipv4__ip_forward=0)
        assert watch.until("DOWN") == f"last answer hop 1 {chain.hop(1)}"
        chain.router(2).sysctl(ipv4__ip_forward=1)
        over = watch.until("OVER DOWN")
        assert over.endswith(f"last answer hop 1 {chain.hop(1)}")
        watch.process.send_signal(signal.SIGUSR1)
        assert "1 down" in watch.until("SUMMARY")
        assert watch.end() == (0, "")
        assert [word for _, _, word, _ in watch.log] == [
            "WATCH", "DOWN", "OVER DOWN", "SUMMARY", "SUMMARY",
        ]  # fmt: skip
        assert {name for _, name, _, _ in watch.log} == {target}
    (session,) = list_sessions(tmp_path / "tui-trace" / "sessions")
    assert session.ended


def wait_for_rounds(state: Path, rounds: int) -> None:
    """Wait until so many rounds have been recorded."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        sessions = list_sessions(state / "tui-trace" / "sessions")
        if sessions and sessions[0].events > rounds * 6:
            return
        time.sleep(0.05)
    raise AssertionError("nothing is recorded")


def test_killed_and_started_again_it_says_since_when_nobody_watched(
    chain: Chain, tmp_path: Path
) -> None:
    target = chain.target_address()
    with Watch(chain, tmp_path, target) as watch:
        watch.until("WATCH")
        wait_for_rounds(tmp_path, 6)
        watch.process.kill()
    time.sleep(1.2)  # the gap itself
    with Watch(chain, tmp_path, target) as watch:
        watch.until("WATCH")
        assert watch.until("NOTE").startswith("not watched since 20")
        assert watch.end() == (0, "")
    folder = tmp_path / "tui-trace" / "sessions"
    assert [session.ended for session in list_sessions(folder)] == [True, False]


def test_the_service_manager_hears_of_it(chain: Chain, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        with Watch(chain, tmp_path, chain.target_address(), **env) as watch:
            assert manager.recv(1000) == b"READY=1\nSTATUS=watching 1 target"
            assert [manager.recv(1000) for _ in range(3)] == [b"WATCHDOG=1"] * 3
            assert watch.end() == (0, "")
            while (heard := manager.recv(1000)) == b"WATCHDOG=1":
                pass
            assert heard == b"STOPPING=1"


def test_the_command_is_run_and_what_fails_is_a_line(chain: Chain, tmp_path: Path) -> None:
    command = f"sh -c 'echo \"$TUI_TRACE_EVENT $TUI_TRACE_KIND\" >> {tmp_path}/told; exit 3'"
    with Watch(chain, tmp_path, "--on-event", command, chain.target_address()) as watch:
        watch.until("WATCH")
        wait_for_rounds(tmp_path, 12)
        with no_route(chain):
            watch.until("LOCAL")
            assert watch.until("NOTE") == "--on-event sh (local began): exit status 3"
        watch.until("OVER LOCAL")
        assert watch.until("NOTE") == "--on-event sh (local ended): exit status 3"
        assert watch.end() == (0, "")
    assert (tmp_path / "told").read_text() == "began local\nended local\n"


def test_it_waits_for_a_route_and_for_the_name_server(chain: Chain, tmp_path: Path) -> None:
    with DeadResolver(chain.client), no_route(chain):
        args = ("--dns-server", "127.0.0.1", "target.example", chain.target_address())
        with Watch(chain, tmp_path, *args) as watch:
            watch.until("LOCAL")
            assert "tried again until it works" in watch.until("NOTE")
            assert watch.end() == (0, "")
            assert {name for _, name, _, _ in watch.log} == {*args[2:]}


def test_an_interface_that_is_made_anew_ends_nothing(chain: Chain, tmp_path: Path) -> None:
    with Watch(chain, tmp_path, "-I", DOWN, chain.target_address()) as watch:
        watch.until("WATCH")
        wait_for_rounds(tmp_path, 6)
        with interface_made_anew(chain):
            watch.until("LOCAL")
        watch.until("OVER LOCAL")
        assert watch.end() == (0, "")
