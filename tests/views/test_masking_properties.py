"""What holds for the masking of any JSON value at all, looked for by machine."""

import json
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeAlias, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from support.properties import examples
from support.secret_names import SECRETS
from vapi_sessions_mcp.views.masking import MASK, mask_all, mask_personal, mask_secrets

pytestmark = pytest.mark.unmeasured

Anything: TypeAlias = SearchStrategy[Any]
Json: TypeAlias = dict[str, Any]
Masking: TypeAlias = Callable[[Any], Any]

# Each is quick, and the rules touch in odd places only.
many = examples(6)
# In turn for each example, since to think of one takes longer than to mask it.
MASKINGS: tuple[Masking, ...] = (mask_secrets, mask_personal, mask_all)
PLANTED = "pl4nted"

# Texts that are nearly numbers, addresses, links, JSON and masks: where the rules touch.
tricky = st.lists(
    st.sampled_from(
        [
            *("4", "15", "555 0123", "+1", "(0", ")", "-", " ", ".", "x", "2026-11-20", "T09:00"),
            *(
                "12.50",
                "***",
                "***23",
                "@",
                "maya",
                "sip:",
                "example.com",
                "https://",
                "/",
                "?",
                "&",
            ),
            *("sig=", "token", "=", "#", '"', '\\"', "'", ":", "{", "}", "[", "]", ",", "\\", "\n"),
            *("\ufeff", "\u0664", "\uff14", "\u200b", "%2B", "%40", "%3D", "null", "1763600000000"),
        ]
    ),
    max_size=14,
).map("".join)
numbers = (
    st.integers() | st.floats(allow_nan=False) | st.sampled_from([14155550123, 5550123, 10**12])
)
leaves: Anything = st.none() | st.booleans() | numbers | st.text(max_size=20) | tricky
names: Anything = st.sampled_from(
    [
        "token",
        "maxTokens",
        "phone",
        "number",
        "name",
        "key",
        "value",
        "id",
        "+14155550123",
        "a@b.example",
    ]
)


def _containers(inner: Anything) -> Anything:
    objects = st.dictionaries(names | tricky | st.text(max_size=9), inner, max_size=4)
    return st.lists(inner, max_size=4) | objects | inner.map(json.dumps)


anything: Anything = st.recursive(leaves, _containers, max_leaves=10)
# Nothing in these is a digit, a mark of a link, or anything of a name that means something.
words = st.text(alphabet="abdfgjlz éß{}[],;.!\n\ufeff日本", max_size=12)
harmless: Anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**5), 10**5) | words,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(words, inner, max_size=4)
        | inner.map(json.dumps)
    ),
    max_leaves=12,
)


@many
@given(value=anything)
def test_masking_what_is_masked_changes_nothing(value: Any) -> None:
    # Answers are compared, appended to and masked once more: each time the same must come out.
    for mask in MASKINGS:
        once = mask(value)
        assert mask(once) is once


@many
@given(value=harmless)
def test_nothing_is_masked_where_nothing_is_recognised(value: Any) -> None:
    # A conversation must not lose a word to a rule that it has nothing to do with.
    for mask in MASKINGS:
        assert mask(value) is value


def same_shape(given: Any, masked: Any) -> bool:
    """Whether `masked` is `given` but for masks, with every entry in its place."""
    if isinstance(given, dict) and isinstance(masked, dict):
        before, after = cast("Json", given), cast("Json", masked)
        names = zip(before, after, strict=True)
        return all(old == new or MASK in new for old, new in names) and same_shape(
            [*before.values()], [*after.values()]
        )
    if isinstance(given, list) and isinstance(masked, list):
        items = zip(cast("list[Any]", given), cast("list[Any]", masked), strict=True)
        return all(same_shape(was, now) for was, now in items)
    if isinstance(masked, str) and MASK in masked:
        return True
    return json.dumps(given) == json.dumps(masked)


@many
@given(value=anything)
def test_masking_keeps_the_structure(value: Any) -> None:
    # An entry that is gone, or moved, is a claim about the session that is not true.
    copy = json.dumps(value)
    for mask in MASKINGS:
        masked = mask(value)
        assert json.dumps(value) == copy
        assert same_shape(value, masked)
        json.dumps(masked)


