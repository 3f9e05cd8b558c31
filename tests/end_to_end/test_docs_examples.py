"""The examples of the reference page, pasted into a shell as they are."""

import json
import shutil
from pathlib import Path

import anyio
import httpx2
import pytest

from support.html_pages import HtmlPage
from support.processes import PATIENCE, environment, started, url_in
from vapi_sessions_mcp.sandbox import SANDBOX_KEY

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here"),
]

TOKEN = "reader-of-the-docs-0123456789abcdef"
SECRETS = {"TOKEN": TOKEN, "VAPI_API_KEY": SANDBOX_KEY}
SHOWN = {"Authorization": f"Bearer {TOKEN}", "X-Vapi-Api-Key": SANDBOX_KEY}


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """The environment of a shell whose curl uses no proxy and fails when it is refused."""
    settings = f"silent\nshow-error\nfail-with-body\nnoproxy = *\nmax-time = {PATIENCE}\n"
    (tmp_path / ".curlrc").write_text(settings, encoding="utf-8")
    return environment(CURL_HOME=str(tmp_path))


@pytest.mark.parametrize(
    ("options", "secrets"),
    [
        ((), {}),
        (("--confirm-delete", "argument"), {}),
        (("--auth", "token"), {"TOKEN": TOKEN}),
        (("--auth", "token", "--auth", "caller-key"), SECRETS),
    ],
    ids=["open", "confirmed delete", "token", "token and key"],
)
async def test_every_curl_example_works(
    shell: dict[str, str], options: tuple[str, ...], secrets: dict[str, str]
) -> None:
    # People paste them before they read anything else.
    tokens = {"VAPI_MCP_TOKENS": TOKEN} if secrets else {}
    arguments = ("--transport", "rest", "--rest-port", "0", "--sandbox", *options)
    async with started(*arguments, **tokens) as running:
        url = url_in(await running.told("REST at "))
        async with httpx2.AsyncClient(headers=SHOWN, timeout=PATIENCE) as client:
            page = HtmlPage((await client.get(f"{url.removesuffix('/v1')}/docs")).text)
            assert len(page.examples) == 7
            for example in page.examples:
                created = await client.post(f"{url}/session", json={"name": "For the docs"})
                known = {**shell, **secrets, "ID": created.json()["id"]}
                with anyio.fail_after(PATIENCE):
                    command = ["/bin/sh", "-euc", example]
                    done = await anyio.run_process(command, env=known, check=False)
                assert done.returncode == 0, (example, done.stdout, done.stderr)
                answer = json.loads(done.stdout)
                assert answer.get("id") == known["ID"] or "$ID" not in example
