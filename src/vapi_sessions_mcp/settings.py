"""What can be set: one frozen object, each setting declared once and all checked together."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from vapi_sessions_mcp.setting_option import (
    COMMANDS,
    HTTP,
    MCP,
    SERVERS,
    Bytes,
    Calls,
    Count,
    Option,
    Port,
    Seconds,
    Transport,
    of_webhooks,
)
from vapi_sessions_mcp.settings_rules import SettingsError as SettingsError
from vapi_sessions_mcp.settings_rules import check
from vapi_sessions_mcp.settings_webhooks import check_webhooks

PREFIX = "VAPI_MCP_"

ToolNames: TypeAlias = Literal["full", "short"]
DefaultView: TypeAlias = Literal["auto", "summary", "transcript", "full"]
ConfirmDelete: TypeAlias = Literal["person", "argument"]
Auth: TypeAlias = Literal["token", "oauth", "caller-key"]
WebhookAuth: TypeAlias = Literal["bearer", "secret", "hmac"]
LogFormat: TypeAlias = Literal["text", "json"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set, options in the order of the help; times are in seconds.

    Raises SettingsError for values that cannot be used, alone or together. Secrets are
    no options, since every process on a machine can read command lines.
    """

    api_key: str | None = field(default=None, repr=False)
    # Why there is no key, where there is none.
    key_fault: str = field(default="VAPI_API_KEY is not set", repr=False)
    tokens: tuple[str, ...] = field(default=(), repr=False)
    read_tokens: tuple[str, ...] = field(default=(), repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    # Where replicas hear of each other's changes; it may hold a password.
    redis_url: str | None = field(default=None, repr=False)

    transports: Annotated[
        tuple[Transport, ...],
        Option(
            "stdio for a desktop host, http for agents and teams, rest for programs.",
            hosting=True,
            used_by=SERVERS,
        ),
    ] = ("stdio",)
    host: Annotated[str, Option("Address for http and rest.", hosting=True, used_by=HTTP)] = (
        "127.0.0.1"
    )
    port: Annotated[
        Port,
        Option("Port for http, or for rest alone; 0 takes a free one.", hosting=True, used_by=HTTP),
    ] = 9090
    rest_port: Annotated[
        Port, Option("Port for rest; 0 takes a free one.", hosting=True, used_by=("rest",))
    ] = 8080
    workers: Annotated[
        Count, Option("Processes that serve http and rest.", hosting=True, used_by=HTTP)
    ] = 1
    metrics: Annotated[
        str | None,
        Option(
            "Port of its own for Prometheus, at /metrics.",
            metavar="[HOST:]PORT",
            hosting=True,
            used_by=HTTP,
        ),
    ] = None
    allowed_hosts: Annotated[
        tuple[str, ...],
        Option(
            "Host name that clients may use besides this machine's own.",
            metavar="NAME",
            hosting=True,
            used_by=HTTP,
        ),
    ] = ()
    allowed_origins: Annotated[
        tuple[str, ...],
        Option(
            "Origin whose pages may call, such as https://app.example.com.",
            metavar="ORIGIN",
            hosting=True,
            used_by=HTTP,
        ),
    ] = ()
    allow_unauthenticated: Annotated[
        bool,
        Option("Let other machines in without asking who they are.", hosting=True, used_by=HTTP),
    ] = False
    auth: Annotated[
        tuple[Auth, ...],
        Option(
            "How callers of http and rest show who they are.",
            hosting=True,
            used_by=HTTP,
            narrows=True,
        ),
    ] = ()
    oauth_issuer: Annotated[
        str | None,
        Option("Authorization server of --auth oauth.", metavar="URL", hosting=True, used_by=HTTP),
    ] = None
    oauth_audiences: Annotated[
        tuple[str, ...],
        Option(
            "Required audience of its tokens.",
            metavar="NAME",
            unset="the public URL",
            hosting=True,
            used_by=HTTP,
        ),
    ] = ()
    public_url: Annotated[
        str | None,
        Option(
            "What clients call this server by, for --auth oauth.",
            metavar="URL",
            hosting=True,
            used_by=HTTP,
        ),
    ] = None
    webhooks: Annotated[bool, of_webhooks("Take Vapi's reports of changes at /webhooks/vapi.")] = (
        False
    )
    webhook_auth: Annotated[
        WebhookAuth, of_webhooks("How Vapi shows who it is: a token, X-Vapi-Secret, a signature.")
    ] = "bearer"
    webhook_header: Annotated[
        str | None, of_webhooks("Header of the token or signature.", "NAME", unset="Vapi's own")
    ] = None
    webhook_timestamp_header: Annotated[
        str, of_webhooks("Header of the signature's time.", "NAME")
    ] = "x-timestamp"
    webhook_payload: Annotated[str, of_webhooks("What is signed.", "FORMAT")] = "{timestamp}.{body}"
    tool_names: Annotated[
        ToolNames,
        Option("vapi-sessioncontroller… or create_session, list_sessions…", used_by=(*MCP, "view")),
    ] = "full"
    read_only: Annotated[bool, Option("Only list and get exist.", narrows=True)] = False
    no_delete: Annotated[bool, Option("Nothing can be deleted.", narrows=True)] = False
    confirm_delete: Annotated[
        ConfirmDelete | None,
        Option(
            "Ask before anything is taken away; argument: callers that cannot ask may confirm.",
            bare="person",
            narrows=True,
        ),
    ] = None
    only_assistants: Annotated[
        tuple[str, ...], Option("Only this assistant's sessions exist.", metavar="ID", narrows=True)
    ] = ()
    only_squad: Annotated[
        str | None,
        Option(
            "Only this squad's sessions exist.",
            metavar="ID",
            only_one="Vapi can list one squad at a time: start a server for each.",
            narrows=True,
        ),
    ] = None
    view: Annotated[
        DefaultView,
        Option(
            "How much of a session is answered; auto: summaries in lists, else full.",
            used_by=(*MCP, "call", "view"),
        ),
    ] = "auto"
    max_result_bytes: Annotated[
        Bytes,
        Option(
            "Longer answers are shortened, unless a view was asked for.",
            formerly="max_result_chars",
            used_by=(*MCP, "call", "view"),
        ),
    ] = 48_000
    mask_pii: Annotated[bool, Option("Mask phone numbers, e-mail and SIP users.", narrows=True)] = (
        False
    )
    sandbox: Annotated[
        bool,
        Option(
            "A stand-in for Vapi with sample data: no key, no cost.",
            used_by=(*SERVERS, "call", "demo", "view"),
        ),
    ] = False
    sandbox_db: Annotated[
        Path | None,
        Option("Keep the sandbox's data in FILE.", metavar="FILE", unset="in memory"),
    ] = None
    sandbox_now: Annotated[
        datetime | None,
        Option("Stop the sandbox's clock at MOMENT (ISO 8601).", metavar="MOMENT", unset="it runs"),
    ] = None
    base_url: Annotated[
        str,
        Option(
            "Vapi's API; https://api.eu.vapi.ai in the EU.",
            metavar="URL",
            variables=("VAPI_BASE_URL",),
        ),
    ] = "https://api.vapi.ai"
    connect_timeout: Annotated[Seconds, Option("Seconds to connect to Vapi.")] = 5
    timeout: Annotated[Seconds, Option("Seconds for a call to Vapi, its retries included.")] = 30
    max_upstream: Annotated[Calls, Option("Calls to Vapi at once.", used_by=SERVERS)] = 100
    grace: Annotated[
        Seconds, Option("Seconds for calls in flight at the end.", hosting=True, used_by=SERVERS)
    ] = 10
    no_prelude: Annotated[
        bool,
        Option(
            "Import everything before the first answer on stdin.", hosting=True, used_by=("stdio",)
        ),
    ] = False
    log_level: Annotated[
        LogLevel, Option("What goes to stderr; info: one line for each call.", used_by=COMMANDS)
    ] = "info"
    log_format: Annotated[
        LogFormat, Option("How the log looks.", hosting=True, used_by=COMMANDS)
    ] = "text"

    def __post_init__(self) -> None:
        check(self)
        check_webhooks(self)

    def asks(self, auth: Auth) -> bool:
        """Whether callers must show who they are in this way; a list of tokens alone asks, too."""
        return auth in self.auth or (auth == "token" and bool(self.tokens or self.read_tokens))

    @property
    def reports_changes(self) -> bool:
        """Whether a server hears of changes, from Vapi or from another replica."""
        served = set(self.transports)
        return (self.webhooks and "http" in served) or (bool(self.redis_url) and served != {"rest"})

    @property
    def metrics_address(self) -> tuple[str, int]:
        """Where `metrics` are served: on this machine's own address, unless it names another."""
        host, _, port = (self.metrics or "").rpartition(":")
        return host.strip("[]") or "127.0.0.1", int(port)

    @property
    def public_base(self) -> str:
        """`public_url` without a face's path at its end, which is added where it is needed."""
        base = (self.public_url or "").rstrip("/")
        return base.removesuffix("/mcp").removesuffix("/v1").rstrip("/")
