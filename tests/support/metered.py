"""What a server reports, kept in the memory of this process and read as Prometheus reads it."""

from typing import TypeAlias

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from vapi_sessions_mcp.telemetry.recorder import Recorder
from vapi_sessions_mcp.telemetry.spans import SCOPE

Labels: TypeAlias = dict[str, str]


class Metered:
    """A recorder, and what it was given."""

    def __init__(self) -> None:
        self.registry, self._spans = CollectorRegistry(), InMemorySpanExporter()
        reader = PrometheusMetricReader(
            disable_target_info=True, scope_info_enabled=False, registry=self.registry
        )
        meters = MeterProvider([reader], shutdown_on_exit=False)
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.telemetry = Recorder(meters.get_meter(SCOPE), tracers.get_tracer(SCOPE))

    @property
    def spans(self) -> list[ReadableSpan]:
        """Every span that has ended."""
        return [*self._spans.get_finished_spans()]

    def text(self) -> str:
        """The page that Prometheus reads."""
        return generate_latest(self.registry).decode()

    def series(self, name: str) -> list[tuple[Labels, float]]:
        """The labels and the value of each series with this name."""
        return series(self.text(), name)


def series(page: str, name: str) -> list[tuple[Labels, float]]:
    """The labels and the value of each series with this name, of a page; none are empty."""
    return [
        ({label: value for label, value in sample.labels.items() if value}, sample.value)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name
    ]


def families(page: str) -> set[str]:
    """The names of all series of a page."""
    return {
        sample.name for family in text_string_to_metric_families(page) for sample in family.samples
    }
