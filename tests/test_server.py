"""The MCP server through the SDK's client, in both protocol eras."""

import pytest
from conftest import LIST, Connect, Upstream, text

pytestmark = pytest.mark.anyio


async def test_an_answer_is_the_same_json_in_content_and_structured_content(
    connect: Connect,
) -> None:
    # Hosts give the model one or the other, so each must be complete.
    async with connect() as client:
        result = await client.call_tool(LIST, {"limit": 1})
    import json

    assert json.loads(text(result)) == result.structured_content
