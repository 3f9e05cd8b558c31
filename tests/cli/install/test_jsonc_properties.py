"""JSON that anybody may have written: one value more or less, and nothing else."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vapi_sessions_mcp.cli.install import documents
from vapi_sessions_mcp.cli.install.documents import Change
from vapi_sessions_mcp.cli.install.jsonc_text import Jsonc

NAMES = st.text(max_size=6).filter(lambda name: name not in {"ours", "servers"})
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TABLES = st.dictionaries(NAMES, VALUES, max_size=4)
INDENTS = st.sampled_from([None, 0, 1, 2, 4, "\t"])
ENTRY = {"command": "x", "args": ["a", "b"]}


@given(TABLES, TABLES, INDENTS, st.booleans(), st.booleans())
def test_what_is_put_in_is_there_and_comes_out_again(
    others: dict[str, Any], servers: dict[str, Any], indent: Any, ascii: bool, first: bool
) -> None:
    # Whatever else is in the file is not ours to touch.
    table = {"servers": servers}
    data: dict[str, Any] = {**table, **others} if first else {**others, **table}
    text = json.dumps(data, indent=indent, ensure_ascii=ascii)
    assert Jsonc.load(text) == data
    after = documents.with_all(Jsonc, text, [Change(("servers", "ours"), ENTRY)])
    # Strict JSON stays strict: some hosts read no other.
    assert json.loads(after) == {**data, "servers": {**servers, "ours": ENTRY}}
    back = documents.without_all(Jsonc, after, [("servers", "ours")])
    assert json.loads(back) == data
    if servers:
        assert back == text
