"""A model behind a URL, asked turn by turn; what goes wrong is one sentence without the key."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import anyio
import httpx2
from mcp_types import Tool

from evals.dialects import Dialect, Turn
from evals.tasks import Json
from vapi_sessions_mcp.settings_rules import SettingsError, check_url, is_loopback

TRIES = 4
LONGEST_WAIT = 60.0
# The endpoint is busy, or failed in passing.
PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}

Sleep = Callable[[float], Awaitable[None]]


class EndpointError(Exception):
    """No turn; `str()` says why. `lasting` when it would be so for every other task, too."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        """`message` is one sentence or two, safe to show."""
        super().__init__(message)
        self.lasting = lasting


class Endpoint:
    """One model at one endpoint."""

    def __init__(
        self,
        dialect: Dialect,
        base_url: str,
        model: str,
        key: str,
        *,
        timeout: float = 120,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Sleep = anyio.sleep,
    ) -> None:
        """Raise EndpointError for a URL or a key that cannot be used.

        An endpoint on this machine needs neither a key nor https.
        """
        self.dialect, self.model = dialect, model
        self._url, self._key, self._timeout, self._sleep = base_url, key, timeout, sleep
        try:
            check_url("--base-url", base_url, "the key")
            host = httpx2.URL(base_url).host
        except SettingsError as exc:
            raise EndpointError(str(exc), lasting=True) from exc
        except httpx2.InvalidURL as exc:
            raise EndpointError(f"--base-url {base_url!r} is not a URL.", lasting=True) from exc
        if not key and not is_loopback(host):
            raise EndpointError(
                f"{dialect.key_variable} is not set: put the key for {host} there.", lasting=True
            )
        if not key.isascii() or not key.isprintable() or " " in key:
            raise EndpointError(
                f"{dialect.key_variable} is no key: it has a space, a line break or a letter that"
                " no header can hold.",
                lasting=True,
            )
        self._http = httpx2.AsyncClient(timeout=timeout, transport=transport)

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def next_turn(self, system: str, tools: list[Tool], history: list[Json]) -> Turn:
        """What the model says next; raises EndpointError."""
        response = await self._answer(self.dialect.body(self.model, system, tools, history))
        try:
            return self.dialect.read(response.json())
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as exc:
            raise EndpointError(
                f"{self._where} answered something else than a turn of a model: check --api and"
                " --base-url.",
                lasting=True,
            ) from exc

    async def _answer(self, body: Json) -> httpx2.Response:
        """A good answer, after some tries where the endpoint is only busy."""
        attempt = 1
        while True:
            response = await self._post(body)
            if response.is_success:
                return response
            if response.status_code not in PASSING or attempt == TRIES:
                raise self._refused(response)
            await self._sleep(_wait(response, attempt))
            attempt += 1

    async def _post(self, body: Json) -> httpx2.Response:
        path = self._url.rstrip("/") + self.dialect.path
        try:
            return await self._http.post(path, json=body, headers=self.dialect.headers(self._key))
        except httpx2.TimeoutException as exc:
            raise EndpointError(
                f"{self._where} gave no answer within {self._timeout:g} s: give it longer with"
                " --timeout."
            ) from exc
        except httpx2.TransportError as exc:
            raise EndpointError(
                f"{self._where} cannot be reached ({type(exc).__name__}): check --base-url and the"
                " network.",
                lasting=True,
            ) from exc

    def _refused(self, response: httpx2.Response) -> EndpointError:
        status = response.status_code
        said = f"{self._where} answered {status} {_phrase(status)}{self._words(response)}"
        if status in (401, 403):
            mend = f"it does not accept the key in {self.dialect.key_variable}."
        elif status == 404:
            mend = "check --base-url and --model."
        elif status == 429:
            return EndpointError(f"{said}: too many requests, in {TRIES} tries; wait, or ask less.")
        elif status in PASSING:
            return EndpointError(f"{said}, in {TRIES} tries.")
        else:
            # Such as a conversation that is too long for the model: another task's may be shorter.
            return EndpointError(f"{said}.")
        return EndpointError(f"{said}: {mend}", lasting=True)

    @property
    def _where(self) -> str:
        return httpx2.URL(self._url).host

    def _words(self, response: httpx2.Response) -> str:
        """What the endpoint says itself, in one short line; never the key, which some repeat."""
        try:
            said: Any = response.json()["error"]["message"]
        except (ValueError, KeyError, TypeError):
            return ""
        line = " ".join(str(said).split())
        # Some repeat a key with dots in its middle.
        hidden = line.replace(self._key, "***") if self._key else line
        shown = re.sub(r"\b(sk|key)-[\w*.-]+", "***", hidden)
        return f' ("{shown:.200}")'


def _wait(response: httpx2.Response, attempt: int) -> float:
    """Seconds before the next try: those that were asked for, within reason."""
    try:
        asked = float(response.headers.get("retry-after", ""))
    except ValueError:
        asked = 5.0 * 2 ** (attempt - 1)
    return min(max(asked, 0.0), LONGEST_WAIT) if asked == asked else LONGEST_WAIT


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(overloaded)" if status == 529 else "(unknown status)"
