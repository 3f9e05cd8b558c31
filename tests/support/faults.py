"""What can be wrong with Vapi or the way to it, and what each tool makes of it: data only."""

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from support.faulty_vapi import (
    CLOSED_UNREAD,
    DEAF,
    RESET,
    RESET_UNREAD,
    SESSION,
    SILENT,
    Reply,
    cut,
    reply,
    trickle,
)
from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
)

KEY = "key-0123456789abcdef"
HTML = b"<html><head><title>Sorry</title></head><body>cloudflare</body></html>"
MIB = 2**20
# What customers said and who they are, which belongs in no log.
PRIVATE = ("Jane Marple", "+15557654321", "my card is 4111", "database on fire")
ARGUMENTS: dict[str, dict[str, Any]] = {
    LIST: {"name": PRIVATE[0], "customerNumberAny": PRIVATE[1], "limit": 1, "view": "full"},
    GET: {"id": "s-1"},
    CREATE: {
        "body": {
            "name": PRIVATE[0],
            "customer": {"number": PRIVATE[1]},
            "messages": [{"role": "user", "content": PRIVATE[2]}],
        }
    },
    UPDATE: {"id": "s-1", "body": {"name": PRIVATE[0]}},
    DELETE: {"id": "s-1"},
}
TOOLS = tuple(ARGUMENTS)
DOING = {
    LIST: "list sessions",
    GET: "get session {id}",
    CREATE: "create the session",
    UPDATE: "update session {id}",
    DELETE: "delete session {id}",
}
READ = "Nothing was changed; call again {wait}."
AFTER_SENDING = {
    LIST: READ,
    GET: READ,
    CREATE: (
        "It may or may not have happened: list the sessions of the last minutes (createdAtGe)"
        " before you create it again."
    ),
    UPDATE: (
        "It may or may not have happened: get session {id} and compare before you update it again."
    ),
    DELETE: (
        "It may or may not have happened: get session {id}: when it is not found, it was deleted."
    ),
}
# How often Vapi is asked: the table of what may be tried again, written by hand.
ONCE = dict.fromkeys(TOOLS, 1)
THRICE = dict.fromkeys(TOOLS, 3)
CHANGES_ONCE = {LIST: 3, GET: 3, DELETE: 3, CREATE: 1, UPDATE: 1}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What Vapi answers to everything, how often each tool asks, and what each of them tells.

    Without an answer nobody listens. `told` may name the HOST and AFTER, what to
    do once something was sent, as `after` has it; `timeout` is that of a whole call,
    `apart` the least time between two tries, in seconds.
    """

    answer: Reply | None
    requests: Mapping[str, int]
    told: str
    after: Mapping[str, str] = field(default_factory=lambda: AFTER_SENDING)
    wait: str = "in a minute"
    timeout: float = 5
    apart: float = 0
    # A 2xx without a body, by which a delete happened and all else is unclear.
    empty: bool = False

    def sentence(self, tool: str, id: str = "s-1") -> str:
        """All that `tool` says."""
        if self.empty and tool == DELETE:
            note = "Deleted. Vapi sent no copy of the session."
            return f'{{"id":"{id}","deleted":true,"note":"{note}"}}'
        tries = f" in {self.requests[tool]} tries" if self.requests[tool] > 1 else ""
        after = self.after[tool].format(id=id, wait=self.wait)
        told = self.told.replace("AFTER", after)
        return f"Could not {DOING[tool].format(id=id)}{tries}: {told}"


def raw(text: str | bytes, then: Any = "close") -> Reply:
    """Bytes that are no answer, or not all of one."""
    return Reply(raw=text.encode() if isinstance(text, str) else text, then=then)


def ok(body: str | bytes, **headers: str) -> Reply:
    """A 200 with this body."""
    return reply(200, body.encode() if isinstance(body, str) else body, **headers)


def bomb(mebibytes: int) -> bytes:
    """Gzip that unpacks to so many MiB of JSON's white space, and does not end."""
    packer = zlib.compressobj(9, wbits=31)
    first = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    each = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + each * (mebibytes - 1)


