"""Replicas of the server as real processes, behind Debian's nginx with the file of `deploy/`."""

import os
import re
import shutil
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest

from support.deployed import NGINX, image_environment, read_yaml
from support.faulty_vapi import FaultyVapi
from support.processes import PATIENCE, Running, environment, started

TOKEN = "caller-of-replicas-0123456789abcdef"
SETTINGS: dict[str, str] = read_yaml("compose.yaml")["services"]["replica-1"]["environment"]
NAME = SETTINGS["VAPI_MCP_ALLOWED_HOST"]


class Replica:
    """A server with the settings of `deploy/compose.yaml`, its own key, and one port for ever."""

    def __init__(self, vapi: FaultyVapi, folder: Path, number: int) -> None:
        self.key = f"replica-{number}-0123456789abcdef"
        self._vapi, self._folder, self._port = vapi, folder / f"replica-{number}", "0"
        self.running: Running

    async def start(self, stack: AsyncExitStack, *options: str) -> None:
        """Start it, or start it again."""
        self._folder.mkdir(exist_ok=True)
        for name, secret in {"vapi-api-key": self.key, "tokens": TOKEN}.items():
            (self._folder / name).write_text(secret, encoding="utf-8")
        given = {**image_environment(), **SETTINGS, "VAPI_BASE_URL": self._vapi.url}
        # All of them are on one machine, and no collector is near.
        given["VAPI_MCP_METRICS"] = "0"
        given = {
            name: value.replace("/run/secrets", str(self._folder))
            for name, value in given.items()
            if not name.startswith("OTEL_")
        }
        self.running = await stack.enter_async_context(
            started(
                "--host",
                "127.0.0.1",
                "--port",
                self._port,
                "--log-format",
                "text",
                *options,
                **given,
            )
        )
        self._port = str(urlsplit(await self.running.url()).port)

    @property
    def address(self) -> str:
        """Where it listens, as nginx names it."""
        return f"127.0.0.1:{self._port}"

    async def kill(self) -> None:
        """End it as the kernel does that is out of memory: nothing is finished."""
        self.running.signal(signal.SIGKILL)
        await self.running.ended()


def nginx_command() -> str:
    """Debian's nginx; the test is skipped where it is not."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip("nginx is not here")
    return found


@asynccontextmanager
async def nginx(replicas: list[Replica], folder: Path) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of nginx in front of `replicas`; its file is that of `deploy/` but for addresses."""
    command = nginx_command()
    text, addresses = NGINX.read_text("utf-8"), iter(replicas)
    text = re.sub(r"(?<=server )[\d.]+:\d+", lambda _: next(addresses).address, text)
    assert next(addresses, None) is None
    # No other process can take a socket of its own folder.
    socket, file = folder / "socket", folder / "nginx.conf"
    text, count = re.subn(r"listen \d+;", f"listen unix:{socket};", text)
    assert count == 1
    file.write_text(text, encoding="utf-8")
    process = await anyio.open_process(
        [command, "-p", f"{folder}/", "-c", str(file), "-e", "stderr"], env=environment()
    )
    transport = httpx2.AsyncHTTPTransport(uds=str(socket))
    try:
        with anyio.fail_after(PATIENCE):
            while not await _is_open(socket):
                assert process.returncode is None
                await anyio.sleep(0.02)
        async with httpx2.AsyncClient(
            transport=transport,
            base_url=f"http://{NAME}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=PATIENCE,
        ) as client:
            yield client
    finally:
        with anyio.CancelScope(shield=True), anyio.fail_after(PATIENCE):
            process.terminate()
            await process.wait()
            await process.aclose()


async def _is_open(socket: Path) -> bool:
    try:
        async with await anyio.connect_unix(socket):
            return True
    except OSError:
        return False
