"""What every test shares: the sandbox as upstream, watched, clients of each era, the command."""

import logging
import os
import re
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from coverage import Coverage
from hypothesis import settings
from mcp import Client

from support.certificates import self_signed
from support.command import Ended, Run
from support.hurried import HurriedLoop
from support.sandbox import Watched, stopped
from support.tools import ERAS
from support.upstream import Connect, Upstream
from vapi_sessions_mcp.cli.main import main
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sandbox import SANDBOX_KEY
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

TESTS = Path(__file__).parent

# `--hypothesis-profile=long` tries forty times as many examples, and other ones each time.
settings.register_profile("short", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=1_000, deadline=None)
settings.load_profile("short")


def pytest_configure() -> None:
    """Stop when the suite was to run on another day (tests/support/other_day) and does not."""
    day = os.environ.get("AS_OF")
    if day and datetime.now(UTC).date() != datetime.fromisoformat(day).date():
        raise pytest.UsageError(f"It is not {day}: put tests/support/other_day on PYTHONPATH.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is busy long after the others."""
    items.sort(key=_starts_processes, reverse=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no test, and no process that it starts, that reaches what others reach.

    That takes twice the time. What is tested in both eras is measured in the newer, and examples
    that are made up are not: what is reached by chance says nothing. A server that a module
    shares is measured where its first test is.
    """
    measuring = Coverage.current()
    if measuring is None or _is_measured(item):
        return (yield)
    measuring.stop()
    with pytest.MonkeyPatch.context() as during:
        during.delenv("COVERAGE_PROCESS_CONFIG")
        try:
            return (yield)
        finally:
            measuring.start()


def _is_measured(item: pytest.Item) -> bool:
    marks = {mark.name for mark in item.iter_markers()}
    made_up = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    is_older = "legacy" in re.split(r"[\[\]-]", item.name)
    return "measured" in marks or not (
        _starts_processes(item) or made_up or is_older or "unmeasured" in marks
    )


def _starts_processes(item: pytest.Item) -> bool:
    return not {"end_to_end", "clients"}.isdisjoint(item.path.relative_to(TESTS).parts)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Nobody waits for what only time brings, unless somebody else is waited for as well."""
    return "asyncio", {"loop_factory": HurriedLoop}


@pytest.fixture(scope="session", autouse=True)
def given_environment(tmp_path_factory: pytest.TempPathFactory) -> Generator[dict[str, str]]:
    """The environment as it was given: in ours there is one certificate in the system's place.

    To load all of those takes 20 ms for each client. Who installs something needs them.
    """
    given = dict(os.environ)
    file, _ = self_signed(tmp_path_factory.mktemp("certificates"))
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("SSL_CERT_FILE", str(file))
        yield given


@pytest.fixture(scope="session")
def new_sandboxes() -> list[Watched]:
    """Those that tests have only read from: to make one takes longer than most tests."""
    return []


@pytest.fixture
def new_sandbox(new_sandboxes: list[Watched]) -> Generator[Watched]:
    """A sandbox that nobody has changed; its clock stands still."""
    sandbox = new_sandboxes.pop() if new_sandboxes else Watched()
    yield sandbox
    if sandbox.is_new:
        new_sandboxes.append(sandbox)


@pytest.fixture
def upstream(new_sandbox: Watched) -> Upstream:
    """The sandbox behind a watch."""
    return Upstream(httpx2.ASGITransport(new_sandbox))


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    """Both protocol eras: the 2025 handshake and 2026-07-28."""
    return str(request.param)


@pytest.fixture
def connect(upstream: Upstream, era: str) -> Connect:
    """A client in the memory of this process, in each era, with the sandbox as upstream."""

    @asynccontextmanager
    async def connect(**options: Any) -> AsyncGenerator[Client]:
        given: dict[str, Any] = {
            "api_key": SANDBOX_KEY,
            "base_url": "http://localhost:9",
            **options,
        }
        settings = Settings(**given)
        server = build_server(
            Sessions(Vapi(settings, transport=upstream, clock=stopped), settings), settings
        )
        with anyio.fail_after(20):
            async with Client(server, mode=era) as client:
                yield client

    return connect


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Generator[Run]:
    """The command in this process, with these arguments and this environment only."""
    for name in list(os.environ):
        if name.startswith("VAPI_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")
    loggers = [logging.getLogger(name) for name in ("", "vapi_sessions_mcp", "httpx2")]
    levels = [logger.level for logger in loggers]

    def run(*arguments: str, **environment: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["vapi-sessions-mcp", *arguments])
        with monkeypatch.context() as during:
            for name, value in environment.items():
                during.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    yield run
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
