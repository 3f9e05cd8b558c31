"""Sessions in one SQLite file: seeded once, then only what callers made of them."""

import json
import sqlite3
import threading
import uuid
import weakref
from datetime import datetime
from typing import Any, cast

from vapi_sessions_mcp.sandbox.clock import EPOCH, MILLISECOND, Clock, timestamp
from vapi_sessions_mcp.sandbox.samples import ORG_ID, samples_to_read
from vapi_sessions_mcp.sandbox.search import Search, milliseconds

# Written into the file's header ("VAPI"), so that a database of something else is left alone.
APPLICATION_ID = 0x56415049

# What lists filter and sort by, kept beside each session's JSON; the paths are Vapi's names.
PATHS: dict[str, tuple[str, ...]] = {
    "id": ("id",),
    "name": ("name",),
    "assistant_id": ("assistantId",),
    "squad_id": ("squadId",),
    "workflow_id": ("workflowId",),
    "phone_number_id": ("phoneNumberId",),
    "customer_name": ("customer", "name"),
    "customer_number": ("customer", "number"),
    "sip_uri": ("customer", "sipUri"),
    "email": ("customer", "email"),
    "external_id": ("customer", "externalId"),
    "extension": ("customer", "extension"),
}
COLUMNS = (*PATHS, "e164_check", "created_ms", "updated_ms", "cost", "duration", "body")
TABLE = f"CREATE TABLE sessions (position INTEGER PRIMARY KEY, {', '.join(COLUMNS)}, UNIQUE (id))"
# Only this module's own words reach the SQL text; every value is bound.
INSERT = f"INSERT INTO sessions ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
UPDATE = f"UPDATE sessions SET {', '.join(f'{c} = ?' for c in COLUMNS)} WHERE id = ?"  # noqa: S608


class SandboxError(Exception):
    """The sandbox cannot start on the database it was given."""


class Store:
    """The sessions of one sandbox; safe to share between threads and processes."""

    def __init__(self, database: str, clock: Clock) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._db = _open(database, clock())
        # Not every server runs a lifespan: what is never closed is closed when it is forgotten.
        self.close = weakref.finalize(self, self._db.close)

    def create(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Keep a new session and return it."""
        own: dict[str, Any] = {"id": str(uuid.uuid4()), "orgId": ORG_ID}
        defaults: dict[str, Any] = {
            "status": "active",
            "expirationSeconds": 86_400,
            "cost": 0,
            "costs": [],
        }
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            now = self._stamp()
            session = own | {"createdAt": now, "updatedAt": now} | defaults | fields
            self._db.execute(INSERT, _row(session))
            return session

    def get(self, session_id: str) -> dict[str, Any] | None:
        """Return a session, or None."""
        with self._lock:
            return self._get(session_id)

    def update(self, session_id: str, fields: dict[str, Any]) -> dict[str, Any] | None:
        """Replace some fields of a session and return it whole, or None."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            session = self._get(session_id)
            if session is None:
                return None
            session |= fields | {"updatedAt": self._stamp()}
            self._db.execute(UPDATE, (*_row(session), session_id))
            return session

    def remove(self, session_id: str) -> dict[str, Any] | None:
        """Delete a session and return it as it last was, or None."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            session = self._get(session_id)
            self._db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
            return session

    def find(self, search: Search) -> tuple[list[dict[str, Any]], int]:
        """Return one page of the sessions that match, and how many match in all."""
        matching = f"FROM sessions WHERE {search.where}"
        page = f"SELECT body {matching} ORDER BY {search.order} LIMIT ? OFFSET ?"
        with self._lock, self._db:
            self._db.execute("BEGIN")
            [total] = self._db.execute(f"SELECT count(*) {matching}", search.values).fetchone()
            rows = self._db.execute(page, (*search.values, search.limit, search.offset)).fetchall()
        return [json.loads(body) for (body,) in rows], total

    def _stamp(self) -> str:
        """Return the time, or a moment after the latest in the store where the clock is not ahead.

        No two changes bear the same one, so callers can tell versions apart.
        """
        [latest] = self._db.execute("SELECT max(updated_ms) FROM sessions").fetchone()
        now = (self._clock() - EPOCH) // MILLISECOND
        return timestamp(EPOCH + max(now, int(latest or 0) + 1) * MILLISECOND)

    def _get(self, session_id: str) -> dict[str, Any] | None:
        found = self._db.execute("SELECT body FROM sessions WHERE id = ?", (session_id,)).fetchone()
        return json.loads(found[0]) if found else None


def _open(database: str, now: datetime) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    except (sqlite3.Error, ValueError) as exc:
        raise _unusable(database, exc) from exc
    db.create_function("holds", 3, _holds, deterministic=True)
    try:
        _prepare(db, now)
    except sqlite3.Error as exc:
        db.close()
        raise _unusable(database, exc) from exc
    return db


def _prepare(db: sqlite3.Connection, now: datetime) -> None:
    """Create and seed the table in an empty database; accept ours, and no other."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        [tables] = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        [application_id] = db.execute("PRAGMA application_id").fetchone()
        if tables and application_id != APPLICATION_ID:
            raise sqlite3.DatabaseError("it holds the tables of something else")
        if not tables:
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(TABLE)
            db.executemany(INSERT, map(_row, samples_to_read(now)))


def _unusable(database: str, exc: Exception) -> SandboxError:
    return SandboxError(f"Cannot keep the sandbox's sessions in {database!r}: {exc}.")


def _row(session: dict[str, Any]) -> tuple[Any, ...]:
    customer = session.get("customer")
    return (
        *(_plain(_at(session, path)) for path in PATHS.values()),
        customer.get("numberE164CheckEnabled") is not False if customer else None,
        milliseconds(session["createdAt"]),
        milliseconds(session["updatedAt"]),
        session["cost"],
        _duration(session.get("messages") or []),
        json.dumps(session),
    )


def _at(session: dict[str, Any], path: tuple[str, ...]) -> Any:
    *owners, name = path
    owner = session
    for part in owners:
        inner: dict[str, Any] = owner.get(part) or {}
        owner = inner
    return owner.get(name)


def _plain(value: str | None) -> str | None:
    """Return text that SQLite can hold: JSON may carry half a surrogate pair."""
    return None if value is None else value.encode(errors="replace").decode()


def _duration(messages: list[dict[str, Any]]) -> float:
    """Return the seconds from the first word to the last; chat messages carry no times."""
    moments = [message.get(name) for message in messages for name in ("time", "endTime")]
    times = [moment for moment in moments if isinstance(moment, int | float)]
    return (max(times) - min(times)) / 1000 if times else 0


def _holds(body: str, field: str, wanted: str) -> bool:
    """Say whether a session's overrides, or its customer's, hold the wanted keys and values."""
    session: dict[str, Any] = json.loads(body)
    owners: tuple[dict[str, Any], ...] = (session, session.get("customer") or {})
    return any(_contains(owner.get(field), json.loads(wanted)) for owner in owners)


def _contains(have: Any, wanted: Any) -> bool:
    if not (isinstance(have, dict) and isinstance(wanted, dict)):
        return bool(have == wanted) and isinstance(have, bool) == isinstance(wanted, bool)
    inside = cast("dict[str, Any]", have)
    parts = cast("dict[str, Any]", wanted)
    return all(name in inside and _contains(inside[name], part) for name, part in parts.items())
