"""The sandbox asks for the key and knows its paths as Vapi does."""

import pytest

from support.sandbox_calls import NOBODY, SAMPLES, Vapi, connect, listed
from vapi_sessions_mcp.sandbox import create_app

pytestmark = pytest.mark.anyio

# The key


@pytest.mark.parametrize(
    "header",
    [None, "", "sandbox", "Bearer", "Bearer wrong", "Basic sandbox", b"Bearer s\xe4ndbox"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/session"),
        ("POST", "/session"),
        ("GET", f"/session/{NOBODY}"),
        ("PATCH", f"/session/{NOBODY}"),
        ("DELETE", f"/session/{NOBODY}"),
    ],
)
async def test_every_route_asks_for_the_key_first(
    method: str, path: str, header: str | bytes | None
) -> None:
    # A forgotten check on one route would let a client pass here that Vapi turns away.
    async with connect(create_app()) as vapi:
        del vapi.headers["Authorization"]
        headers = {} if header is None else {"Authorization": header}
        answer = await vapi.request(method, path, headers=headers, content=b"{")  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.json() == {
        "message": "Invalid Key. Hot tip, you may be using the private key "
        "instead of the public key, or vice versa.",
        "error": "Unauthorized",
        "statusCode": 401,
    }


async def test_a_sandbox_can_have_a_key_of_its_own() -> None:
    # Tests of key handling need two keys that differ.
    app = create_app(key="clé")
    async with connect(app) as vapi:
        assert (await vapi.get("/session")).status_code == 401
        mine = {"Authorization": "bearer clé".encode()}
        assert (await vapi.get("/session", headers=mine)).status_code == 200  # type: ignore[arg-type]


# Paths


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/sessions"),
        ("GET", "/session/"),
        ("GET", "/session/a/b"),
        ("PUT", "/session"),
        ("DELETE", "/session"),
        ("POST", f"/session/{NOBODY}"),
    ],
)
async def test_an_unknown_path_or_method_is_not_found(vapi: Vapi, method: str, path: str) -> None:
    # NestJS answers 404 for both; a client must not lean on 405 or on a redirect.
    answer = await vapi.request(method, path)
    assert answer.status_code == 404
    assert answer.json() == {
        "message": f"Cannot {method} {path}",
        "error": "Not Found",
        "statusCode": 404,
    }


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("session_id", [NOBODY, "%", "*", "a'--", "%25", SAMPLES[0]["id"].upper()])
async def test_an_id_matches_nothing_but_itself(vapi: Vapi, method: str, session_id: str) -> None:
    # A wildcard or a case-blind match would read or delete somebody else's session.
    answer = await vapi.request(method, f"/session/{session_id}")
    assert answer.status_code == 404
    assert answer.json()["error"] == "Not Found"
    assert session_id.replace("%25", "%") in answer.json()["message"]
    assert len(await listed(vapi)) == 60
