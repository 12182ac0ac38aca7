"""The loop that probes: it sends what is due, hands on what comes back, and sleeps in between.

One thread serves all targets of a process. Whose turn is next is known by a heap of what is due.
"""

import heapq
import itertools
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol

from tui_trace.core.settings import NS_PER_MS
from tui_trace.core.stream import Sink
from tui_trace.engine.run_state import RunProbe
from tui_trace.wire.network import Network, Received
from tui_trace.wire.network_group import NetworkGroup

TICK = 5 * NS_PER_MS
"""At a fast pace, so much time passes before probes are sent and replies are read again."""
_LONGEST_WORK = 4 * TICK
"""So much time passes at most before replies are read again, however much is due: on a busy machine
they would come in faster than they are read, and count as lost."""
_LOOK_AT_PACE = 100 * NS_PER_MS
STALLED = 500 * NS_PER_MS
"""If the loop was to run and did not for so long, the process was stopped, or starved."""


class Probing(Protocol):
    """One target's part of the loop. Times are monotonic ns."""

    network: Network[RunProbe]

    @property
    def is_over(self) -> bool:
        """Return whether there is nothing more to do."""
        ...

    @property
    def step(self) -> int:
        """Return the time between two probes of its schedule; 0: there is none."""
        ...

    def begin(self, sink: Sink) -> None:
        """Open the network and emit the first events; `SourceError` if no probe can leave."""
        ...

    def send_due(self) -> None:
        """Obey commands, and send what is due."""
        ...

    def wake_at(self, now: int) -> int:
        """Return when something is to be done next; not later than `now` if it is over."""
        ...

    def take(self, received: Received[RunProbe]) -> None:
        """Handle replies, and tell the sink what time it is."""
        ...

    def pass_time(self, read_at: int) -> None:
        """Find what is lost, and tell the sink what time it is.

        Replies were read last at `read_at`: a probe whose wait ended later may have been answered.
        """
        ...

    def on_stall(self, began: int, ended: int) -> None:
        """Learn that this thread did not run in between."""
        ...

    def end(self) -> None:
        """Emit the last events."""
        ...

    def call_when_asked(self, wake: Callable[[], None]) -> None:
        """Have `wake` called, from any thread, for each command and when it is to end."""
        ...


class _Member:
    """A target that is being probed, or waits for its beginning."""

    def __init__(self, probing: Probing, sink: Sink) -> None:
        self.probing = probing
        self.sink = sink
        self.has_begun = False
        self.due = 0
        self.failure: BaseException | None = None
        self.over = threading.Event()