def written(value: Any, layers: int, mark: str) -> Any:
    """`value` as JSON in a text, `layers` times, with `mark` around it."""
    for _ in range(layers):
        value = mark + json.dumps(value) + mark.strip("\ufeff")
    return value


def planted_in(name: str, shape: str) -> Any:
    shapes: dict[str, Any] = {
        "text": {name: PLANTED},
        "list": {name: [PLANTED]},
        "object": {"kept": 1, name: {"a": [PLANTED]}},
        "pair": [[name, PLANTED]],
        "label": {"value": PLANTED, "name": name},
        "quoted": f"Said: {json.dumps({name: PLANTED, 'n': 1})} today",
    }
    return shapes[shape]


@many
@given(
    name=st.sampled_from(sorted(SECRETS)),
    shape=st.sampled_from(["text", "list", "object", "pair", "label", "quoted"]),
    layers=st.lists(st.integers(0, 2), max_size=3),
    mark=st.sampled_from(["", "\ufeff", " \n", "\ufeff\t"]),
    beside=anything,
)
def test_no_secret_comes_through_whatever_is_around_it(
    name: str, shape: str, layers: list[int], mark: str, beside: Any
) -> None:
    # Each layer is one more place to look, and every one of them has to be looked into.
    value = planted_in(name, shape)
    for count in layers:
        value = {"beside": beside, "deep": [written(value, count, mark)]}
    assert PLANTED in json.dumps(value)
    assert PLANTED not in json.dumps(mask_secrets(value))
    assert PLANTED not in json.dumps(mask_all(value))


# How much work it is


def work(value: Any) -> int:
    """How many functions are called while `value` is masked."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        mask_all(value)
    finally:
        sys.setprofile(before)
    return calls


def _wrapped(size: int) -> Any:
    text = json.dumps({"token": PLANTED, "said": "a" * size})
    for _ in range(7):
        text = json.dumps(text)
    return text


GROWING: dict[str, Callable[[int], Any]] = {
    "names": lambda size: {f"name {n}": n for n in range(size)},
    "numbers as names": lambda size: {f"+1415{n:07}": n for n in range(size)},
    "names in a text": lambda size: json.dumps([{f"+1415{n:07}": n} for n in range(size)]),
    "one name often": lambda size: "{" + ",".join(['"token":1'] * size) + "}",
    "quoted fields": lambda size: '"token": ' * size,
    "open brackets": lambda size: '"token": {' * size,
    "links": lambda size: "https://a.example/?sig=1 " * size,
    "parameters": lambda size: "https://a.example/?" + "a=1&" * size,
    "numbers": lambda size: "+1 415 555 0123, " * size,
    "objects": lambda size: [{"name": "token", "value": "x"}] * size,
    "layers": lambda size: [_wrapped(size)] * 3,
}


@pytest.mark.parametrize("kind", GROWING)
def test_twice_as_much_is_at_most_twice_the_work(kind: str) -> None:
    # Customers write what is masked: a few kilobytes of it must not stop the server for everybody.
    small, large = (work(GROWING[kind](size)) for size in (500, 1000))
    assert large <= 2.1 * small + 100


HARD = (
    *("a", "1 ", "+1", "sip:", "sip:@", "a.", "a@", "(", "1.1.", "-1", "?", "?)", "?a=", "?a=1&"),
    *("://", "://a:", "\\", '\\"', "'", '"', '":', '"a":', '"token":', '"token":{', '"token":["'),
    *(
        '\\\\"token\\\\":',
        "[",
        "{",
        "[]",
        '{"a":',
        "%40",
        "%2B1",
        "%25",
        "a%40",
        "\u0661",
        "\u200b1",
    ),
    *(
        "***12",
        "0.1",
        "12345678-1234-",
        "2026-",
        "=?",
        "token=&",
        '"[',
        '["',
        ' "',
        "&amp;",
        "%3D%26",
    ),
)


def test_long_texts_that_are_made_to_be_hard_are_masked_like_any_other() -> None:
    # A search that starts anew at every character would not end while anybody waits.
    for part in HARD:
        text = part * (100_000 // len(part))
        assert isinstance(mask_all({"content": text})["content"], str)
    most = 400_000
    for text in ("\\" * most + '"token":', '"token"' + " " * most, '"token": "' + 'a\\"' * most):
        assert isinstance(mask_all(text), str)
