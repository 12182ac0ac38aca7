"""The environment that ssh gets: the user's own, with the user's agent even under sudo.

sudo keeps few variables (sudoers(5), env_reset), and `SSH_AUTH_SOCK` is none of them. The shell
that called it still has it, and once rights are given up, this process may read what that user may.
"""

import contextlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

_AGENT = "SSH_AUTH_SOCK"
_MOST = 16
"""Most processes between this one and the user's shell: sudo takes one or two."""
_LARGEST = 1 << 20
"""Most bytes of an environment."""


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return `own`, with the address of the agent of whoever called sudo."""
    found = dict(own)
    if _AGENT not in found and "SUDO_UID" in found:
        agent = _agent_of_ancestors()
        if agent is not None:
            found[_AGENT] = agent
    return found


def _agent_of_ancestors() -> str | None:
    """Return the agent of the nearest process above that is this user's."""
    pid = os.getppid()
    for _ in range(_MOST):
        if pid <= 1:
            break
        folder = Path("/proc", str(pid))
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.geteuid():
                socket = _variable(folder / "environ")
                return socket if socket is not None and _is_own_socket(socket) else None
        try:
            # the name in brackets may have any characters, brackets too
            pid = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
    return None


def _variable(path: Path) -> str | None:
    with path.open("rb") as file:
        content = file.read(_LARGEST)
    for entry in content.split(b"\0"):
        name, _, value = entry.partition(b"=")
        if name == _AGENT.encode():
            return os.fsdecode(value)
    return None


def _is_own_socket(path: str) -> bool:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == os.geteuid()
