"""Dashboard, alerts and scraping: about metrics that there are, and about all of them."""

import json
import re
from typing import Any

import pytest
from prometheus_client import ProcessCollector

from support.deployed import DEPLOY, KUBERNETES, read_yaml
from support.metered import Metered, families
from support.recorded import record_everything

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text("utf-8"))
RULES = [rule for group in read_yaml("prometheus/alerts.yml")["groups"] for rule in group["rules"]]
PROMETHEUS = read_yaml("prometheus/prometheus.yml")
COMPOSE = read_yaml("compose.yaml")
COMPONENT = "kubernetes/metrics"
# What PromQL itself has by these names.
WORDS = {
    *("sum", "by", "rate", "increase", "histogram_quantile", "min"),
    *("le", "tool", "job", "instance", "error_type", "http_response_status_code", "url_template"),
    *("http_request_method", "mcp_method_name", "mcp_protocol_version"),
}


def exported() -> set[str]:
    """The name of every series that a server can export, and Prometheus' own about it."""
    metered = Metered()
    ProcessCollector(registry=metered.registry)
    record_everything(metered.telemetry)
    return families(metered.text()) | {"up"}


def expressions() -> list[str]:
    """What the dashboard's panels and its variables ask for."""
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    variables = [
        each["query"]["query"]
        for each in DASHBOARD["templating"]["list"]
        if each["type"] == "query"
    ]
    return [*asked, *(re.findall(r"label_values\((.*),", each)[0] for each in variables)]


def named(expression: str) -> set[str]:
    """The metrics that an expression is about."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", "", expression)
    return {word for word in re.findall(r"[a-z_]{2,}", bare) if word not in WORDS}


@pytest.mark.parametrize("expression", [*expressions(), *(rule["expr"] for rule in RULES)])
def test_every_metric_that_is_asked_for_is_exported(expression: str) -> None:
    # A panel about a metric that does not exist is empty, and an alert about it never rings.
    assert named(expression)
    assert named(expression) <= exported()


def test_every_label_that_is_asked_for_can_be_there() -> None:
    # As with names: nothing says that a label is misspelt.
    metered = Metered()
    record_everything(metered.telemetry)
    there = set(re.findall(r'[{,]([a-z_]+)="', metered.text())) | {"job", "instance", "le"}
    for expression in [*expressions(), *(rule["expr"] for rule in RULES)]:
        asked = set(re.findall(r'([a-z_]+)(?:=~|!=|!~|=)"', expression))
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            asked |= {label.strip() for label in grouped.split(",")}
        assert asked <= there, expression


def test_everything_that_is_measured_is_on_the_dashboard() -> None:
    # What nobody can look at need not be measured.
    shown = {name for expression in expressions() for name in named(expression)}
    endings = re.compile(r"_(bucket|count|sum)$")
    ours = {
        endings.sub("", name)
        for name in exported()
        if name.startswith(("vapi_", "mcp_", "http_")) and not name.endswith("_created")
    }
    assert {endings.sub("", name) for name in shown} >= ours


def test_panels_of_the_dashboard_do_not_lie_on_each_other() -> None:
    # Grafana would move them, and ask everybody to save that.
    taken: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len({*ids}) == len(ids)
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_each_alert_says_what_is_wrong_and_what_to_do() -> None:
    # It is read at night by somebody who does not know this server.
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["annotations"].keys() == {"summary", "action"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert 'job="vapi-sessions"' in rule["expr"]
    assert [job["job_name"] for job in PROMETHEUS["scrape_configs"]] == ["vapi-sessions"]


def test_prometheus_and_collector_are_where_compose_has_them() -> None:
    # A wrong port is an empty dashboard.
    replicas = [each for each in COMPOSE["services"].values() if "build" in each]
    [job] = PROMETHEUS["scrape_configs"]
    [static] = job["static_configs"]
    ports = {each["environment"]["VAPI_MCP_METRICS"].rpartition(":")[2] for each in replicas}
    [port] = ports
    assert static["targets"] == [
        f"{each['networks']['replicas']['ipv4_address']}:{port}" for each in replicas
    ]
    receivers = read_yaml("otel/collector.yaml")["receivers"]
    listens = receivers["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]
    for each in replicas:
        given = each["environment"]
        assert given["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://otel-collector:{listens}"
        assert "ports" not in each
    for service in COMPOSE["services"].values():
        for published in service.get("ports", []):
            assert published.startswith("127.0.0.1:")
        for volume in service.get("volumes", []):
            if volume.startswith("./"):
                assert (DEPLOY / volume.split(":")[0]).is_file()
    assert "otel-collector" in COMPOSE["services"]


def test_the_collector_has_all_that_its_pipelines_name() -> None:
    # It does not start otherwise, and takes no spans.
    config = read_yaml("otel/collector.yaml")
    for pipeline in config["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            assert {*names} <= config[kind].keys()


def patched(name: str) -> Any:
    """A manifest with the patch of the component, of which all add something."""
    document = read_yaml(f"kubernetes/{name}")
    for operation in read_yaml(f"{COMPONENT}/{name}"):
        assert operation["op"] == "add"
        *way, last = operation["path"].strip("/").split("/")
        place: Any = document
        for step in way:
            place = place[int(step) if step.isdecimal() else step]
        if last == "-":
            place.append(operation["value"])
        else:
            assert last not in place
            place[last] = operation["value"]
    return document


NAMES = ("deployment.yaml", "network-policy.yaml", "autoscaler.yaml")


@pytest.mark.parametrize("name", NAMES)
def test_kubernetes_takes_what_the_component_makes_of_a_manifest(name: str) -> None:
    # A patch that changes nothing, or makes nonsense, is applied all the same.
    document = patched(name)
    KUBERNETES.validate(document, KUBERNETES.latest_version(), strict=True)
    component = read_yaml(f"{COMPONENT}/kustomization.yaml")
    assert [patch["path"] for patch in component["patches"]] == [*NAMES]
    targets = {patch["path"]: patch["target"] for patch in component["patches"]}
    assert targets[name] == {"kind": document["kind"], "name": document["metadata"]["name"]}


def test_the_component_scales_by_a_metric_that_pods_serve_where_prometheus_may_ask() -> None:
    # On all of the way from the pod to the autoscaler one name has to be the same.
    pod = patched("deployment.yaml")["spec"]["template"]
    [server] = pod["spec"]["containers"]
    given = {each["name"]: each["value"] for each in server["env"]}
    port = int(given["VAPI_MCP_METRICS"].rpartition(":")[2])
    assert {"name": "metrics", "containerPort": port} in server["ports"]
    annotations = pod["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(port)
    assert annotations["prometheus.io/path"] == "/metrics"
    calls, scraping = patched("network-policy.yaml")["spec"]["ingress"]
    assert calls["ports"] == [{"port": "mcp"}]
    assert scraping["ports"] == [{"port": "metrics"}]
    cpu, pods = patched("autoscaler.yaml")["spec"]["metrics"]
    assert cpu["resource"]["name"] == "cpu"
    assert pods["pods"]["metric"]["name"] in exported()
