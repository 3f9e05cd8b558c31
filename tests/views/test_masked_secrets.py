"""Secrets are masked in every answer, whatever their shape, and nothing else is."""

import copy
import json
import re
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest

from support.hidden import seen
from support.masked import ID, Keeper, answers, full, resources, session
from support.secret_names import HARMLESS, SECRETS
from support.tools import GET, text
from support.upstream import Connect, Upstream

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]
SCHEMA = Path(__file__).parents[3] / "shared/vapi/openapi-sessions.json"


def properties_in(node: Any) -> set[tuple[str, str]]:
    """Every property that a JSON Schema declares, at any depth, with what is said of it."""
    if isinstance(node, list):
        return {found for item in cast("list[Any]", node) for found in properties_in(item)}
    if not isinstance(node, dict):
        return set()
    inside = cast("Json", node)
    own = inside.get("properties")
    declared = {(name, str(said)) for name, said in cast("Json", own or {}).items()}
    return declared.union(*(properties_in(item) for item in inside.values()))


# Secrets


@pytest.mark.skipif(not SCHEMA.exists(), reason="Vapi's OpenAPI is not beside this checkout")
def test_every_secret_of_the_official_schema_is_known_here() -> None:
    # A name that Vapi adds, or that was overlooked, must be judged by a person.
    declared = properties_in(json.loads(SCHEMA.read_text()))
    sounds = re.compile(
        r"secret|token|pass|pwd|key|auth|credential|cookie|cert|sign|pem$|jwt|bearer|otp|pin", re.I
    )
    withheld = {
        name
        for name, said in declared
        if re.search(r"not returned in the API|without(\s|\\n)+authentication", said)
    }
    assert {name for name, _ in declared if sounds.search(name)} | withheld == (
        SECRETS | HARMLESS.keys()
    )
    assert withheld <= SECRETS


