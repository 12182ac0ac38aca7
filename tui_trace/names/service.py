"""The thread that looks up names, AS numbers and owners, and reports them as events."""

import asyncio
import concurrent.futures
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from tui_trace.core.events import Event, Notice, RegistryRecord
from tui_trace.core.sanitize import LIMIT, sanitize
from tui_trace.names import addresses
from tui_trace.names.addresses import Address
from tui_trace.names.cache import NameCache, NameEvent
from tui_trace.names.name_options import NameOptions

if TYPE_CHECKING:  # DNS and whois are imported by the thread, when it starts
    from tui_trace.names.lookup_plan import Lookup, LookupPlan

DEADLINE = 3.0
"""Seconds for a lookup with all its queries."""
MAX_DNS_LOOKUPS = 32
"""DNS lookups at the same time."""
MAX_WHOIS_LOOKUPS = 4
REGISTRY_DEADLINE = 15.0
"""Seconds for the lookup in a registry."""
RETRY_AFTER = 60.0
"""Seconds until a lookup without an answer is repeated, and the shortest time of a result."""
MAX_TTL = {True: 24 * 3600.0, False: 3600.0}
"""Longest time in seconds that a result is valid, by whether there is one (RFC 2308 §5)."""
SAVE_INTERVAL = 60.0
MAX_ADDRESSES = 4096
"""Largest number of addresses that are looked up in a session."""

_Key: TypeAlias = tuple[type[Event], str]
_Found = TypeVar("_Found", bound=msgspec.Struct)


