"""A tool's arguments as options of a command, described by type, limits and whether required."""

from typing import Any

import click

from vapi_sessions_mcp.contract.times import COLUMNS


def tool_options(schema: dict[str, Any]) -> list[click.Parameter]:
    """One option for each property of a tool's input schema, its values as they were typed.

    Click checks none of them: the request model does, whatever way they came.
    """
    return [
        click.Option(
            [name, f"--{name}"],
            # Click takes the last of two; collected, they can be refused.
            multiple=True,
            type=click.UNPROCESSED,
            allow_from_autoenv=False,
            metavar=_kind(name, of),
            help=_description(of, required=name in schema.get("required", ())),
        )
        for name, of in schema["properties"].items()
    ]


def describe_fields(schema: dict[str, Any]) -> list[tuple[str, str]]:
    """The fields of an object, or of the objects in an array: name and type, then the rest."""
    schema = schema.get("items", schema)
    return [
        (f"{name} {_kind(name, of)}", _description(of, required=name in schema.get("required", ())))
        for name, of in schema.get("properties", {}).items()
    ]


def _kind(name: str, schema: dict[str, Any]) -> str:
    """What an argument takes, as a help shows it."""
    match schema:
        case {"enum": words}:
            return f"[{'|'.join(words)}]"
        case {"type": "boolean"}:
            return "[true|false]"
        case _ if name[:-2] in COLUMNS:
            return "TIME"
        case {"type": "array", "items": {"type": "string"}}:
            return "TEXT,..."
        case {"type": "object" | "array"}:
            return "JSON"
        case {"type": "string"}:
            return "TEXT"
        case _:
            return str(schema["type"]).upper()


def _description(schema: dict[str, Any], *, required: bool) -> str:
    rules = ["required"] * required + _limits(schema)
    return f"{schema['description']}  [{'; '.join(rules)}]" if rules else schema["description"]


def _limits(schema: dict[str, Any]) -> list[str]:
    match schema:
        case {"minimum": least, "maximum": most}:
            return [f"{least} to {most}"]
        case {"minimum": least}:
            return [f"{least} or more"]
        case {"maxLength": most}:
            return [f"up to {most} characters"]
        case _:
            return []
