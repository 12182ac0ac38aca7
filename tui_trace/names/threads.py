"""Calls that block, out of the way of an event loop, and never waited for at the end."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


async def in_thread(call: Callable[[], Result]) -> Result:
    """What the call returns or raises, from a thread of its own.

    If the caller loses patience (`asyncio.timeout`), the thread goes on alone and its result is
    dropped; being a daemon it keeps nobody from leaving, as a pool's threads would.
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
            return  # the loop is closed: nobody is waiting

    threading.Thread(target=run, name="names-call", daemon=True).start()
    return await future
