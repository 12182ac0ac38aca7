"""The recipe of the map, "Add a scenario": a file dropped in is listed by its name, and traced."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.lab.lab_trace import alone
from tests.helpers.network.tui_trace_process import environment
from tests.helpers.places import ROOT
from tui_trace.lab import scenario_titles

pytestmark = pytest.mark.usefixtures("inside")

SCENARIO = """
title = "A closed port behind one router"

[[hops]]
name = "gw.home.example"
v4 = "198.51.100.1"
delay = 0.4

[[hops]]
name = "closed.example"
v4 = "203.0.113.9"
delay = 2
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package, in which the file is dropped as the recipe says."""
    copy = tmp_path / "program" / "tui_trace"
    shutil.copytree(ROOT / "tui_trace", copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def run(package: Path, *arguments: str) -> str:
    """The output of the copy, started in an empty network."""
    done = subprocess.run(
        [*alone(), sys.executable, "-m", "tui_trace", *arguments],
        capture_output=True, text=True, timeout=60, check=False,
        cwd=package.parent, env={**environment(), "PYTHONPATH": str(package.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def hosts(report: str) -> list[str]:
    return [line.split()[1] for line in report.splitlines() if ".|--" in line]


def test_a_scenario_is_a_file_in_the_folder(package: Path) -> None:
    (package / "lab" / "scenarios" / "closed.toml").write_text(SCENARIO)
    listed = [line.split(maxsplit=1) for line in run(package, "--lab", "list").splitlines()]
    assert ["closed", "A closed port behind one router"] in listed
    assert len(listed) == len(scenario_titles()) + 1
    report = run(package, "--lab", "closed", "-r", "-n", "-c", "1", "-T")
    assert hosts(report) == ["198.51.100.1", "203.0.113.9"]


def test_a_file_elsewhere_is_traced_while_it_is_written(package: Path, tmp_path: Path) -> None:
    file = tmp_path / "draft.toml"
    file.write_text(SCENARIO)
    report = run(package, "--lab", str(file), "-r", "-n", "-c", "1")
    assert hosts(report) == ["198.51.100.1", "203.0.113.9"]
