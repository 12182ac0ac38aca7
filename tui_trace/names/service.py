"""The thread that finds out who is there, and says so in events. Nobody waits for it."""

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
from tui_trace.names.cache import Known, NameCache
from tui_trace.names.name_options import NameOptions

if TYPE_CHECKING:  # DNS and whois are imported by the thread, when it starts
    from tui_trace.names.lookup_plan import Lookup, LookupPlan

DEADLINE = 3.0
"""Seconds for all that belongs to one answer."""
UNDER_WAY = 32
"""Questions to DNS at once."""
UNDER_WAY_WHOIS = 4
REGISTRY_DEADLINE = 15.0
"""Seconds for the record of a registry."""
RETRY = 60.0
"""Seconds until a question that got no answer is asked again, and no answer holds for less."""
LONGEST = {True: 24 * 3600.0, False: 3600.0}
"""Seconds that an answer holds at most; a negative one for less (RFC 2308 §5)."""
SAVED_EVERY = 60.0
MOST_ADDRESSES = 4096
"""Addresses of one session that anything is asked about."""

_Key: TypeAlias = tuple[type[Event], str]
_Found = TypeVar("_Found", bound=msgspec.Struct)


class Names:
    """Finds names, AS numbers and owners of the addresses that it is told of.

    `want`, `change`, `record` and `settle` may be called from any thread, before `start` and after
    `stop`, too.
    """

    def __init__(self, tell: Callable[[Event], None], options: NameOptions) -> None:
        """`tell` takes each event, with an `at` of 0, in a thread of this object's own."""
        self._tell = tell
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._called = asyncio.Event()
        self._inbox: deque[Callable[[], None]] = deque()
        self._due: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="names", daemon=True)
        self._stopping = False
        self._hurried = False
        # what follows belongs to the thread
        self._expires: dict[_Key, float] = {}
        self._told: dict[_Key, Known] = {}
        self._noticed: set[str] = set()
        self._tasks: dict[_Key, asyncio.Task[None]] = {}
        self._waiting: list[concurrent.futures.Future[bool]] = []
        self._slots = {
            "dns": asyncio.Semaphore(UNDER_WAY),
            "whois": asyncio.Semaphore(UNDER_WAY_WHOIS),
        }
        self._store: NameCache
        self._inquiry: LookupPlan

    def start(self) -> None:
        """Start to ask."""
        self._thread.start()

    def want(self, address: str) -> None:
        """This address is on the path: call it for every reply, it costs a look into a dict.

        What is not known is asked, what has expired is asked again.
        """
        due = self._due.get(address)
        if due is None and len(self._due) >= MOST_ADDRESSES:
            return
        if due is None or due <= time.monotonic():
            self._due[address] = math.inf
            self._post(partial(self._take, address))

    def change(self, options: NameOptions) -> None:
        """Ask for more or fewer things from now on, also about addresses that are known already.

        `server` and `cache` stay what they were.
        """
        self._post(partial(self._change, options))

    def record(self, address: str) -> None:
        """Ask the registry for its record: a `RegistryRecord` follows, always."""
        self._post(partial(self._take_record, address))

    def settle(self, timeout: float) -> bool:
        """Wait until nothing is under way, at most `timeout` seconds; False if something still is.

        All events have been told then.
        """
        if self._stopping or self._hurried:
            return False
        idle: concurrent.futures.Future[bool] = concurrent.futures.Future()
        self._post(partial(self._wait, idle))
        try:
            return idle.result(timeout)
        except TimeoutError:
            return False

    def hurry(self) -> None:
        """Let nobody wait any more: `settle` comes back at once, also where it waits already."""
        self._hurried = True
        self._post(self._let_go)

    def stop(self, timeout: float = 1.0) -> None:
        """Drop what is under way and keep what was learnt; waits at most `timeout` seconds."""
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
        """What asyncio would write to standard error, across the view; once."""
        if "asyncio" in self._noticed:
            return
        self._noticed.add("asyncio")
        self._notice(f"names: {context.get('exception') or context['message']}")

    def _notice(self, text: str) -> None:
        self._tell(Notice(0, sanitize(text)))

    async def _serve(self) -> None:
        from tui_trace.names.lookup_plan import LookupPlan

        self._loop.set_exception_handler(self._unexpected)
        self._inquiry = LookupPlan(self._options.server)
        self._store = NameCache(self._options.cache)
        saved = time.monotonic()
        while not self._stopping:
            self._called.clear()
            while self._inbox:
                self._inbox.popleft()()
            self._idle()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait(), SAVED_EVERY)
            if time.monotonic() - saved >= SAVED_EVERY:
                self._store.save()
                saved = time.monotonic()
        self._let_go()
        self._store.save()

    def _wait(self, idle: concurrent.futures.Future[bool]) -> None:
        self._waiting.append(idle)
        if self._hurried:
            self._let_go()

    def _let_go(self) -> None:
        waiting, self._waiting = self._waiting, []
        for idle in waiting:
            idle.set_result(False)

    def _idle(self) -> None:
        if not self._tasks:
            for idle in self._waiting:
                idle.set_result(True)
            self._waiting.clear()

    def _change(self, options: NameOptions) -> None:
        self._options = options
        for wanted in list(self._due):
            self._take(wanted)

    def _take(self, wanted: str) -> None:
        address = addresses.parse_address(wanted)
        if address is None:
            return
        for kind, lookup in self._inquiry.lookups(address, self._options).items():
            key = (kind, wanted)
            if key not in self._tasks and self._expires.get(key, 0.0) <= time.monotonic():
                self._begin(key, self._look(key, address, lookup))
        self._set_due(wanted, address)

    def _begin(self, key: _Key, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._end(key))

    def _end(self, key: _Key) -> None:
        del self._tasks[key]
        address = addresses.parse_address(key[1])
        if address is not None:
            self._set_due(key[1], address)
        self._idle()

    def _set_due(self, wanted: str, address: Address) -> None:
        kinds = self._inquiry.lookups(address, self._options)
        keys: list[_Key] = [(kind, wanted) for kind in kinds]
        if wanted in self._due and not any(key in self._tasks for key in keys):
            self._due[wanted] = min((self._expires.get(key, 0.0) for key in keys), default=math.inf)

    async def _look(self, key: _Key, address: Address, lookup: "Lookup") -> None:
        kept = self._store.get(lookup.scope, lookup.kind, str(address))
        if kept is not None:
            self._say(key, kept[0])
            self._expires[key] = time.monotonic() + max(kept[1], RETRY)
            return
        self._expires[key] = time.monotonic() + RETRY
        try:
            async with self._slots[lookup.means], asyncio.timeout(DEADLINE):
                async for known, ttl in lookup.ask(address):
                    found = known, ttl
                    if key not in self._told:
                        self._say(key, known)
        except Exception as error:
            self._failed(lookup, error)
            return
        known, ttl = found
        self._say(key, known)
        holds = min(max(ttl, RETRY), LONGEST[not _nothing(known)])
        self._expires[key] = time.monotonic() + holds
        if not addresses.only_here(address):
            self._store.put(lookup.scope, known, min(ttl, holds))

    def _say(self, key: _Key, known: Known) -> None:
        cleaned = _cleaned(msgspec.structs.replace(known, at=0, address=key[1]))
        if self._told.get(key) == cleaned or (key not in self._told and _nothing(cleaned)):
            return
        self._told[key] = cleaned
        self._tell(cleaned)

    def _failed(self, lookup: "Lookup", error: Exception) -> None:
        """One line, once, if nobody answers at all; a single silence is no news."""
        trouble = self._inquiry.trouble(lookup, error)
        if trouble is not None and lookup.means not in self._noticed:
            self._noticed.add(lookup.means)
            self._notice(trouble)

    def _take_record(self, wanted: str) -> None:
        address = addresses.parse_address(wanted)
        if address is not None and (RegistryRecord, wanted) not in self._tasks:
            self._begin((RegistryRecord, wanted), self._look_up_record(wanted, address))

    async def _look_up_record(self, wanted: str, address: Address) -> None:
        try:
            async with asyncio.timeout(REGISTRY_DEADLINE):
                found = await self._inquiry.record(
                    address, documentation=self._options.documentation
                )
        except Exception as error:
            reason = str(error) or f"no answer within {REGISTRY_DEADLINE:g} s"
            found = RegistryRecord(0, wanted, error=reason)
        self._tell(_cleaned(msgspec.structs.replace(found, address=wanted)))


def _nothing(known: Known) -> bool:
    return known == type(known)(0, known.address)


def _cleaned(event: _Found) -> _Found:
    """The same with all text harmless, wherever it came from: DNS, whois or a file."""
    changes: dict[str, str | tuple[str, ...]] = {}
    for field in event.__struct_fields__:
        value = getattr(event, field)
        limit = 2 * LIMIT + 3 if field == "shown" else LIMIT
        if isinstance(value, str):
            changes[field] = sanitize(value, limit)
        elif isinstance(value, tuple):
            changes[field] = tuple(sanitize(v, limit) if isinstance(v, str) else v for v in value)
    return msgspec.structs.replace(event, **changes)
