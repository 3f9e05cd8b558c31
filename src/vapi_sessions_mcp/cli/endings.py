"""How the command ends: an exit code, and one line on stderr where something went wrong."""

import logging
from collections.abc import Sequence
from typing import cast

import click

from vapi_sessions_mcp.logs import announce, log_fault
from vapi_sessions_mcp.settings import SettingsError

NAME = "vapi-sessions-mcp"


def run(command: click.Group, arguments: Sequence[str]) -> int:
    """Run `command` and return its exit code: 2 where nothing could be started."""
    try:
        with command.make_context(NAME, [*arguments]) as context:
            return command.invoke(context) or 0
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 130
    except Exception as exc:  # noqa: BLE001 - nothing may end in a stack trace
        return _failed(_innermost(exc))


def say(line: str) -> None:
    """Write one line to stderr, through the log where there is one: stderr may be a full pipe."""
    text = f"{NAME}: {' '.join(line.split())}"
    if not announce(text):
        click.echo(text, err=True)


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
        case _:
            log_fault(error, logging.DEBUG)
            say(
                f"stopped by a fault of its own ({type(error).__name__}): --log-level debug says"
                " where it is; please report it."
            )
            return 1


def _innermost(error: BaseException) -> BaseException:
    """The first error in groups of groups, which tasks raise."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
