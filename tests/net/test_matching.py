"""Several probers to one target at once: no reply is credited to another's probe."""

import statistics

from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture
from tests.helpers.network.capture_rtt import by_ttl, exchanges
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.fault_injection import Dropping, listen
from tests.helpers.network.params import MTR_OPTION, OPEN_PORT, OPTION, TURNS
from tui_trace.core.settings import NS_PER_MS, Protocol

# told apart in the capture by what they have no use for otherwise
TOS = (0x04, 0x08)


@TURNS
def test_two_of_us_and_mtr_at_once(protocol: Protocol, family: int) -> None:
    with Chain(3) as chain:
        listen(chain.target, OPEN_PORT)
        target, source = chain.target_address(family), chain.source_address(family)
        # what is lost to one must not be answered by what the others get
        Dropping(chain.router(1), target, 30)
        with Capture(chain.client, DOWN) as capture:
            theirs = chain.client.popen(
                ["mtr", "-l", "-n", "-i0.1", "-c25", "-G1", *MTR_OPTION[protocol], target]
            )
            options = ("-i0.05", "-c40", "-Z0.3", "-n", "--jsonl", *OPTION[protocol])
            running = [
                chain.client.popen(
                    tui_trace_process.command(*options, "-Q", str(tos), target),
                    env=tui_trace_process.environment(),
                )
                for tos in TOS
            ]
            streams = [
                tui_trace_process.check_stamps(
                    tui_trace_process.decode(process.communicate(timeout=30)[0].decode())
                )
                for process in running
            ]
            theirs.communicate(timeout=30)
            found = exchanges(capture.stop(), source, target)
        assert sum(one.sent.packet.tos not in TOS for one in found) > 20, (
            "mtr did not run beside us"
        )
        for tos, stream in zip(TOS, streams, strict=True):
            told: dict[int, list[tui_trace_process.Outcome]] = {}
            for one in tui_trace_process.outcomes(stream):
                told.setdefault(one.sent.ttl, []).append(one)
            seen = by_ttl([one for one in found if one.sent.packet.tos == tos])
            assert {ttl: len(all_) for ttl, all_ in told.items()} == {
                ttl: len(all_) for ttl, all_ in seen.items()
            }
            errors = []
            for ttl, probes in told.items():
                for one, wire in zip(probes, seen[ttl], strict=True):
                    assert (one.answer is None) == (wire.answer is None), (one, wire)
                    if one.answer is not None and wire.rtt is not None:
                        errors.append(abs(one.answer.rtt - wire.rtt))
            assert statistics.median(errors) < 0.1 * NS_PER_MS
            assert sum(one.lost for all_ in told.values() for one in all_) > 10
