"""What goes wrong with a model's endpoint is one sentence, without the key."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from mcp_types import Tool

from evals.dialects import DIALECTS, Asked, Result
from evals.endpoint import LONGEST_WAIT, TRIES, Endpoint, EndpointError

pytestmark = pytest.mark.unmeasured

KEY = "sk-made-up-0123456789"
URL = "https://models.example.com/v1"
ECHO = {"error": {"message": f"Incorrect API key provided: {KEY}, sk-made-**6789."}}
TOOL = Tool(name="get", description="Gets.", input_schema={"type": "object"})
Answer = Callable[[httpx2.Request], httpx2.Response]


def failing(error: Exception) -> Answer:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise error

    return answer


def with_html(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, text="<html>")


def answering(status: int, body: Any = None, **headers: str) -> Answer:
    return lambda request: httpx2.Response(status, json=body, headers=headers)


class Waits:
    """A sleep that takes no time and knows how long it was asked for."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def failure(answer: Answer, waits: Waits | None = None, api: str = "openai") -> EndpointError:
    transport = httpx2.MockTransport(answer)
    sleep = waits or Waits()
    endpoint = Endpoint(DIALECTS[api], URL, "m", KEY, transport=transport, sleep=sleep)
    with pytest.raises(EndpointError) as caught:
        await endpoint.next_turn("", [TOOL], [{"role": "user", "content": "Hello"}])
    text = str(caught.value)
    assert KEY not in text
    assert "6789" not in text
    assert text.endswith(".")
    assert "\n" not in text
    return caught.value


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "words", "lasting"),
    [
        (answering(401, ECHO), "it does not accept the key in OPENAI_API_KEY.", True),
        (answering(403, ECHO), "it does not accept the key in OPENAI_API_KEY.", True),
        (answering(404, {"detail": "no"}), "check --base-url and --model.", True),
        (answering(400, ECHO), "answered 400 Bad Request", False),
        (answering(429, ECHO), "too many requests, in 4 tries; wait, or ask less.", False),
        (answering(503, "down"), "answered 503 Service Unavailable, in 4 tries.", False),
        (answering(529, None), "answered 529 (overloaded), in 4 tries.", False),
        (failing(httpx2.ReadTimeout("")), "gave no answer within 120 s", False),
        (failing(httpx2.ConnectError("")), "cannot be reached (ConnectError)", True),
        (answering(200, {"choices": []}), "something else than a turn of a model", True),
        (answering(200, ["no"]), "something else than a turn of a model", True),
        (answering(200, {"choices": [{"message": None}]}), "something else than a turn", True),
        (with_html, "something else than a turn", True),
    ],
)
async def test_a_failure_says_what_to_do(answer: Answer, words: str, lasting: bool) -> None:
    # People run this with a key of their own, over an hour, and paste what it says.
    exc = await failure(answer)
    assert words in str(exc)
    assert str(exc).startswith("models.example.com ")
    assert exc.lasting is lasting


@pytest.mark.anyio
async def test_the_other_dialect_names_its_own_key() -> None:
    # The variable is what has to be set.
    exc = await failure(answering(401, ECHO), api="anthropic")
    assert "the key in ANTHROPIC_API_KEY" in str(exc)


@pytest.mark.parametrize("key", ["", "two words", "ke\ny", "schlüssel"])
def test_what_is_no_key_is_sent_nowhere(key: str) -> None:
    # A header that cannot be built fails deep inside of a client, with the key in its message.
    with pytest.raises(EndpointError) as caught:
        Endpoint(DIALECTS["openai"], URL, "m", key)
    assert str(caught.value).startswith("OPENAI_API_KEY is ")
    assert not key or key not in str(caught.value)


def test_a_model_on_this_machine_needs_no_key() -> None:
    # Servers of local models have none.
    assert DIALECTS["openai"].headers("") == {}
    assert Endpoint(DIALECTS["openai"], "http://127.0.0.1:11434/v1", "m", "").model == "m"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        ("7", [7.0, 7.0, 7.0]),
        ("100000", [LONGEST_WAIT] * 3),
        ("nan", [LONGEST_WAIT] * 3),
        ("-1", [0.0] * 3),
        ("soon", [5.0, 10.0, 20.0]),
    ],
)
async def test_a_busy_endpoint_is_given_the_time_that_it_asks_for(
    retry_after: str, expected: list[float]
) -> None:
    # Rate limits are what a run of twenty tasks meets first.
    waits = Waits()
    await failure(answering(429, ECHO, **{"retry-after": retry_after}), waits)
    assert waits.seconds == expected
    assert len(expected) == TRIES - 1


@pytest.mark.anyio
async def test_a_turn_comes_once_the_endpoint_is_no_longer_busy() -> None:
    # What failed in passing must not count against the model.
    said = {"choices": [{"message": {"content": "Hi"}}]}
    answers = [httpx2.Response(429), httpx2.Response(500), httpx2.Response(200, json=said)]
    transport = httpx2.MockTransport(lambda request: answers.pop(0))
    endpoint = Endpoint(DIALECTS["openai"], URL, "m", KEY, transport=transport, sleep=Waits())
    turn = await endpoint.next_turn("", [TOOL], [])
    assert (turn.text, turn.calls, turn.tokens_in) == ("Hi", (), 0)
    await endpoint.close()


def test_arguments_that_are_no_object_are_known_as_such() -> None:
    # The model is told so, rather than the run ended.
    function = {"name": "get", "arguments": "{not json"}
    asked = {"message": {"content": None, "tool_calls": [{"id": "1", "function": function}]}}
    turn = DIALECTS["openai"].read({"choices": [asked]})
    assert turn.calls == (Asked("1", "get", None),)
    function["arguments"] = "[1]"
    assert DIALECTS["openai"].read({"choices": [asked]}).calls[0].arguments is None
    function["arguments"] = ""
    assert DIALECTS["openai"].read({"choices": [asked]}).calls[0].arguments == {}


def test_a_failed_call_is_marked_where_the_dialect_can() -> None:
    # A model that takes an error for an answer goes on from it.
    [message] = DIALECTS["anthropic"].results([Result(Asked("1", "get", {}), "No.", failed=True)])
    assert message["content"][0]["is_error"] is True
