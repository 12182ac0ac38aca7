"""Many targets in one process, behind real Linux routers."""

import itertools
import json
import re

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.terminals import Tmux
from tests.helpers.network.tree_network import TreeNetwork


def run(network, *args: str, timeout: float = 60, stdin: str | None = None):
    return network.client.run(
        tui_trace_process.command("-n", *args),
        check=False,
        timeout=timeout,
        env=tui_trace_process.environment(),
        stdin=stdin,
    )


@pytest.mark.parametrize(
    "options", [(), ("-u",), ("-T", "-P", "81"), ("-u", "--unprivileged")], ids=" ".join
)
def test_each_target_is_traced_as_if_it_were_alone(options: tuple[str, ...]) -> None:
    """Two families at once; each report is what one target gives."""
    with Chain(4) as chain:
        targets = [chain.target_address(4), chain.target_address(6), chain.target_address(4)]
        done = run(chain, *options, "-j", "-c", "4", "-i", "0.3", *targets)
        assert (done.returncode, done.stderr.count("\n")) == (0, "--unprivileged" in options)
        together = json.loads(done.stdout)
        for target, one in zip(targets, together, strict=True):
            alone = json.loads(run(chain, *options, "-j", "-c", "4", "-i", "0.3", target).stdout)
            assert one["report"]["mtr"]["dst"] == target
            keys = ("count", "host", "Loss%", "Snt", "addresses", "late", "duplicates", "reached")
            mine, theirs = (
                [{key: hub[key] for key in keys} for hub in report["report"]["hubs"]]
                for report in (one, alone)
            )
            assert mine == theirs
            assert one["report"]["tui_trace"]["foreign"] == 0


def test_twenty_targets_are_probed_without_a_false_loss() -> None:
    with TreeNetwork() as network:
        targets = [each for host in network.targets().values() for each in host]
        done = run(network, "-j", "-c", "10", "-i", "0.5", *targets)
        reports = json.loads(done.stdout)
        assert [report["report"]["mtr"]["dst"] for report in reports] == targets
        for report in reports:
            hubs = report["report"]["hubs"]
            assert [hub["Loss%"] for hub in hubs] == [0.0] * 4
            assert hubs[-1]["reached"]


def test_a_report_ends_with_where_the_suffering_paths_meet() -> None:
    with TreeNetwork() as network:
        network.lose("core1", 40)
        targets = [each for host in network.targets().values() for each in host]
        done = run(network, "-r", "-c", "60", "-i", "0.1", *targets)
        said = done.stdout.splitlines()[-1]
        assert said.endswith(f"go by {network.address('core1')} (hop 2)")
        assert " targets suffer; all, and none of the " in said


STATEFUL = """table inet stateful {
 chain out { type filter hook output priority 0; ct state new,established,related accept; }
 chain in { type filter hook input priority 0; ct state invalid drop; }
 chain on { type filter hook forward priority 0; ct state invalid drop; }
}
"""


@pytest.mark.parametrize("options", [(), ("-u",), ("-T", "-P", "81")], ids=["icmp", "udp", "tcp"])
def test_connection_trackers_and_default_limits_make_no_false_loss(options) -> None:
    """A firewall on this machine and one at the first router; all routers limit their errors."""
    with TreeNetwork() as network:
        for name in ("client", "in"):
            network.spaces[name].nft(STATEFUL)
        network.limit()
        targets = [each for host in network.targets().values() for each in host]
        done = run(network, *options, "-j", "-c", "12", "-i", "1", *targets)
        for report in json.loads(done.stdout):
            target = report["report"]["hubs"][-1]
            assert (target["count"], target["Loss%"], target["reached"]) == (4, 0.0, True)
            assert not any(one["harm"] for one in report["report"]["episodes"])


def test_rounds_of_many_targets_are_spread_over_the_interval() -> None:
    with TreeNetwork() as network:
        targets = [each for host in network.targets().values() for each in host]
        done = run(network, "--jsonl", "-c", "1", "-i", "2", *targets)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        began = [line["wall"] for line in lines if line["event"] == "session-began"]
        assert len(began) == 20
        gaps = [later - sooner for sooner, later in itertools.pairwise(began)]
        assert all(gap > 30e6 for gap in gaps), "2 s over 20 targets are 100 ms"


