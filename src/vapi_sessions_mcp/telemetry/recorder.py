"""Reports as OpenTelemetry: metrics, a span for each request to Vapi and for each of REST."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from time import perf_counter

from opentelemetry.metrics import Counter, Histogram, Meter, UpDownCounter
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from vapi_sessions_mcp.caller import CallRecord
from vapi_sessions_mcp.json_text import utf8_size
from vapi_sessions_mcp.telemetry.metrics import (
    ANSWERED,
    CALLS,
    IN_FLIGHT,
    OPERATIONS,
    QUEUED,
    REFUSALS,
    REQUESTS,
    RETRIES,
    Metric,
)
from vapi_sessions_mcp.telemetry.report import Part, Telemetry

_PROPAGATOR = TraceContextTextMapPropagator()


class Recorder(Telemetry):
    """Reports to one meter and one tracer; safe to use from any thread."""

    is_on = True

    def __init__(self, meter: Meter, tracer: Tracer) -> None:
        """Both may be such that drop what they are given."""
        self._tracer = tracer
        self._operations, self._calls = _histogram(meter, OPERATIONS), _histogram(meter, CALLS)
        self._requests = _histogram(meter, REQUESTS)
        self._in_flight, self._queued = _gauge(meter, IN_FLIGHT), _gauge(meter, QUEUED)
        self._answered, self._refusals = _counter(meter, ANSWERED), _counter(meter, REFUSALS)
        self._retries = _counter(meter, RETRIES)

    @contextmanager
    def call(self, tool: str, record: CallRecord) -> Generator[None]:
        """In flight until it ends, well or with the class of an error."""
        attributes = {"tool": tool}
        started = perf_counter()
        self._in_flight.add(1)
        try:
            yield
        except BaseException as exc:
            attributes["error.type"] = type(exc).__name__
            raise
        finally:
            self._in_flight.add(-1)
            self._calls.record(perf_counter() - started, attributes)

    def answered(self, tool: str, text: str | bytes) -> None:
        """Count bytes of UTF-8."""
        size = utf8_size(text) if isinstance(text, str) else len(text)
        self._answered.add(size, {"tool": tool})

    def refused(self, kind: int) -> None:
        """Count it by its kind."""
        self._refusals.add(1, {"error.type": str(kind)})

    def operation(self, seconds: float, attributes: Mapping[str, str]) -> None:
        """Count it by its attributes."""
        self._operations.record(seconds, attributes)

    @contextmanager
    def http_request(self, method: str, route: str, traceparent: str) -> Generator[Part]:
        """A span of the trace that the caller began, or of a new one."""
        context = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
        with self._tracer.start_as_current_span(
            f"{method} {route}",
            context,
            SpanKind.SERVER,
            {"http.request.method": method, "http.route": route},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield _Answered(span)

    @contextmanager
    def request(
        self, method: str, template: str, server: tuple[str, int], record: CallRecord, resent: int
    ) -> Generator[None]:
        """A span below the one of the call; what it was about is in neither."""
        address, port = server
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "url.template": template,
            "server.address": address,
            "server.port": port,
        }
        span = self._tracer.start_span(
            f"{method} {template}", kind=SpanKind.CLIENT, attributes=attributes
        )
        if resent:
            span.set_attribute("http.request.resend_count", resent)
        found: dict[str, str | int] = {}
        started = perf_counter()
        try:
            yield
        except BaseException as exc:
            found["error.type"] = type(exc).__name__
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            seconds = perf_counter() - started
            if record.status is not None:
                found["http.response.status_code"] = record.status
                if record.status >= 400:
                    found["error.type"] = str(record.status)
            span.set_attributes(found)
            span.end()
            self._requests.record(seconds, {**attributes, **found})

    @contextmanager
    def queued(self) -> Generator[None]:
        """Queued until its turn comes or it gives up."""
        self._queued.add(1)
        try:
            yield
        finally:
            self._queued.add(-1)

    def retried(self, tool: str, error: Exception) -> None:
        """Count it by the class of its error."""
        self._retries.add(1, {"tool": tool, "error.type": type(error).__name__})


class _Answered(Part):
    """A request whose answer the span shows."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def answered(self, status: int) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(StatusCode.ERROR)


def _histogram(meter: Meter, metric: Metric) -> Histogram:
    return meter.create_histogram(
        metric.name,
        metric.unit,
        metric.what,
        explicit_bucket_boundaries_advisory=metric.bounds,
    )


def _counter(meter: Meter, metric: Metric) -> Counter:
    return meter.create_counter(metric.name, metric.unit, metric.what)


def _gauge(meter: Meter, metric: Metric) -> UpDownCounter:
    gauge = meter.create_up_down_counter(metric.name, metric.unit, metric.what)
    # There from the beginning: what scales by it has to see that there is nothing.
    gauge.add(0)
    return gauge
