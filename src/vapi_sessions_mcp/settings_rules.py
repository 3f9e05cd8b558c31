"""Which settings can be used, alone and together; a refusal says what to do instead."""

import ipaddress
import re
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vapi_sessions_mcp.host_names import normal_host

if TYPE_CHECKING:
    from vapi_sessions_mcp.settings import Settings


_ADDRESS = re.compile(r"((\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):)?[0-9]{1,5}")
# The usual port is left out by browsers, and a path is none of an origin's.
_ORIGIN = re.compile(r"(?!http://.*:80$|https://.*:443$)[a-z][a-z0-9+.-]*://[^\s/?#@A-Z]+")


class SettingsError(Exception):
    """A setting that cannot be used; `str()` says which, and what to do."""


def check(settings: "Settings") -> None:
    """Raise SettingsError for the first rule that `settings` break."""
    check_url("--base-url", settings.base_url, "the API key")
    if "stdio" in settings.transports:
        _check_alone(settings)
    _check_auth(settings)
    if "stdio" not in settings.transports:
        _check_ports(settings)
        _check_metrics(settings)
        _check_host_names(settings)
        (_check_names if is_loopback(settings.host) else _check_exposure)(settings)
    for origin in settings.allowed_origins:
        _check_origin(origin)
    _check_pins(settings)
    if settings.workers > 1:
        _check_workers(settings)
    if settings.sandbox_db and not settings.sandbox:
        raise SettingsError("--sandbox-db keeps the sandbox's data: add --sandbox.")
    if settings.sandbox_now and not settings.sandbox:
        raise SettingsError("--sandbox-now stops the sandbox's clock: add --sandbox.")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_one_word(text: str) -> bool:
    """Whether `text` can be sent in a header as it is: visible ASCII without spaces."""
    return text.isascii() and text.isprintable() and " " not in text


