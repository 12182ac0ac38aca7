"""What is imported late, by a root that has given up its rights, from somebody's private home."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHILD = """
import sys
sys.path.append(sys.argv[1])
from tui_trace.rights import drop_capabilities, keep_modules_in_reach
if sys.argv[2] == "kept":
    keep_modules_in_reach()
drop_capabilities()
import late.part
print(late.part.here)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, and another's home")
@pytest.mark.parametrize(("how", "code"), [("kept", 0), ("not kept", 1)])
def test_a_module_in_a_private_home_is_found_after_the_rights_are_gone(
    tmp_path: Path, how: str, code: int
) -> None:
    home = tmp_path / "home"
    package = home / "site" / "late"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "part.py").write_text("here = 'found'\n")
    for path in (home, home / "site", package):
        os.chown(path, 65534, 65534)
    home.chmod(0o700)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(home / "site"), how],
        capture_output=True, text=True, cwd=ROOT, check=False, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "found\n" if code == 0 else ""), done.stderr
