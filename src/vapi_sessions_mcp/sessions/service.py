"""What is done with sessions: one request performed and answered, or one VapiError raised."""

from collections.abc import Callable
from functools import partial

from vapi_sessions_mcp.caller import CallRecord
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.requests import DeleteRequest, GetRequest, Request, UpdateRequest
from vapi_sessions_mcp.offload import offload
from vapi_sessions_mcp.sessions.change import Changes
from vapi_sessions_mcp.sessions.confirm import Ask, nobody_to_ask
from vapi_sessions_mcp.sessions.masks import check_create
from vapi_sessions_mcp.sessions.pins import Pins
from vapi_sessions_mcp.sessions.scan import Progress, nobody, scan
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi
from vapi_sessions_mcp.views.answer import Answer, Shape


class Sessions:
    """The sessions behind one client of Vapi, as far as the settings let anybody reach them."""

    def __init__(self, vapi: Vapi, settings: Settings) -> None:
        """`vapi` must be open whenever `answer` is called."""
        self._vapi, self.telemetry = vapi, vapi.telemetry
        self._pins = Pins(settings)
        self.shape = Shape(settings, vapi.clock)
        self._changes = Changes(settings, self.shape.masked)

    async def answer(
        self,
        operation: Operation,
        request: Request,
        record: CallRecord,
        *,
        progress: Progress = nobody,
        ask: Ask = nobody_to_ask,
    ) -> Answer:
        """The answer to one call, noted in `record`; raises a VapiError otherwise."""
        record.session = request.path().get("id", "")
        perform = self._pins.restrict(partial(self._vapi.call, record=record))
        shape, masked = self.shape, self.shape.masked

        async def shaped(work: Callable[[], Answer]) -> Answer:
            return await offload(record.weight, work)

        match request:
            case GetRequest():
                found = await perform(operation, request)
                return await shaped(lambda: shape.session(found, request))
            case ListRequest(scans=True):
                found = await scan(perform, request, progress, masked=masked)
                return await shaped(lambda: shape.page(found, request, is_masked=True))
            case ListRequest():
                found = await perform(operation, request)
                return await shaped(lambda: shape.page(found, request))
            case UpdateRequest():
                self._pins.check(request)  # before the first read, for nothing is sent then
                session, note = await self._changes.update(perform, request, ask)
            case DeleteRequest():
                session, note = await self._changes.delete(perform, request, ask)
            case _:
                check_create(request.content() or {})
                session, note = await perform(operation, request), ""
                record.note_session(session["id"])
        return await shaped(lambda: Answer(masked(session), note))
