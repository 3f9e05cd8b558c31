"""`install` and `uninstall`: a host's configuration shown as it will be, agreed to, and written."""

import os
import shutil
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from vapi_sessions_mcp.cli.given import Given
from vapi_sessions_mcp.cli.install import documents, files
from vapi_sessions_mcp.cli.install.documents import NotEditable
from vapi_sessions_mcp.cli.install.entries import (
    SERVER,
    Local,
    NotPossible,
    Remote,
    Server,
    changes,
    places,
    running_command,
)
from vapi_sessions_mcp.cli.install.files import Found, Unusable
from vapi_sessions_mcp.cli.install.hosts import BY_NAME, HOSTS, Host, Machine
from vapi_sessions_mcp.cli.install.review import diff
from vapi_sessions_mcp.cli.secrets import API_KEY
from vapi_sessions_mcp.settings import Settings


class _Option(click.Option):
    """An option that no variable sets."""

    def __init__(self, *names: str, **declared: Any) -> None:
        super().__init__(names, allow_from_autoenv=False, **declared)


def _client(*, required: bool) -> click.Argument:
    clients = click.Choice([*BY_NAME])
    return click.Argument(["client"], type=clients, metavar="CLIENT", required=required)


def _shared() -> list[click.Parameter]:
    return [
        _Option("--yes", is_flag=True, help="Write without a question."),
        _Option(
            "--file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Another file than the client's own, such as a project's.",
        ),
    ]


INSTALL_HELP = f"""\
Put this server into the configuration of an MCP client.

It shows what will change, asks, keeps a copy of the file, and leaves all else
in it as it was. The API key is not written: the entry refers to VAPI_API_KEY,
or to a file where the client cannot. Options of the server go behind --.
CLIENT is one of {", ".join(BY_NAME)}.

\b
Examples:
  vapi-sessions-mcp install cursor
  vapi-sessions-mcp install claude-code -- --read-only
  vapi-sessions-mcp install codex --transport http --url http://127.0.0.1:9090/mcp
"""


@click.command(
    "install",
    help=INSTALL_HELP,
    short_help="Put this server into the configuration of an MCP client.",
    params=[
        _client(required=False),
        click.Argument(["options"], nargs=-1, metavar="[-- SERVER OPTIONS]"),
        _Option("--list", "listing", is_flag=True, help="Say where it is installed."),
        _Option("--print", "printing", is_flag=True, help="Print the entry, and write nothing."),
        *_shared(),
        _Option(
            "--transport",
            type=click.Choice(["stdio", "http"]),
            default="stdio",
            help="stdio: the client starts the server; http: it is at --url.",
        ),
        _Option("--url", help="Where a server listens, such as https://sessions.example.com/mcp."),
        _Option("--token-env", metavar="NAME", help="Variable with the bearer token for --url."),
    ],
)
@click.pass_context
def install(
    context: click.Context,
    *,
    client: str | None,
    options: tuple[str, ...],
    listing: bool,
    printing: bool,
    yes: bool,
    file: Path | None,
    transport: str,
    url: str | None,
    token_env: str | None,
) -> int:
    """Put this server into the configuration of an MCP client."""
    machine = this_machine()
    if listing:
        for host in HOSTS:
            click.echo(f"{host.name:<15} {_state(host, machine.file(host))}")
        return 0
    if client is None:
        raise click.UsageError(f"Name a client: {', '.join(BY_NAME)}. Or give --list.")
    host = BY_NAME[client]
    _check_url(transport, url, token_env, options)
    _check_options(context, options)
    server: Server = (
        Remote(url, token_env) if url else Local(_command(), machine.key_file(), options)
    )
    try:
        wanted = changes(host, server)
        format = documents.named(host.format)
        if printing:
            click.echo(documents.with_all(format, "", wanted), nl=False)
            return 0
        found = files.read(file or machine.file(host))
        after = documents.with_all(format, found.text, wanted)
        if after == found.text:
            click.echo(f"{host.title} has it already: {found.file} needs no change.")
            return 0
        return _write(host, found, after, wanted[0].value, yes=yes, then=_next_step(host, server))
    except (NotPossible, Unusable) as exc:
        raise click.ClickException(str(exc)) from exc
    except NotEditable as exc:
        raise _unedited(file or machine.file(host), exc) from exc


