"""Style sheets are found where a checkout and where a wheel has them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tui_trace
from tui_trace.app.themes import style_path

PACKAGE = Path(tui_trace.__file__).parent
SHEETS = PACKAGE.parent / "styles"


def test_in_a_checkout() -> None:
    assert style_path("live") == SHEETS / "live.tcss"


def test_in_a_wheel(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "tui_trace")
    shutil.copytree(SHEETS, tmp_path / "tui_trace" / "styles")
    told = subprocess.run(
        [sys.executable, "-c", "import tui_trace.app.app, tui_trace.app.themes as s;"
         "print(s.style_path('reading'))"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert told.stdout.strip() == str(tmp_path / "tui_trace" / "styles" / "reading.tcss")


def test_a_sheet_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.tcss"):
        style_path("nothing")