async def test_no_secret_comes_out_of_any_tool_view_or_resource(
    connect: Connect, upstream: Upstream
) -> None:
    # One door left open is enough: each name is tried in each place, in each answer.
    secrets: Json = {name: f"LEAK-{name}" for name in SECRETS}
    call = {"id": "c1", "function": {"name": "save", "arguments": json.dumps(secrets)}}
    upstream.answers = Keeper(
        session(
            **secrets,
            phoneNumber={**secrets, "twilioPhoneNumber": "+14155550100"},
            assistant={"model": {"tools": [[{"server": secrets}]]}},
            artifact={"structuredOutputs": {"x": {"result": secrets}}},
            messages=[
                {"role": "assistant", "content": "Saving.", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c1", "content": f" {json.dumps(secrets)}"},
                {"role": "user", "content": "Hi", "metadata": {"deep": [[secrets]]}},
            ],
        )
    )
    async with connect() as client:
        found = await answers(client)
        read = await resources(client)
        masked = await full(client)
    for name, answer in {**found, **read}.items():
        assert "LEAK" not in json.dumps(answer), name
    assert {name: masked[name] for name in SECRETS} == dict.fromkeys(SECRETS, "***")
    inner = masked["assistant"]["model"]["tools"][0][0]["server"]
    assert inner == masked["artifact"]["structuredOutputs"]["x"]["result"]
    assert inner == masked["messages"][2]["metadata"]["deep"][0][0] == {**inner, **masked_all()}
    assert masked["phoneNumber"] == {**masked_all(), "twilioPhoneNumber": "+14155550100"}
    for name in ("create", "update", "append", "delete"):
        assert found[name]["twilioAuthToken"] == "***"
        assert found[name]["messages"][2]["metadata"] == {"deep": [[masked_all()]]}
    [saved] = found["get transcript"]["messages"][0]["calls"]
    assert saved == {"tool": "save", "with": masked_all()}
    assert json.loads(found["get transcript"]["messages"][1]["text"]) == masked_all()
    assert json.loads(read["resource"]) == masked | {
        "name": "Old",
        "messages": json.loads(read["resource"])["messages"],
    }
    assert "> save `{" in read["resource/transcript"]


def masked_all() -> Json:
    return dict.fromkeys(SECRETS, "***")


async def test_names_that_only_sound_like_secrets_stay(
    connect: Connect, upstream: Upstream
) -> None:
    # Costs, limits and ids are what an agent is asked about.
    more: Json = {"customerId": "cus_1", "assistantId": "a", "tokens": 3, "monkey": "Bo"}
    given = session(**HARMLESS, **more, assistant={"model": HARMLESS})
    upstream.answers = Keeper(copy.deepcopy(given))
    async with connect() as client:
        assert await full(client) == given


async def test_a_secret_that_is_not_there_is_not_made_up(
    connect: Connect, upstream: Upstream
) -> None:
    # "***" says that there is a secret: whether one is set is what people debug.
    nothing: tuple[Any, ...] = (None, "", [], {}, True, False)
    given = session(tools=[{"server": {"secret": value, "token": value}} for value in nothing])
    upstream.answers = Keeper(copy.deepcopy(given))
    async with connect() as client:
        assert await full(client) == given


async def test_a_secret_of_any_shape_is_masked(connect: Connect, upstream: Upstream) -> None:
    # A PIN is a number, a service account an object.
    something = (1234, 0, 1.5, {"a": 1}, ["b"], "c", " ")
    upstream.answers = Keeper(session(tools=[{"password": value} for value in something]))
    async with connect() as client:
        masked = await full(client)
    assert masked["tools"] == [{"password": "***"}] * len(something)


HEADERS = (
    "Authorization",
    "AUTHORIZATION",
    "authorization",
    "Proxy-Authorization",
    "X-Api-Key",
    "x-api-key",
    "X_API_KEY",
    "xi-api-key",
    "X-Auth-Key",
    "X-Vapi-Secret",
    "Ocp-Apim-Subscription-Key",
    "Cookie",
    "Set-Cookie",
    "cookies",
)


async def test_headers_that_let_somebody_in_are_masked(
    connect: Connect, upstream: Upstream
) -> None:
    # Assistants carry the headers for their servers, as objects, as pairs and as schemas.
    upstream.answers = Keeper(session(tools=[headed(name, "LEAK") for name in HEADERS]))
    async with connect() as client:
        masked = await full(client)
    assert masked["tools"] == [headed(name, "***") | schema(name) for name in HEADERS]


def headed(name: str, value: str) -> Json:
    return {
        "server": {"url": "https://example.com", "headers": {"Accept": "*/*", name: value}},
        "pairs": [
            {"name": name, "value": value},
            {"key": name, "value": value},
            {"name": "A header", "key": name, "value": value},
            {"name": "Content-Type", "value": "text/plain"},
            {"name": name},
        ],
        "schema": {"properties": {name: {"type": "string", "value": value}}},
    }


def schema(name: str) -> Json:
    """Headers described by a JSON Schema lose what is said of a secret one, its value too."""
    return {"schema": {"properties": {name: "***"}}}


INNER = '{"token":"***","n":1}'
JSON_TEXTS = {
    '{"token": "LEAK", "n": 1}': INNER,
    '\n [{"apiKey": "LEAK"}]': '[{"apiKey":"***"}]',
    '{"body": "{\\"password\\": \\"LEAK\\"}"}': '{"body":"{\\"password\\":\\"***\\"}"}',
    '{"token": "LEAK", "n": NaN}': '{"token":"***","n":NaN}',
    '{"token": "LEAK", "n": "\\ud800"}': '{"token":"***","n":"\ufffd"}',
    '{"token": "LEAK", "n": 1e999}': '{"token":"***","n":"1e999"}',
    '{"token": "LEAK", "n": %s}' % ("7" * 5000): '{"token":"***","n":"%s"}' % ("7" * 5000),
    '{"token": "LEAK", "n": "a\nb"}': '{"token":"***","n":"a\\nb"}',
    '{"token": "LEAK", "token": "", "n": 1}': '{"token":"***","token (2)":"","n":1}',
    '{"\\u0074oken": "LEAK", "n": 1}': INNER,
    '\ufeff{"token": "LEAK", "n": 1}\n': INNER,
    '\r\n\ufeff\t{"token": "LEAK", "n": 1} ': INNER,
    json.dumps('{"token": "LEAK", "n": 1}'): json.dumps(INNER),
    "\ufeff" + json.dumps('\ufeff {"token": "LEAK", "n": 1}'): json.dumps(INNER),
    json.dumps(json.dumps('{"token": "LEAK", "n": 1}')): json.dumps(json.dumps(INNER)),
    '{"n":  1, "tokens": 2}': '{"n":  1, "tokens": 2}',
    '\ufeff{"n":  NaN, "token": "***"}': '\ufeff{"n":  NaN, "token": "***"}',
    '"\\u0041 word"': '"\\u0041 word"',
    "{name} said hi": "{name} said hi",
    "[laughs] no": "[laughs] no",
    "[" * 200_000: "[" * 200_000,
    "[" * 1000 + 'She said: "No."': "[" * 1000 + 'She said: "No."',
    "[" * 1000 + "]" * 1000: "[" * 1000 + "]" * 1000,
    # What is too deep to be read is masked as text is.
    '{"a":' * 800 + '{"token":"LEAK"}' + "}" * 800: '{"a":' * 800 + '{"token":"***"}' + "}" * 800,
    '{"a":' * 160 + '{"token":"LEAK"}' + "}" * 160: '{"a":' * 160 + '{"token":"***"}' + "}" * 160,
}


async def test_secrets_in_json_text_are_masked_and_other_text_stays(
    connect: Connect, upstream: Upstream
) -> None:
    # Arguments and answers of tools are JSON inside of a string, as a tool wrote them.
    messages = [{"role": "user", "content": given} for given in JSON_TEXTS]
    upstream.answers = Keeper(session(messages=messages))
    async with connect() as client:
        masked = await full(client)
    assert [message["content"] for message in masked["messages"]] == seen([*JSON_TEXTS.values()])


@pytest.mark.parametrize("written", [0, 1, 2])
@pytest.mark.parametrize("around", [("", ""), ("\ufeff", ""), (" \n", "\t"), ("\ufeff ", "\r\n")])
async def test_arguments_of_a_tool_are_masked_however_they_were_written(
    connect: Connect, upstream: Upstream, written: int, around: tuple[str, str]
) -> None:
    # A view that reads them once more must not find what the masking did not.
    arguments = json.dumps({"pwd": "LEAK", "headers": [{"key": "X-Auth-Key", "value": "LEAK"}]})
    for _ in range(written):
        arguments = json.dumps(around[0] + arguments + around[1])
    call = {"id": "c1", "function": {"name": "save", "arguments": arguments.join(around)}}
    messages = [{"role": "assistant", "content": arguments.join(around), "tool_calls": [call]}]
    upstream.answers = Keeper(session(messages=messages))
    async with connect() as client:
        found = await answers(client)
        read = await resources(client)
    for name, answer in {**found, **read}.items():
        assert "LEAK" not in json.dumps(answer), name
    [saved] = found["get transcript"]["messages"][0]["calls"]
    masked = {"pwd": "***", "headers": [{"key": "X-Auth-Key", "value": "***"}]}
    assert saved == {"tool": "save", "with": masked}


async def test_a_secret_far_down_is_masked(connect: Connect, upstream: Upstream) -> None:
    # As deep as an answer may be, and then as deep again in a text.
    deep: Any = '{"a":' * 45 + '{"token":"LEAK"}' + "}" * 45
    shown: Any = deep.replace("LEAK", "***")
    for _ in range(95):
        deep, shown = [deep], [shown]
    upstream.answers = Keeper(session(metadata=deep))
    async with connect() as client:
        assert (await full(client))["metadata"] == shown


async def test_headers_as_pairs_in_lists_are_masked(connect: Connect, upstream: Upstream) -> None:
    # Some HTTP clients write them so, in the log of a tool for example.
    pairs: list[Any] = [
        ["Authorization", "LEAK"],
        ["X-Api-Key", ["LEAK"]],
        ["https://example.com/?sig=LEAK", "LEAK"],
        ["Accept", "*/*"],
        ["password", "***"],
        ["token", ""],
        ["token"],
        ["token", "and", "two"],
        [1, 2],
        "token",
        "kept",
    ]
    upstream.answers = Keeper(session(tools=[pairs]))
    async with connect() as client:
        masked = await full(client)
    shown = copy.deepcopy(pairs)
    shown[:3] = [
        ["Authorization", "***"],
        ["X-Api-Key", "***"],
        ["https://example.com/?***", "LEAK"],
    ]
    assert masked["tools"] == [shown]


async def test_an_error_holds_no_secret_either(connect: Connect, upstream: Upstream) -> None:
    # Vapi repeats what it refuses, and so do we.
    upstream.answers = Keeper({}, refusal='"apiKey": "LEAK" at https://example.com/?sig=LEAK, too')
    async with connect() as client:
        refused = await client.call_tool(GET, {"id": ID})
    assert refused.is_error
    assert '"apiKey": "***" at https://example.com/?***, too' in text(refused)
