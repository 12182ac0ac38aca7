"""Finds the path MTU beside the rounds of the runs, in a run of its own."""

import errno
from collections.abc import Callable
from typing import TypeAlias

from msgspec.structs import replace

from tui_trace.core.events import MtuSearchEnd, MtuSource, PathMtuFound
from tui_trace.core.settings import FlowMode, Pace, ProbeIdField, ProbeSettings, minimum_size
from tui_trace.core.stream import FindPathMtu, StopPathMtu
from tui_trace.engine.event_emitter import EventEmitter
from tui_trace.engine.first_sweep import ScheduledProbe
from tui_trace.engine.mtu_search import MtuSearch, SizedProbe
from tui_trace.engine.run_scheduler import RunScheduler
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.wire.network import Network, SendError

USUAL_MTU = 1500
"""Bytes; of an interface whose own is not known."""
_BURST = 4
"""Probes sent before the rounds get their turn."""

SendSized: TypeAlias = Callable[[EngineRun, ScheduledProbe, int, int], None]
"""Sends a probe of a run now (monotonic ns) with so many bytes, or raises `SendError`."""


class MtuProber:
    """Sends what a search says. There is at most one search at a time."""

    def __init__(
        self,
        runs: RunScheduler,
        emitter: EventEmitter,
        network: Network[RunProbe],
        send: SendSized,
        failed: Callable[[EngineRun, int, SendError], None],
    ) -> None:
        """`failed` is told of what could not be sent, by its run and TTL."""
        self._runs = runs
        self._emitter = emitter
        self._network = network
        self._send = send
        self._failed = failed
        self._run: EngineRun | None = None
        self._search: MtuSearch | None = None
        self._is_of_interface = False
        """The largest size is the MTU of the interface, rather than what was asked for."""

    @property
    def is_searching(self) -> bool:
        """Return whether the path MTU is being looked for."""
        return self._search is not None

    @property
    def is_patient(self) -> bool:
        """Return whether the rounds should leave more replies to the search."""
        return self._search is not None and self._search.is_patient

    def obey(self, command: FindPathMtu | StopPathMtu, pace: Pace) -> None:
        """Begin or end a search, as a command says; ends one under way. `SendError`."""
        self.stop()
        if isinstance(command, StopPathMtu):
            return
        family = self._network.family
        settings = _searched(command.settings, family)
        try:
            mtu = self._network.egress(settings).mtu or USUAL_MTU
        except SendError as error:
            if error.errno not in (errno.EPERM, errno.EACCES):
                raise
            self._emitter.notice(f"path MTU: {error.reason}")
            return
        largest = mtu if command.largest is None else min(mtu, command.largest)
        smallest = settings.size
        distance = self._runs.known_distance()
        search = MtuSearch(
            family=family,
            smallest=smallest,
            largest=max(largest, smallest),
            first_ttl=min(pace.first_ttl, distance or pace.max_ttl),
            last_ttl=distance or self._runs.current.last_ttl(pace),
        )
        largest_settings = replace(settings, size=max(largest, smallest))
        self._run = self._runs.open_beside(largest_settings, mtu_search=search)
        self._search = search
        self._is_of_interface = largest == mtu

    def stop(self) -> None:
        """End the search under way."""
        if self._search is not None:
            self._search.stop()
            self._check_end()

    def next_due(self, now: int) -> int | None:
        """Return when (monotonic ns) the next probe may leave; None: not before a reply."""
        if self._search is None:
            return None
        # that it is over is told in `send_due`
        return now if self._search.end is not None else self._search.next_due(now)

    def send_due(self, clock: Callable[[], int]) -> None:
        """Send what is due; `clock` is monotonic, in ns."""
        for _ in range(_BURST):
            search, run, now = self._search, self._run, clock()
            if search is None or run is None:
                return
            probe = search.pop(now)
            if probe is None:
                break
            self._send_sized(search, run, probe, now)
        self._check_end()

    def _send_sized(self, search: MtuSearch, run: EngineRun, probe: SizedProbe, now: int) -> None:
        try:
            self._send(run, ScheduledProbe(now, probe.ttl, 0), now, probe.size)
        except SendError as error:
            if error.errno == errno.EMSGSIZE:
                search.on_too_large(probe, error.mtu)
            else:
                self._failed(run, probe.ttl, error)
                search.on_void(probe, now)

    def _check_end(self) -> None:
        search, run = self._search, self._run
        if search is None or run is None or search.end is None:
            return
        self._search = self._run = None
        self._emitter.path_mtu_found(self._found(search, search.end, run.number))

    def _found(self, search: MtuSearch, end: MtuSearchEnd, run: int) -> PathMtuFound:
        found = PathMtuFound(at=0, run=run, reason=end, last_ttl=search.last_ttl)
        found = replace(found, reached=search.reached)
        if end not in (MtuSearchEnd.COMPLETE, MtuSearchEnd.ALL_LARGE):
            return found
        limit = search.limit
        if limit is None or limit is MtuSource.INTERFACE:
            here = MtuSource.INTERFACE if limit or self._is_of_interface else None
            return replace(found, mtu=search.low, limit=here)
        has_place = end is MtuSearchEnd.COMPLETE
        near, far = (search.near_ttl, search.far_ttl) if has_place else (0, 0)
        return replace(
            found,
            mtu=search.low,
            limit=limit,
            near_ttl=near,
            near_address=search.hops.get(near, ""),
            far_ttl=far,
            far_address=search.hops.get(far, ""),
            refused_by=search.refused_by,
        )


def _searched(settings: ProbeSettings, family: int) -> ProbeSettings:
    """Return settings of the smallest probes of a search: one flow, and DF set."""
    return replace(
        settings,
        df=True,
        size=minimum_size(settings.protocol, family),
        flow=FlowMode.CONSTANT,
        flows=1,
        track=ProbeIdField.SEQUENCE,
    )
