"""The command: options and environment in, a server out, or one line on stderr and exit code 2."""

import gc
import json
import math
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click

from vapi_sessions_mcp import __version__, logs
from vapi_sessions_mcp.calling import call
from vapi_sessions_mcp.settings import (
    DEFAULT_BASE_URL,
    PREFIX,
    Settings,
    SettingsError,
    check_environment,
    read_api_key,
)
from vapi_sessions_mcp.skills import skill

IN_MEMORY = ":memory:"
LOG_LEVELS = ("debug", "info", "warning", "error")
PORT = click.IntRange(0, 65_535)


class _Seconds(click.FloatRange):
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value} is not a number.", param, ctx)
        return seconds


SECONDS = _Seconds(min=0.1, max=600)


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
        "The key comes from VAPI_API_KEY, or from the file that VAPI_API_KEY_FILE names. Every"
        " option can be set as VAPI_MCP_<OPTION>, such as VAPI_MCP_TRANSPORT=http."
    ),
)
@click.option(
    "--transport",
    "transports",
    type=click.Choice(["stdio", "http", "rest"]),
    multiple=True,
    default=["stdio"],
    envvar="VAPI_MCP_TRANSPORT",
    help="stdio for a desktop host, http for agents and teams, rest for programs. Repeatable.",
)
@click.option("--host", default="127.0.0.1", help="Address for http and rest.")
@click.option("--port", type=PORT, default=9090, help="Port for http; 0 takes a free one.")
@click.option("--rest-port", type=PORT, default=8080, help="Port for rest; 0 takes a free one.")
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    envvar="VAPI_MCP_ALLOWED_HOST",
    metavar="NAME",
    help="Host name that clients may use besides this machine's own. Repeatable.",
)
@click.option(
    "--allow-unauthenticated",
    is_flag=True,
    help="Let other machines in without asking who they are.",
)
@click.option(
    "--tool-names",
    type=click.Choice(["full", "short"]),
    default="full",
    help="vapi-sessioncontroller… or create_session, list_sessions…",
)
@click.option("--read-only", is_flag=True, help="Only list and get exist.")
@click.option(
    "--view",
    type=click.Choice(["auto", "summary", "transcript", "full"]),
    default="auto",
    help="How much of a session is answered; auto: summaries in lists, else full.",
)
@click.option(
    "--max-result-chars",
    type=click.IntRange(min=2_000),
    default=50_000,
    help="Longer answers are shortened, unless a view was asked for.",
)
@click.option("--mask-pii", is_flag=True, help="Mask phone numbers, e-mail and SIP users.")
@click.option(
    "--sandbox", is_flag=True, help="A stand-in for Vapi with sample data: no key, no cost."
)
@click.option(
    "--sandbox-db",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Keep the sandbox's data in FILE.  [default: in memory]",
)
@click.option(
    "--base-url",
    default=DEFAULT_BASE_URL,
    envvar=["VAPI_MCP_BASE_URL", "VAPI_BASE_URL"],
    help="Vapi's API; https://api.eu.vapi.ai in the EU.",
)
@click.option("--connect-timeout", type=SECONDS, default=5, help="Seconds to connect to Vapi.")
@click.option("--timeout", type=SECONDS, default=30, help="Seconds for a whole call.")
@click.option("--grace", type=SECONDS, default=10, help="Seconds for calls in flight at the end.")
@click.option(
    "--log-level", type=click.Choice(LOG_LEVELS), default="warning", help="What stderr tells."
)
@click.version_option(__version__, message="%(prog)s %(version)s", allow_from_autoenv=False)
@click.pass_context
def command(
    context: click.Context, *, sandbox: bool, sandbox_db: str | None, log_level: str, **options: Any
) -> None:
    """Serve Vapi sessions to AI agents over MCP: create, list, get, update, delete.

    Without a subcommand it serves on stdin and stdout, which is what Claude
    Desktop and IDEs start.
    """
    check_environment(os.environ, _variables())
    logs.set_up(log_level)
    context.obj = partial(_told, options, sandbox=sandbox, sandbox_db=sandbox_db)
    if context.invoked_subcommand:
        return
    settings, database = context.obj()
    with _heavy_imports():
        from vapi_sessions_mcp import run
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
        from vapi_sessions_mcp import run
    run.serve_sandbox(host, port, sandbox_db or IN_MEMORY)


@command.command("openapi")
def show_openapi() -> None:
    """Print the OpenAPI document of --transport rest."""
    with _heavy_imports():
        from vapi_sessions_mcp.openapi import document
    click.echo(json.dumps(document(), indent=2, ensure_ascii=False))


@command.command()
def demo() -> int:
    """Drive a real server on the sandbox through all five tools and tell what happens."""
    with _heavy_imports():
        from vapi_sessions_mcp import demo as account
    return account.run()


command.add_command(call)
command.add_command(skill)


def _told(
    options: dict[str, Any], *, sandbox: bool, sandbox_db: str | None
) -> tuple[Settings, str | None]:
    """The settings, and the sandbox's database where it is asked for.

    Only made where it is wanted: `demo`, `sandbox` and `skill` need no key.
    """
    api_key = None if sandbox else read_api_key(os.environ)
    settings = Settings(api_key=api_key, **options)
    if sandbox_db and not sandbox:
        raise SettingsError("--sandbox-db keeps the sandbox's data: add --sandbox.")
    return settings, (sandbox_db or IN_MEMORY) if sandbox else None


@contextmanager
def _heavy_imports() -> Generator[None]:
    """Import the SDK late and without garbage collection.

    Late spares --help, --version and a wrong option 1400 ms; without collection
    the import takes a tenth less, and nothing it makes is garbage.
    """
    gc.disable()
    yield
    gc.enable()
    gc.freeze()


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
