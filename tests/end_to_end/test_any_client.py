"""Clients that write a URL or a header in another way than most are served all the same."""

import json
import signal
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest

from support.faces import BOTH
from support.http_calls import LEGACY, message, request, tool_call
from support.processes import PATIENCE, started
from support.refusals import refused
from support.tools import LIST

pytestmark = [pytest.mark.anyio, pytest.mark.measured]

JSON, EVENTS = "application/json", "text/event-stream"


@pytest.fixture(scope="module")
async def sites() -> AsyncGenerator[tuple[str, str]]:
    """Where a server has MCP and REST, without their paths."""
    async with started(*BOTH, "--sandbox") as running:
        mcp, rest = await running.url(), await running.url()
        yield mcp.removesuffix("/mcp"), rest.removesuffix("/v1")
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0


@pytest.fixture
async def client() -> AsyncGenerator[httpx2.AsyncClient]:
    """A client without a header of its own that follows no redirect."""
    async with httpx2.AsyncClient(timeout=PATIENCE, verify=False) as client:
        client.headers.clear()
        yield client


def listing(era: str, **headers: str | None) -> dict[str, Any]:
    """A call of list, as arguments of httpx2; a header that is None is left out."""
    call = tool_call(era, LIST)
    call["json"]["params"]["arguments"] = {"limit": 0}
    given = {**call["headers"], **{name.replace("_", "-"): v for name, v in headers.items()}}
    return {**call, "headers": {name: value for name, value in given.items() if value is not None}}


async def test_a_slash_at_the_end_of_a_path_does_not_matter(
    client: httpx2.AsyncClient, sites: tuple[str, str], era: str
) -> None:
    # A redirect would name the scheme that we see, which behind TLS is the wrong one.
    mcp, rest = sites
    answer = await client.post(f"{mcp}/mcp/", **listing(era))
    assert message(answer)["result"]["structuredContent"]["results"] == []
    for path in ("/v1/session", "/docs", "/docs/docs.css", "/openapi.json", "/skills", "/health"):
        with_slash, without = await client.get(f"{rest}{path}/"), await client.get(rest + path)
        assert (with_slash.status_code, with_slash.content) == (200, without.content)
    [session, *_] = (await client.get(f"{rest}/v1/session/", params={"limit": 1})).json()["results"]
    assert (await client.get(f"{rest}/v1/session/{session['id']}/")).json() == session


@pytest.mark.parametrize(
    ("accept", "kinds"),
    [
        (None, [JSON]),
        ("*/*", [JSON]),
        (JSON, [JSON]),
        ("application/*", [JSON]),
        ("application/json;q=0.9, */*;q=0.1", [JSON]),
        ("text/html, text/event-stream;q=0, */*;q=0.8", [JSON]),
        (EVENTS, [EVENTS]),
        ("text/*", [EVENTS]),
        ("Text/Event-Stream, Application/JSON", [JSON, EVENTS]),
    ],
)
async def test_a_client_that_accepts_one_type_gets_it(
    client: httpx2.AsyncClient,
    sites: tuple[str, str],
    era: str,
    accept: str | None,
    kinds: list[str],
) -> None:
    # curl and most HTTP libraries say */* or nothing, and were told to accept what they do.
    answer = await client.post(f"{sites[0]}/mcp", **listing(era, Accept=accept))
    kind = answer.headers["Content-Type"].partition(";")[0]
    assert kind in kinds
    assert answer.text.startswith("event: message") is (kind == EVENTS)
    assert message(answer)["result"]["structuredContent"]["results"] == []


async def test_the_case_of_the_body_s_media_type_does_not_matter(
    client: httpx2.AsyncClient, sites: tuple[str, str], era: str
) -> None:
    # RFC 9110: types have none.
    kind = "Application/JSON; charset=UTF-8"
    answer = await client.post(f"{sites[0]}/mcp", **listing(era, Content_Type=kind))
    assert message(answer)["result"]["structuredContent"]["results"] == []
    slashes = await client.post(f"{sites[0]}/mcp//", **listing(era))
    assert (slashes.status_code, "Location" in slashes.headers) == (404, False)


async def test_a_client_that_accepts_neither_type_is_told_which_there_are(
    client: httpx2.AsyncClient, sites: tuple[str, str], era: str
) -> None:
    # The specification asks for both types; whoever sends another learns what to send.
    answer = await client.post(f"{sites[0]}/mcp", **listing(era, Accept="text/html"))
    assert refused(answer, 406) == (
        "This server answers as application/json or text/event-stream: accept one of them, or both."
    )


