"""What is served of changes is what was asked for."""

import pytest

from support.webhooks import PATH, taking
from vapi_sessions_mcp.cli.reports import Reports
from vapi_sessions_mcp.settings import Settings


@pytest.mark.parametrize("redis_url", ["redis://127.0.0.1:9", None])
def test_a_server_that_only_hears_of_changes_takes_none_from_outside(redis_url: str | None) -> None:
    # A replica with a Redis has subscribers; without --webhooks nobody may post to it.
    hears = Settings(transports=("http",), api_key="key-0123456789abcdef", redis_url=redis_url)
    assert Reports(hears).paths(lambda _: None) == {}
    assert [*Reports(taking(redis_url=redis_url)).paths(lambda _: None)] == [PATH]
