"""What the tests of retries share."""

import socket
from collections.abc import Generator
from contextlib import ExitStack, suppress

import pytest

from support.tries import DeadEnds


@pytest.fixture(scope="module")
def dead_ends() -> Generator[DeadEnds]:
    """Where no connection can be made, by why not; as what to change in a URL."""
    with ExitStack() as sockets:
        nobody, full = (sockets.enter_context(socket.socket()) for _ in range(2))
        nobody.bind(("127.0.0.1", 0))
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            # Once these wait to be accepted, the next connection gets no answer at all.
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(full.getsockname())
        yield {
            "nobody listens": {"port": nobody.getsockname()[1]},
            "backlog full": {"port": full.getsockname()[1]},
            "no such name": {"host": "a..b"},
            "broken TLS": {"scheme": "https"},
        }
