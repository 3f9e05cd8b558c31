"""An option without effect is refused by its name, and a variable without effect is logged."""

import socket
from collections.abc import Sequence

import pytest

from support.command import Run, refused
from vapi_sessions_mcp.cli.main import command
from vapi_sessions_mcp.cli.options import SettingOption
from vapi_sessions_mcp.setting_option import COMMANDS

pytestmark = pytest.mark.clock

HTTP, REST = ("--transport", "http"), ("--transport", "rest")
# One of a kind for each option, with a value where it takes one.
TYPED = {
    "--host": ("127.0.0.1",),
    "--port": ("9090",),
    "--rest-port": ("8080",),
    "--allowed-host": ("localhost",),
    "--allow-unauthenticated": (),
    "--auth": ("caller-key",),
    "--oauth-issuer": ("https://issuer.example.com",),
    "--oauth-audience": ("sessions",),
    "--public-url": ("https://sessions.example.com",),
}
ADD = "leave it out."


@pytest.mark.parametrize("option", TYPED)
def test_an_option_of_http_is_refused_on_stdio(run: Run, option: str) -> None:
    # Whoever opens a port and hears nothing believes that it is open, even at its default.
    needed = "rest" if option == "--rest-port" else "http or rest"
    assert refused(run(option, *TYPED[option])) == (
        f"{option} has no effect with --transport stdio: add --transport {needed}, or {ADD}"
    )


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (["--port", "PORT"], {}),
        (["--rest-port", "PORT"], {}),
        (["--port", "PORT", "--rest-port", "PORT"], {}),
        ([], {"VAPI_MCP_PORT": "PORT"}),
        ([], {"VAPI_MCP_REST_PORT": "PORT"}),
        # One file of variables serves two servers: REST has a port of its own there.
        ([], {"VAPI_MCP_PORT": "1", "VAPI_MCP_REST_PORT": "PORT"}),
        # What is typed is meant now.
        (["--port", "PORT"], {"VAPI_MCP_REST_PORT": "1"}),
        (["--rest-port", "PORT"], {"VAPI_MCP_PORT": "1"}),
    ],
    ids=str,
)
def test_rest_alone_listens_on_the_port_that_was_given(
    run: Run, arguments: Sequence[str], environ: dict[str, str]
) -> None:
    # `--transport rest --port 9000` listened on 8080. One that is taken shows which was meant.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        given = [port if word == "PORT" else word for word in arguments]
        env = {name: port if value == "PORT" else value for name, value in environ.items()}
        said = refused(run("--sandbox", *REST, *given, **env))
    assert said.startswith(f"cannot listen on 127.0.0.1:{port}: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            [*HTTP, "--rest-port", "8080"],
            f"--rest-port has no effect with --transport http: add --transport rest, or {ADD}",
        ),
        (
            [*REST, "--tool-names", "full"],
            f"--tool-names has no effect with --transport rest: add --transport http, or {ADD}",
        ),
        (
            [*REST, "--view", "summary"],
            f"--view has no effect with --transport rest: add --transport http, or {ADD}",
        ),
        (
            [*REST, "--no-prelude"],
            "--no-prelude has no effect with --transport rest: leave it out",
        ),
        (
            [*REST, "--max-result-bytes", "5000"],
            "--max-result-bytes has no effect with --transport rest: add --transport http, or"
            f" {ADD}",
        ),
        (
            [*REST, "--port", "9000", "--rest-port", "9001"],
            "--port 9000 and --rest-port 9001 differ, and --transport rest listens on one port:"
            " give one of them.",
        ),
        (
            [*HTTP, *REST, "--port", "9000", "--rest-port", "9000"],
            "--port and --rest-port are both 9000, and http and rest need a port each: change one"
            " of them.",
        ),
        (
            ["--sandbox", "--base-url", "https://api.eu.vapi.ai"],
            "--base-url is about the real Vapi, whose place --sandbox takes: leave one of them"
            " out.",
        ),
        (
            ["--sandbox", "--connect-timeout", "3", "call", "list_sessions"],
            "--connect-timeout is about the real Vapi, whose place --sandbox takes: leave one of"
            " them out.",
        ),
        (["--sandbox-db", "x.db", "demo"], "--sandbox-db has no effect on `demo`: leave it out."),
        (["--grace", "5", "call", "list_sessions"], "--grace has no effect on `call`: leave it"),
        ([*HTTP, "call", "list_sessions"], "--transport has no effect on `call`: leave it out."),
        (["--read-only", "skill", "show"], "--read-only has no effect on `skill`: leave it out."),
        (["--base-url", "https://x.y", "sandbox"], "--base-url has no effect on `sandbox`: leave"),
        (["--mask-pii", "openapi"], "--mask-pii has no effect on `openapi`: leave it out."),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value),
)
def test_an_option_whose_meaning_depends_on_another_is_refused_without_it(
    run: Run, arguments: Sequence[str], said: str
) -> None:
    # What somebody typed for a reason was dropped without a word.
    assert refused(run(*arguments)).startswith(said)


def test_every_option_says_what_it_has_an_effect_on() -> None:
    # A misspelt name there would refuse the option everywhere.
    for option in command.params:
        if isinstance(option, SettingOption):
            assert option.used_by
            assert set(option.used_by) <= set(COMMANDS)
    assert set(command.commands) == set(COMMANDS) - {"stdio", "http", "rest"}


def test_a_variable_without_effect_on_a_subcommand_is_not_worth_a_line(run: Run) -> None:
    # It is there for the server, and a shell's answer has to be readable.
    ended = run("skill", "show", VAPI_MCP_PORT="9000", VAPI_MCP_NO_DELETE="1")
    assert (ended.code, ended.err) == (0, "")


def test_what_is_true_already_may_be_said(run: Run) -> None:
    # The demo runs on the sandbox in any case.
    ended = run("--sandbox", "--log-level", "debug", "demo", "--help")
    assert (ended.code, ended.err) == (0, "")
