"""The page about webhooks says what the code does."""

import json
import re
from pathlib import Path

from vapi_sessions_mcp.mcp_server.subscriptions import MOST_URIS, STREAM_SECONDS
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.webhooks.app import MOST_UNPROVED, PATH, SMALL
from vapi_sessions_mcp.webhooks.bus import KEPT
from vapi_sessions_mcp.webhooks.events import TYPES
from vapi_sessions_mcp.webhooks.redis_relay import MOST
from vapi_sessions_mcp.webhooks.signatures import HEADERS, WINDOW

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


def test_what_is_copied_into_vapi_reports_all_that_is_read_here() -> None:
    # A type that is left out there is never heard of here, and nobody sees why.
    [copied] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assistant = json.loads(copied)
    assert assistant["serverMessages"] == [*TYPES]
    assert assistant["server"]["url"].endswith(f".com{PATH}")


def test_names_and_numbers_are_those_of_the_code() -> None:
    # Somebody compares them with Vapi's dashboard, line by line.
    for name in (*HEADERS.values(), Settings().webhook_timestamp_header):
        assert f"`{name}`" in PAGE
    assert f"`{Settings().webhook_payload}`" in PAGE
    assert (WINDOW.total_seconds(), "good for five minutes" in PAGE) == (300, True)
    assert (KEPT.total_seconds(), "repeats within the hour" in PAGE) == (3_600, True)
    assert (STREAM_SECONDS, "ends after 15\n  minutes" in PAGE) == (900, True)
    assert f"({MOST_URIS:,} at most)" in PAGE
    assert f"{MOST:,} changes wait" in PAGE
    assert f"have {MOST_UNPROVED // 2**20} MiB together, and one of more than 64 KiB" in PAGE
    assert SMALL == 64 * 2**10
