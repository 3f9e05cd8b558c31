"""The page of `view`: for one browser, on one machine, as long as its tab is there."""

from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest

from vapi_sessions_mcp.cli.view_page import ViewPage

pytestmark = pytest.mark.anyio

FIRST: dict[str, Any] = {"name": "list_sessions", "arguments": {}}
VIEWER = "<!doctype html><style>a</style><script>b</script>"


async def called(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"structuredContent": {"name": name, **arguments}}


@pytest.fixture
def page() -> ViewPage:
    return ViewPage(VIEWER, called, FIRST)


@pytest.fixture
def http(page: ViewPage) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(page.app)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:1234")


async def opened(page: ViewPage, http: httpx2.AsyncClient) -> str:
    """The path of the page itself, to which its address leads."""
    answer = await http.get(f"/{page.token}")
    assert answer.status_code == 303
    return answer.headers["location"]


async def test_the_address_opens_once(page: ViewPage, http: httpx2.AsyncClient) -> None:
    # Command lines, shell histories and logs hold it; whoever finds it there must not see more.
    where = await opened(page, http)
    assert page.token not in where
    again = await http.get(f"/{page.token}")
    assert (again.status_code, "location" in again.headers) == (410, False)
    assert "run `vapi-sessions-mcp view` again" in again.json()["message"]
    assert (await http.get(where)).status_code == 200


async def test_nothing_is_found_without_the_address(
    page: ViewPage, http: httpx2.AsyncClient
) -> None:
    # Every process and every user of the machine can reach the port.
    where = await opened(page, http)
    guesses = ("/", "/viewer", "/call", "/first", "/closed", f"/{page.token}/", f"/x{where}")
    for path in (*guesses, f"/{page.token}/first", where.upper()):
        assert (await http.get(path)).status_code == 404, path
        assert (await http.post(path, json=FIRST)).status_code == 404, path


async def test_a_page_elsewhere_cannot_reach_it_by_another_name(page: ViewPage) -> None:
    # DNS rebinding gives this machine the name of an attacker's.
    transport = httpx2.ASGITransport(page.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://evil.test") as http:
        assert (await http.get(f"/{page.token}")).status_code == 400


async def test_only_the_pages_own_script_runs(page: ViewPage, http: httpx2.AsyncClient) -> None:
    # A mistake that lets a text become markup must still not let it run.
    where = await opened(page, http)
    for path in (where, f"{where}viewer"):
        answer = await http.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'sha256-")
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.text == VIEWER
    assert "sandbox allow-scripts" in policy
    assert "connect-src" not in policy


async def test_the_page_asks_what_to_show_and_calls_tools(
    page: ViewPage, http: httpx2.AsyncClient
) -> None:
    # It knows nothing by itself.
    where = await opened(page, http)
    assert (await http.get(f"{where}first")).json() == FIRST
    answer = await http.post(f"{where}call", json={"name": "get_session", "arguments": {"id": "s"}})
    assert answer.json() == {"structuredContent": {"name": "get_session", "id": "s"}}


@pytest.mark.parametrize("body", ["", "[]", "7", "{}", '{"name": "a", "arguments": 7}', "\xff"])
async def test_what_is_no_call_is_refused(
    page: ViewPage, http: httpx2.AsyncClient, body: str
) -> None:
    # In words, and not with a stack trace.
    where = await opened(page, http)
    answer = await http.post(f"{where}call", content=body.encode("latin-1"))
    assert answer.status_code == 400
    assert "name and arguments" in answer.json()["message"]


async def test_it_ends_with_the_tab(page: ViewPage, http: httpx2.AsyncClient) -> None:
    # Nobody should have to look for a process that shows customers' words.
    where = await opened(page, http)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(page.closed)
            assert (await http.post(f"{where}closed")).status_code == 204


async def test_a_reload_is_no_end(page: ViewPage, http: httpx2.AsyncClient) -> None:
    # To the server it looks like a tab that closes, with another that opens.
    where = await opened(page, http)
    ended = anyio.Event()

    async def wait() -> None:
        await page.closed()
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        await http.post(f"{where}closed")
        await anyio.lowlevel.checkpoint()
        assert (await http.get(where)).status_code == 200
        await anyio.wait_all_tasks_blocked()
        assert not ended.is_set()
        tasks.cancel_scope.cancel()
