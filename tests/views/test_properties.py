"""What holds for every view of any session at all, looked for by machine."""

import json
import re
from typing import Any, TypeAlias, cast

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from support.generated import (
    FIELDS,
    Json,
    checker,
    data,
    fixed_upstream,
    in_calls,
    in_chats,
    oddly_said,
    served,
    structured,
)
from support.secret_names import SECRETS
from support.tools import GET, LIST

pytestmark = pytest.mark.unmeasured

Anything: TypeAlias = SearchStrategy[Any]

# An id of 36 characters and its quotes are part of the 410 bytes; another takes what it takes.
REST_OF_SUMMARY = 410 - 38
PLANTED = "pl4nted"
ASKED = (*((GET, view) for view in ("summary", "transcript", "full")), (LIST, None), (LIST, "full"))

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.just(10**400)
leaves = st.none() | st.booleans() | numbers | st.text(max_size=200)
anything: Anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5)
    ),
    max_leaves=12,
)


def a_message(role: Any, parts: Json, snake: Any, camel: Any) -> Json:
    return {"role": role, **parts, "tool_calls": snake, "toolCalls": camel}


def a_session(identity: str, known: Json, extra: Json) -> Json:
    return {**extra, **known, "id": identity}


# What a message or a call is made of, so that most of them are nearly right.
texts = ("content", "message", "result", "name", "time", "tool_call_id", "toolCallId")
roles = st.sampled_from(["user", "bot", "tool_calls", "tool_call_result", "assistant", "tool", ""])
parts = st.dictionaries(st.sampled_from(texts), anything, max_size=4)
pieces = st.sampled_from(["id", "function", "name", "arguments", "parameters"])
called = st.lists(st.dictionaries(pieces, anything, max_size=5), max_size=2) | anything
known_messages = st.sampled_from([*in_calls(), *in_chats(), *oddly_said()])
messages = st.lists(
    known_messages | st.builds(a_message, roles | anything, parts, called, called), max_size=8
)
sensible: dict[str, Anything] = {
    "messages": messages,
    "customer": st.dictionaries(st.sampled_from(["name", "number", "sipUri"]), anything),
    "status": st.just("active"),
    "updatedAt": st.datetimes().map(str) | st.just("2020-01-01T00:00:00Z"),
}
fields = {name: sensible.get(name, anything) | anything for name in FIELDS[1:]}
sessions = st.builds(
    a_session,
    st.text(max_size=60) | st.uuids().map(str),
    st.fixed_dictionaries({}, optional=fields),
    st.dictionaries(st.text(max_size=30), anything, max_size=4),
)

NAMES = (
    *sorted(SECRETS),
    *("api_key", "x-api-key", "Authorization", "authorization", "credential", "password", "pwd"),
    *("Cookie", "x-vapi-secret", "jwt"),
)
SHAPES = ("text", "list", "object", "header", "pair", "JSON", "JSON twice", "BOM", "cut", "quoted")


def plant(name: str, shape: str, depth: int, turn: int) -> Any:
    """A secret as it may stand in an answer, some levels down in lists and objects."""
    text = json.dumps({"headers": {name: PLANTED}})
    secrets: Json = {
        "text": {name: PLANTED},
        "list": {name: [PLANTED, {"deep": PLANTED}]},
        "object": {name: {"value": PLANTED}},
        "header": {"name": name, "value": PLANTED},
        "pair": [[name, PLANTED]],
        "JSON": text,
        "JSON twice": json.dumps(text),
        "BOM": f"\ufeff{json.dumps(chr(0xFEFF) + text)}",
        "cut": text[:-2],
        "quoted": f"Tried {text} twice: {text}",
    }
    secret = secrets[shape]
    for level in range(depth):
        secret = [secret] if level % 2 == turn else {"inner": secret, "level": level}
    return secret


def with_secret(session: Json, field: str, secret: Any, own: Json) -> Json:
    return {**session, field: secret, **own, "id": "some-id"}


def with_secret_calls(secret: Any, key: str) -> Json:
    """Secrets where a transcript looks: in what tools are called with and what they answer."""
    call = {"function": {"name": "f", "arguments": secret}}
    said = {"role": "assistant", "content": secret}
    answer = {"role": "tool_call_result", "name": "f", "result": secret}
    return {"id": "some-id", "messages": [{"role": "tool_calls", key: [call]}, answer, said]}


names = st.sampled_from(NAMES)
planted = st.builds(plant, names, st.sampled_from(SHAPES), st.integers(0, 4), st.integers(0, 1))
places = st.sampled_from(FIELDS[1:]) | st.text(min_size=1, max_size=9)
own = st.dictionaries(names, st.just(PLANTED), max_size=2)
secretive = st.builds(with_secret, sessions, places, planted, own) | st.builds(
    with_secret_calls, planted, st.sampled_from(["tool_calls", "toolCalls"])
)


def every_view(session: Json) -> dict[str, tuple[Json, Json, str]]:
    """Each view's answer, its structuredContent and its JSON text, all of them checked."""
    views: dict[str, tuple[Json, Json, str]] = {}

    async def look() -> None:
        # A list may hold any id, but only one that is an id can be asked for.
        id = session["id"] if re.fullmatch("[A-Za-z0-9_-]{1,128}", session["id"]) else "asked"
        upstream = fixed_upstream([session])
        upstream.by_id[id] = json.dumps({**session, "id": id})
        async with served(upstream) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            for tool, view in ASKED:
                asked = {"id": id} if tool == GET else {}
                result = await client.call_tool(tool, {**asked, "view": view})
                answer = data(result)
                checker(tools[tool])(structured(result))
                blocks = "".join(map(str, result.content))
                views[f"{tool} {view}"] = (answer, structured(result), blocks)
            for suffix in ("", "/transcript"):
                read = await client.read_resource(f"vapi-session://{id}{suffix}")
                views[f"resource{suffix}"] = ({}, {}, str(read.contents))

    anyio.run(look)
    return views


@given(sessions)
def test_every_view_of_any_session_is_valid_and_its_summary_small(session: Json) -> None:
    # Vapi's next release, a customer's keyboard and a broken import are all upstream of us.
    views = every_view(session)
    for summary in (views[f"{GET} summary"][0], views[f"{LIST} None"][0]["results"][0]):
        compact = json.dumps(summary, ensure_ascii=False, separators=(",", ":"))
        identity = json.dumps(summary.get("id", ""), ensure_ascii=False)
        assert len(compact.encode()) - len(identity.encode()) <= REST_OF_SUMMARY
        assert None not in summary.values()
        assert "" not in [summary[name] for name in summary if name != "id"]
    transcript = views[f"{GET} transcript"][0]
    messages = cast("list[Json]", transcript["messages"])
    assert transcript["shown"]["of"] == len(messages) == transcript["messageCount"]
    for one in messages:
        assert one["role"]
        assert all(isinstance(one.get(name, ""), str) for name in ("role", "name", "text", "time"))


@given(secretive)
def test_no_view_holds_what_stood_under_the_name_of_a_secret(session: Json) -> None:
    # What an agent reads may end up anywhere.
    assert PLANTED in json.dumps(session)
    for answer, told, blocks in every_view(session).values():
        assert PLANTED not in json.dumps(answer)
        assert PLANTED not in json.dumps(told)
        assert PLANTED not in blocks


@pytest.mark.parametrize("name", NAMES)
def test_the_name_alone_makes_a_secret(name: str) -> None:
    # Each of the planted names is one, so that the property above means something.
    answer, _, _ = every_view({"id": "some-id", name: "kept"})[f"{GET} full"]
    assert answer == {"id": "some-id", name: "***"}
