"""Reads files that may be forged: bounded in size and time."""

import errno
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any, Literal

import platformdirs

_UNREACHABLE = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG}
)

_TOO_DEEP = "nested too deeply"
# tomllib takes the square of their number, in time: half a minute for 60 kB of dots
_DEEP_KEY = re.compile(r"""(?:(?:(?<![\w-])[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")


def read_file(path: str | Path, most: int) -> bytes:
    """Return the content of a regular file of at most `most` bytes.

    Raises `OSError` with its `strerror` set if the file cannot be read, is larger, or is no regular
    file: a pipe would wait for its writer, and a device may have no end.
    """
    content = read_start(path, most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"More than {most} bytes", str(path))
    return content


def read_start(path: str | Path, most: int) -> bytes:
    """Return the first `most` bytes of a regular file; `OSError` as from `read_file`."""
    _check(_stat(path), path)
    # O_NONBLOCK: the path may lead to a pipe by now
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with open(handle, "rb") as file:
        _check(os.fstat(handle), path)
        return file.read(most)


def parse_toml(content: bytes) -> tuple[str, dict[str, Any]]:
    """Return the text without a byte order mark, and its tables; `ValueError` says what is wrong.

    Integers in it may have any size, so that a caller may still get `OverflowError` from them.
    """
    try:
        text = content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    if _DEEP_KEY.search(text):
        raise ValueError(_TOO_DEEP)
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise ValueError("a number has too many digits") from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def is_reachable(path: Path) -> bool:
    """Return whether this user can see that the path exists.

    False if a folder on the way is missing, closed to this user or no folder. False for a relative
    path, too: without a home folder, the path of a user's file would be relative.
    """
    if not path.is_absolute():
        return False
    try:
        _stat(path)
    except OSError as error:
        return error.errno not in _UNREACHABLE
    return True


def user_folder(kind: Literal["config", "cache", "state"]) -> Path | None:
    """Return the folder of our files of this kind in the user's home; None without a home.

    A relative path (without HOME, or from XDG_CONFIG_HOME) counts as none: it would depend on the
    folder that the program is started in.
    """
    find = {
        "config": platformdirs.user_config_path,
        "cache": platformdirs.user_cache_path,
        "state": platformdirs.user_state_path,
    }[kind]
    try:
        folder = find("tui-trace", appauthor=False)
    except RuntimeError:  # newer versions raise; older ones return a path with ~
        return None
    return folder if folder.is_absolute() else None


def error_reason(error: OSError) -> str:
    """Return why a file cannot be read, without its name."""
    return error.strerror or str(error)


def _stat(path: str | Path) -> os.stat_result:
    try:
        return os.stat(path)
    except ValueError:
        raise OSError(errno.EINVAL, "No such file name", str(path)) from None


def _check(found: os.stat_result, path: str | Path) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
