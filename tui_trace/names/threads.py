"""Blocking calls in daemon threads, so that neither an event loop nor the exit waits for them."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


async def in_thread(call: Callable[[], Result]) -> Result:
    """Run the call in a new thread; return its result or raise its exception.

    If the caller times out (`asyncio.timeout`), the thread continues and its result is dropped.
    The thread is a daemon, so the process can exit meanwhile; threads of a pool would prevent that.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: Exception | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        outcome: tuple[Result | None, Exception | None]
        try:
            outcome = (call(), None)
        except Exception as error:
            outcome = (None, error)
        try:
            loop.call_soon_threadsafe(settle, *outcome)
        except RuntimeError:
            return  # the loop is closed, so no caller waits

    threading.Thread(target=run, name="names-call", daemon=True).start()
    return await future
