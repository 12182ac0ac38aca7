"""Scrubbing: left and right held down in a replay, and what of it comes to the terminal."""

import argparse
import re
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.bench.common import table
from tests.helpers.network import tui_trace_process
from tests.helpers.network.netns import make_all
from tests.helpers.network.terminals import Terminal

REPEAT = 1 / 30
"""Seconds from one key of a held one to the next."""
SETTLE = 2.0
RIGHT, LEFT, HOME = b"\x1b[C", b"\x1b[D", b"\x1b[H"
_CLOCK = r"(?:(\d+)d )?(?:(\d+):)?(\d+):(\d\d)"
_PLACE = re.compile(rf"replay {_CLOCK} of")
_END = re.compile(rf" of {_CLOCK}")
_FIRST_HOP = re.compile(r"^\W*1 +192\.0\.2\.1 +[\d.]+ +(\d+) ", re.MULTILINE)


class Scrubbed(NamedTuple):
    """One key held down."""

    key: str
    presses: int
    pressed_for: float
    """Seconds from the first press to the last."""
    frames: int
    """Different moments that came to the screen meanwhile."""
    longest: float
    """Milliseconds from a frame to the next, at most."""
    last: float
    """Milliseconds from the last press to the frame where the session then stands still."""
    arrived: int
    """Seconds of the session at that frame."""
    wanted: int
    """Where so many presses lead, in seconds."""

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.frames / max(self.pressed_for, REPEAT)


def shown(lines: list[str]) -> int | None:
    """The moment on the screen, in seconds; None unless heading and table are of the same one.

    The recording sends a probe a second to each hop.
    """
    screen = "\n".join(lines)
    place, hop = _PLACE.search(screen), _FIRST_HOP.search(screen)
    if place is None or hop is None:
        return None
    moment = _seconds(place)
    return moment if abs(moment - int(hop[1])) <= 2 else None


def _seconds(clock: re.Match[str]) -> int:
    days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def hold(terminal: Terminal, key: bytes, presses: int, wanted: int = 0) -> Scrubbed:
    """Press a key so often, as fast as a held one repeats, and see what is drawn."""
    first = time.time()
    taken = []
    for number in range(presses):
        while (left := first + number * REPEAT - time.time()) > 0:
            if (some := terminal.take(left)) is not None:
                taken.append(some)
        terminal.write(key)
    last = time.time()
    while (left := last + SETTLE - time.time()) > 0:
        if (some := terminal.take(left)) is not None:
            taken.append(some)
    # drawn only now: that takes longer than reading
    frames: list[tuple[float, int]] = []
    for stamp, data in taken:
        terminal.draw(data)
        moment = shown(terminal.lines)
        if moment is not None and (not frames or frames[-1][1] != moment):
            frames.append((stamp / 1e9, moment))
    assert frames, "\n".join(terminal.lines)
    meanwhile = [stamp for stamp, _ in frames if stamp <= last]
    gaps = [after - before for before, after in pairwise([first, *meanwhile, frames[-1][0]])]
    return Scrubbed(
        key="right" if key == RIGHT else "left",
        presses=presses,
        pressed_for=last - first,
        frames=len(meanwhile),
        longest=1000 * max(gaps),
        last=1000 * (frames[-1][0] - last),
        arrived=frames[-1][1],
        wanted=wanted,
    )


def scrub(path: Path) -> tuple[float, list[Scrubbed]]:
    """Through a day of one probe a second to each hop, from its start to its end and back.

    First, how long it takes from the start of the program to the replay on the screen, in ms.
    """
    (space,) = make_all(["scrub"])
    try:
        program = tui_trace_process.command("--replay", str(path), "-n")
        with Terminal(space, program, env=tui_trace_process.environment()) as terminal:
            opened = terminal.wait_for("▶ replay") - terminal.started
            terminal.write(b" ")
            terminal.wait_for("‖ replay")
            # the first step tells how wide one is
            width = hold(terminal, RIGHT, 1).arrived
            terminal.write(HOME)
            terminal.wait_for("replay 0:00 of")
            end = _END.search("\n".join(terminal.lines))
            assert end is not None
            presses = _seconds(end) // width
            found = [
                hold(terminal, RIGHT, presses, presses * width),
                hold(terminal, LEFT, presses - 1, width),
            ]
            terminal.write(b"q")
            terminal.wait()
    finally:
        space.delete()
    return opened / 1e6, found


def report(opened: float, found: list[Scrubbed]) -> None:
    """Print what `scrub` found."""
    head = ["frames a second", "wanted", "longest gap, ms", "last press to its frame, ms"]
    table(
        "Scrubbing through it in a terminal of 120 × 40, a key held down (30 presses a second)",
        ["key", "presses", *head, "arrived at, s", "wanted"],
        [
            [one.key, one.presses, one.rate, "≥ 10", one.longest, one.last, one.arrived, one.wanted]
            for one in found
        ],
    )
    print(f"\nfrom process start to the replay on the screen {opened:.0f} ms; wanted ≤ 2000")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("session", type=Path, help="a recording of tests.bench.recording")
    report(*scrub(parser.parse_args().session))
