"""Readiness, as load balancers read it: by the status."""

import httpx2
import pytest
from starlette.applications import Starlette

from vapi_sessions_mcp.access.health import LIVE, PATHS, READY, health
from vapi_sessions_mcp.settings import Settings

pytestmark = pytest.mark.anyio


class Vapi:
    """Says the same whenever it is asked, and counts."""

    def __init__(self, reason: str) -> None:
        self.reason, self.asked = reason, 0

    async def __call__(self) -> str:
        self.asked += 1
        return self.reason


def client(settings: Settings, vapi: Vapi) -> httpx2.AsyncClient:
    app = Starlette(routes=health(settings, vapi))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost")


@pytest.mark.parametrize(
    ("reason", "status", "said"),
    [
        ("", 200, {"status": "ready"}),
        ("vapi-failed", 200, {"status": "degraded", "reason": "vapi-failed"}),
        ("vapi-rate-limited", 200, {"status": "degraded", "reason": "vapi-rate-limited"}),
        ("vapi-unreachable", 200, {"status": "degraded", "reason": "vapi-unreachable"}),
        ("api-key-refused", 503, {"status": "not ready", "reason": "api-key-refused"}),
    ],
)
async def test_only_a_fault_of_this_server_s_own_takes_it_out(
    reason: str, status: int, said: dict[str, str]
) -> None:
    # While Vapi is down, all replicas would go at once, and callers learn nothing from that.
    vapi = Vapi(reason)
    async with client(Settings(api_key="key"), vapi) as probe:
        answer = await probe.get(READY)
        assert (answer.status_code, answer.json()) == (status, said)
        assert vapi.asked == 1


async def test_life_asks_nobody() -> None:
    # A Vapi that hangs must not have the process restarted.
    vapi = Vapi("api-key-refused")
    async with client(Settings(api_key="key"), vapi) as probe:
        for path in set(PATHS) - {READY}:
            answer = await probe.get(path)
            assert (answer.status_code, answer.json()) == (200, {"status": "live"})
    assert LIVE in PATHS
    assert vapi.asked == 0


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        (Settings(api_key=None), 503),
        (Settings(api_key=None, transports=("http",), auth=("caller-key",)), 200),
        (Settings(api_key="key", transports=("http",), auth=("caller-key",)), 200),
    ],
    ids=["no key", "callers bring theirs", "callers bring theirs, and there is one"],
)
async def test_nobody_is_asked_with_no_key_of_the_server_s_own(
    settings: Settings, status: int
) -> None:
    # There is nothing to ask with, and where callers bring keys its own is never used.
    vapi = Vapi("api-key-refused")
    async with client(settings, vapi) as probe:
        assert (await probe.get(READY)).status_code == status
    assert vapi.asked == 0
