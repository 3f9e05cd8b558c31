"""The wheel that people install: whole, typed and startable by itself."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "vapi_sessions_mcp"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    target = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return next(target.glob("*.whl"))


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    # A file that is missing there is missing for everybody who does not work in this checkout.
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src" / PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert f"{PACKAGE}/py.typed" in sources
    assert {name for name in names if ".dist-info/" not in name} == sources
    assert f"{PACKAGE}/rest_api/docs.css" in sources
    # Nothing of somebody else's, which would need its own updates and notices.
    assert not [name for name in names if name.endswith((".js", ".min.css", ".woff2"))]


def test_the_command_starts_from_the_wheel_alone(wheel: Path) -> None:
    # An editable checkout can hide what the wheel lacks.
    run = [sys.executable, "-c", "from vapi_sessions_mcp.cli.main import main; main()", "demo"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VAPI_")}
    environment = {**kept, "PYTHONPATH": str(wheel)}
    done = subprocess.run(
        run, env=environment, cwd=wheel.parent, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Every step worked" in done.stdout


def test_every_tested_version_is_pinned_without_an_address() -> None:
    # Constraints that name an index would send people to a machine they may not reach.
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.match(r"[a-z0-9._-]+==[^ ]+( ;|$)", pin) for pin in pins)
    assert {"mcp", "httpx2", "pydantic", "pytest", "ruff"} <= {pin.split("==")[0] for pin in pins}
