"""What changed since the last release: said on the page, and allowed by the version."""

import json
import os
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from support.contract_changes import ADDS, BREAKS, changes
from support.contract_forms import PUBLISHED, Json
from vapi_sessions_mcp import __version__, json_text

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "contract-changes.md").read_text(encoding="utf-8")
NOW: Json = json.loads(PUBLISHED.read_text(encoding="utf-8"))
# The contract of the last release. With RELEASED=1 in the environment that is this version's.
FILE = ROOT / "tests" / "snapshots" / "released_contract.json"
if os.environ.get("RELEASED"):
    released = {"version": __version__, "contract": NOW}
    FILE.write_text(json_text.compact(released) + "\n", encoding="utf-8")
RELEASED: Json = json.loads(FILE.read_text(encoding="utf-8"))


def allows(old: str, new: str, kinds: set[str]) -> bool:
    """Whether `new` may follow `old` with changes of these kinds; it is raised at a release."""
    before, after = ([int(part) for part in version.split(".")] for version in (old, new))
    if BREAKS in kinds and before[0] > 0:
        return after == before or after[0] > before[0]
    return after == before or not kinds or after[:2] > before[:2]


def test_what_changed_since_the_last_release_is_on_the_page() -> None:
    # Whoever built on the last release reads one list, and nothing enters it unseen.
    made = [f"- {kind}: {what}" for kind, what in changes(RELEASED["contract"], NOW)]
    since = PAGE.partition("\n## Since ")[2]
    assert since.splitlines()[0] == RELEASED["version"]
    assert re.findall(r"^- (?:adds|breaks): .+$", since, re.M) == made


def test_the_version_says_whether_callers_have_to_change() -> None:
    # A caller who pins `>=0.1,<0.2` is promised that nothing breaks.
    kinds = {kind for kind, _ in changes(RELEASED["contract"], NOW)}
    assert allows(RELEASED["version"], __version__, kinds)


@pytest.mark.parametrize(
    ("old", "new", "kinds", "allowed"),
    [
        ("0.1.0", "0.1.0", {BREAKS}, True),
        ("0.1.0", "0.1.1", set[str](), True),
        ("0.1.0", "0.1.1", {ADDS}, False),
        ("0.1.0", "0.1.1", {BREAKS}, False),
        ("0.1.0", "0.2.0", {ADDS, BREAKS}, True),
        ("1.2.0", "1.3.0", {ADDS}, True),
        ("1.2.0", "1.3.0", {ADDS, BREAKS}, False),
        ("1.2.0", "2.0.0", {ADDS, BREAKS}, True),
    ],
)
def test_a_version_that_promises_too_much_is_found(
    old: str, new: str, kinds: set[str], allowed: bool
) -> None:
    # The rule of the page, on releases that are still to come.
    assert allows(old, new, kinds) is allowed


def tool(contract: Json, short: str) -> Json:
    return next(row["tool"] for row in contract["tools"] if row["names"]["short"] == short)


def schema(contract: Json, short: str = "list_sessions") -> Json:
    return tool(contract, short)["inputSchema"]


def without_delete(contract: Json) -> None:
    contract["tools"] = [r for r in contract["tools"] if r["names"]["short"] != "delete_session"]


EDITS: dict[str, tuple[Callable[[Json], object], list[tuple[str, str]]]] = {
    "words": (lambda c: tool(c, "get_session").update(description="Read it."), []),
    "an open object said to be open": (
        lambda c: schema(c, "create_session")["properties"]["body"].pop("additionalProperties"),
        [],
    ),
    "a tool gone": (
        without_delete,
        [
            (BREAKS, "tool delete_session is gone"),
            (BREAKS, "tool vapi-sessioncontrollerremove is gone"),
        ],
    ),
    "an argument gone": (
        lambda c: schema(c)["properties"].pop("contains"),
        [(BREAKS, "argument list_sessions.contains is gone")],
    ),
    "an argument new": (
        lambda c: schema(c)["properties"].update(city={"type": "string"}),
        [(ADDS, "argument list_sessions.city is new")],
    ),
    "an argument required": (
        lambda c: schema(c).update(required=["limit"]),
        [(BREAKS, "list_sessions requires limit")],
    ),
    "an argument of another type": (
        lambda c: schema(c)["properties"]["limit"].update(type="string"),
        [(BREAKS, "list_sessions.limit: type")],
    ),
    "a choice gone and one new": (
        lambda c: schema(c)["properties"]["sortOrder"].update(enum=["ASC", "RANDOM"]),
        [
            (ADDS, "choice of list_sessions.sortOrder: RANDOM is new"),
            (BREAKS, "choice of list_sessions.sortOrder: DESC is gone"),
        ],
    ),
    "a limit tightened": (
        lambda c: schema(c)["properties"]["limit"].update(maximum=10),
        [(BREAKS, "list_sessions.limit: maximum is 10")],
    ),
    "a limit loosened": (
        lambda c: schema(c)["properties"]["limit"].update(maximum=10_000),
        [(ADDS, "list_sessions.limit: maximum is 10000")],
    ),
    "a limit that was none": (
        lambda c: schema(c)["properties"]["id"].update(maxLength=9),
        [(BREAKS, "list_sessions.id: maxLength is 9")],
    ),
    "a promise withdrawn": (
        lambda c: tool(c, "get_session")["outputSchema"].update(required=[]),
        [(BREAKS, "answer of get_session may lack id")],
    ),
    "a hint that was relied on": (
        lambda c: tool(c, "get_session")["annotations"].update(readOnlyHint=False),
        [(BREAKS, "get_session: readOnlyHint is False")],
    ),
    "a protocol version gone": (
        lambda c: c["initialize"].pop("2025-06-18"),
        [(BREAKS, "protocol version 2025-06-18 is gone")],
    ),
    "a prompt gone": (
        lambda c: c["lists"]["prompts/list"]["prompts"].pop(),
        [(BREAKS, "prompt prepare_call is gone")],
    ),
}


@pytest.mark.parametrize("what", EDITS)
def test_each_kind_of_change_is_known_for_what_it_is(what: str) -> None:
    # A change that breaks callers and passes for words would be found by them.
    edit, expected = EDITS[what]
    edited = deepcopy(NOW)
    edit(edited)
    # Under both names of a tool, of which the short one is enough to see it.
    found = [change for change in changes(NOW, edited) if "vapi-" not in change[1]]
    assert found == [change for change in expected if "vapi-" not in change[1]]
