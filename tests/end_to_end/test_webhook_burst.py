"""Ten thousand changes at once, in a real process."""

import anyio
import httpx2
import pytest
from mcp.server.subscriptions import ResourceUpdated

from support.processes import PATIENCE
from support.tools import LIST
from support.webhook_servers import serving
from support.webhooks import bearer, posted

pytestmark = pytest.mark.anyio

URIS = ["vapi-session://s-1", "vapi-session://s-2"]


async def report(url: str, count: int) -> None:
    """Report so many changes of one session, ten at once, and then one of another."""
    numbers = iter(range(count))

    async with httpx2.AsyncClient(timeout=PATIENCE) as client:

        async def post() -> None:
            for number in numbers:
                body = posted("session.created", "s-1", updatedAt=f"t{number}")
                answer = await client.post(url, content=body, headers=bearer())
                assert answer.status_code == 204

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(post)
        last = posted("session.updated", "s-2")
        await client.post(url, content=last, headers=bearer())


async def test_ten_thousand_changes_make_no_call_wait_and_no_memory_grow() -> None:
    # An import of customers, or a loop at Vapi's: whoever listens gets each URI once at a time.
    async with serving() as server, server.client() as client:
        async with client.listen(
            resource_subscriptions=URIS, resources_list_changed=True
        ) as stream:
            await client.call_tool(LIST, {"limit": 1})
            before = server.running.most_memory()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(report, server.hook, 10_000)
                for _ in range(100):
                    assert (await client.call_tool(LIST, {"limit": 1})).structured_content
            heard = 0
            async for event in stream:
                heard += 1
                if event == ResourceUpdated(URIS[1]):
                    break
            assert heard <= 10_001
        assert server.running.most_memory() - before < 16 * 2**20
