"""Each caller with a key of its own: used for its call, for nobody else's, and kept nowhere."""

from collections.abc import AsyncGenerator
from hashlib import sha256

import anyio
import httpx2
import pytest
from mcp_types import TextResourceContents
from openapi_spec_validator import validate

from support.faces import FACES, KEY, SAID, USUAL, Faces, Field, bearer, challenge, serving
from support.faulty_vapi import Reply, Seen, reply
from support.http_calls import message
from support.refusals import refused
from support.tools import ERAS, GET, LIST, UPDATE, text

pytestmark = [pytest.mark.anyio, pytest.mark.measured]

MINE, YOURS = "key-of-mine-0123456789abcdef", "key-of-yours-0123456789abcdef"
WRITE, READ = "write-0123456789abcdef", "read-0123456789abcdef"
ASKED = {"scheme": "ApiKey", "realm": "vapi-sessions-mcp", "header": "X-Vapi-Api-Key"}
CALLERS = 20


@pytest.fixture(scope="module")
async def key_server() -> AsyncGenerator[Faces]:
    """A server that has a key itself, which is for nobody."""
    async with serving("--auth", "caller-key") as faces:
        faces.way_in = (key(MINE),)
        yield faces


@pytest.fixture(scope="module")
async def both_server() -> AsyncGenerator[Faces]:
    """A server that asks for a token and a key."""
    tokens = {"VAPI_MCP_TOKENS": WRITE, "VAPI_MCP_READ_TOKENS": READ}
    short = ("--tool-names", "short")
    async with serving("--auth", "caller-key", "--auth", "token", *short, **tokens) as faces:
        faces.way_in = (key(MINE), bearer(READ))
        yield faces


@pytest.fixture
async def keys(key_server: Faces) -> Faces:
    return await key_server.fresh()


@pytest.fixture
async def both(both_server: Faces) -> Faces:
    return await both_server.fresh()


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    """REST, and MCP in both eras."""
    return str(request.param)


def key(value: str | bytes) -> Field:
    """The header field that brings a key."""
    return "X-Vapi-Api-Key", value


def shown_to(faces: Faces) -> list[str]:
    """What each request to Vapi showed."""
    return [seen.headers["Authorization"] for seen in faces.vapi.requests]


def said(face: str, answer: httpx2.Response) -> str:
    """What a face says of a call that Vapi refused with 401."""
    if face == "rest":
        return str(refused(answer, 401))
    result = message(answer)["result"]
    assert result["isError"]
    return result["content"][0]["text"]


@pytest.mark.parametrize("tool", [LIST, GET, UPDATE])
async def test_a_callers_key_is_used_for_its_own_call(keys: Faces, face: str, tool: str) -> None:
    # Vapi bills and limits the caller, and shows it its own sessions only.
    answer = await keys.call(face, tool, key(MINE), bearer("of-the-client-0123456789"))
    assert answer.status_code == 200
    assert shown_to(keys) == [f"Bearer {MINE}"]
    [seen] = keys.vapi.requests
    assert not {name.lower() for name in seen.headers} & {"x-vapi-api-key", "cookie"}


@pytest.mark.parametrize("era", ERAS)
async def test_resources_and_completion_use_the_callers_key_too(keys: Faces, era: str) -> None:
    # They read sessions as much as tools do, by another way.
    async with keys.client(era, key(YOURS)) as client:
        found = await client.read_resource("vapi-session://s-1")
        assert isinstance(found.contents[0], TextResourceContents)
        assert str(SAID["name"]) in found.contents[0].text
        assert not (await client.call_tool(GET, {"id": "s-1"})).is_error
    assert shown_to(keys) == [f"Bearer {YOURS}"] * 2


