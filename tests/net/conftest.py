"""Networks that the tests share, and the reasons to skip."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.network import netns
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.params import OPEN_PORT
from tests.helpers.network.peers import PROGRAMS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in here needs root and the peers."""
    reason = netns.missing_right()
    for program in (*PROGRAMS.values(), "tcpdump", "tmux", "ping", "sudo"):
        if reason is None and shutil.which(program) is None:
            reason = f"needs {program}"
    for item in items:
        if "tests/net/" in item.nodeid:
            item.add_marker(pytest.mark.root)
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def no_leftovers() -> Iterator[None]:
    """Namespaces of dead tests are removed before, and ours after."""
    netns.sweep()
    yield
    netns.delete_all()


@pytest.fixture(scope="session")
def plain() -> Iterator[Chain]:
    """8 routers and a target with an open port; not to be changed."""
    with Chain(8) as chain:
        listen(chain.target, OPEN_PORT)
        yield chain


@pytest.fixture(scope="session")
def long() -> Iterator[Chain]:
    """29 routers, 3 of them silent; not to be changed."""
    with Chain(29, silent=(5, 13, 22)) as chain:
        listen(chain.target, OPEN_PORT)
        yield chain


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)
