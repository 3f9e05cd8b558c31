"""Phone numbers, e-mail addresses and SIP users in any script, type and place."""

import json
from typing import Any

import pytest

from support.masked import Keeper, answers, resources, session
from support.upstream import Connect, Upstream
from vapi_sessions_mcp.views.masking import mask_all, mask_personal, mask_secrets
from vapi_sessions_mcp.views.personal import PIECE

SCRIPTS = {
    "fullwidth": "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19",
    "Arabic-Indic": "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669",
    "Persian": "\u06f0\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7\u06f8\u06f9",
    "Devanagari": "\u0966\u0967\u0968\u0969\u096a\u096b\u096c\u096d\u096e\u096f",
    "mathematical": "".join(chr(0x1D7CE + digit) for digit in range(10)),
    "circled": "\u24ea\u2460\u2461\u2462\u2463\u2464\u2465\u2466\u2467\u2468",
}
NUMBERS = ("+1 415 555 0123", "4155550123", "(415) 555-0123", "090-1234-0123", "01 23 45 01 23")


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_in_the_digits_of_any_script_is_masked(script: str, number: str) -> None:
    # Customers write and transcribers print the digits of their language.
    written = number.translate({ord(str(n)): digit for n, digit in enumerate(SCRIPTS[script])})
    said = f"電話: {written}, please. Ünder 5 {SCRIPTS[script][1:4]}"
    masked = f"電話: ***23, please. Ünder 5 {SCRIPTS[script][1:4]}"
    assert mask_personal(said) == masked
    assert mask_personal({"phone": written})["phone"].startswith("***")
    assert mask_personal({written: 1}) == {"***23": 1}
    assert json.loads(mask_personal(json.dumps([said]))) == [masked]


TEXTS = {
    "\uff0b\uff18\uff11 90\uff0d1234\uff0d0123": "***23",
    "\uff0890\uff091234 0123": "***23",
    "0120\u30fc444\u30fc123": "***23",
    "+1\u200b415\u200b555\u200b0123": "***23",
    "\u202a+1\u00ad415\u2060555\ufeff0123\u202c": "\u202a***23\u202c",
    "+1\u3000415\u2007555\u202f0123": "***23",
    "tel:%2B14155550123&x=1": "tel:***23&x=1",
    "?phone=%2b24155550123": "?phone=***23",
    "%2B12": "%2B12",
    "maya\uff20example.com": "***",
    "\uff4d\uff41\uff59\uff41\uff20\uff45\uff58\uff0e\uff43\uff4f\uff4d": "***",
    "山田@例え.jp と müller@bücher.de": "*** と ***",
    "user@xn--r8jz45g.jp": "***",
    "?to=maya.o%40example.com&a=1": "?to=***&a=1",
    "sip:maya%20o@pbx": "sip:***@pbx",
    "sip\uff1amaya\uff20pbx": "sip\uff1a***\uff20pbx",
    "sip:@pbx.example.com": "sip:@pbx.example.com",
    "sip:" + "a" * 400 + "@pbx": "sip:***@pbx",
    "at 1763600000000 or 2199999999999": "at 1763600000000 or 2199999999999",
    "call 8613800130123, 4915123450123 or 2200000000123": "call ***23, ***23 or ***23",
    "***4155550123*** and **4155550123**": "******23*** and *****23**",
    "***23 1234 5678": "***23 1234 5678",
    "half \ud800 4155550123": "half \ud800 ***23",
}


@pytest.mark.parametrize(("text", "masked"), TEXTS.items(), ids=ascii)
def test_what_belongs_to_a_person_is_found_however_it_is_spelt(text: str, masked: str) -> None:
    # Keyboards, address books and URLs each have a way of their own.
    assert mask_personal(text) == masked
    assert mask_personal(masked) == masked


WHOLE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"to": 14155550123}, {"to": "***23"}),
    ({"to": [4155550123, 447911120123]}, {"to": ["***23", "***23"]}),
    ({"dial": 14155550123.0}, {"dial": "***23"}),
    ({"x": 999_999_999_990_123}, {"x": "***23"}),
    ({"phone": 5550123, "mobile": [5550123]}, {"phone": "***23", "mobile": ["***23"]}),
    ({"number": 999_999, "phone": 12.5}, {"number": 999_999, "phone": 12.5}),
    ({"x": 555_555_123}, {"x": 555_555_123}),
    ({"x": 1_000_000_000_000_000}, {"x": 1_000_000_000_000_000}),
    ({"x": -14155550123, "y": 14155550123.5}, {"x": -14155550123, "y": 14155550123.5}),
    ({"x": 1763600000000}, {"x": 1763600000000}),
    ({"x": 10**400, "y": 1e300, "z": True}, {"x": 10**400, "y": 1e300, "z": True}),
    (
        {"orderId": 4155550123, "order_id": 4155550123},
        {"orderId": 4155550123, "order_id": 4155550123},
    ),
    ({"ids": [4155550123], "ticket": 4155550123}, {"ids": [4155550123], "ticket": 4155550123}),
    ({"startTime": 1763600000, "iat": 1763600000}, {"startTime": 1763600000, "iat": 1763600000}),
    ({"totalBytes": 4155550123}, {"totalBytes": 4155550123}),
    ({"key": "invoice", "value": 4155550123}, {"key": "invoice", "value": 4155550123}),
]