async def test_callers_at_the_same_time_never_get_each_others_answers(keys: Faces) -> None:
    # One connection pool serves all of them, and one wrong key shows a stranger's customers.
    def own(authorization: str) -> str:
        return sha256(authorization.encode()).hexdigest()

    def answer(seen: Seen) -> Reply:
        shown = seen.headers["Authorization"]
        return Reply(raw=reply(said={**SAID, "name": own(shown)}).raw, waits=True)

    got: dict[tuple[str, str], str] = {}

    async def call(face: str, brought: str) -> None:
        got[face, brought] = (await keys.call(face, GET, key(brought))).text

    keys.vapi.otherwise = answer
    async with anyio.create_task_group() as tasks:
        for number in range(CALLERS):
            for face in FACES:
                tasks.start_soon(call, face, f"key-of-caller-{number}")
        # All of them wait for Vapi at once.
        await keys.vapi.until(lambda vapi: len(vapi.requests) == CALLERS * len(FACES))
        keys.vapi.release(CALLERS * len(FACES))
    names = {brought: own(f"Bearer {brought}") for _, brought in got}
    assert len(got) == CALLERS * len(FACES)
    for (_, brought), answered in got.items():
        assert [name for name in names.values() if name in answered] == [names[brought]]


NONE: dict[str, tuple[Field, ...]] = {
    "nothing": (),
    "an empty one": (key(""),),
    "a token instead": (bearer(MINE),),
    "a cookie instead": (("Cookie", f"X-Vapi-Api-Key={MINE}"),),
    "in another header": (("X-Api-Key", MINE),),
    "in the header's other spelling": (("X_Vapi_Api_Key", MINE),),
    "two": (key(MINE), key(YOURS)),
    "the same twice": (key(MINE), key(MINE)),
    "two in one": (key(f"{MINE}, {YOURS}"),),
    "a scheme before it": (key(f"Bearer {MINE}"),),
    "a space in it": (key("key of mine"),),
    "a tab in it": (key("key\tof-mine"),),
    "a line that goes on": (key(f"key-of\r\n -mine\r\n {MINE}"),),
    "a control character": (key(f"{MINE}\x1f"),),
    "an accent": (key(MINE.encode() + b"\xe9"),),
    "not even UTF-8": (key(b"\xff\xfe" + MINE.encode()),),
    "longer than any": (key("k" * 513),),
    "10 KB": (key("k" * 10_000),),
}


@pytest.mark.parametrize("fields", NONE.values(), ids=NONE)
async def test_without_a_key_of_ones_own_nothing_is_sent_with_the_servers(
    keys: Faces, face: str, fields: tuple[Field, ...]
) -> None:
    # A fallback would let everybody act as the owner of the server.
    for tool in (GET, UPDATE):
        answer = await keys.call(face, tool, *fields)
        assert "X-Vapi-Api-Key" in refused(answer, 401)
        assert challenge(answer) == ASKED
    assert keys.vapi.requests == []
    assert await keys.refusals() == [401, 401]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("${VAPI_API_KEY}", "holds a placeholder in place of the key"),
        ("op://vault/vapi/key", "holds the address of a secret in place of the key"),
        (f'"{MINE}"', "holds the key in quotation marks"),
        (f"Bearer {MINE}", "holds the word Bearer before the key"),
        (f"VAPI_API_KEY={MINE}", "holds a name before the key"),
    ],
)
async def test_what_is_no_key_is_seen_for_what_it_is(
    keys: Faces, face: str, value: str, fault: str
) -> None:
    # Vapi's 401 would send the caller to look for another key.
    answer = await keys.call(face, GET, key(value))
    assert refused(answer, 401) == (
        f"X-Vapi-Api-Key {fault}, so nothing was sent to Vapi: send a private key only."
    )
    assert challenge(answer) == ASKED
    assert keys.vapi.requests == []
    assert await keys.refusals() == [401]


@pytest.mark.parametrize("injected", ["\r\nX-Evil: 1", "\nX-Evil: 1", "\r\n\r\nGET / HTTP/1.1"])
async def test_a_line_break_in_a_key_makes_no_header_and_no_request(
    keys: Faces, face: str, injected: str
) -> None:
    # What follows it would be the attacker's words in our request to Vapi.
    answer = await keys.call(face, GET, key(f"{MINE}{injected}"))
    assert answer.status_code in (200, 400, 401, 406)
    for seen in keys.vapi.requests:
        assert seen.headers["Authorization"] == f"Bearer {MINE}"
        assert "X-Evil" not in seen.headers


