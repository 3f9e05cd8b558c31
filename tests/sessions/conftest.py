"""What a pinned server performs with, and the sessions that it may or may not reach."""

from collections.abc import AsyncGenerator

import anyio
import pytest

from support.pinned import MADE, ask, through, vapi_at
from support.upstream import Upstream
from vapi_sessions_mcp.contract.operations import (
    CREATE,
    Perform,
)


@pytest.fixture
async def perform(upstream: Upstream) -> AsyncGenerator[Perform]:
    """What a server performs with when it is not pinned."""
    async with vapi_at(upstream) as vapi:
        with anyio.fail_after(20):
            yield through(vapi)


@pytest.fixture
async def ids(perform: Perform, upstream: Upstream) -> dict[str, str]:
    """The id of each of MADE, made in the sandbox; nothing was asked of it since."""
    made = {name: await ask(perform, CREATE, body={"name": name, **MADE[name]}) for name in MADE}
    upstream.requests.clear()
    return {name: session["id"] for name, session in made.items()}
