"""Who gets in by a token, and how far: over real HTTP."""

import json
from collections.abc import Callable

import pytest
from mcp_types import PromptReference, ResourceTemplateReference

from support.faces import (
    ARGUMENTS,
    JSON,
    KEY,
    SAID,
    Faces,
    Field,
    bearer,
    challenge,
    refuses,
    tool_call,
)
from support.refusals import refused as refusal
from support.token_servers import ASKED, READ, WRITE, WRITES, worked
from support.tools import CREATE, DELETE, ERAS, GET, LIST, UPDATE

pytestmark = pytest.mark.anyio

UNKNOWN = {"error": "invalid_token", "error_description": "The token is not one of this server's"}
LACKING = {
    "scope": "sessions:write",
    "error": "insufficient_scope",
    "error_description": "This needs the right to change sessions",
}
CALLED, NAMED = '"method": "tools/call"', f'"name": "{UPDATE}"'
SHORT = {CREATE: "create_session", UPDATE: "update_session", DELETE: "delete_session"}
MIB = 2**20
CHUNKED: Field = ("Transfer-Encoding", "chunked")
WRONG: dict[str, tuple[tuple[Field, ...], dict[str, str]]] = {
    "nothing": ((), {}),
    "an empty header": ((("Authorization", ""),), {}),
    "another scheme": ((("Authorization", "Basic d3JpdGUtMDEyMzQ1Njc4OWFiY2RlZg=="),), {}),
    "no scheme": ((("Authorization", WRITE[0]),), {}),
    "no token": ((("Authorization", "Bearer"),), {}),
    "space for a token": ((("Authorization", "Bearer  "),), {}),
    "a tab between": ((("Authorization", f"Bearer\t{WRITE[0]}"),), {}),
    "nothing between": ((("Authorization", f"Bearer{WRITE[0]}"),), {}),
    "a header for proxies": ((("Proxy-Authorization", f"Bearer {WRITE[0]}"),), {}),
    "a cookie": ((("Cookie", f"Authorization=Bearer {WRITE[0]}"),), {}),
    "the same twice": ((bearer(WRITE[0]), bearer(WRITE[0])), {}),
    "a wrong one before": ((bearer("nobody"), bearer(WRITE[0])), {}),
    "another case": ((bearer(WRITE[0].upper()),), UNKNOWN),
    "its beginning": ((bearer(WRITE[0][:-1]),), UNKNOWN),
    "its end": ((bearer(WRITE[0][1:]),), UNKNOWN),
    "one letter more": ((bearer(f"{WRITE[0]}f"),), UNKNOWN),
    "the list": ((bearer(",".join(WRITE)),), UNKNOWN),
    "two words": ((bearer(" ".join(WRITE)),), UNKNOWN),
    "quotes": ((bearer(f'"{WRITE[0]}"'),), UNKNOWN),
    "the scheme twice": ((bearer(f"Bearer {WRITE[0]}"),), UNKNOWN),
    "a space of another kind": ((bearer(WRITE[0].encode() + b"\xa0"),), UNKNOWN),
    "a control character": ((bearer(b"\x1f" + WRITE[0].encode()),), UNKNOWN),
    "other letters": ((bearer("wr\u0456te-0123456789abcdef"),), UNKNOWN),
    "not even UTF-8": ((bearer(b"\xff\xfe\xc0\x80"),), UNKNOWN),
    "the key of Vapi's": ((bearer(KEY),), UNKNOWN),
    "60 KB": ((bearer("x" * 60_000),), UNKNOWN),
}


@pytest.mark.parametrize(("fields", "error"), WRONG.values(), ids=WRONG)
async def test_nobody_gets_in_without_exactly_one_of_the_tokens(
    tokens: Faces, face: str, fields: tuple[Field, ...], error: dict[str, str]
) -> None:
    # Everybody who can reach the port could read and delete every session.
    answer = await tokens.call(face, GET, *fields)
    refusal(answer, 401)
    assert challenge(answer) == {**ASKED, **error}
    assert tokens.vapi.requests == []
    assert await tokens.refusals() == [401]


