"""The log of events: what is acknowledged stays, and nothing is in it twice."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from recbook.serve.event import Event, checked
from recbook.serve.faults import EventConflict, EventLogError, explained

_APPLICATION = 0x7265_6362  # in the file's head: it is ours ("recb")
_VERSION = 1
_TABLE = """
CREATE TABLE event (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    user TEXT NOT NULL,
    item TEXT NOT NULL,
    time INTEGER NOT NULL,
    quantity REAL NOT NULL
)
"""


class Appended(NamedTuple):
    """What `EventLog.append` did: how many events are new, how many it had, and the last position.

    `position` is that of the last event of the whole log.
    """

    new: int
    duplicates: int
    position: int


class EventLog:
    """Events in an SQLite file in WAL mode; one process at a time holds it.

    When `append` returns, its events are committed: they survive the death of the process (kill
    −9) and, with synchronous="full", of the machine. With "normal" SQLite hands each commit to the
    operating system but does not wait for the disk, so the last commits before a loss of power may
    be gone; in return a commit takes microseconds instead of a turn of the disk. Events that wait
    while a commit is under way are committed together in the next one (group commit), so that many
    clients share the disk's turns.

    Parameters
    ----------
    path : str or Path
        Made where it is missing.
    synchronous : {"full", "normal"}

    Raises
    ------
    EventLogError
        If the file is held by another process, is no log, is damaged, or cannot be made.

    References
    ----------
    SQLite, Write-ahead logging, https://www.sqlite.org/wal.html; Gray and Reuter, Transaction
    Processing (1993), on group commit.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, EventLog(Path(folder) / "log.db") as log:
    ...     log.append([Event("1", "view", "ann", "tea", 0)] * 2)
    Appended(new=1, duplicates=1, position=1)
    """

    def __init__(self, path: str | Path, *, synchronous: str = "full") -> None:
        if synchronous not in ("full", "normal"):
            raise ValueError(f'synchronous must be "full" or "normal", got {synchronous!r}')
        self.path = Path(path)
        self._lock = threading.Lock()  # of the connection
        self._queue_lock = threading.Lock()
        self._queue: list[_Ticket] = []
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = sqlite3.connect(
                self.path, timeout=0, isolation_level=None, check_same_thread=False
            )
            self._open(synchronous)
        except (sqlite3.Error, EventLogError) as error:
            self.close()
            raise explained(error, self.path) from None

    def append(self, events: Iterable[Event]) -> Appended:
        """Store the events, all or none; return once they are committed.

        An event whose id is in the log, or came earlier in `events`, with the same contents is
        counted and left out. Safe to call from several threads.

        Raises
        ------
        EventConflict
            If an id is known with other contents; nothing of this call is stored.
        EventLogError
            If the file cannot be written; nothing of this call is acknowledged.
        """
        ticket = _Ticket([checked(event) for event in events])
        with self._queue_lock:
            self._queue.append(ticket)
        with self._lock:
            if not ticket.done:  # else somebody before us has committed it with his own
                with self._queue_lock:
                    tickets, self._queue = self._queue, []
                self._commit(tickets)
        if ticket.error is not None:
            raise ticket.error
        return ticket.appended

    def read(self, after: int = 0, *, limit: int = 10_000) -> list[tuple[int, Event]]:
        """Return up to `limit` (position, event) that follow position `after`, in order."""
        with self._lock:
            rows = self._execute(
                "SELECT position, id, kind, user, item, time, quantity FROM event"
                " WHERE position > ? ORDER BY position LIMIT ?",
                (after, limit),
            )
            return [(position, Event(*columns)) for position, *columns in rows]

    def replay(self, after: int = 0) -> Iterator[tuple[int, Event]]:
        """Yield every (position, event) after a position, in the order of the commits."""
        while rows := self.read(after):
            yield from rows
            after = rows[-1][0]

    @property
    def position(self) -> int:
        """Position of the last event, 0 where there is none."""
        with self._lock:
            return self._last()

    def __len__(self) -> int:
        with self._lock:
            return self._execute("SELECT count(*) FROM event")[0][0]

    def close(self) -> None:
        """Give the file back; a log closed twice stays closed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, synchronous: str) -> None:
        # Exclusive: a second process would add events that the first never hears of.
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        (application,) = self._execute("PRAGMA application_id")[0]
        (version,) = self._execute("PRAGMA user_version")[0]
        (tables,) = self._execute("SELECT count(*) FROM sqlite_master")[0]
        if (application or tables) and (application, version) != (_APPLICATION, _VERSION):
            raise EventLogError(
                f"{self.path} is a database of something else, not a log of version {_VERSION}; "
                "name another file"
            )
        (mode,) = self._execute("PRAGMA journal_mode = WAL")[0]
        if mode != "wal":
            raise EventLogError(f"{self.path} cannot be in WAL mode; put it on a local disk")
        self._connection.execute(f"PRAGMA synchronous = {synchronous}")
        self._connection.execute("BEGIN IMMEDIATE")
        if not tables:
            self._connection.execute(_TABLE)
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        self._connection.execute("COMMIT")
        (found,) = self._execute("PRAGMA quick_check(1)")[0]
        if found != "ok":
            raise sqlite3.DatabaseError(" ".join(found.split()))

    def _commit(self, tickets: list[_Ticket]) -> None:
        try:
            self._execute("BEGIN IMMEDIATE")
            for ticket in tickets:
                self._execute("SAVEPOINT one")
                try:
                    new = sum(self._insert(event) for event in ticket.events)
                    ticket.appended = Appended(new, len(ticket.events) - new, self._last())
                except EventConflict as conflict:  # his alone: the others' events stay
                    self._execute("ROLLBACK TO one")
                    ticket.error = conflict
                self._execute("RELEASE one")
            self._execute("COMMIT")
        except Exception as error:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for ticket in tickets:
                ticket.error = explained(error, self.path)
        finally:
            for ticket in tickets:
                ticket.done = True

    def _insert(self, event: Event) -> bool:
        known = self._execute(
            "SELECT id, kind, user, item, time, quantity FROM event WHERE id = ?", (event.id,)
        )
        if not known:
            self._execute(
                "INSERT INTO event (id, kind, user, item, time, quantity)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                event,
            )
        elif Event(*known[0]) != event:
            raise EventConflict(
                f"event id {event.id!r} is in the log with other contents; "
                "give every event an id of its own"
            )
        return not known

    def _last(self) -> int:
        return self._execute("SELECT coalesce(max(position), 0) FROM event")[0][0]

    def _execute(self, statement: str, values: tuple = ()) -> list[tuple]:
        if self._connection is None:
            raise EventLogError(f"the log {self.path} is closed; open it again")
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise explained(error, self.path) from error


class _Ticket:
    """The events of one call of `append`, and what became of them."""

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.done = False
        self.error: Exception | None = None
        self.appended = Appended(0, 0, 0)