def lost(answer: Reply) -> Fault:
    """The connection ends after the request was sent."""
    told = "the connection to HOST was lost before the answer was complete. AFTER"
    return Fault(answer=answer, requests=CHANGES_ONCE, told=told)


def silent(answer: Reply) -> Fault:
    """No whole answer in time."""
    told = "HOST gave no answer within 1 s. AFTER"
    return Fault(answer=answer, requests=ONCE, told=told, timeout=1)


def garbled(answer: Reply, reason: str = "not JSON", timeout: float = 5) -> Fault:
    """A 200 that is no session."""
    told = f"the answer of HOST is not a session's JSON ({reason}). AFTER"
    empty = answer.raw.rpartition(b"\r\n\r\n")[2].strip() == b""
    return Fault(answer=answer, requests=ONCE, told=told, timeout=timeout, empty=empty)


ELSEWHERE = "read it with another client of Vapi's API"
UNREADABLE = f"It may or may not have happened: {ELSEWHERE}, since this one cannot."
AFTER_TOO_MUCH = {
    LIST: "Ask for fewer sessions, with a smaller limit or narrower filters.",
    GET: f"No view makes it smaller, since all of it is read first: {ELSEWHERE}.",
    **dict.fromkeys((CREATE, UPDATE, DELETE), UNREADABLE),
}


def too_large(answer: Reply, reason: str, timeout: float = 5) -> Fault:
    """A 200 of more than is read."""
    told = f"the answer of HOST is more than can be read here ({reason}). AFTER"
    return Fault(answer=answer, requests=ONCE, told=told, after=AFTER_TOO_MUCH, timeout=timeout)


def failed(answer: Reply, words: str, **more: Any) -> Fault:
    """A 5xx that may pass."""
    return Fault(answer=answer, requests=CHANGES_ONCE, told=f"Vapi failed ({words}). AFTER", **more)


def limited(
    wait: str = "in a minute",
    requests: Mapping[str, int] = THRICE,
    *,
    apart: float = 0,
    **headers: str,
) -> Fault:
    """A 429 with these headers, after which the next call is told to `wait`."""
    answer = reply(429, {"message": "Slow down"}, **headers)
    told = f"too many requests (429 Too Many Requests: Slow down). {READ.format(wait=wait)}"
    return Fault(answer=answer, requests=requests, told=told, apart=apart)


HEAD = "HTTP/1.1 200 OK\r\n"
CHUNKED = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n"
BODY = json.dumps(SESSION)
WHOLE = len(reply().raw)

