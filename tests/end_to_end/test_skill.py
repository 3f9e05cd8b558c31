"""The Agent Skill as a process prints and serves it."""

import subprocess
import sys

import httpx2
import pytest

from support.processes import environment, started


def test_showing_the_skill_imports_no_web_framework() -> None:
    # An agent waits for it.
    command = [sys.executable, "-X", "importtime", "-m", "vapi_sessions_mcp", "skill", "show"]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=60, check=True
    )
    lines = done.stderr.splitlines()
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert not imported & {"starlette", "pydantic", "httpx2", "mcp"}


@pytest.mark.anyio
async def test_the_rest_adapter_serves_the_skill() -> None:
    # An agent elsewhere gets it from the server whose tools it explains.
    async with started("--sandbox", "--transport", "rest", "--rest-port", "0") as running:
        root = (await running.url()).removesuffix("/v1")
        async with httpx2.AsyncClient(base_url=root) as client:
            listed = (await client.get("/skills")).json()
            assert [skill["name"] for skill in listed] == ["vapi-sessions"]
            shown = await client.get("/skills/vapi-sessions/contents/SKILL.md")
            assert shown.text.startswith("---\nname: vapi-sessions\n")
            assert (await client.get("/skills/vapi-sessions/download")).content.startswith(b"PK")
            foreign = await client.get("/skills", headers={"Host": "evil.example"})
            assert foreign.status_code == 421
