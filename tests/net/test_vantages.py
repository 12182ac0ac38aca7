"""`--from local,ssh:HOST` and `--reverse` on a real sshd: two places, one of them on the way."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.helpers.network import tui_trace_process as program
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import Dropping
from tests.helpers.network.ssh_host import ADDRESS, NAME, PROGRAMS, SshHost
from tests.helpers.network.terminals import Tmux

pytestmark = [
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in PROGRAMS), reason="needs sshd and ssh"
    ),
    pytest.mark.timeout(90),
]

BOTH = f"local,ssh:{NAME}"
VIEWER = "198.19.0.1"


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with Chain(3) as made:
        for link, node in enumerate(made.nodes[1:], 1):
            node.ip(f"route add 198.19.0.0/24 via 198.18.{link}.1")
        yield made


@pytest.fixture(scope="module")
def host(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHost]:
    """The host stands between the viewer and the chain: from the viewer it is hop 1."""
    with SshHost(chain.client, tmp_path_factory.mktemp("ssh")) as there:
        there.viewer.ip(f"route add default via {ADDRESS}")
        yield there


def report(host: SshHost, *args: str) -> subprocess.CompletedProcess[str]:
    command = program.command("-n", "-i", "0.1", *args)
    return host.viewer.run(command, env=host.environment, check=False, timeout=60)


def columns(line: str) -> list[str]:
    return line.split()


def test_the_paths_from_both_places_are_merged(host: SshHost, chain: Chain) -> None:
    target = chain.target_address()
    done = report(host, "-r", "-c", "3", "--from", BOTH, target)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(r"^HOST: ", done.stdout, re.MULTILINE)) == 2
    table = done.stdout.partition(f"Paths to {target} from 2 places:\n")[2].splitlines()
    assert columns(table[0]) == ["here", NAME]
    rows = [columns(line) for line in table[2:]]
    assert rows[0][:2] == [ADDRESS, "1"]
    assert " ".join(rows[1]) == f"-- the paths from here and {NAME} meet"
    for hop, row in enumerate(rows[2 : 2 + chain.length], 1):
        assert (row[0], row[1], row[4]) == (chain.hop(hop), str(hop + 1), str(hop))


def test_a_loss_before_the_paths_meet_is_told(host: SshHost, chain: Chain) -> None:
    """What the host forwards for the viewer is lost by half; what it sends itself is not."""
    target = chain.target_address()
    dropping = Dropping(host.host, target, 50)
    try:
        done = report(host, "-j", "-c", "60", "--from", BOTH, target)
        assert dropping.counts()[1]
    finally:
        host.host.run(["nft", "delete", "table", "inet", "dropping"])
    assert (done.returncode, done.stderr) == (0, "")
    here, there = (one["report"] for one in json.loads(done.stdout))
    assert there["tui_trace"]["vantage"] == NAME
    for one in (here, there):
        (told,) = one["together"]
        assert re.fullmatch(
            rf"from here \d+ % lost, from {NAME} all is well: it begins between {ADDRESS} \(hop 1\)"
            rf" and {chain.hop(1)} \(hop 2\), where the paths meet; on the way there or back",
            told["text"],
        ), told


def test_one_place_that_fails_is_one_line_and_the_other_is_printed(
    host: SshHost, chain: Chain
) -> None:
    host.expect_host_key("other_key")
    try:
        done = report(host, "-r", "-c", "2", "--from", BOTH, chain.target_address())
    finally:
        host.expect_host_key("host_key")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "host key is not the one that is known" in done.stderr
    assert re.search(rf"{re.escape(chain.target_address())} +0\.0%", done.stdout)
    assert "places" not in done.stdout


def test_the_way_there_and_the_way_back(host: SshHost) -> None:
    done = report(host, "-r", "-c", "2", "--from", f"ssh:{NAME}", "--reverse")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"there: to {ADDRESS}" in done.stdout
    assert f"back: from {NAME} to {VIEWER}" in done.stdout
    assert "1 hop there, 1 back; 1 of 1 links are the same" in done.stdout


def test_nobody_called_by_ssh(host: SshHost) -> None:
    done = report(host, "-r", "--reverse")
    assert done.returncode == 1
    assert "SSH_CONNECTION" not in done.stderr
    assert "nobody did" in done.stderr


def test_keys_switch_the_probe_at_both_places(host: SshHost, chain: Chain) -> None:
    target = chain.target_address()
    with Tmux(host.viewer, 100, 30) as view:
        view.start(
            program.command("-n", "--no-record", "--from", f"ssh:{NAME},local", target),
            env=host.environment,
        )
        view.wait_for(rf"{re.escape(target)} +4 +0\.0 +[0-9.]+ +5 +0\.0")
        view.press("t")
        view.wait_for("TCP: 2 of 2 changed")
        view.wait_for(rf"{re.escape(target)} · TCP port 80 · (?s:.*){re.escape(target)} +4 .* 5 ")
        view.press("P")
        view.answer("443")
        view.press("Enter")
        view.wait_for("port 443: 2 of 2 changed")
        view.press("Enter")
        view.wait_for(rf"{re.escape(target)} +from {NAME}")
        view.wait_for("TCP port 443")
        view.press("q")
        view.wait_for("prompt>")
    host.wait_without(("tui_trace", "ssh -T"))
