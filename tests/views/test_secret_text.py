"""Secrets in text that is not JSON: links that open by themselves, passwords, quoted fields."""

import json

import pytest

from vapi_sessions_mcp.views.masking import mask_all, mask_personal, mask_secrets

SIGNED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900&X-Amz-Signature=LEAK",
    "X-Amz-Security-Token=LEAK",
    "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=LEAK",
    "Expires=1763600000&Signature=LEAK&Key-Pair-Id=K1",
    "sv=2024-01-01&sr=b&sig=LEAK",
    "token=LEAK",
    "page=2;access_token=LEAK",
    "key=LEAK",
    "apiKey=LEAK",
    "hmac=LEAK",
    "auth=LEAK",
    "password=LEAK",
    "a=1&amp;sig=LEAK",
    "a=1\\u0026sig=LEAK",
    "X%2DAmz%2DSignature=LEAK",
    "next=https%3A%2F%2Fexample.com%2Fa%3Fsig%3DLEAK",
    "next=https%253A%252F%252Fexample.com%252Fa%253Fsig%253DLEAK",
    "next=https://example.com/?sig=LEAK",
)
UNSIGNED = (
    "https://example.com/a?page=2&sortKey=name&signatureHeader=x&tokens=5&maxToken=9",
    "https://example.com/a?token=",
    "https://example.com/a?token",
    "https://example.com/token=5/sig=7",
    "Is it #1? I think a=b, sig=c.",
    "What? token=5",
    "https://example.com/a?***",
    "sip:maya@example.com",
    "https://maya@example.com/",
    "https://example.com:8080/@maya",
)
SENTENCES = (
    "{}",
    "See {}.",
    "({})",
    '<a href="{}">',
    "[recording]({})",
    "**{}**",
    "聞く:{} どうぞ",
)


@pytest.mark.parametrize("query", SIGNED)
def test_the_query_of_a_signed_link_is_masked_wherever_it_is(query: str) -> None:
    # Whoever has such a link hears the call, with no key at all.
    link = f"https://bucket.example.com/a/call.wav?{query}"
    for sentence in SENTENCES:
        masked = sentence.format("https://bucket.example.com/a/call.wav?***")
        assert mask_secrets(sentence.format(link)) == masked
        assert mask_secrets({"deep": [{"recordingUrl": link}]}) == {
            "deep": [{"recordingUrl": "https://bucket.example.com/a/call.wav?***"}]
        }
        inside = json.dumps({"said": sentence.format(link)})
        assert json.loads(mask_secrets(inside)) == {"said": masked}
    fragment = link.replace("?", "#", 1)
    assert mask_secrets(fragment) == "https://bucket.example.com/a/call.wav#***"
    assert [*mask_secrets({link: 1})] == ["https://bucket.example.com/a/call.wav?***"]


@pytest.mark.parametrize("text", UNSIGNED)
def test_other_links_stay(text: str) -> None:
    # Agents follow them.
    assert mask_secrets(text) is text


def test_a_password_in_a_link_is_masked() -> None:
    # Databases and webhooks are written so.
    said = "postgres://maya:LEAK@db.example.com/a, https://:LEAK:x@example.com"
    assert mask_secrets(said) == "postgres://maya:***@db.example.com/a, https://:***@example.com"


QUOTED = {
    'Result: {"token": "LEAK", "n": 1}.': 'Result: {"token": "***", "n": 1}.',
    '```json\n{"apiKey" : "LEAK"}\n```': '```json\n{"apiKey" : "***"}\n```',
    '{"token": "LEAK"}\n{"pwd": "LEAK"}': '{"token": "***"}\n{"pwd": "***"}',
    '{"n": 1, "secret": "LEAK and it was cut': '{"n": 1, "secret": "***"',
    '{"n": 1, "password":': '{"n": 1, "password":',
    '{"token": "LEAK",}': '{"token": "***",}',
    '{"pin": 1234, "otp":5}!': '{"pin": "***", "otp":"***"}!',
    "{'token': 'LEAK', 'ok': True}": "{'token': '***', 'ok': True}",
    "{'pwd': 'it\"s LEAK', 'a': 1}": "{'pwd': '***', 'a': 1}",
    '"token": "LE\\"AK\\\\", "a": 1': '"token": "***", "a": 1',
    'x {"credentials": {"a": ["LEAK"], "}": "LEAK"}, "n": 1}': 'x {"credentials": "***", "n": 1}',
    'x "cookies": ["LEAK", "LE]AK"] y': 'x "cookies": "***" y',
    'x "cookies": ["LEAK", [': 'x "cookies": "***"',
    'x {\\"token\\": \\"LEAK\\", \\"n\\": 1}': 'x {\\"token\\": \\"***\\", \\"n\\": 1}',
    'x {\\"pwd\\": \\"LE\\\\\\"AK\\\\\\\\\\", \\"n\\": 1}': 'x {\\"pwd\\": \\"***\\", \\"n\\": 1}',
    '"a \\"token\\": \\"LEAK", "n": 1, x': '"a \\"token\\": \\"***\\"", "n": 1, x',
    '"a": "b", "token": bare, x': '"a": "b", "token": "***", x',
    'x "token": "", "pwd": null, "otp": true, "pin": {}, "jwt": [], "secret": None': "",
    'x "maxTokens": 5, "maxToken": 7, "tokenizer": "cl100k"': "",
    'He said "token": which one?': 'He said "token": "***" one?',
    'The "token" is: "mine"': "",
    'x "token": "***"': "",
}


@pytest.mark.parametrize(("text", "masked"), QUOTED.items())
def test_a_quoted_field_is_masked_in_text_that_is_not_quite_json(text: str, masked: str) -> None:
    # Tools answer with words around their JSON, with two of them, or with the half of one.
    assert mask_secrets(text) == (masked or text)
    assert mask_secrets(masked or text) == (masked or text)


def test_numbers_in_quoted_fields_are_masked_too() -> None:
    # The rules for people are the same inside of such text.
    said = 'Result: {"phone": 5550123, "mobile": "maya23", "order": 5550123, "number": 3}'
    masked = 'Result: {"phone": "***23", "mobile": "***23", "order": 5550123, "number": 3}'
    assert mask_personal(said) == mask_all(said) == masked
    assert mask_secrets(said) == said


def test_json_that_is_written_into_itself_too_often_is_masked_as_text() -> None:
    # How often is bounded, and past the bound a value is still found by its name.
    arguments = json.dumps({"token": "LEAK", "n": 1})
    for _ in range(8):
        arguments = json.dumps(arguments)
        assert "LEAK" not in mask_secrets(arguments)
        unwrapped = mask_secrets(arguments)
        while isinstance(unwrapped, str):
            unwrapped = json.loads(unwrapped)
        assert unwrapped == {"token": "***", "n": 1}
