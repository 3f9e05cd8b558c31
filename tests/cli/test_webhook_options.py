"""Options about webhooks that cannot work do not start a server, and no secret is shown."""

import socket
import sys

import pytest

from support.command import Run, refused
from support.faces import BOTH

pytestmark = pytest.mark.clock

SECRET = "webhook-secret-0123456789abcdef"
HTTP = ("--transport", "http", "--port", "0")
TAKING = (*HTTP, "--webhooks")
GIVEN = {"VAPI_MCP_WEBHOOK_SECRET": SECRET}
SIGNED = (*TAKING, "--webhook-auth", "hmac")


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ([*TAKING], {}, "--webhooks needs a secret in VAPI_MCP_WEBHOOK_SECRET, or in the file"),
        ([*HTTP], {"VAPI_MCP_WEBHOOKS": "1"}, "VAPI_MCP_WEBHOOKS needs a secret in VAPI_MCP_WEB"),
        ([*TAKING], {"VAPI_MCP_WEBHOOK_SECRET": ""}, "VAPI_MCP_WEBHOOK_SECRET is set but empty"),
        ([*TAKING], {"VAPI_MCP_WEBHOOK_SECRET": "hunter2"}, "VAPI_MCP_WEBHOOK_SECRET holds a tok"),
        ([*TAKING], {"VAPI_MCP_WEBHOOK_SECRETS": SECRET}, "VAPI_MCP_WEBHOOK_SECRETS is not a set"),
        (
            [*TAKING],
            {"VAPI_MCP_WEBHOOK_SECRET_FILE": "no/such/file"},
            "VAPI_MCP_WEBHOOK_SECRET_FILE (no/such/file) cannot be read: No such file",
        ),
        ([*TAKING, "--webhook-secret", SECRET], GIVEN, "No such option"),
        ([*TAKING, "--redis-url", "redis://x"], GIVEN, "No such option"),
        (["--webhooks"], GIVEN, "--webhooks has no effect with --transport stdio"),
        (["--transport", "rest", "--webhooks"], GIVEN, "--webhooks has no effect with --transport"),
        ([*TAKING, "--workers", "2"], GIVEN, "--webhooks with --workers needs VAPI_MCP_REDIS_URL"),
        ([*TAKING, "--auth", "caller-key"], GIVEN, "--auth caller-key lets in callers of any org"),
        (
            [*BOTH, "--auth", "caller-key"],
            {"VAPI_MCP_REDIS_URL": "redis://127.0.0.1"},
            "--auth caller-key lets in callers of any organization",
        ),
        ([*TAKING, "--webhook-header", "a b"], GIVEN, "--webhook-header 'a b' is not the name of"),
        ([*TAKING, "--webhook-header", ""], GIVEN, "--webhook-header '' is not the name of"),
        ([*SIGNED, "--webhook-timestamp-header", "é"], GIVEN, "--webhook-timestamp-header 'é' is"),
        ([*SIGNED, "--webhook-payload", "{timestamp}"], GIVEN, "has to hold {body} once"),
        ([*SIGNED, "--webhook-payload", "{body}{body}"], GIVEN, "has to hold {body} once"),
        ([*SIGNED, "--webhook-payload", "{svix-id}.{body}"], GIVEN, "has to hold {body} once"),
        ([*SIGNED, "--webhook-payload", "{body}{"], GIVEN, "has to hold {body} once"),
        ([*SIGNED, "--webhook-payload", "{body}}"], GIVEN, "has to hold {body} once"),
        ([*HTTP, "--webhook-auth", "hmac"], {}, "--webhook-auth is for --webhooks: add it, or lea"),
        ([*HTTP, "--webhook-header", "x"], {}, "--webhook-header is for --webhooks: add it"),
        ([*HTTP, "--webhook-payload", "{body}"], {}, "--webhook-payload is for --webhooks: add it"),
        ([*HTTP, "--webhook-timestamp-header", "x"], {}, "--webhook-timestamp-header is for --web"),
        (
            [*TAKING, "--webhook-payload", "{body}"],
            GIVEN,
            "--webhook-payload is for --webhook-auth",
        ),
        (
            [*TAKING, "--webhook-auth", "secret", "--webhook-timestamp-header", "x-time"],
            GIVEN,
            "--webhook-timestamp-header is for --webhook-auth hmac: add it, or leave",
        ),
        (
            [*SIGNED, "--webhook-payload", "{body}", "--webhook-timestamp-header", "x-time"],
            GIVEN,
            "--webhook-timestamp-header is for a payload with {timestamp}: add it, or leave",
        ),
        (
            [*SIGNED, "--webhook-header", "X-Timestamp"],
            GIVEN,
            "--webhook-timestamp-header x-timestamp is the header of the signature: name the one",
        ),
        (
            [*SIGNED, "--webhook-timestamp-header", "X-Signature"],
            GIVEN,
            "--webhook-timestamp-header X-Signature is the header of the signature: name the one",
        ),
        (
            [*SIGNED, "--webhook-timestamp-header", "host"],
            GIVEN,
            "--webhook-timestamp-header host has a meaning of its own in every request",
        ),
        *(
            ([*TAKING, "--webhook-header", name], GIVEN, f"--webhook-header {name} has a meaning")
            for name in ("Host", "Content-Length", "content-type", "Transfer-Encoding", "ORIGIN")
        ),
        ([*TAKING, "--webhook-auth", "oauth"], GIVEN, "Invalid value for '--webhook-auth'"),
    ],
    ids=str,
)
def test_what_cannot_work_does_not_start(
    run: Run, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    # Somebody would wait for notifications that never come, or take them from anybody.
    ended = run(*arguments, VAPI_API_KEY="key-0123456789abcdef", **environment)
    assert said in ended.err
    assert ended.code == 2
    assert SECRET not in ended.err.replace(f"--webhook-secret {SECRET}", "")


@pytest.mark.parametrize(
    "url",
    [
        *("http://:redis-password-0123@redis", ":redis-password-0123", "redis-password-0123"),
        *("redis://:redis-password-0123@h:port", "rediss://h?socket_timeout=redis-password-0123"),
        *("redis://:redis-password-0123@h/0?foo=1", "unix:///r?redis-password-0123=redis-password"),
    ],
)
@pytest.mark.parametrize("served", [HTTP, ()], ids=["http", "stdio"])
def test_a_redis_that_cannot_be_is_refused_and_not_shown(
    run: Run, served: tuple[str, ...], url: str
) -> None:
    # Its URL may hold a password, also where it is put wrongly.
    said = refused(run("--sandbox", *served, VAPI_MCP_REDIS_URL=url))
    assert said.startswith("VAPI_MCP_REDIS_URL")
    assert "password" in said
    assert "redis-password" not in said


def test_an_empty_file_for_the_redis_is_refused(
    run: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # A replica that was meant to hear of others would not.
    file = tmp_path_factory.mktemp("redis") / "url"
    file.write_text("\n", encoding="utf-8")
    said = refused(run("--sandbox", *HTTP, VAPI_MCP_REDIS_URL_FILE=str(file)))
    assert said == f"VAPI_MCP_REDIS_URL_FILE ({file}) is empty: put the URL of a Redis in it."


def test_without_the_package_a_redis_is_refused_with_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is an extra, and a stack trace says nothing of extras.
    for name in ("vapi_sessions_mcp.webhooks.redis_relay", "redis", "redis.asyncio"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "redis", None)
    said = refused(run("--sandbox", *HTTP, VAPI_MCP_REDIS_URL="redis://127.0.0.1"))
    needed = "VAPI_MCP_REDIS_URL needs the package redis: install vapi-sessions-mcp[redis]."
    assert said == needed


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ([], {}, "--webhook-url needs the secret that is shown there: set VAPI_MCP_WEBHOOK_SECRET"),
        (["--webhook-url", "http://example.com/webhooks/vapi"], GIVEN, "must be https, or http on"),
        (["--webhook-url", "https://u:p@example.com"], GIVEN, "takes scheme, host, port and path"),
        (["--webhook-url", "nowhere"], GIVEN, "--webhook-url 'nowhere' must be https"),
    ],
    ids=str,
)
def test_a_sandbox_that_cannot_report_does_not_start(
    run: Run, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    # The secret must not cross a network unencrypted, be it that of a trial.
    given = arguments or ["--webhook-url", "http://127.0.0.1:9090/webhooks/vapi"]
    assert said in refused(run("sandbox", "--port", "0", *given, **environment))


def test_a_sandbox_that_can_report_starts_where_its_port_is_free(run: Run) -> None:
    # With the secret in place nothing else is in the way.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        url = "http://127.0.0.1:9090/webhooks/vapi"
        said = refused(run("sandbox", "--port", port, "--webhook-url", url, **GIVEN))
    assert port in said
    assert "--port" in said
    assert SECRET not in said
