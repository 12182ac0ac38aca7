"""`--from ssh:HOST` on a real sshd: the session is the host's, and what goes wrong is one line."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import other_system
from tests.helpers.network import tui_trace_process as program
from tests.helpers.network.chain import Chain
from tests.helpers.network.commanded import Commanded
from tests.helpers.network.nameserver import serve_names
from tests.helpers.network.ssh_host import ADDRESS, NAME, PROGRAMS, SshHost
from tests.helpers.network.terminals import Tmux
from tests.helpers.network.tui_trace_process import hops, only
from tui_trace.core.events import (
    Notice,
    PaceSet,
    Reply,
    RunOpened,
    SessionBegan,
    SessionEnded,
)
from tui_trace.core.settings import Protocol

pytestmark = [
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in PROGRAMS), reason="needs sshd and ssh"
    ),
    pytest.mark.timeout(90),
]

FROM = ("--from", f"ssh:{NAME}", "-i", "0.2")
OURS = ("tui_trace", "ssh -T")
"""In the command line of every process that a session starts, there and here."""


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    """Three routers between the host and the target."""
    with Chain(3) as made:
        yield made


@pytest.fixture
def host(chain: Chain, tmp_path: Path) -> Iterator[SshHost]:
    with SshHost(chain.client, tmp_path) as there:
        yield there


@pytest.fixture
def slow_host(chain: Chain, tmp_path: Path) -> Iterator[SshHost]:
    with SshHost(chain.client, tmp_path, relay=True) as there:
        yield there


def report(host: SshHost, target: str, *args: str) -> subprocess.CompletedProcess[str]:
    command = program.command(*FROM, "-n", "-c", "2", *args, target)
    return host.viewer.run(command, env=host.environment, check=False, timeout=40)


def refused(host: SshHost, target: str) -> str:
    """The one line that a report ends with, soon."""
    began = time.monotonic()
    done = report(host, target, "-r")
    assert time.monotonic() - began < 10
    assert (done.returncode, done.stdout) == (1, ""), done
    line = done.stderr.removeprefix("tui-trace: ")
    assert line.count("\n") == 1, done.stderr
    host.wait_without(OURS)
    return line.rstrip("\n")


def is_reached(run: int, stream: list) -> bool:
    return any(isinstance(e, Reply) and e.run == run and e.reached for e in stream)


def last_notice(stream: list) -> str:
    assert isinstance(stream[-1], SessionEnded)
    return only(Notice, stream)[-1].text


def test_reports_are_those_of_the_host(host: SshHost, chain: Chain) -> None:
    target = chain.target_address()
    words = ("-T", "-P", "443", "-Q", "EF")
    done = report(host, target, "-r", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"^HOST: {NAME} ", done.stdout, re.MULTILINE)
    assert "TCP port 443 · TOS 184 (EF)" in done.stdout
    for ttl in range(1, chain.length + 1):
        assert re.search(rf"^ *{ttl}\.\|-- {re.escape(chain.hop(ttl))} +0\.0%", done.stdout, re.M)
    as_json = json.loads(report(host, target, "-j", *words).stdout)["report"]
    assert (as_json["mtr"]["src"], as_json["tui_trace"]["vantage"]) == (NAME, NAME)
    assert as_json["tui_trace"]["source"] == chain.source_address()
    assert f"{NAME} → {target}" in report(host, target, "--markdown").stdout.replace("\\", "")
    host.wait_without(OURS)


def test_the_viewer_may_be_no_linux(host: SshHost, chain: Chain) -> None:
    target = chain.target_address()
    command = other_system.command(*FROM, "-n", "-c", "2", "-j", target)
    done = host.viewer.run(command, env=host.environment, check=False, timeout=40)
    assert (done.returncode, done.stderr) == (0, "")
    hubs = json.loads(done.stdout)["report"]["hubs"]
    assert [(hub["host"], hub["Loss%"]) for hub in hubs] == [(hop, 0.0) for hop in chain.hops()]
    host.wait_without(OURS)


def test_settings_are_switched_live_and_a_reader_that_leaves_ends_the_remote(
    host: SshHost, chain: Chain
) -> None:
    target = chain.target_address()
    with Commanded(host.viewer, *FROM, target, env=host.environment) as traced:
        traced.run_until(lambda stream: is_reached(1, stream), 30)
        traced.send('{"command":"switch","settings":{"protocol":"tcp","port":443,"df":true}}')
        traced.run_until(lambda stream: is_reached(2, stream))
        traced.send('{"command":"bad"}')
        traced.run_until(lambda stream: only(Notice, stream))
        assert host.pids("tui_trace"), "the host probes"
        traced.close_input()
        assert traced.wait() == 0
        stream = traced.stream
    began = only(SessionBegan, stream)[0]
    assert (began.vantage, began.target, began.source) == (NAME, target, chain.source_address())
    assert hops([event for event in stream if getattr(event, "run", 1) == 1]) == chain.hops()
    tcp = only(RunOpened, stream)[1].settings
    assert (tcp.protocol, tcp.port, tcp.df, tcp.size) == (Protocol.TCP, 443, True, 60)
    assert isinstance(stream[-1], SessionEnded)
    host.wait_without(OURS)


def test_nothing_is_left_where_the_viewer_is_killed(host: SshHost, chain: Chain) -> None:
    with Commanded(host.viewer, *FROM, chain.target_address(), env=host.environment) as traced:
        traced.run_until(lambda stream: is_reached(1, stream), 30)
        # a session that is paused writes nothing, so it has to see the end of its input
        traced.send('{"command":"set-pace","pace":{"paused":true}}')
        traced.run_until(lambda stream: only(PaceSet, stream)[-1].pace.paused)
        assert host.pids("tui_trace")
        traced.process.kill()
        host.wait_without(OURS)


def test_ctrl_c_prints_what_was_measured(host: SshHost, chain: Chain) -> None:
    command = program.command(*FROM, "-n", "-r", "-c", "1000", chain.target_address())
    with host.viewer.popen(command, env=host.environment) as process:
        time.sleep(4)
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, b"")
    assert chain.target_address().encode() in said
    host.wait_without(OURS)


def test_sshd_that_is_killed_is_a_notice_and_the_end(host: SshHost, chain: Chain) -> None:
    with Commanded(host.viewer, *FROM, chain.target_address(), env=host.environment) as traced:
        traced.run_until(lambda stream: is_reached(1, stream), 30)
        host.kill()
        assert traced.wait() == 1
    assert last_notice(traced.stream).startswith(f"the session on {NAME} broke off: ")
    host.wait_without(OURS)


def test_a_link_that_dies_is_told_within_half_a_minute(host: SshHost, chain: Chain) -> None:
    with Commanded(host.viewer, *FROM, chain.target_address(), env=host.environment) as traced:
        traced.run_until(lambda stream: is_reached(1, stream), 30)
        host.viewer.ip("link set down0 down")
        assert traced.wait(35) == 1
    said = last_notice(traced.stream)
    assert "not responding" in said, said


def test_a_slow_link_delays_and_changes_nothing(slow_host: SshHost, chain: Chain) -> None:
    assert slow_host.relay is not None
    slow_host.relay.delay(150, 150)
    target = chain.target_address()
    with Commanded(slow_host.viewer, *FROM, target, env=slow_host.environment) as traced:
        traced.run_until(lambda stream: is_reached(1, stream), 40)
        asked = time.monotonic()
        traced.send('{"command":"switch","settings":{"protocol":"udp"}}')
        traced.run_until(lambda stream: is_reached(2, stream))
        assert 0.3 < time.monotonic() - asked < 5
        traced.close_input()
        assert traced.wait() == 0
    rtts = [reply.rtt for reply in only(Reply, traced.stream)]
    assert max(rtts) < 100_000_000, "the link to the host is in no RTT"
    assert isinstance(traced.stream[-1], SessionEnded)
    slow_host.wait_without(OURS)


def test_ssh_that_fails_is_one_line_and_no_hang(host: SshHost, chain: Chain) -> None:
    target = chain.target_address()
    host.expect_host_key("other_key")
    assert "Host key verification failed (the host key is not the one" in refused(host, target)
    host.expect_host_key("host_key")
    host.trust("other_key")
    assert "Permission denied" in (line := refused(host, target))
    assert "without a password" in line
    host.trust("user_key")
    host.kill()
    assert refused(host, target).endswith(f"{ADDRESS} port 2222: Connection refused")


def test_a_host_without_the_program_or_with_another_one_is_one_line(
    host: SshHost, chain: Chain, tmp_path: Path
) -> None:
    target = chain.target_address()
    host.install(None)
    assert refused(host, target) == f"{NAME} has no tui-trace in the PATH that ssh gets there"
    first = {
        "event": "session-began", "at": 0, "wall": 1, "target": target, "address": target,
        "family": 4, "source": target, "version": "0.0.9", "schema": 1,
    }  # fmt: skip
    host.install(f"echo '{json.dumps(first)}'; exec cat >/dev/null")
    older = f"{NAME} runs an older version of tui-trace (events of schema 1, here 3)"
    assert refused(host, target) == older
    host.install("echo 'tui-trace: unrecognized arguments: --commands' >&2; exit 2")
    assert refused(host, target) == f"{NAME} runs an older version of tui-trace, without --commands"
    host.install("exec yes tui_trace is busy")
    assert refused(host, target) == f"{NAME} sent no events, but other text"
    host.install("printf 'tui-trace: \\033[2Jno\\n' >&2; exit 1")
    assert refused(host, target) == f"{NAME}: \\x1b[2Jno"
    begun = tmp_path / "begun"
    host.install(f"touch '{begun}'; exec cat >/dev/null")
    with Commanded(host.viewer, *FROM, target, env=host.environment) as traced:
        end = time.monotonic() + 30
        while not begun.exists():
            assert time.monotonic() < end, "the host was not asked"
            time.sleep(0.02)
        traced.process.terminate()
        assert traced.wait() == 1
        assert traced.errors() == f"tui-trace: stopped before {NAME} answered\n"
    host.wait_without(OURS)


def test_the_host_hears_that_the_viewer_is_alive(
    host: SshHost, chain: Chain, tmp_path: Path
) -> None:
    heard = tmp_path / "heard"
    host.install(f'tee {heard} | {program.command()[0]} -m tui_trace "$@"')
    assert report(host, chain.target_address(), "-r").returncode == 0
    assert heard.read_text() == '{"command":"keep-alive","seconds":60}\n'


def test_a_report_of_a_session_that_broke_off_says_so(host: SshHost, chain: Chain) -> None:
    command = program.command(*FROM, "-n", "-r", "-c", "1000", chain.target_address())
    with host.viewer.popen(command, env=host.environment) as process:
        time.sleep(4)
        host.kill()
        said, errors = process.communicate(timeout=10)
    assert chain.target_address().encode() in said
    assert (process.returncode, errors) == (1, b"")
    assert f"\nthe session on {NAME} broke off: " in said.decode()


def test_what_the_host_refuses_is_one_line(host: SshHost) -> None:
    assert refused(host, "nowhere.invalid").startswith(f"{NAME}: ")


def test_a_shell_there_sees_words_and_no_commands(host: SshHost, tmp_path: Path) -> None:
    touch = f"touch {tmp_path / 'witness'}"
    for target in (f"x; {touch}", f"$({touch})", f"`{touch}`", f"x'; {touch}; '", f"x\n{touch}\n"):
        assert refused(host, target).startswith(f"{NAME}: ")
        assert not (tmp_path / "witness").exists(), target


def test_a_clock_that_is_wrong_is_told_with_its_bound(host: SshHost, chain: Chain) -> None:
    ahead = 'sed -u "1s/\\"wall\\":1/\\"wall\\":2/"'  # 10^18 ns: 31 years
    host.install(f'{program.command()[0]} -m tui_trace "$@" | {ahead}')
    with Commanded(host.viewer, *FROM, chain.target_address(), env=host.environment) as traced:
        traced.run_until(lambda stream: only(Notice, stream), 30)
        traced.close_input()
        traced.wait()
    said = only(Notice, traced.stream)[0].text
    match = re.fullmatch(
        rf"the clock of {NAME} is ([\d.]+) to ([\d.]+) s ahead of the clock here; .*", said
    )
    assert match, said
    least, most = map(float, match.groups())
    assert least <= 1e9 <= most < least + 10


def test_the_host_asks_for_names_and_keeps_nothing(chain: Chain, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    serve_names(chain.client, {chain.hop(1): "first.inside.example"})
    places = " ".join(f"XDG_{kind}_HOME={home}" for kind in ("CACHE", "STATE", "DATA", "CONFIG"))
    with SshHost(chain.client, tmp_path) as host:
        host.install(f'exec env HOME={home} {places} {program.command()[0]} -m tui_trace "$@"')
        command = program.command(*FROM, "-r", "-c", "2", chain.target_address())
        done = host.viewer.run(command, env=host.environment, timeout=40)
    assert " 1.|-- first.inside.example " in done.stdout, done
    assert list(home.rglob("*")) == []


def test_the_live_view_says_from_where_and_its_keys_work_there(
    host: SshHost, chain: Chain, tmp_path: Path
) -> None:
    recorded = tmp_path / "session.trace"
    with Tmux(host.viewer) as tmux:
        args = program.command(*FROM, "-n", "--record", str(recorded), chain.target_address())
        tmux.start(args, host.environment)
        tmux.wait_for(rf"from {NAME}")
        tmux.wait_for(rf"{re.escape(chain.target_address())} .* 0\.0 ")
        tmux.press("t")
        tmux.wait_for(r"TCP port 80 ")
        tmux.press("P")
        tmux.answer("443")
        tmux.press("Enter")
        tmux.wait_for(r"TCP port 443 .*")
        tmux.wait_for(r"run 3")
        tmux.press("-")
        tmux.wait_for(r"every 0\.1 s")
        tmux.press("/")
        tmux.answer(chain.hop(3))
        tmux.press("Enter")
        tmux.wait_for(rf"^ *{re.escape(chain.hop(3))} +from {NAME}")
        host.kill()
        tmux.wait_for(r"■ ended")
        assert "broke off" in tmux.screen()
        tmux.press("q")
        tmux.wait_for(r"prompt> *$")
    done = host.viewer.run(program.command("--replay", str(recorded), "-r"), env=host.environment)
    assert f"HOST: {NAME}" in done.stdout
    host.wait_without(OURS)


def test_options_of_the_config_hold_there(host: SshHost, chain: Chain, tmp_path: Path) -> None:
    target = chain.target_address()
    (tmp_path / "tui-trace").mkdir()
    (tmp_path / "tui-trace" / "config.toml").write_text(
        "[options]\ntcp = true\nport = 443\ntos = 'EF'\nno-dns = true\n"
    )
    with Tmux(host.viewer, columns=150) as tmux:
        command = program.command(*FROM, "-P", "80", target)
        tmux.start(command, {**host.environment, "XDG_CONFIG_HOME": str(tmp_path)})
        tmux.wait_for(rf"{re.escape(target)} .* 0\.0 ")
        assert "TCP port 80 · TOS 184 (EF)" in tmux.screen()
        tmux.press("q")
        tmux.wait_for(r"prompt> *$")
    host.wait_without(OURS)


def test_a_view_that_cannot_connect_says_why_and_can_be_left_meanwhile(
    host: SshHost, chain: Chain
) -> None:
    host.install("exec cat >/dev/null")
    with Tmux(host.viewer) as tmux:
        args = program.command(*FROM, "-n", "--no-record", chain.target_address())
        tmux.start(args, host.environment)
        tmux.wait_for(rf"connecting to {NAME}")
        tmux.press("q")
        tmux.wait_for(r"prompt> *$")
        assert "tui-trace:" not in tmux.screen().split("--no-record")[-1]
        host.wait_without(OURS)
        host.install(None)
        tmux.start(args, host.environment)
        tmux.wait_for(rf"! {NAME} has no tui-trace")
        tmux.press("q")
        tmux.wait_for(rf"^tui-trace: {NAME} has no tui-trace")


def test_no_right_is_needed_and_ssh_has_none(host: SshHost, chain: Chain) -> None:
    spy = host.environment["PATH"].partition(":")[0]
    real = Path(spy, "ssh").read_text()
    status = Path(spy, "status")
    Path(spy, "ssh").write_text(real.replace("exec ", f"cat /proc/self/status >{status}\nexec ", 1))
    done = report(host, chain.target_address(), "-r")
    assert done.returncode == 0, done.stderr
    found = dict(re.findall(r"^(Cap\w+|NoNewPrivs):\s+(\w+)", status.read_text(), re.MULTILINE))
    assert os.geteuid() == 0
    assert found["CapEff"] == found["CapPrm"] == found["CapBnd"] == "0" * 16
    assert found["NoNewPrivs"] == "1"
