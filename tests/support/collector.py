"""What OpenTelemetry sends to: a collector on loopback that decodes the protobuf it is sent."""

import gzip
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SERVER, CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT


class Collector:
    """Keeps what it was sent; `then` is the status that it answers, or that it hangs."""

    def __init__(self, then: int | None = 200) -> None:
        self.then, self.asked = then, threading.Event()
        self.bodies: list[tuple[str, bytes]] = []
        self._ended = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.bodies.append((self.path, body))
                collector.asked.set()
                if collector.then is None:
                    collector._ended.wait(60)
                    return
                self.send_response(collector.then)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def listening(self) -> Generator["Collector"]:
        """Answer while the block runs."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    @property
    def spans(self) -> list[Span]:
        """Every span there is, in the order of their start."""
        found = [
            span
            for path, body in self.bodies
            if path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    @property
    def metrics(self) -> dict[str, Metric]:
        """Each metric as it was sent last."""
        return {
            metric.name: metric
            for path, body in self.bodies
            if path == "/v1/metrics"
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    @property
    def resource(self) -> dict[str, str | int]:
        """The attributes of the process that sent the last metrics."""
        return self._resources[-1]

    @property
    def instances(self) -> set[str | int]:
        """The processes that sent metrics."""
        return {resource["service.instance.id"] for resource in self._resources}

    @property
    def _resources(self) -> list[dict[str, str | int]]:
        return [
            attributes(found.resource)
            for path, body in self.bodies
            if path == "/v1/metrics"
            for found in ExportMetricsServiceRequest.FromString(body).resource_metrics
        ]

    def points(self, name: str) -> list[tuple[dict[str, str | int], float]]:
        """The attributes and the value, or the count, of each series of a metric."""
        metric = self.metrics[name]
        if metric.HasField("histogram"):
            return [(attributes(p), p.count) for p in metric.histogram.data_points]
        return [(attributes(p), p.as_int or p.as_double) for p in metric.sum.data_points]


def attributes(holder: Any) -> dict[str, str | int]:
    """The attributes of a span, a point or a resource."""
    pairs: list[KeyValue] = holder.attributes
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> str | int:
    return value.int_value if value.HasField("int_value") else value.string_value
