"""Agent frameworks and official clients with our tools: listed, converted, and called.

No model is asked: each tool is called as the framework calls it for one. `docs/clients.md` says
what each of them cannot do.
"""

import json
from typing import Any

import pytest

from support.clients import CLIENTS, Json, driven
from support.contract_forms import forms
from support.conversions import Change, change

TOOLS = ["create_session", "list_sessions", "get_session", "update_session", "delete_session"]
PUBLISHED: dict[str, Json] = {
    form["short"]: form["tool"]
    for form in forms()
    if all(values[0] in (False, None) for values in form["when"].values())
}
# What their format of a tool leaves out. With all others nothing is lost.
LOST = {
    "smolagents": Change(lost=frozenset({"additionalProperties"})),
    "crewai": Change(lost=frozenset({"additionalProperties"})),
    "llama-index": Change(
        lost=frozenset(
            {
                *("additionalProperties", "required"),
                *("minimum", "maximum", "minLength", "maxLength"),
            }
        ),
        emptied=frozenset(
            {
                *("create_session.body", "get_session.messages"),
                *("update_session.body", "update_session.appendMessages[]"),
            }
        ),
    ),
}
# What a provider's own format leaves out, by client and provider.
FORMATS = {
    ("pydantic-ai", "openai"): Change(),
    ("pydantic-ai", "gemini"): Change(),
    ("google-adk", "gemini"): Change(lost=frozenset({"additionalProperties"})),
    # As it is without the three lines of docs/clients.md: all that is optional is required.
    ("smolagents", "unmended"): Change(
        lost=frozenset({"additionalProperties", "required"}),
        required=frozenset(
            f"{name}.{argument}"
            for name, tool in PUBLISHED.items()
            for argument in tool["inputSchema"]["properties"]
            if argument not in tool["inputSchema"].get("required", ())
        ),
    ),
}
# Those that start a server for each call over stdio, where the sandbox forgets each time.
ANEW = {"llama-index"}

every_client = pytest.mark.parametrize("client", CLIENTS)


@pytest.fixture
def brought(client: str, url: str) -> dict[str, Json]:
    """What a client brought by transport."""
    return driven(client, url)


@every_client
def test_a_client_lists_the_five_tools_over_both_transports(
    client: str, brought: dict[str, Json]
) -> None:
    # A tool that a client drops is one that its agents do not know of.
    expected = {"http"} if client in ANEW else {"stdio", "http"}
    assert brought.keys() == expected
    for transport in brought.values():
        assert sorted(transport["functions"]) == sorted(TOOLS)


@every_client
def test_a_client_shows_its_model_all_that_a_tool_says(
    client: str, brought: dict[str, Json]
) -> None:
    # What is lost on the way a model can only guess; what is added it must make up.
    for transport in brought.values():
        assert change(PUBLISHED, transport["functions"]) == LOST.get(client, Change())


@pytest.mark.parametrize(
    ("client", "provider"), FORMATS, ids=[f"{one}-{other}" for one, other in FORMATS]
)
def test_the_format_of_a_provider_says_all_that_a_tool_says(
    provider: str, client: str, brought: dict[str, Json]
) -> None:
    # The same tool goes to each provider in its own words.
    made = {
        name: {**function, "parameters": function["formats"][provider]}
        for name, function in brought["http"]["functions"].items()
    }
    assert change(PUBLISHED, made) == FORMATS[client, provider]


@every_client
def test_a_session_is_created_read_found_added_to_and_deleted(
    client: str, brought: dict[str, Json]
) -> None:
    # This is what people put an agent to; each answer has to arrive as JSON.
    for transport in brought.values():
        answers: dict[str, Any] = {
            step: json.loads(transport["answers"][step])
            for step in ("create", "get", "list", "append", "delete")
        }
        id = answers["create"]["id"]
        assert answers["get"]["messages"] == [{"role": "user", "text": "Where is my parcel?"}]
        assert [found["id"] for found in answers["list"]["results"]] == [id]
        last = answers["append"]["messages"][-1]
        assert (answers["append"]["id"], last["content"]) == (id, "It is on its way.")
        assert answers["delete"]["id"] == id
        assert len(answers["delete"]["messages"]) == 2


@every_client
def test_the_words_of_an_error_reach_the_model(client: str, brought: dict[str, Json]) -> None:
    # It mends its call by them: an error that ends the run helps nobody.
    for transport in brought.values():
        answers = transport["answers"]
        assert "`messages` takes one of first, last, or from and to." in answers["refused"]
        assert f"No session {json.loads(answers['create'])['id']}" in answers["gone"]


def test_strict_schemas_of_openai_agents_leave_every_argument_optional(url: str) -> None:
    # Strict mode makes all of them required; only what has no optional ones may be strict.
    functions = driven("openai-agents", url)["http"]["functions"]
    strict = {name: function["strict"] for name, function in functions.items()}
    assert strict == dict.fromkeys(TOOLS, False) | {"delete_session": True}


def test_llama_index_shows_a_model_the_repr_of_a_result(url: str) -> None:
    # The class in docs/clients.md is there for this alone, and can go with it.
    shown = driven("llama-index", url)["http"]["functions"]["get_session"]["as it comes"]
    assert shown.startswith("meta=None content=[TextContent(type='text', text='No session nobody")
