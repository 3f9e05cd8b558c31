"""What is done with sessions: one request performed and answered, or one VapiError raised."""

from collections.abc import Callable
from functools import partial

from vapi_sessions_mcp.caller import CallRecord
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.requests import (
    ConfirmedDeleteRequest,
    GetRequest,
    Request,
    UpdateRequest,
)
from vapi_sessions_mcp.offload import offload
from vapi_sessions_mcp.sessions.append import append
from vapi_sessions_mcp.sessions.confirm import Ask, delete, nobody_to_ask
from vapi_sessions_mcp.sessions.pins import Pins
from vapi_sessions_mcp.sessions.scan import Progress, nobody, scan
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi
from vapi_sessions_mcp.views.answer import Answer, Shape


class Sessions:
    """The sessions behind one client of Vapi, as far as the settings let anybody reach them."""

    def __init__(self, vapi: Vapi, settings: Settings) -> None:
        """`vapi` must be open whenever `answer` is called."""
        self._vapi = vapi
        self._pins = Pins(settings)
        self.shape = Shape(settings)

    async def answer(
        self,
        operation: Operation,
        request: Request,
        record: CallRecord,
        *,
        progress: Progress = nobody,
        ask: Ask = nobody_to_ask,
    ) -> Answer:
        """The answer to one call, noted in `record`; raises a VapiError where there is none."""
        record.session = request.path().get("id", "")
        perform = self._pins.restrict(partial(self._vapi.call, record=record))
        shape, masked = self.shape, self.shape.masked

        async def shaped(work: Callable[[], Answer]) -> Answer:
            return await offload(record.weight, work)

        match request:
            case GetRequest():
                found = await perform(operation, request)
                return await shaped(lambda: shape.session(masked(found), request))
            case ListRequest(scans=True):
                found = await scan(perform, request, progress)
                return await shaped(lambda: shape.page(masked(found), request))
            case ListRequest():
                found = await perform(operation, request)
                return await shaped(lambda: shape.page(masked(found), request))
            case UpdateRequest(append_messages=list()):
                self._pins.check(request)  # before the first read, for nothing is sent then
                session, note = await append(perform, request)
                return await shaped(lambda: Answer(masked(session), note))
            case ConfirmedDeleteRequest():
                session = await delete(perform, request, ask, masked)
                return await shaped(lambda: Answer(masked(session)))
            case _:
                session = await perform(operation, request)
                record.note_session(session["id"])
                return await shaped(lambda: Answer(masked(session)))
