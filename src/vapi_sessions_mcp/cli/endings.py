"""How the command ends: an exit code, and one line on stderr where something went wrong."""

import codecs
import errno
import logging
import os
import sys
import unicodedata
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TextIO, cast

import click

from vapi_sessions_mcp.logs import announce, log_fault
from vapi_sessions_mcp.settings import SettingsError

NAME = "vapi-sessions-mcp"
# What a shell says of a program that the end of a pipe stopped: 128 + SIGPIPE.
PIPE_CLOSED = 141
# The output cannot be written: a full disk or a quota.
_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def run(command: click.Group, arguments: Sequence[str]) -> int:
    """Run `command` and return its exit code: 2 where nothing could be started."""
    _use_plain_characters()
    try:
        with command.make_context(NAME, [*arguments]) as context:
            code = command.invoke(context) or 0
        _flush()
        return code
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 130
    except Exception as exc:  # noqa: BLE001 - nothing may end in a stack trace
        return _failed(innermost(exc))


def say(line: str) -> None:
    """Write one line to stderr, through the log where there is one: stderr may be a full pipe."""
    text = f"{NAME}: {' '.join(line.split())}"
    if not announce(text):
        try:
            click.echo(text, err=True)
        except OSError:
            _drop(sys.stderr)


def is_of_output(error: BaseException) -> bool:
    """Whether `error` is about writing what a command says."""
    gone = isinstance(error, BrokenPipeError)
    return gone or (isinstance(error, OSError) and error.errno in _UNWRITABLE)


def innermost(error: BaseException) -> BaseException:
    """The first error in groups of groups, which tasks raise."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def _use_plain_characters() -> None:
    """Write what a code page does not have, such as "…", in ASCII."""
    codecs.register_error("vapi_sessions_mcp", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="vapi_sessions_mcp")


def _plain(error: UnicodeError) -> tuple[str, int]:
    failed = cast("UnicodeEncodeError", error)
    text = unicodedata.normalize("NFKD", failed.object[failed.start : failed.end])
    return text.encode("ascii", "replace").decode(), failed.end


def _flush() -> None:
    if sys.stdout:
        sys.stdout.flush()


def _unwritten(error: OSError) -> int:
    """The exit code for output that was not written, all of which is dropped."""
    _drop(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return PIPE_CLOSED
    say(f"cannot write the output: {error.strerror}.")
    return 1


def _drop(stream: TextIO) -> None:
    """Forget what `stream` could not write, which would fail once more at the very end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _failed(error: BaseException) -> int:
    match error:
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return 2
        case click.ClickException():
            say(error.format_message())
            return 2
        case SettingsError():
            say(str(error))
            return 2
        case OSError() if is_of_output(error):
            return _unwritten(error)
        case _:
            log_fault(error, logging.DEBUG)
            say(
                f"stopped by a fault of its own ({type(error).__name__}): --log-level debug says"
                " where it is; please report it."
            )
            return 1
