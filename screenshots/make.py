"""Take the screenshots of the README: `python screenshots/make.py`.

Each is a real session in the lab: the real program, engine and packets. Needs what `--lab` needs.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent


class Shot(NamedTuple):
    """A session: the command line, and what is pressed; a number waits so many seconds."""

    arguments: tuple[str, ...]
    steps: tuple[str | float, ...]
    size: tuple[int, int] = (128, 26)
    targets: tuple[str, ...] = ()
    """Lines of a file of targets."""


HOSTS = (
    *(f"{host}.access.example" for host in ("bras3", "core2")),
    "ix-east.exchange.example",
    *(f"{host}.transit.example" for host in ("cr1.east", "cr2.north")),
    "edge7.hosting.example",
    "www.example.com",
)
SHOTS = {
    "live": Shot(("--lab", "plain", "--no-record"), (25.0,)),
    "loss": Shot(("--lab", "rate-limit", "--no-record"), (30.0,)),
    "switched": Shot(
        ("--lab", "firewall", "--no-record"),
        (10.0, "t", "P", *"443", "enter", 10.0),
    ),
    "compare": Shot(
        ("--lab", "firewall", "--no-record"),
        (8.0, "t", "P", *"443", "enter", 2.0, "c", "left", 2.0, "b", 60.0),
    ),
    "charts": Shot(("--lab", "path-change", "--no-record"), (52.0, "g", 4.0), (128, 34)),
    "paths": Shot(("--lab", "path-change", "--no-record"), (52.0, "H", 1.0), (100, 34)),
    "ways": Shot(
        ("--lab", "ways-dead", "--no-record", "-u"),
        (4.0, "x", 20.0, "W", 30.0, "G", 1.0, "down", 1.0),
        (100, 24),
    ),
    "targets": Shot(
        ("--lab", "loss", "--no-record"),
        (75.0, "down", 1.0),
        (110, 24),
        tuple(f"{host} {probe}" for host in HOSTS for probe in ("--icmp", "-u")),
    ),
    "mtu": Shot(("--lab", "mtu", "--no-record", "--df", "-s", "1500"), (12.0,)),
    "help": Shot(("--lab", "plain", "--no-record"), (3.0, "h", 1.0)),
}


def take(name: str) -> None:
    """Run one session in this process, which the lab keeps for itself afterwards."""
    from tui_trace.app import run_live  # noqa: PLC0415
    from tui_trace.app.app import TraceApp  # noqa: PLC0415
    from tui_trace.cli.main import main  # noqa: PLC0415

    shot = SHOTS[name]

    def photograph(app: TraceApp) -> int:
        async def session() -> None:
            async with app.run_test(size=shot.size) as pilot:
                for step in shot.steps:
                    if isinstance(step, str):
                        await pilot.press(step)
                    else:
                        await asyncio.sleep(step)
                await pilot.pause()
                svg = app.export_screenshot(title="tui-trace")
                (HERE / f"{name}.svg").write_text(_alone(svg))
                await app.action_leave()

        asyncio.run(session())
        return 0

    run_live.run_live = photograph
    sys.stdin.isatty = sys.stdout.isatty = lambda: True  # type: ignore[method-assign]
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(shot.targets))
        file.flush()
        targets = ("--targets", file.name) if shot.targets else ()
        sys.exit(main((*shot.arguments, *targets)))


def _alone(svg: str) -> str:
    """The picture without fonts from elsewhere: whoever looks at it has a monospaced one."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


if __name__ == "__main__":
    if sys.argv[1:]:
        take(sys.argv[1])
    for each in SHOTS:
        subprocess.run([sys.executable, __file__, each], check=True)  # noqa: S603
