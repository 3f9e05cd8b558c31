"""The server that clients over HTTP share."""

from collections.abc import Generator

import pytest

from support.browser import server


@pytest.fixture(scope="module")
def url() -> Generator[str]:
    """The URL of MCP on a sandbox."""
    with server("--tool-names", "short") as url:
        yield url
