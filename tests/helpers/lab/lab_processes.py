"""The processes of a lab."""

import time
from pathlib import Path


def family_of(pid: int) -> list[int]:
    """A process and its children, as long as they live."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [pid, *(int(text) for text in children.read_text().split())]


def alive(pid: int) -> bool:
    """Neither gone nor a zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def all_end(pids: list[int]) -> bool:
    """Within a few seconds."""
    for _ in range(100):
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def settled(pid: int) -> list[int]:
    """The lab and its servers."""
    for _ in range(100):
        if len(family_of(pid)) == 2:
            break
        time.sleep(0.05)
    found = family_of(pid)
    assert len(found) == 2
    assert all(alive(each) for each in found)
    return found
