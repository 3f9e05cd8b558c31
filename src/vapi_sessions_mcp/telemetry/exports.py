"""OpenTelemetry's SDK, set up to send spans and metrics, and to have metrics ready to be read."""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)

from vapi_sessions_mcp import __version__
from vapi_sessions_mcp.telemetry.recorder import Recorder
from vapi_sessions_mcp.telemetry.spans import SCOPE, cleaner
from vapi_sessions_mcp.telemetry.variables import Asked

NAME = "vapi-sessions-mcp"
# What the last spans and metrics get at the end, when whoever takes them may be down: MCP hosts
# wait 2 s for a server to end.
FLUSH_SECONDS = 1.5

ResultT = TypeVar("ResultT", SpanExportResult, MetricExportResult)

_LOG = logging.getLogger("vapi_sessions_mcp.telemetry")


class Exports:
    """What this process exports, from its start to its end; there can be one in a process."""

    def __init__(self, asked: Asked, words: Collection[str], *, page: bool) -> None:
        """Begin; with a `page`, `registry` has what it shows. Raises ValueError.

        `words` are the values that spans of the MCP SDK may have.
        """
        self.registry = CollectorRegistry()
        resource, readers = _resource(), list[MetricReader]()
        if asked.metrics:
            readers.append(PeriodicExportingMetricReader(_Metrics()))
        if page:
            readers.append(PrometheusMetricReader(registry=self.registry, scope_info_enabled=False))
            for collector in (ProcessCollector, PlatformCollector, GCCollector):
                collector(registry=self.registry)
        meters = MeterProvider(readers, resource, shutdown_on_exit=False) if readers else None
        tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        if asked.traces:
            tracers.add_span_processor(BatchSpanProcessor(_Spans(words)))
            # The MCP SDK looks for its tracer there; without spans to send it finds none.
            trace.set_tracer_provider(tracers)
        self._providers = [each for each in (meters, tracers) if each]
        self.telemetry = Recorder(
            (meters or NoOpMeterProvider()).get_meter(SCOPE, __version__),
            trace.get_tracer(SCOPE, __version__),
        )

    def end(self) -> None:
        """Send what is left, within `FLUSH_SECONDS`."""
        due = monotonic() + FLUSH_SECONDS
        ending = [threading.Thread(target=each.shutdown, daemon=True) for each in self._providers]
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join(max(0.0, due - monotonic()))


class _Spans(OTLPSpanExporter):
    def __init__(self, words: Collection[str]) -> None:
        super().__init__()
        self._clean = cleaner(words)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        send = super().export
        sent = _sent("spans", lambda: send([self._clean(span) for span in spans]))
        return SpanExportResult.FAILURE if sent is None else sent


class _Metrics(OTLPMetricExporter):
    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        # What it takes besides has no type.
        exporter: Any = super()
        sent = _sent("metrics", lambda: exporter.export(metrics_data, timeout_millis, **kwargs))
        return MetricExportResult.FAILURE if sent is None else sent


def _sent(what: str, send: Callable[[], ResultT]) -> ResultT | None:
    """What `send` says; where that is no success, one line in the log says so.

    OpenTelemetry's own line would have the collector's words in it.
    """
    result = None
    with suppress(Exception):  # a certificate that is not there, a URL that is none
        result = send()
    if result not in (SpanExportResult.SUCCESS, MetricExportResult.SUCCESS):
        _LOG.warning("%s could not be sent to where OTEL_EXPORTER_OTLP_ENDPOINT points", what)
    return result


def _resource() -> Resource:
    """What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, and what they do not."""
    found = Resource.create()
    ours = {"service.version": __version__}
    if str(found.attributes["service.name"]).startswith("unknown_service"):
        ours["service.name"] = NAME
    # Else the counters of several processes would look like one that jumps.
    instance = Resource({"service.instance.id": str(uuid4())})
    return instance.merge(found).merge(Resource(ours))
