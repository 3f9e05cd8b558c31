"""An error of a call to Vapi says nothing that is secret."""

import traceback

import pytest

from support.faults import FAULTS, FINAL, KEY
from support.faulty_vapi import FaultyVapi
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.contract import operations
from vapi_sessions_mcp.contract.requests import GetRequest
from vapi_sessions_mcp.errors import VapiError
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "fault",
    [
        *("refused", "reset before reading", "SSH", "no answer", "HTML", "null", "not gzip"),
        *("a gzip bomb", "500 with the key", "429, no wait", "json-401", "json-404"),
    ],
)
async def test_no_repr_and_no_traceback_holds_the_key(fault: str) -> None:
    # Somebody will log an exception with its causes, or print the settings to look at them.
    answer = {**FAULTS, **FINAL}[fault].answer
    async with FaultyVapi(otherwise=answer) as vapi:
        nobody = "http://127.0.0.1:9"
        settings = Settings(api_key=KEY, base_url=vapi.url if answer else nobody, timeout=1)
        async with Vapi(settings) as client:
            of = CallRecord(caller=Caller(api_key=KEY))
            with pytest.raises(VapiError) as caught:
                await client.call(operations.GET, GetRequest(id="s-1"), of)
    told = [
        *traceback.format_exception(caught.value),
        *map(repr, (settings, client, vars(client), of.caller, of)),
    ]
    error: BaseException | None = caught.value
    while error is not None:
        told += [repr(error), repr(error.args), repr(vars(error))]
        error = error.__context__
    assert KEY not in "".join(told)
