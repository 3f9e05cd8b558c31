"""What is read as a message is one that the SDK takes, which over stdio it need not judge again."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mcp_types import jsonrpc_message_adapter

from vapi_sessions_mcp import json_rpc

anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
ids = st.integers() | st.text(max_size=5) | anything
objects = st.dictionaries(st.sampled_from(["_meta", "name", "code", "message", "data"]), anything)
errors = st.fixed_dictionaries({"code": st.integers() | st.booleans(), "message": st.text()})
messages = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0")},
    optional={
        "id": ids,
        "method": st.text(max_size=5) | st.just("tools/call"),
        "params": objects | anything,
        "result": objects | anything,
        "error": errors | objects | anything,
        "x": anything,
    },
)


@given(message=messages)
def test_the_sdk_takes_whatever_is_read(message: dict[str, Any]) -> None:
    # An error of its model would end the server, and the conversations of its host with it.
    raw = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
    with suppress(json_rpc.NotAMessage):
        read = json_rpc.read(raw)
        assert read.message == json.loads(read.text) or "NaN" in read.text
        jsonrpc_message_adapter.validate_python(read.message)