@pytest.mark.parametrize(("given", "shown"), WHOLE, ids=str)
def test_a_whole_number_as_long_as_a_phone_number_is_masked(
    given: dict[str, Any], shown: dict[str, Any]
) -> None:
    # Models write the number to dial without quotes. Times, ids and amounts are as long.
    assert mask_personal(given) == shown
    assert json.loads(mask_personal(json.dumps(given))) == shown
    assert json.loads(mask_personal(json.dumps([given]))) == [shown]


def test_numbers_and_addresses_that_are_keys_are_masked_and_stay_apart() -> None:
    # A tool may answer by number; no entry may be lost for having the same last digits.
    given = {
        "+14155550123": "a",
        "+14165550123": "b",
        "***23": "c",
        "4175550123": {"maya@example.com": 1, "rosa@example.com": 2},
        "order 7": "d",
        "1763600000000": "e",
    }
    shown = {
        "***23": "a",
        "***23 (2)": "b",
        "***23 (3)": "c",
        "***23 (4)": {"***": 1, "*** (2)": 2},
        "order 7": "d",
        "1763600000000": "e",
    }
    assert mask_personal(given) == shown
    assert list(mask_personal(given)) == list(shown)
    assert mask_personal(shown) == shown
    assert json.loads(mask_personal(json.dumps(given))) == shown
    assert mask_secrets(given) is given


def test_many_keys_with_the_same_mask_are_all_kept() -> None:
    # There are only a hundred masks of a number.
    given = {f"+1415{n:07}": n for n in range(3000)}
    assert [*mask_personal(given).values()] == [*range(3000)]


@pytest.mark.anyio
async def test_no_form_of_a_number_comes_out_of_any_answer(
    connect: Connect, upstream: Upstream
) -> None:
    # The arguments of a tool are where numbers are, and they have every form there.
    arguments = {"to": 14155550123, "also": ["+14155550123"], "by": {"+14155550123": "maya@x.org"}}
    text = json.dumps(arguments)
    calls = [
        {"id": f"c{n}", "function": {"name": "dial", "arguments": written}}
        for n, written in enumerate([arguments, text, f"\ufeff{text}", json.dumps(text)])
    ]
    messages = [
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": json.dumps(text)},
        {"role": "tool", "tool_call_id": "c2", "content": f"Called: {text}"},
    ]
    values = {"variableValues": {"+14155550123": arguments}}
    upstream.answers = Keeper(
        session(messages=messages, metadata=values, assistantOverrides=values)
    )
    async with connect(mask_pii=True) as client:
        found = {**await answers(client), **await resources(client)}
    for name, answer in found.items():
        assert "4155550" not in json.dumps(answer), name
        assert "maya" not in json.dumps(answer), name
    transcript: Any = found["get transcript"]
    shown = {"to": "***23", "also": ["***23"], "by": {"***23": "***"}}
    assert [call["with"] for call in transcript["messages"][0]["calls"]] == [shown] * 4


def test_both_rules_together_are_one_after_the_other() -> None:
    # One pass serves both, and must show what two would.
    given = {
        "token": "LEAK",
        "+14155550123": {"pwd": 5550123, "phone": 5550123, "said": "https://a.example/?sig=x"},
        "arguments": json.dumps({"maya@example.com": {"apiKey": "LEAK", "to": 14155550123}}),
    }
    assert mask_all(given) == mask_personal(mask_secrets(given))


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "unit",
    [
        "ring +1 415 555 0123 or write to ana@example.com, please ",
        "+14155550123 ",
        "415 555 0123\nmax\t",
        "sip:ana@example.com text ",
        "nothing to hide in this line, nor in the next\n",
        pytest.param("0 1 x ", marks=pytest.mark.measured),
    ],
)
def test_a_long_text_is_masked_as_its_parts_are(unit: str) -> None:
    # It is looked through in pieces, and no number may be where one ends.
    count = 3 * PIECE // len(unit)
    assert mask_personal(unit * count) == mask_personal(unit * 40) * (count // 40) + mask_personal(
        unit * (count % 40)
    )
