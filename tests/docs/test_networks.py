"""The page about networks quotes messages that the code produces."""

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from support.quoted import is_said, quotes
from vapi_sessions_mcp.access.guard import SAID
from vapi_sessions_mcp.contract.operations import LIST
from vapi_sessions_mcp.http_client import build_client
from vapi_sessions_mcp.settings import Settings, SettingsError
from vapi_sessions_mcp.transports.http import bind
from vapi_sessions_mcp.vapi.failures import Failures

ROOT = Path(__file__).parents[2]
QUOTED = quotes(ROOT / "docs" / "networks.md")
# What differs from case to case.
VARYING = re.compile(r"\b(HOST:PORT|HOST|PROXY|VARIABLE|REASON)\b")


def said_by(failing: Callable[[], object]) -> str:
    with pytest.raises(SettingsError) as caught:
        failing()
    return str(caught.value)


def client() -> object:
    return build_client(url="https://api.vapi.ai", transport=None, headers={})


def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is really said, each in one case of it."""
    failures = Failures(LIST, "", "api.vapi.ai")
    found = [
        str(failures.not_connected("407 Not Allowed", " through the proxy p:1 (A)")),
        str(failures.not_connected("Connection refused")),
        str(failures.untrusted("self-signed certificate")),
        said_by(lambda: Settings(base_url="http://10.0.0.7")),
        said_by(lambda: Settings(transports=("http",), host="0.0.0.0")),
        f"{Settings().key_fault}: tools are listed, and no call can reach Vapi",
        *SAID.values(),
    ]
    for name, value in (
        ("HTTPS_PROXY", "http://"),
        ("ALL_PROXY", "socks5://proxy"),
        ("SSL_CERT_FILE", "/no/such/file"),
        ("SSL_CERT_DIR", "/no/such/folder"),
    ):
        with monkeypatch.context() as during:
            for other in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE"):
                during.delenv(other, raising=False)
            during.setenv(name, value)
            found.append(said_by(client))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found.append(said_by(lambda: bind("127.0.0.1", port)))
    return found


def test_each_message_that_is_quoted_is_one_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # People look for the words that they see, and words that changed are not found.
    said = messages(monkeypatch)
    assert len(QUOTED) > 10
    assert [quote for quote in QUOTED if not is_said(quote, VARYING, said)] == []


def test_no_other_words_pass_for_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    # A pattern that fits everything would hold the page to nothing.
    said = messages(monkeypatch)
    assert [quote for quote in QUOTED if is_said(f"{quote} and more", VARYING, said)] == []
