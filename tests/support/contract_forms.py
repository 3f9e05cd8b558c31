"""Every tool in every form that the settings give it, and the schemas in it, each with its path."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import vapi_sessions_mcp

Json: TypeAlias = dict[str, Any]

PUBLISHED = Path(str(vapi_sessions_mcp.__file__)).parent / "contract" / "published.json"


def forms() -> list[Json]:
    """The tools as listed with full names, one for each form; a form says with which settings."""
    rows = json.loads(PUBLISHED.read_text(encoding="utf-8"))["tools"]
    return [{"name": row["names"]["full"], "short": row["names"]["short"], **row} for row in rows]


def listed() -> list[Json]:
    """The tools of a server without settings, which has all five, in their longest plain form."""
    plain = [form for form in forms() if all(v[0] in (False, None) for v in form["when"].values())]
    return [{"name": form["name"], **form["tool"]} for form in plain]


def nodes(schema: Json, path: str) -> Iterator[tuple[str, Json]]:
    """A schema and every schema in it."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from nodes(schema["items"], f"{path}[]")


def size(value: Any) -> int:
    """Bytes of compact JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