LOST = {
    "reset before reading": RESET_UNREAD,
    "reset after reading": RESET,
    "closed before reading": CLOSED_UNREAD,
    "closed after reading": raw(""),
    "closed in the status line": raw("HTTP/1.1 2"),
    "closed in the head": raw(f"{HEAD}Content-"),
    "closed in the body": cut("close"),
    "reset in the head": raw(f"{HEAD}Content-", "reset"),
    "reset in the body": cut("reset"),
    "content-length too long": replace(reply(content_length="999"), then="close"),
    "content-length not a number": reply(content_length="ten"),
    "content-length negative": reply(content_length="-1"),
    "two content-lengths": raw(f"{HEAD}Content-Length: 27\r\nContent-Length: 28\r\n\r\n{BODY}"),
    "chunks that are none": raw(f"{CHUNKED}zz\r\n{BODY}"),
    "chunks without their size": raw(f"{CHUNKED}{BODY}\r\n0\r\n\r\n"),
    "a chunk longer than it says": raw(f"{CHUNKED}5\r\n{BODY}\r\n0\r\n\r\n"),
    "a chunk of unheard-of size": raw(f"{CHUNKED}{'f' * 30}\r\n{BODY}"),
    "no last chunk": raw(f"{CHUNKED}{len(BODY):x}\r\n{BODY}\r\n"),
    "SSH": raw("SSH-2.0-OpenSSH_9.6\r\n"),
    "TLS": raw(b"\x15\x03\x01\x00\x02\x02\x28"),
    "JSON without HTTP": raw(f"{BODY}\r\n\r\n"),
    "a status that is no number": raw("HTTP/1.1 two hundred\r\n\r\n"),
    "a header that is none": raw(f"{HEAD}no colon\r\n\r\n{BODY}"),
    "a header without an end": raw(f"{HEAD}X: {'a' * MIB}"),
    "another protocol, unasked": raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
}
SILENCE = {
    "no answer": SILENT,
    "nothing is read": DEAF,
    "half a head": raw(f"{HEAD}Content-", "hang"),
    "half a body": cut("hang"),
    "no body": raw(f"{HEAD}Content-Length: 27\r\n\r\n", "hang"),
    "a slow head": trickle(reply()),
    "a slow body": trickle(reply(), WHOLE - len(BODY)),
    "chunks without end": Reply(raw=CHUNKED.encode(), slowly=(b"1\r\n \r\n",) * 99),
    "early hints without end": Reply(slowly=(b"HTTP/1.1 103 Early Hints\r\n\r\n",) * 99),
}
GARBLED = {
    "empty": ok(""),
    "white space": ok(" \r\n"),
    "HTML": ok(HTML, content_type="text/html"),
    "HTML that says JSON": ok(HTML),
    "content-length too short": reply(content_length="7", connection="close"),
    "two documents": ok(BODY + BODY),
    "half a document": ok(BODY[:-1]),
    "not UTF-8": ok(b'{"id": "\xff", "results": []}'),
    "half a surrogate as bytes": ok(b'{"id": "\xed\xa0\xbd", "results": []}'),
    "UTF-16": ok(BODY.encode("utf-16")),
    "NaN": ok('{"id": "s-1", "results": [], "cost": NaN}'),
    "Infinity": ok('{"id": "s-1", "results": [], "cost": -Infinity}'),
    "a number of 5000 digits": ok(f'{{"id": "s-1", "results": [], "cost": {"9" * 5_000}}}'),
    "the key and no session": ok(f"{KEY} is your key"),
    "brotli, unasked": ok(b"\x0b\x02\x80{}\x03", content_encoding="br"),
    "half a gzip": ok(gzip.compress(BODY.encode() * 99)[:30], content_encoding="gzip"),
}
WITHOUT_A_FIELD = {
    "a list": reply(200, [SESSION]),
    "null": reply(200, None),
    "a string": reply(200, "s-1"),
    "a number": reply(200, 1),
    "an error with status 200": reply(200, {"message": f"Invalid key {KEY}", "statusCode": 401}),
    "an id that is no string": reply(200, {"id": 1, "results": {}}),
    "an id that is null": reply(200, {"id": None, "results": None}),
}
TOO_DEEP = {
    "101 deep": ok(f'{{"id": "s-1", "results": {"[" * 100}{"]" * 100}}}'),
    "100 000 deep": ok(f'{{"id":{"[" * 100_000}{"]" * 100_000}}}'),
    "100 000 deep and open": ok('{"id":' * 100_000),
}
NOT_GZIP = {
    "not gzip": reply(content_encoding="gzip"),
    "not gzip in gzip": ok(gzip.compress(BODY.encode()), content_encoding="gzip, gzip"),
    "six times gzip": ok(BODY, content_encoding=", ".join(["gzip"] * 6)),
}
TOO_LONG = {
    "33 MiB": ok(BODY.encode().ljust(33 * MIB)),
    "33 MiB in chunks": raw(CHUNKED.encode() + f"{33 * MIB:x}\r\n".encode() + b" " * 33 * MIB),
    "a gzip bomb": ok(gzip.compress(BODY.encode().ljust(33 * MIB), 9), content_encoding="gzip"),
    "a gzip bomb of 1 GiB": ok(bomb(1024), content_encoding="gzip"),
    "a bomb in gzip": ok(gzip.compress(bomb(1024), 9), content_encoding="gzip, gzip"),
    "a deflate bomb": ok(zlib.compress(b" " * 33 * MIB, 9), content_encoding="deflate"),
}
FAILED = {
    "500": failed(
        reply(500, {"message": "database on fire", "statusCode": 500}),
        "500 Internal Server Error: database on fire",
    ),
    "500 with the key": failed(
        reply(500, {"message": [f"bad key {KEY}", KEY]}),
        "500 Internal Server Error: bad key ***; ***",
    ),
    "502 in HTML": failed(reply(502, HTML, content_type="text/html"), "502 Bad Gateway"),
    "503 empty": failed(reply(503, b""), "503 Service Unavailable"),
    "503 with a wait of a second": failed(
        reply(503, b"", retry_after="1"), "503 Service Unavailable", wait="in 1 s", apart=1
    ),
    "503 with a long wait": replace(
        failed(reply(503, b"", retry_after="120"), "503 Service Unavailable", wait="in 120 s"),
        requests=ONCE,
    ),
    "504 in plain text": failed(
        reply(504, b"upstream timed out", content_type="text/plain"), "504 Gateway Timeout"
    ),
}
LONG_AGO = "Wed, 21 Oct 2015 07:28:00 GMT"
LIMITED = {
    "no wait": limited(),
    "a wait of nothing": limited(retry_after="0"),
    "a wait of a second": limited("in 1 s", retry_after="1", apart=1),
    "a wait of half a second": limited("in 1 s", retry_after="0.5", apart=0.5),
    "a wait past the deadline": limited("in 7 s", ONCE, retry_after="7"),
    "a long wait": limited("in 11 s", ONCE, retry_after="11"),
    "a day": limited("in 86400 s", ONCE, retry_after="86400"),
    "a date that is past": limited(retry_after=LONG_AGO),
    "a date by Vapi's own clock": limited(
        "in 90 s", ONCE, date=LONG_AGO, retry_after="Wed, 21 Oct 2015 07:29:30 GMT"
    ),
    "a date in another century": limited(retry_after="Thu, 21 Oct 2166 07:28:00 GMT"),
    "more than a day": limited(retry_after="86401"),
    "a negative wait": limited(retry_after="-5"),
    "NaN for a wait": limited(retry_after="NaN"),
    "infinity for a wait": limited(retry_after="inf"),
    "an absurd wait": limited(retry_after="9" * 400),
    "a wait in words": limited(retry_after="soon"),
    "an empty wait": limited(retry_after=""),
    "two waits": limited(retry_after="5, 10"),
    "nothing in words": replace(
        limited(),
        answer=reply(429, b""),
        told=f"too many requests (429 Too Many Requests). {READ.format(wait='in a minute')}",
    ),
    "a date that is none": limited(retry_after="Wed, 99 Oct 2015 99:99:99 GMT"),
}
FAULTS: dict[str, Fault] = {
    "refused": Fault(
        answer=None,
        requests=THRICE,
        told="no connection to HOST (All connection attempts failed). Nothing was sent; check the"
        " network and the base URL (VAPI_BASE_URL), then call again.",
    ),
    **{name: lost(answer) for name, answer in LOST.items()},
    **{name: silent(answer) for name, answer in SILENCE.items()},
    **{name: garbled(answer) for name, answer in GARBLED.items()},
    **{
        name: garbled(answer, "a promised field is missing")
        for name, answer in WITHOUT_A_FIELD.items()
    },
    **{name: too_large(answer, "nested too deeply") for name, answer in TOO_DEEP.items()},
    "ten million values": too_large(
        ok(f'{{"id": "s-1", "results": [], "n": [{"[]," * 10**7}1]}}'),
        "more values than can be read",
        10,
    ),
    **{name: garbled(answer, "it cannot be decompressed") for name, answer in NOT_GZIP.items()},
    **{name: too_large(answer, "more than 32 MiB", 30) for name, answer in TOO_LONG.items()},
    **FAILED,
    **{f"429, {name}": fault for name, fault in LIMITED.items()},
}

