"""`doctor` says of each thing that can be wrong whether it is, and what to do."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeAlias, cast

import anyio.to_thread
import pytest
from redis.asyncio import Redis

from support.checked import Checks, checked
from support.command import Run
from support.faulty_vapi import RESET, FaultyVapi, Reply, reply
from support.redis_server import RedisServer

pytestmark = pytest.mark.anyio

KEY = "key-0123456789abcdef"
Examine: TypeAlias = Callable[..., tuple[Checks, str]]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Real time, in which the command lives."""
    return "asyncio"


@pytest.fixture
def examine(run: Run, caplog: pytest.LogCaptureFixture) -> Examine:
    """The command: each check by name, and all that it wrote, its log too."""

    def examine(*options: str, **env: str) -> tuple[Checks, str]:
        ended = run(*options, "doctor", "--json", **env)
        return checked(ended), ended.out + ended.err + caplog.text

    return examine


async def of_a_vapi(examine: Examine, answer: Reply) -> Checks:
    """The checks of a server whose Vapi answers so; the key is in none of them."""
    async with FaultyVapi(otherwise=answer) as vapi:
        checks, wrote = await anyio.to_thread.run_sync(
            lambda: examine(VAPI_API_KEY=KEY, VAPI_BASE_URL=vapi.url)
        )
    assert KEY not in wrote
    assert all(seen.path == "/session?limit=1" for seen in vapi.requests)
    return checks


def at(ahead: timedelta) -> str:
    return format_datetime(datetime.now(UTC) - ahead, usegmt=True)


async def test_a_key_that_vapi_refuses_is_told_from_a_vapi_that_is_not_there(
    examine: Examine,
) -> None:
    # One is mended at Vapi's dashboard, the other in the network.
    refused = await of_a_vapi(examine, reply(401, {"message": "Invalid Key", "statusCode": 401}))
    assert refused["Vapi"][0]
    assert not refused["key accepted"][0]
    assert "Vapi does not accept the API key" in refused["key accepted"][1]
    failing = await of_a_vapi(examine, reply(500))
    assert failing["a list"][0] is False
    gone = await of_a_vapi(examine, RESET)
    assert gone["Vapi"][0] is False
    nowhere, _ = await anyio.to_thread.run_sync(
        lambda: examine(VAPI_API_KEY=KEY, VAPI_BASE_URL="http://127.0.0.1:9")
    )
    assert "no connection to 127.0.0.1:9" in nowhere["Vapi"][1]


@pytest.mark.clock
@pytest.mark.parametrize(
    ("ahead", "ok", "said"),
    [
        (0, True, "within 30 s of Vapi's"),
        (3_600, False, " s ahead of Vapi's"),
        (-3_600, False, " s behind Vapi's"),
    ],
)
async def test_a_wrong_clock_is_said(examine: Examine, ahead: int, ok: bool, said: str) -> None:
    # Tokens of an issuer would be refused, and nobody would think of the clock.
    checks = await of_a_vapi(examine, reply(date=at(timedelta(seconds=ahead))))
    assert checks["clock"][0] is ok
    assert said in checks["clock"][1]


async def test_what_cannot_be_known_is_not_claimed(examine: Examine) -> None:
    # No date, no check of the clock; no key, no request.
    assert "clock" not in await of_a_vapi(examine, reply())
    checks, _ = await anyio.to_thread.run_sync(examine)
    assert not all(ok for ok, _ in checks.values())
    assert checks["key"][1].startswith("VAPI_API_KEY is not set")
    assert "Vapi" not in checks


def test_what_a_server_would_ignore_is_said(examine: Examine) -> None:
    # Somebody set it for a reason.
    options = ("--sandbox", "--tool-names", "short")
    checks, _ = examine(*options, VAPI_MCP_PORT="9", SSL_CERT_FILE="", HTTPS_PROXY="")
    assert checks["environment"] == (False, "no effect on what is served: VAPI_MCP_PORT")
    assert checks["key"] == (True, "none needed: the sandbox takes the place of Vapi")
    callers = ("--transport", "http", "--auth", "caller-key")
    checks, _ = examine(*callers)
    assert checks["key"] == (True, "none of its own: callers bring theirs")


ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HERE = "http://127.0.0.1:4318"
TELEMETRY = ("telemetry", "/metrics", "spans", "metrics")
WITH_PAGE = ("--transport", "http", "--metrics", "9464")
SENT = (True, f"sent to {HERE}")


