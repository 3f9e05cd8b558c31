"""What is read of a server message: three types, ids of the right shape, no customer's word."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.webhooks import posted, report
from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.webhooks.events import (
    TYPES,
    Change,
    NoSuchSession,
    NotAMessage,
    read_message,
)

AT = "2026-11-20T10:19:17.000Z"


@pytest.mark.parametrize("type", TYPES)
def test_a_report_is_read_and_nothing_that_customers_said(type: str) -> None:
    # What goes on to other machines and into the log must hold no customer's word.
    whisper: dict[str, Any] = {
        "name": "whisper",
        "messages": [{"role": "user", "content": "whisper"}],
        "customer": {"number": "+14155550123"},
        "assistantId": "a-1",
        "squadId": None,
    }
    change = read_message(posted(type, "s-1", **whisper))
    assert change
    assert change == Change(type, "s-1", AT, "a-1", "")
    assert b"whisper" not in change.written()
    assert b"1415" not in change.written()
    assert change.in_list is (type != "session.updated")


@pytest.mark.parametrize(
    "type",
    [
        *("assistant-request", "tool-calls", "end-of-call-report", "status-update", "transcript"),
        *("session.expired", "Session.Updated", "session.updated ", "", "会话更新"),
    ],
)
def test_every_other_message_is_none_of_ours(type: str) -> None:
    # One server of an assistant gets all of its messages.
    assert read_message(posted(type)) is None


@pytest.mark.parametrize(
    "id",
    [
        *(None, 1, ["s-1"], {"id": "s-1"}, "", "..", "a/b", "a?b", "a b", "s-1\n", "x" * 129),
        *("s-1/transcript", "сессия", "セッション", "s\u202e1", "\ud83d", "%2e%2e"),
    ],
    ids=repr,
)
def test_an_id_of_another_shape_becomes_no_uri(id: Any) -> None:
    # It would be part of a URI, of a log line, and of what other replicas are told.
    with pytest.raises(NoSuchSession):
        read_message(posted("session.updated", id))


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b'"session.updated"', b"\xff\xfe", b"{}", b'{"message": []}'),
        *(b'{"message": {"type": 1}}', b'{"message": {"session": {"id": "s-1"}}}', b"NaN"),
        b'{"message": {"type": "session.updated", "type": "x", "session": {"id": "s-1"}}}',
        b'{"message": {"type": "session.updated"}, "message": {"type": "session.deleted"}}',
        b'{"message": {"type": "session.updated", "a": ' + b"[" * 200 + b"]" * 200 + b"}}",
        b'{"message": {"type": "session.updated", "a": Infinity}}',
    ],
)
def test_what_is_no_server_message_is_refused(body: bytes) -> None:
    # Of a name that is there twice, two readers could take different values.
    with pytest.raises(NotAMessage):
        read_message(body)


@pytest.mark.parametrize("session", [None, "s-1", [], {}])
def test_a_report_without_a_session_is_no_change(session: Any) -> None:
    # There is nothing to read again.
    message = {"message": {"type": "session.updated", "session": session}}
    with pytest.raises(NoSuchSession):
        read_message(json.dumps(message).encode())


@pytest.mark.parametrize("owner", [None, 7, "", "a/b", {"id": "a-1"}, "помощник"])
def test_an_owner_that_is_no_id_owns_nothing(owner: Any) -> None:
    # Pins compare it, and a session of nobody is inside none of them.
    change = read_message(posted(assistantId=owner, squadId=owner, updatedAt=owner))
    assert change
    assert change.owner == {"assistantId": "", "squadId": ""}


ID = st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True)


@given(st.builds(Change, st.sampled_from(TYPES), ID, st.text(max_size=64), ID, ID | st.just("")))
def test_another_replica_reads_what_one_has_written(change: Change) -> None:
    # It is the same message for both, so that one reader judges it.
    again = read_message(change.written())
    assert again
    assert again.updated_at == json_text.clean(change.updated_at)
    assert again.written() == change.written()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_whatever_a_message_holds_it_is_read_or_refused(value: Any) -> None:
    # Vapi's messages get new fields every week.
    for message in ({"message": value}, report(session=value), report(id=value)):
        try:
            change = read_message(json.dumps(message).encode())
        except (NotAMessage, NoSuchSession):
            continue
        assert change is None or change.id
