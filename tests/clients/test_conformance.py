"""The official conformance suite against our server, and the page that says what applies."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clients import ROOT, SOURCES, Json, node_packages, run

PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
EVERY, SOME = re.split(r"\n## What does not apply\n", PAGE.partition("\n## Other judges\n")[0])
(HEAD,) = re.findall(r"^\| scenario \| (\d.*) \|$", EVERY, re.M)
VERSIONS = HEAD.split(" | ")
# Those of extensions, and of versions with little else.
OTHERS = "others"
PASSING = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", EVERY, re.M))
# What a scenario that does not apply, or a check, is to report.
EXCUSED = dict(re.findall(r"^\| `([\w-]+)` \| `(.+?)` \| \S.+ \|$", SOME, re.M))
LEFT_OUT = dict(re.findall(r"^\| `(sep-\d+-[\w-]+)` \| `(.+?)` \|$", SOME, re.M))
# In every scenario: whether all messages had the shape of the version's schema.
SHAPE = "wire-schema-valid"
# The least that a scenario takes a check for.
BAD = {"FAILURE", "WARNING"}
# A scenario that asked for something of the test server, and took our error for an answer.
VAIN = re.compile(r"No (tool|prompt) '")

every_version = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture(scope="module")
def ran(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[Json]]]:
    """The checks of each scenario, by version."""
    by_version: dict[str, dict[str, list[Json]]] = {}
    for version in (*VERSIONS, OTHERS):
        by_version[version] = dict(_checks(url, version, tmp_path_factory.mktemp(version)))
    for name in {name for version in VERSIONS for name in by_version[version]}:
        by_version[OTHERS].pop(name, None)
    return by_version


def _checks(url: str, version: str, folder: Path) -> Iterator[tuple[str, list[Json]]]:
    asked = ["--url", url, "--suite", "all", "-o", str(folder)]
    asked += ["--spec-version", version] if version != OTHERS else []
    run([node_packages() / ".bin" / "conformance", "server", *asked], folder)
    for file in folder.glob("*/checks.json"):
        # server-NAME-2026-01-31T23-59-59-999Z
        name = re.sub(r"-\d{4}-\d\d-\d\dT.*", "", file.parent.name.removeprefix("server-"))
        yield name, json.loads(file.read_text(encoding="utf-8"))


def reported(checks: list[Json]) -> str:
    """What was found, in words, wherever a scenario says it."""
    found = [[check.get("errorMessage"), check.get("details")] for check in checks]
    return json.dumps(found, ensure_ascii=False)


def passes(checks: list[Json]) -> bool:
    """Whether something was checked, and nothing found that we do not excuse."""
    counted = [check for check in checks if check["id"] not in {SHAPE, *LEFT_OUT}]
    found = {check["status"] for check in counted}
    return "SUCCESS" in found and not found & BAD and not VAIN.search(reported(counted))


@every_version
def test_the_scenarios_that_apply_to_a_version_pass_and_no_others(
    version: str, ran: dict[str, dict[str, list[Json]]]
) -> None:
    # Clients rely on it; and an excuse that is not needed any more would hide a fault to come.
    passed = {name for name, checks in ran[version].items() if passes(checks)}
    column = VERSIONS.index(version)
    rows = {name: cells.split("|")[column].strip() for name, cells in PASSING.items()}
    assert passed == {name for name, cell in rows.items() if cell == "yes"}


@pytest.mark.parametrize("version", [*VERSIONS, OTHERS])
def test_each_scenario_that_does_not_apply_reports_that_it_does_not(
    version: str, ran: dict[str, dict[str, list[Json]]]
) -> None:
    # A scenario that fails for another reason than the page's has found a fault of ours.
    for name, checks in ran[version].items():
        if not passes(checks):
            assert EXCUSED[name] in reported(checks), name


@every_version
def test_every_message_has_the_shape_of_its_version(
    version: str, ran: dict[str, dict[str, list[Json]]]
) -> None:
    # In scenarios that do not apply we still answer, and clients still parse it.
    shapes = [c["status"] for checks in ran[version].values() for c in checks if c["id"] == SHAPE]
    assert len(shapes) > 20
    assert set(shapes) == {"SUCCESS"}


def test_each_check_that_is_left_out_fails(ran: dict[str, dict[str, list[Json]]]) -> None:
    # Where the suite learns to pass us, the excuse has to go.
    checks = ran[VERSIONS[-1]]["server-stateless"]
    failed = {c["id"]: c["errorMessage"] for c in checks if c["status"] == "FAILURE"}
    assert failed.keys() == LEFT_OUT.keys()
    assert all(LEFT_OUT[name] in failed[name] for name in failed)
    passed = sum(c["status"] == "SUCCESS" and c["id"] != SHAPE for c in checks)
    assert f"the other {passed} pass" in SOME


def test_the_page_names_every_scenario(
    ran: dict[str, dict[str, list[Json]]], tmp_path: Path
) -> None:
    # A scenario that nobody looked at is neither kept nor excused.
    listed = run([node_packages() / ".bin" / "conformance", "list", "--server"], tmp_path)
    scenarios = {*re.findall(r"^  - ([\w-]+) \[", listed.stdout, re.M)}
    assert PASSING.keys() | EXCUSED.keys() == scenarios
    assert {name for version in ran.values() for name in version} == scenarios
    # Where it does not pass in every version that it has, both tables name it.
    failing = {n for version in ran.values() for n, checks in version.items() if not passes(checks)}
    assert failing == EXCUSED.keys()


def test_the_page_names_the_version_of_the_suite() -> None:
    # Scenarios come and go with it.
    package = json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))
    version = package["devDependencies"]["@modelcontextprotocol/conformance"]
    assert f"(`@modelcontextprotocol/conformance` {version})" in PAGE
