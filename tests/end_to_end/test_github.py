"""What is in .github/: valid by GitHub's schemas, safe, and what CONTRIBUTING.md says it is."""

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
FORMS = sorted(
    set((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) - {GITHUB / "ISSUE_TEMPLATE/config.yml"}
)
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
# It has no types.
CHECK: Any = import_module("check_jsonschema").main
KINDS = {
    "vendor.github-workflows": WORKFLOWS,
    "vendor.dependabot": [GITHUB / "dependabot.yml"],
    "vendor.github-issue-forms": FORMS,
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE/config.yml"],
}
CONTRIBUTING = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())


def read(name: str) -> Any:
    reader: Any = YAML(typ="safe")
    return reader.load((GITHUB / name).read_text(encoding="utf-8"))


def validated(schema: str, files: list[Path]) -> Any:
    arguments = ["--builtin-schema", schema, *map(str, files)]
    return CliRunner().invoke(CHECK, arguments)


@pytest.mark.parametrize("schema", KINDS)
def test_each_file_is_valid(schema: str, tmp_path: Path) -> None:
    # GitHub ignores a form or a workflow that it cannot read, and says so where nobody looks.
    assert KINDS[schema]
    judged = validated(schema, KINDS[schema])
    assert judged.exit_code == 0, judged.output
    spoilt = tmp_path / "spoilt.yml"
    spoilt.write_text(
        "jobs: 1\nversion: 3\nbody: 1\nblank_issues_enabled: maybe\n", encoding="utf-8"
    )
    assert validated(schema, [spoilt]).exit_code == 1


def test_the_workflows_give_nothing_away() -> None:
    # A workflow that can be made to run somebody's words publishes somebody's package.
    zizmor = Path(sys.executable).parent / "zizmor"
    done = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--quiet", GITHUB],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_each_action_is_pinned_to_one_commit() -> None:
    # A tag can be moved to other code by whoever takes an action over.
    text = "\n".join(file.read_text(encoding="utf-8") for file in WORKFLOWS)
    used = re.findall(r"uses: (.+)", text)
    assert used
    pins: dict[str, set[str]] = {}
    for each in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each
        name, _, pin = each.partition("@")
        pins.setdefault(name, set()).add(pin)
    assert {name: pin for name, pin in pins.items() if len(pin) > 1} == {}


def test_the_check_runs_on_every_python_and_system_that_we_name() -> None:
    # A classifier is a promise.
    job = read("workflows/check.yml")["jobs"]["check"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert job["strategy"]["matrix"]["python"] == named
    systems = job["strategy"]["matrix"]["system"]
    assert [system.partition("-")[0] for system in systems] == ["ubuntu", "macos", "windows"]
    judged = {step["if"].split("'")[1]: step["run"] for step in job["steps"] if "if" in step}
    assert judged == {
        "Linux": ".ci/run",
        "macOS": "scripts/check",
        "Windows": "scripts/check --quick",
    }


def test_a_release_is_made_as_contributing_says() -> None:
    # Whoever makes the second release has only this text.
    release = read("workflows/release.yml")
    jobs: dict[str, Any] = release["jobs"]
    # YAML 1.2 has no `on` that means true.
    assert release["on"] == {"push": {"tags": ["v*"]}}
    assert "rule that only tags `v*` deploy" in CONTRIBUTING
    assert jobs["attest"]["needs"] == ["check", "build"]
    assert jobs["publish"]["needs"] == "attest"
    assert jobs["publish"]["environment"] == "release"
    assert "at the environment `release`" in CONTRIBUTING
    # Trusted publishing: an identity of this job, and no secret anywhere.
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert "by trusted publishing" in CONTRIBUTING
    assert "secrets." not in (GITHUB / "workflows/release.yml").read_text(encoding="utf-8")
    assert release["permissions"] == {}
    runs = [step["run"] for step in jobs["build"]["steps"] if "run" in step]
    assert runs == ['scripts/release "$GITHUB_REF_NAME"']
    assert "(`scripts/release`)" in CONTRIBUTING


@pytest.mark.parametrize("tag", ["", "v9.9.9", "0.1.0", "main"])
def test_a_tag_that_is_not_the_version_builds_nothing(tag: str) -> None:
    # A version on the package index can never be replaced.
    done = subprocess.run(
        [ROOT / "scripts" / "release", tag],
        env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"The tag is '{tag}', and the version v")


def test_the_scripts_run_in_the_bash_of_macos() -> None:
    # It is 3.2, of 2007, and nobody who works on Linux notices.
    newer = re.compile(r"mapfile|readarray|declare -A|local -n|\$\{\w+(,,|\^\^|@\w)|&>>|\|&|coproc")
    scripts = [file for file in (ROOT / "scripts").iterdir() if file.is_file()]
    texts = {file.name: file.read_text(encoding="utf-8") for file in scripts}
    in_bash = {name: text for name, text in texts.items() if text.startswith("#!/usr/bin/env bash")}
    assert {"check", "setup", "release"} <= in_bash.keys()
    code = {name: re.sub(r"(?m)(^|\s)#.*$", "", text) for name, text in in_bash.items()}
    assert {name for name, text in code.items() if newer.search(text) or "getconf" in text} == set()
