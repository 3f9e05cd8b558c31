"""The command: options and environment in, a server out, or one line on stderr and exit code 2."""

import gc
import json
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click
from click.core import ParameterSource

from vapi_sessions_mcp import __version__, logs
from vapi_sessions_mcp.cli.call import call
from vapi_sessions_mcp.cli.options import IN_MEMORY, PORT, every_option
from vapi_sessions_mcp.cli.secrets import (
    READ_TOKENS,
    TOKENS,
    VARIABLES,
    read_api_key,
    read_tokens,
)
from vapi_sessions_mcp.cli.skill import skill
from vapi_sessions_mcp.settings import (
    PREFIX,
    Settings,
    SettingsError,
    check_environment,
)


def main() -> None:
    """Run the command; exit code 2 for what cannot be started, else what a subcommand says."""
    try:
        code = command.main(prog_name="vapi-sessions-mcp", standalone_mode=False)
    except click.ClickException as exc:
        code = _fail(exc.format_message())
    except SettingsError as exc:
        code = _fail(str(exc))
    except (KeyboardInterrupt, click.Abort):
        code = 130
    sys.exit(code)


@click.group(
    invoke_without_command=True,
    context_settings={
        "auto_envvar_prefix": PREFIX.rstrip("_"),
        "help_option_names": ["-h", "--help"],
        "show_default": True,
    },
    epilog=(
        "The key comes from VAPI_API_KEY, callers' tokens come from VAPI_MCP_TOKENS and"
        " VAPI_MCP_READ_TOKENS, or each from the file that its name with _FILE names. Every"
        " option can be set as VAPI_MCP_<OPTION>, such as VAPI_MCP_TRANSPORT=http."
    ),
)
@every_option
@click.version_option(__version__, message="%(prog)s %(version)s", allow_from_autoenv=False)
@click.pass_context
def command(
    context: click.Context,
    *,
    sandbox: bool,
    sandbox_db: str | None,
    log_level: str,
    log_format: logs.LogFormat,
    **options: Any,
) -> None:
    """Serve Vapi sessions to AI agents over MCP: create, list, get, update, delete.

    Without a subcommand it serves on stdin and stdout, which is what Claude
    Desktop and IDEs start.
    """
    variables = _variables()
    check_environment(os.environ, variables | VARIABLES)
    for name in sorted(variables & os.environ.keys()):
        if not os.environ[name].strip():
            # Empty, a limit would be none, and whoever set it would not know.
            raise SettingsError(f"{name} is set but empty: give it a value, or unset it.")
    if context.invoked_subcommand and _is_default(context, "log_level"):
        log_level = "warning"  # a person in a shell reads the answer, not a line about it
    logs.set_up(log_level, log_format)
    context.obj = partial(load_settings, options, sandbox=sandbox, sandbox_db=sandbox_db)
    if context.invoked_subcommand:
        return
    settings, database = context.obj()
    with _heavy_imports():
        from vapi_sessions_mcp.cli import serve as run
    run.serve(settings, sandbox=database)


@command.command("sandbox")
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", type=PORT, default=9900, help="Port; 0 takes a free one.")
@click.option(
    "--sandbox-db",
    type=click.Path(dir_okay=False),
    envvar="VAPI_MCP_SANDBOX_DB",
    metavar="FILE",
    help="Keep the data in FILE.  [default: in memory]",
)
def serve_sandbox(*, host: str, port: int, sandbox_db: str | None) -> None:
    """Serve the stand-in for Vapi over HTTP, for any client that takes a base URL."""
    Settings(transports=("http",), host=host)  # the same rule for a bind that others can reach
    with _heavy_imports():
        from vapi_sessions_mcp.cli import serve as run
    run.serve_sandbox(host, port, sandbox_db or IN_MEMORY)


@command.command("openapi")
def show_openapi() -> None:
    """Print the OpenAPI document of --transport rest."""
    with _heavy_imports():
        from vapi_sessions_mcp.rest_api.openapi import document
    click.echo(json.dumps(document(), indent=2, ensure_ascii=False))


@command.command()
def demo() -> int:
    """Drive a real server on the sandbox through all five tools and tell what happens."""
    with _heavy_imports():
        from vapi_sessions_mcp.cli import demo as account
    return account.run()


command.add_command(call)
command.add_command(skill)


def load_settings(
    options: dict[str, Any], *, sandbox: bool, sandbox_db: str | None
) -> tuple[Settings, str | None]:
    """The settings, and the sandbox's database where it is asked for.

    Only made where it is wanted: `demo`, `sandbox` and `skill` need no key.
    """
    brings_key = sandbox or "caller-key" in options["auth"]
    api_key = None if brings_key else read_api_key(os.environ)
    tokens: dict[str, Any] = {}
    # Only one host can speak on stdio, the one that started the server.
    if "stdio" not in options["transports"]:
        tokens["tokens"] = read_tokens(os.environ, TOKENS)
        tokens["read_tokens"] = read_tokens(os.environ, READ_TOKENS)
    settings = Settings(api_key=api_key, **options, **tokens)
    if sandbox_db and not sandbox:
        raise SettingsError("--sandbox-db keeps the sandbox's data: add --sandbox.")
    return settings, (sandbox_db or IN_MEMORY) if sandbox else None


@contextmanager
def _heavy_imports() -> Generator[None]:
    """Import the SDK late and without garbage collection.

    Late spares --help, --version and a wrong option 1400 ms; without collection
    the import takes a tenth less, and nothing it makes is garbage. From then on it
    is collected after every 50 000 objects instead of every 700: that is what takes
    longest about JSON of many values, and leaves little garbage more.
    """
    gc.disable()
    yield
    gc.enable()
    gc.freeze()
    gc.set_threshold(50_000, *gc.get_threshold()[1:])


def _is_default(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.DEFAULT


def _variables() -> set[str]:
    """Every `VAPI_MCP_*` name that some option reads."""
    names: set[str] = set()
    commands = {"": command, **{f"{name}_": sub for name, sub in command.commands.items()}}
    for prefix, owner in commands.items():
        for option in owner.params:
            if not isinstance(option, click.Option) or not option.allow_from_autoenv:
                continue
            own = option.envvar or f"{PREFIX}{prefix}{option.name}".upper()
            names.update([own] if isinstance(own, str) else own)
    return {name for name in names if name.startswith(PREFIX)}


def _fail(message: str) -> int:
    click.echo(f"vapi-sessions-mcp: {' '.join(message.split())}", err=True)
    return 2
