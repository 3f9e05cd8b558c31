"""The options of the command, each of which is a setting too."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from vapi_sessions_mcp.settings import DEFAULT_BASE_URL

IN_MEMORY = ":memory:"
LOG_LEVELS = ("debug", "info", "warning", "error")
PORT = click.IntRange(0, 65_535)

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


class _Seconds(click.FloatRange):
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value} is not a number.", param, ctx)
        return seconds


SECONDS = _Seconds(min=0.1, max=600)

_OPTIONS = [
    click.option(
        "--transport",
        "transports",
        type=click.Choice(["stdio", "http", "rest"]),
        multiple=True,
        default=["stdio"],
        envvar="VAPI_MCP_TRANSPORT",
        help="stdio for a desktop host, http for agents and teams, rest for programs. Repeatable.",
    ),
    click.option("--host", default="127.0.0.1", help="Address for http and rest."),
    click.option("--port", type=PORT, default=9090, help="Port for http; 0 takes a free one."),
    click.option("--rest-port", type=PORT, default=8080, help="Port for rest; 0 takes a free one."),
    click.option(
        "--allowed-host",
        "allowed_hosts",
        multiple=True,
        envvar="VAPI_MCP_ALLOWED_HOST",
        metavar="NAME",
        help="Host name that clients may use besides this machine's own. Repeatable.",
    ),
    click.option(
        "--allow-unauthenticated",
        is_flag=True,
        help="Let other machines in without asking who they are.",
    ),
    click.option(
        "--auth",
        type=click.Choice(["token", "oauth", "caller-key"]),
        multiple=True,
        envvar="VAPI_MCP_AUTH",
        help="How callers of http and rest show who they are. Repeatable.",
    ),
    click.option("--oauth-issuer", metavar="URL", help="Authorization server of --auth oauth."),
    click.option(
        "--oauth-audience",
        "oauth_audiences",
        multiple=True,
        envvar="VAPI_MCP_OAUTH_AUDIENCE",
        metavar="NAME",
        help="Whom its tokens must be for. Repeatable.  [default: the public URL]",
    ),
    click.option(
        "--public-url", metavar="URL", help="What clients call this server by, for --auth oauth."
    ),
    click.option(
        "--tool-names",
        type=click.Choice(["full", "short"]),
        default="full",
        help="vapi-sessioncontroller… or create_session, list_sessions…",
    ),
    click.option("--read-only", is_flag=True, help="Only list and get exist."),
    click.option("--no-delete", is_flag=True, help="Nothing can be deleted."),
    click.option(
        "--confirm-delete",
        type=click.Choice(["person", "argument"]),
        is_flag=False,
        flag_value="person",
        help="Ask before anything is deleted; argument: a caller that cannot ask may confirm.",
    ),
    click.option(
        "--only-assistant",
        "only_assistants",
        multiple=True,
        envvar="VAPI_MCP_ONLY_ASSISTANT",
        metavar="ID",
        help="Only this assistant's sessions exist. Repeatable.",
    ),
    click.option(
        "--only-squad",
        metavar="ID",
        help="Only this squad's sessions exist.",
    ),
    click.option(
        "--view",
        type=click.Choice(["auto", "summary", "transcript", "full"]),
        default="auto",
        help="How much of a session is answered; auto: summaries in lists, else full.",
    ),
    click.option(
        "--max-result-chars",
        type=click.IntRange(min=2_000),
        default=50_000,
        help="Longer answers are shortened, unless a view was asked for.",
    ),
    click.option("--mask-pii", is_flag=True, help="Mask phone numbers, e-mail and SIP users."),
    click.option(
        "--sandbox", is_flag=True, help="A stand-in for Vapi with sample data: no key, no cost."
    ),
    click.option(
        "--sandbox-db",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Keep the sandbox's data in FILE.  [default: in memory]",
    ),
    click.option(
        "--base-url",
        default=DEFAULT_BASE_URL,
        envvar=["VAPI_MCP_BASE_URL", "VAPI_BASE_URL"],
        help="Vapi's API; https://api.eu.vapi.ai in the EU.",
    ),
    click.option("--connect-timeout", type=SECONDS, default=5, help="Seconds to connect to Vapi."),
    click.option(
        "--timeout",
        type=SECONDS,
        default=30,
        help="Seconds for a call to Vapi, its retries included.",
    ),
    click.option(
        "--grace", type=SECONDS, default=10, help="Seconds for calls in flight at the end."
    ),
    click.option(
        "--log-level",
        type=click.Choice(LOG_LEVELS),
        default="info",
        help="What stderr tells; info: one line a call.",
    ),
    click.option(
        "--log-format", type=click.Choice(["text", "json"]), default="text", help="How it looks."
    ),
]


def every_option(command: CommandT) -> CommandT:
    """Give `command` every option, in the order of the help."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
