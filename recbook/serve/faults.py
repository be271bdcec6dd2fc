"""What can go wrong with a log, each in one sentence."""

from __future__ import annotations

import sqlite3
from pathlib import Path


class EventLogError(ValueError):
    """The file cannot be used as a log; the message says why and what to do."""


class EventConflict(ValueError):
    """An id came again with other contents, so one of the two events would be lost."""


def explained(error: Exception, path: Path) -> EventLogError:
    """Return what SQLite says as a sentence with a remedy."""
    if isinstance(error, EventLogError):
        return error
    reason = str(error)
    if "locked" in reason:
        return EventLogError(f"{path} is in use by another process; stop it or name another file")
    if "not a database" in reason:
        return EventLogError(f"{path} is no database; name another file, or a new one")
    if "unable to open" in reason:
        return EventLogError(
            f"{path} cannot be opened; does its folder exist, may you write there?"
        )
    if isinstance(error, sqlite3.OperationalError):
        return EventLogError(f"{path} cannot be used just now: {reason}")
    return EventLogError(f"{path} is damaged ({reason}); restore it from a copy")
