"""What the tests of OAuth share: an authorization server, its tokens' issuer, and a clock."""

from collections.abc import AsyncGenerator, Generator

import pytest

from support.authorization_server import AUDIENCE, AuthorizationServer, serving_tokens
from support.issuers import Clock
from vapi_sessions_mcp.access.oauth import Issuer


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Real time, in which other threads live."""
    return "asyncio"


@pytest.fixture(scope="session")
def url() -> Generator[str]:
    """One authorization server, which `server` resets for every test."""
    with serving_tokens() as url:
        yield url


@pytest.fixture
async def server(url: str) -> AsyncGenerator[AuthorizationServer]:
    async with AuthorizationServer(url) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuer(server: AuthorizationServer, clock: Clock) -> AsyncGenerator[Issuer]:
    async with Issuer(server.url, [AUDIENCE], elapsed=clock) as issuer:
        yield issuer
