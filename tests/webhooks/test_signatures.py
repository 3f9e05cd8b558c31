"""Only who knows the secret is Vapi, and only now: each way of showing it, and each forgery."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from support.webhooks import (
    NOW,
    SECRET,
    Clock,
    Fields,
    bearer,
    posted,
    seconds,
    signature,
    signed,
    taking,
)
from vapi_sessions_mcp.webhooks.signatures import ALGORITHMS, Authentication, Refused

BODY = posted(name="日本語 🎉")
OTHER = "another-secret-0123456789abcdef"
ENCODINGS = ("hex", "base64")


def headers(fields: Fields) -> Headers:
    return Headers(raw=[(name.lower().encode(), value.encode("latin-1")) for name, value in fields])


def accepted(fields: Fields, body: bytes = BODY, *, at: Any = NOW, **options: Any) -> bool:
    """Whether this is taken for Vapi's."""
    authentication = Authentication(taking(**options), lambda: at)
    try:
        authentication.begin(headers(fields))(body)
    except Refused:
        return False
    return True


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ({}, "Authorization", f"Bearer {SECRET}"),
        ({}, "authorization", f"bearer  {SECRET}"),
        # "Include Bearer Prefix" is turned off.
        ({}, "Authorization", SECRET),
        ({"webhook_header": "X-Our-Key"}, "x-our-key", SECRET),
        ({"webhook_header": "X-Our-Key"}, "X-OUR-KEY", f"Bearer {SECRET}"),
        ({"webhook_auth": "secret"}, "X-Vapi-Secret", SECRET),
    ],
)
def test_each_way_of_showing_the_secret_is_accepted(
    options: dict[str, Any], name: str, value: str
) -> None:
    # These are the forms of Vapi's dashboard; one that is not taken loses every event.
    assert accepted([(name, value)], **options)
    assert not accepted([(name, value.replace(SECRET, OTHER))], **options)
    assert not accepted([(name, value), (name, value)], **options)
    assert not accepted([("X-Other", value)], **options)


@pytest.mark.parametrize(
    "value",
    [
        *("", "Bearer", "Bearer ", f"Basic {SECRET}", f"Bearer {SECRET}x", f"Bearer {SECRET[:-1]}"),
        *(SECRET.upper(), f"{SECRET},{SECRET}", "\xe4\xf6\xfc", "Bearer \xff\xfe"),
    ],
)
def test_nothing_else_is_the_secret(value: str) -> None:
    # A header that is not ASCII makes some comparisons fail with an error instead.
    assert not accepted([("Authorization", value)])
    assert not accepted([("X-Vapi-Secret", value)], webhook_auth="secret")
    assert not accepted([("x-signature", value), ("x-timestamp", seconds())], webhook_auth="hmac")


def test_the_older_form_takes_no_prefix() -> None:
    # Vapi sends none, so whoever does is not Vapi.
    assert not accepted([("X-Vapi-Secret", f"Bearer {SECRET}")], webhook_auth="secret")


def test_either_of_two_secrets_is_good_while_one_is_replaced() -> None:
    # Vapi and this server cannot be changed in the same moment.
    both: dict[str, Any] = {"webhook_secrets": (OTHER, SECRET)}
    for secret, is_good in ((SECRET, True), (OTHER, True), ("a-third-0123456789abcdef", False)):
        assert accepted(bearer(secret), **both) is is_good
        assert accepted(signed(BODY, secret=secret), webhook_auth="hmac", **both) is is_good


@pytest.mark.parametrize("prefix", ["", "sha256=", "v1,", "\xfc="])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "payload", ["{timestamp}.{body}", "{body}", "{body}{timestamp}", "v0:{timestamp}:{body}:end"]
)
def test_each_kind_of_signature_is_accepted(
    payload: str, algorithm: str, encoding: str, prefix: str
) -> None:
    # All of these can be chosen in Vapi's dashboard.
    how: dict[str, Any] = {"payload": payload, "algorithm": algorithm, "encoding": encoding}
    [kind, (name, value), time] = signed(BODY, **how)
    fields = [kind, (name, prefix + value), time]
    assert accepted(fields, webhook_auth="hmac", webhook_payload=payload)
    assert not accepted(fields, BODY + b" ", webhook_auth="hmac", webhook_payload=payload)
    renamed = [(f"X-Our-{each}", text) for each, text in fields]
    named: dict[str, Any] = {"webhook_header": "X-Our-x-signature"}
    if "{timestamp}" in payload:
        named["webhook_timestamp_header"] = "x-our-x-timestamp"
    assert accepted(renamed, webhook_auth="hmac", webhook_payload=payload, **named)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_hex_may_be_in_either_case_and_base64_may_not(algorithm: str) -> None:
    # Both are hex, and some forwarders write it so; in base64 another letter is another signature.
    how: dict[str, Any] = {"webhook_auth": "hmac"}
    for encoding, is_good in (("hex", True), ("base64", False)):
        [kind, (name, value), time] = signed(BODY, algorithm=algorithm, encoding=encoding)
        for written in (value.upper(), f"sha256={value.upper()}"):
            assert accepted([kind, (name, written), time], **how) is is_good
            assert not accepted([kind, (name, written), time], BODY + b" ", **how)


