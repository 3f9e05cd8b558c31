"""The MCP bundle: valid by its own judge, whole, and able to start."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.host_tools import run_tool
from support.processes import PATIENCE, environment
from support.scripts import script
from vapi_sessions_mcp import __version__

BUNDLE = script("bundle")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle, made from this checkout."""
    return BUNDLE.pack(tmp_path_factory.mktemp("dist"))


def test_the_bundle_is_valid_by_its_own_judge(bundle: Path, tmp_path: Path) -> None:
    # Claude Desktop refuses one that is not, without saying much.
    unpacked = run_tool("mcpb", "unpack", bundle, tmp_path / "unpacked", folder=tmp_path)
    assert unpacked.returncode == 0, unpacked.stderr
    done = run_tool("mcpb", "validate", tmp_path / "unpacked", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Manifest schema validation passes!" in done.stdout


def test_the_bundle_has_all_that_uv_needs_and_no_more(bundle: Path, tmp_path: Path) -> None:
    # It is unpacked on a machine that has nothing else of this project.
    names = zipfile.ZipFile(bundle).namelist()
    outside = {name for name in names if not name.startswith("src/vapi_sessions_mcp/")}
    assert outside == {"manifest.json", "pyproject.toml", "README.md", "LICENSE"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    zipfile.ZipFile(bundle).extractall(tmp_path)
    server = json.loads((tmp_path / "manifest.json").read_text())["server"]
    assert (tmp_path / server["entry_point"]).is_file()
    options = server["mcp_config"]["args"][4:]
    done = subprocess.run(
        [sys.executable, "-m", "vapi_sessions_mcp", *options, "--version"],
        env=environment(PYTHONPATH=str(tmp_path / "src")),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout == f"vapi-sessions-mcp {__version__}\n"


def test_the_same_sources_make_the_same_bundle(bundle: Path, tmp_path: Path) -> None:
    # Whoever doubts a release makes it again and compares.
    assert BUNDLE.pack(tmp_path).read_bytes() == bundle.read_bytes()