# What is told of a status that is final, and of any other 4xx.
MENDS = {
    401: "Vapi does not accept the API key ({said}). Set VAPI_API_KEY to a private key from"
    " https://dashboard.vapi.ai/org/api-keys.",
    403: "Vapi refused it ({said}). The key may lack access, or a firewall is in between.",
    404: "Vapi refused it ({said}). Check the base URL (VAPI_BASE_URL).",
    # Too slow for whatever is in between, which may have passed it on before.
    408: "Vapi refused it ({said}). AFTER",
    425: "Vapi refused it ({said}). AFTER",
}
REFUSAL = "Vapi refused it ({said}). Change what it names and call again."
REDIRECT = (
    "HOST answered {status}, a redirect, which is never followed with the API key. Check the base"
    " URL (VAPI_BASE_URL)."
)
UNHEARD_OF = {299, 399, 419, 430, 450, 499, 509, *range(520, 528), 530, 598, 599, 600, 999}
STATUSES = [s for s in sorted({*map(int, HTTPStatus), *UNHEARD_OF}) if s >= 200]
PASSING = (429, 500, 502, 503, 504)
REDIRECTS = [status for status in STATUSES if 300 <= status < 400]


def final(answer: Reply, status: int, words: str = "") -> Fault:
    """A status that is told in one sentence and never asked for again."""
    known = {int(each): each.phrase for each in HTTPStatus}
    said = f"{status} {known.get(status, 'unknown status')}{words and f': {words}'}"
    told = MENDS.get(status, REFUSAL).format(said=said)
    if status >= 500:
        told = f"Vapi failed ({said}). AFTER"
    if status < 400:
        told = REDIRECT.format(status=status)
    return Fault(answer=answer, requests=ONCE, told=told)


