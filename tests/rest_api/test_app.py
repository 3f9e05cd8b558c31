"""The REST adapter passes on Vapi's JSON and statuses."""

import json

import anyio
import httpx2
import pytest

from support.refusals import refused
from support.rest_app import Rest, answering
from support.upstream import Upstream

pytestmark = [pytest.mark.anyio, pytest.mark.clock]

MAYA = "+14155550123"
JSON = {"Content-Type": "application/json"}


async def test_a_session_lives_and_dies_by_vapis_own_paths(rest: Rest, upstream: Upstream) -> None:
    # A program written for Vapi changes its base URL and nothing else.
    async with rest() as client:
        created = await client.post("/v1/session", json={"name": "Ana", "customer": None})
        assert created.status_code == 201
        assert created.headers["cache-control"] == "no-store"
        at = f"/v1/session/{created.json()['id']}"
        assert (await client.get(at)).json() == created.json()
        changed = await client.patch(at, json={"status": "completed"})
        assert (changed.status_code, changed.json()["status"]) == (200, "completed")
        found = (await client.get("/v1/session", params={"id": created.json()["id"]})).json()
        assert found["results"] == [changed.json()]
        deleted = await client.delete(at)
        assert (deleted.status_code, deleted.json()) == (200, changed.json())
        assert "it may have expired or been deleted" in refused(await client.get(at), 404)
    sent = [request.method for request in upstream.requests]
    assert sent == ["POST", "GET", "PATCH", "GET", "DELETE", "GET"]
    assert json.loads(upstream.requests[0].content) == {"name": "Ana"}


async def test_an_id_may_stand_in_the_query_where_the_capability_puts_it(rest: Rest) -> None:
    # Callers made from the published capability file spell it so.
    async with rest() as client:
        id = (await client.post("/v1/session", json={})).json()["id"]
        changed = await client.patch("/v1/session", params={"id": id}, json={"name": "Ana"})
        assert changed.json()["name"] == "Ana"
        assert (await client.delete("/v1/session", params={"id": id})).json() == changed.json()
        assert refused(await client.delete("/v1/session"), 400) == ["`id` is required."]


async def test_what_vapi_sent_passes_through_in_order_but_for_secrets(rest: Rest) -> None:
    # A field that Vapi adds tomorrow must arrive, and a Twilio token never.
    sent = '{"id":"s-1","new":{"zeta":1.0,"alpha":null},"twilioAuthToken":"t","text":"🙂 é"}'
    async with rest(vapi=answering(200, sent.encode())) as client:
        answer = await client.get("/v1/session/s-1")
    assert answer.text == sent.replace('"t"', '"***"')
    assert answer.headers["content-type"] == "application/json"


async def test_answers_are_full_whatever_agents_get(rest: Rest) -> None:
    # Programs count on every field; what is shortened for a model would be lost data.
    async with rest(view="summary", max_result_bytes=2_000) as client:
        page = (await client.get("/v1/session?limit=100")).json()
        assert page["metadata"]["totalItems"] == 60
        assert len(page["results"]) == 60
        longest = max(page["results"], key=lambda row: len(json.dumps(row)))
        assert (await client.get(f"/v1/session/{longest['id']}")).json() == longest


async def test_a_view_and_a_part_of_the_transcript_can_be_asked_for(rest: Rest) -> None:
    # Dashboards want rows, not conversations.
    async with rest() as client:
        page = (await client.get("/v1/session?view=summary&limit=3")).json()
        assert page["total"] == 60
        assert all("messageCount" in row for row in page["results"])
        at = f"/v1/session/{max(page['results'], key=lambda row: row['messageCount'])['id']}"
        part = (await client.get(at, params={"messages": '{"last": 1}'})).json()
        assert len(part["messages"]) == 1
        assert (await client.get(f"{at}?view=transcript")).json()["messages"][-1:] == part[
            "messages"
        ]


async def test_lists_can_be_searched_by_what_vapi_cannot_filter_by(rest: Rest) -> None:
    # The same scan that agents have, with its coverage.
    async with rest() as client:
        found = (await client.get("/v1/session?status=active&maxScan=20")).json()
        assert {row["status"] for row in found["results"]} == {"active"}
        assert found["coverage"]["scanned"] == 20
        following = await client.get("/v1/session", params=found["coverage"]["next"])
        assert following.json()["coverage"]["total"] == 40
        found = (await client.get("/v1/session?contains=zzz-nowhere")).json()
        assert found["results"] == []


