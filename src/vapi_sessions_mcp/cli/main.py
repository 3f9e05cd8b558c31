"""The command: options and environment in, a server out, or one line on stderr and exit code 2."""

import logging
import os
import sys
from functools import partial
from typing import Any

import click
from click.core import ParameterSource

from vapi_sessions_mcp import __version__, logs
from vapi_sessions_mcp.cli.call import call
from vapi_sessions_mcp.cli.commands import COMMANDS
from vapi_sessions_mcp.cli.endings import run
from vapi_sessions_mcp.cli.environment import (
    UNTOUCHED,
    check_environment,
    names_read,
)
from vapi_sessions_mcp.cli.given import Given
from vapi_sessions_mcp.cli.heavy_imports import heavy_imports
from vapi_sessions_mcp.cli.options import (
    SettingOption,
    SettingsCommand,
    setting_options,
)
from vapi_sessions_mcp.cli.secrets import (
    READ_TOKENS,
    TOKENS,
    VARIABLES,
    WEBHOOK_SECRET,
    read_api_key,
    read_redis_url,
    read_tokens,
)
from vapi_sessions_mcp.cli.skill import skill
from vapi_sessions_mcp.cli.start import begin
from vapi_sessions_mcp.cli.workers import is_worker
from vapi_sessions_mcp.settings import PREFIX, Settings
from vapi_sessions_mcp.telemetry.variables import drop_unusable

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
        from vapi_sessions_mcp.cli.install import command as installing

        return installing.COMMANDS[cmd_name]

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
        " VAPI_MCP_READ_TOKENS, what Vapi shows from VAPI_MCP_WEBHOOK_SECRET, a Redis from"
        " VAPI_MCP_REDIS_URL, or each from the file that its name with _FILE names. Every"
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
    for left_out in drop_unusable(os.environ):
        _LOG.warning("%s", left_out)
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
    with heavy_imports():
        from vapi_sessions_mcp.cli.serve import serve
    with given.named():
        serve(settings, begun)


for each in (call, skill, *COMMANDS):
    command.add_command(each)

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
    if options["webhooks"] and "http" in options["transports"]:
        secrets["webhook_secrets"] = read_tokens(os.environ, WEBHOOK_SECRET)
    secrets["redis_url"] = read_redis_url(os.environ)
    return Settings(**options, **secrets)


def _is_tool(name: str) -> bool:
    # 450 ms that a command which exists does without.
    from vapi_sessions_mcp.contract.operations import OPERATIONS

    return any(name in row.names for row in OPERATIONS)


def _is_default(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.DEFAULT
