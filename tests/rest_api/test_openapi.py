"""The OpenAPI document: valid, reviewed, and kept by the adapter that serves it."""

import json
import os
import re
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import anyio
import httpx2
import schemathesis
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate

from vapi_sessions_mcp.contract.operations import OPERATIONS
from vapi_sessions_mcp.rest_api.app import build_rest
from vapi_sessions_mcp.rest_api.openapi import document
from vapi_sessions_mcp.sandbox import SANDBOX_KEY, create_app
from vapi_sessions_mcp.sessions.search import folded
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

SNAPSHOT = Path(__file__).parents[1] / "snapshots" / "openapi.json"
SANDBOX = create_app()
SETTINGS = Settings(
    api_key=SANDBOX_KEY, base_url="http://localhost:9", allowed_hosts=("testserver",)
)
ADAPTER = build_rest(
    Sessions(Vapi(SETTINGS, transport=httpx2.ASGITransport(SANDBOX)), SETTINGS), SETTINGS
)


async def _sample_ids() -> list[str]:
    headers = {"Authorization": f"Bearer {SANDBOX_KEY}"}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(SANDBOX), base_url="http://localhost", headers=headers
    ) as client:
        return [row["id"] for row in (await client.get("/session")).json()["results"]]


IDS = cycle(anyio.run(_sample_ids))
described: Any = schemathesis.openapi.from_asgi("/openapi.json", ADAPTER)


def test_the_document_is_valid_openapi() -> None:
    # Generators and gateways refuse what is not.
    for made in (document(), document(Settings(read_only=True))):
        validate(made)
        assert made["openapi"].startswith("3.1.")


def test_what_the_settings_refuse_is_not_offered() -> None:
    # A field in the document that always meets a refusal costs each client a try.
    bodies = {
        no_delete: document(Settings(no_delete=no_delete))["components"]["schemas"]["UpdateSession"]
        for no_delete in (False, True)
    }
    assert "messages" not in json.dumps(bodies[True]).replace("appendMessages", "").replace(
        "not with messages", ""
    )
    assert bodies[False]["properties"].keys() - bodies[True]["properties"].keys() == {"messages"}


def test_the_document_is_what_was_reviewed() -> None:
    # A change here changes every client that was generated; UPDATE_SNAPSHOTS=1 rewrites it.
    text = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(text, encoding="utf-8")
    assert text == SNAPSHOT.read_text(encoding="utf-8")


def test_every_operation_has_the_id_that_vapi_gave_it() -> None:
    # Generated clients name their methods after it.
    paths = document()["paths"].values()
    ids = {operation["operationId"] for path in paths for operation in path.values()}
    assert {row.operation_id for row in OPERATIONS} < ids
    assert "SessionController_findAllPaginated" in ids


def test_a_read_only_document_says_nothing_of_changes() -> None:
    # Whoever generates a client from it should not get methods that answer 405.
    made = document(Settings(read_only=True))
    assert {method for path in made["paths"].values() for method in path} == {"get"}
    assert "CreateSession" not in made["components"]["schemas"]


def test_a_change_that_may_have_been_made_is_promised_no_status_that_clients_repeat() -> None:
    # Generated clients send a request again after 5xx, and what is unclear would happen twice.
    responses = {
        operation["operationId"]: operation["responses"].keys()
        for path in document(Settings(confirm_delete="argument"))["paths"].values()
        for operation in path.values()
    }
    for name in ("create", "update", "updateByQuery"):
        assert "424" in responses[f"SessionController_{name}"]
        assert not {"504", "5XX", "409"} & responses[f"SessionController_{name}"]
    for name in ("findOne", "findAllPaginated", "remove", "removeByQuery"):
        assert {"504", "5XX"} <= responses[f"SessionController_{name}"]
    confirmed = {name for name, statuses in responses.items() if "428" in statuses}
    unasked = document()["paths"]["/v1/session/{id}"]["delete"]["responses"]
    guarded = ("update", "updateByQuery", "remove", "removeByQuery")
    assert confirmed == {f"SessionController_{name}" for name in guarded}
    assert "428" not in unasked


@described.parametrize()
@settings(
    max_examples=settings().max_examples,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_the_adapter_keeps_to_its_document(case: Any) -> None:
    # Clients are generated from it: what it allows must work, what it forbids be refused.
    case.path_parameters = with_a_known_id(case.path_parameters)
    if case.operation.method.upper() in ("PATCH", "DELETE"):
        case.query = with_a_known_id(case.query)
    else:
        keep_the_rules_between_parameters(case.query)
    case.call_and_validate()


def with_a_known_id(parameters: dict[str, Any]) -> dict[str, Any]:
    """A well-formed id becomes that of a session: of others there is only a 404 to see."""
    id = (parameters or {}).get("id")
    known = isinstance(id, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,128}", id)
    return {**parameters, "id": next(IDS)} if known else parameters


def keep_the_rules_between_parameters(query: dict[str, Any]) -> None:
    """Some rules join two values each, or know what a space is: OpenAPI has no words for them."""
    if query.keys() & {"status", "contains"}:
        query.pop("page", None)
        query["sortBy"] = "cost"
    if isinstance(text := query.get("contains"), str) and not folded(text):
        query["contains"] = "a"
    if "messages" in query and query.get("view") in ("summary", "full"):
        query["view"] = "transcript"
    if isinstance(text := query.get("messages"), str) and text.startswith("{"):
        with suppress(ValueError):
            window = json.loads(text)
            ends = [window.get("from"), window.get("to")]
            if all(isinstance(end, int) for end in ends):
                query["messages"] = json.dumps({**window, "from": min(ends), "to": max(ends)})
    texts = [query[name] for name in ("number", "customerNumberAny") if name in query]
    numbers = [number for text in texts if isinstance(text, str) for number in text.split(",")]
    if numbers and query.get("numberE164CheckEnabled", True) in (True, "true"):
        e164 = (re.fullmatch(r"\+[1-9][0-9]{1,14}", number) for number in numbers)
        query["numberE164CheckEnabled"] = all(e164)