async def test_a_key_as_long_as_any_is_taken(keys: Faces, face: str) -> None:
    # Vapi's are UUIDs today; nobody promised that they stay so.
    longest = "".join(chr(33 + number % 94) for number in range(512))
    assert (await keys.call(face, GET, key(longest))).status_code == 200
    assert shown_to(keys) == [f"Bearer {longest}"]


async def test_a_key_that_vapi_refuses_is_the_callers_to_mend(keys: Faces, face: str) -> None:
    # Told to set VAPI_API_KEY, a caller would look in a place that it cannot reach.
    keys.vapi.otherwise = reply(401, {"message": f"Invalid key {YOURS}"})
    answer = await keys.call(face, GET, key(YOURS))
    if face == "rest":
        assert challenge(answer) == ASKED
    told = said(face, answer)
    keys.vapi.otherwise = USUAL
    assert "Vapi does not accept the API key" in told
    assert told.endswith("in the header X-Vapi-Api-Key.")
    assert "VAPI_API_KEY" not in told
    assert YOURS not in told
    [line] = await keys.logged()
    assert "call tool=get_session session=s-1 status=401" in line


async def test_cookies_that_vapi_sets_for_one_caller_go_to_nobody(keys: Faces, face: str) -> None:
    # A cookie can outrank a key, and then a stranger's session would be answered.
    keys.vapi.otherwise = reply(said=SAID, set_cookie="sid=of-mine; Path=/")
    for brought in (MINE, YOURS, MINE):
        answer = await keys.call(face, GET, key(brought), ("Cookie", "sid=of-the-client"))
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    assert shown_to(keys) == [f"Bearer {brought}" for brought in (MINE, YOURS, MINE)]
    assert [seen.headers["Cookie"] for seen in keys.vapi.requests] == [None] * 3


async def test_with_a_token_and_a_key_both_are_needed(both: Faces, face: str) -> None:
    # The token says who may use the server, the key whose sessions they are.
    for fields in ([bearer(WRITE)], [bearer(WRITE), key("two words")]):
        answer = await both.call(face, GET, *fields)
        refused(answer, 401)
        assert challenge(answer) == ASKED
    for fields in ([key(MINE)], [key(MINE), bearer("wrong-0123456789")], [key(WRITE)]):
        answer = await both.call(face, GET, *fields)
        refused(answer, 401)
        assert challenge(answer)["scheme"] == "Bearer"
    answer = await both.call(face, UPDATE, bearer(READ), key(MINE))
    refused(answer, 403)
    assert challenge(answer)["scope"] == "sessions:write"
    assert both.vapi.requests == []
    for tool, token, brought in ((GET, READ, MINE), (UPDATE, WRITE, YOURS)):
        assert (await both.call(face, tool, bearer(token), key(brought))).status_code == 200
    assert shown_to(both) == [f"Bearer {MINE}", f"Bearer {YOURS}"]


@pytest.mark.parametrize("era", ERAS)
async def test_who_may_only_read_sees_the_short_names_of_what_reads(both: Faces, era: str) -> None:
    # The setting changes how tools are called, not who may call them.
    async with both.client(era, key(YOURS), bearer(READ)) as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        assert listed == ["list_sessions", "get_session"]
        assert text(await client.call_tool(GET, {"id": "s-1"}))
    assert shown_to(both) == [f"Bearer {YOURS}"]


async def test_the_document_names_each_header_that_is_asked_for(keys: Faces, both: Faces) -> None:
    # Generated clients make a parameter of each scheme; both in one entry means both are needed.
    brings = {"type": "apiKey", "in": "header", "name": "X-Vapi-Api-Key"}
    for faces, names in ((keys, ["callerKey"]), (both, ["token", "callerKey"])):
        answer = await faces.send(f"{faces.root}/openapi.json")
        validate(made := answer.json())
        assert made["security"] == [{name: [] for name in names}]
        schemes = made["components"]["securitySchemes"]
        assert [*schemes] == names
        assert brings.items() <= schemes["callerKey"].items()
        assert KEY not in answer.text
