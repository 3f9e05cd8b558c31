"""What OpenTelemetry's own variables ask for: spans or metrics, sent by OTLP over HTTP."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from urllib.parse import urlsplit

PROTOCOL = "http/protobuf"
# OpenTelemetry's own, where an exporter is named and no endpoint.
NEARBY = "http://localhost:4318"
PROPAGATORS = "OTEL_PROPAGATORS"
CHOSEN_HERE = (
    "OTEL_PYTHON_TRACER_PROVIDER",
    "OTEL_PYTHON_METER_PROVIDER",
    "OTEL_PYTHON_CONTEXT",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which signals are to be sent; `faults` are sentences about what cannot be done."""

    traces: bool
    metrics: bool
    faults: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether there is anything to send."""
        return self.traces or self.metrics


def is_disabled(environ: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry is to do nothing, whatever else is said."""
    return environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def asked(environ: Mapping[str, str]) -> Asked:
    """What the variables ask for: an endpoint, or an exporter by its name, turns a signal on.

    By the specification alone everything would be sent to this machine's port 4318, whether
    or not anybody is there.
    """
    faults: list[str] = []
    on = {name: _is_on(environ, name, faults) for name in ("TRACES", "METRICS")}
    if is_disabled(environ):
        return Asked(traces=False, metrics=False)
    return Asked(traces=on["TRACES"], metrics=on["METRICS"], faults=tuple(dict.fromkeys(faults)))


def endpoint(environ: Mapping[str, str], name: str) -> str:
    """Where TRACES or METRICS go, scheme, host and port alone; "" where that is no URL."""
    url = _endpoint(environ, name) or NEARBY
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def drop_unusable(environ: MutableMapping[str, str]) -> list[str]:
    """Take out what the MCP SDK could not be imported with, and return a sentence for each.

    Providers are this server's own: with others, its spans and metrics would go nowhere.
    """
    chosen = [variable for variable in CHOSEN_HERE if environ.pop(variable, "")]
    said = [f"{variable} cannot be chosen here, and is left out" for variable in chosen]
    names = [each.strip() for each in environ.get(PROPAGATORS, "").split(",") if each.strip()]
    if not set(names) - {"tracecontext", "baggage", "none"}:
        return said
    # 20 ms that a server without such a name does without.
    from importlib.metadata import entry_points

    there = entry_points(group="opentelemetry_propagator").names | {"none"}
    environ[PROPAGATORS] = ",".join(name for name in names if name in there)
    unknown = [name for name in names if name not in there]
    return [
        *said,
        *(f"{PROPAGATORS}: there is no {name!r:.60} here, and it is left out" for name in unknown),
    ]


def _is_on(environ: Mapping[str, str], name: str, faults: list[str]) -> bool:
    variable, exporters = _first(environ, f"OTEL_{name}_EXPORTER")
    chosen = {each.strip().lower() for each in exporters.split(",")} - {"", "none"}
    if not chosen and (exporters or not _endpoint(environ, name)):
        return False
    for other in sorted(chosen - {"otlp"}):
        instead = "--metrics serves Prometheus" if other == "prometheus" else "there is otlp"
        faults.append(f"{variable} asks for an exporter that is not here: {instead}.")
    if chosen and "otlp" not in chosen:
        return False
    variables = (f"OTEL_EXPORTER_OTLP_{name}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    variable, protocol = _first(environ, *variables)
    if protocol and protocol.lower() != PROTOCOL:
        faults.append(f"{variable} asks for a protocol that is not spoken here: set {PROTOCOL}.")
        return False
    return True


def _endpoint(environ: Mapping[str, str], name: str) -> str:
    variables = (f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return _first(environ, *variables)[1]


def _first(environ: Mapping[str, str], *variables: str) -> tuple[str, str]:
    """The first that is set, which means that it is not blank, and its value."""
    values = ((each, environ.get(each, "").strip()) for each in variables)
    return next((found for found in values if found[1]), ("", ""))
