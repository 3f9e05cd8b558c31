"""The page that Prometheus reads, on a port that nobody else has."""

import socket
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse

import pytest
from prometheus_client import CollectorRegistry, Gauge, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from support.metered import series
from vapi_sessions_mcp.telemetry.page import AT_ONCE, page


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Gauge("given", "What is there", registry=registry).set(7)
    return registry


@pytest.fixture
def port(registry: CollectorRegistry) -> Generator[int]:
    """Where the page is."""
    listener = socket.create_server(("127.0.0.1", 0))
    with page(listener, registry):
        yield listener.getsockname()[1]
    assert listener.fileno() == -1


def asked(port: int, path: str = "/metrics", method: str = "GET", **headers: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest(method, path, skip_host="host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse()


def test_it_is_the_text_that_prometheus_reads(port: int) -> None:
    # Its parser is the one whose opinion counts.
    answer = asked(port)
    assert (answer.status, answer.headers["Content-Type"]) == (
        200,
        "text/plain; version=0.0.4; charset=utf-8",
    )
    assert series(answer.read().decode(), "given") == [({}, 7)]


def test_it_is_the_newer_format_where_that_is_asked_for(port: int) -> None:
    # Prometheus asks for it first.
    answer = asked(port, accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.read().endswith(b"# EOF\n")


@pytest.mark.parametrize("path", ["/", "/mcp", "/metrics/x", "/v1/session"])
def test_there_is_nothing_else(port: int, path: str) -> None:
    # A port that answers more than it has to is a port to look into.
    assert asked(port, path).status == 404


def test_a_query_changes_nothing(port: int) -> None:
    # Prometheus adds one where a job has parameters.
    assert asked(port, "/metrics?name=a").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_can_only_be_read(port: int, method: str) -> None:
    # There is nothing to change.
    assert asked(port, method=method).status == 501


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9464", "[::1", ""])
def test_a_page_in_a_browser_cannot_read_it_by_a_name_of_its_own(port: int, host: str) -> None:
    # DNS rebinding: how many calls there are is nobody's business on the web.
    assert asked(port, host=host).status == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9464", "[::1]:9464", "LOCALHOST"])
def test_it_goes_by_the_names_of_this_machine(port: int, host: str) -> None:
    # Whichever of them somebody types.
    assert asked(port, host=host).status == 200


def test_on_an_address_that_others_reach_it_takes_any_name(registry: CollectorRegistry) -> None:
    # Prometheus asks for pods by their address.
    listener = socket.create_server(("0.0.0.0", 0))
    with page(listener, registry):
        assert asked(listener.getsockname()[1], host="10.0.0.7:9464").status == 200


def test_who_has_been_silent_longest_makes_room(port: int) -> None:
    # Eight that say nothing would keep Prometheus out, for which the server would be down.
    silent = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(AT_ONCE)]
    for each in silent[:-1]:
        each.sendall(b"GET /metrics HTTP/1.1\r\n")
    assert asked(port).status == 200
    first, *others = silent
    assert first.recv(1) == b""
    for other in others:
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.recv(1)
    # It takes a thread of nobody's: as many again come and go.
    for _ in range(2 * AT_ONCE):
        silent.append(socket.create_connection(("127.0.0.1", port), timeout=20))
        assert asked(port).status == 200
    for each in silent:
        each.close()


def test_who_has_asked_makes_no_room(registry: CollectorRegistry) -> None:
    # Anybody could cut Prometheus off in the middle of what it reads.
    go_on = threading.Event()
    begun = threading.Semaphore(0)

    class Slow(Collector):
        def collect(self) -> Iterator[Metric]:
            begun.release()
            assert go_on.wait(20)
            yield GaugeMetricFamily("slow", "What takes long", 1)

    listener = socket.create_server(("127.0.0.1", 0))
    with page(listener, registry), ThreadPoolExecutor(AT_ONCE) as pool:
        port = listener.getsockname()[1]
        registry.register(Slow())
        answers = [pool.submit(asked, port) for _ in range(AT_ONCE)]
        for _ in answers:
            assert begun.acquire(timeout=20)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as late:
            assert late.recv(1) == b""
        go_on.set()
        assert [answer.result().status for answer in answers] == [200] * AT_ONCE
