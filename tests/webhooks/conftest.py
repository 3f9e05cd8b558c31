"""What the tests of webhooks share: real time, in which streams wait, and a clock for the rest."""

import pytest

from support.webhooks import Clock


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Real time, in which nothing that only waits is hurried to its end."""
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()
