"""Whether a webhook is Vapi's own: a secret in a header, or a signature over the body (HMAC)."""

import hmac
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import TypeAlias

from starlette.datastructures import Headers

from vapi_sessions_mcp.clock import Clock, real
from vapi_sessions_mcp.settings import Settings

# How far the time in a signature may be from ours, either way.
WINDOW = timedelta(minutes=5)
ALGORITHMS = ("sha256", "sha512")
# More than any signature with its prefix has.
MAX_SIGNATURE = 256
HEADERS = {"bearer": "Authorization", "secret": "X-Vapi-Secret", "hmac": "x-signature"}

# Raises Refused for a body that was not signed.
CheckBody: TypeAlias = Callable[[bytes], None]


class Refused(Exception):
    """Nobody who knows the secret sent this, or not now; `str()` says what is wrong with it."""


class Authentication:
    """How the settings say that Vapi shows who it is; any of the secrets is good."""

    def __init__(self, settings: Settings, clock: Clock = real) -> None:
        """`clock` says whether a signature is recent."""
        self._kind, self._clock = settings.webhook_auth, clock
        self._header = settings.webhook_header or HEADERS[self._kind]
        self._time_header = settings.webhook_timestamp_header
        self._before, _, self._after = settings.webhook_payload.partition("{body}")
        self._secrets = [secret.encode() for secret in settings.webhook_secrets]

    def begin(self, headers: Headers) -> CheckBody:
        """What checks the body; raises Refused where these headers are enough to refuse it."""
        shown = _only(headers, self._header)
        if self._kind == "hmac":
            return self._begin_signed(shown, headers)
        if self._kind == "bearer" and shown[:7].lower() == b"bearer ":
            shown = shown[7:].strip(b" ")
        # Each is compared, whichever matches, so that the time gives nothing away.
        given = sha256(shown).digest()
        same = [hmac.compare_digest(given, sha256(secret).digest()) for secret in self._secrets]
        if not any(same):
            raise Refused(f"{self._header} holds another secret.")
        return _needs_no_check

    def _begin_signed(self, signature: bytes, headers: Headers) -> CheckBody:
        if len(signature) > MAX_SIGNATURE:
            raise Refused(f"{self._header} is too long for a signature.")
        time = b""
        if "{timestamp}" in self._before + self._after:
            time = _only(headers, self._time_header)
            moment = _moment(time.decode("latin-1"))
            if moment is None or abs(self._clock() - moment) > WINDOW:
                raise Refused(f"{self._time_header} is no time within five minutes of now.")
        return partial(self._check, signature, time)

    def _check(self, signature: bytes, time: bytes, body: bytes) -> None:
        before, after = (
            part.encode().replace(b"{timestamp}", time) for part in (self._before, self._after)
        )
        payload = before + body + after
        digests = [hmac.digest(key, payload, name) for key in self._secrets for name in ALGORITHMS]
        # Hex may be in either case.
        written = [(d.hex().encode(), signature.lower()) for d in digests]
        written += [(b64encode(d), signature) for d in digests]
        # Whatever is before it is a prefix, such as `sha256=`, which proves nothing.
        same = [hmac.compare_digest(shown[-len(each) :], each) for each, shown in written]
        if not any(same):
            raise Refused(f"{self._header} is no signature of this body.")


def _only(headers: Headers, name: str) -> bytes:
    """The bytes of a header; of two that differ, one may be somebody else's."""
    values = headers.getlist(name)
    if len(values) != 1:
        raise Refused(f"{name} is needed, once.")
    return values[0].encode("latin-1")


def _needs_no_check(body: bytes) -> None:
    """Nothing more to prove."""


def _moment(text: str) -> datetime | None:
    """A time in seconds or milliseconds since 1970, or in ISO 8601 with a zone."""
    if re.fullmatch(r"[0-9]{1,13}", text):
        # Ten digits are seconds for centuries to come, and thirteen milliseconds.
        number = int(text) / (1000 if len(text) > 11 else 1)
        return datetime.fromtimestamp(number, UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
