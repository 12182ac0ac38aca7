"""The lines of `--jsonl`, read as its documentation says: unknown kinds are passed over."""

import json
from collections.abc import Iterable
from typing import get_args

from tui_trace.core.events import Event, decode_event

KINDS = {kind.__struct_config__.tag for kind in get_args(Event)}


def read_events(lines: Iterable[bytes | str]) -> list[Event]:
    """Return the events of some lines."""
    return [decode_event(line) for line in lines if json.loads(line)["event"] in KINDS]
