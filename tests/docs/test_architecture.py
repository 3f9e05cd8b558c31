"""The map of the code says where everything is, and nothing else."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "vapi_sessions_mcp"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TREE = PAGE.partition("## The tree")[2].partition("\n## ")[0]


def promise(file: Path) -> str:
    """The first line of a module's docstring."""
    return str(ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))).splitlines()[0]


def test_the_tree_has_every_module_with_its_promise() -> None:
    # A newcomer finds a line's room in one look only if the map is the territory.
    modules = {
        str(file.relative_to(PACKAGE)): promise(file)
        for file in PACKAGE.rglob("*.py")
        if file.name != "__init__.py"
    }
    rows = dict(re.findall(r"^- `([^`]+)`: (.+)$", TREE, flags=re.MULTILINE))
    assert rows == {name: f"{text.removesuffix('.')}." for name, text in modules.items()}


def test_the_tree_has_every_room_with_its_promise() -> None:
    # A folder without a role is where things get lost.
    rooms = {
        f"{file.parent.relative_to(PACKAGE)}/": promise(file)
        for file in PACKAGE.rglob("__init__.py")
        if file.parent != PACKAGE
    }
    rows = dict(re.findall(r"^\*\*`([^`]+)`\*\*: (.+)$", TREE, flags=re.MULTILINE))
    assert rows == rooms


def test_every_file_that_the_page_names_exists() -> None:
    # The way through the code is followed by opening what is named.
    named = set(re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", PAGE))
    assert named
    assert [name for name in sorted(named) if not (PACKAGE / name).is_file()] == []
