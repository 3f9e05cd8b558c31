"""Secrets never come out, personal data only where nobody asked to mask it."""

import copy
import json
import re
from pathlib import Path
from typing import Any, TypeAlias, cast

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from mcp_types import TextResourceContents

from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
    text,
)
from support.upstream import Connect, Upstream

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]

ID = "3f2a8c1e-0b7d-4f7e-9d53-6a1c2b9e4d10"
SCHEMA = Path(__file__).parents[3] / "shared/vapi/openapi-sessions.json"
# The names in Vapi's OpenAPI under which something stands that opens a door.
SECRETS = {
    "accessKeyId",
    "accessToken",
    "apiKey",
    "apiSecret",
    "authPassword",
    "authToken",
    "awsAccessKeyId",
    "awsSecretAccessKey",
    "clientSecret",
    "credentials",
    "gcpKey",
    "hmacAccessKey",
    "hmacSecret",
    "ocpApimSubscriptionKey",
    "openAIKey",
    "privateKey",
    "privateKeyId",
    "refreshToken",
    "secretAccessKey",
    "secretKey",
    "token",
    "twilioApiKey",
    "twilioApiSecret",
    "twilioAuthToken",
    "webhookUrl",
}
# The names in it that sound like secrets, with a value each that must stay.
HARMLESS: Json = {
    "authProviderX509CertUrl": "https://www.googleapis.com/oauth2/v1/certs",
    "authUri": "https://accounts.google.com/o/oauth2/auth",
    "authUsername": "trunk",
    "authenticationPlan": {"type": "hmac"},
    "authenticationSession": {"scope": "calls"},
    "authorizationId": "9d53",
    "budgetTokens": 1024,
    "cachedPromptTokens": 5,
    "clientX509CertUrl": "https://www.googleapis.com/robot/v1",
    "completionTokens": 71,
    "controlAuthenticationEnabled": True,
    "credentialId": "c0ffee",
    "credentialIds": ["c0ffee", "c0c0a"],
    "key": "call.endedReason",
    "keypadInputPlan": {"enabled": True},
    "keyterm": ["Juniper"],
    "keytermsPrompt": ["Juniper"],
    "keywords": ["Biscuit:2"],
    "listenAuthenticationEnabled": False,
    "maxTokens": 250,
    "outboundAuthenticationPlan": {"authUsername": "trunk"},
    "pem": "-----BEGIN PUBLIC KEY-----",
    "promptCacheKey": "clinic",
    "promptTokens": 912,
    "publicKey": {"name": "k1"},
    "reasoningTokens": 0,
    "secretIsBase64": True,
    "signatureEncoding": "hex",
    "signatureHeader": "x-signature",
    "signaturePrefix": "sha256=",
    "tokenCount": 17,
    "tokenUri": "https://oauth2.googleapis.com/token",
}


class Keeper(httpx2.AsyncBaseTransport):
    """An upstream with one session, whatever is in it; a refusal is answered instead if there."""

    def __init__(self, session: Json, *, refusal: str = "") -> None:
        self.session = session
        self.refusal = refusal

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.refusal:
            return httpx2.Response(400, json={"message": [self.refusal]})
        if request.method == "PATCH":
            self.session = {**self.session, **json.loads(await request.aread())}
        if request.method == "GET" and request.url.path == "/session":
            place = {"itemsPerPage": 100, "totalItems": 1, "currentPage": 1, "totalPages": 1}
            return httpx2.Response(200, json={"results": [self.session], "metadata": place})
        return httpx2.Response(200, json=self.session)


def session(**fields: Any) -> Json:
    times = {"createdAt": "2026-11-20T09:00:00.000Z", "updatedAt": "2026-11-20T09:05:00.000Z"}
    return {"id": ID, "orgId": "9b1f", **times, "status": "completed", **fields}


