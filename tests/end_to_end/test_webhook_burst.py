"""Ten thousand changes at once, in a real process."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import anyio
import pytest
from anyio.to_thread import run_sync
from mcp.server.subscriptions import ResourceUpdated

from support.processes import PATIENCE
from support.tools import LIST
from support.webhook_servers import serving
from support.webhooks import bearer, posted

pytestmark = pytest.mark.anyio

URIS = ["vapi-session://s-1", "vapi-session://s-2"]


def report(url: str, count: int) -> None:
    """Report so many changes of one session, ten at once, and then one of another."""
    parts, headers = urlsplit(url), dict(bearer())
    changes = map(change, range(count))  # of which each thread takes the next

    def post(bodies: Iterable[bytes]) -> None:
        with closing(HTTPConnection(parts.netloc, timeout=PATIENCE)) as connection:
            for body in bodies:
                connection.request("POST", parts.path, body, headers)
                answer = connection.getresponse()
                assert (answer.status, answer.read()) == (204, b"")

    with ThreadPoolExecutor(10) as threads:
        assert [*threads.map(post, [changes] * 10)] == [None] * 10
    post([posted("session.updated", "s-2")])


def change(number: int) -> bytes:
    return posted("session.created", "s-1", updatedAt=f"t{number}")


async def test_ten_thousand_changes_make_no_call_wait_and_no_memory_grow() -> None:
    # An import of customers, or a loop at Vapi's: whoever listens gets each URI once at a time.
    async with serving() as server, server.client() as client:
        async with client.listen(
            resource_subscriptions=URIS, resources_list_changed=True
        ) as stream:
            await client.call_tool(LIST, {"limit": 1})
            before = server.running.most_memory()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run_sync, report, server.hook, 10_000)
                for _ in range(100):
                    assert (await client.call_tool(LIST, {"limit": 1})).structured_content
            heard = 0
            async for event in stream:
                heard += 1
                if event == ResourceUpdated(URIS[1]):
                    break
            assert heard <= 10_001
        assert server.running.most_memory() - before < 16 * 2**20
