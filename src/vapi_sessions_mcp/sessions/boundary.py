"""What nobody foresaw in a call ends here: a sentence for the caller, the reason for the log."""

from collections.abc import Generator
from contextlib import contextmanager

from vapi_sessions_mcp.caller import CallRecord
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.errors import Broken, VapiError
from vapi_sessions_mcp.logs import log_fault


@contextmanager
def boundary(
    operation: Operation, record: CallRecord, *foreseen: type[Exception]
) -> Generator[None]:
    """Around one call: every failure but a VapiError or one of `foreseen` becomes Broken."""
    try:
        yield
    except (VapiError, *foreseen):
        raise
    except Exception as exc:
        log_fault(exc)
        raise Broken(_sentence(operation, record)) from exc


def _sentence(operation: Operation, record: CallRecord) -> str:
    doing = operation.doing.format(id=record.session)
    text = f"Could not {doing}: something in this server failed; its log says more."
    if not record.tries:
        return f"{text} Nothing was sent to Vapi."
    if not operation.find_out:
        return f"{text} Nothing was changed."
    find_out = operation.find_out.format(id=record.session)
    return f"{text} It may or may not have happened: {find_out}."