async def test_a_token_longer_than_any_header_may_be_gets_nowhere(tokens: Faces, face: str) -> None:
    # How much of it is read is for the HTTP server to say; that it is not let in is for us.
    answer = await tokens.call(face, GET, bearer("x" * 100_000))
    assert answer.status_code in (0, 400, 401, 431)
    assert tokens.vapi.requests == []


@pytest.mark.parametrize("token", [*WRITE, *READ])
@pytest.mark.parametrize("spelling", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {} "])
async def test_each_of_several_tokens_works(
    tokens: Faces, face: str, token: str, spelling: str
) -> None:
    # While a token is replaced the old one and the new one are both in use.
    shown = ("Authorization", spelling.format(token))
    assert worked(face, await tokens.call(face, GET, shown))
    changed = await tokens.call(face, UPDATE, shown)
    assert worked(face, changed) if token in WRITE else changed.status_code == 403


@pytest.mark.parametrize("era", ERAS)
async def test_who_may_only_read_sees_and_uses_what_reads(tokens: Faces, era: str) -> None:
    # An agent that is shown a tool will try it; everything else must go on working.
    async with tokens.client(era, bearer(READ[1])) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == [LIST, GET]
        for name in (LIST, "list_sessions"):
            assert not (await client.call_tool(name, {"limit": 1})).is_error
        for name in (GET, "get_session"):
            assert (await client.call_tool(name, {"id": "s-1"})).structured_content == SAID
        found = await client.read_resource("vapi-session://s-1")
        assert [part.uri for part in found.contents] == ["vapi-session://s-1"]
        assert len((await client.list_resource_templates()).resource_templates) == 2
        assert len((await client.list_prompts()).prompts) == 2
        assert (await client.get_prompt("summarize_session", {"id": "s-1"})).messages
        for ref in (
            PromptReference(name="summarize_session"),
            ResourceTemplateReference(uri="vapi-session://{id}"),
        ):
            await client.complete(ref, {"name": "id", "value": ""})
        for name in (*WRITES, *SHORT.values()):
            assert await refuses(client, name, id="s-1")
    async with tokens.client(era, bearer(WRITE[1])) as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        assert listed == [CREATE, LIST, GET, UPDATE, DELETE]
    assert {seen.method for seen in tokens.vapi.requests} == {"GET"}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", [*WRITES, *SHORT.values()])
async def test_a_change_by_who_may_only_read_is_403_with_the_scope(
    tokens: Faces, era: str, tool: str
) -> None:
    # Only the status and the scope make an OAuth client ask its user for more.
    arguments = {**WRITES, **{SHORT[name]: given for name, given in WRITES.items()}}[tool]
    called, usual = tool_call(era, tool, arguments)
    posted = json.dumps(called).encode()
    answer = await tokens.send(tokens.mcp, bearer(READ[0]), *usual, method="POST", body=posted)
    assert "sessions:write" in refusal(answer, 403)
    assert challenge(answer) == {**ASKED, **LACKING}
    assert tokens.vapi.requests == []
    assert await tokens.refusals() == [403]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("PATCH", "/s-1"),
        ("PATCH", "?id=s-1"),
        ("DELETE", "/s-1"),
        ("DELETE", "?id=s-1"),
        ("DELETE", "/s-1?confirm=s-1"),
        ("DELETE", ""),
        ("PATCH", "/s-1?limit=x"),
    ],
)
@pytest.mark.parametrize("body", [b'{"name": "a"}', b"{", b""])
async def test_a_change_over_rest_by_who_may_only_read_is_403_with_the_scope(
    tokens: Faces, method: str, path: str, body: bytes
) -> None:
    # What is wrong besides is nobody's business before the right to do it is shown.
    url = f"{tokens.rest}/session{path}"
    answer = await tokens.send(url, *JSON, bearer(READ[0]), method=method, body=body)
    assert refusal(answer, 403)
    assert challenge(answer) == {**ASKED, **LACKING}
    assert tokens.vapi.requests == []
    assert await tokens.refusals() == [403]


async def test_no_header_turns_a_read_into_a_change(tokens: Faces) -> None:
    # Frameworks honour these, and so did the caller's last API.
    fields = [("X-HTTP-Method-Override", "DELETE"), ("X-HTTP-Method", "DELETE")]
    url = f"{tokens.rest}/session/s-1?_method=DELETE"
    answer = await tokens.send(url, bearer(READ[0]), *fields)
    assert refusal(answer, 400)
    assert worked("rest", await tokens.call("rest", GET, bearer(READ[0]), *fields))
    assert [seen.method for seen in tokens.vapi.requests] == ["GET"]