def refused(status: int, message: object, words: str) -> Fault:
    """A refusal in JSON."""
    return final(reply(status, {"message": message, "statusCode": status}), status, words)


# Each under a name that can be an id, so that one server can meet them all.
FINAL: dict[str, Fault] = {
    **{
        f"json-{status}": refused(status, f"about {KEY}", "about ***")
        for status in STATUSES
        if status >= 400 and status not in PASSING
    },
    **{
        f"html-{status}": final(reply(status, HTML, content_type="text/html"), status)
        for status in STATUSES
        if status >= 400 and status not in PASSING
    },
    **{f"redirect-{status}": final(reply(status, b""), status) for status in REDIRECTS},
    "302-to-nowhere": final(reply(302, b"", location="http://["), 302),
    "302-unsaid": final(reply(302, HTML, content_type="text/html"), 302),
    "no-content": garbled(reply(204, b"")),
    "400-list": refused(400, ["name is long", 1, "status is odd"], "name is long; status is odd"),
    "400-null": refused(400, None, ""),
    "422-object": refused(422, {"deep": [1]}, ""),
    "400-half": refused(400, "half \ud83d", "half �"),
    "400-long": refused(400, "ab" * 5_000, f"{'ab' * 300}…"),
    "400-no-object": final(reply(400, ["no"]), 400),
    "400-deep": final(reply(400, b'{"message":' * 100_000), 400),
    "400-nan": final(reply(400, b'{"message": NaN}'), 400),
    "400-not-utf8": final(reply(400, b'{"message": "\xff"}'), 400),
    "400-gzip": final(
        reply(400, gzip.compress(b'{"message": "packed"}'), content_encoding="gzip"), 400, "packed"
    ),
    "400-in-phrase": final(
        Reply(raw=f"HTTP/1.1 400 {KEY}\r\nX-Key: {KEY}\r\nContent-Length: 0\r\n\r\n".encode()), 400
    ),
    "400-escaped-key": final(
        reply(400, b'{"message": "about \\u006bey\\u002d0123456789abcdef"}'), 400, "about ***"
    ),
}