async def answers(client: Client) -> dict[str, Json]:
    """What every tool and view answers, by name, after checking that both forms agree."""
    new = {"role": "user", "content": "One more thing"}
    calls: dict[str, tuple[str, Json]] = {
        "get": (GET, {"id": ID}),
        "get full": (GET, {"id": ID, "view": "full"}),
        "get transcript": (GET, {"id": ID, "view": "transcript"}),
        "get summary": (GET, {"id": ID, "view": "summary"}),
        "get last": (GET, {"id": ID, "messages": {"last": 20}}),
        "list": (LIST, {}),
        "list full": (LIST, {"view": "full"}),
        "list transcript": (LIST, {"view": "transcript"}),
        "scan": (LIST, {"status": "completed", "view": "full"}),
        "create": (CREATE, {"body": {"name": "New"}}),
        "update": (UPDATE, {"id": ID, "body": {"name": "Old"}}),
        "append": (UPDATE, {"id": ID, "appendMessages": [new]}),
        "delete": (DELETE, {"id": ID}),
    }
    found: dict[str, Json] = {}
    for name, (tool, arguments) in calls.items():
        result = await client.call_tool(tool, arguments)
        assert not result.is_error, text(result)
        structured = cast("Json", result.structured_content)
        shown = json.loads(text(result))
        assert structured | {"note": ""} == shown | {"note": ""}
        # The notes and links are part of what a model reads.
        found[name] = {**shown, "everything": result.model_dump_json()}
    return found


async def resources(client: Client) -> dict[str, str]:
    found: dict[str, str] = {}
    for suffix in ("", "/transcript"):
        [contents] = (await client.read_resource(f"vapi-session://{ID}{suffix}")).contents
        assert isinstance(contents, TextResourceContents)
        found[f"resource{suffix}"] = contents.text
    return found


async def full(client: Client) -> Json:
    result = await client.call_tool(GET, {"id": ID, "view": "full"})
    assert not result.is_error, text(result)
    return cast("Json", result.structured_content)


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
        r"secret|token|passw|key|auth|credential|cookie|cert|sign(?!ed)|pem$|jwt|bearer$", re.I
    )
    withheld = {name for name, said in declared if "not returned in the API" in said}
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


JSON_TEXTS = {
    '{"token": "LEAK", "n": 1}': '{"token":"***","n":1}',
    '\n [{"apiKey": "LEAK"}]': '[{"apiKey":"***"}]',
    '{"body": "{\\"password\\": \\"LEAK\\"}"}': '{"body":"{\\"password\\":\\"***\\"}"}',
    '{"token": "LEAK", "n": NaN}': '{"token":"***","n":NaN}',
    '{"token": "LEAK", "n": "\\ud800"}': '{"token":"***","n":"\ufffd"}',
    '{"n":  1, "tokens": 2}': '{"n":  1, "tokens": 2}',
    "{name} said hi": "{name} said hi",
    "[laughs] no": "[laughs] no",
    "[" * 200_000: "***",
    '{"a":' * 800 + '{"token":"LEAK"}' + "}" * 800: "***",
}


async def test_secrets_in_json_text_are_masked_and_other_text_stays(
    connect: Connect, upstream: Upstream
) -> None:
    # Arguments and answers of tools are JSON inside of a string, as a tool wrote them.
    messages = [{"role": "user", "content": given} for given in JSON_TEXTS]
    upstream.answers = Keeper(session(messages=messages))
    async with connect() as client:
        masked = await full(client)
    assert [message["content"] for message in masked["messages"]] == list(JSON_TEXTS.values())


# Personal data


PEOPLE: Json = {
    "name": "Call +14155550123",
    "customer": {
        "number": "+14155550123",
        "name": "Maya Okafor",
        "email": "maya.okafor@example.com",
        "sipUri": "sip:maya.okafor@pbx.example.com",
        "externalId": "maya.okafor@example.com",
    },
    "phoneNumber": {"twilioPhoneNumber": "+14155550123", "twilioAccountSid": "AC0123456789"},
    "assistantOverrides": {"variableValues": {"phone": 4155550123, "mobile_phone": "5550123"}},
    "messages": [
        {"role": "user", "content": "It is (415) 555-0123 or maya.okafor@example.com."},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "c1",
                    "function": {"name": "dial", "arguments": '{"to": "+1 415-555-0123"}'},
                }
            ],
        },
    ],
}
PERSONAL = re.compile(r"415.{0,3}555|5550123|maya\.|555-01")


async def test_personal_data_is_masked_in_every_answer(
    connect: Connect, upstream: Upstream
) -> None:
    # A host that must not see numbers must not see them in any corner.
    upstream.answers = Keeper(session(**PEOPLE))
    async with connect(mask_pii=True) as client:
        found = {**await answers(client), **await resources(client)}
        masked = await full(client)
    for name, answer in found.items():
        assert not PERSONAL.search(json.dumps(answer)), name
    assert masked["customer"] == {
        "number": "***23",
        "name": "Maya Okafor",
        "email": "***",
        "sipUri": "sip:***@pbx.example.com",
        "externalId": "***",
    }
    assert masked["phoneNumber"]["twilioAccountSid"] == "AC0123456789"
    values = {"phone": "***23", "mobile_phone": "***23"}
    assert masked["assistantOverrides"]["variableValues"] == values
    assert masked["messages"][0]["content"] == "It is ***23 or ***."
    assert cast("Json", found["get transcript"])["messages"][1]["calls"] == [
        {"tool": "dial", "with": {"to": "***23"}}
    ]


