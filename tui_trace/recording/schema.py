"""The file: one SQLite database of three tables, which `sqlite3 FILE .dump` lists.

`session` holds one row, what a list of sessions shows. `block` holds the stream, a few thousand
events a row, each with the fold of everything before it (or none, where notes made another block
later), so that any moment is near. `chunk` holds the events of the block that is not full yet, as
they were committed.
"""

import contextlib
import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from tui_trace.recording.errors import RecordingError

APPLICATION = 0x54545243
"""`PRAGMA application_id`: the letters TTRC."""
VERSION = 2
"""`PRAGMA user_version`: of this file's tables and columns, and of the kinds of events in it.

2: notes. What 1 had is read as it is, and becomes 2 with its first note."""
PAGE = 4096
MAX_BYTES = 512 << 20
"""Of one file: a week of 30 hops at one probe a second."""

TABLES = {
    "session": "CREATE TABLE session (wall INTEGER NOT NULL, target TEXT NOT NULL,"
    " address TEXT NOT NULL, lab TEXT NOT NULL, version TEXT NOT NULL, fold INTEGER NOT NULL,"
    " last INTEGER NOT NULL, runs INTEGER NOT NULL, events INTEGER NOT NULL,"
    " ended INTEGER NOT NULL)",
    "block": "CREATE TABLE block (number INTEGER PRIMARY KEY, first INTEGER NOT NULL,"
    " fold BLOB, events BLOB)",
    "chunk": "CREATE TABLE chunk (number INTEGER PRIMARY KEY, events BLOB NOT NULL)",
}
_BUSY = 2.0
_LONGEST_VALUE = 32 << 20
MAX_STEPS = 1_000_000
"""Of SQLite's machine, in one statement; pages that lead to one another can keep it busy for ever.
Opening takes a few hundred, a note ten for each chunk."""


class FileIdentity:
    """A file and its name: they may part, and what opened the one does not notice."""

    def __init__(self, path: Path) -> None:
        """As it is now; `OSError` if it is not there."""
        self._path = path.absolute()
        self._status = self._path.stat()

    def is_kept(self) -> bool:
        """What has the name is still that file."""
        try:
            return os.path.samestat(self._status, self._path.stat())
        except OSError:
            return False


def create(path: Path, most_bytes: int = MAX_BYTES) -> sqlite3.Connection:
    """A new file that nobody else may read; `OSError` or `sqlite3.Error` if it cannot be made."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        return _tables_in(_connect(path), most_bytes)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _connect(path: Path, mode: str = "mode=rw", timeout: float = _BUSY) -> sqlite3.Connection:
    """The file of this very name, which is there; `mode` as SQLite's URIs have it.

    SQLite takes `file:x` for a URI and `:memory:` for no file; an absolute path in a URI is
    nothing but a path.
    """
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
    )


def _tables_in(database: sqlite3.Connection, most_bytes: int) -> sqlite3.Connection:
    try:
        database.execute(f"PRAGMA page_size = {PAGE}")
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA max_page_count = {most_bytes // PAGE}")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN")
        for table in TABLES.values():
            database.execute(table)
        database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database


def open_existing(path: Path) -> sqlite3.Connection:
    """For reading, while it is written too; `RecordingError` if it is no recording of ours."""
    try:
        if not path.is_file():
            raise RecordingError(f"{path}: there is no such file")
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from None
    # not by opening it: closing it again would end SQLite's locks, which are the process's
    # (fcntl(2)), and another process would put the files of a session under way away
    if not os.access(path, os.R_OK):
        raise RecordingError(f"{path}: cannot be read: {os.strerror(errno.EACCES)}")
    # what a killed process left has to be put in order, which takes writing; where nothing can
    # be written, a file that was ended in order still opens
    unfinished = any(path.with_name(path.name + left).exists() for left in ("-wal", "-journal"))
    for mode in ("mode=rw", "mode=ro") if unfinished else ("mode=rw", "mode=ro", "immutable=1"):
        try:
            return _opened(path, mode)
        except sqlite3.OperationalError as error:
            if error_code(error) == sqlite3.SQLITE_INTERRUPT:
                raise damaged(path, error) from None
            why = str(error)
        except OSError as error:
            raise RecordingError(f"{path}: cannot be read: {error.strerror}") from None
        except sqlite3.Error as error:
            if error_code(error) == sqlite3.SQLITE_NOTADB:
                raise RecordingError(f"{path}: no recording of tui-trace") from None
            raise damaged(path, error) from None
        except ValueError as error:
            raise damaged(path, error) from None
    if unfinished:
        why += (
            "; it was cut off, and has to be copied, with its -wal or -journal file, to where one"
            " can write"
        )
    raise RecordingError(f"{path}: cannot be read: {why}")


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    database = _connect(path, mode)
    try:
        # a file may come from anybody
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        limit_steps(database, MAX_STEPS)
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cell_size_check = ON")
        _check(database, path)
        with contextlib.suppress(sqlite3.OperationalError):
            merge_journal(database)
        database.execute("PRAGMA query_only = ON")
        limit_steps(database, None)
    except BaseException:
        database.close()
        raise
    return database


def limit_steps(database: sqlite3.Connection, steps: int | None) -> None:
    """End each statement that takes more steps of SQLite's machine; None: none, from now on.

    Statements are kept for their next time, and their steps add up.
    """
    database.set_progress_handler(None if steps is None else lambda: 1, steps or 0)


def merge_journal(database: sqlite3.Connection) -> None:
    """Make one file of what was cut off; `sqlite3.OperationalError` if that cannot be.

    It cannot while any other connection is open, so that afterwards nobody records to the file: who
    does holds it open from the beginning.
    """
    if database.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        database.execute("PRAGMA busy_timeout = 0")
        try:
            database.execute("PRAGMA journal_mode = DELETE")
        finally:
            database.execute(f"PRAGMA busy_timeout = {round(_BUSY * 1000)}")


def _check(database: sqlite3.Connection, path: Path) -> None:
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise RecordingError(f"{path}: no recording of tui-trace")
    if version > VERSION:
        raise RecordingError(
            f"{path}: of a newer tui-trace (format {version}; this one reads up to {VERSION})"
        )
    # exactly these tables: no view or trigger runs because somebody wrote it into a file
    found = dict(database.execute("SELECT name, sql FROM sqlite_master").fetchmany(16))
    if found != TABLES:
        raise RecordingError(f"{path}: damaged: these are not its tables")


def error_code(error: sqlite3.Error) -> int:
    """SQLite's result code; 0 if the error is not SQLite's own."""
    return getattr(error, "sqlite_errorcode", 0)


def damaged(path: Path, error: Exception) -> RecordingError:
    """In one line."""
    return RecordingError(f"{path}: damaged: {' '.join(str(error).split()) or 'unreadable'}")


def is_unused_recording(path: Path) -> bool:
    """It is a recording of ours that no process records to or reads."""
    try:
        with closing(_connect(path, timeout=0)) as database:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")
            (application,) = database.execute("PRAGMA application_id").fetchone()
            return bool(application == APPLICATION)
    except (sqlite3.Error, OSError):
        return False
