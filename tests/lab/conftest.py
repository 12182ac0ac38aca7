"""Running a command in a lab, through the one helper that enters it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

INSIDE = Path(__file__).with_name("inside.py")
CANNOT = 99

Inside = Callable[..., str]


@pytest.fixture(scope="session")
def inside() -> Inside:
    """`inside(scenario, command, ...)`: what the command prints; skips where no lab can be."""

    def run(scenario: str, *command: str, timeout: float = 60) -> str:
        done = subprocess.run(
            [sys.executable, str(INSIDE), scenario, *command],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode != CANNOT, done.stderr
        return done.stdout

    probe = subprocess.run(
        [sys.executable, str(INSIDE), "plain", "true"], capture_output=True, text=True, check=False
    )
    if probe.returncode == CANNOT:
        pytest.skip(probe.stderr.strip())
    return run
