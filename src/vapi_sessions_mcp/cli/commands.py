"""The subcommands that look and show: sandbox, openapi, demo, doctor and view."""

import json
import os
from datetime import datetime
from pathlib import Path

import click

from vapi_sessions_mcp.cli.call import LoadSettings
from vapi_sessions_mcp.cli.environment import VariableOption
from vapi_sessions_mcp.cli.given import Given
from vapi_sessions_mcp.cli.heavy_imports import heavy_imports
from vapi_sessions_mcp.cli.option_types import click_type
from vapi_sessions_mcp.cli.options import setting_options
from vapi_sessions_mcp.cli.secrets import WEBHOOK_SECRET, read_tokens
from vapi_sessions_mcp.ids import is_id
from vapi_sessions_mcp.setting_option import Port
from vapi_sessions_mcp.settings import Settings, SettingsError
from vapi_sessions_mcp.settings_rules import check_url, is_loopback


@click.command(
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
        VariableOption(
            ["--webhook-url"], metavar="URL", help="Report changes there, as Vapi does."
        ),
    ],
)
def serve_sandbox(
    *,
    host: str,
    port: int,
    sandbox_db: Path | None,
    sandbox_now: datetime | None,
    webhook_url: str | None,
) -> None:
    """Serve the stand-in for Vapi over HTTP, for any client that takes a base URL."""
    if not is_loopback(host):
        raise SettingsError(
            f"--host {host} lets other machines in, and nothing asks them who they are: the sandbox"
            " serves this machine only."
        )
    with heavy_imports():
        from vapi_sessions_mcp.cli import serve
    webhook = (webhook_url, _webhook_secret(webhook_url)) if webhook_url else None
    serve.serve_sandbox(host, port, sandbox_db, sandbox_now, webhook)


def _webhook_secret(url: str) -> str:
    check_url("--webhook-url", url, "the secret")
    secrets = read_tokens(os.environ, WEBHOOK_SECRET)
    if not secrets:
        raise SettingsError(
            f"--webhook-url needs the secret that is shown there: set {WEBHOOK_SECRET}."
        )
    return secrets[0]


@click.command("openapi")
def show_openapi() -> None:
    """Print the OpenAPI document of --transport rest."""
    with heavy_imports():
        from vapi_sessions_mcp.rest_api.openapi import document
    click.echo(json.dumps(document(), indent=2, ensure_ascii=False).encode())


@click.command(params=setting_options("sandbox_now"))
def demo(*, sandbox_now: datetime | None) -> int:
    """Drive a real server on the sandbox through all five tools and print what happens."""
    with heavy_imports():
        from vapi_sessions_mcp.cli import demo as account
    return account.run(sandbox_now)


@click.command()
@click.option("--json", "as_json", is_flag=True, allow_from_autoenv=False, help="For programs.")
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> int:
    """Check key, settings, telemetry, network, clock and Vapi; say what is wrong and what to do.

    It looks at what a server with the same options and environment would use, so
    put those before "doctor". It asks Vapi for one session and shows no secret.
    Exit code 0 when all is well, else 1.
    """
    with heavy_imports():
        from vapi_sessions_mcp.cli import doctor as checks
    main = context.find_root()
    unused = Given(main, os.environ).variables_without_effect()
    return checks.run(context.obj, unused, as_json=as_json)


@click.command("view")
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
    with heavy_imports():
        from vapi_sessions_mcp.cli.view import view
    view(given, id, browser=browser)


COMMANDS = (serve_sandbox, show_openapi, demo, doctor, view_sessions)
