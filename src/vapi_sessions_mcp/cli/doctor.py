"""`doctor`: whether a server with these settings could work, check by check, and what to mend."""

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from urllib.parse import urlsplit

import anyio
import click
from mcp_types.version import SUPPORTED_PROTOCOL_VERSIONS

from vapi_sessions_mcp import __version__
from vapi_sessions_mcp.caller import CallRecord, owner
from vapi_sessions_mcp.cli.call import LoadSettings
from vapi_sessions_mcp.cli.connect import connect
from vapi_sessions_mcp.cli.secrets import API_KEY
from vapi_sessions_mcp.clock import Clock, real
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.contract.operations import LIST
from vapi_sessions_mcp.errors import NotConnected, Unauthorized, VapiError
from vapi_sessions_mcp.settings import Settings, SettingsError
from vapi_sessions_mcp.telemetry.reporting import DISABLED, MISSING, is_installed
from vapi_sessions_mcp.telemetry.variables import NEARBY, asked, endpoint, is_disabled

# Tokens and signatures are judged by the time; less than this disturbs none of them.
SKEW_SECONDS = 30
REGIONS = {"api.vapi.ai": "US", "api.eu.vapi.ai": "EU"}
NO_ENDPOINT = f"OTEL_EXPORTER_OTLP_ENDPOINT is not a URL such as {NEARBY}: nothing arrives"
# Where HTTP clients find proxies and certificates; values may hold a password.
NETWORK = ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: `said` is what was found, or what to do."""

    name: str
    ok: bool
    said: str


def run(load: LoadSettings, unused: Sequence[str], *, as_json: bool) -> int:
    """Print a line for each check; 0 when all is well, else 1. `unused` variables do nothing."""
    checks = [_version(), *_environment(os.environ, unused)]
    try:
        settings = load()
        checks += [_key(settings), *_telemetry(os.environ, settings.metrics)]
        checks += [*anyio.run(_reach, settings), *anyio.run(_changes, settings)]
    except SettingsError as exc:
        checks.append(Check("settings", False, str(exc)))
    fine = all(check.ok for check in checks)
    if as_json:
        click.echo(json.dumps({"ok": fine, "checks": [asdict(check) for check in checks]}))
    else:
        for check in checks:
            click.echo(f"{'ok   ' if check.ok else 'FAULT'} {check.name:<12} {check.said}")
    return 0 if fine else 1


def _version() -> Check:
    protocols = ", ".join(reversed(SUPPORTED_PROTOCOL_VERSIONS))
    said = f"{__version__}, MCP SDK {version('mcp')}, Python {platform.python_version()}"
    return Check("version", True, f"{said}; MCP {protocols}")


def _environment(environ: Mapping[str, str], unused: Sequence[str]) -> Iterator[Check]:
    if unused:
        yield Check("environment", False, f"no effect on what is served: {', '.join(unused)}")
    names = [name for name in NETWORK if environ.get(name) or environ.get(name.lower())]
    said = f"set: {', '.join(names)}" if names else "no proxy or certificates in the environment"
    yield Check("network", True, said)


def _key(settings: Settings) -> Check:
    if settings.sandbox:
        return Check("key", True, "none needed: the sandbox takes the place of Vapi")
    if settings.asks("caller-key"):
        return Check("key", True, "none of its own: callers bring theirs")
    if settings.api_key is None:
        said = f"{settings.key_fault}: put a private key of Vapi's in {API_KEY}"
        return Check("key", False, said)
    return Check("key", True, f"set, {len(settings.api_key)} characters")


def _telemetry(environ: Mapping[str, str], page: str | None) -> Iterator[Check]:
    """What was asked for, and whether it can be had; nothing where nothing was."""
    wanted = asked(environ)
    for fault in wanted.faults:
        yield Check("telemetry", False, fault)
    if page and is_disabled(environ):
        yield Check("telemetry", False, DISABLED)
        return
    if (page or wanted.anything) and not is_installed():
        yield Check("telemetry", False, MISSING)
        return
    if page:
        yield Check("/metrics", True, f"served for Prometheus at {page}")
    signals = (("spans", "TRACES", wanted.traces), ("metrics", "METRICS", wanted.metrics))
    for name, signal, is_on in signals:
        if is_on:
            to = endpoint(environ, signal)
            yield Check(name, bool(to), f"sent to {to}" if to else NO_ENDPOINT)


async def _reach(settings: Settings, clock: Clock = real) -> list[Check]:
    """What one cheap list finds out: whether Vapi is there, takes the key, and has our time."""
    parts = urlsplit(settings.base_url)
    host = parts.hostname or ""
    said = f"{settings.base_url} ({REGIONS.get(host, 'not a region of Vapi')})"
    checks = [] if settings.sandbox else [Check("base URL", True, said)]
    settings, vapi = connect(settings)
    record = CallRecord(caller=owner(settings))
    if record.caller.api_key is None:
        return checks
    started, failed = time.perf_counter(), None
    async with vapi:
        try:
            await vapi.call(LIST, ListRequest(limit=1), record)
        except VapiError as exc:
            failed = exc
    took = f"{(time.perf_counter() - started) * 1000:.0f} ms"
    reached = record.status is not None
    if isinstance(failed, NotConnected) or not reached:
        return [*checks, Check("Vapi", False, str(failed))]
    checks.append(Check("Vapi", True, f"answered {record.status} in {took}"))
    if failed:
        what = "key accepted" if isinstance(failed, Unauthorized) else "a list"
        checks.append(Check(what, False, str(failed)))
    else:
        checks.append(Check("key accepted", True, "sessions can be listed"))
    return [*checks, *_skew(record.date, clock)]


async def _changes(settings: Settings) -> list[Check]:
    """By what Vapi shows who it is when it reports changes, and whether the Redis lets us in."""
    checks: list[Check] = []
    if not settings.reports_changes:
        return checks
    # 90 ms, and a package, that looking at any other server does without.
    from vapi_sessions_mcp.cli.reports import relay_over
    from vapi_sessions_mcp.webhooks.signatures import HEADERS

    if settings.webhooks and "http" in settings.transports:
        kind, count = settings.webhook_auth, len(settings.webhook_secrets)
        said = f"{kind}, in the header {settings.webhook_header or HEADERS[kind]}; secrets: {count}"
        checks.append(Check("webhooks", True, said))
    if settings.redis_url:
        try:
            fault = await relay_over(settings.redis_url, lambda _: None).fault()
        except SettingsError as exc:
            fault = str(exc)
        checks.append(Check("Redis", not fault, fault or "answered, and lets this server in"))
    return checks


def _skew(date: str, clock: Clock) -> Iterator[Check]:
    try:
        ahead = (clock() - parsedate_to_datetime(date)).total_seconds()
    except ValueError:
        return
    if abs(ahead) <= SKEW_SECONDS:
        yield Check("clock", True, f"within {SKEW_SECONDS} s of Vapi's")
        return
    which = "ahead of" if ahead > 0 else "behind"
    said = f"{abs(ahead):.0f} s {which} Vapi's: set it, or good tokens are refused"
    yield Check("clock", False, said)
