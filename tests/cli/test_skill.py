"""The Agent Skill: valid, true to its last example, and the same wherever it is read."""

import io
import json
import re
import shlex
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import anyio
import httpx2
import pytest
from click.testing import CliRunner, Result
from starlette.applications import Starlette

from support.command import Run, refused
from vapi_sessions_mcp.contract.operations import OPERATIONS
from vapi_sessions_mcp.rest_api.skill_routes import skill_routes
from vapi_sessions_mcp.skill import load_skill

pytestmark = pytest.mark.clock

SKILL = load_skill()
FILES = list(SKILL.files)
COMMAND = re.compile(r"^ *(vapi-sessions-mcp call .*)$", re.MULTILINE)
EXPECTED = re.compile(r"# exit code (\d)$")


def agentskills(*arguments: str) -> Result:
    """The specification's own command, in this process."""
    [script] = entry_points(group="console_scripts", name="agentskills")
    return CliRunner().invoke(script.load(), arguments)


@pytest.fixture
def installed(run: Run, tmp_path: Path) -> Path:
    """The skill as an agent finds it, in a folder of its own."""
    assert run("skill", "install", str(tmp_path)).code == 0
    return tmp_path / "vapi-sessions"


def test_the_skill_is_valid_by_the_specification_s_own_validator(installed: Path) -> None:
    # A host silently leaves out a skill that is not.
    done = agentskills("validate", str(installed))
    assert done.exit_code == 0, done.stderr
    properties = json.loads(agentskills("read-properties", str(installed)).stdout)
    assert (SKILL.name, SKILL.description) == (properties["name"], properties["description"])
    # Below the limit at which the specification says to move text to other files.
    assert len(SKILL.files["SKILL.md"].splitlines()) < 500


@pytest.mark.unmeasured
@pytest.mark.parametrize("file", FILES)
def test_every_command_in_the_skill_does_what_it_says(run: Run, tmp_path: Path, file: str) -> None:
    # An agent copies them; one wrong argument costs it a round, a wrong id a customer.
    commands = COMMAND.findall(SKILL.files[file].decode())
    assert commands
    for line in commands:
        expected = EXPECTED.search(line)
        words = shlex.split(line, comments=True)[1:]
        if "--help" in line:
            continue
        ended = run("--sandbox", "--sandbox-db", str(tmp_path / "vapi.db"), *words)
        assert ended.code == int(expected[1] if expected else 0), (line, ended.err)
        if "list_sessions" in line and not file.endswith("erasing.md"):
            page = json.loads(ended.out)
            assert page["results"] or page["total"], line


@pytest.mark.unmeasured
def test_the_searches_for_an_erasure_find_all_of_it_and_then_nothing(
    run: Run, tmp_path: Path
) -> None:
    # The procedure is a promise to a customer: what it deletes is what it found, all of it.
    before = ("--sandbox", "--sandbox-db", str(tmp_path / "vapi.db"))
    lines = COMMAND.findall(SKILL.files["references/erasing.md"].decode())
    calls = [shlex.split(line, comments=True)[2:] for line in lines]
    found: list[set[str]] = []
    deleted: set[str] = set()
    for tool, arguments in calls:
        ended = run(*before, "call", tool, arguments)
        if tool == "list_sessions":
            rows = json.loads(ended.out)["results"]
            found.append({row["id"] for row in rows})
        elif tool == "delete_session":
            deleted.add(json.loads(arguments)["id"])
    by_number, by_external_id, *_, again = found
    assert by_number == by_external_id == deleted
    assert all(ids <= deleted for ids in found)
    assert again == set()


def test_the_skill_names_every_tool_and_links_every_file() -> None:
    # What SKILL.md does not mention, no agent ever opens.
    main = SKILL.files["SKILL.md"].decode()
    for row in OPERATIONS:
        assert f"| `{row.short_name}` | `{row.name}` |" in main
    assert set(re.findall(r"\]\((references/[^)]+)\)", main)) == set(FILES) - {"SKILL.md"}


def test_show_prints_a_file_of_the_skill(run: Run) -> None:
    # An agent in a shell reads it without knowing where Python keeps its packages.
    assert run("skill", "show") == (0, SKILL.files["SKILL.md"].decode(), "")
    for file in FILES:
        assert run("skill", "show", file).out == SKILL.files[file].decode()
    told = refused(run("skill", "show", "../skills.py"))
    assert told == f"No file '../skills.py' in the skill: there are {', '.join(FILES)}."


