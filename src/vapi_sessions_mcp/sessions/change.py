"""Updates and deletes a session; whatever takes something away is guarded as a delete is."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

from vapi_sessions_mcp.contract.bodies import LIFETIME_SECONDS
from vapi_sessions_mcp.contract.operations import DELETE, GET, UPDATE, Perform
from vapi_sessions_mcp.contract.requests import DeleteRequest, GetRequest, UpdateRequest
from vapi_sessions_mcp.errors import BadArguments
from vapi_sessions_mcp.json_text import apart, as_list
from vapi_sessions_mcp.sessions import masks
from vapi_sessions_mcp.sessions.append import append
from vapi_sessions_mcp.sessions.confirm import (
    Ask,
    Consent,
    Question,
    check_unchanged,
    question_about,
)
from vapi_sessions_mcp.sessions.locks import Locks
from vapi_sessions_mcp.settings import ConfirmDelete, Settings

Json: TypeAlias = dict[str, Any]


class Changes:
    """Changes sessions as far as the settings allow."""

    def __init__(self, settings: Settings, masked: Callable[[Json], Json]) -> None:
        """`masked` is what callers see of a session: what questions may show."""
        self._no_delete = settings.no_delete
        self._mode: ConfirmDelete | None = settings.confirm_delete
        self._masked = masked
        self._locks = Locks(settings.timeout)

    async def delete(self, perform: Perform, request: DeleteRequest, ask: Ask) -> tuple[Json, str]:
        """The deleted session, as Vapi answered it, and a note; raises a VapiError."""
        if self._mode is not None:
            asked = await self._question(perform, request.id, "Delete")
            consent = Consent(self._mode, ask, getattr(request, "confirm", None))
            await consent.obtain(request.id, asked)
            now = await self._question(perform, request.id, "Delete")
            check_unchanged(asked, now, request.id)
        session = await perform(DELETE, request)
        gone = session == {"id": request.id, "deleted": True}
        return session, "Deleted. Vapi sent no copy of the session." if gone else ""

    async def update(self, perform: Perform, request: UpdateRequest, ask: Ask) -> tuple[Json, str]:
        """The session after the update, and a note; raises a VapiError.

        With `body.messages` it has the conversation that was replaced as
        `replacedMessages`.
        """
        body = request.content()
        replaces, appends = "messages" in body, request.append_messages is not None
        self._check_replacing(replaces)
        asked = await self._ask_first(perform, request, body, ask)
        async with AsyncExitStack() as held:
            before: Json = {}
            if replaces or appends or asked or self._must_read(body):
                # What is read now must still be so when it is written.
                await held.enter_async_context(self._locks.hold(request.id))
                before = await perform(GET, GetRequest(id=request.id))
                self._check(body, before)
                if self._mode is not None:
                    check_unchanged(asked, self._about(body, before, request.id), request.id)
            if appends:
                return await append(perform, request, before)
            session = await perform(UPDATE, request)
        if replaces:
            replaced = ("replacedMessages", as_list(before.get("messages")))
            session = apart([*session.items(), replaced])
        return session, ""

    def _check_replacing(self, replaces: bool) -> None:
        if replaces and self._no_delete:
            raise BadArguments(
                [
                    "`body.messages` would delete the conversation that is there, and this server"
                    " was started with --no-delete: use `appendMessages`."
                ]
            )

    def _must_read(self, body: Json) -> bool:
        guarded = self._no_delete or self._mode is not None
        return masks.holds_mask(body) or (guarded and "expirationSeconds" in body)

    async def _ask_first(
        self, perform: Perform, request: UpdateRequest, body: Json, ask: Ask
    ) -> Question | None:
        """The question to which somebody agreed; None where there is nothing to ask."""
        if self._mode is None or not {"messages", "expirationSeconds"} & body.keys():
            return None
        before = await perform(GET, GetRequest(id=request.id))
        self._check(body, before)
        asked = self._about(body, before, request.id)
        if asked is not None:
            consent = Consent(self._mode, ask, getattr(request, "confirm", None))
            await consent.obtain(request.id, asked)
        return asked

    def _check(self, body: Json, before: Json) -> None:
        """Raise what speaks against writing `body` over what is there."""
        if masks.holds_mask(body):
            masks.check_update(body, before, self._masked)
        if self._no_delete and _shortens(body, before):
            raise BadArguments(
                [
                    "`body.expirationSeconds` would shorten the session's lifetime, which deletes"
                    " it sooner, and this server was started with --no-delete: leave it out."
                ],
                session_read=True,
            )

    def _about(self, body: Json, before: Json, id: str) -> Question | None:
        """What to ask about an update that takes something away."""
        replaced = f"replace all messages by {len(body['messages'])}" if "messages" in body else ""
        shorter = f"shorten the lifetime to {body.get('expirationSeconds')} s"
        losses = [replaced] * bool(replaced) + [shorter] * _shortens(body, before)
        if not losses:
            return None
        loss = f"{' and '.join(losses).capitalize()} of"
        return question_about(id, self._masked(before), loss, body)

    async def _question(self, perform: Perform, id: str, loss: str) -> Question:
        session = await perform(GET, GetRequest(id=id))
        return question_about(id, self._masked(session), loss)


def _shortens(body: Json, before: Json) -> bool:
    """Whether `body` lets the session end sooner than it would."""
    if "expirationSeconds" not in body:
        return False
    now = before.get("expirationSeconds")
    return body["expirationSeconds"] < (now if isinstance(now, int | float) else LIFETIME_SECONDS)