def chunked(body: str, size: int, trailer: str = "") -> Reply:
    """A good answer in chunks."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = "".join(f"{len(part):X};ext=1\r\n{part}\r\n" for part in parts)
    return raw(f"{CHUNKED}{chunks}0\r\n{trailer}\r\n", "keep")


def after(session: dict[str, Any], *interim: str) -> Reply:
    """A good answer after informational ones."""
    heads = "".join(f"HTTP/1.1 {line}\r\nLink: </a>\r\n\r\n" for line in interim)
    return Reply(raw=heads.encode() + reply(said=session).raw)


def odd(id: str) -> dict[str, tuple[Reply, dict[str, Any]]]:
    """InvalidAnswer, but answers about a session: what Vapi sends, and what each tool passes on."""
    session = {**SESSION, "id": id}
    body = json.dumps(session)
    packed = gzip.compress(body.encode())
    return {
        **{
            f"status-{status}": (reply(status, session), session)
            for status in STATUSES
            if status < 300 and status != 204
        },
        "continue-first": (after(session, "100 Continue"), session),
        "hints-first": (after(session, "103 Early Hints"), session),
        "many-hints-first": (
            after(session, *["102 Processing", "103 Early Hints", "199 Odd"] * 9),
            session,
        ),
        "chunks-of-a-byte": (chunked(body, 1), session),
        "a-trailer": (chunked(body, 9, "X-Sum: 1\r\n"), session),
        "until-the-end": (raw(f"HTTP/1.1 200 OK\r\n\r\n{body}"), session),
        "http-1-0": (raw(reply(said=session).raw.replace(b"HTTP/1.1", b"HTTP/1.0")), session),
        "no-phrase": (raw(reply(said=session).raw.replace(b" Odd", b""), "keep"), session),
        "no-cr": (raw(reply(said=session).raw.replace(b"\r\n", b"\n"), "keep"), session),
        "latin-1": (
            raw(reply(said=session).raw.replace(b"Odd", b"\xe9\r\nX: \xff"), "keep"),
            session,
        ),
        "gzip": (ok(packed, content_encoding="gzip"), session),
        "gzip-in-gzip": (ok(gzip.compress(packed), content_encoding="gzip, gzip"), session),
        "deflate": (ok(zlib.compress(body.encode()), content_encoding="deflate"), session),
        "identity": (reply(said=session, content_encoding="identity"), session),
        "unheard-of-encoding": (reply(said=session, content_encoding="x-none"), session),
        "says-html": (reply(said=session, content_type="text/html; charset=utf-7"), session),
        "a-strange-cookie": (
            reply(said=session, set_cookie="a=b; expires=Wed, 99 Foo 9999999; version=x"),
            session,
        ),
        "byte-order-mark": (ok(b"\xef\xbb\xbf" + body.encode()), session),
        "99-deep": (
            ok(f'{body[:-1]}, "deep": {"[" * 98}{"]" * 98}}}'),
            {**session, "deep": json.loads("[" * 98 + "]" * 98)},
        ),
        "half-surrogates": (
            ok(body[:-1] + r', "half \udc00": ["\ud83d", "\uDE00\uD83D", "\ud83d\ude00"]}'),
            {**session, "half �": ["�", "��", "😀"]},
        ),
        "numbers": (
            ok(body[:-1] + ', "n": [1e999, -1e999, 1e-7, 12345678901234567890, 1.0]}'),
            {**session, "n": ["1e999", "-1e999", 1e-07, 12345678901234567890, 1.0]},
        ),
        "controls": (
            ok(body[:-1] + r', "text":"\u0000\u001b[2J\n\u2028"}'),
            {**session, "text": "\0\x1b[2J\n\u2028"},
        ),
        "the-key": (
            reply(200, {**session, "note": f"Bearer {KEY}", "server": {"secret": KEY}}),
            {**session, "note": "Bearer ***", "server": {"secret": "***"}},
        ),
        "the-key-as-a-name": (reply(200, {**session, KEY: 1}), {**session, "***": 1}),
        "the-escaped-key": (
            ok(body[:-1] + r', "note": "\u006bey\u002d0123456789abcdef"}'),
            {**session, "note": "***"},
        ),
    }


# Each is about the session of its own name.
ODD = {name: odd(name)[name] for name in odd("")}
