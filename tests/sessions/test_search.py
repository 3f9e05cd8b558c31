"""A text is found wherever it is in a session and however it is written, and nowhere else."""

import json
import threading
import unicodedata
from typing import Any, Literal, TypeAlias

import anyio
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from support.properties import examples
from support.timeline import listed, stamp
from vapi_sessions_mcp.contract.list_filters import ListFilters, ListRequest
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.errors import BadArguments
from vapi_sessions_mcp.sessions.scan import nobody, scan
from vapi_sessions_mcp.sessions.search import Wanted, folded

Json: TypeAlias = dict[str, Any]

FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")
bounded = examples(6)


def found(wanted: str, session: Json) -> bool:
    return Wanted(wanted).is_in(session)


def called(arguments: Any) -> Json:
    function = {"name": "book", "arguments": arguments}
    return {"messages": [{"role": "assistant", "tool_calls": [{"function": function}]}]}


PLACES: dict[str, Json] = {
    "id": {"id": "strasse-1"},
    "name": {"name": "Hauptstraße"},
    "status": {"status": "STRASSE"},
    "customer": {"customer": {"externalId": "STRASSE-1"}},
    "a message of a call": {"messages": [{"role": "bot", "message": "The STRASSE is closed"}]},
    "a message of a chat": {"messages": [{"role": "user", "content": "Which straße?"}]},
    "message beside content": {"messages": [{"content": "Yes.", "message": "straße"}]},
    "a part of a content": {"messages": [{"content": [{"type": "text", "text": "strasse"}]}]},
    "who speaks": {"messages": [{"role": "user", "name": "Strasse", "content": "Hi"}]},
    "a tool's answer": {"messages": [{"role": "tool_call_result", "result": "Straße 1"}]},
    "a tool's arguments": called({"at": {"street": ["Straße 1"]}}),
    "arguments as JSON text": called('{"at": "Stra\\u00dfe 1"}'),
    "arguments behind a mark": called('\ufeff {"at": "Stra\\u00dfe 1"}\n'),
    "JSON text in JSON text": called(json.dumps(json.dumps({"at": "Straße"}))),
    "variables": {"metadata": {"variableValues": {"street": "Straße"}}},
    "overrides": {"assistantOverrides": {"variableValues": {"street": "Straße"}}},
    "an artifact": {"artifact": {"structuredOutputs": {"1": {"result": {"at": "straße"}}}}},
    "an assistant": {"assistant": {"model": {"messages": [{"content": "Say straße"}]}}},
    "a cost's name": {"costs": [{"type": "strasse"}]},
    "a field tomorrow": {"n3w": [[{"deep": [["straße"]]}]]},
    "a name of a field that is none": {"metadata": {"Große Straße": 1}},
}


@pytest.mark.parametrize("wanted", ["straße", "STRASSE", "Strasse", "  strasse\n"])
@pytest.mark.parametrize("place", PLACES)
def test_a_text_is_found_wherever_it_is(place: str, wanted: str) -> None:
    # "None match" must be true of the whole session: an erasure is proved with it.
    assert found(wanted, PLACES[place])
    assert not found("avenue", PLACES[place])


NOWHERE: dict[str, Json] = {
    "empty": {},
    "nulls": {"name": None, "customer": None, "messages": None},
    "flags": {"strict": True, "closed": False},
    "a name of a field": {"strasse": 1, "customer": {"strasse_1": "x", "strasse-2": "y"}},
    "two texts": {"messages": [{"content": "stra"}, {"content": "sse"}]},
    "broken JSON text": {
        "a": '{"at": "stra\\u00dfe"',
        "b": "[strasse-less".replace("strasse", "x"),
    },
}


@pytest.mark.parametrize("place", NOWHERE)
def test_what_is_not_in_a_text_or_a_number_is_not_found(place: str) -> None:
    # Names of fields are the same in every session: "customer" would find all of them.
    assert not found("strasse", NOWHERE[place])
    assert not found("true", NOWHERE[place])


def test_json_text_is_found_as_it_is_written_too() -> None:
    # Who copies a part of what was read searches for these characters.
    assert found('{"at": "stra\\u00dfe', called('{"at": "Stra\\u00dfe 1"}'))
    deep = "[" * 100_000 + "]" * 100_000
    assert found("[[[]]]", {"a": deep})