@pytest.mark.parametrize(
    ("options", "env", "expected"),
    [
        ((), {"OTEL_SERVICE_NAME": "sessions"}, {}),
        ((), {ENDPOINT: HERE, "OTEL_SDK_DISABLED": "true"}, {}),
        ((), {ENDPOINT: f"{HERE}/s3cret"}, {"spans": SENT, "metrics": SENT}),
        ((), {ENDPOINT: HERE, "OTEL_TRACES_EXPORTER": "none"}, {"metrics": SENT}),
        (
            (),
            {ENDPOINT: "s3cret", "OTEL_METRICS_EXPORTER": "none"},
            {"spans": (False, f"{ENDPOINT} is not a URL such as http://localhost:4318: nothing")},
        ),
        (
            (),
            {ENDPOINT: HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            {"telemetry": (False, "OTEL_EXPORTER_OTLP_PROTOCOL asks for a protocol that is not")},
        ),
        (WITH_PAGE, {}, {"/metrics": (True, "served for Prometheus at 9464")}),
        (
            WITH_PAGE,
            {"OTEL_SDK_DISABLED": "true"},
            {"telemetry": (False, "OTEL_SDK_DISABLED turns off what --metrics would serve")},
        ),
    ],
)
def test_telemetry_is_a_check_where_it_is_asked_for(
    examine: Examine,
    options: tuple[str, ...],
    env: dict[str, str],
    expected: dict[str, tuple[bool, str]],
) -> None:
    # Spans that never come are looked for everywhere else first.
    checks, wrote = examine("--sandbox", *options, **env)
    found = {name: checks[name] for name in TELEMETRY if name in checks}
    assert found.keys() == expected.keys()
    for name, (ok, said) in expected.items():
        assert found[name][0] is ok
        assert found[name][1].startswith(said)
    assert "s3cret" not in wrote


def test_people_get_a_line_for_each_check(run: Run) -> None:
    # It is read aloud on the telephone.
    ended = run("--sandbox", "doctor")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert [line[:5] for line in lines] == ["ok   "] * len(lines)
    assert len(lines) == 5


WEBHOOKS = ("--sandbox", "--transport", "http", "--webhooks")
SECRETS = {"VAPI_MCP_WEBHOOK_SECRET": "first-0123456789abcdef,second-0123456789abcdef"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "bearer, in the header Authorization; secrets: 2"),
        (("--webhook-auth", "secret"), "secret, in the header X-Vapi-Secret; secrets: 2"),
        (
            ("--webhook-auth", "hmac", "--webhook-header", "X-Ours"),
            "hmac, in the header X-Ours; secrets: 2",
        ),
    ],
    ids=str,
)
def test_what_vapi_has_to_show_with_a_webhook_is_said(
    examine: Examine, options: tuple[str, ...], said: str
) -> None:
    # It is compared with Vapi's dashboard; the secrets themselves are nobody's business.
    checks, wrote = examine(*WEBHOOKS, *options, **SECRETS)
    assert checks["webhooks"] == (True, said)
    assert "Redis" not in checks
    assert "0123456789abcdef" not in wrote
    checks, _ = examine(*WEBHOOKS)
    assert "--webhooks needs a secret" in checks["settings"][1]


async def test_a_redis_that_cannot_be_used_is_said_and_not_shown(
    examine: Examine, tmp_path: Path
) -> None:
    # Replicas go on without it, so nothing else than a missing notification shows that it is gone.
    async def of(url: str) -> tuple[bool, str]:
        given = {**SECRETS, "VAPI_MCP_REDIS_URL": url}
        checks, wrote = await anyio.to_thread.run_sync(lambda: examine(*WEBHOOKS, **given))
        assert not any(word in wrote for word in (RedisServer.PASSWORD, "wrong-password"))
        return checks["Redis"]

    async with RedisServer(tmp_path) as redis:
        assert await of(redis.url) == (True, "answered, and lets this server in")
        for url in (redis.url.replace(redis.PASSWORD, "wrong-password"), f"{redis.url}/0?foo=1"):
            ok, said = await of(url)
            assert not ok
            assert "password" in said
        async with cast("Any", Redis).from_url(redis.url) as client:
            await client.execute_command("ACL", "SETUSER", "default", "-subscribe")
        channel = "vapi-sessions-mcp:changes"
        may_not = f"its user may not hear what is published at {channel}: allow it that channel"
        assert await of(redis.url) == (False, may_not)
    ok, said = await of(redis.url)
    assert not ok
    assert said == (
        "it cannot be reached (ConnectionError): see whether it runs, and what host and port"
        " VAPI_MCP_REDIS_URL names"
    )


def test_of_what_is_not_used_nothing_is_said(examine: Examine) -> None:
    # rest has no subscribers, and would never ask the Redis.
    rest = ("--sandbox", "--transport", "rest")
    checks, _ = examine(*rest, VAPI_MCP_REDIS_URL="redis://127.0.0.1:9", **SECRETS)
    assert not {"Redis", "webhooks"} & {*checks}
    given = {"VAPI_MCP_REDIS_URL": "redis://127.0.0.1:9", "VAPI_MCP_WEBHOOKS": "1", **SECRETS}
    checks, _ = examine("--sandbox", **given)
    assert "webhooks" not in checks
    assert not checks["Redis"][0]
    given["VAPI_MCP_REDIS_URL"] += "/0?foo=1"
    checks, _ = examine("--sandbox", **given)
    ok, said = checks["Redis"]
    assert not ok
    assert "an option behind ? that is unknown" in said
