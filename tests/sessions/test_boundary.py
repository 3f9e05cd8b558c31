"""A call that fails as nobody foresaw says whether anything can have happened at Vapi."""

import pytest

from support.broken import WORDS, faults
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.contract.operations import CREATE, GET
from vapi_sessions_mcp.errors import Broken, NotFound, not_found
from vapi_sessions_mcp.sessions.boundary import boundary


def test_before_anything_was_sent_nothing_has_to_be_found_out() -> None:
    # Whoever is sent to look for a session that was never asked for looks for a long time.
    with pytest.raises(Broken) as raised, boundary(CREATE, CallRecord(caller=Caller())):
        raise KeyError(WORDS)
    assert str(raised.value) == (
        "Could not create the session: something in this server failed; its log says more."
        " Nothing was sent to Vapi."
    )


def test_what_was_foreseen_passes(caplog: pytest.LogCaptureFixture) -> None:
    # It has a sentence of its own already, or somebody else who handles it.
    record = CallRecord(caller=Caller())
    with pytest.raises(NotFound), boundary(GET, record):
        raise not_found("s-1")
    with pytest.raises(KeyError), boundary(GET, record, KeyError):
        raise KeyError
    assert faults(caplog.records) == []