async def test_an_error_comes_as_json_whatever_is_accepted(
    client: httpx2.AsyncClient, sites: tuple[str, str]
) -> None:
    # It has a status of its own, and an event has none.
    answer = await client.post(
        f"{sites[0]}/mcp", headers={**LEGACY, "Accept": EVENTS}, content=b"[]"
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)


async def test_a_notification_is_taken_from_any_client(
    client: httpx2.AsyncClient, sites: tuple[str, str], era: str
) -> None:
    # It has no answer that could be of a type.
    call = listing(era, Accept=JSON)
    call["json"] = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert (await client.post(f"{sites[0]}/mcp", **call)).status_code == 202


@pytest.mark.parametrize("version", ["2099-01-01", "", "whisper" * 100])
async def test_an_unknown_version_is_answered_with_those_that_are_served(
    client: httpx2.AsyncClient, sites: tuple[str, str], era: str, version: str
) -> None:
    # A client of the future can choose one of them; "params._meta must be an object" says nothing.
    # Where every message names its version, that is one of those that server/discover lists.
    answer = await client.post(f"{sites[0]}/mcp", **listing(era, MCP_Protocol_Version=version))
    assert (answer.status_code, answer.json()["id"]) == (400, 1)
    error = answer.json()["error"]
    served = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]
    assert error["code"] == -32022
    offered = served if era == "legacy" else served[-1:]
    assert error["data"] == {"supported": offered, "requested": version[:60]}
    assert error["message"] == f"This version of MCP is not served: there are {', '.join(served)}."


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", None])
async def test_each_version_that_is_named_is_served(
    client: httpx2.AsyncClient, sites: tuple[str, str], version: str | None
) -> None:
    # What the answer above offers must be true.
    offered = version or "2025-06-18"
    hello = request(
        "initialize",
        protocolVersion=offered,
        capabilities={},
        clientInfo={"name": "test", "version": "1"},
    )
    headers = listing("legacy", MCP_Protocol_Version=version)["headers"]
    answer = await client.post(f"{sites[0]}/mcp", headers=headers, content=json.dumps(hello))
    assert message(answer)["result"]["protocolVersion"] == offered


async def test_the_paths_of_vapi_s_own_api_are_served_with_and_without_a_version(
    client: httpx2.AsyncClient, sites: tuple[str, str]
) -> None:
    # Vapi's API has none, and whoever moves from it to here changes the host only.
    [session] = (await client.get(f"{sites[1]}/session", params={"limit": 1})).json()["results"]
    for path in (f"/session/{session['id']}", f"/v1/session/{session['id']}"):
        assert (await client.get(sites[1] + path)).json() == session
    made = await client.post(f"{sites[1]}/session/", json={"name": "a"})
    assert (made.status_code, made.json()["name"]) == (201, "a")
    gone = await client.delete(f"{sites[1]}/session/{made.json()['id']}")
    assert gone.status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_other_parts_of_vapi_s_api_are_said_to_be_elsewhere(
    client: httpx2.AsyncClient, sites: tuple[str, str], method: str
) -> None:
    # "Cannot POST /chat" is what Vapi says of a path that it has not, either.
    elsewhere = ": this server has sessions only; send this to the API itself."
    for path in ("/v1/chat", "/v1/call", "/chat", "/chat/", "/assistant/a-1", "/v1/call?limit=1"):
        answer = await client.request(method, sites[1] + path)
        assert (answer.status_code, answer.json()["statusCode"]) == (404, 404)
        written = path.partition("?")[0].rstrip("/")
        assert answer.json()["message"] == f"Cannot {method} {written}{elsewhere}"
    for path in ("/v1", "/", "/chats", "/v1/session/a/b", "/v1x/chat", "/v2/chat"):
        answer = await client.request(method, sites[1] + path)
        assert answer.status_code == 404
        assert elsewhere not in answer.text


async def test_a_packed_body_is_refused_in_words(
    client: httpx2.AsyncClient, sites: tuple[str, str], era: str
) -> None:
    # As JSON it is none, and "The body is not JSON" sends people looking in the wrong place.
    said = "This server unpacks no bodies: send it without Content-Encoding."
    for url in (f"{sites[0]}/mcp", f"{sites[1]}/v1/session"):
        for encoding, status in (("gzip", 415), ("br, gzip", 415), ("Identity", 200)):
            call = listing(era, Content_Encoding=encoding)
            answer = await client.post(url, **call)
            if status == 415:
                assert refused(answer, 415) == said
            else:
                assert answer.status_code in (200, 400)
                assert said not in answer.text
