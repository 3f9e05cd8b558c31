"""Which signals are sent, by what OpenTelemetry's own variables say."""

import pytest

from vapi_sessions_mcp.telemetry.variables import (
    CHOSEN_HERE,
    Asked,
    asked,
    drop_unusable,
    endpoint,
    is_disabled,
)

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HERE = "http://127.0.0.1:4318"
NOTHING, BOTH = Asked(traces=False, metrics=False), Asked(traces=True, metrics=True)
TRACES, METRICS = Asked(traces=True, metrics=False), Asked(traces=False, metrics=True)

CASES: dict[str, tuple[dict[str, str], Asked]] = {
    "nothing": ({}, NOTHING),
    "a name only": ({"OTEL_SERVICE_NAME": "a", "OTEL_RESOURCE_ATTRIBUTES": "b=c"}, NOTHING),
    "an endpoint": ({ENDPOINT: HERE}, BOTH),
    "a blank endpoint": ({ENDPOINT: " "}, NOTHING),
    "an endpoint for traces": ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": HERE}, TRACES),
    "an endpoint for metrics": ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": HERE}, METRICS),
    "an exporter": ({"OTEL_TRACES_EXPORTER": "otlp"}, TRACES),
    "an exporter in capitals": ({"OTEL_METRICS_EXPORTER": "OTLP"}, METRICS),
    "none": ({ENDPOINT: HERE, "OTEL_TRACES_EXPORTER": "none"}, METRICS),
    "none of both": (
        {ENDPOINT: HERE, "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"},
        NOTHING,
    ),
    "disabled": ({ENDPOINT: HERE, "OTEL_SDK_DISABLED": "TRUE"}, NOTHING),
    "not disabled": ({ENDPOINT: HERE, "OTEL_SDK_DISABLED": "false"}, BOTH),
    "the protocol": ({ENDPOINT: HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, BOTH),
    "logs only": ({"OTEL_LOGS_EXPORTER": "otlp"}, NOTHING),
}


@pytest.mark.parametrize("case", CASES)
def test_a_signal_is_on_where_an_endpoint_or_an_exporter_is_named(case: str) -> None:
    # One that is on by default would try a port on everybody's machine, for ever.
    environ, expected = CASES[case]
    assert asked(environ) == expected


def test_another_protocol_is_named_once_and_nothing_is_sent() -> None:
    # gRPC is what platforms set; without a word somebody would wait for spans that never come.
    found = asked({ENDPOINT: HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert (found.traces, found.metrics) == (False, False)
    assert found.faults == (
        "OTEL_EXPORTER_OTLP_PROTOCOL asks for a protocol that is not spoken here: set"
        " http/protobuf.",
    )
    assert not found.anything


def test_a_protocol_for_one_signal_leaves_the_other() -> None:
    # The more particular variable wins, as the specification has it.
    environ = {
        ENDPOINT: HERE,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf",
    }
    found = asked(environ)
    assert (found.traces, found.metrics, len(found.faults)) == (False, True, 1)
    assert found.anything


@pytest.mark.parametrize(
    ("name", "exporters", "instead", "on"),
    [
        ("METRICS", "prometheus", "--metrics serves Prometheus", False),
        ("TRACES", "zipkin", "there is otlp", False),
        ("TRACES", "otlp,console", "there is otlp", True),
    ],
)
def test_an_exporter_that_is_not_here_is_named(
    name: str, exporters: str, instead: str, on: bool
) -> None:
    # The console's would write between the messages of stdio.
    found = asked({f"OTEL_{name}_EXPORTER": exporters})
    assert found.anything is on
    said = f"OTEL_{name}_EXPORTER asks for an exporter that is not here: {instead}."
    assert found.faults == (said,)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, HERE.replace("127.0.0.1", "localhost")),
        ({ENDPOINT: " https://a:s3cret@collector:4318/path?key=s3cret "}, "https://collector:4318"),
        ({ENDPOINT: HERE, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://[::1]/v1"}, "http://[::1]"),
        ({ENDPOINT: HERE, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://other"}, HERE),
        ({ENDPOINT: "collector:4318"}, ""),
        ({ENDPOINT: "http://"}, ""),
        ({ENDPOINT: "http://collector:99999"}, ""),
    ],
)
def test_where_spans_go_is_shown_without_what_is_secret(
    environ: dict[str, str], expected: str
) -> None:
    # Keys of hosted collectors are in URLs, and what `doctor` prints is pasted into tickets.
    assert endpoint(environ, "TRACES") == expected


def test_what_is_disabled_is_not_complained_about() -> None:
    # Whoever turned it off knows.
    environ = {"OTEL_TRACES_EXPORTER": "zipkin", "OTEL_SDK_DISABLED": "true"}
    assert asked(environ) == NOTHING
    assert is_disabled(environ)


@pytest.mark.parametrize(
    ("named", "left", "unknown"),
    [
        ("tracecontext,baggage", "tracecontext,baggage", []),
        ("none", "none", []),
        (" tracecontext , b3", "tracecontext", ["b3"]),
        ("b3multi,jaeger", "", ["b3multi", "jaeger"]),
        ("b3,none", "none", ["b3"]),
        (",", ",", []),
    ],
)
def test_a_propagator_that_is_not_here_is_left_out(
    named: str, left: str, unknown: list[str]
) -> None:
    # Platforms name theirs for everybody, and the MCP SDK would fail at its import.
    environ = {"OTEL_PROPAGATORS": named}
    said = [f"OTEL_PROPAGATORS: there is no {each!r} here, and it is left out" for each in unknown]
    assert drop_unusable(environ) == said
    assert environ == {"OTEL_PROPAGATORS": left}


def test_without_propagators_nothing_is_set() -> None:
    # Blank is not the same as none.
    environ: dict[str, str] = {}
    assert drop_unusable(environ) == []
    assert environ == {}


@pytest.mark.parametrize("variable", CHOSEN_HERE)
@pytest.mark.parametrize("value", ["foo", "sdk_tracer_provider", "default_meter_provider"])
def test_a_provider_that_is_not_ours_is_left_out(variable: str, value: str) -> None:
    # The MCP SDK cannot be imported with one that is not there; with any other nothing is sent.
    environ = {variable: value, "OTEL_PROPAGATORS": "b3"}
    said = drop_unusable(environ)
    assert said[0] == f"{variable} cannot be chosen here, and is left out"
    assert len(said) == 2
    assert environ == {"OTEL_PROPAGATORS": ""}


def test_a_blank_provider_is_left_out_without_a_word() -> None:
    # OpenTelemetry looks for one whose name is empty.
    environ = {str(variable): "" for variable in CHOSEN_HERE}
    assert drop_unusable(environ) == []
    assert environ == {}
