"""The folder of recordings: file names, the list, and which old files are deleted."""

import contextlib
import datetime
import os
import re
from pathlib import Path
from typing import NamedTuple

from tui_trace.core.bounded_files import user_folder
from tui_trace.recording import schema
from tui_trace.recording.errors import RecordingError
from tui_trace.recording.reader import Recording, SessionInfo

SUFFIX = ".session"
_LOOKED_AT = 10_000
_TRIES = 100
_LONGEST_NAME = 60
_TIMED = re.compile(r"\d{8}T\d{6}Z-.+")
"""The pattern of our file names. A file that the user renamed is never deleted."""
_BESIDE = ("", "-wal", "-shm", "-journal")


class RetentionLimits(NamedTuple):
    """How much the folder keeps. Beyond that the oldest files are deleted, except files in use."""

    files: int = 100
    """Number of files with the newest one, from 1 on."""
    size: int = 2 << 30
    """Bytes of all files together, without the newest one."""


DEFAULT_RETENTION = RetentionLimits()
"""The limits without a config file."""


def default_folder() -> Path | None:
    """Return the usual folder of recordings (below `~/.local/state` on Linux).

    None for a user without a home folder.
    """
    folder = user_folder("state")
    return None if folder is None else folder / "sessions"


def file_name_for(target: str, wall: int) -> str:
    """Return a name by time (ns since 1970) and target: `20261122T205147Z-example.com.session`."""
    began = datetime.datetime.fromtimestamp(wall // 10**9, datetime.UTC)
    host = re.sub(r"[^A-Za-z0-9.-]+", "-", target).strip(".-")[:_LONGEST_NAME] or "host"
    return f"{began:%Y%m%dT%H%M%SZ}-{host}{SUFFIX}"


def free_path(path: Path) -> Path:
    """Return this path, with a number if a file exists already: `name-2.session`."""
    for number in range(2, _TRIES):
        if not os.path.lexists(path):
            break
        stem = path.stem if number == 2 else path.stem.rpartition("-")[0]
        path = path.with_name(f"{stem}-{number}{path.suffix}")
    return path


def recordings_in(folder: Path) -> list[Path]:
    """Return the recordings in a folder, newest first by the time in their names."""
    found: list[str] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry, _ in zip(entries, range(_LOOKED_AT), strict=False):
            if entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                found.append(entry.name)
    return [folder / name for name in sorted(found, reverse=True)]


def list_sessions(folder: Path | None = None) -> list[SessionInfo]:
    """Return the recorded sessions, newest first, without files that cannot be read."""
    listed: list[SessionInfo] = []
    folder = folder or default_folder()
    for path in recordings_in(folder) if folder is not None else ():
        with contextlib.suppress(RecordingError), Recording(path) as recording:
            listed.append(recording.info())
    return listed


def find_recording(name: str) -> Path:
    """Return the file for a path, or for the name of a recorded session."""
    path = Path(name)
    folder = default_folder()
    # Path.exists raises where a folder is closed to this user
    if folder is not None and not os.path.exists(path) and path.name == name:
        kept = folder / name
        for candidate in (kept, kept.with_name(name + SUFFIX)):
            if os.path.exists(candidate):
                return candidate
    return path


def prune_recordings(folder: Path, limits: RetentionLimits = DEFAULT_RETENTION) -> int:
    """Delete the oldest recordings until the rest, and one more, are within the limits.

    Return how many were deleted. Renamed files are neither counted nor deleted, and files that are
    no recordings are not deleted.
    """
    count = used = deleted = 0
    for path in filter(lambda path: _TIMED.match(path.name), recordings_in(folder)):
        size = 0
        for suffix in _BESIDE:
            with contextlib.suppress(OSError):
                size += path.with_name(path.name + suffix).lstat().st_size
        if count + 1 < limits.files and used + size <= limits.size:
            count += 1
            used += size
        elif schema.is_unused_recording(path):
            deleted += _delete(path)
    return deleted


def delete_recording(path: Path) -> None:
    """Delete a recording; `RecordingError` if it is in use, or cannot be deleted."""
    if not schema.is_unused_recording(path):
        raise RecordingError(f"{path.name} is in use: it is being recorded, or read")
    if not _delete(path):
        raise RecordingError(f"{path.name} cannot be deleted")


def _delete(path: Path) -> bool:
    """Delete the recording; return whether it is gone."""
    for suffix in _BESIDE:
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    return not os.path.lexists(path)