@pytest.mark.parametrize(
    ("wanted", "written"),
    [
        ("straße", "STRASSE"),
        ("STRAẞE", "straße"),
        ("Mi\u017fs", "miss"),
        ("istanbul", "İSTANBUL"),
        ("İstanbul", "ISTANBUL"),
        ("i\u0307stanbul", "İstanbul"),
        ("office", "o\ufb03ce"),
        ("o\ufb03ce", "OFFICE"),
        ("Maya 15", "\uff2d\uff41\uff59\uff41\u3000\uff11\uff15"),
        ("한국", unicodedata.normalize("NFD", "한국")),
        (unicodedata.normalize("NFD", "한국"), "한국"),
        ("José", "JOSE\u0301"),
        ("JOSE\u0301", "josé"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("\u1fb3", "\u0391\u0399"),
        ("Ångström", "A\u030angstro\u0308m"),
        ("㎏", "KG"),
        ("a b", "a\u00a0b"),
        ("a b", "a \t\r\n\u2003\u2028 b"),
        ("a\u00a0\u00a0b", "A B"),
        ("O'Brien", "O\u2019Brien"),
        ('"no"', "\u201cNo\u201d"),
        ("so-so", "so\u2010so"),
        ("so \u2013 so", "so - so"),
        ("Abernathy", "Aber\u00adna\u200bthy"),
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u062e\u0648"),
    ],
)
def test_a_text_is_found_however_it_is_written(wanted: str, written: str) -> None:
    # People and programs write one name in many ways, and mean the same.
    assert found(wanted, {"name": f"x {written} y"})


@pytest.mark.parametrize(
    ("wanted", "written"),
    [("Jose", "José"), ("e", "é"), ("하", "한"), ("a b", "ab"), ("naive", "naïve")],
)
def test_another_letter_is_another_text(wanted: str, written: str) -> None:
    # What is claimed to match must match: accents count, and so does a space.
    assert not found(wanted, {"name": written})


@bounded
@given(text=st.text(min_size=1, max_size=20))
@example(text="\u0345\u0301")
@example(text="ŉ\ufe31")
def test_every_form_of_a_text_is_one(text: str) -> None:
    # Unicode has four normal forms and three cases, and no two programs use the same.
    assume(folded(text))
    assume("\u0131" not in text.lower())  # Its capital is that of another letter.
    for form in FORMS:
        written = unicodedata.normalize(form, text)
        assert found(text, {"a": written})
        assert found(written, {"a": text})
    plain = unicodedata.normalize("NFD", text)  # Case folding begins there.
    for written in (plain.casefold(), plain.upper(), plain.lower()):
        assert found(text, {"a": written})


NUMBERS: list[Any] = [
    *("+14155550123", "14155550123", "(415) 555-0123", "+1 415.555.0123", "415/555 0123"),
    *("+1\u00a0415\u00a0555\u00a00123", "415\u2011555\u20110123", "4 1 5 5 5 5 0 1 2 3"),
    *("\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff12\uff13", "415_555_0123"),
    *("٤١٥٥٥٥٠١٢٣", "call(415)555\u20130123now", "415\n555\n0123", "4\ufe0f\u20e31 5 555 0123"),
    *(14155550123, 4155550123, 4155550123.0, 4155550123.5),
]


@pytest.mark.parametrize("wanted", ["4155550123", "(415) 555-0123", "415.555\u00a00123", "5550123"])
@pytest.mark.parametrize("written", NUMBERS, ids=ascii)
def test_a_phone_number_is_found_by_its_digits(written: Any, wanted: str) -> None:
    # Nobody knows how the other one wrote it.
    assert found(wanted, {"a": [written]})
    assert found(wanted, called(json.dumps({"to": written})))
    assert found(wanted, {"numbers": {str(written): "mobile"}})


@pytest.mark.parametrize(
    ("wanted", "written"),
    [
        ("4155550123", "+1 415 555 0124"),
        ("4155550123", ["4155", "550123"]),
        ("4155550123", "415555 and 0123"),
        ("4155550123", "415555 - (( )) - 0123"),
        ("4155550123", {"4155": 550123}),
        ("555-012", "5550123"),
        ("555-0123 x", "5550123"),
        ("a5550123", "555-0123"),
    ],
)
def test_other_digits_are_no_phone_number(wanted: str, written: Any) -> None:
    # Digits of two numbers are not one, and a short or lettered text is meant as it is written.
    assert not found(wanted, {"a": written})


@pytest.mark.parametrize("wanted", [" ", "\u00a0\n", "\u200b\ufeff", "\u00ad"])
def test_a_text_of_nothing_is_refused(wanted: str) -> None:
    # It would be in every session.
    with pytest.raises(BadArguments, match="`contains` must hold more than spaces"):
        Wanted(wanted)


def test_a_letter_under_a_heap_of_marks_is_found_in_no_time() -> None:
    # Sorting them as Unicode asks for takes hours; more than thirty are in no writing.
    heap = "\u0301\u0316" * 300_000
    session = {"a": f"x{heap} Maya z{heap}"}
    assert found("maya", session)
    assert found(f"z{heap}", session)
    assert not found("mayo", session)
    assert found("\U0001f389" * 99, {"a": "\U0001f389" * 100})


def test_sessions_are_searched_beside_the_event_loop() -> None:
    # A page of megabytes takes a second to search, in which nobody else would be answered.
    threads: set[int] = set()

    def masked(session: Json) -> Json:
        threads.add(threading.get_ident())
        return {**session, "name": "Masked"}

    async def perform(operation: Any, request: Any) -> Json:
        assert isinstance(request, ListFilters)
        return listed([{"id": "s", "name": "Open", "createdAt": stamp(0)}], dict(request.query()))

    async def searched(wanted: str) -> list[Json]:
        request = parse(ListRequest, {"contains": wanted})
        return (await scan(perform, request, nobody, masked=masked))["results"]

    assert [row["name"] for row in anyio.run(searched, "masked")] == ["Masked"]
    assert anyio.run(searched, "open") == []
    assert threads
    assert threading.get_ident() not in threads
