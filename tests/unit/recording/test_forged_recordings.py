"""What a forged recording can do: nothing but be shown, or be refused in one line, and soon."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.helpers.places import ROOT
from tests.helpers.recordings.forged_recordings import all_forged
from tests.helpers.recordings.open_recordings import MEMORY, REPORTS, Opened
from tests.helpers.recordings.recording_parts import ROWS, write
from tui_trace.session import checkpoint

GROUPS = 12
FORGED = all_forged()


def trouble(opened: Opened) -> list[str]:
    """What must not happen; the limits of the process end what takes too much."""
    found = [f"ended by signal {opened.status}"] if opened.status else []
    for output, shown in opened.shown.items():
        error = shown.error.strip()
        if shown.code not in (0, 1) or "\n" in error or not (shown.code == 0 or error):
            found.append(f"{output}: exit code {shown.code}, {shown.error[-2000:]}")
        if not shown.harmless or not error.isprintable():
            found.append(f"{output}: what a terminal obeys")
    return found


def opened(paths: list[Path]) -> list[Opened]:
    child = subprocess.run(
        [sys.executable, "-m", "tests.helpers.recordings.open_recordings", *map(str, paths)],
        capture_output=True,
        check=False,
        timeout=3000,
        cwd=ROOT,
        # one thread of its own would take a share of the memory for each processor
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert child.returncode == 0, child.stderr
    return [msgspec.json.decode(line, type=Opened) for line in child.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("group", range(GROUPS))
def test_it_is_shown_or_refused_in_one_line(group: int, tmp_path: Path) -> None:
    names = list(FORGED)[group::GROUPS]
    paths = [tmp_path / str(number) / "x.session" for number in range(len(names))]
    for name, path in zip(names, paths, strict=True):
        path.parent.mkdir()
        FORGED[name](path)
    results = opened(paths)
    for path in paths:
        path.unlink()
    assert len(results) == len(names)
    assert {n: found for n, r in zip(names, results, strict=True) if (found := trouble(r))} == {}
    assert max(result.memory for result in results) < MEMORY


REFUSED = (
    "block numbered 4611686018427387904",
    "a gap",
    f"20,000 full blocks without a fold, version {checkpoint.VERSION}",
    "a bomb of 640 MiB",
    "one event too many",
    "chunks without end",
    "a reply with a ttl of 256",
    "times that run over",
    "pages of sqlite_master that lead to one another",
    "values that share their bytes",
    "last '-1'",
)


@pytest.mark.slow
def test_what_no_recorder_writes_is_refused(tmp_path: Path) -> None:
    for number, name in enumerate(REFUSED):
        path = tmp_path / str(number) / "x.session"
        path.parent.mkdir()
        FORGED[name](path)
        (result,) = opened([path])
        shown = result.shown[REPORTS[0]]  # reads all of it
        assert (name, shown.code) == (name, 1)
        assert shown.error.startswith(f"tui-trace: {path}: damaged"), name


@pytest.mark.slow
def test_what_is_whole_is_shown(tmp_path: Path) -> None:
    """The limits are such that the program runs at all, and the helper sees what it writes."""
    write(tmp_path / "x.session", ROWS)
    results = opened([tmp_path / "x.session"] * len(REPORTS))
    assert {name for result in results for name in result.shown} >= set(REPORTS)
    for result in results:
        assert trouble(result) == []
        assert all(shown.code == 0 and shown.size > 100 for shown in result.shown.values())
