"""What a server does before it imports the SDK: it says what is odd, and answers the prelude."""

import logging
import sys

from vapi_sessions_mcp.cli.endings import say
from vapi_sessions_mcp.settings import Settings, SettingsError
from vapi_sessions_mcp.transports.prelude import Begun, Prelude, converse
from vapi_sessions_mcp.transports.published import Published
from vapi_sessions_mcp.transports.signals import Stopped, hold, stoppable

_LOG = logging.getLogger("vapi_sessions_mcp.start")
IN_A_TERMINAL = (
    "waiting on stdin for an MCP host, which starts this command by itself. To see it work, end it"
    " with Ctrl-D and run `vapi-sessions-mcp demo`; --help lists the options."
)
HOST_GONE = "the host closed the connection before the last answer."


def begin(settings: Settings) -> Begun | None:
    """What has to be served, a conversation or more; None where it ended before the SDK was needed.

    Until the first answer of the SDK's a signal to stop waits.
    """
    if settings.api_key is None and not settings.sandbox and not settings.asks("caller-key"):
        _LOG.warning("%s: tools are listed, and no call can reach Vapi", settings.key_fault)
    if "stdio" not in settings.transports:
        return Begun()
    if sys.stdin is None:
        return None
    if sys.stdout is None:
        raise SettingsError("stdout is closed, where the answers to a host go: give it a pipe.")
    if sys.stdin.isatty():
        say(IN_A_TERMINAL)
    if not _has_prelude(settings):
        return Begun()
    try:
        with stoppable() as signalled:
            begun = converse(Prelude(Published(settings)), wakes=(signalled,))
            if begun is not None:
                hold()
    except Stopped:
        return None
    except BrokenPipeError:
        say(HOST_GONE)
        return None
    return begun


def _has_prelude(settings: Settings) -> bool:
    """Whether it hides nothing, such as the SDK's own log or a file that cannot be opened.

    What is published says nothing of subscriptions.
    """
    unlike = settings.sandbox_db or settings.reports_changes
    return not (settings.no_prelude or settings.log_level == "debug" or unlike)
