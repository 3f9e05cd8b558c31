"""The official conformance suite against our server, and the page that says what applies."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clients import ROOT, SOURCES, Json, node_packages, run

PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
PASSING, EXCUSED, LEFT_OUT = (
    dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", part, re.M))
    for part in re.split(r"\n## What does not apply\n|\n\| check \| why \|\n", PAGE)
)
(HEAD,) = re.findall(r"^\| scenario \| (\d.*) \|$", PAGE, re.M)
VERSIONS = HEAD.split(" | ")
# In every scenario: whether all messages had the shape of the version's schema.
SHAPE = "wire-schema-valid"
# The least that a scenario takes a check for.
BAD = {"FAILURE", "WARNING"}

every_version = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture(scope="module")
def ran(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[Json]]]:
    """The checks of each scenario, by version."""
    return {
        version: dict(_checks(url, version, tmp_path_factory.mktemp(version)))
        for version in VERSIONS
    }


def _checks(url: str, version: str, folder: Path) -> Iterator[tuple[str, list[Json]]]:
    asked = ["--url", url, "--suite", "all", "--spec-version", version, "-o", str(folder)]
    run([node_packages() / ".bin" / "conformance", "server", *asked], folder)
    for file in folder.glob("*/checks.json"):
        # server-NAME-2026-01-31T23-59-59-999Z
        name = re.sub(r"-\d{4}-\d\d-\d\dT.*", "", file.parent.name.removeprefix("server-"))
        yield name, json.loads(file.read_text(encoding="utf-8"))


def passes(checks: list[Json]) -> bool:
    """Whether something was checked, and nothing found that we do not excuse."""
    counted = [check for check in checks if check["id"] not in {SHAPE, *LEFT_OUT}]
    found = {check["status"] for check in counted}
    return "SUCCESS" in found and not found & BAD


@every_version
def test_the_scenarios_that_apply_to_a_version_pass_and_no_others(
    version: str, ran: dict[str, dict[str, list[Json]]]
) -> None:
    # Clients rely on it; and an excuse that is not needed any more would hide a fault to come.
    passed = {name for name, checks in ran[version].items() if passes(checks)}
    column = VERSIONS.index(version)
    rows = {name: cells.split("|")[column].strip() for name, cells in PASSING.items()}
    assert passed == {name for name, cell in rows.items() if cell == "yes"}
    assert ran[version].keys() - passed <= {*EXCUSED, *PASSING}


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
    failed = {c["id"] for c in ran[VERSIONS[-1]]["server-stateless"] if c["status"] == "FAILURE"}
    assert failed == LEFT_OUT.keys()
    assert sum(c["status"] == "SUCCESS" for c in ran[VERSIONS[-1]]["server-stateless"]) == 20


def test_the_page_names_every_scenario_once(tmp_path: Path) -> None:
    # A scenario that nobody looked at is neither kept nor excused.
    listed = run([node_packages() / ".bin" / "conformance", "list", "--server"], tmp_path)
    scenarios = re.findall(r"^  - ([\w-]+) \[", listed.stdout, re.M)
    assert sorted([*PASSING, *EXCUSED]) == sorted(scenarios)


def test_the_page_names_the_version_of_the_suite() -> None:
    # Scenarios come and go with it.
    package = json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))
    version = package["devDependencies"]["@modelcontextprotocol/conformance"]
    assert f"(`@modelcontextprotocol/conformance` {version})" in PAGE
