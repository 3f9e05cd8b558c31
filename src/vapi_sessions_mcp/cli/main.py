"""The command: options and environment in, a server out, or one line on stderr and exit code 2."""

import gc
import json
import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from vapi_sessions_mcp import __version__, logs
from vapi_sessions_mcp.cli.call import LoadSettings, call
from vapi_sessions_mcp.cli.endings import run
from vapi_sessions_mcp.cli.environment import (
    UNTOUCHED,
    VariableOption,
    check_environment,
    names_read,
)
from vapi_sessions_mcp.cli.given import Given
from vapi_sessions_mcp.cli.option_types import click_type
from vapi_sessions_mcp.cli.options import (
    SettingOption,
    SettingsCommand,
    setting_options,
)
from vapi_sessions_mcp.cli.secrets import (
    READ_TOKENS,
    TOKENS,
    VARIABLES,
    read_api_key,
    read_tokens,
)
from vapi_sessions_mcp.cli.skill import skill
from vapi_sessions_mcp.cli.start import begin
from vapi_sessions_mcp.cli.workers import is_worker
from vapi_sessions_mcp.ids import is_id
from vapi_sessions_mcp.settings import PREFIX, Port, Settings, SettingsError
from vapi_sessions_mcp.settings_rules import is_loopback

_LOG = logging.getLogger("vapi_sessions_mcp.start")


def main() -> None:
    """Run the command; exit code 2 for what cannot be started, else what a subcommand returns."""
    sys.exit(run(command, sys.argv[1:]))


class _Main(SettingsCommand):
    untouched = ("demo", "install", "openapi", "skill", "uninstall")
    # Imported when asked for: a server starts 12 ms sooner without them.
    late = ("install", "uninstall")

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self.late])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.late:
            return super().get_command(ctx, cmd_name)
        from vapi_sessions_mcp.cli.install.command import COMMANDS

        return COMMANDS[cmd_name]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.list_commands(ctx) and _is_tool(args[0]):
            raise click.UsageError(f"No such command {args[0]!r}: did you mean `call {args[0]}`?")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Main,
    params=setting_options(),
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
@click.version_option(__version__, message="%(prog)s %(version)s", allow_from_autoenv=False)
@click.pass_context
def command(context: click.Context, **_: Any) -> None:
    """Serve Vapi sessions to AI agents over MCP: create, list, get, update, delete.

    Without a subcommand it serves on stdin and stdout, which is what Claude
    Desktop and IDEs start.
    """
    if not context.meta[UNTOUCHED]:
        check_environment(os.environ, names_read(command) | VARIABLES, NARROWING)
    given = Given(context, os.environ)
    given.refuse_what_has_no_effect()
    options = dict(context.params)
    if context.invoked_subcommand and _is_default(context, "log_level"):
        options["log_level"] = "warning"  # a person in a shell reads the answer, not the log
    logs.set_up(options["log_level"], options["log_format"])
    if is_worker():
        _LOG.setLevel(logging.ERROR)  # what is odd at the start was said once
    # Only loaded where it is used: `demo`, `sandbox` and `skill` need no key.
    load = given.named()(partial(load_settings, options))
    context.obj = load
    if context.invoked_subcommand:
        return
    settings = load()
    if unused := given.variables_without_effect():
        _LOG.warning("no effect on what is served: %s", ", ".join(unused))
    begun = begin(settings)
    if begun is None:
        return
    with _heavy_imports():
        from vapi_sessions_mcp.cli.serve import serve
    with given.named():
        serve(settings, begun)


@command.command(
    "sandbox",
    params=[
        VariableOption(["--host"], default=Settings().host, help="Address to listen on."),
        VariableOption(
            ["--port"],
            type=click_type(Port),
            default=9900,
            metavar="PORT",
            help="Port; 0 takes a free one.",
        ),
        *setting_options("sandbox_db", "sandbox_now"),
    ],
)
def serve_sandbox(
    *, host: str, port: int, sandbox_db: Path | None, sandbox_now: datetime | None
) -> None:
    """Serve the stand-in for Vapi over HTTP, for any client that takes a base URL."""
    if not is_loopback(host):
        raise SettingsError(
            f"--host {host} lets other machines in, and nothing asks them who they are: the sandbox"
            " serves this machine only."
        )
    with _heavy_imports():
        from vapi_sessions_mcp.cli import serve
    serve.serve_sandbox(host, port, sandbox_db, sandbox_now)


@command.command("openapi")
def show_openapi() -> None:
    """Print the OpenAPI document of --transport rest."""
    with _heavy_imports():
        from vapi_sessions_mcp.rest_api.openapi import document
    click.echo(json.dumps(document(), indent=2, ensure_ascii=False).encode())


@command.command(params=setting_options("sandbox_now"))
def demo(*, sandbox_now: datetime | None) -> int:
    """Drive a real server on the sandbox through all five tools and print what happens."""
    with _heavy_imports():
        from vapi_sessions_mcp.cli import demo as account
    return account.run(sandbox_now)


@command.command()
@click.option("--json", "as_json", is_flag=True, allow_from_autoenv=False, help="For programs.")
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> int:
    """Check key, settings, network, clock and Vapi itself; say what is wrong and what to do.

    It looks at what a server with the same options and environment would use, so
    put those before "doctor". It asks Vapi for one session and shows no secret.
    Exit code 0 when all is well, else 1.
    """
    with _heavy_imports():
        from vapi_sessions_mcp.cli import doctor as checks
    main = context.find_root()
    unused = Given(main, os.environ).variables_without_effect()
    return checks.run(context.obj, unused, as_json=as_json)


@command.command("view")
@click.argument("id", required=False)
@click.option("--browser/--no-browser", default=True, help="Open it in your browser.")
@click.pass_obj
def view_sessions(settings: LoadSettings, *, id: str | None, browser: bool) -> None:
    """Look at sessions in your browser: the latest, or the one with this ID.

    The address is this machine's own, works for whoever opens it first, and ends
    with the tab or Ctrl-C. `vapi-sessions-mcp --sandbox view` needs no key.
    """
    if id and not is_id(id):
        raise click.BadParameter("is not the id of a session.", param_hint="ID")
    given = settings()
    with _heavy_imports():
        from vapi_sessions_mcp.cli.view import view
    view(given, id, browser=browser)


command.add_command(call)
command.add_command(skill)

# Blank, these would take no power away, and whoever set them would not know.
NARROWING = VARIABLES | {
    name
    for option in command.params
    if isinstance(option, SettingOption) and option.narrows
    for name in option.variables(None)
}


def load_settings(options: dict[str, Any]) -> Settings:
    """The settings that `options` and the secrets in the environment make.

    Raises SettingsError for what cannot be used. With `--sandbox` and with `--auth
    caller-key` the server's own key is not read.
    """
    brings_key = options["sandbox"] or "caller-key" in options["auth"]
    secrets: dict[str, Any] = {}
    if not brings_key:
        secrets["api_key"], secrets["key_fault"] = read_api_key(os.environ)
    # Only one host can speak on stdio, the one that started the server.
    if "stdio" not in options["transports"]:
        secrets["tokens"] = read_tokens(os.environ, TOKENS)
        secrets["read_tokens"] = read_tokens(os.environ, READ_TOKENS)
    return Settings(**options, **secrets)


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


def _is_tool(name: str) -> bool:
    # 450 ms that a command which exists does without.
    from vapi_sessions_mcp.contract.operations import OPERATIONS

    return any(name in row.names for row in OPERATIONS)


def _is_default(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.DEFAULT
