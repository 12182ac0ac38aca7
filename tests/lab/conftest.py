"""Running a command in a lab, through the one helper that enters it."""

import subprocess
import sys

import pytest

from tests.helpers.lab.lab_commands import CANNOT, ENTER_LAB, Inside


@pytest.fixture(scope="session")
def inside() -> Inside:
    """`inside(scenario, command, ...)`: what the command prints; skips where no lab can be."""

    def run(scenario: str, *command: str, timeout: float = 60) -> str:
        done = subprocess.run(
            [sys.executable, str(ENTER_LAB), scenario, *command],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode != CANNOT, done.stderr
        return done.stdout

    probe = subprocess.run(
        [sys.executable, str(ENTER_LAB), "plain", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode == CANNOT:
        pytest.skip(probe.stderr.strip())
    return run