class Names:
    """Looks up host names, AS numbers and owners of addresses, in a thread of its own.

    `want`, `change`, `record` and `settle` may be called from any thread, also before `start` and
    after `stop`.
    """

    def __init__(self, tell: Callable[[Event], None], options: NameOptions) -> None:
        """Call `tell` with each event in this object's thread; the `at` of the events is 0."""
        self._tell = tell
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._called = asyncio.Event()
        self._inbox: deque[Callable[[], None]] = deque()
        self._due: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="names", daemon=True)
        self._stopping = False
        self._hurried = False
        # the attributes below are used only by the thread
        self._expires: dict[_Key, float] = {}
        self._emitted: dict[_Key, NameEvent] = {}
        self._noticed: set[str] = set()
        self._tasks: dict[_Key, asyncio.Task[None]] = {}
        self._waiting: list[concurrent.futures.Future[bool]] = []
        self._slots = {
            "dns": asyncio.Semaphore(MAX_DNS_LOOKUPS),
            "whois": asyncio.Semaphore(MAX_WHOIS_LOOKUPS),
        }
        self._cache: NameCache
        self._plan: LookupPlan

    def start(self) -> None:
        """Start the thread, which begins with the lookups."""
        self._thread.start()

    def want(self, address: str) -> None:
        """Look up this address if it is new or its results have expired.

        May be called for every reply: usually it costs one look into a dict.
        """
        due = self._due.get(address)
        if due is None and len(self._due) >= MAX_ADDRESSES:
            return
        if due is None or due <= time.monotonic():
            self._due[address] = math.inf
            self._post(partial(self._start_lookups, address))

    def change(self, options: NameOptions) -> None:
        """Use these options from now on, also for addresses that are known already.

        `server` and `cache` do not change.
        """
        self._post(partial(self._change, options))

    def record(self, address: str) -> None:
        """Look up the address in its registry; one `RegistryRecord` always follows."""
        self._post(partial(self._start_record_lookup, address))

    def settle(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for all lookups; return False if one still runs.

        If it returns True, `tell` has been called with all their events.
        """
        if self._stopping or self._hurried:
            return False
        idle: concurrent.futures.Future[bool] = concurrent.futures.Future()
        self._post(partial(self._add_waiting, idle))
        try:
            return idle.result(timeout)
        except TimeoutError:
            return False

    def hurry(self) -> None:
        """Make `settle` return at once from now on, also in a thread that waits already."""
        self._hurried = True
        self._post(self._release_waiting)

    def stop(self, timeout: float = 1.0) -> None:
        """Cancel all lookups and save the cache; wait at most `timeout` seconds for that."""
        self._stopping = True
        if self._thread.ident is None:
            self._loop.close()
            return
        self._post(lambda: None)
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _post(self, call: Callable[[], None]) -> None:
        self._inbox.append(call)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._called.set)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except Exception as error:
            self._notice(f"no names: {type(error).__name__}: {error}")

    def _unexpected(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Report once, as a notice, what asyncio would write to standard error over the view."""
        if "asyncio" in self._noticed:
            return
        self._noticed.add("asyncio")
        self._notice(f"names: {context.get('exception') or context['message']}")

    def _notice(self, text: str) -> None:
        self._tell(Notice(0, sanitize(text)))

    async def _serve(self) -> None:
        from tui_trace.names.lookup_plan import LookupPlan

        self._loop.set_exception_handler(self._unexpected)
        self._plan = LookupPlan(self._options.server)
        self._cache = NameCache(self._options.cache)
        saved = time.monotonic()
        while not self._stopping:
            self._called.clear()
            while self._inbox:
                self._inbox.popleft()()
            self._release_if_idle()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait(), SAVE_INTERVAL)
            if time.monotonic() - saved >= SAVE_INTERVAL:
                self._cache.save()
                saved = time.monotonic()
        self._release_waiting()
        self._cache.save()

    def _add_waiting(self, idle: concurrent.futures.Future[bool]) -> None:
        self._waiting.append(idle)
        if self._hurried:
            self._release_waiting()

    def _release_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for idle in waiting:
            idle.set_result(False)

    def _release_if_idle(self) -> None:
        if not self._tasks:
            for idle in self._waiting:
                idle.set_result(True)
            self._waiting.clear()

    def _change(self, options: NameOptions) -> None:
        self._options = options
        for wanted in list(self._due):
            self._start_lookups(wanted)

    def _start_lookups(self, wanted: str) -> None:
        address = addresses.parse_address(wanted)
        if address is None:
            return
        for kind, lookup in self._plan.lookups(address, self._options).items():
            key = (kind, wanted)
            if key not in self._tasks and self._expires.get(key, 0.0) <= time.monotonic():
                self._start_task(key, self._run_lookup(key, address, lookup))
        self._set_due(wanted, address)

    def _start_task(self, key: _Key, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._task_done(key))

    def _task_done(self, key: _Key) -> None:
        del self._tasks[key]
        address = addresses.parse_address(key[1])
        if address is not None:
            self._set_due(key[1], address)
        self._release_if_idle()

    def _set_due(self, wanted: str, address: Address) -> None:
        kinds = self._plan.lookups(address, self._options)
        keys: list[_Key] = [(kind, wanted) for kind in kinds]
        if wanted in self._due and not any(key in self._tasks for key in keys):
            self._due[wanted] = min((self._expires.get(key, 0.0) for key in keys), default=math.inf)

    async def _run_lookup(self, key: _Key, address: Address, lookup: "Lookup") -> None:
        kept = self._cache.get(lookup.scope, lookup.kind, str(address))
        if kept is not None:
            self._emit_if_new(key, kept[0])
            self._expires[key] = time.monotonic() + max(kept[1], RETRY_AFTER)
            return
        self._expires[key] = time.monotonic() + RETRY_AFTER
        try:
            async with self._slots[lookup.means], asyncio.timeout(DEADLINE):
                async for known, ttl in lookup.ask(address):
                    found = known, ttl
                    if key not in self._emitted:
                        self._emit_if_new(key, known)
        except Exception as error:
            self._report_failure(lookup, error)
            return
        known, ttl = found
        self._emit_if_new(key, known)
        holds = min(max(ttl, RETRY_AFTER), MAX_TTL[not _is_empty(known)])
        self._expires[key] = time.monotonic() + holds
        if not addresses.is_private(address):
            self._cache.put(lookup.scope, known, min(ttl, holds))

    def _emit_if_new(self, key: _Key, known: NameEvent) -> None:
        cleaned = sanitize_event(msgspec.structs.replace(known, at=0, address=key[1]))
        if self._emitted.get(key) == cleaned or (key not in self._emitted and _is_empty(cleaned)):
            return
        self._emitted[key] = cleaned
        self._tell(cleaned)

    def _report_failure(self, lookup: "Lookup", error: Exception) -> None:
        """Report once that a server does not answer at all; a single failure is not reported."""
        trouble = self._plan.trouble(lookup, error)
        if trouble is not None and lookup.means not in self._noticed:
            self._noticed.add(lookup.means)
            self._notice(trouble)

    def _start_record_lookup(self, wanted: str) -> None:
        address = addresses.parse_address(wanted)
        if address is not None and (RegistryRecord, wanted) not in self._tasks:
            self._start_task((RegistryRecord, wanted), self._run_record_lookup(wanted, address))

    async def _run_record_lookup(self, wanted: str, address: Address) -> None:
        try:
            async with asyncio.timeout(REGISTRY_DEADLINE):
                found = await self._plan.record(address, documentation=self._options.documentation)
        except Exception as error:
            reason = str(error) or f"no answer within {REGISTRY_DEADLINE:g} s"
            found = RegistryRecord(0, wanted, error=reason)
        self._tell(sanitize_event(msgspec.structs.replace(found, address=wanted)))


def _is_empty(known: NameEvent) -> bool:
    return known == type(known)(0, known.address)


def sanitize_event(event: _Found) -> _Found:
    """Return the event with sanitized text: it may come from DNS, whois or a file of anybody."""
    changes: dict[str, str | tuple[str, ...]] = {}
    for field in event.__struct_fields__:
        value = getattr(event, field)
        limit = 2 * LIMIT + 3 if field == "shown" else LIMIT
        if isinstance(value, str):
            changes[field] = sanitize(value, limit)
        elif isinstance(value, tuple):
            changes[field] = tuple(sanitize(v, limit) if isinstance(v, str) else v for v in value)
    return msgspec.structs.replace(event, **changes)
