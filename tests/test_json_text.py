"""JSON as it crosses the wire: strict coming in, valid and compact going out."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vapi_sessions_mcp import json_text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (rb'"\ud800"', "\ufffd"),
        (rb'"\uD800"', "\ufffd"),
        (rb'"a\udc00b"', "a\ufffdb"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'{"\ud800": ["\udfff"], "a": 1.5}', {"\ufffd": ["\ufffd"], "a": 1.5}),
    ],
    ids=["high", "capitals", "low in the middle", "wrong order", "names and items"],
)
def test_a_lone_surrogate_becomes_one_replacement_character(raw: bytes, expected: Any) -> None:
    # Vapi cuts text by UTF-16 units, and a lone half ends a stdio server that prints it.
    assert json_text.parse(raw) == expected


@pytest.mark.parametrize(
    "raw", [rb'"\ud83d\ude00"', rb'"\uD83D\uDE00"', "😀".join('""').encode()], ids=str
)
def test_a_surrogate_pair_stays_one_character(raw: bytes) -> None:
    # Most JSON encoders write emoji this way.
    assert json_text.parse(raw) == "😀"


def test_repairing_a_surrogate_leaves_everything_else_as_it_was() -> None:
    # The repair goes through text, where numbers, escapes and order could be lost.
    raw = rb'{"z": 18446744073709551616, "a": [1e400, -0.0, 1.0, null, true], "s": "\\ud\n\ud800"}'
    assert json.dumps(json_text.parse(raw)) == (
        r'{"z": 18446744073709551616, "a": ["1e400", -0.0, 1.0, null, true], "s": "\\ud\n\ufffd"}'
    )


@pytest.mark.parametrize("raw", [b"NaN", b"[Infinity]", b'{"cost": -Infinity}'], ids=str)
def test_numbers_that_json_does_not_have_are_refused(raw: bytes) -> None:
    # Python reads them by default, and no other client could read what we pass on.
    with pytest.raises(ValueError, match="is not JSON"):
        json_text.parse(raw)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1.5E+999"])
def test_a_number_past_a_float_is_kept_as_text(number: str) -> None:
    # It is valid JSON; as a float it would become Infinity, which is not.
    assert json_text.parse(f'{{"cost": {number}}}'.encode()) == {"cost": number}


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**80), 10**4299])
def test_integers_beyond_64_bits_are_kept_exactly(number: int) -> None:
    # An id or a time rounded on the way points at something else.
    assert json_text.parse(str(number).encode()) == number


def test_an_absurd_integer_is_refused_as_an_error_we_handle() -> None:
    # Python refuses to convert it, because that takes quadratic time.
    with pytest.raises(ValueError):
        json_text.parse(b"9" * 5000)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"<html>",
        b'{"id": "a"',
        b"{'id': 1}",
        b"[1,]",
        b"1 2",
        b"\xff",
        b'"\xed\xa0\x80"',
        '{"id": "a"}'.encode("utf-16"),
    ],
    ids=[
        "nothing",
        "blank",
        "HTML",
        "cut",
        "single quotes",
        "trailing comma",
        "two values",
        "no UTF-8",
        "a surrogate in UTF-8",
        "UTF-16",
    ],
)
def test_what_is_not_json_in_utf8_is_refused(raw: bytes) -> None:
    # A CDN's error page must become one error of ours, never a stack trace.
    with pytest.raises(ValueError):
        json_text.parse(raw)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    # Some proxies add it.
    assert json_text.parse(b'\xef\xbb\xbf{"id": "a"}') == {"id": "a"}


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_json_is_read_as_deep_as_the_limit_and_no_deeper(opening: bytes, closing: bytes) -> None:
    # Whatever is nested deeper would end in a RecursionError in somebody's client.
    def nested(depth: int) -> bytes:
        return opening * (depth - 1) + b"[]" + closing * (depth - 1)

    assert json_text.parse(nested(json_text.MAX_DEPTH)) is not None
    for depth in (json_text.MAX_DEPTH + 1, 1_000, 100_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            json_text.parse(nested(depth))


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(value=VALUES.filter(lambda value: "Infinity" not in json.dumps(value)))
@example({"results": [{"id": "a", "messages": [{"a": n} for n in range(2_500)]}] * 2, "é": []})
@example([[], {}, [{}], [[]]] * 600)
def test_what_is_written_in_slices_is_written_the_same(value: Any) -> None:
    # The slices let others work meanwhile; what is sent must not show them.
    whole = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert json_text.compact(value) == whole


def test_compact_json_has_no_needless_byte() -> None:
    # Spaces and \u escapes are paid for by the conversation.
    value = {"a": [1, 2.5, None, True], "é": "😀 \n"}
    assert json_text.compact(value) == '{"a":[1,2.5,null,true],"é":"😀 \\n"}'


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_compact_json_refuses_numbers_that_json_does_not_have(number: float) -> None:
    # Nothing that reaches Vapi or a client may be invalid JSON.
    with pytest.raises(ValueError):
        json_text.compact({"a": [number]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("Zoë 😀", "Zoë 😀"),
        ("\ud800", "\ufffd"),
        ("a\udfff", "a\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("\ud800\U0010ffff\0", "\ufffd\U0010ffff\0"),
    ],
    ids=["empty", "valid", "lone high", "lone low", "split pair", "beside others"],
)
def test_clean_text_is_valid_unicode_and_otherwise_unchanged(text: str, expected: str) -> None:
    # A tool result is encoded as UTF-8, which knows no lone surrogates.
    assert json_text.clean(text) == expected


@given(value=VALUES)
def test_values_are_counted_without_reading_them_and_never_too_few(value: Any) -> None:
    # The count decides whether a body is read at all.
    raw = json.dumps(value).encode()
    assert json_text.values(raw) >= count(value)


def count(value: Any) -> int:
    """How many values there are in `value`, itself among them; names are none."""
    inside = [*json_text.as_object(value).values(), *json_text.as_list(value)]
    return 1 + sum(count(item) for item in inside)


@pytest.mark.parametrize(
    ("value", "least"),
    [
        ("a" * 1_000, 1_000),
        ({"a": "a" * 1_000}, 1_000),
        ([1] * 1_000, 5_000),
        ({str(number): 1 for number in range(1_000)}, 5_000),
        ([[["a" * 600] * 2]], 1_200),
    ],
    ids=["text", "text inside", "numbers", "names", "deep"],
)
def test_the_size_of_a_value_is_estimated_as_far_as_asked(value: Any, least: int) -> None:
    # Whether it is worth a thread has to be known without writing it.
    assert json_text.size(value, 10**9) >= least
    assert json_text.size(value, 100) >= 100
    assert json_text.size("a", 100) < 100


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_lines_are_compact_with_a_break_behind_each_comma_between_values(value: Any) -> None:
    # A host that cuts by lines shows whole values, and a program reads the same JSON.
    lines = json_text.lines(value)
    assert json.loads(lines) == value
    assert lines.replace("\n", "") == json_text.compact(value)
    assert lines == json.dumps(value, ensure_ascii=False, separators=(",\n", ":"))


def test_long_arrays_are_written_in_lines_as_well() -> None:
    # They are written in slices.
    value = {"a": [*range(2_500)], "b": []}
    assert json_text.lines(value) == json.dumps(value, separators=(",\n", ":"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
@example({"a": [1e400], "b": [[-1e400, {}]]})
@example([0.0, -0.0, 5e-324, 1.7976931348623157e308])
def test_the_quick_parser_reads_what_the_standard_library_reads(value: Any) -> None:
    # Two parsers that differ would make an answer depend on which of them was taken.
    raw = json.dumps(value)
    if "NaN" in raw or "Infinity" in raw:
        with pytest.raises(ValueError, match="is not JSON"):
            json_text.parse(raw.encode())
        raw = raw.replace("NaN", "0").replace("Infinity", "1e400")
    read = json_text.parse(raw.encode())
    expected = json.loads(raw, parse_float=lambda text: text if "1e400" in text else float(text))
    assert json.dumps(read) == json.dumps(json.loads(json_text.clean(json.dumps(expected))))


INSIDE: dict[str, Any] = {
    "0": 0,
    "1.5": 1.5,
    "1e400": "1e400",
    "{}": {},
    r'"\ud83d"': "\ufffd",
    "[1]": [1],
}


@pytest.mark.parametrize("depth", [99, 100, 101, 199, 200, 201, 202])
@pytest.mark.parametrize("inside", INSIDE)
def test_a_hundred_levels_are_read_and_no_more(depth: int, inside: str) -> None:
    # Each parser has a limit of its own, and only ours may show.
    raw = ("[" * depth + inside + "]" * depth).encode()
    if depth + 1 + (inside == "[1]") > json_text.MAX_DEPTH:
        with pytest.raises(json_text.Unreasonable, match="nested too deeply"):
            json_text.parse(raw)
    else:
        value = json_text.parse(raw)
        for _ in range(depth):
            [value] = value
        assert value == INSIDE[inside]
