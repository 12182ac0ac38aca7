"""The program with the messages of its view held up by chance, as on a busy machine.

`python -m tests.helpers.network.held_up_view ARGUMENTS` takes the program's own.
"""

import asyncio
import random

from textual.message import Message
from textual.message_pump import MessagePump

from tui_trace.cli.entry import run

HELD_UP = 0.15
"""The share of messages that wait for some milliseconds."""
TURNS = 0.3
"""The share of the others that wait for some turns of the event loop."""

_dispatch = MessagePump._dispatch_message


async def _held_up(pump: MessagePump, message: Message) -> None:
    if random.random() < HELD_UP:
        await asyncio.sleep(random.uniform(0, 0.004))
    elif random.random() < TURNS:
        for _ in range(random.randrange(6)):
            await asyncio.sleep(0)
    await _dispatch(pump, message)


if __name__ == "__main__":
    MessagePump._dispatch_message = _held_up  # type: ignore[method-assign]
    run()
