"""Who may call over HTTP: holders of our tokens, of an issuer's, or of their own key of Vapi."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, cast

from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vapi_sessions_mcp.access.refusal import Refusal
from vapi_sessions_mcp.caller import KEY_HEADER, Caller, owner
from vapi_sessions_mcp.key_shapes import key_fault
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.settings_rules import is_one_word
from vapi_sessions_mcp.telemetry.report import OFF, Telemetry

if TYPE_CHECKING:
    from vapi_sessions_mcp.access.oauth import Issuer

READ, WRITE = "sessions:read", "sessions:write"
REALM = "vapi-sessions-mcp"
# Where the caller is in an ASGI scope, once it was let in.
SCOPE_KEY = "vapi_sessions_mcp.caller"
MAX_KEY = 512

_LOG = logging.getLogger("vapi_sessions_mcp.access")


class Denied(Exception):
    """A caller that is not let in; `response` says why and what to show instead."""

    def __init__(self, response: Response) -> None:
        """`response` is the whole answer."""
        super().__init__(response.status_code)
        self.response = response


def caller_of(request: Request | None, by_itself: Caller) -> Caller:
    """Who sent `request`: without one, over stdio, the owner of the server's own key.

    A request that passed no `Gate` has no caller: a KeyError, not a way in.
    """
    return by_itself if request is None else request.scope[SCOPE_KEY]


class Gate:
    """Lets callers in by what their headers show, as the settings ask; it keeps nothing of them."""

    def __init__(
        self,
        settings: Settings,
        path: str,
        issuer: "Issuer | None" = None,
        telemetry: Telemetry = OFF,
    ) -> None:
        """`path` is what is guarded, such as /mcp; `issuer` judges tokens with --auth oauth.

        Raises ValueError where one is needed and missing: nobody would be asked.
        """
        if settings.asks("oauth") and issuer is None:
            raise ValueError("--auth oauth needs an issuer")
        self._settings, self._owner, self._issuer = settings, owner(settings), issuer
        self.telemetry = telemetry
        self._tokens = _digests(settings.tokens)
        self._read_tokens = _digests(settings.read_tokens)
        self._scopes = (READ,) if settings.read_only else (READ, WRITE)
        # The resource's metadata (RFC 9728), where callers learn whom to ask for a token.
        self.routes: list[Route] = []
        self._metadata_url = ""
        if issuer is not None:
            # Parsed by the SDK's model, which adds no slash to a URL that is compared as text.
            urls = AuthSettings.model_validate(
                {
                    "issuer_url": settings.oauth_issuer,
                    "resource_server_url": settings.public_base + path,
                    "validate_token_resource": False,  # the issuer's tokens are judged by `issuer`
                }
            )
            resource = cast("AnyHttpUrl", urls.resource_server_url)
            self._metadata_url = str(build_resource_metadata_url(resource))
            self.routes = create_protected_resource_routes(
                resource,
                [urls.issuer_url],
                scopes_supported=[*self._scopes],
                resource_name="Vapi Sessions",
            )

    async def let_in(self, headers: Headers) -> Caller:
        """Who calls; raises Denied."""
        caller = self._owner
        if self._issuer is not None:
            caller = await self._check_issued_token(self._issuer, headers)
        elif self._settings.asks("token"):
            caller = self._check_token(headers)
        if self._settings.asks("caller-key"):
            return replace(caller, api_key=_own_key(headers), brings_key=True)
        return caller

    def lacks_write(self) -> Response:
        """The refusal for a caller that may read but not change anything."""
        refused = self._lacks(WRITE, "This needs the right to change sessions")
        self.note_refusal(refused)
        return refused

    def note_refusal(self, response: Response) -> None:
        """One line that says that somebody was refused, and nothing of what they sent."""
        _LOG.info("refused", extra={"fields": {"status": response.status_code}})
        self.telemetry.refused(response.status_code)

    def _check_token(self, headers: Headers) -> Caller:
        given = sha256(self._bearer(headers).encode()).digest()
        # Each is compared, whichever matches, so that the time gives nothing away.
        writes = [compare_digest(given, token) for token in self._tokens]
        reads = [compare_digest(given, token) for token in self._read_tokens]
        if not any([*writes, *reads]):
            raise self._unauthorized("The token is not one of this server's")
        return replace(self._owner, may_write=any(writes), name=given.hex())

    async def _check_issued_token(self, issuer: "Issuer", headers: Headers) -> Caller:
        # 90 ms that every other way in does without.
        from vapi_sessions_mcp.access.issuer_keys import IssuerUnreachable
        from vapi_sessions_mcp.access.oauth import TokenRefused

        try:
            token = await issuer.verify(self._bearer(headers))
        except TokenRefused as exc:
            raise self._unauthorized(str(exc)) from exc
        except IssuerUnreachable as exc:
            # What is wrong there is for the operator; anybody at all can get this answer.
            _LOG.warning("%s", exc)
            said = "Tokens cannot be checked just now, as their issuer gave no keys: try again."
            raise Denied(Refusal(503, said, {"Retry-After": "10"})) from exc
        if READ not in token.scopes:
            raise Denied(self._lacks(READ, "This needs the right to read sessions"))
        name = token.subject or token.client_id
        return replace(self._owner, may_write=WRITE in token.scopes, name=name)

    def _bearer(self, headers: Headers) -> str:
        values = headers.getlist("Authorization")
        scheme, _, token = (values[0] if len(values) == 1 else "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip(" "):
            raise self._unauthorized("")
        return token.strip(" ")

    def _unauthorized(self, reason: str) -> Denied:
        """401; without a reason for a caller that showed nothing, as RFC 6750 has it."""
        # All that may be asked for: tools that a token does not cover are not
        # listed, so no client would ever come to ask for more.
        challenge = self._challenge(
            " ".join(self._scopes), "invalid_token" if reason else "", reason
        )
        said = reason or "This server asks who calls: send a token as Authorization: Bearer …"
        return Denied(Refusal(401, f"{said}.", {"WWW-Authenticate": challenge}))

    def _lacks(self, scope: str, reason: str) -> Response:
        challenge = self._challenge(scope, "insufficient_scope", reason)
        said = f"{reason}: the scope {scope}."
        return Refusal(403, said, {"WWW-Authenticate": challenge})

    def _challenge(self, scope: str, error: str, reason: str) -> str:
        parts = {
            "realm": REALM,
            "error": error,
            "error_description": reason,
            "scope": scope,
            "resource_metadata": self._metadata_url,
        }
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items() if value)


def key_challenge(caller: Caller) -> dict[str, str]:
    """What a 401 about a key of Vapi's has to say: who asks for one, and where `caller` puts it.

    No Bearer challenge: a client would get itself a new token, which is not what is refused.
    """
    challenge = 'ApiKey realm="Vapi"'
    if caller.brings_key:
        challenge = f'ApiKey realm="{REALM}", header="{KEY_HEADER}"'
    return {"WWW-Authenticate": challenge}


def _own_key(headers: Headers) -> str:
    values = headers.getlist(KEY_HEADER)
    if len(values) == 1 and (fault := key_fault(values[0])):
        said = f"{KEY_HEADER} {fault}, so nothing was sent to Vapi: send a private key only."
        raise Denied(Refusal(401, said, key_challenge(Caller(brings_key=True))))
    if len(values) != 1 or not values[0] or len(values[0]) > MAX_KEY or not is_one_word(values[0]):
        said = f"This server calls Vapi with each caller's own key: send yours in {KEY_HEADER}."
        raise Denied(Refusal(401, said, key_challenge(Caller(brings_key=True))))
    return values[0]


def _digests(tokens: Iterable[str]) -> Sequence[bytes]:
    return [sha256(token.encode()).digest() for token in tokens]
