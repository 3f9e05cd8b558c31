"""An issuer as the server knows it, and what becomes of the tokens it is shown."""

import json
import re
from base64 import urlsafe_b64encode
from typing import Any

import anyio
import pytest
from mcp.server.auth.provider import AccessToken

from support.authorization_server import PATIENCE
from vapi_sessions_mcp.access.issuer_keys import IssuerUnreachable
from vapi_sessions_mcp.access.oauth import Issuer, TokenRefused

NO_KEY = "The issuer has no key that fits the token"


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def accepted(issuer: Issuer, token: str) -> AccessToken:
    with anyio.fail_after(PATIENCE):
        return await issuer.verify(token)


async def refused(issuer: Issuer, token: str) -> str:
    """Why `token` is refused, in words that may stand in a header."""
    with anyio.fail_after(PATIENCE), pytest.raises(TokenRefused) as raised:
        await issuer.verify(token)
    assert re.fullmatch(r"[A-Z][A-Za-z_ ]+", str(raised.value))
    return str(raised.value)


async def unreachable(issuer: Issuer, token: str) -> str:
    """Why the issuer cannot be asked, without its URL."""
    with anyio.fail_after(PATIENCE), pytest.raises(IssuerUnreachable) as raised:
        await issuer.verify(token)
    start = f"The issuer {issuer.url} gave no keys: "
    assert str(raised.value).startswith(start)
    return str(raised.value).removeprefix(start)


def segment(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
