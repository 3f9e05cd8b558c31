"""One operation from a shell: JSON or flags in, JSON and an exit code that means something out."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import click

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.caller import Caller, CallRecord, owner
from vapi_sessions_mcp.errors import (
    BadArguments,
    NoAnswer,
    NotConfigured,
    Unconfirmed,
    VapiError,
)
from vapi_sessions_mcp.logs import logged_call
from vapi_sessions_mcp.settings import Settings

if TYPE_CHECKING:
    from vapi_sessions_mcp.contract.operations import Operation
    from vapi_sessions_mcp.contract.requests import Request
    from vapi_sessions_mcp.sessions.service import Sessions
    from vapi_sessions_mcp.vapi.client import Vapi
    from vapi_sessions_mcp.views.answer import Answer

# What the command hands on: the settings, and the sandbox's database where it is asked for.
Told: TypeAlias = Callable[[], tuple[Settings, str | None]]

HELP = """\
Run one tool without an MCP host and print its answer as JSON.

Arguments are one JSON object (- reads it from stdin), flags, or both. The
options of vapi-sessions-mcp itself, such as --sandbox, stand before "call".

\b
Examples, which need no key:
  vapi-sessions-mcp --sandbox call list_sessions --limit 3
  vapi-sessions-mcp --sandbox call list_sessions '{"status": "active"}'
  vapi-sessions-mcp --sandbox call create_session --body '{"name": "Test"}'

The answer is on stdout. On stderr: what was left out of it and how to get
that, or one line that says what went wrong. Exit codes:

\b
  0  it worked
  1  Vapi refused or failed
  2  bad input: arguments, settings, no key; nothing was sent
  3  Vapi could not be reached or did not answer in time
"""

# Some terminals obey these; customers' words must not get to command one.
_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


class _Call(click.Command):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each tool with its arguments, as the table has them."""
        # 450 ms that every other --help does without.
        from vapi_sessions_mcp.contract.operations import OPERATIONS
        from vapi_sessions_mcp.contract.schemas import input_schema

        for row in OPERATIONS:
            schema = input_schema(row.request)
            needed = schema.get("required", ())
            with formatter.section(f"{row.short_name}, or {row.name}"):
                formatter.write_text(row.description)
                formatter.write_dl(
                    [
                        (f"--{name}", _described(of) + " (required)" * (name in needed))
                        for name, of in schema["properties"].items()
                    ]
                )


@click.command(cls=_Call, help=HELP, context_settings={"ignore_unknown_options": True})
@click.argument("tool")
@click.argument(
    "arguments", nargs=-1, type=click.UNPROCESSED, metavar="[JSON | -] [--NAME VALUE]..."
)
@click.pass_context
def call(context: click.Context, *, tool: str, arguments: tuple[str, ...]) -> int:
    """Perform one operation; the exit code."""
    settings, sandbox = cast("Told", context.obj)()
    # 600 ms that --help and --version do without.
    import anyio

    from vapi_sessions_mcp.cli.connect import connect
    from vapi_sessions_mcp.contract.parsing import parse
    from vapi_sessions_mcp.sessions.service import Sessions

    # Notes name the tools the way the caller does.
    settings = replace(settings, tool_names="short" if "_" in tool else "full")
    settings, vapi = connect(settings, sandbox)
    sessions = Sessions(vapi, settings)
    try:
        operation = _operation(tool, settings)
        request = parse(operation.request, _given(arguments, operation, context))
        answer = anyio.run(_perform, vapi, sessions, owner(settings), operation, request)
    except VapiError as exc:
        _say("vapi-sessions-mcp", sessions.shape.text(exc))
        return _exit_code(exc)
    _print(answer.data)
    if answer.note:
        _say("note", answer.note)
    return 0


async def _perform(
    vapi: "Vapi",
    sessions: "Sessions",
    caller: Caller,
    operation: "Operation",
    request: "Request",
) -> "Answer":
    record = CallRecord(caller=caller)
    async with vapi:
        with logged_call(operation.short_name, record):
            return await sessions.answer(operation, request, record)


def _operation(tool: str, settings: Settings) -> "Operation":
    from vapi_sessions_mcp.contract.operations import offered

    rows = offered(settings)
    for row in rows:
        if tool in row.names:
            return row
    names = ", ".join(row.short_name for row in rows)
    raise BadArguments([f"No tool {tool!r:.80}: there are {names}."])


def _given(words: Sequence[str], operation: "Operation", context: click.Context) -> dict[str, Any]:
    """The arguments in JSON and in flags; what they mean is the request model's matter."""
    known = {field.alias or name for name, field in operation.request.model_fields.items()}
    parent = cast("click.Context", context.parent).command
    before = {option for param in parent.params for option in param.opts}
    given: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        flag, equals, value = word.partition("=")
        if not flag.startswith("--"):
            new = _parsed(word)
        elif flag in before and flag[2:] not in known:
            raise BadArguments([f"`{flag}` stands before `call`: vapi-sessions-mcp {flag} … call."])
        else:
            new = {flag[2:]: value if equals else _value(flag, next(rest, "--"))}
        if twice := given.keys() & new.keys():
            raise BadArguments([f"`{min(twice)}` is given twice."])
        given |= new
    return given


def _value(flag: str, word: str) -> str:
    if word.startswith("--"):
        raise BadArguments([f"`{flag}` needs a value: {flag} VALUE, or {flag}=VALUE."])
    return word


def _parsed(word: str) -> dict[str, Any]:
    stdin = word == "-"
    raw = sys.stdin.buffer.read() if stdin else word.encode(errors="surrogateescape")
    try:
        value = json_text.parse(raw)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        what = "what stands on stdin" if stdin else f"{word!r:.60}"
        raise BadArguments(
            [f"""Not a JSON object: {what}. Write '{{"limit": 1}}', or flags: --limit 1."""]
        )
    return cast("dict[str, Any]", value)


def _exit_code(error: VapiError) -> int:
    match error:
        case BadArguments() | NotConfigured() | Unconfirmed():
            return 2
        case NoAnswer():
            return 3
        case _:
            return 1


def _print(data: dict[str, Any]) -> None:
    """JSON for eyes on a terminal; for a program compact, and UTF-8 whatever the locale."""
    if sys.stdout.isatty():
        click.echo(json.dumps(data, indent=2, ensure_ascii=False).translate(_CONTROLS))
    else:
        click.echo(json_text.compact(data).encode())


def _say(who: str, text: str) -> None:
    line = " ".join(text.split())
    click.echo(f"{who}: {''.join(c if c.isprintable() else '?' for c in line)}", err=True)


def _described(schema: dict[str, Any]) -> str:
    """An argument's description, with the words or the names inside that it takes."""
    inner = ", ".join(schema.get("enum") or schema.get("properties", ()))
    return f"{schema['description']}: {inner}" if inner else str(schema["description"])