async def test_personal_data_stays_where_nobody_asked_to_mask_it(
    connect: Connect, upstream: Upstream
) -> None:
    # Agents call people back: masking is a choice.
    given = session(**PEOPLE)
    upstream.answers = Keeper(copy.deepcopy(given))
    async with connect() as client:
        assert await full(client) == given


NUMBERS = (
    "+14155550123",
    "+1 415 555 0123",
    "+1 (415) 555-0123",
    "+1-415-555-0123",
    "+1.415.555.0123",
    "+1415\N{NON-BREAKING HYPHEN}555\N{EN DASH}0123",
    "(415) 555-0123",
    "(415)555-0123",
    "415-555-0123",
    "415.555.0123",
    "4155550123",
    "1 415 555 0123",
    "+44 20 7946 0123",
    "+44 (0)20 7946 0123",
    "020 7946 0123",
    "+49 30 1230123",
    "+49 30/1230123",
    "(030) 1230123",
    "030 / 12 301 23",
    "(030) 120123",
    "+33 1 23 45 01 23",
    "01 23 45 01 23",
    "01.23.45.01.23",
    "+34 912 340 123",
    "912 340 123",
    "912-340-123",
    "+47 22 86 01 23",
    "+81 90-1234-0123",
    "090\N{NO-BREAK SPACE}1234\N{NO-BREAK SPACE}0123",
    "+86 138 0013 0123",
    "+55 (11) 91234-0123",
    "+91 98765 40123",
    "+372 5 550 123",
    "+6550123",
)
SENTENCES = (
    "{}",
    "Call {}.",
    "{}, please",
    "({})",
    "tel:{}",
    "電話は{}です",
    "{}x22",
    "{}- yes",
    "a\n{}\nb",
)


async def said_masked(connect: Connect, upstream: Upstream, texts: list[str]) -> list[str]:
    """What becomes of each text when a customer has said it."""
    messages = [{"role": "user", "content": said} for said in texts]
    upstream.answers = Keeper(session(messages=messages))
    async with connect(mask_pii=True) as client:
        return [message["content"] for message in (await full(client))["messages"]]


async def test_a_phone_number_in_text_shows_its_last_two_digits_only(
    connect: Connect, upstream: Upstream
) -> None:
    # Customers write and say numbers as they do at home.
    texts = [sentence.format(number) for sentence in SENTENCES for number in NUMBERS]
    shown = await said_masked(connect, upstream, texts)
    masked = [sentence.format("***23") for sentence in SENTENCES for _ in NUMBERS]
    # A bracket before the number may go with it.
    wrong = [
        (given, got)
        for given, got, want in zip(texts, shown, masked, strict=True)
        if got not in (want, want.replace("(*", "*"))
    ]
    assert wrong == []


async def test_mail_addresses_and_sip_users_in_text_are_masked(
    connect: Connect, upstream: Upstream
) -> None:
    # People spell them out in conversations, with whatever stands around.
    texts = {
        "maya.okafor@example.com": "***",
        "<maya@example.co.uk>, please": "<***>, please",
        "mailto:o'maya+x_1@mail.example.com.": "mailto:***.",
        "müller@example.de und 山田@example.jp": "*** und ***",
        "sip:maya@example.com": "sip:***@example.com",
        "SIPS:+14155550123@10.0.0.1:5060;transport=tcp": "SIPS:***@10.0.0.1:5060;transport=tcp",
        "<sip:maya:pass@pbx>": "<sip:***@pbx>",
        "at maya @ home, 5@6": "at maya @ home, 5@6",
    }
    assert await said_masked(connect, upstream, list(texts)) == list(texts.values())


