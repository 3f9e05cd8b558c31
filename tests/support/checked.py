"""What `doctor --json` found, check by check."""

import json
from typing import TypeAlias

from support.command import Ended

Checks: TypeAlias = dict[str, tuple[bool, str]]


def checked(ended: Ended) -> Checks:
    """Each check by name: whether it is well, and what was said; the exit code says the same."""
    said = json.loads(ended.out)
    checks = {check["name"]: (check["ok"], check["said"]) for check in said["checks"]}
    assert said["ok"] == all(ok for ok, _ in checks.values())
    assert ended.code == (0 if said["ok"] else 1)
    return checks
