"""Metrics of the program itself, read over HTTP while it traces."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.helpers.lab.lab_trace import alone
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.netns import Netns
from tests.helpers.network.terminals import Tmux

PLACE = "127.0.0.1:9100"
_ASK = (
    "import sys, urllib.request as u;"
    "sys.stdout.write(u.urlopen(u.Request(sys.argv[1], headers="
    "{'Accept': 'application/openmetrics-text'}), timeout=10).read().decode())"
)


def ask(space: Netns, path: str = "/metrics") -> str:
    """The page, or nothing while nobody serves it."""
    return space.run([sys.executable, "-c", _ASK, f"http://{PLACE}{path}"], check=False).stdout


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def hops(text: str) -> dict[str, float]:
    """By target."""
    told = samples(text) if text else ()
    return {labels["target"]: value for name, labels, value in told if name == "tui_trace_hops"}


def wait_for_hops(space: Netns, wanted: dict[str, float]) -> str:
    end = time.monotonic() + 30
    text = ""
    while hops(text) != wanted and time.monotonic() < end:
        text = ask(space)
    assert hops(text) == wanted
    return text


def test_several_targets_are_read_while_they_are_traced(plain: Chain) -> None:
    space, far, near = plain.client, plain.target_address(4), plain.hop(3, 4)
    words = ("--jsonl", "-n", "--metrics", PLACE, "-c", "60", far, near)
    process = space.popen(
        tui_trace_process.command(*words),
        env=tui_trace_process.environment(),
        stdout=subprocess.DEVNULL,
    )
    try:
        text = wait_for_hops(space, {far: plain.length, near: 3})
        answers = {
            (labels["ttl"], labels["address"]): value
            for name, labels, value in samples(text)
            if name == "tui_trace_replies_total" and labels["target"] == far
        }
        assert answers.keys() == {
            *((str(ttl), plain.hop(ttl, 4)) for ttl in range(1, plain.length)),
            (str(plain.length), far),
        }
        assert all(value >= 1 for value in answers.values())
        assert not any(
            value for name, _, value in samples(text) if name.startswith("tui_trace_user_stamped")
        )
        assert ask(space, "/healthz") == "ok\n"
        other = tui_trace_process.program(space, "-r", "--metrics", PLACE, far, check=False)
        line = f"tui-trace: --metrics {PLACE}: Address already in use\n"
        assert (other.returncode, other.stdout, other.stderr) == (1, "", line)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert ask(space) == ""
    finally:
        process.kill()
        process.communicate()


def test_the_live_view_goes_on_with_metrics(plain: Chain) -> None:
    space, target = plain.client, plain.target_address(4)
    with Tmux(space, columns=140) as tmux:
        tmux.start(
            tui_trace_process.command("-n", "--no-record", "--metrics", "9100", target),
            tui_trace_process.environment(),
        )
        tmux.wait_for("● live")
        wait_for_hops(space, {target: plain.length})
        tmux.press("q")
        tmux.wait_for("prompt> *$")


@pytest.mark.slow
def test_a_lab_can_be_read_from_outside() -> None:
    words = ["--lab", "plain", "--jsonl", "-n", "--metrics", PLACE, "-c", "30"]
    script = (
        'ip link set lo up; "$@" >/dev/null & for _ in $(seq 100); do'
        f' {sys.executable} -c "{_ASK}" http://{PLACE}/metrics 2>/dev/null |'
        " grep -q '^tui_trace_hops.* 12' && break; done; kill $!; wait $!; echo $?"
    )
    done = subprocess.run(
        [*alone(), "bash", "-c", script, "-", *tui_trace_process.command(*words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=tui_trace_process.environment(),
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