async def test_filters_reach_vapi_as_they_were_given(rest: Rest, upstream: Upstream) -> None:
    # Vapi ignores what it does not know, so each must arrive under its own name.
    given: list[tuple[str, str | int]] = [
        ("number", MAYA),
        ("phoneNumberIdAny", "a"),
        ("phoneNumberIdAny", "b"),
        ("page", "1"),
        ("sortOrder", "ASC"),
        ("createdAtGe", "2026-11-01T00:00:00Z"),
    ]
    async with rest() as client:
        assert (await client.get("/v1/session", params=(*given,))).status_code == 200
        assert (await client.get("/v1/session?phoneNumberIdAny=a,b")).status_code == 200
    first, second = (request.url.params.multi_items() for request in upstream.requests)
    assert sorted(first) == sorted(given)
    assert second == [("phoneNumberIdAny", "a"), ("phoneNumberIdAny", "b")]


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        # A `+` that begins a number is one.
        ("customerNumberAny=%2B14155550123+,++14155550199+", "+14155550123,+14155550199"),
        ("idAny=s-1,+s-2+", "s-1,s-2"),
    ],
)
async def test_spaces_between_several_may_be_written_as_forms_do(
    rest: Rest, upstream: Upstream, query: str, sent: str
) -> None:
    # Most HTTP clients do.
    async with rest() as client:
        await client.get(f"/v1/session?{query}")
    assert upstream.requests[-1].url.params[query.partition("=")[0]] == sent


async def test_the_end_of_a_request_is_not_taken_for_the_end_of_its_caller(rest: Rest) -> None:
    # A read is given up when its caller is gone, and not because it has nothing more to say.
    async def slow(request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep(1)
        return httpx2.Response(200, json={"id": "s-1"})

    async with rest(vapi=slow) as client:  # pyright: ignore[reportArgumentType] - MockTransport takes either
        assert (await client.get("/v1/session/s-1")).json() == {"id": "s-1"}


async def test_messages_can_be_appended(rest: Rest) -> None:
    # Vapi's own update replaces the conversation; this is ours, beside its fields.
    async with rest() as client:
        first, second = {"role": "user", "content": "a"}, {"role": "user", "content": "b"}
        created = await client.post("/v1/session", json={"messages": [first]})
        at = f"/v1/session/{created.json()['id']}"
        after = await client.patch(at, json={"appendMessages": [second]})
        assert (after.status_code, after.json()["messages"]) == (200, [first, second])
        both = await client.patch(at, json={"name": "Ana", "appendMessages": [second]})
        assert (both.json()["name"], len(both.json()["messages"])) == ("Ana", 3)
        same = await client.patch(at, json={"appendMessages": None})
        assert "would change nothing" in refused(same, 400)[0]
        assert len((await client.get(at)).json()["messages"]) == 3
        both = await client.patch(at, json={"messages": [], "appendMessages": [second]})
        assert "give one of them" in refused(both, 400)[0]
        odd = '{"appendMessages": [{"role": "user", "content": "c", "x": "\\ud83d"}]}'
        assert "valid Unicode" in refused(await client.patch(at, content=odd, headers=JSON), 400)[0]


async def test_head_tells_what_get_would(rest: Rest) -> None:
    # Monitors and caches ask this way.
    async with rest() as client:
        assert (await client.head("/v1/session?limit=1")).status_code == 200
        assert (await client.head("/v1/session/nobody")).status_code == 404


async def test_personal_data_is_masked_in_answers_and_refusals(rest: Rest) -> None:
    # An argument that is quoted back is as personal as an answer.
    async with rest(mask_pii=True) as client:
        page = await client.get("/v1/session", params={"number": MAYA, "limit": 1})
        assert page.json()["results"]
        assert MAYA not in page.text
        wrong = await client.get("/v1/session", params={"number": "0014155550123"})
        assert "0014155550123" not in refused(wrong, 400)[0]


async def test_read_only_serves_nothing_that_changes_sessions(rest: Rest) -> None:
    # What does not exist cannot be called by mistake.
    async with rest(read_only=True) as client:
        id = (await client.get("/v1/session?limit=1")).json()["results"][0]["id"]
        assert (await client.get(f"/v1/session/{id}")).status_code == 200
        for method, path in (
            ("POST", "/v1/session"),
            ("DELETE", f"/v1/session?id={id}"),
            ("PATCH", f"/v1/session/{id}"),
            ("DELETE", f"/v1/session/{id}"),
        ):
            answer = await client.request(method, path)
            assert refused(answer, 405)
            assert answer.headers["allow"] == "GET, HEAD"
        paths = (await client.get("/openapi.json")).json()["paths"]
        assert [[*path] for path in paths.values()] == [["get"], ["get"]]
