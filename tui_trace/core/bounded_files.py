"""Files of other people's making: read whole or not at all, never for ever."""

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
    """The content of a regular file of at most `most` bytes.

    `OSError` with its `strerror` set if it cannot be read, is no regular file (nothing else is
    opened: a pipe would wait for its writer, and a device has no end) or is larger.
    """
    content = read_start(path, most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"More than {most} bytes", str(path))
    return content


def read_start(path: str | Path, most: int) -> bytes:
    """The first `most` bytes of a regular file; `OSError` as from `read_file`."""
    _check(_stat(path), path)
    # what is there by now is not waited for either
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with open(handle, "rb") as file:
        _check(os.fstat(handle), path)
        return file.read(most)


def parse_toml(content: bytes) -> tuple[str, dict[str, Any]]:
    """The text, with or without a byte order mark, and its tables; `ValueError` says what is wrong.

    `OverflowError` may still come of its numbers, which are of any size.
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
    """There is something of that name, as far as this user can see.

    False where a folder on the way is missing, closed to this user or no folder, and for a name
    that does not begin at the root: without a home, that of a user's file would not.
    """
    if not path.is_absolute():
        return False
    try:
        _stat(path)
    except OSError as error:
        return error.errno not in _UNREACHABLE
    return True


def user_folder(kind: Literal["config", "cache", "state"]) -> Path | None:
    """Where our files of this kind lie in this user's home; None if the user has none.

    A place that does not begin at the root (as without HOME, or in XDG_CONFIG_HOME) is none: it
    would be another one in each folder that the program is started in.
    """
    find = {
        "config": platformdirs.user_config_path,
        "cache": platformdirs.user_cache_path,
        "state": platformdirs.user_state_path,
    }[kind]
    try:
        folder = find("tui-trace", appauthor=False)
    except RuntimeError:  # of newer versions; older ones give the name with its ~
        return None
    return folder if folder.is_absolute() else None


def error_reason(error: OSError) -> str:
    """Why a file cannot be read, without its name."""
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
