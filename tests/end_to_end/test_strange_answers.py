"""Every refusal, redirect and odd answer of Vapi at once, through one process."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest

from support.faults import FINAL, KEY, ODD, REDIRECTS, TOOLS
from support.faulty_vapi import FaultyVapi, Reply, Seen, reply
from support.hosts import Result, hosted, logged, outcome, tool_of
from support.stdio_calls import call
from support.tools import CREATE, DELETE, GET, LIST, UPDATE


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """What came of a server that met everything in FINAL and ODD at once."""

    netloc: str
    results: dict[tuple[str, str], Result]
    requests: Counter[tuple[str, str]]
    connections_elsewhere: int
    seconds: float
    leaked: bool
    code: int
    out: bytes
    err: str


async def meet_all() -> Crowd:
    """One server, each of the answers for each of the tools."""
    async with FaultyVapi() as elsewhere, FaultyVapi() as vapi:
        to = f"{elsewhere.url}/session"
        answers = {
            **{name: fault.answer for name, fault in FINAL.items() if fault.answer},
            **{name: answer for name, (answer, _) in ODD.items()},
            **{f"redirect-{status}": reply(status, b"", location=to) for status in REDIRECTS},
        }

        def by_name(seen: Seen) -> Reply:
            return answers[about(seen)]

        vapi.otherwise = by_name
        asked = [(name, tool) for name in answers for tool in TOOLS]
        frames = [call(id, tool, **asking(tool, name)) for id, (name, tool) in enumerate(asked)]
        async with hosted(vapi.url, "--timeout", "30") as host:
            started = anyio.current_time()
            results = await host.ask(*frames)
            seconds = anyio.current_time() - started
            code, out, err = await host.end()
    return Crowd(
        netloc=vapi.netloc,
        results={of: results[id] for id, of in enumerate(asked)},
        requests=Counter((about(seen), tool_of(seen)) for seen in vapi.requests),
        connections_elsewhere=elsewhere.connections,
        seconds=seconds,
        leaked=host.leaked,
        code=code,
        out=out,
        err=err,
    )


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    """That server's account."""
    return anyio.run(meet_all)


@pytest.mark.parametrize("name", FINAL)
def test_a_refusal_is_final_and_says_what_to_mend(crowd: Crowd, name: str) -> None:
    # A model can mend its arguments only by what the refusal names; asking again only costs.
    for tool in TOOLS:
        expected = FINAL[name].sentence(tool, name)
        if name.endswith("-404") and tool in (GET, UPDATE, DELETE):
            # Sessions expire after a day by default, so this is the error agents meet most.
            expected = (
                f"No session {name}: it may have expired or been deleted."
                " List sessions to find its id."
            )
        assert outcome(crowd.results[name, tool]).replace(crowd.netloc, "HOST") == expected
        assert crowd.requests[name, tool] == 1


@pytest.mark.parametrize("name", ODD)
def test_a_strange_answer_is_passed_on(crowd: Crowd, name: str) -> None:
    # Proxies rewrite how an answer travels; what stands in it is still the session.
    for tool in TOOLS:
        result = crowd.results[name, tool]
        assert not result.get("isError")
        assert result["structuredContent"] == ODD[name][1]
        assert json.loads(result["content"][0]["text"]) == ODD[name][1]
        assert crowd.requests[name, tool] == 1


def test_a_redirect_is_never_followed(crowd: Crowd) -> None:
    # Followed, it would hand the API key to whoever the other host is.
    assert crowd.connections_elsewhere == 0


def test_nothing_leaks_from_a_crowd(crowd: Crowd) -> None:
    # One bad answer among hundreds is where a stray print hides.
    assert (crowd.code, crowd.out, crowd.leaked) == (0, b"", False)
    assert len(logged(crowd.err)) == len(crowd.results)
    assert crowd.seconds < 30
    for part in (KEY, "about ", "Traceback", "<html"):
        assert part not in crowd.err


def asking(tool: str, name: str) -> dict[str, Any]:
    """The arguments with which `tool` names what it wants to be answered with."""
    if tool == LIST:
        return {"name": name, "view": "full"}
    if tool == CREATE:
        return {"body": {"name": name}}
    return {"id": name, **({"body": {"name": "a"}} if tool == UPDATE else {})}


def about(seen: Seen) -> str:
    """What a request names."""
    if seen.method == "POST":
        return json.loads(seen.body)["name"]
    url = urlsplit(seen.path)
    return parse_qs(url.query)["name"][0] if url.query else url.path.rpartition("/")[2]
