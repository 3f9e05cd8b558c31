"""The page of messages quotes what the code says."""

import re
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from starlette.datastructures import Headers

from support.command import Run
from support.quoted import is_said, quotes
from vapi_sessions_mcp.access.gate import Denied, Gate
from vapi_sessions_mcp.access.guard import SAID
from vapi_sessions_mcp.caller import Caller
from vapi_sessions_mcp.cli.secrets import read_api_key
from vapi_sessions_mcp.clock import stopped_at
from vapi_sessions_mcp.contract.operations import GET, LIST, UPDATE
from vapi_sessions_mcp.errors import Unconfirmed
from vapi_sessions_mcp.sessions.confirm import Consent, Question, Reply
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.failures import Failures, no_key
from vapi_sessions_mcp.views.notes import Notes

QUOTED = quotes(Path(__file__).parents[2] / "docs" / "troubleshooting.md")
# What differs from case to case; where code is quoted in code, its marks are not written.
VARYING = re.compile(r"\b(NAME|OTHER|OPTION|HOST|ID|SECONDS|REASON|TIME|FIRST|LAST|COUNT)\b")
MAYA = "f4770ddd-79d3-57f7-8219-05edbdfd6a28"
LONG = "955b4bee-8472-5584-ac04-8e32de4aa02a"
# What is called, and with which variables.
SANDBOX = ("--sandbox", "call")
REPLACING = f'{{"id": "{MAYA}", "body": {{"messages": []}}}}'
UNKNOWN = f'{{"id": "{MAYA}", "body": {{"customer": {{}}}}}}'
MASKED = '{"body": {"phoneNumber": {"twilioAuthToken": "***"}}}'
COMMANDS: tuple[tuple[tuple[str, ...], dict[str, str]], ...] = (
    ((), {"VAPI_MCP_TOOL_NAME": "short"}),
    (("--port", "1"), {}),
    (("--transport", "http", "--auth", "token"), {}),
    (("--sandbox-db", "x.db"), {}),
    (("--transport", "http", "--host", "0.0.0.0"), {}),
    (("--read-only", "--sandbox", "call", "delete_session", "--id", MAYA), {}),
    (("call", "list_sessions"), {"VAPI_API_KEY": "k", "VAPI_API_KEY_FILE": "f"}),
    ((*SANDBOX, "get_session", "--id", "nope"), {}),
    ((*SANDBOX, "update_session", UNKNOWN), {}),
    ((*SANDBOX, "list_sessions", '{"phone": 1}'), {}),
    ((*SANDBOX, "list_sessions", '{"number": "4155550123"}'), {}),
    ((*SANDBOX, "list_sessions", '{"createdAtGe": "yesterday"}'), {}),
    ((*SANDBOX, "list_sessions", '{"number": "+14155550199"}'), {}),
    ((*SANDBOX, "create_session", MASKED), {}),
    (("--sandbox", "--max-result-bytes", "3000", "call", "get_session", "--id", LONG), {}),
    (("--sandbox", "--no-delete", "call", "update_session", REPLACING), {}),
    (("--sandbox", "--confirm-delete", "person", "call", "delete_session", "--id", MAYA), {}),
    (("--sandbox", "--confirm-delete", "argument", "call", "delete_session", "--id", MAYA), {}),
)  # fmt: skip


def said_by_commands(run: Run) -> list[str]:
    """What the command says on stderr, and where it answers notes, on stdout."""
    ended = [run(*arguments, **variables) for arguments, variables in COMMANDS]
    return [each.err.replace("`", "") + each.out for each in ended]


def said_about_vapi() -> list[str]:
    """What is said of Vapi's answers, and of those that do not come."""
    caller = Caller(api_key="key")
    listing, getting = Failures(LIST, "", "api.vapi.ai"), Failures(GET, "3f2a", "api.vapi.ai")
    changing = Failures(UPDATE, "3f2a", "api.vapi.ai")
    errors = [
        *(listing.refused(status, "", None, caller) for status in (401, 403, 429, 502)),
        getting.refused(404, "", None, caller),
        changing.refused(502, "", None, caller),
        listing.timed_out(30),
        listing.crowded("for 30 s"),
        listing.too_large("more than 32 MiB"),
    ]
    return list(map(str, errors))


def said_about_keys() -> list[str]:
    """What is said of what is in the place of a key."""
    held: tuple[dict[str, str], ...] = (
        {},
        {"VAPI_API_KEY": "${env:VAPI_API_KEY}"},
        {"VAPI_API_KEY": '"key"'},
    )
    return [str(no_key(read_api_key(environ).fault)) for environ in held]


async def said_to_callers() -> list[str]:
    """What callers over HTTP are refused with, and what a person's no is answered with."""
    settings = Settings(transports=("http",), auth=("token",), tokens=("made-up-token-012345",))
    with pytest.raises(Denied) as denied:
        await Gate(settings, "/mcp").let_in(Headers({"Authorization": "Bearer another-token"}))

    async def no(question: Question) -> Reply:
        return "decline"

    with pytest.raises(Unconfirmed) as declined:
        await Consent("person", no, None).obtain("3f2a", Question("key", "Delete session 3f2a?"))
    return [bytes(denied.value.response.body).decode(), str(declined.value), *SAID.values()]


def said_of_time() -> str:
    """What is said of a session that has probably expired."""
    session = {"status": "active", "updatedAt": "2026-11-20T09:00:00.000Z"}
    return Notes(Settings(), stopped_at(datetime(2027, 1, 1, tzinfo=UTC))).about(session)


def all_said(run: Run) -> list[str]:
    """All that the page may quote, each in one case of it."""
    return [
        *said_by_commands(run),
        *said_about_vapi(),
        *said_about_keys(),
        *anyio.run(said_to_callers),
        said_of_time(),
    ]


def test_each_message_that_is_quoted_is_one_that_is_said(run: Run) -> None:
    # People look for the words that they see, and words that changed are not found.
    said = all_said(run)
    assert len(QUOTED) > 30
    assert [quote for quote in QUOTED if not is_said(quote, VARYING, said)] == []


def test_no_other_words_pass_for_a_message(run: Run) -> None:
    # A pattern that fits everything would hold the page to nothing.
    said = all_said(run)
    assert [quote for quote in QUOTED if is_said(f"{quote} and more", VARYING, said)] == []
