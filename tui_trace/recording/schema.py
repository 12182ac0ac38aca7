"""The file: one SQLite database of three tables, which `sqlite3 FILE .dump` lists.

`session` has one row: what the list of sessions shows. `block` has the stream. Each row holds a few
thousand events, and a checkpoint of everything before them, so that any moment is near. A block
that notes added has no checkpoint. `chunk` has the events of the block that is not full yet, as
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
VERSION = 9
"""`PRAGMA user_version`: version of the tables and columns, and of the kinds of events.

2 added notes, 3 how probes leave, 4 turns of more than two runs, 5 ways, 6 the vantage in the table
`session`, 7 steps of the clock, 8 where addresses are, and QUIC, 9 the search for the path MTU. An
older file is read as it is, and becomes version `NOTED` with its first note."""
NOTED = 5
WITH_VANTAGE = 6
PAGE = 4096
MAX_BYTES = 512 << 20
"""Most bytes of one file: a week of 30 hops at one probe a second."""

TABLES = {
    "session": "CREATE TABLE session (wall INTEGER NOT NULL, target TEXT NOT NULL,"
    " address TEXT NOT NULL, lab TEXT NOT NULL, version TEXT NOT NULL, fold INTEGER NOT NULL,"
    " last INTEGER NOT NULL, runs INTEGER NOT NULL, events INTEGER NOT NULL,"
    " ended INTEGER NOT NULL, vantage TEXT NOT NULL)",
    "block": "CREATE TABLE block (number INTEGER PRIMARY KEY, first INTEGER NOT NULL,"
    " fold BLOB, events BLOB)",
    "chunk": "CREATE TABLE chunk (number INTEGER PRIMARY KEY, events BLOB NOT NULL)",
}
_BEFORE_VANTAGES = {
    **TABLES,
    "session": TABLES["session"].replace(", vantage TEXT NOT NULL", ""),
}
_BUSY = 2.0
_LONGEST_VALUE = 32 << 20
MAX_STEPS = 1_000_000
"""Most steps of SQLite's virtual machine in one statement: pages that refer to each other could
keep it busy for ever. Opening takes a few hundred steps, a note ten for each chunk."""


class FileIdentity:
    """A file and its path. The file may be moved, and another one may get its path."""

    def __init__(self, path: Path) -> None:
        """Take the file that is at `path` now; `OSError` if there is none."""
        self._path = path.absolute()
        self._status = self._path.stat()

    def is_kept(self) -> bool:
        """Return whether the path still leads to that file."""
        try:
            return os.path.samestat(self._status, self._path.stat())
        except OSError:
            return False


def create(path: Path, most_bytes: int = MAX_BYTES) -> sqlite3.Connection:
    """Create a file that only this user can read; `OSError` or `sqlite3.Error`."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        return _tables_in(_connect(path), most_bytes)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _connect(path: Path, mode: str = "mode=rw", timeout: float = _BUSY) -> sqlite3.Connection:
    """Open an existing file; `mode` as in SQLite's URIs.

    SQLite reads `file:x` as a URI, and `:memory:` as no file. An absolute path in a URI is always
    a path.
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
    """Open a recording for reading, also while it is written; `RecordingError`."""
    try:
        if not path.is_file():
            raise RecordingError(f"{path}: there is no such file")
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from None
    # not by opening it: to close it again would end SQLite's locks, which belong to the process
    # (fcntl(2)), and another process would remove the journal of a running session
    if not os.access(path, os.R_OK):
        raise RecordingError(f"{path}: cannot be read: {os.strerror(errno.EACCES)}")
    # to recover what a killed process left, the file must be writable; a file that was closed
    # properly opens without that
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
        # the file may be forged
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
    """Abort each statement that takes more steps of SQLite's virtual machine; None: no limit.

    SQLite caches statements, and the steps of a cached one add up.
    """
    database.set_progress_handler(None if steps is None else lambda: 1, steps or 0)


def merge_journal(database: sqlite3.Connection) -> None:
    """Merge the journal of a killed process into the file, or raise `sqlite3.OperationalError`.

    It fails while any other connection is open. So afterwards no process records to the file,
    because a recorder holds it open from the beginning.
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
    # exactly these tables, so that no view or trigger of a forged file runs
    found = dict(database.execute("SELECT name, sql FROM sqlite_master").fetchmany(16))
    if found != (TABLES if version >= WITH_VANTAGE else _BEFORE_VANTAGES):
        raise RecordingError(f"{path}: damaged: these are not its tables")


def error_code(error: sqlite3.Error) -> int:
    """Return SQLite's result code; 0 if the error does not come from SQLite."""
    return getattr(error, "sqlite_errorcode", 0)


def damaged(path: Path, error: Exception) -> RecordingError:
    """Return the error for a damaged file, in one line."""
    return RecordingError(f"{path}: damaged: {' '.join(str(error).split()) or 'unreadable'}")


def is_unused_recording(path: Path) -> bool:
    """Return whether this is a recording that no process writes or reads."""
    try:
        with closing(_connect(path, timeout=0)) as database:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")
            (application,) = database.execute("PRAGMA application_id").fetchone()
            return bool(application == APPLICATION)
    except (sqlite3.Error, OSError):
        return False
