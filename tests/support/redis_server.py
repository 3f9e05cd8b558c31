"""Debian's redis-server, as a process of a test's own; the test is skipped where it is not."""

import shutil
import socket
from pathlib import Path
from typing import Self

import anyio
import pytest
from anyio.abc import Process

from support.processes import PATIENCE, environment


class RedisServer:
    """One on a port of its own, which it keeps when it is started again."""

    PASSWORD = "redis-password-0123456789"

    def __init__(self, folder: Path) -> None:
        found = shutil.which("redis-server")
        if found is None:
            pytest.skip("redis-server is not here")
        self._command, self._folder = found, folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"redis://:{self.PASSWORD}@127.0.0.1:{self._port}"
        self._socket = f"{folder}/redis.sock"
        self.socket_url = f"unix://:{self.PASSWORD}@{self._socket}"
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it can be reached."""
        options = f"port {self._port} bind 127.0.0.1 requirepass {self.PASSWORD}"
        options += f" unixsocket {self._socket} save"
        words = options.split()
        given = [f"--{word}" if at % 2 == 0 else word for at, word in enumerate(words)]
        self._process = await anyio.open_process(
            [self._command, *given, "", "--dir", str(self._folder)],
            env=environment(),
            stdout=None,
            stderr=None,
        )
        with anyio.fail_after(PATIENCE):
            while not await self._answers():
                assert self._process.returncode is None
                await anyio.sleep(0.02)

    async def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            with anyio.CancelScope(shield=True), anyio.fail_after(PATIENCE):
                self._process.kill()
                await self._process.wait()
                await self._process.aclose()
            self._process = None

    async def _answers(self) -> bool:
        try:
            async with await anyio.connect_tcp("127.0.0.1", self._port):
                return True
        except OSError:
            return False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