@pytest.mark.parametrize("algorithm", ["sha1", "md5"])
def test_a_weak_algorithm_is_refused(algorithm: str) -> None:
    # Vapi offers SHA1; nobody should build on it.
    assert not accepted(signed(BODY, algorithm=algorithm), webhook_auth="hmac")


def test_what_a_body_holds_is_not_taken_for_part_of_the_format() -> None:
    # A customer may have said "{timestamp}".
    body = posted(name="{timestamp} {body}")
    assert accepted(signed(body), body, webhook_auth="hmac")


@pytest.mark.parametrize(
    ("off", "is_good"),
    [(0, True), (-299, True), (299, True), (-301, False), (301, False), (-86_400, False)],
)
@pytest.mark.parametrize("unit", ["seconds", "milliseconds", "ISO 8601"])
def test_a_signature_is_good_for_five_minutes(unit: str, off: int, is_good: bool) -> None:
    # A request that somebody recorded must not be good for ever, and clocks differ either way.
    moment = NOW + timedelta(seconds=off)
    time = {
        "seconds": seconds(moment),
        "milliseconds": f"{seconds(moment)}000",
        "ISO 8601": moment.isoformat().replace("+00:00", "Z"),
    }[unit]
    fields = [("x-signature", signature(BODY, time)), ("x-timestamp", time)]
    assert accepted(fields, webhook_auth="hmac") is is_good


@pytest.mark.parametrize(
    "time",
    [
        *("", " ", "0", "-1795170000", "1795170000.5", "17951700009999", "9" * 300, "soon", "٣"),
        *("2026-11-20T10:19:17", "\xb2", "1e9", "0x6b000000", "2026-11-20T10:19:17+99:00"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "99999999999"),
    ],
)
def test_a_time_that_is_none_is_refused_however_it_is_signed(time: str) -> None:
    # A time that cannot be compared with ours would be good for ever.
    raw = time.encode("latin-1", "ignore").decode("latin-1")
    fields = [("x-signature", signature(BODY, raw)), ("x-timestamp", raw)]
    assert not accepted(fields, webhook_auth="hmac")


def test_a_time_that_is_missing_or_there_twice_is_refused() -> None:
    # Of two, one may be what was signed and the other what is looked at.
    kind, shown, time = signed(BODY)
    assert not accepted([kind, shown], webhook_auth="hmac")
    assert not accepted([kind, shown, time, time], webhook_auth="hmac")
    assert not accepted([kind, shown, time, (time[0], seconds(NOW))], webhook_auth="hmac")
    # Where no time is signed, none is needed, and one that is there means nothing.
    [kind, shown, _] = signed(BODY, payload="{body}")
    assert accepted([kind, shown], webhook_auth="hmac", webhook_payload="{body}")


def test_a_signature_without_end_is_refused_before_the_body_is_read() -> None:
    # Nobody who has shown nothing yet should make us work.
    authentication = Authentication(taking(webhook_auth="hmac"), Clock())
    _, (name, value), time = signed(BODY)
    with pytest.raises(Refused, match="too long"):
        authentication.begin(headers([(name, "x" * 300 + value), time]))


@given(
    body=st.binary(max_size=300),
    change=st.sampled_from(["body", "time", "secret", "signature", "nothing"]),
    at=st.integers(0, 299),
    algorithm=st.sampled_from(ALGORITHMS),
    encoding=st.sampled_from(ENCODINGS),
    where=st.integers(0, 10_000),
    bit=st.integers(0, 7),
)
def test_one_changed_bit_and_it_is_not_vapi_s(
    body: bytes, change: str, at: int, algorithm: str, encoding: str, where: int, bit: int
) -> None:
    # The promise of a signature: whatever was changed on the way, it does not hold.
    moment = NOW - timedelta(seconds=at)
    secret = OTHER if change == "secret" else SECRET
    fields = signed(body, moment, secret=secret, algorithm=algorithm, encoding=encoding)
    name, value = fields[1]
    if change == "body":
        flipped = bytearray(body or b"x")
        flipped[where % len(flipped)] ^= 1 << bit
        body = bytes(flipped)
    elif change == "time":
        fields[2] = ("x-timestamp", seconds(moment + timedelta(seconds=1)))
    elif change == "signature":
        at_char = where % len(value)
        letter = "0" if value[at_char] != "0" else "1"
        fields[1] = (name, value[:at_char] + letter + value[at_char + 1 :])
    assert accepted(fields, body, webhook_auth="hmac") is (change == "nothing")


@given(st.binary(max_size=80))
def test_no_bytes_get_in_or_fail_otherwise(value: bytes) -> None:
    # Anybody at all can send them.
    shown = value.decode("latin-1")
    assert not accepted([("Authorization", shown)])
    assert not accepted([("x-signature", shown), ("x-timestamp", seconds())], webhook_auth="hmac")
    assert not accepted([("x-signature", "0" * 64), ("x-timestamp", shown)], webhook_auth="hmac")
