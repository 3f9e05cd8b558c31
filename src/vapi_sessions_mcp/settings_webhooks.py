"""Which settings of webhooks can be used, alone and together."""

import re
from typing import TYPE_CHECKING

from vapi_sessions_mcp.settings_rules import SettingsError

if TYPE_CHECKING:
    from vapi_sessions_mcp.settings import Settings

# A header's name (RFC 9110, token).
_PAYLOAD, _TIME_HEADER = "{timestamp}.{body}", "x-timestamp"
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
# Headers whose values HTTP, or this server, gives a meaning that leaves no room for another.
_TAKEN = (
    *("connection", "content-encoding", "content-length", "content-type", "expect", "host"),
    *("keep-alive", "origin", "te", "trailer", "transfer-encoding", "upgrade"),
)


def check_webhooks(settings: "Settings") -> None:
    """Raise SettingsError for the first rule that `settings` break."""
    if settings.redis_url is not None and not re.match(r"rediss?://|unix://", settings.redis_url):
        raise SettingsError(
            "VAPI_MCP_REDIS_URL is not shown, since it may hold a password, and is not the URL of"
            " a Redis: it begins with rediss://, redis:// or unix://."
        )
    if not settings.webhooks:
        _check_alone(settings)
    elif "http" in settings.transports:
        _check_served(settings)
    if settings.reports_changes and settings.asks("caller-key"):
        raise SettingsError(
            "--auth caller-key lets in callers of any organization, and Vapi reports the changes of"
            " one: leave --webhooks and VAPI_MCP_REDIS_URL out."
        )


def _check_served(settings: "Settings") -> None:
    if not settings.webhook_secrets:
        raise SettingsError(
            "--webhooks needs a secret in VAPI_MCP_WEBHOOK_SECRET, or in the file that its name"
            " with _FILE names: without it anybody could report changes."
        )
    if settings.workers > 1 and not settings.redis_url:
        raise SettingsError(
            "--webhooks with --workers needs VAPI_MCP_REDIS_URL: a change that Vapi reports to one"
            " of them has to reach the subscribers of all."
        )
    for option, name in (
        ("--webhook-header", settings.webhook_header),
        ("--webhook-timestamp-header", settings.webhook_timestamp_header),
    ):
        if name is not None and not _NAME.fullmatch(name):
            raise SettingsError(f"{option} {name!r:.60} is not the name of a header.")
        if name is not None and name.lower() in _TAKEN:
            raise SettingsError(
                f"{option} {name} has a meaning of its own in every request: name another header."
            )
    # Without its braces, what is left is taken as it is.
    named = re.findall(r"\{[^}]*\}?|\}", settings.webhook_payload)
    if sorted(named) not in (["{body}"], ["{body}", "{timestamp}"]):
        raise SettingsError(
            f"--webhook-payload {settings.webhook_payload!r:.60} has to hold {{body}} once, and may"
            " hold {timestamp} once: nothing else that Vapi can sign is known here."
        )
    _check_signed(settings)


def _check_signed(settings: "Settings") -> None:
    """What is about signatures has an effect, and each of their headers is one of its own."""
    is_signed = settings.webhook_auth == "hmac"
    has_time = is_signed and "{timestamp}" in settings.webhook_payload
    if not is_signed and settings.webhook_payload != _PAYLOAD:
        raise SettingsError(
            "--webhook-payload is for --webhook-auth hmac: add it, or leave --webhook-payload out."
        )
    if not has_time and settings.webhook_timestamp_header != _TIME_HEADER:
        needed = "a payload with {timestamp}" if is_signed else "--webhook-auth hmac"
        raise SettingsError(
            f"--webhook-timestamp-header is for {needed}: add it, or leave"
            " --webhook-timestamp-header out."
        )
    header = settings.webhook_header or "x-signature"
    if has_time and header.lower() == settings.webhook_timestamp_header.lower():
        raise SettingsError(
            f"--webhook-timestamp-header {settings.webhook_timestamp_header} is the header of the"
            " signature: name the one that holds the time."
        )


def _check_alone(settings: "Settings") -> None:
    given = {
        "--webhook-auth": settings.webhook_auth != "bearer",
        "--webhook-header": settings.webhook_header is not None,
        "--webhook-timestamp-header": settings.webhook_timestamp_header != _TIME_HEADER,
        "--webhook-payload": settings.webhook_payload != _PAYLOAD,
    }
    for option, is_given in given.items():
        if is_given:
            raise SettingsError(f"{option} is for --webhooks: add it, or leave {option} out.")
