"""An engine as a program: commands come in as lines, events go out as lines.

The harness starts this file in a namespace (`ours.Live`). A line is `switch SETTINGS`,
`turns SETTINGS SETTINGS …`, `pace PACE` or `reset`; the end of standard
input ends the session.
"""

import sys
import threading

import msgspec

from tui_trace import __version__
from tui_trace.cli.resolve import resolve
from tui_trace.core.events import Event, encode
from tui_trace.core.probe_size import fit_size
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.core.stream import (
    Command,
    Reset,
    SetPace,
    Source,
    Switch,
    TakeTurns,
)
from tui_trace.engine.engine import Engine
from tui_trace.wire.raw.raw_network import RawNetwork
from tui_trace.wire.raw.raw_wire import RawWire
from tui_trace.wire.raw.sockets import RawSockets


class Lines:
    """A sink that prints."""

    def event(self, event: Event) -> None:
        """Print one event."""
        sys.stdout.buffer.write(encode(event) + b"\n")

    def pulse(self, at: int) -> None:  # noqa: ARG002
        """Flush."""
        sys.stdout.buffer.flush()


def _settings(text: str, family: int) -> ProbeSettings:
    return fit_size(msgspec.json.decode(text, type=ProbeSettings), family)[0]


def _command(line: str, family: int) -> Command:
    word, _, value = line.partition(" ")
    match word:
        case "switch":
            return Switch(_settings(value, family))
        case "turns":
            return TakeTurns(tuple(_settings(one, family) for one in value.split(" ")))
        case "pace":
            return SetPace(msgspec.json.decode(value, type=Pace))
        case "reset":
            return Reset()
    raise ValueError(line)


def _obey(source: Source, family: int) -> None:
    for line in sys.stdin:
        source.command(_command(line.strip(), family))
    source.stop()


def main(target: str, settings: str, pace: str) -> None:
    """Trace until standard input ends."""
    sockets = RawSockets()
    address, family = resolve(target, None)
    engine = Engine(
        RawNetwork(RawWire(sockets, family), address),
        target=target,
        settings=_settings(settings, family),
        pace=msgspec.json.decode(pace, type=Pace),
        version=__version__,
    )
    threading.Thread(target=_obey, args=(engine, family), daemon=True).start()
    engine.run(Lines())


if __name__ == "__main__":
    main(*sys.argv[1:])