@click.command("uninstall", params=[_client(required=True), *_shared()])
def uninstall(*, client: str, yes: bool, file: Path | None) -> int:
    """Take this server out of the configuration of an MCP client."""
    host = BY_NAME[client]
    where = file or this_machine().file(host)
    try:
        found = files.read(where)
        after = documents.without_all(documents.named(host.format), found.text, places(host))
        if after == found.text:
            click.echo(f"{host.title} does not have it: {where} needs no change.")
            return 0
        return _write(host, found, after, None, yes=yes, then=f"Restart {host.title}.")
    except Unusable as exc:
        raise click.ClickException(str(exc)) from exc
    except NotEditable as exc:
        raise _unedited(where, exc) from exc


COMMANDS: dict[str, click.Command] = {"install": install, "uninstall": uninstall}


def this_machine() -> Machine:
    """Where programs keep their configuration on the machine that this runs on."""
    return Machine(sys.platform, Path.home(), os.environ)


def _command() -> tuple[str, ...]:
    return running_command(sys.argv[0], Path(sys.prefix), shutil.which(sys.argv[0]))


def _check_url(
    transport: str, url: str | None, token_env: str | None, options: tuple[str, ...]
) -> None:
    """Raise UsageError for what does not go together."""
    if transport == "stdio" and (url or token_env):
        raise click.UsageError("--url and --token-env are for --transport http: add it.")
    if transport == "http" and options:
        raise click.UsageError("Options behind -- are of a server that the client starts.")
    if transport == "http" and not url:
        raise click.UsageError("--transport http needs --url: where the server listens.")
    if url and not (urlsplit(url).scheme in {"http", "https"} and urlsplit(url).hostname):
        raise click.UsageError("--url must begin with https:// or http:// and a host.")


def _check_options(context: click.Context, options: tuple[str, ...]) -> None:
    """Raise UsageError or SettingsError for options with which the server would not start."""
    main = context.find_root().command
    # The name behind them has what the environment holds left out of it.
    parsed = main.make_context("vapi-sessions-mcp", [*options, "install"])
    if parsed.args:
        raise click.UsageError("Behind -- there are only options of the server.")
    Given(parsed, {}).refuse_what_has_no_effect()
    names = [field.name for field in fields(Settings) if field.name in parsed.params]
    settings = Settings(**{name: parsed.params[name] for name in names})
    if settings.transports != ("stdio",):
        raise click.UsageError("A client that starts the server uses stdio: leave --transport out.")


def _state(host: Host, file: Path) -> str:
    try:
        found = files.read(file)
        data = documents.named(host.format).load(found.text)
    except Unusable as exc:
        return str(exc)
    except NotEditable as exc:
        return f"{file} {exc}."
    if found.content is None:
        return f"not installed (no {file})"
    is_there = documents.at(data, (host.servers, SERVER)) is not None
    return f"{'installed' if is_there else 'not installed'} in {file}"


def _write(host: Host, found: Found, after: str, entry: Any, *, yes: bool, then: str) -> int:
    """Show the change, ask, write; 1 where it is not wanted."""
    files.check_writable(found)
    data = documents.named(host.format).load(found.text)
    click.echo(f"{found.file}:\n{diff(found.text, after, data, entry)}")
    if not yes:
        if not sys.stdin.isatty():
            raise Unusable("Nothing was written: there is no terminal to ask in; --yes writes it.")
        if not click.confirm("Write this?"):
            click.echo("Nothing was written.")
            return 1
    backup = files.write(found, after)
    kept = f" What was there is in {backup}." if backup else ""
    click.echo(f"Written.{kept} {then}")
    return 0


def _next_step(host: Host, server: Server) -> str:
    match server:
        case Local(_, key_file) if host.reference is None:
            return (
                f"Put the API key into {key_file}, readable by you alone, and restart {host.title}."
            )
        case Local() if host.prompts:
            return f"{host.title} asks for the API key when it starts the server."
        case Local():
            return f"Set {API_KEY} where {host.title} is started, and restart it."
        case Remote(_, str(token)) if not host.prompts:
            return f"Set {token} where {host.title} is started, and restart it."
        case _:
            return f"Restart {host.title}."


def _unedited(file: Path, why: NotEditable) -> click.ClickException:
    return click.ClickException(
        f"{file} {why}: nothing was changed. `install CLIENT --print` shows what to add by hand."
    )
