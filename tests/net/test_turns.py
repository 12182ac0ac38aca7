"""Two settings in turns and a visit of more flows, on the wire and in the view."""

from itertools import groupby, pairwise
from pathlib import Path

from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture, probes
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.params import FAMILIES, OPEN_PORT
from tests.helpers.network.terminals import Tmux
from tui_trace.core.events import Event, ProbeLost, RoundBegan, RunOpened
from tui_trace.core.settings import NS_PER_MS, Pace, Protocol
from tui_trace.session.compare import compare_runs
from tui_trace.session.comparison_text import describe_comparison
from tui_trace.session.fold import Session

ICMP = tui_trace_process.probe_of(Protocol.ICMP)
TCP = tui_trace_process.probe_of(Protocol.TCP, port=OPEN_PORT)
INTERVAL = 100 * NS_PER_MS


def folded(stream: list[Event]) -> Session:
    session = Session()
    for event in stream:
        session.apply(event)
    return session


@FAMILIES
def test_rounds_of_both_alternate_on_the_wire_and_lose_nothing(family: int) -> None:
    with Chain(4) as chain:
        listen(chain.target, OPEN_PORT)
        target = chain.target_address(family)
        with Capture(chain.client, DOWN) as capture:
            with tui_trace_process.Live(
                chain.client, target, ICMP, Pace(interval=INTERVAL)
            ) as live:
                live.run_on(RoundBegan, 3)
                live.take_turns(ICMP, TCP)
                live.run_on(RoundBegan, 23)
                stream = live.stop()
            seen = probes(capture.stop(), chain.source_address(family), target)
        assert tui_trace_process.only(ProbeLost, stream) == []
        opened = tui_trace_process.only(RunOpened, stream)
        assert [(e.run, e.turns_with) for e in opened] == [(1, ()), (2, (3,)), (3, (2,))]
        # from the second round of both on, each round is one of 5 probes, TTL 1 to 5
        sent = [one for one in seen if one.packet.ttl <= 5]
        swept = [list(group) for _, group in groupby(sent, lambda one: one.packet.protocol)]
        later = swept[3:-1]
        assert len(later) >= 12
        assert all([one.packet.ttl for one in sweep] == [1, 2, 3, 4, 5] for sweep in later)
        starts = [sweep[0].wall for sweep in later]
        gaps = [(b - a) / INTERVAL for a, b in pairwise(starts)]
        assert 0.8 < sorted(gaps)[len(gaps) // 2] < 1.2
        session = folded(stream)
        runs = [session.run(2), session.run(3)]
        assert abs(runs[0].rounds - runs[1].rounds) <= 1
        assert describe_comparison(compare_runs(runs)).endswith(", measured in turns")


def test_in_the_view_b_compares_what_takes_turns(tmp_path: Path) -> None:
    env = {**tui_trace_process.environment(), "XDG_STATE_HOME": str(tmp_path)}
    with Chain(3) as chain, Tmux(chain.client, columns=120) as tmux:
        listen(chain.target, OPEN_PORT)
        target = chain.target_address(4)
        tmux.start(tui_trace_process.command("-n", "-i", "0.2", target), env)
        tmux.wait_for("ICMP echo")
        tmux.press("b")
        tmux.wait_for("change one first")
        tmux.press("u")
        tmux.wait_for(r"run 2 \(UDP")
        tmux.press("b")
        tmux.wait_for(r"run 3  ICMP, \d+ rounds +run 4  UDP \d+, \d+ rounds")
        tmux.wait_for("in turns")
        tmux.press("Escape")
        tmux.wait_for(r"run 4 \(UDP port \d+\) in turns with run 3")
        tmux.press("N")
        tmux.wait_for("Pinned to 0:")
        tmux.answer("the provider was called")
        tmux.press("Enter")
        tmux.wait_for("noted at 0:")
        tmux.press("b")
        tmux.wait_for("stopped alternating")
        tmux.wait_for(r"run 2 \(UDP")
        tmux.press("q")
        tmux.wait_for("Note 20.*: the provider was called")
