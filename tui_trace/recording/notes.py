"""Adds notes to a recording that has ended: they become the end of its stream."""

import sqlite3

from tui_trace.core.events import Note, SessionEnded
from tui_trace.recording import schema
from tui_trace.recording.codec import Packer, unpack_block
from tui_trace.recording.errors import RecordingError


def add(database: sqlite3.Connection, text: str, moment: int) -> None:
    """Append a note about `moment` (ns since the session began), in one transaction.

    Raises `RecordingError` if the file cannot be written; it is unchanged then. `database` is open
    for reading only, and is so again afterwards.
    """
    try:
        database.execute("PRAGMA query_only = OFF")
        try:
            schema.merge_journal(database)
            schema.limit_steps(database, schema.MAX_STEPS)
            database.execute("BEGIN IMMEDIATE")
            try:
                _write(database, text, moment)
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")
        finally:
            schema.limit_steps(database, None)
            database.execute("PRAGMA query_only = ON")
    except sqlite3.OperationalError as error:
        code = schema.error_code(error)
        raise RecordingError(_WHY.get(code, _WHY.get(code & 0xFF, str(error)))) from None


_WHY = {
    sqlite3.SQLITE_READONLY: "the file cannot be written",
    sqlite3.SQLITE_READONLY_DIRECTORY: "the folder cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the folder cannot be written",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "the file is in use",
    sqlite3.SQLITE_INTERRUPT: "the file is damaged",
}
"""Error messages by SQLite's result code, extended or primary."""


def _write(database: sqlite3.Connection, text: str, moment: int) -> None:
    number, sealed = database.execute(
        "SELECT number, events FROM block ORDER BY number DESC LIMIT 1"
    ).fetchone()
    query = "SELECT events FROM chunk ORDER BY number"
    chunks = database.execute(query) if sealed is None else [(sealed,)]
    events = unpack_block(chunk for (chunk,) in chunks).events
    at = events[-1].at
    ending = [events.pop()] if isinstance(events[-1], SessionEnded) else []
    packers = [Packer()]
    for event in (*events, Note(at=at, text=text, moment=moment), *ending):
        if packers[-1].is_full:
            packers.append(Packer())
        packers[-1].append(event)
    first, *more = packers
    database.execute("UPDATE block SET events = ? WHERE number = ?", (first.full_chunk(), number))
    for following, packer in enumerate(more, number + 1):
        # no checkpoint: a reader gets it from the block before
        database.execute(
            "INSERT INTO block (number, first, fold, events) SELECT ?, last, NULL, ? FROM session",
            (following, packer.full_chunk()),
        )
    database.execute("DELETE FROM chunk")
    database.execute("UPDATE session SET events = events + 1")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version < schema.NOTED:
        database.execute(f"PRAGMA user_version = {schema.NOTED}")