KEPT = (
    "2026-11-20",
    "2026-11-20T09:00:00.000Z",
    "from 2026-11-20T09:00:00+01:00 to 2026-11-21 10:30:00.123456789",
    "2026/11/20 09:30, 20.11.2026 09:30, 11/20/2026 10:30 AM, 20-11-2026 17:05:09",
    "at 12:30 13:45 14:50, 9:15 or 17.30",
    ID,
    "session 00000000-0000-4000-8000-000000000000 and 12345678-1234-1234-1234-123456789012.",
    "12.50 13.50 14.50 and 0.123456789012",
    "$1,234,567,890.00 or 1.234.567,89 EUR",
    "order 1002345, order A-7712345678, #1234567890, RF-1002345678, SC_4015550123",
    "94103-1234",
    "100\n200\n300\n400",
    "1234567890abcdef1234567890",
    "card ending 4242",
    '{"cost": 1234567890.5, "at": 1763600000000, "order": 4155550123}',
    "",
)


async def test_what_only_looks_like_a_number_stays(connect: Connect, upstream: Upstream) -> None:
    # A transcript without its dates, costs and orders is of no use.
    assert await said_masked(connect, upstream, list(KEPT)) == list(KEPT)


async def test_a_number_beside_a_date_is_still_masked(connect: Connect, upstream: Upstream) -> None:
    # What is spared must not spare its neighbour.
    texts = [
        "2026-11-20 4155550123",
        "2026-11-20 09:00 415 555 0123",
        "20.11.2026 01.23.45.01.23",
        "12.50 (415) 555-0123",
    ]
    shown = ["2026-11-20 ***23", "2026-11-20 09:00 ***23", "20.11.2026 ***23", "12.50 ***23"]
    assert await said_masked(connect, upstream, texts) == shown


async def test_fields_that_hold_a_number_are_masked_in_any_form(
    connect: Connect, upstream: Upstream
) -> None:
    # With numberE164CheckEnabled false a customer's number is any letters and digits.
    numbers = ["5550123", "maya23", "123", "maya", "+6550123"]
    customers = [{"number": number} for number in numbers]
    given = session(customers=customers, phoneNumber={"id": "1"}, steps=[{"number": 3}], phone="")
    upstream.answers = Keeper(copy.deepcopy(given))
    async with connect(mask_pii=True) as client:
        masked = await full(client)
    shown = ["***23", "***23", "***23", "***", "***23"]
    assert masked == {**given, "customers": [{"number": number} for number in shown]}


async def test_filters_send_real_values_while_results_are_masked(
    connect: Connect, upstream: Upstream
) -> None:
    # Masking what comes back must not break looking for it.
    async with connect(mask_pii=True) as client:
        found = await client.call_tool(LIST, {"number": "+14155550123", "view": "full"})
        mail = await client.call_tool(LIST, {"email": "maya.okafor@example.com", "limit": 1})
        part = await client.call_tool(LIST, {"contains": "4155550123", "limit": 1})
    assert upstream.requests[0].url.params["number"] == "+14155550123"
    assert upstream.requests[1].url.params["email"] == "maya.okafor@example.com"
    rows = cast("Json", found.structured_content)["results"]
    assert len(rows) > 1
    assert {row["customer"]["number"] for row in rows} == {"***23"}
    assert len(cast("Json", mail.structured_content)["results"]) == 1
    assert len(cast("Json", part.structured_content)["results"]) == 1
    assert "maya.okafor" not in text(found) + text(mail)


async def test_error_texts_hold_no_personal_data(connect: Connect, upstream: Upstream) -> None:
    # Vapi repeats what it refuses, and so do we.
    upstream.answers = Keeper({}, refusal="+14155550123 (maya.okafor@example.com) is blocked")
    async with connect(mask_pii=True) as client:
        refused = await client.call_tool(GET, {"id": ID})
        wrong = await client.call_tool(LIST, {"number": "415-555-0123"})
        with pytest.raises(MCPError) as unread:
            await client.read_resource(f"vapi-session://{ID}")
    assert refused.is_error
    assert wrong.is_error
    assert "***23 (***) is blocked" in text(refused)
    assert "***23 (***) is blocked" in unread.value.message
    assert "`number` must be an E.164 number" in text(wrong)
    for said in (text(refused), text(wrong), unread.value.message):
        assert not PERSONAL.search(said)


async def test_masking_takes_no_longer_for_text_that_is_made_to_slow_it_down(
    connect: Connect, upstream: Upstream
) -> None:
    # Customers write the text: one that takes minutes would stop the server for everybody.
    texts = [part * 10_000 for part in ("a", "1 ", "+1", "sip:", "a.", "a@", "(", "1.1.", "-1")]
    with anyio.fail_after(10):
        shown = await said_masked(connect, upstream, texts)
    assert len(shown) == len(texts)
