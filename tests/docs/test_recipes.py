"""The page of recipes is made of the plays that the evals' checks pass."""

import os
from pathlib import Path

from evals.plays import load as load_plays
from evals.recipes import page
from evals.tasks import load as load_tasks

FILE = Path(__file__).parents[2] / "docs" / "recipes.md"


def test_the_recipes_are_what_was_played() -> None:
    # People paste them. tests/evals/test_plays.py runs every call of these against the sandbox.
    made = page(load_tasks(), load_plays())
    if os.environ.get("UPDATE_SNAPSHOTS"):
        FILE.write_text(made, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == made, "run with UPDATE_SNAPSHOTS=1 to write it anew"
    assert made.count("\n## ") == 12
