"""The Kubernetes manifests: valid, and in agreement with the server and with each other."""

from typing import Any

import pytest

from support.deployed import DEPLOY, KUBERNETES, image_environment, instructions, read_yaml
from vapi_sessions_mcp.access.health import LIVE, READY

FOLDER = DEPLOY / "kubernetes"
KUSTOMIZATION = read_yaml("kubernetes/kustomization.yaml")
EXAMPLE = "secret.example.yaml"
MANIFESTS = [*KUSTOMIZATION["resources"], EXAMPLE]
NAMES = {"app.kubernetes.io/name": "vapi-sessions"}
# The oldest that has `preStop.sleep`, and the newest that there are schemas of.
VERSIONS = ("1.30", KUBERNETES.latest_version())


def manifest(name: str) -> Any:
    return read_yaml(f"kubernetes/{name}")


DEPLOYMENT = manifest("deployment.yaml")
POD = DEPLOYMENT["spec"]["template"]["spec"]
[SERVER] = POD["containers"]
GIVEN = {each["name"]: each["value"] for each in SERVER["env"]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MANIFESTS)
def test_kubernetes_takes_each_manifest(name: str, version: str) -> None:
    # A misspelt field is dropped without a word, and with it what it was to protect.
    KUBERNETES.validate(manifest(name), version, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    # Else the test above would pass for any manifest.
    wrong = manifest("service.yaml")
    wrong["spec"]["selektor"] = {}
    with pytest.raises(KUBERNETES.ValidationError):
        KUBERNETES.validate(wrong, VERSIONS[0], strict=True)


def test_kustomize_is_given_every_manifest_but_the_example() -> None:
    # What is not listed is not applied, and an example's key would be.
    there = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert {*KUSTOMIZATION["resources"]} == there - {EXAMPLE}
    assert KUSTOMIZATION["namespace"] == manifest("namespace.yaml")["metadata"]["name"]
    assert [image["name"] for image in KUSTOMIZATION["images"]] == [SERVER["image"]]


def test_what_refers_to_pods_finds_them() -> None:
    # A selector that selects nothing is valid.
    assert DEPLOYMENT["spec"]["template"]["metadata"]["labels"] == NAMES
    assert DEPLOYMENT["spec"]["selector"] == {"matchLabels": NAMES}
    assert manifest("service.yaml")["spec"]["selector"] == NAMES
    assert manifest("disruption-budget.yaml")["spec"]["selector"] == {"matchLabels": NAMES}
    assert manifest("network-policy.yaml")["spec"]["podSelector"] == {"matchLabels": NAMES}
    [spread] = POD["topologySpreadConstraints"]
    assert spread["labelSelector"] == {"matchLabels": NAMES}
    scaled = manifest("autoscaler.yaml")["spec"]["scaleTargetRef"]
    assert (scaled["kind"], scaled["name"]) == ("Deployment", DEPLOYMENT["metadata"]["name"])


def test_ports_are_the_server_s_from_the_ingress_to_the_pod() -> None:
    # One wrong name on the way is a 503 for everybody.
    [port] = SERVER["ports"]
    assert [str(port["containerPort"])] == instructions("EXPOSE")
    service = manifest("service.yaml")
    [served] = service["spec"]["ports"]
    assert served["targetPort"] == port["name"]
    [rule] = manifest("ingress.yaml")["spec"]["rules"]
    [path] = rule["http"]["paths"]
    backend = path["backend"]["service"]
    assert backend == {"name": service["metadata"]["name"], "port": {"name": served["name"]}}
    [allowed] = manifest("network-policy.yaml")["spec"]["ingress"]
    assert allowed["ports"] == [{"port": port["name"]}]


def test_callers_come_by_the_name_that_the_server_takes_over_tls() -> None:
    # By another name every call is refused with 421, and without TLS tokens can be read.
    ingress = manifest("ingress.yaml")["spec"]
    [rule], [tls] = ingress["rules"], ingress["tls"]
    assert [rule["host"]] == tls["hosts"] == [GIVEN["VAPI_MCP_ALLOWED_HOST"]]
    assert tls["secretName"] != manifest(EXAMPLE)["metadata"]["name"]


def test_no_service_makes_variables_that_look_like_settings() -> None:
    # A server elsewhere in the namespace would read VAPI_MCP_PORT=tcp://… at its start.
    name: str = manifest("service.yaml")["metadata"]["name"]
    assert not name.upper().replace("-", "_").startswith("VAPI_MCP")
    assert POD["enableServiceLinks"] is False


def test_secrets_come_as_files_only() -> None:
    # Variables are in dumps, in `kubectl describe` and in every child process.
    secret = manifest(EXAMPLE)
    [volume] = POD["volumes"]
    [mount] = SERVER["volumeMounts"]
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    files = {GIVEN[name] for name in GIVEN if name.endswith("_FILE")}
    assert files == {f"{mount['mountPath']}/{key}" for key in secret["stringData"]}
    assert not {"VAPI_API_KEY", "VAPI_MCP_TOKENS"} & {*GIVEN, *image_environment()}
    assert not any("valueFrom" in each for each in SERVER["env"])


def test_a_pod_can_do_nothing_but_serve() -> None:
    # What a break-in could do with the rest is not worth finding out.
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["automountServiceAccountToken"] is False
    assert SERVER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert manifest("network-policy.yaml")["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_a_pod_that_ends_has_time_for_its_calls() -> None:
    # Killed in its grace, it would lose what was in flight.
    pause = SERVER["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pause > 0
    assert POD["terminationGracePeriodSeconds"] > pause + int(GIVEN["VAPI_MCP_GRACE"])
    assert DEPLOYMENT["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_probes_ask_for_life_and_readiness_by_their_paths() -> None:
    # Liveness that asked for readiness would restart every pod while Vapi is down.
    asked = {
        probe: SERVER[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert asked == {"startupProbe": LIVE, "livenessProbe": LIVE, "readinessProbe": READY}
    assert SERVER["readinessProbe"]["timeoutSeconds"] > 2
