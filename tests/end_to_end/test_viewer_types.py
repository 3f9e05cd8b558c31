"""The types of the viewer's sources, judged by TypeScript."""

import pytest

from support.browser import PACKAGES, ROOT, run_npm


def test_the_sources_of_the_viewer_keep_their_types() -> None:
    # They are plain modules; what their comments say of types is checked, strictly.
    if not PACKAGES.is_dir():
        pytest.skip("scripts/setup ui has not been run")
    done = run_npm("tsc", "--project", ROOT / "ui")
    assert (done.stdout, done.returncode) == ("", 0)
