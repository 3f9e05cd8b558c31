"""Small pools behave as one: each request is sent, and what is not used is closed."""

from collections.abc import Iterator

import anyio
import httpx2
import pytest

from vapi_sessions_mcp.pools import EACH, Pools

pytestmark = pytest.mark.anyio
URL = "http://127.0.0.1/session"


class Pool(httpx2.AsyncBaseTransport):
    """Answers once it is told to, or fails; counts what goes on at once."""

    def __init__(self, fails: bool = False) -> None:
        self.busy = self.most = self.requests = 0
        self.fails, self.closed, self.answers = fails, False, anyio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.busy, self.requests = self.busy + 1, self.requests + 1
        self.most = max(self.most, self.busy)
        try:
            if self.fails:
                raise httpx2.ConnectError("nobody is there")
            await self.answers.wait()
        finally:
            self.busy -= 1
        return httpx2.Response(200, stream=httpx2.ByteStream(b"all of it"))

    async def aclose(self) -> None:
        self.closed = True


class Made(list[Pool]):
    def __call__(self) -> Pool:
        self.append(Pool())
        return self[-1]

    def answer(self) -> None:
        for pool in self:
            pool.answers.set()


@pytest.fixture
def made() -> Iterator[Made]:
    """The pools that were made; all are closed in the end."""
    made = Made()
    yield made
    assert [pool.closed for pool in made] == [True] * len(made)


async def send(client: httpx2.AsyncClient, count: int) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(client.get, URL)


async def test_no_pool_has_more_at_once_than_it_is_meant_for(made: Made) -> None:
    # What a request costs would grow with their number.
    async with httpx2.AsyncClient(transport=Pools(made, 60)) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send, client, 2 * EACH + 1)
            await anyio.wait_all_tasks_blocked()
            assert [pool.busy for pool in made] == [EACH, EACH, 1]
            made.answer()
        # Then the connections of the first are used again, before any other's.
        assert (await client.get(URL)).content == b"all of it"
        await send(client, EACH)
        assert [pool.requests for pool in made] == [2 * EACH + 1, EACH, 1]


async def test_pools_that_nobody_uses_any_more_are_closed(made: Made) -> None:
    # Connections that the other side has closed would stay until the next burst.
    async with httpx2.AsyncClient(transport=Pools(made, 1.5)) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send, client, 3 * EACH)
            await anyio.wait_all_tasks_blocked()
            made.answer()
        await client.get(URL)
        assert [pool.closed for pool in made] == [False, False, False]
        await anyio.sleep(2)
        for left in (2, 1, 1):
            await client.get(URL)
            assert [pool.closed for pool in made].count(False) == left


async def test_a_request_that_fails_or_is_cancelled_leaves_its_place(made: Made) -> None:
    # Else every failure would make the pools one larger.
    async with httpx2.AsyncClient(transport=Pools(made, 60)) as client:
        for _ in range(2 * EACH):
            with anyio.move_on_after(0):
                await client.get(URL)
        made[0].fails = True
        for _ in range(2 * EACH):
            with pytest.raises(httpx2.ConnectError):
                await client.get(URL)
    assert len(made) == 1


async def test_a_place_is_free_once_the_answer_is_closed(made: Made) -> None:
    # A connection with half an answer in it is nobody else's.
    async with httpx2.AsyncClient(transport=Pools(made, 60)) as client:
        made.answer()
        request = client.build_request("GET", URL)
        opened = [await client.send(request, stream=True) for _ in range(EACH)]
        with anyio.move_on_after(0.1):
            await client.get(URL)
        assert len(made) == 2
        for response in opened:
            await response.aclose()
        await client.get(URL)
    assert made[0].requests == EACH + 1
