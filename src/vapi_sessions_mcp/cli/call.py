"""`call`: one tool from a shell; JSON comes out, and an exit code that says how it went."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from vapi_sessions_mcp.errors import (
    BadArguments,
    NoAnswer,
    NotConfigured,
    Unconfirmed,
    VapiError,
)
from vapi_sessions_mcp.settings import Settings

if TYPE_CHECKING:
    from vapi_sessions_mcp.contract.operations import Operation

# The object of the main command's context: reads the secrets and checks everything together.
LoadSettings: TypeAlias = Callable[[], Settings]

HELP = """\
Run one tool without an MCP host and print its answer as JSON.

Arguments are flags, one JSON object (- reads it from stdin), or both; the id
of a session can be given by itself. "call TOOL --help" lists a tool's
arguments. The options of vapi-sessions-mcp itself, such as --sandbox, go
before "call".

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


class _Tools(click.Group):
    """The tools that the settings offer, each as a command, loaded when one is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [row.short_name for row in _offered(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        # 450 ms, for pydantic and the request models, that every other --help does without.
        from vapi_sessions_mcp.cli.tool import ToolCommand

        rows = [row for row in _offered(ctx) if cmd_name in row.names]
        return ToolCommand(rows[0], name=cmd_name) if rows else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        rows = _offered(ctx)
        if not any(args[0] in row.names for row in rows):
            names = ", ".join(row.short_name for row in rows)
            raise BadArguments([f"No tool {args[0]!r:.80}: there are {names}."])
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as exc:
            if hint := misplaced(exc.option_name, ctx):
                raise click.UsageError(str(BadArguments([hint]))) from exc
            raise

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except VapiError as exc:
            say("vapi-sessions-mcp", _masked(exc, ctx))
            return _exit_code(exc)


@click.group(cls=_Tools, help=HELP, subcommand_metavar="TOOL [ARGUMENTS]...")
def call() -> None:
    """Run one tool."""


def misplaced(option: str, context: click.Context) -> str:
    """Where an option of the main command goes; empty for any other option."""
    known = {name for param in context.find_root().command.params for name in param.opts}
    if option not in known:
        return ""
    return f"`{option}` goes before `call`: vapi-sessions-mcp {option} … call."


def say(who: str, text: str) -> None:
    """Write one line to stderr, in which no character commands a terminal."""
    line = " ".join(text.split())
    click.echo(f"{who}: {''.join(c if c.isprintable() else '?' for c in line)}", err=True)


def _offered(context: click.Context) -> "tuple[Operation, ...]":
    """The tools that the main command's options leave, whether or not there is a key."""
    from vapi_sessions_mcp.contract.operations import offered

    given = context.find_root().params
    limits = ("read_only", "no_delete", "confirm_delete")
    return offered(Settings(**{name: given[name] for name in limits}))


def _masked(error: VapiError, context: click.Context) -> str:
    # 15 ms that --help does without.
    from vapi_sessions_mcp.json_text import clean
    from vapi_sessions_mcp.views.masking import mask_personal

    text = clean(str(error))
    return mask_personal(text) if context.find_root().params["mask_pii"] else text


def _exit_code(error: VapiError) -> int:
    match error:
        case BadArguments() | NotConfigured() | Unconfirmed():
            return 2
        case NoAnswer():
            return 3
        case _:
            return 1
