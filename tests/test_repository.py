"""The repository keeps its own rules: where processes are started, what each script is for."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
SCRIPTS = TESTS.parent / "scripts"
# What starts a process, of the libraries and of tests/support.
STARTERS = {
    *("subprocess", "open_process", "run_process", "started", "serving", "hosted"),
    *("driven", "environment_of", "node_packages"),
}


def names_in(module: Path) -> set[str]:
    """Every name that it imports."""
    nodes = ast.walk(ast.parse(module.read_text(encoding="utf-8")))
    found = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return {alias.name for node in found for alias in node.names}


def test_only_end_to_end_tests_and_those_of_clients_start_processes() -> None:
    # All others are what `scripts/check --quick` runs, which has a minute.
    apart = {"end_to_end", "clients"}
    modules = [
        path for path in TESTS.rglob("test_*.py") if not apart & {*path.relative_to(TESTS).parts}
    ]
    assert len(modules) > 30
    assert {
        path.name: names_in(path) & STARTERS for path in modules if names_in(path) & STARTERS
    } == {}


def test_every_script_has_its_line_in_the_readme() -> None:
    # Whoever is new here reads that file instead of every script.
    text = (SCRIPTS / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z_.-]+)[^`]*` \| [^|]+ \|$", text, re.MULTILINE)
    there = sorted(path.name for path in SCRIPTS.iterdir() if path.name != "README.md")
    assert sorted(set(listed)) == there


def test_whatever_reads_the_clock_is_marked_so() -> None:
    # Else it would not be run on a leap day before that day comes.
    reads = re.compile(r"\.now\(UTC\)|\btime\.time\(")
    modules = [path for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    found = [path for path in modules if reads.search(path.read_text(encoding="utf-8"))]
    assert len(found) >= 3
    unmarked = [
        path.name for path in found if "pytest.mark.clock" not in path.read_text(encoding="utf-8")
    ]
    assert unmarked == []
