"""A sandbox of its own for each test."""

from collections.abc import AsyncGenerator

import pytest

from support.sandbox import Vapi, connect, stopped
from vapi_sessions_mcp.sandbox import create_app


@pytest.fixture
async def vapi() -> AsyncGenerator[Vapi]:
    """A client of a fresh sandbox, whose clock stands still."""
    async with connect(create_app(clock=stopped)) as client:
        yield client
