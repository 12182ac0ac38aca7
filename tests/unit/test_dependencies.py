"""What is imported is declared, what is declared is imported, and what is missing is one line."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.helpers.app.emulated_terminal import Terminal
from tests.helpers.missing_modules import BLOCKED
from tests.helpers.network.tui_trace_process import environment
from tests.helpers.places import ROOT

pytestmark = pytest.mark.slow

SESSION = ROOT / "tests" / "data" / "lab-turns.session"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


DECLARED = {normal(re.split(r"[^\w.-]", line)[0]) for line in PROJECT["dependencies"]}
EACH_PACKAGE = pytest.mark.parametrize("package", sorted(DECLARED))


def imported(tree: ast.AST) -> Iterator[str]:
    """Top-level names of all modules that are imported, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            called = node.func.id if isinstance(node.func, ast.Name) else called
            name = node.args[0]
            if called == "import_module" and isinstance(name, ast.Constant):
                yield str(name.value).partition(".")[0]


@pytest.fixture(scope="module")
def used() -> dict[str, str]:
    """Packages of others, and the module of each that is imported."""
    packages = packages_distributions()
    names = {
        name for path in (ROOT / "tui_trace").rglob("*.py")
        for name in imported(ast.parse(path.read_text(encoding="utf-8")))
    } - sys.stdlib_module_names - {"tui_trace"}  # fmt: skip
    found = {normal(packages[name][0]): name for name in names}
    assert len(found) == len(names), "a package with two modules: block both"
    return found


def test_what_is_imported_is_declared_and_the_other_way_round(used: dict[str, str]) -> None:
    assert set(used) == DECLARED


def test_an_import_inside_a_function_is_seen() -> None:
    tree = ast.parse(
        "def f():\n import a.b\n from c.d import e\n import_module('g.h')\n from . import i\n"
    )
    assert sorted(imported(tree)) == ["a", "c", "g"]


def missing(package: str) -> str:
    return f"tui-trace: the package {package} is missing: pip install tui-trace"


@EACH_PACKAGE
@pytest.mark.parametrize("words", [("--replay", str(SESSION), "-r"), ("--completion", "bash")])
def test_without_one_package_it_works_or_names_it(
    used: dict[str, str], package: str, words: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(module=used[package]), *words],
        capture_output=True, text=True, check=False, timeout=60, env=environment(),
    )  # fmt: skip
    if done.returncode == 0:
        assert done.stderr == ""
    else:
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"{missing(package)}\n"


@EACH_PACKAGE
def test_without_one_package_the_view_opens_or_names_it(used: dict[str, str], package: str) -> None:
    line = missing(package)
    terminal = Terminal(
        "-c", BLOCKED.format(module=used[package]), "--replay", str(SESSION), env=environment()
    )
    try:
        terminal.wait_for_any("www.example.com", line)
        if line not in terminal.text:
            terminal.wait_for("gw.home.example")
            for opens in (b"c", b"g"):
                terminal.press(opens)
                terminal.wait_for("Escape")
                # a key that came with it would be one with Alt
                terminal.press(b"\x1b")
                terminal.wait_until_gone("Escape")
            terminal.press(b"q")
        assert terminal.wait() == int(line in terminal.text)
        assert "Traceback" not in terminal.text
    finally:
        terminal.close()


def test_installed_without_dependencies_it_is_one_line(tmp_path: Path) -> None:
    venv.create(tmp_path, with_pip=False)
    site = next((tmp_path / "lib").glob("python*/site-packages"))
    shutil.copytree(ROOT / "tui_trace", site / "tui_trace")
    for words in (["--version"], ["--lab"], ["-r", "127.0.0.1"]):
        done = subprocess.run(
            [tmp_path / "bin" / "python", "-m", "tui_trace", *words],
            capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr in {f"{missing(package)}\n" for package in DECLARED}
