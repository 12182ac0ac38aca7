"""tui-trace itself, as a program in a namespace, and its stream of events."""

import os
import selectors
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from subprocess import PIPE, CompletedProcess
from typing import Any, TypeVar

import msgspec

from tests.helpers.closing import Closing
from tests.helpers.event_lines import read_events
from tests.helpers.network.netns import Netns
from tests.helpers.places import ROOT
from tui_trace.core import events
from tui_trace.core.events import Event, ProbeLost, ProbeSent, ProbeVoid, Reply, SessionEnded, Stamp
from tui_trace.core.settings import DEFAULT_PORT, DEFAULT_SIZE, Pace, ProbeSettings, Protocol

_home = tempfile.TemporaryDirectory(prefix="tt-home-")
_T = TypeVar("_T")


@cache
def environment() -> dict[str, str]:
    """Of a program that knows no file of the user's."""
    home = _home.name
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    places = {f"XDG_{kind}_HOME": home for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    return {**kept, **places, "HOME": home, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}


def command(*args: str) -> list[str]:
    """The command line of tui-trace."""
    return [sys.executable, "-m", "tui_trace", *args]


def program(
    space: Netns, *args: str, timeout: float = 60, check: bool = True
) -> CompletedProcess[str]:
    """Run tui-trace to its end."""
    return space.run(command(*args), timeout=timeout, check=check, env=environment())


def trace(space: Netns, *args: str, timeout: float = 60) -> list[Event]:
    """The events of a report."""
    stream = decode(program(space, "--jsonl", "-n", *args, timeout=timeout).stdout)
    assert isinstance(stream[-1], SessionEnded)
    return check_stamps(stream)


def check_stamps(stream: Sequence[Event]) -> list[Event]:
    """The same events; fails unless the kernel stamped every probe and every reply."""
    for reply in only(Reply, stream):
        stamps = reply.sent_stamp, reply.received_stamp
        assert stamps == (Stamp.KERNEL, Stamp.KERNEL), reply
        assert not reply.clock_stepped, reply
    return list(stream)


def probe_of(protocol: Protocol, **fields: Any) -> ProbeSettings:
    """Settings of this protocol with its usual port and size, and these fields."""
    usual = {"port": DEFAULT_PORT[protocol], "size": DEFAULT_SIZE[protocol]}
    return ProbeSettings(protocol=protocol, **{**usual, **fields})


def open_files(pid: int) -> int:
    """Descriptors that a process holds now."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def decode(text: str) -> list[Event]:
    """The events of JSON lines."""
    return read_events(text.splitlines())


def only(kind: type[_T], stream: Sequence[Event]) -> list[_T]:
    """The events of one type."""
    return [event for event in stream if isinstance(event, kind)]


class Outcome(msgspec.Struct):
    """What became of one probe."""

    sent: ProbeSent
    replies: list[Reply] = []
    lost: bool = False
    """Called lost, and not taken back."""
    void: bool = False

    @property
    def answer(self) -> Reply | None:
        """The first reply."""
        return self.replies[0] if self.replies else None


def outcomes(stream: Sequence[Event]) -> list[Outcome]:
    """Every probe in the order it was sent. Fails if the stream speaks of a probe never sent."""
    found: dict[int, Outcome] = {}
    for event in stream:
        match event:
            case ProbeSent():
                assert event.probe not in found
                found[event.probe] = Outcome(event)
            case Reply():
                found[event.probe].replies.append(event)
                # what the target repeats answers nothing: the probe may still be lost
                found[event.probe].lost &= event.repeat
            case ProbeLost():
                assert all(reply.repeat for reply in found[event.probe].replies)
                found[event.probe].lost = True
            case ProbeVoid() if event.probe in found:
                found[event.probe].void = True
    return list(found.values())


def hops(stream: Sequence[Event]) -> list[str | None]:
    """Who answered first at each TTL up to the target's, None for silence."""
    by_ttl: dict[int, str | None] = {}
    last = 0
    for one in outcomes(stream):
        if one.void or (one.answer is not None and one.answer.past_target):
            continue
        by_ttl.setdefault(one.sent.ttl, None)
        if one.answer is not None and by_ttl[one.sent.ttl] is None:
            by_ttl[one.sent.ttl] = one.answer.address
            last = max(last, one.sent.ttl)
    return [by_ttl.get(ttl) for ttl in range(1, last + 1)]


class Live(Closing):
    """An engine in a namespace that takes commands while it runs."""

    def __init__(
        self, space: Netns, target: str, settings: ProbeSettings, pace: Pace | None = None
    ) -> None:
        self.stream: list[Event] = []
        """All that was told up to now."""
        self.settings = settings
        self.pace = pace or Pace()
        args = [sys.executable, "-m", "tests.helpers.network.engine_process", target]
        self._process = space.popen(
            [*args, as_json(self.settings), as_json(self.pace)],
            stdin=PIPE,
            stderr=None,
            env=environment(),
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        self._rest = b""

    @property
    def open_files(self) -> int:
        """Descriptors that the engine's process holds now."""
        return open_files(self._process.pid)

    def switch(self, **fields: object) -> None:
        """Change settings of the probe."""
        self.settings = msgspec.structs.replace(self.settings, **fields)
        self._tell("switch " + as_json(self.settings))

    def set_pace(self, **fields: object) -> None:
        """Change the pace."""
        self.pace = msgspec.structs.replace(self.pace, **fields)
        self._tell("pace " + as_json(self.pace))

    def take_turns(self, *settings: ProbeSettings) -> None:
        """Settings in turns."""
        self._tell(" ".join(["turns", *map(as_json, settings)]))

    def reset(self) -> None:
        """Close the run and open another."""
        self._tell("reset")

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def _read(self, timeout: float) -> bool:
        assert self._process.stdout is not None
        if self._selector.select(timeout):
            data = os.read(self._process.stdout.fileno(), 1 << 20)
            *lines, self._rest = (self._rest + data).split(b"\n")
            self.stream += [events.decode_event(line) for line in lines]
            return bool(data)
        return True

    def _catch_up(self) -> None:
        """Read what waits in the pipe: all of it happened while nobody read."""
        for _ in range(100):
            if not self._selector.select(0) or not self._read(0):
                break

    def run_until(self, done: Callable[[list[Event]], bool], timeout: float = 20) -> list[Event]:
        """Read until the stream fulfils `done`."""
        end = time.monotonic() + timeout
        while not done(self.stream):
            left = end - time.monotonic()
            if left < 0 or not self._read(left):
                raise AssertionError(f"never happened; last events: {self.stream[-8:]}")
        return self.stream

    def run_on(self, kind: type[Event], count: int, timeout: float = 20) -> list[Event]:
        """Read until so many more events of a type have come, not counting those from before."""
        self._catch_up()
        wanted = len(only(kind, self.stream)) + count
        return self.run_until(lambda stream: len(only(kind, stream)) >= wanted, timeout)

    def run_for(self, seconds: float) -> list[Event]:
        """Read for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)
        return self.stream

    def stop(self, timeout: float = 20) -> list[Event]:
        """Ask it to end; all its events."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        end = time.monotonic() + timeout
        while self._read(max(0.0, end - time.monotonic())) and time.monotonic() < end:
            pass
        code = self._process.wait(5)
        assert code == 0, f"the engine ended with {code}"
        assert isinstance(self.stream[-1], SessionEnded)
        return check_stamps(self.stream)

    def close(self) -> None:
        """Give everything back."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(5)
        self._selector.close()


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