def check_url(option: str, url: str, secret: str) -> None:
    """Raise SettingsError for a URL by which `secret` could be read on the way."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        if not url.isprintable() or " " in url:
            raise ValueError(url)
    except ValueError:
        raise SettingsError(f"{option} {url!r} is not a URL.") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError(f"{option} takes scheme, host, port and path only.")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise SettingsError(
            f"{option} {url!r} must be https, or http on this machine:"
            f" {secret} must not cross a network unencrypted."
        )


def _check_origin(origin: str) -> None:
    """Refuse what no browser sends as the origin of a page, and what many pages share."""
    if origin == "null":
        raise SettingsError(
            "--allowed-origin null would let in files, sandboxed frames and whoever makes one: give"
            " the page an origin of its own."
        )
    if "*" in origin:
        raise SettingsError(
            f"--allowed-origin {origin} would let in pages that nobody here knows: list the origins"
            " one by one."
        )
    if not _ORIGIN.fullmatch(origin):
        raise SettingsError(
            f"--allowed-origin {origin!r:.80} is not what a browser sends: scheme, host and a port"
            " that is not the usual one, in small letters, such as https://app.example.com."
        )


def _check_alone(settings: "Settings") -> None:
    if set(settings.transports) != {"stdio"}:
        raise SettingsError(
            "--transport stdio serves the one host that started it and goes with no other:"
            " start a second process for http or rest."
        )
    if settings.auth:
        raise SettingsError(
            f"--auth {settings.auth[0]} asks who calls over http and rest; stdio serves the one"
            " host that started it: add --transport http, or leave --auth out."
        )


def _check_workers(settings: "Settings") -> None:
    if settings.sandbox:
        raise SettingsError(
            "--workers would start a sandbox in each of them, with data of its own: leave --workers"
            " or --sandbox out."
        )
    if sys.platform == "win32":  # pragma: no cover - a socket cannot be handed on like this there
        raise SettingsError("--workers needs Linux or macOS: start several servers instead.")


def _check_auth(settings: "Settings") -> None:
    if settings.asks("oauth"):
        _check_oauth(settings)
    elif settings.oauth_issuer or settings.oauth_audiences or settings.public_url:
        raise SettingsError(
            "--oauth-issuer, --oauth-audience and --public-url are for --auth oauth: add it, or"
            " leave them out."
        )
    if settings.asks("token"):
        if settings.asks("oauth"):
            raise SettingsError(
                "--auth oauth and bearer tokens (VAPI_MCP_TOKENS, VAPI_MCP_READ_TOKENS) both read"
                " the Authorization header: give one of them."
            )
        if not settings.tokens and not settings.read_tokens:
            raise SettingsError(
                "--auth token needs tokens to compare with: list them in VAPI_MCP_TOKENS or"
                " VAPI_MCP_READ_TOKENS, or in a file that VAPI_MCP_TOKENS_FILE names."
            )
        if set(settings.tokens) & set(settings.read_tokens):
            raise SettingsError(
                "VAPI_MCP_TOKENS and VAPI_MCP_READ_TOKENS hold the same token: make two."
            )
    if settings.allow_unauthenticated and (settings.auth or settings.asks("token")):
        raise SettingsError(
            "--allow-unauthenticated contradicts --auth and VAPI_MCP_TOKENS: give one of them."
        )


def _check_oauth(settings: "Settings") -> None:
    for option, url in (
        ("--oauth-issuer", settings.oauth_issuer),
        ("--public-url", settings.public_url),
    ):
        if url is None:
            raise SettingsError(
                "--auth oauth needs --oauth-issuer, the authorization server, and --public-url,"
                " what clients call this server by, such as https://sessions.example.com."
            )
        check_url(option, url, "a token")


def _check_exposure(settings: "Settings") -> None:
    if not (settings.allow_unauthenticated or settings.auth or settings.asks("token")):
        raise SettingsError(
            f"--host {settings.host} lets other machines in, and nothing asks them who they are:"
            " keep 127.0.0.1, set --auth, or add --allow-unauthenticated if something in front"
            " asks."
        )
    if not settings.allowed_hosts:
        raise SettingsError(
            f"--host {settings.host} needs --allowed-host: the name that clients put in the URL,"
            " such as sessions.example.com."
        )


def _check_ports(settings: "Settings") -> None:
    both = {"http", "rest"} <= set(settings.transports)
    if both and settings.port == settings.rest_port != 0:
        raise SettingsError(
            f"--port and --rest-port are both {settings.port}, and http and rest need a port each:"
            " change one of them."
        )


def _check_metrics(settings: "Settings") -> None:
    if settings.metrics is None:
        return
    if not _ADDRESS.fullmatch(settings.metrics) or settings.metrics_address[1] > 65_535:
        raise SettingsError(
            f"--metrics {settings.metrics!r:.60} is not [HOST:]PORT, such as 9464 or 0.0.0.0:9464."
        )
    ports = {"http": settings.port, "rest": settings.rest_port}
    _, port = settings.metrics_address
    # Each worker has the port behind the one of the worker before it.
    taken = range(port, port + settings.workers) if port else range(0)
    if taken and taken[-1] > 65_535:
        raise SettingsError(
            f"--metrics {settings.metrics} leaves no ports for {settings.workers} workers, which"
            f" have one each: begin at {65_536 - settings.workers} or below."
        )
    for transport in settings.transports:
        if ports[transport] in taken:
            raise SettingsError(
                f"--metrics {settings.metrics} needs a port of its own, and {ports[transport]} is"
                f" where --transport {transport} is served: choose another."
            )


def _check_host_names(settings: "Settings") -> None:
    for name in settings.allowed_hosts:
        try:
            normal_host(name)
        except ValueError:
            raise SettingsError(
                f"--allowed-host {name!r:.60} can never match: give a host name alone, such as"
                " sessions.example.com, without scheme, path or wildcard."
            ) from None


def _check_names(settings: "Settings") -> None:
    """Ask who calls by a name of `--allowed-host`, which a proxy or a tunnel brings to loopback."""
    names = [name for name in settings.allowed_hosts if not is_loopback(normal_host(name))]
    asked = settings.allow_unauthenticated or settings.auth or settings.asks("token")
    if names and not asked:
        raise SettingsError(
            f"--allowed-host {names[0]} lets in whoever reaches this server by that name, and"
            " nothing asks them who they are: leave it out, set --auth, or add"
            " --allow-unauthenticated if something in front asks."
        )


def _check_pins(settings: "Settings") -> None:
    for id in settings.only_assistants:
        _check_id("--only-assistant", id, "several are given one by one, or with spaces between")
    if settings.only_squad is None:
        return
    _check_id("--only-squad", settings.only_squad, "Vapi can list one squad at a time")
    if settings.only_assistants:
        raise SettingsError(
            "--only-assistant and --only-squad exclude each other: Vapi cannot list the sessions"
            " of either in one request. Start a second server for the squad."
        )


def _check_id(option: str, id: str, hint: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", id):
        raise SettingsError(f"{option} {id!r:.60} is not an id; {hint}.")
