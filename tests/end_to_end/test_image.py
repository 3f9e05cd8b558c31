"""The container file, judged by a linter, and the wheel that its image is made of."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.deployed import DEPLOY, ROOT, copied


def test_hadolint_has_nothing_to_say_about_the_container_file() -> None:
    # It knows what goes wrong in images that nobody here can build.
    hadolint = shutil.which("hadolint", path=Path(sys.executable).parent)
    if hadolint is None:
        pytest.skip("hadolint is not here")
    judged = subprocess.run(
        [hadolint, "--failure-threshold", "style", DEPLOY / "Dockerfile"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (judged.returncode, judged.stdout) == (0, "")


def test_the_wheel_is_made_from_what_is_copied(tmp_path: Path) -> None:
    # A file that is missing would be noticed by whoever builds the image first.
    for source in copied():
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / source)
        else:
            shutil.copy(ROOT / source, tmp_path)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert list(tmp_path.glob("dist/vapi_sessions_mcp-*.whl"))
