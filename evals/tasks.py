"""The tasks of tasks.toml: what a person says, about which sandbox, and what must come of it."""

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]
# A text that an answer must have, or several of which one is enough.
Said: TypeAlias = str | list[str]

OPENED = datetime(2026, 11, 20, 12, tzinfo=UTC)
HERE = Path(__file__).parent
DELETE = "delete_session"


@dataclass(frozen=True, kw_only=True)
class Extra:
    """Sessions that are in a task's sandbox besides the samples."""

    label: str
    name: str
    customer: Json | None = None
    expirationSeconds: int | None = None  # noqa: N815 - Vapi's name
    said: str = ""
    again: str = ""
    times: int = 0
    ends: str = ""
    copies: int = 1

    def body(self) -> Json:
        """What Vapi is sent to create one of them."""
        repeated = "\n".join(self.again.format(n=n + 1) for n in range(self.times))
        lines = "\n".join([self.said, repeated, self.ends]).split("\n")
        roles = {"U": "user", "B": "assistant"}
        turns = [line.split(": ", 1) for line in lines if line]
        fields = {
            "name": self.name,
            "customer": self.customer,
            "expirationSeconds": self.expirationSeconds,
            "messages": [{"role": roles[who], "content": text} for who, text in turns],
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A session that must be different afterwards: its id or label, and what it must have."""

    id: str
    status: str | None = None
    appended: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Created:
    """A session that must be new afterwards."""

    name: str
    number: str
    expirationSeconds: int  # noqa: N815 - Vapi's name


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task; `never_called` and `read` are about all calls, the rest about their outcome."""

    name: str
    title: str
    prompt: str
    recipe: str = ""
    options: tuple[str, ...] = ()
    now: datetime = OPENED
    person: Literal["accept", "decline"] | None = None
    extras: tuple[Extra, ...] = ()
    says: tuple[Said, ...] = ()
    never_says: tuple[str, ...] = ()
    never_called: tuple[str, ...] = ()
    read: int | None = None
    looked_afterwards: bool = False
    deleted: tuple[str, ...] = ()
    changed: tuple[Changed, ...] = ()
    created: tuple[Created, ...] = ()

    @property
    def changes_something(self) -> bool:
        """Whether the sandbox must be different afterwards."""
        return bool(self.deleted or self.changed or self.created)


def load(file: Path = HERE / "tasks.toml") -> list[Task]:
    """Every task in its order; a TypeError names a word that no task has."""
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    return [_task(name, **table) for name, table in tables.items()]


def _task(
    name: str,
    *,
    options: list[str] | None = None,
    hours_later: float = 0,
    session: list[Json] | None = None,
    answer: Json | None = None,
    calls: Json | None = None,
    after: Json | None = None,
    **rest: Any,
) -> Task:
    return Task(
        name=name,
        options=tuple(options or ()),
        now=OPENED + timedelta(hours=hours_later),
        extras=tuple(Extra(**each) for each in session or ()),
        **_answer(**answer or {}),
        **_calls(**calls or {}),
        **_after(**after or {}),
        **rest,
    )


def _answer(*, says: list[Said] | None = None, never: list[str] | None = None) -> Json:
    return {"says": tuple(says or ()), "never_says": tuple(never or ())}


def _calls(
    *, never: list[str] | None = None, read: int | None = None, looked_afterwards: bool = False
) -> Json:
    looked = {"looked_afterwards": looked_afterwards}
    return {"never_called": tuple(never or ()), "read": read} | looked


def _after(
    *,
    deleted: list[str] | None = None,
    changed: list[Json] | None = None,
    created: list[Json] | None = None,
) -> Json:
    return {
        "deleted": tuple(deleted or ()),
        "changed": tuple(Changed(**each) for each in changed or ()),
        "created": tuple(Created(**each) for each in created or ()),
    }
