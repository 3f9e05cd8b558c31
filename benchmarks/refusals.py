"""What refusing hostile REST requests costs, as a ratio to reading as much good JSON.

Run with: python benchmarks/refusals.py [ROUNDS]
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median

import anyio
import httpx2

from vapi_sessions_mcp.access.bodies import MAX_BODY
from vapi_sessions_mcp.rest_api.app import build_rest
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

SETTINGS = Settings(api_key="key-1", base_url="http://localhost:9")
CALLS = '{"messages": [{"role": "assistant", "tool_calls": [%s1]}]}'
GOOD = json.dumps({"messages": [{"role": "user", "content": "a"}] * (MAX_BODY // 40)})
BODIES = {
    "wrong messages": '{"messages": [%s1]}' % ("1," * (MAX_BODY // 2 - 20)),
    "empty messages": '{"messages": [%s{}]}' % ("{}," * (MAX_BODY // 3 - 20)),
    "wrong calls": CALLS % ("1," * (MAX_BODY // 2 - 40)),
    "a name twice": "{" + "".join(f'"{n:x}":1,' for n in range(MAX_BODY // 12)) + '"0": 1}',
}
QUERIES = {
    "many names": "&".join(f"{n:x}" for n in range(10_000)),
    "one name": "&".join(["limit=1"] * 8_000),
}
BOUND = 20


def seconds(of: Callable[[], object], rounds: int) -> float:
    """Processor time of one run, the middle of several."""
    taken: list[float] = []
    for _ in range(rounds):
        begun = time.process_time()
        of()
        taken.append(time.process_time() - begun)
    return median(taken)


async def refuse(body: str, query: str) -> None:
    app = build_rest(Sessions(Vapi(SETTINGS), SETTINGS), SETTINGS)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://localhost"
        ) as client,
    ):
        if query:
            answer = await client.get(f"/v1/session?{query}")
        else:
            headers = {"Content-Type": "application/json"}
            answer = await client.post("/v1/session", content=body, headers=headers)
        assert answer.status_code == 400


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    baseline = seconds(lambda: json.loads(GOOD), rounds)
    print(f"{'reading 4 MiB of good JSON':<27}{baseline * 1000:7.0f} ms")
    worst = 0.0
    for name, (body, query) in {
        **{name: (body, "") for name, body in BODIES.items()},
        **{name: ("", query) for name, query in QUERIES.items()},
    }.items():
        taken = seconds(lambda body=body, query=query: anyio.run(refuse, body, query), rounds)
        worst = max(worst, taken / baseline)
        print(f"refusing {name:<18}{taken * 1000:7.0f} ms   ratio {taken / baseline:5.1f}")
    print(f"worst ratio {worst:.1f}   (bound: {BOUND})")
    sys.exit(worst > BOUND)


main()