def test_a_file_of_targets_has_options_of_its_own(tmp_path) -> None:
    with Chain(3) as chain:
        file = tmp_path / "targets"
        target = chain.target_address(4)
        file.write_text(
            f"# what we look after\n{target}\n\n{target} -T -P 81  # a closed port\n"
            f"{chain.target_address(6)} --icmp -s 100\n"
        )
        done = run(chain, "-u", "-j", "-c", "2", "-i", "0.3", "--targets", str(file))
        probes = [each["report"]["tui_trace"]["probe"] for each in json.loads(done.stdout)]
        assert [(one["protocol"], one["port"]) for one in probes] == [
            ("udp", 33434),
            ("tcp", 81),
            ("icmp", 0),
        ]
        assert probes[2]["size"] == 100
        for text, why in (
            ("a b\n", "line 1: "),
            ("ok\n--port 1\n", "line 2: "),
            ("x -P 99999\n", "line 1: "),
            ("x --protocol gre\n", "line 1: --protocol"),
            ("x --mtu\n", "line 1: --mtu cannot be one target's own"),
            ("'\n", "line 1: "),
            ("", "names no target"),
        ):
            file.write_text(text)
            wrong = run(chain, "-r", "--targets", str(file))
            assert wrong.returncode in (1, 2)
            assert why in wrong.stderr
            assert wrong.stderr.count("\n") == 1
        missing = run(chain, "-r", "--targets", str(tmp_path / "none"))
        assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)


def test_what_cannot_be_probed_is_one_line_and_stops_nothing() -> None:
    with Chain(3) as chain:
        target = chain.target_address(4)
        done = run(chain, "-r", "-c", "1", target, "no.such.host.invalid", "224.0.0.1")
        assert done.returncode == 1
        assert [line.partition(": ")[2].split()[0] for line in done.stderr.splitlines()] == [
            "unknown",
            "224.0.0.1",
        ]
        assert f"{target} " in done.stdout


def test_each_address_of_a_name_is_a_target() -> None:
    with Chain(3) as chain:
        addresses = [chain.target_address(4), chain.target_address(6)]
        chain.client.etc("hosts", "".join(f"{each} both.example\n" for each in addresses))
        done = run(chain, "-j", "-c", "1", "--resolve-all", "both.example")
        reports = [each["report"]["tui_trace"]["address"] for each in json.loads(done.stdout)]
        assert sorted(reports) == sorted(addresses)


def test_another_target_takes_the_place_of_one_and_the_others_go_on() -> None:
    with Chain(4) as chain, Tmux(chain.client, 100, 30) as terminal:
        first, second = chain.target_address(4), chain.target_address(6)
        words = ("-n", "--no-record", "-i", "0.2", first, second)
        terminal.start(tui_trace_process.command(*words), tui_trace_process.environment())
        terminal.wait_for("2 are fine", timeout=30)
        terminal.press("Enter")
        terminal.wait_for("● live")
        terminal.press("/")
        terminal.wait_for("New target")
        terminal.press("C-u")
        terminal.write(chain.hop(3))
        terminal.press("Enter")
        terminal.wait_for(f"^ {re.escape(chain.hop(3))} .*ICMP")
        terminal.press("T")
        screen = terminal.wait_for("2 are fine", timeout=30)
        assert chain.hop(3) in screen
        assert second in screen
        assert first not in screen
        terminal.press("Escape")
        terminal.wait_for("● live")
        terminal.press("q")
        terminal.wait_for("prompt>")


@pytest.mark.parametrize("bad", ["core1", "acc0-1"])
def test_where_the_suffering_paths_meet_is_said(bad: str) -> None:
    with TreeNetwork() as network, Tmux(network.client, 120, 30) as terminal:
        network.lose(bad, 30)
        targets = [each for host in network.targets().values() for each in host]
        words = ("-n", "--no-record", "-i", "0.2", *targets)
        terminal.start(tui_trace_process.command(*words), tui_trace_process.environment())
        suffering, hop = (10, 2) if bad == "core1" else (5, 3)
        meeting = (
            f"{suffering} of 20 targets suffer; all, and none of the {20 - suffering} others,"
            f" go by {network.address(bad)} (hop {hop})"
        )
        terminal.wait_for(re.escape(meeting), timeout=60)
        terminal.press("Enter")
        terminal.wait_for("live")
        terminal.press("q")
        terminal.wait_for("prompt>")
