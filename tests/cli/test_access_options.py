"""Options about who may call that contradict each other do not start a server."""

import pytest

from support.command import Run, refused
from support.faces import BOTH
from support.token_servers import NAME, READ, WRITE
from vapi_sessions_mcp.cli.main import command

pytestmark = pytest.mark.clock

OPEN = (*BOTH, "--host", "0.0.0.0")
ISSUER = ("--oauth-issuer", "https://issuer.example.com")
PUBLIC = ("--public-url", f"https://{NAME}")


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ([*OPEN], {}, "--host 0.0.0.0 lets other machines in, and nothing asks them who they are"),
        (
            [*BOTH, "--allowed-host", NAME],
            {},
            f"--allowed-host {NAME} lets in whoever reaches this server by that name, and nothing"
            " asks them who they are",
        ),
        ([*OPEN, "--auth", "caller-key"], {}, "--host 0.0.0.0 needs --allowed-host"),
        ([*OPEN], {"VAPI_MCP_TOKENS": WRITE[0]}, "--host 0.0.0.0 needs --allowed-host"),
        ([*BOTH, "--auth", "token"], {}, "--auth token needs tokens to compare with"),
        ([*BOTH], {"VAPI_MCP_TOKENS": " ,"}, "VAPI_MCP_TOKENS is set but holds no token"),
        ([*BOTH], {"VAPI_MCP_TOKENS": "hunter2"}, "VAPI_MCP_TOKENS holds a token that is too easy"),
        ([*BOTH], {"VAPI_MCP_TOKEN": WRITE[0]}, "VAPI_MCP_TOKEN is not a setting: did you mean"),
        ([*BOTH, "--token", WRITE[0]], {}, "No such option"),
        (
            [*BOTH],
            {"VAPI_MCP_TOKENS": WRITE[0], "VAPI_MCP_TOKENS_FILE": "tokens"},
            "VAPI_MCP_TOKENS and VAPI_MCP_TOKENS_FILE are both set",
        ),
        (
            [*BOTH],
            {"VAPI_MCP_READ_TOKENS_FILE": "no/such/file"},
            "VAPI_MCP_READ_TOKENS_FILE (no/such/file) cannot be read: No such file",
        ),
        (
            [*BOTH],
            {"VAPI_MCP_TOKENS": WRITE[0], "VAPI_MCP_READ_TOKENS": WRITE[0]},
            "VAPI_MCP_TOKENS and VAPI_MCP_READ_TOKENS hold the same token",
        ),
        ([*BOTH, "--auth", "basic"], {}, "Invalid value for '--auth'"),
        (
            ["--auth", "token"],
            {"VAPI_MCP_TOKENS": WRITE[0]},
            "--auth has no effect with --transport stdio: add --transport http or rest, or leave",
        ),
        ([], {"VAPI_MCP_AUTH": "caller-key"}, "VAPI_MCP_AUTH=caller-key asks who calls ov"),
        (
            [*BOTH, "--auth", "caller-key", "--allow-unauthenticated"],
            {},
            "--allow-unauthenticated contradicts --auth",
        ),
        (
            [*BOTH, "--allow-unauthenticated"],
            {"VAPI_MCP_READ_TOKENS": READ[0]},
            "--allow-unauthenticated contradicts --auth and VAPI_MCP_TOKENS",
        ),
        ([*BOTH, "--auth", "oauth"], {}, "--auth oauth needs --oauth-issuer"),
        ([*BOTH, "--auth", "oauth", *ISSUER], {}, "--auth oauth needs --oauth-issuer"),
        ([*BOTH, "--auth", "oauth", *PUBLIC], {}, "--auth oauth needs --oauth-issuer"),
        ([*BOTH, *ISSUER], {}, "--oauth-issuer, --oauth-audience and --public-url are for"),
        ([*BOTH, *PUBLIC], {}, "--oauth-issuer, --oauth-audience and --public-url are for"),
        (
            [*BOTH, "--auth", "oauth", *ISSUER, *PUBLIC],
            {"VAPI_MCP_TOKENS": WRITE[0]},
            "--auth oauth and bearer tokens (VAPI_MCP_TOKENS, VAPI_MCP_READ_TOKENS) both read",
        ),
        (
            [*BOTH, "--auth", "oauth", *PUBLIC, "--oauth-issuer", "http://issuer.example.com"],
            {},
            "--oauth-issuer 'http://issuer.example.com' must be https, or http on this machine",
        ),
    ],
    ids=lambda value: f"{value}"[:60],
)
def test_what_contradicts_itself_does_not_start(
    run: Run, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    # A server that started all the same would ask less than its owner believes.
    told = refused(run(*arguments, **environment))
    assert told.startswith(said)
    assert not [token for token in (*WRITE, *READ, "hunter2") if token in told]


NAMES = ("Sessions.EXAMPLE.com", "2001:DB8::7")


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (["--allowed-host", ",".join(NAMES)], {}),
        (["--allowed-host", NAMES[0], "--allowed-host", NAMES[1]], {}),
        ([], {"VAPI_MCP_ALLOWED_HOST": "\n".join(NAMES)}),
    ],
    ids=["option", "options", "variable"],
)
def test_the_names_of_a_server_are_the_same_however_they_are_written(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], environ: dict[str, str]
) -> None:
    # A list is one value in a manifest, and several options in a shell.
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    given = command.make_context("vapi-sessions-mcp", arguments).params
    assert given["allowed_hosts"] == NAMES
