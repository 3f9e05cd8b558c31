"""The published contract is what the server answers, with every setting."""

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import vapi_sessions_mcp
from support.published import HANDSHAKES, LISTS, contract, results
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.transports.published import MODERN, Published

pytestmark = pytest.mark.anyio

FILE = Path(vapi_sessions_mcp.__file__).with_name("contract") / "published.json"
# A value of each setting that it does not have by itself.
OTHERS: dict[str, Any] = {
    "tool_names": "short",
    "read_only": True,
    "no_delete": True,
    "confirm_delete": "argument",
    "only_assistants": ("a1",),
    "only_squad": "q1",
    "view": "summary",
    "max_result_bytes": 2_000,
    "mask_pii": True,
    "sandbox": True,
    "base_url": "https://api.eu.vapi.ai",
    "timeout": 3,
    "api_key": "key-0123456789abcdef",
}


async def test_the_published_contract_is_what_was_reviewed() -> None:
    # What models see changes only where somebody looked; UPDATE_SNAPSHOTS=1 writes it anew.
    text = json.dumps(await contract(), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        FILE.write_text(text, encoding="utf-8")
    assert text == FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [None, *OTHERS])
@pytest.mark.parametrize("version", [*HANDSHAKES[-2:], MODERN])
async def test_every_setting_has_in_it_the_effect_that_it_has(
    version: str, name: str | None
) -> None:
    # A tool that is listed and then does not exist, or is not listed, would be a lie.
    settings = Settings(**({name: OTHERS[name]} if name else {}))
    published = Published(settings)
    found = [published.result(method, version) for method in LISTS]
    opened, *expected = await results(settings, version, *LISTS)
    assert found == expected
    hello = "server/discover" if version == MODERN else "initialize"
    assert published.result(hello, version) == opened


async def test_settings_that_narrow_together_do_so_in_it() -> None:
    # Their effects on one description are joined.
    for settings in (
        Settings(no_delete=True, confirm_delete="argument"),
        Settings(no_delete=True, confirm_delete="person", tool_names="short"),
        Settings(read_only=True, no_delete=True),
    ):
        _, expected = await results(settings, MODERN, "tools/list")
        assert Published(settings).result("tools/list", MODERN) == expected


def test_no_setting_is_forgotten_here() -> None:
    # A new one may change what is listed: it goes into the table above, or among these.
    others = {
        *("transports", "host", "port", "rest_port", "allowed_hosts", "allowed_origins"),
        *("allow_unauthenticated", "auth", "oauth_issuer", "oauth_audiences", "public_url"),
        *("sandbox_db", "sandbox_now", "connect_timeout", "grace", "log_level", "log_format"),
        *("no_prelude", "max_upstream", "workers", "metrics", "tokens", "read_tokens", "key_fault"),
        # With these the first conversation is with the server itself: see cli/start.py.
        *("webhooks", "webhook_secrets", "redis_url", "webhook_auth", "webhook_header"),
        *("webhook_timestamp_header", "webhook_payload"),
    }
    assert {field.name for field in fields(Settings)} == OTHERS.keys() | others
