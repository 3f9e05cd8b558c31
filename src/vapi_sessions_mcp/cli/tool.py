"""A tool as a command: what a shell gives it becomes one request, and the answer goes to stdout."""

import json
import sys
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import click

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.caller import CallRecord, owner
from vapi_sessions_mcp.cli.call import LoadSettings, misplaced, say
from vapi_sessions_mcp.cli.tool_options import describe_fields, tool_options
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.parsing import parse, unknown_argument
from vapi_sessions_mcp.contract.schemas import input_schema
from vapi_sessions_mcp.errors import BadArguments
from vapi_sessions_mcp.logs import logged_call

if TYPE_CHECKING:
    from vapi_sessions_mcp.contract.requests import Request
    from vapi_sessions_mcp.sessions.service import Sessions
    from vapi_sessions_mcp.vapi.client import Vapi
    from vapi_sessions_mcp.views.answer import Answer

# Under short names; the ids are the sandbox's.
EXAMPLES = {
    "create_session": """--body '{"name": "Test", "customer": {"number": "+14155550123"}}'""",
    "list_sessions": "--number +14155550123 --limit 3",
    "get_session": """13c7157d-0dd0-5fc4-8817-99ddcd304b87 --messages '{"last": 4}'""",
    "update_session": """13c7157d-0dd0-5fc4-8817-99ddcd304b87 --body '{"status": "completed"}'""",
    "delete_session": "13c7157d-0dd0-5fc4-8817-99ddcd304b87",
}
EPILOG = """\
The arguments can also be one JSON object, which - reads from stdin.

\b
Example, which needs no key:
  vapi-sessions-mcp --sandbox call {short_name} {example}

The tool's other name is {other_name}.
"""

# Some terminals obey these; customers' words must not get to command one.
_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


class ToolCommand(click.Command):
    """One operation, which takes its arguments as flags, as JSON, or both, and its id alone."""

    def __init__(self, operation: Operation, *, name: str) -> None:
        """`name` is the one of its names that it was called by."""
        self._operation = operation
        self._schema = input_schema(operation.request, operation.withheld)
        self._takes_id = "id" in self._schema.get("required", ())
        words = click.Argument(
            ["words"],
            nargs=-1,
            type=click.UNPROCESSED,
            metavar="[ID] [JSON | -]" if self._takes_id else "[JSON | -]",
        )
        super().__init__(
            name,
            params=[words, *tool_options(self._schema)],
            help=operation.description,
            short_help=f"{operation.description.split('. ')[0].removesuffix('.')}.",
            epilog=EPILOG.format(
                short_name=operation.short_name,
                example=EXAMPLES[operation.short_name],
                other_name=next(other for other in operation.names if other != name),
            ),
        )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then what goes into those that are objects."""
        super().format_options(ctx, formatter)
        for name, schema in self._schema["properties"].items():
            if fields := describe_fields(schema):
                with formatter.section(f"Inside --{name}"):
                    formatter.write_dl(fields)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse what Click would take for a value, and name what is unknown as the tool does."""
        flags = {name for param in self.params for name in param.opts}
        for flag, value in pairwise([*args, "--"]):
            if flag in flags and value.startswith("--"):
                raise BadArguments([f"`{flag}` needs a value: {flag} VALUE, or {flag}=VALUE."])
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as exc:
            option = exc.option_name
            unknown = unknown_argument(self._operation.request, option.lstrip("-"))
            raise BadArguments([misplaced(option, ctx) or unknown]) from exc

    def invoke(self, ctx: click.Context) -> int:
        """Perform the operation and print its answer; raises VapiError and SettingsError."""
        settings = cast("LoadSettings", ctx.obj)()
        # 200 ms that a tool's --help does without.
        import anyio

        from vapi_sessions_mcp.cli.connect import connect
        from vapi_sessions_mcp.sessions.service import Sessions

        # Notes name the tools the way the caller does.
        short = ctx.info_name == self._operation.short_name
        settings = replace(settings, tool_names="short" if short else "full")
        settings, vapi = connect(settings)
        request = parse(self._operation.request, self._arguments(ctx.params))
        record = CallRecord(caller=owner(settings))
        sessions = Sessions(vapi, settings)
        answer = anyio.run(_perform, vapi, sessions, record, self._operation, request)
        _print(answer.data)
        if answer.note:
            say("note", answer.note)
        return 0

    def _arguments(self, given: dict[str, Any]) -> dict[str, Any]:
        """What was given in words and in flags, each argument once."""
        words: tuple[str, ...] = given["words"]
        parts = [
            {name: value} for name in self._schema["properties"] for value in given.get(name, ())
        ]
        arguments: dict[str, Any] = {}
        for part in [*map(self._word, words), *parts]:
            if twice := arguments.keys() & part.keys():
                raise BadArguments([f"`{min(twice)}` is given twice."])
            arguments |= part
        return arguments

    def _word(self, word: str) -> dict[str, Any]:
        if self._takes_id and word != "-" and word.lstrip()[:1] not in ("{", "["):
            return {"id": word}
        return _json_object(word)


async def _perform(
    vapi: "Vapi", sessions: "Sessions", record: CallRecord, operation: Operation, request: "Request"
) -> "Answer":
    # 15 ms that --help does without.
    from vapi_sessions_mcp.sessions.boundary import boundary

    async with vapi:
        with logged_call(operation.short_name, record), boundary(operation, record):
            return await sessions.answer(operation, request, record)


def _json_object(word: str) -> dict[str, Any]:
    stdin = word == "-"
    raw = sys.stdin.buffer.read() if stdin else word.encode(errors="surrogateescape")
    try:
        value = json_text.parse(raw, repeats=False)
    except json_text.Repeated as exc:
        raise BadArguments([str(exc)]) from exc
    except ValueError:
        value = None
    if not isinstance(value, dict):
        what = "what is on stdin" if stdin else f"{word!r:.60}"
        raise BadArguments(
            [f"""Not a JSON object: {what}. Write '{{"limit": 1}}', or flags: --limit 1."""]
        )
    return cast("dict[str, Any]", value)


def _print(data: dict[str, Any]) -> None:
    """JSON for eyes on a terminal; for a program compact, and UTF-8 whatever the locale."""
    if sys.stdout and sys.stdout.isatty():
        # Elsewhere than in UTF-8 a character may be missing, and its escape is JSON too.
        escape = sys.stdout.encoding.lower().replace("_", "-") != "utf-8"
        click.echo(json.dumps(data, indent=2, ensure_ascii=escape).translate(_CONTROLS))
    else:
        click.echo(json_text.compact(data).encode())
