"""Vapi's own Python client takes the sandbox for Vapi, and the REST adapter."""

import socket
import threading
from collections.abc import Generator
from datetime import datetime, timedelta

import httpx
import pytest
import uvicorn
from vapi.core.api_error import ApiError

from support.sandbox import MAYA, NOW, stopped
from vapi import AsyncVapi, Vapi
from vapi_sessions_mcp.sandbox import SANDBOX_KEY, create_app


@pytest.fixture(scope="module")
def sandbox_url() -> Generator[str]:
    """Serve a sandbox over HTTP; the socket listens at once, so there is no start-up to await."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(clock=stopped), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def test_the_sync_client_drives_all_five_calls(sandbox_url: str) -> None:
    # What the official client reads back is what our sandbox promises to be.
    # Its types import a thousand models, for which no other worker should wait.
    from vapi.types.create_customer_dto import CreateCustomerDto

    with httpx.Client(timeout=10) as http:
        sessions = Vapi(token=SANDBOX_KEY, base_url=sandbox_url, httpx_client=http).sessions
        made = sessions.create(name="From the SDK", customer=CreateCustomerDto(number=MAYA))
        assert made.status == "active"
        assert made.created_at.tzinfo is not None

        got = sessions.get(made.id)
        assert got == made
        changed = sessions.update(made.id, name="Renamed", status="completed")
        assert (changed.name, changed.status) == ("Renamed", "completed")
        assert changed.updated_at > made.updated_at
        assert sessions.delete(made.id) == changed
        with pytest.raises(ApiError) as missing:
            sessions.get(made.id)
        assert missing.value.status_code == 404
        assert made.id in missing.value.body["message"]


@pytest.mark.anyio
async def test_the_async_client_drives_all_five_calls(sandbox_url: str) -> None:
    # The two clients are generated apart, and must agree.
    async with httpx.AsyncClient(timeout=10) as http:
        client = AsyncVapi(token=SANDBOX_KEY, base_url=sandbox_url, httpx_client=http)
        sessions = client.sessions
        made = await sessions.create(name="From the async SDK", expiration_seconds=3600)
        assert made.expiration_seconds == 3600
        assert await sessions.get(made.id) == made
        changed = await sessions.update(made.id, name="Renamed")
        assert changed.name == "Renamed"
        assert await sessions.delete(made.id) == changed
        with pytest.raises(ApiError) as missing:
            await sessions.delete(made.id)
        assert missing.value.status_code == 404


def test_the_client_filters_sorts_and_pages(sandbox_url: str) -> None:
    # The client spells query names, dates and numbers its own way.
    with httpx.Client(timeout=10) as http:
        sessions = Vapi(token=SANDBOX_KEY, base_url=sandbox_url, httpx_client=http).sessions
        page = sessions.list(
            number=MAYA,
            created_at_ge=NOW - timedelta(days=40),
            created_at_lt=NOW,
            sort_by="cost",
            sort_order="ASC",
            limit=3,
            page=1.0,
        )
        assert page.metadata.total_items >= 5
        assert page.metadata.has_next_page
        assert len(page.results) == 3
        assert {s.customer.number for s in page.results if s.customer} == {MAYA}
        costs = [session.cost or 0 for session in page.results]
        assert costs == sorted(costs)

        # Few: to read one that called tools takes the client a quarter of a second.
        lines = {s.phone_number_id for s in sessions.list(limit=12).results if s.phone_number_id}
        some = sorted(lines)[:2]
        assert len(some) == 2
        found = sessions.list(phone_number_id_any=some, limit=4).results
        assert {session.phone_number_id for session in found} == set(some)


def test_every_sample_parses_as_the_clients_model(sandbox_url: str) -> None:
    # The samples must look like Vapi's answers to the code that was generated for them.
    with httpx.Client(timeout=10) as http:
        sessions = Vapi(token=SANDBOX_KEY, base_url=sandbox_url, httpx_client=http).sessions
        page = sessions.list(limit=1000, created_at_lt=NOW)
        assert len(page.results) == 60
        assert all(isinstance(session.created_at, datetime) for session in page.results)
        assert any(session.artifact for session in page.results)


@pytest.mark.parametrize(("token", "status"), [("wrong", 401), (SANDBOX_KEY, 400)])
def test_what_is_refused_raises_the_clients_error(
    sandbox_url: str, token: str, status: int
) -> None:
    # Error bodies must have the shape that the client reads.
    with httpx.Client(timeout=10) as http:
        sessions = Vapi(token=token, base_url=sandbox_url, httpx_client=http).sessions
        with pytest.raises(ApiError) as refused:
            sessions.create(name="x" * 41)
        assert refused.value.status_code == status
        assert refused.value.body["statusCode"] == status


def test_the_sync_client_drives_all_five_calls_of_the_adapter(rest_sandbox: str) -> None:
    # Programs that use it change one argument to get our checks and masking.
    with httpx.Client(timeout=10) as http:
        sessions = Vapi(token="none", base_url=rest_sandbox, httpx_client=http).sessions
        made = sessions.create(name="From the SDK", customer={"number": MAYA})  # type: ignore[arg-type]
        assert made.status == "active"
        assert sessions.get(made.id) == made
        changed = sessions.update(made.id, name="Renamed", status="completed")
        assert (changed.name, changed.status) == ("Renamed", "completed")
        assert sessions.delete(made.id) == changed
        with pytest.raises(ApiError) as missing:
            sessions.get(made.id)
        assert missing.value.status_code == 404
        assert made.id in missing.value.body["message"]
        with pytest.raises(ApiError) as refused:
            sessions.create(name="x" * 41)
        assert refused.value.status_code == 400
        assert "`body.name`" in refused.value.body["message"][0]


@pytest.mark.anyio
async def test_the_async_client_drives_all_five_calls_of_the_adapter(rest_sandbox: str) -> None:
    # The two clients are generated apart, and must agree.
    async with httpx.AsyncClient(timeout=10) as http:
        sessions = AsyncVapi(token="none", base_url=rest_sandbox, httpx_client=http).sessions
        made = await sessions.create(name="From the async SDK", expiration_seconds=3600)
        assert made.expiration_seconds == 3600
        assert await sessions.get(made.id) == made
        assert made in (await sessions.list(id=made.id)).results
        changed = await sessions.update(made.id, name="Renamed")
        assert changed.name == "Renamed"
        assert await sessions.delete(made.id) == changed
        with pytest.raises(ApiError) as missing:
            await sessions.delete(made.id)
        assert missing.value.status_code == 404


def test_the_client_filters_sorts_and_pages_through_the_adapter(rest_sandbox: str) -> None:
    # It spells query names, dates and numbers its own way: page=1.0, repeated arrays.
    with httpx.Client(timeout=10) as http:
        sessions = Vapi(token="none", base_url=rest_sandbox, httpx_client=http).sessions
        page = sessions.list(
            number=MAYA,
            created_at_ge=NOW - timedelta(days=40),
            created_at_lt=NOW,
            sort_by="cost",
            sort_order="ASC",
            limit=3,
            page=1.0,
        )
        assert page.metadata.has_next_page
        assert {s.customer.number for s in page.results if s.customer} == {MAYA}
        costs = [session.cost or 0 for session in page.results]
        assert costs == sorted(costs)
        # Few: to read one that called tools takes the client a quarter of a second.
        lines = {s.phone_number_id for s in sessions.list(limit=12).results if s.phone_number_id}
        some = sorted(lines)[:2]
        assert len(some) == 2
        found = sessions.list(phone_number_id_any=some, limit=4).results
        assert {session.phone_number_id for session in found} == set(some)