class ProbingLoop:
    """Probes any number of targets, until each of them is over.

    What breaks one target ends that one: it is raised where it was asked for.
    """

    def __init__(self) -> None:
        """Begin without a target."""
        self._order = itertools.count()
        self._due: list[tuple[int, int, _Member]] = []
        self._members: list[_Member] = []
        self._member_of: dict[Network[RunProbe], _Member] = {}
        self._networks: NetworkGroup[RunProbe] = NetworkGroup()
        self._joining: queue.SimpleQueue[tuple[_Member, int]] = queue.SimpleQueue()
        self._asked: queue.SimpleQueue[_Member] = queue.SimpleQueue()
        self._is_fast = False
        self._next_look = 0
        self._read_at = 0
        """When replies were read last: what came later may still wait to be read."""
        self._ran_at: int | None = None
        """When this thread certainly ran last."""
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def probe_alone(self, probing: Probing, sink: Sink) -> None:
        """Probe one target in this thread until it is over; `SourceError`."""
        member = _Member(probing, sink)
        self._join(member, 0)
        try:
            while self._members:
                self._turn()
        finally:
            self._leave(member)
        if member.failure is not None:
            raise member.failure

    def probe(self, probing: Probing, sink: Sink, delay: int) -> None:
        """Probe one target beside others, in the loop's thread; wait until it is over.

        It begins after `delay` ns. The sink is called by the loop's thread. `SourceError`.
        """
        member = _Member(probing, sink)
        with self._lock:
            self._joining.put((member, delay))
            self._networks.wake()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="probing", daemon=True)
                self._thread.start()
        member.over.wait()
        if member.failure is not None:
            raise member.failure

    def _run(self) -> None:
        try:
            self._probe_all()
        except BaseException as error:
            # nobody may wait for ever for a thread that is gone
            with self._lock:
                self._thread = None
                while not self._joining.empty():
                    self._join(*self._joining.get())
            for member in list(self._members):
                member.failure = error
                self._leave(member)

    def _probe_all(self) -> None:
        while True:
            with self._lock:
                if not self._members and self._joining.empty():
                    self._thread = self._ran_at = None
                    return
            while not self._joining.empty():
                self._join(*self._joining.get())
            self._turn()

    def _join(self, member: _Member, delay: int) -> None:
        def wake() -> None:
            self._asked.put(member)
            network.wake()

        network = member.probing.network
        member.probing.call_when_asked(wake)
        self._members.append(member)
        self._member_of[network] = member
        self._put_off(member, network.monotonic() + delay)

    def _put_off(self, member: _Member, due: int) -> None:
        member.due = due
        heapq.heappush(self._due, (due, next(self._order), member))

    def _turn(self) -> None:
        """Do what is due, wait for what comes, and hand it on."""
        clock = self._members[0].probing.network.monotonic
        now = clock()
        self._watch_for_stall(now, 0)
        while not self._asked.empty():
            asked = self._asked.get()
            if not asked.over.is_set() and asked.due > now:
                self._put_off(asked, now)
        began = now
        while self._due and self._due[0][0] <= began and now - began < _LONGEST_WORK:
            due, _, member = heapq.heappop(self._due)
            if due == member.due and not member.over.is_set():
                self._work(member)
                now = clock()
                self._watch_for_stall(now, 0)
        if not self._members:
            return
        self._look_at_pace(now)
        timeout = max(0, min(self._due[0][0], now + _LOOK_AT_PACE) - now)
        waits_a_tick = self._is_fast and 0 < timeout <= TICK
        timeout = TICK if waits_a_tick else timeout
        coming = self._networks.receive(timeout, wake_on_reply=not waits_a_tick)
        now = clock()
        if not self._watch_for_stall(now, timeout):
            # else it may have been between the reading and now: then what came meanwhile waits
            self._read_at = now
        for network, received in coming:
            if network in self._member_of:
                self._hand_on(self._member_of[network], received, now)

    def _watch_for_stall(self, now: int, expected: int) -> bool:
        """Tell the targets if much more time than expected (ns) has passed; return whether so."""
        before, self._ran_at = self._ran_at, now
        stalled = before is not None and now - before - expected >= STALLED
        if stalled and before is not None:
            for member in list(self._members):
                if member.has_begun:
                    self._try(member, partial(member.probing.on_stall, before, now))
        return stalled

    def _try(self, member: _Member, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._fail(member, error)

    def _hand_on(self, member: _Member, received: Received[RunProbe], now: int) -> None:
        try:
            member.probing.take(received)
            due = member.probing.wake_at(now)
        except BaseException as error:
            self._fail(member, error)
            return
        if due < member.due:
            self._put_off(member, due)

    def _work(self, member: _Member) -> None:
        """Give a member its turn, and find out when the next one is."""
        probing = member.probing
        try:
            if not member.has_begun:
                member.has_begun = True
                self._networks.add(probing.network)
                probing.begin(member.sink)
                self._ran_at = probing.network.monotonic()
            else:
                probing.pass_time(self._read_at)
            if probing.is_over:
                probing.end()
                self._leave(member)
                return
            probing.send_due()
            self._put_off(member, probing.wake_at(probing.network.monotonic()))
        except BaseException as error:
            self._fail(member, error)

    def _fail(self, member: _Member, error: BaseException) -> None:
        """End the member that an error comes from."""
        member.failure = error
        self._leave(member)

    def _leave(self, member: _Member) -> None:
        """Take a member out, once."""
        if member not in self._members:
            return
        network = member.probing.network
        self._members.remove(member)
        del self._member_of[network]
        self._networks.remove(network)
        try:
            network.close()
        finally:
            member.over.set()

    def _look_at_pace(self, now: int) -> None:
        if now >= self._next_look:
            self._next_look = now + _LOOK_AT_PACE
            begun = [each.probing for each in self._members if each.has_begun]
            rate = sum(1 / step for probing in begun if (step := probing.step) > 0)
            self._is_fast = rate * TICK > 1
