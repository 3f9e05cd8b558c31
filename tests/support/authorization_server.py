"""An OAuth authorization server, in a thread of its own, that issues whatever a test asks for."""

import hashlib
import hmac
import json
import socket
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from threading import Thread
from typing import Any, Self, TypeAlias

import anyio
import httpx2
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

AUDIENCE = "https://sessions.example.com/mcp"
OAUTH = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"
JWKS = "/jwks"
EVERYWHERE = "*"
PUBLISHED = ("rsa", "ec", "ed")
PATIENCE = 60

Json: TypeAlias = dict[str, Any]
PrivateKey: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey


class AuthorizationServer:
    """The server as tests drive it; `url` is its issuer unless a test says otherwise."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Without certificates to load, which would be half of each test's time.
        self._http = httpx2.AsyncClient(base_url=url, timeout=PATIENCE, verify=False)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        await self._control(reset=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def token(
        self,
        *,
        key: str = "rsa",
        algorithm: str | None = None,
        headers: Json | None = None,
        **claims: Any,
    ) -> str:
        """A token, good unless told otherwise; a claim or header that is None is left out.

        `key` is `rsa`, `ec`, `ec384`, `ec521`, `ed`, `weak`, the unpublished `foreign`, or
        what `rotate` gave; `algorithm` is the key's usual one, any other of its kind, `none`, or
        `HS256`, whose secret is then the public key.
        """
        asked = {"key": key, "algorithm": algorithm, "headers": headers or {}, "claims": claims}
        return (await self._post("/token", asked))["access_token"]

    async def rotate(self) -> str:
        """A new key, published beside the others; its name is its id."""
        return (await self._post("/rotate", {}))["key"]

    async def withdraw(self, key: str) -> None:
        """Publish `key` no more."""
        await self._control(withdraw=key)

    async def publish(self, *entries: Json) -> None:
        """Publish these only: each a `key` and what its JWK says besides, None leaving out.

        With `private` true it is the private key; without `key`, the entry is the JWK.
        """
        await self._control(published=entries)

    async def describe(self, *paths: str, **metadata: Any) -> None:
        """Serve the metadata, with these changes, at `paths` only, or where it was."""
        await self._control(metadata=metadata, **({"paths": paths} if paths else {}))

    async def answer(
        self, status: int, body: str = "", *, at: str = EVERYWHERE, **headers: str
    ) -> None:
        """Answer so at a path from now on, or everywhere."""
        await self._control(answers={at: {"status": status, "body": body, "headers": headers}})

    async def fail(self) -> None:
        """Answer 500 to everything."""
        await self.answer(500)

    async def hang(self, at: str = EVERYWHERE) -> None:
        """Answer nothing at all."""
        await self._control(answers={at: {"hang": True}})

    async def recover(self) -> None:
        """End what `answer`, `fail` and `hang` began."""
        await self._control(answers={})

    async def fetches(self, path: str = JWKS) -> int:
        """How often `path` was asked for."""
        return (await self._control())["fetches"].get(path, 0)

    async def until_fetched(self, count: int, path: str = JWKS) -> None:
        """Return once `path` was asked for `count` times."""
        with anyio.fail_after(PATIENCE):
            while await self.fetches(path) < count:
                pass

    async def _control(self, **changes: Any) -> Json:
        return await self._post("/control", changes)

    async def _post(self, path: str, asked: Json) -> Json:
        # In ASCII, so that a claim may hold what UTF-8 cannot.
        response = await self._http.post(path, content=json.dumps(asked))
        return response.raise_for_status().json()


@asynccontextmanager
async def authorization_server(port: int = 0) -> AsyncGenerator[AuthorizationServer]:
    """The server on `port` or a free one, gone at the end of the block."""
    with serving_tokens(port) as url:
        async with AuthorizationServer(url) as server:
            yield server


@contextmanager
def serving_tokens(port: int = 0) -> Generator[str]:
    """The URL of a server on `port` or a free one, which serves until the end of the block."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        # asyncio leaves a socket that it did not make alone: each answer would take 40 ms more.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        url = "http://{}:{}".format(*listener.getsockname())
        # A log configuration would be that of the whole test run.
        config = uvicorn.Config(_Server(url).app(), lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = Thread(target=anyio.run, args=(server.serve, [listener]))
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


class _Server:
    """What the server knows: its keys, what it says of itself, and how it misbehaves."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, PrivateKey] = {
            **{name: generate_rsa(65537, 2048) for name in ("rsa", "foreign")},
            "weak": generate_rsa(65537, 1024),
            "ec": generate_private_key(SECP256R1()),
            "ec384": generate_private_key(SECP384R1()),
            "ec521": generate_private_key(SECP521R1()),
            "ed": Ed25519PrivateKey.generate(),
        }
        self._reset()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/token", self._token, methods=["POST"]),
                Route("/rotate", self._rotate, methods=["POST"]),
                Route("/control", self._control, methods=["POST"]),
                Route("/{path:path}", self._document),
            ]
        )

    def _reset(self) -> None:
        self._published: list[Json] = [{"key": name} for name in PUBLISHED]
        self._paths = [OAUTH, OPENID]
        self._metadata: Json = {
            "issuer": self._url,
            "jwks_uri": f"{self._url}{JWKS}",
            "token_endpoint": f"{self._url}/token",
            "response_types_supported": ["code"],
        }
        self._answers: dict[str, Json] = {}
        self._fetches: Counter[str] = Counter()

    async def _document(self, request: Request) -> Response:
        path = request.url.path
        self._fetches[path] += 1
        answer = self._answers.get(path) or self._answers.get(EVERYWHERE, {})
        if "hang" in answer:
            await anyio.sleep_forever()
        if answer:
            return Response(answer["body"], answer["status"], answer["headers"])
        if path == JWKS:
            return JSONResponse({"keys": [self._jwk(**entry) for entry in self._published]})
        if path in self._paths:
            return JSONResponse(self._metadata)
        return Response(status_code=404)

    async def _control(self, request: Request) -> Response:
        changes: Json = await request.json()
        if "reset" in changes:
            self._reset()
        self._paths = changes.get("paths", self._paths)
        self._metadata |= changes.get("metadata", {})
        self._answers = changes.get("answers", self._answers)
        published = changes.get("published", self._published)
        self._published = [
            one for one in published if one.get("key") != changes.get("withdraw", "")
        ]
        return JSONResponse({"fetches": self._fetches})

    async def _rotate(self, request: Request) -> Response:
        name = f"ec-{len(self._keys)}"
        self._keys[name] = generate_private_key(SECP256R1())
        self._published.append({"key": name})
        return JSONResponse({"key": name})

    async def _token(self, request: Request) -> Response:
        asked: Json = await request.json()
        key = self._keys[asked["key"]]
        algorithm = asked["algorithm"] or _usual(key)
        now = int(time.time())
        claims = {"iss": self._url, "aud": AUDIENCE, "sub": "user-1", "client_id": "client-1"}
        claims |= {"iat": now, "exp": now + 300, "scope": "sessions:read", **asked["claims"]}
        header = {"alg": algorithm, "kid": asked["key"], "typ": "at+jwt", **asked["headers"]}
        text = f"{_encoded(_said(header))}.{_encoded(_said(claims))}"
        signature = _signature(text.encode(), key, algorithm)
        return JSONResponse({"access_token": f"{text}.{_encoded(signature)}"})

    def _jwk(self, key: str | None = None, *, private: bool = False, **fields: Any) -> Json:
        if key is None:
            return fields
        own = self._keys[key]
        algorithm = jwt.get_algorithm_by_name(_usual(own))
        jwk = algorithm.to_jwk(own if private else own.public_key(), as_dict=True)
        return _given({**jwk, "kid": key, "use": "sig", "key_ops": None, **fields})


def _usual(key: PrivateKey) -> str:
    if isinstance(key, EllipticCurvePrivateKey):
        return {256: "ES256", 384: "ES384", 521: "ES512"}[key.key_size]
    return "RS256" if isinstance(key, RSAPrivateKey) else "EdDSA"


def _signature(text: bytes, key: PrivateKey, algorithm: str) -> bytes:
    if algorithm == "none":
        return b""
    if algorithm == "HS256":
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return hmac.digest(public, text, hashlib.sha256)
    return jwt.get_algorithm_by_name(algorithm).sign(text, key)


def _given(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _said(fields: Json) -> bytes:
    return json.dumps(_given(fields)).encode()


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
