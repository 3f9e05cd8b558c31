"""A sandbox of its own for each test."""

from collections.abc import AsyncGenerator

import pytest

from support.sandbox import Vapi, Watched, connect


@pytest.fixture
async def vapi(new_sandbox: Watched) -> AsyncGenerator[Vapi]:
    """A client of a fresh sandbox, whose clock stands still."""
    async with connect(new_sandbox) as client:
        yield client