def test_install_copies_the_skill_once(run: Run, tmp_path: Path) -> None:
    # Set-up scripts run it every time.
    target = tmp_path / ".claude" / "skills" / "vapi-sessions"
    first, second = (run("skill", "install", HOME=str(tmp_path)) for _ in range(2))
    assert first.out == f"The skill is in {target}: copied {', '.join(FILES)}.\n"
    assert second.out == f"The skill is in {target}: every file was there already.\n"
    assert {file: (target / file).read_bytes() for file in FILES} == SKILL.files


def test_install_overwrites_a_changed_file_only_when_forced(run: Run, installed: Path) -> None:
    # Somebody's own rules for their agent may stand in it.
    changed, lost = installed / "SKILL.md", installed / "references" / "chats.md"
    changed.write_text("Mine.", encoding="utf-8")
    lost.unlink()
    told = refused(run("skill", "install", str(installed.parent)))
    assert told == (
        f"In {installed} these differ from this version's: SKILL.md."
        " Nothing was copied; --force overwrites them."
    )
    assert changed.read_text(encoding="utf-8") == "Mine."
    assert not lost.exists()
    forced = run("skill", "install", str(installed.parent), "--force")
    assert forced.out.endswith(": copied SKILL.md, references/chats.md.\n")
    assert changed.read_bytes() == SKILL.files["SKILL.md"]


def test_a_folder_that_cannot_be_written_is_one_line(run: Run, tmp_path: Path) -> None:
    # A stack trace would hide which folder it is.
    (tmp_path / "vapi-sessions").write_text("a file", encoding="utf-8")
    told = refused(run("skill", "install", str(tmp_path)))
    assert told == f"Cannot write {tmp_path / 'vapi-sessions' / 'SKILL.md'}: Not a directory."


def get(*paths: str) -> list[httpx2.Response]:
    """What the routes answer, in a Starlette application of their own."""

    async def fetch() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(Starlette(routes=skill_routes()))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return [await client.get(path) for path in paths]

    return anyio.run(fetch)


def test_the_skill_is_served_as_it_is_packaged() -> None:
    # An agent elsewhere learns from the same text.
    index, about, *texts = get(
        "/skills",
        "/skills/vapi-sessions",
        *(f"/skills/vapi-sessions/contents/{file}" for file in FILES),
    )
    named = {"name": SKILL.name, "description": SKILL.description}
    assert index.json() == [named]
    assert about.json() == {**named, "files": FILES}
    assert index.headers["Content-Type"] == about.headers["Content-Type"] == "application/json"
    assert [answer.content for answer in texts] == list(SKILL.files.values())
    assert {answer.headers["Content-Type"] for answer in texts} == {"text/markdown; charset=utf-8"}


def test_the_download_is_the_folder_and_always_the_same_bytes(tmp_path: Path) -> None:
    # Whoever pins a checksum must be able to.
    first, second = get(*["/skills/vapi-sessions/download"] * 2)
    assert first.content == second.content == SKILL.archive()
    assert first.headers["Content-Type"] == "application/zip"
    assert first.headers["Content-Disposition"] == 'attachment; filename="vapi-sessions.zip"'
    with zipfile.ZipFile(io.BytesIO(first.content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        archive.extractall(tmp_path)
    assert agentskills("validate", str(tmp_path / "vapi-sessions")).exit_code == 0


@pytest.mark.parametrize(
    "path",
    [
        "/skills/other",
        "/skills/vapi-sessions/contents",
        "/skills/vapi-sessions/contents/",
        "/skills/vapi-sessions/contents/nothing.md",
        "/skills/vapi-sessions/contents/..%2f..%2f..%2fcli.py",
        "/skills/vapi-sessions/contents/%2e%2e/%2e%2e/%2e%2e/cli.py",
        "/skills/vapi-sessions/contents/%2Fetc%2Fpasswd",
        "/skills/vapi-sessions/contents/references",
    ],
)
def test_any_other_path_is_not_found_in_vapi_s_shape(path: str) -> None:
    # Nothing but the skill's own files can be had, however the path is written.
    [answer] = get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert body["message"].startswith("No skill or file ")
    assert (body["error"], body["statusCode"]) == ("Not Found", 404)
