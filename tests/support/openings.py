"""How hosts begin a conversation: their frames, and frames that hypothesis makes of them."""

from typing import Any, TypeAlias, cast

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Json: TypeAlias = dict[str, Any]

UI: Json = {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}
INITIALIZED: Json = {"jsonrpc": "2.0", "method": "notifications/initialized"}
# Version, capabilities and name of hosts that shake hands.
HANDS: dict[str, tuple[str, Json, Json]] = {
    "Claude Desktop": (
        "2025-06-18",
        {"extensions": UI},
        {"name": "claude-ai", "version": "0.1.0"},
    ),
    "Claude Code": (
        "2025-11-25",
        {"roots": {}, "elicitation": {"form": {}, "url": {}}},
        {
            "name": "claude-code",
            "title": "Claude Code",
            "version": "2.1.332",
            "description": "Anthropic's agentic coding tool",
            "websiteUrl": "https://claude.com/claude-code",
        },
    ),
    "Codex": (
        "2025-06-18",
        {"elicitation": {}},
        {"name": "codex-mcp-client", "title": "Codex", "version": "0.171.0"},
    ),
    "Gemini CLI": (
        "2025-11-25",
        {"roots": {"listChanged": True}},
        {"name": "gemini-cli-mcp-client-vapi", "version": "0.61.0"},
    ),
    "VS Code": (
        "2025-11-25",
        {
            "roots": {"listChanged": True},
            "sampling": {},
            "elicitation": {"form": {}, "url": {}},
            "extensions": UI,
        },
        {"name": "Visual Studio Code", "version": "1.126.0"},
    ),
    "opencode": ("2025-11-25", {}, {"name": "opencode", "version": "1.18.0"}),
    "an old client": (
        "2024-11-05",
        {"experimental": {}, "sampling": {}},
        {"name": "mcp", "version": "0.1.0"},
    ),
}
# Capabilities and name of hosts that say all with each request.
DISCOVERING: dict[str, tuple[Json, Json]] = {
    "Copilot CLI": (
        {"sampling": {}, "elicitation": {"form": {}, "url": {}}},
        {"name": "github-copilot-developer", "version": "1.0.102"},
    ),
    "the Python SDK": (
        {"elicitation": {"form": {"applyDefaults": True}}},
        {"name": "mcp", "version": "2.3.0"},
    ),
    "a bare client": ({}, {"name": "", "version": ""}),
}


def shaking(version: str, capabilities: Json, client: Json) -> list[Json]:
    """The handshake, and the lists that hosts ask for behind it."""
    params = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": client}
    return [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params},
        INITIALIZED,
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        {"method": "prompts/list", "jsonrpc": "2.0", "id": "b-2", "params": {}},
        {
            "jsonrpc": "2.0",
            "id": 3,
            "method": "resources/templates/list",
            "params": {"_meta": {"progressToken": 3}},
        },
        {"jsonrpc": "2.0", "id": 4, "method": "resources/list"},
        {"jsonrpc": "2.0", "id": 5, "method": "ping"},
    ]


def discovering(capabilities: Json, client: Json) -> list[Json]:
    """`server/discover`, and the lists behind it."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": client,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    }
    methods = ("server/discover", "tools/list", "prompts/list", "resources/templates/list")
    return [
        {"jsonrpc": "2.0", "id": id, "method": method, "params": {"_meta": meta}}
        for id, method in enumerate((*methods, "resources/list"))
    ]


CONVERSATIONS: dict[str, list[Json]] = {
    **{host: shaking(*said) for host, said in HANDS.items()},
    **{host: discovering(*said) for host, said in DISCOVERING.items()},
}
_LEAVES: SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
)
_VALUES: SearchStrategy[Any] = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_NAMES = st.sampled_from(
    [
        *("jsonrpc", "id", "method", "params", "_meta", "cursor", "progressToken", "capabilities"),
        *("protocolVersion", "clientInfo", "name", "version", "title", "icons", "roots", "tasks"),
        *("listChanged", "elicitation", "form", "sampling", "extensions", "experimental"),
        "io.modelcontextprotocol/protocolVersion",
        "io.modelcontextprotocol/clientInfo",
        "io.modelcontextprotocol/clientCapabilities",
    ]
)
_WORDS = st.sampled_from(
    [*("2025-11-25", "2026-07-28", "tools/list", "ping", "initialize"), "server/discover", "2.0"]
)


@st.composite
def altered(draw: DrawFn, value: Any) -> Any:
    """The same JSON with some part of it changed, added or left out, or none."""
    if not isinstance(value, dict) or draw(st.integers(0, 3)) == 0:
        return draw(_WORDS | _VALUES)
    made = dict(cast("Json", value))
    match draw(st.integers(0, 3)):
        case 0 if made:
            del made[draw(st.sampled_from(sorted(made)))]
        case 1:
            made[draw(_NAMES)] = draw(_WORDS | _VALUES)
        case 2 if made:
            name = draw(st.sampled_from(sorted(made)))
            made[name] = draw(altered(made[name]))
        case _:
            pass
    return made


def conversations() -> SearchStrategy[list[Json]]:
    """A host's conversation in which up to two frames are altered, or come twice, or too early."""

    @st.composite
    def made(draw: DrawFn) -> list[Json]:
        frames = [*draw(st.sampled_from([*CONVERSATIONS.values()]))]
        for _ in range(draw(st.integers(1, 2))):
            at = draw(st.integers(0, len(frames) - 1))
            match draw(st.integers(0, 2)):
                case 0:
                    frames[at] = draw(altered(frames[at]))
                case 1:
                    frames.insert(draw(st.integers(0, len(frames))), frames[at])
                case _:
                    del frames[at]
                    if not frames:
                        return []
        return frames

    return made()
