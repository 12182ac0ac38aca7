"""Several probers to one target at once: no reply is credited to another's probe."""

import statistics

from tests.net import ours
from tests.net.capture import Capture
from tests.net.chain import DOWN, Chain
from tests.net.faults import Dropping, listen
from tests.net.wire import by_ttl, exchanges
from tests.net.words import MTR_OPTION, OPEN_PORT, OPTION, TURNS
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
                    ours.command(*options, "-Q", str(tos), target), env=ours.environment()
                )
                for tos in TOS
            ]
            streams = [
                ours.check_stamps(ours.decode(process.communicate(timeout=30)[0].decode()))
                for process in running
            ]
            theirs.communicate(timeout=30)
            found = exchanges(capture.stop(), source, target)
        assert sum(one.sent.packet.tos not in TOS for one in found) > 20, (
            "mtr did not run beside us"
        )
        for tos, stream in zip(TOS, streams, strict=True):
            told: dict[int, list[ours.Outcome]] = {}
            for one in ours.outcomes(stream):
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
