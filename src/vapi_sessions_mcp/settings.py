"""What the command was told: one frozen object, checked as a whole."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from vapi_sessions_mcp.ids import is_id

PREFIX = "VAPI_MCP_"
DEFAULT_BASE_URL = "https://api.vapi.ai"

ToolNames: TypeAlias = Literal["full", "short"]
DefaultView: TypeAlias = Literal["auto", "summary", "transcript", "full"]
Transport: TypeAlias = Literal["stdio", "http", "rest"]
ConfirmDelete: TypeAlias = Literal["person", "argument"]
Auth: TypeAlias = Literal["token", "oauth", "caller-key"]


class SettingsError(Exception):
    """A setting that cannot be used; `str()` says which, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set; times in seconds. Raises SettingsError for what is unusable."""

    api_key: str | None = field(default=None, repr=False)
    base_url: str = DEFAULT_BASE_URL
    connect_timeout: float = 5.0
    timeout: float = 30.0
    grace: float = 10.0
    transports: tuple[Transport, ...] = ("stdio",)
    host: str = "127.0.0.1"
    port: int = 9090
    rest_port: int = 8080
    allowed_hosts: tuple[str, ...] = ()
    allow_unauthenticated: bool = False
    auth: tuple[Auth, ...] = ()
    tokens: tuple[str, ...] = field(default=(), repr=False)
    read_tokens: tuple[str, ...] = field(default=(), repr=False)
    oauth_issuer: str | None = None
    oauth_audiences: tuple[str, ...] = ()
    public_url: str | None = None
    tool_names: ToolNames = "full"
    read_only: bool = False
    no_delete: bool = False
    confirm_delete: ConfirmDelete | None = None
    only_assistants: tuple[str, ...] = ()
    only_squad: str | None = None
    view: DefaultView = "auto"
    max_result_chars: int = 50_000
    mask_pii: bool = False

    def __post_init__(self) -> None:
        _check_url("--base-url", self.base_url, "the API key")
        if "stdio" in self.transports:
            _check_alone(self)
        _check_auth(self)
        if "stdio" not in self.transports and not is_loopback(self.host):
            _check_exposure(self)
        if self.only_assistants and self.only_squad:
            raise SettingsError(
                "--only-assistant and --only-squad cannot be combined, since Vapi can list either,"
                " not both: start a server for each."
            )
        for option, ids in (
            ("--only-assistant", self.only_assistants),
            ("--only-squad", (self.only_squad,) if self.only_squad else ()),
        ):
            _check_ids(option, ids)

    def asks(self, auth: Auth) -> bool:
        """Whether callers have to show who they are in this way; tokens are always asked for."""
        return auth in self.auth or (auth == "token" and bool(self.tokens or self.read_tokens))


def check_environment(environ: Mapping[str, str], known: Iterable[str]) -> None:
    """Raise SettingsError for a `VAPI_MCP_*` variable that nothing reads."""
    names = sorted(known)
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f": did you mean {near[0]}?" if near else f": there are {', '.join(names)}."
            raise SettingsError(f"{name} is not a setting{hint}")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _check_url(option: str, url: str, secret: str) -> None:
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


def _check_alone(settings: Settings) -> None:
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


def _check_auth(settings: Settings) -> None:
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
                "A token stands both in VAPI_MCP_TOKENS and in VAPI_MCP_READ_TOKENS: make two."
            )
    if settings.allow_unauthenticated and (settings.auth or settings.asks("token")):
        raise SettingsError(
            "--allow-unauthenticated contradicts --auth and VAPI_MCP_TOKENS: give one of them."
        )


def _check_oauth(settings: Settings) -> None:
    for option, url in (
        ("--oauth-issuer", settings.oauth_issuer),
        ("--public-url", settings.public_url),
    ):
        if url is None:
            raise SettingsError(
                "--auth oauth needs --oauth-issuer, the authorization server, and --public-url,"
                " what clients call this server by, such as https://sessions.example.com."
            )
        _check_url(option, url, "a token")


def _check_ids(option: str, ids: tuple[str, ...]) -> None:
    for id in ids:
        if not is_id(id):
            raise SettingsError(
                f"{option} {id!r:.60} is not an id; several are given one by one, or with spaces"
                " between them in the environment."
            )


def _check_exposure(settings: Settings) -> None:
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


def is_one_word(text: str) -> bool:
    """Whether `text` can be sent in a header as it is: visible ASCII without spaces."""
    return text.isascii() and text.isprintable() and " " not in text
