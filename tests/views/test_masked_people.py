"""Personal data is masked where the operator asks for it, and only there."""

import copy
import json
import re
from typing import Any, TypeAlias, cast

import anyio
import pytest
from mcp import MCPError

from support.masked import ID, Keeper, answers, full, resources, session
from support.tools import GET, LIST, text
from support.upstream import Connect, Upstream

pytestmark = [pytest.mark.anyio, pytest.mark.unmeasured]

Json: TypeAlias = dict[str, Any]


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
        name = await client.call_tool(LIST, {"contains": "maya", "limit": 1})
    assert upstream.requests[0].url.params["number"] == "+14155550123"
    assert upstream.requests[1].url.params["email"] == "maya.okafor@example.com"
    rows = cast("Json", found.structured_content)["results"]
    assert len(rows) > 1
    assert {row["customer"]["number"] for row in rows} == {"***23"}
    assert len(cast("Json", mail.structured_content)["results"]) == 1
    assert len(cast("Json", name.structured_content)["results"]) == 1
    # What the caller wrote comes back in the call for the next page, and there alone.
    said = str(cast("Json", mail.structured_content).pop("note"))
    assert "maya.okafor" not in text(found) + str(mail.structured_content)
    assert text(mail).count("maya.okafor") == said.count("maya.okafor") == 1


@pytest.mark.parametrize(
    "wanted", ["4155550123", "+1 (415) 555-0123", "5550123", "maya.okafor@example.com"]
)
async def test_what_is_masked_cannot_be_searched_for(
    connect: Connect, upstream: Upstream, wanted: str
) -> None:
    # Digit by digit, a search would tell the number that the answer hides.
    async with connect() as client:
        open_to_all = await client.call_tool(LIST, {"contains": wanted, "limit": 0})
    async with connect(mask_pii=True) as client:
        masked = await client.call_tool(LIST, {"contains": wanted, "limit": 0})
    assert cast("Json", open_to_all.structured_content)["coverage"]["matches"] > 0
    assert cast("Json", masked.structured_content)["coverage"] == {
        "scanned": 60,
        "matches": 0,
        "total": 60,
    }


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
