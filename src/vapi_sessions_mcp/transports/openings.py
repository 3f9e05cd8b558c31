"""The messages with which hosts begin, compared part by part; one that differs is not known."""

from typing import Any, NamedTuple, TypeAlias, cast

from vapi_sessions_mcp.json_rpc import Id

Json: TypeAlias = dict[str, Any]

# No host has longer ones, and those of the SDK's own parser have limits.
LONGEST_ID = 40
# What clients say about themselves: text, of which nothing depends on its value.
_ABOUT = {"name", "version", "title", "description", "websiteUrl"}
# What they say they can do, with what may be said about it.
_CAN: dict[str, Json] = {
    "roots": {"listChanged": bool},
    "sampling": {"context": {}, "tools": {}},
    "elicitation": {"form": {"applyDefaults": bool}, "url": {}},
    "experimental": {},
    "extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": list}},
}


class Opening(NamedTuple):
    """A message that is known; `version` is the one that it names, or empty.

    A notification has no id.
    """

    method: str
    id: Id | None
    version: str = ""


def known(message: Json) -> Opening | None:
    """What `message` asks, or None where any part of it is not known."""
    if not message.keys() <= {"jsonrpc", "id", "method", "params"}:
        return None
    method, params, id = message.get("method"), message.get("params"), message.get("id")
    if not method or len(str(id)) > LONGEST_ID:
        return None
    if method == "notifications/initialized":
        return Opening(method, None) if "id" not in message and not params else None
    if id is None:
        return None
    if method == "initialize":
        return _handshake(params, id)
    if not params:
        return Opening(method, id)
    if params.keys() == {"_meta"}:
        return _listing(method, id, params["_meta"])
    return None


def _handshake(params: Any, id: Id) -> Opening | None:
    match params:
        case {
            "protocolVersion": str(version),
            "clientInfo": client,
            "capabilities": capabilities,
            **rest,
        } if not rest and _is_client(client, capabilities):
            return Opening("initialize", id, version)
        case _:
            return None


def _listing(method: str, id: Id, meta: Any) -> Opening | None:
    match meta:
        case {
            "io.modelcontextprotocol/protocolVersion": str(version),
            "io.modelcontextprotocol/clientInfo": client,
            "io.modelcontextprotocol/clientCapabilities": capabilities,
            **rest,
        } if not rest and _is_client(client, capabilities):
            return Opening(method, id, version)
        case {"progressToken": int() | str() as token, **rest} if not rest and token is not True:
            return Opening(method, id)
        case _:
            return None


def _is_client(client: object, capabilities: object) -> bool:
    if not isinstance(client, dict) or not isinstance(capabilities, dict):
        return False
    about = cast("Json", client)
    named = {"name", "version"} <= about.keys() <= _ABOUT
    texts = all(isinstance(value, str) for value in about.values())
    return named and texts and _is_within(cast("Json", capabilities), _CAN)


def _is_within(said: Json, allowed: Json) -> bool:
    """Whether nothing is said but what is allowed, each with a value of that kind."""
    for name, value in said.items():
        kind = allowed.get(name)
        if isinstance(kind, dict):
            fine = isinstance(value, dict) and _is_within(cast("Json", value), cast("Json", kind))
        else:
            fine = kind is not None and isinstance(value, kind)
        if not fine:
            return False
    return True
