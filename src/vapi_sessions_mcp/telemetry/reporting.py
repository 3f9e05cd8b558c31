"""Whether anything is reported, and the sentence for what cannot be."""

import logging
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from vapi_sessions_mcp.settings_rules import SettingsError
from vapi_sessions_mcp.telemetry.report import OFF, Telemetry
from vapi_sessions_mcp.telemetry.variables import asked, is_disabled

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

MISSING = "the extra otel is missing: pip install 'vapi-sessions-mcp[otel]'."
DISABLED = "OTEL_SDK_DISABLED turns off what --metrics would serve: leave one of them out."

_LOG = logging.getLogger("vapi_sessions_mcp.start")


def is_installed() -> bool:
    """Whether there is what reports."""
    try:
        import_module("vapi_sessions_mcp.telemetry.exports")  # it imports all of the extra
    except ImportError:
        return False
    return True


@contextmanager
def reporting(
    environ: Mapping[str, str], words: Collection[str], *, page: bool, supervises: bool = False
) -> Generator[tuple[Telemetry, "CollectorRegistry | None"]]:
    """What listens while the block runs, and with a `page` what it shows.

    Raises SettingsError where that page cannot be had. What the variables ask for may be meant
    for other programs of this machine: where it cannot be had, the log says so. A process that
    only `supervises` others reports nothing of its own.
    """
    wanted = asked(environ)
    for fault in wanted.faults:
        _LOG.warning("%s", fault)
    if page and is_disabled(environ):
        raise SettingsError(DISABLED)
    if not (page or wanted.anything):
        yield OFF, None
        return
    exports, reason = None, ""
    try:
        # 60 ms, and what most people do not install.
        from vapi_sessions_mcp.telemetry.exports import Exports

        exports = None if supervises else Exports(wanted, words, page=page)
    except ImportError:
        reason = MISSING
    except (OSError, ValueError):
        reason = "a variable that begins with OTEL_ has a value that cannot be used."
    if reason and page:
        raise SettingsError(f"--metrics cannot be served, as {reason}")
    if reason:
        _LOG.warning("nothing is sent to where OTEL_EXPORTER_OTLP_ENDPOINT points: %s", reason)
    if exports is None:
        yield OFF, None
        return
    try:
        yield exports.telemetry, exports.registry if page else None
    finally:
        exports.end()
