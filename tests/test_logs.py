"""A failure's line names what failed and where, and repeats nothing that anybody said."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from support.broken import WORDS
from vapi_sessions_mcp import logs


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Logs an exception as libraries do, through the formatter that the server uses."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    logs.set_up("info", "json")
    [handler] = root.handlers
    root.handlers[:], formatter = before, handler.formatter
    root.setLevel(level)
    assert formatter is not None

    def log(error: BaseException, message: str = "it failed") -> dict[str, Any]:
        info = (type(error), error, error.__traceback__)
        record = logging.LogRecord("a.library", logging.ERROR, "", 0, message, (), info)
        return json.loads(formatter.format(record))

    return log


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    """The same, with a traceback."""
    try:
        raise error from cause
    except Exception as exc:  # noqa: BLE001 - what is raised
        return exc


def test_a_failure_is_named_by_what_is_at_the_bottom_of_it(log: Callable[..., Any]) -> None:
    # "ExceptionGroup" says that something failed somewhere.
    leaf = raised(KeyError(WORDS))
    for error in (
        leaf,
        ExceptionGroup(WORDS, [leaf, ValueError(WORDS)]),
        raised(RuntimeError(WORDS), leaf),
        raised(RuntimeError(WORDS), ExceptionGroup(WORDS, [ExceptionGroup("", [leaf])])),
    ):
        line = log(error)
        assert line["exception"] == "KeyError"
        assert line["at"].startswith("tests.test_logs:") or line["at"].startswith("test_logs:")
        assert WORDS not in json.dumps(line)


def test_what_was_being_handled_meanwhile_is_not_taken_for_the_cause(
    log: Callable[..., Any],
) -> None:
    # A mistake in the handling of a refusal is the mistake; the refusal is not.
    mistake = raised(TypeError(WORDS))
    mistake.__context__ = raised(KeyError(WORDS))
    assert log(mistake)["exception"] == "TypeError"


def test_a_line_of_ours_is_named_before_one_of_a_library_s(log: Callable[..., Any]) -> None:
    # Where a library failed says little; where we called it says what with.
    with pytest.raises(KeyError) as ours:
        logs.set_up("no such level")
    assert log(raised(ValueError(), ours.value))["at"].startswith("vapi_sessions_mcp.logs:")


def test_an_error_that_is_its_own_cause_or_was_never_raised_is_logged(
    log: Callable[..., Any],
) -> None:
    # A log that hangs takes the server with it.
    error = KeyError(WORDS)
    assert log(error)["at"] == "unknown"
    error.__cause__ = error
    assert log(error)["exception"] == "KeyError"
    error.__cause__, other = (loop := ValueError(WORDS)), loop
    other.__cause__ = error
    assert log(error)["exception"] == "ValueError"


def test_of_a_library_s_message_about_an_exception_only_the_first_line_is_kept(
    log: Callable[..., Any],
) -> None:
    # asyncio repeats the exception below it, with all that it says.
    line = log(KeyError(WORDS), f"Task exception was never retrieved\nfuture: {WORDS}")
    assert line["message"] == "Task exception was never retrieved"
    assert WORDS not in json.dumps(line)


def test_a_stack_trace_that_comes_as_text_is_left_out(log: Callable[..., Any]) -> None:
    # Starlette hands over that of a lifespan so.
    line = log(KeyError(WORDS), f"Traceback (most recent call last):\n  {WORDS}")
    assert line["message"] == "A failure, whose stack trace is left out"
    assert WORDS not in json.dumps(line)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_line_holds_what_nobody_sees(log_format: Any) -> None:
    # A line that reads in another order than it is written in is an account of nothing.
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    logs.set_up("info", log_format)
    [handler] = root.handlers
    root.handlers[:], formatter = before, handler.formatter
    root.setLevel(level)
    assert formatter is not None
    hidden = "a\u202eb\u200b\U000e0041c"
    record = logging.LogRecord("a.library", logging.ERROR, "", 0, hidden, (), None)
    record.fields = {"at": hidden}
    line = formatter.format(record)
    assert line.count("a.library") == 1
    assert not set("\u202e\u200b\U000e0041") & set(line)
