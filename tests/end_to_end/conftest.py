"""Servers that the tests of a module share."""

import os
import subprocess
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.browser import Host, bundled, chromium, hosted, missing, server
from support.faces import FACES, Faces, bearer, serving
from support.processes import COMMAND, PATIENCE, environment, logged_calls, url_in
from support.sandbox import NOW
from support.token_servers import NAME, READ, WRITE

REST = ("--transport", "rest", "--rest-port", "0")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Real time, in which other processes live."""
    return "asyncio"


@pytest.fixture(scope="module")
async def token_server() -> AsyncGenerator[Faces]:
    """Two tokens of each kind, one of which could be on its way out."""
    tokens = {"VAPI_MCP_TOKENS": ",".join(WRITE), "VAPI_MCP_READ_TOKENS": "\n".join(READ)}
    async with serving("--allowed-host", NAME, **tokens) as faces:
        faces.way_in = (bearer(READ[0]),)
        yield faces


@pytest.fixture
async def tokens(token_server: Faces) -> Faces:
    return await token_server.fresh()


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    """REST, and MCP in both eras."""
    return str(request.param)


@pytest.fixture(scope="module")
def rest_sandbox() -> Generator[str]:
    """The base URL of a REST adapter on a sandbox, which ends in `/v1`."""
    arguments = [*COMMAND, *REST, "--sandbox", "--sandbox-now", NOW.isoformat()]
    with subprocess.Popen(
        arguments, stderr=subprocess.PIPE, env=environment(), text=True
    ) as process:
        assert process.stderr
        yield url_in(process.stderr.readline())
        process.terminate()
        assert process.wait(PATIENCE) == 0
        *calls, last = process.stderr.read().splitlines()
        assert logged_calls("\n".join(calls))
        assert "Shutting down" in last


@pytest.fixture(scope="module")
def viewer_server() -> Generator[str]:
    """A server with its sandbox for the tests of a viewer module, and the URL of its MCP."""
    with server("--tool-names", "short") as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """One Chromium for a module; the tests are skipped where there is none."""
    if lacking := missing():
        pytest.skip(lacking)
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def official_host(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The host side of ext-apps, as one script."""
    return bundled("v2", tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="module")
def hosting(browser: Browser, official_host: str, viewer_server: str) -> Generator[Host]:
    """A page with the official host, for a module: connecting takes longer than a test."""
    with hosted(browser, official_host, viewer_server) as host:
        yield host


@pytest.fixture
def host(hosting: Host) -> Host:
    """The official host, which has seen nothing yet."""
    return hosting.fresh(760, 720)


@pytest.fixture
def phone(hosting: Host) -> Host:
    """The same at the size of a telephone."""
    return hosting.fresh(360, 640)


@pytest.fixture
def without_extra(tmp_path: Path) -> dict[str, str]:
    """The environment of a server that was installed without the extra."""
    package = tmp_path / "opentelemetry" / "sdk"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ModuleNotFoundError(name=__name__)\n")
    others = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": f"{tmp_path}{os.pathsep}{others}"}
