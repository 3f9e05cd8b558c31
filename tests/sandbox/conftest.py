"""A fresh sandbox for each test."""

from collections.abc import AsyncGenerator

import pytest

from support.sandbox_calls import Vapi, connect
from vapi_sessions_mcp.sandbox import create_app


@pytest.fixture
async def vapi() -> AsyncGenerator[Vapi]:
    async with connect(create_app()) as client:
        yield client
