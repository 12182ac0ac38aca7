"""A running trace is steered by lines on its standard input, on real routers."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain


class Steered:
    """A `--jsonl --commands`, its events as they come."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.events: list[dict] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def wait_for(self, **wanted: object) -> dict:
        """The first event that has these values."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for event in list(self.events):
                if wanted.items() <= event.items():
                    return event
            time.sleep(0.02)
        raise AssertionError(f"no {wanted} in {self.events[:40]}")

    def runs(self) -> list[tuple[str, int]]:
        opened = [event["settings"] for event in self.events if event["event"] == "run-opened"]
        return [(settings["protocol"], settings["port"]) for settings in opened]


@contextmanager
def steered(chain: Chain, *args: str) -> Iterator[Steered]:
    words = tui_trace_process.command("-n", "--jsonl", "--commands", "-i", "0.2", *args)
    process = chain.client.popen(words, stdin=subprocess.PIPE, env=tui_trace_process.environment())
    try:
        yield Steered(process)
    finally:
        process.kill()
        process.communicate(timeout=10)


def test_the_probe_is_switched_and_what_is_wrong_is_a_notice() -> None:
    with Chain(3) as chain, steered(chain, "-P", "53", "-u", chain.target_address()) as trace:
        trace.wait_for(event="reply", reached=True, run=1)
        trace.say('{"command": "probe", "options": "-T -P 443"}')
        trace.wait_for(event="reply", reached=True, run=2)
        trace.say("rubbish")
        trace.say('{"command": "probe", "options": "-P nothing"}')
        trace.say('{"command": "pace", "options": "-i 0.1 -m 9"}')
        trace.say('{"command": "probe", "options": "--icmp -s 100"}')
        trace.wait_for(event="reply", reached=True, run=3)
        assert trace.runs() == [("udp", 53), ("tcp", 443), ("icmp", 0)]
        paces = [each["pace"] for each in trace.events if each["event"] == "pace-set"]
        assert (paces[-1]["interval"], paces[-1]["max_ttl"]) == (100_000_000, 9)
        notices = [each["text"] for each in trace.events if each["event"] == "notice"]
        assert len(notices) >= 2
        assert all(text.startswith("command refused: ") for text in notices[:2])
        trace.say('{"command": "stop"}')
        assert trace.process.wait(10) == 0
        assert trace.wait_for(event="session-ended")


def test_the_end_of_the_input_ends_the_trace() -> None:
    with Chain(2) as chain, steered(chain, chain.target_address()) as trace:
        trace.wait_for(event="reply", reached=True)
        assert trace.process.stdin is not None
        trace.process.stdin.close()
        assert trace.process.wait(10) == 0
        trace.wait_for(event="session-ended")
        trace.process.stdin = None


def test_a_line_may_be_for_one_of_several_sessions() -> None:
    targets = ("198.18.3.2", "198.18.2.2")
    with Chain(2) as chain, steered(chain, *targets) as trace:
        for number in (1, 2):
            trace.wait_for(event="reply", reached=True, session=number)
        trace.say('{"command": "probe", "options": "-u", "session": 2}')
        trace.wait_for(event="reply", reached=True, session=2, run=2)
        trace.say('{"command": "stop", "session": 9}')
        trace.wait_for(event="notice", text="command refused: there is no session 9")
        trace.say('{"command": "stop"}')
        assert trace.process.wait(10) == 0
        opened = [each["session"] for each in trace.events if each["event"] == "run-opened"]
        assert sorted(opened) == [1, 2, 2]