def in_chunks(raw: bytes) -> bytes:
    """A body in three chunks."""
    third = len(raw) // 3 + 1
    parts = [raw[at : at + third] for at in range(0, len(raw), third)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


ODD: dict[str, tuple[Callable[[str], str], int | None]] = {
    "as a client writes it": (lambda text: text, 403),
    "escapes in the name": (lambda text: text.replace("update", "\\u0075pdate"), 403),
    "escapes in the key": (lambda text: text.replace('"name"', '"n\\u0061me"', 1), 403),
    "the change last": (lambda text: text.replace('"name"', f'"name": "{GET}", "name"', 1), 400),
    "the read last": (lambda text: text.replace(NAMED, f'{NAMED}, "name": "{GET}"'), 400),
    "another method first": (lambda text: text.replace(CALLED, f'"method": "x", {CALLED}'), 400),
    "another method last": (lambda text: text.replace(CALLED, f'{CALLED}, "method": "x"'), 400),
    "other params first": (lambda text: text.replace('"params"', '"params": [], "params"'), 400),
    "a batch": (lambda text: f"[{text}]", None),
    "two messages": (lambda text: f"{text}\n{text}", None),
    "no id": (lambda text: text.replace('"id": 1, ', ""), 403),
    "not a number": (lambda text: text.replace('"id": 1', '"x": NaN, "id": 1'), 403),
    "more digits than are read": (lambda text: text.replace("1", "1" * 5000, 1), None),
    "nested beyond reason": (lambda text: text.replace("1", "[" * 99_999 + "]" * 99_999, 1), None),
    "a list of names": (lambda text: text.replace(NAMED, f'"name": ["{UPDATE}"]'), None),
    "an object for a name": (
        lambda text: text.replace(NAMED, f'"name": {{"x": "{UPDATE}"}}'),
        None,
    ),
    "space around the name": (lambda text: text.replace(NAMED, f'"name": " {UPDATE}\\n"'), None),
    "another case": (lambda text: text.replace(NAMED, f'"name": "{UPDATE.upper()}"'), None),
    "nearly as much as is read": (lambda text: f"{text}{' ' * (4 * MIB - len(text))}", 403),
}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("spell", "status"), ODD.values(), ids=ODD)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_no_spelling_of_a_call_lets_who_may_only_read_change_anything(
    tokens: Faces,
    era: str,
    spell: Callable[[str], str],
    status: int | None,
    encoding: str,
    chunked: bool,
) -> None:
    # Two parsers read the body, ours and the SDK's, and what only one understands is a way in.
    called, usual = tool_call(era, UPDATE, WRITES[UPDATE])
    raw = spell(json.dumps(called)).encode(encoding)
    answer = await tokens.send(
        tokens.mcp,
        bearer(READ[0]),
        *usual,
        *([CHUNKED] if chunked else ()),
        method="POST",
        body=in_chunks(raw) if chunked else raw,
    )
    if status and encoding != "utf-16" and len(raw) <= 4 * MIB:
        assert answer.status_code == status
    if answer.status_code == 403:
        assert challenge(answer) == {**ASKED, **LACKING}
    assert SAID["name"] not in answer.text
    assert {seen.method for seen in tokens.vapi.requests} <= {"GET"}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("named", "called"), [(UPDATE, GET), (GET, UPDATE), ("", UPDATE)])
async def test_the_name_in_a_header_grants_and_hides_nothing(
    tokens: Faces, era: str, named: str, called: str
) -> None:
    # Gateways route by it; what counts is what is performed.
    body, usual = tool_call(era, called, ARGUMENTS[called])
    fields = [field for field in usual if field[0] != "Mcp-Name"] + [("Mcp-Name", named)]
    posted = json.dumps(body).encode()
    answer = await tokens.send(tokens.mcp, bearer(READ[0]), *fields, method="POST", body=posted)
    if called == UPDATE:
        assert answer.status_code == 403
    assert {seen.method for seen in tokens.vapi.requests} <= {"GET"}
