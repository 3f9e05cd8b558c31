"""What the name of a field says of its value: a secret, a phone number, or nothing."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

# No field has a longer name; customers' words that became a key have.
LONGEST = 256
# Of names that are kept, which all callers share; it says what a name means, and nothing else.
KEPT = 40

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# password2, apiKeyOld and tokenValue hold what password, apiKey and token do.
_TAIL = re.compile(r"(_(\d+|value|string|raw|plain|old|new|encrypted))+$")
# Words that only begin like a secret.
_HARMLESS = re.compile(r"secretar(y|ies|ial|iat)|secret(ion|ive|ly)|passwordless")
# In names without separators, as they are in Vapi's OpenAPI (twilioAuthToken, hmacSecret,
# ocpApimSubscriptionKey…), in HTTP headers (X-Api-Key) and in signed requests.
_SECRET = re.compile(
    r"""
    secret | passw(or)?d | passphrase | passcode
    | (token | pwds? | jwts?) $
    | ( api | access | auth | private | secret | subscription | openai | gcp | signing
      | encryption | master | admin | hmac | ssh | consumer | account | server | servicerole
      | shared | functions? | webhook | jwt | deploy | license ) keys? (ids?)? $
    | (amz|goog) (signature|credential) $
    | webhook ur[li]s? $
    | ^ (x|http|proxy|forwarded|original)* authorization (header)? $
    | ^ (set|session|auth|request|response)? cookies? (header|jar)? $
    | ^ ( aws | gcp | google | azure | s3 | sip | trunk | serviceaccount | db | database | smtp
        | login | api | client | user | basic | auth | admin )? (credentials? | creds) $
    """,
    re.VERBOSE,
)
# These are too short to be looked for inside of a word.
_SECRET_WORDS = {"bearer", "otp", "totp", "pin", "cvv", "cvc", "pass"}
_SIGNED_URL = re.compile(r"(^|_|pre)signed.*ur[li]s?$")
_SECRET_TOKENS = re.compile(
    r"(access|refresh|auth|api|bearer|csrf|session|device|push|id|login|reset|secret|client)tokens$"
)
# Tokens with such a word beside them may be those that a model reads and writes: their number.
_COUNTED = {
    *("max", "min", "total", "prompt", "completion", "reasoning", "budget", "cached"),
    *("input", "output", "per", "tokens"),
}
_PHONE = re.compile(
    r"""
    ^ number $
    | (^ | _ | twilio | customer | caller | contact | tele | mobile | cell | home | work)
      phones? (_?(number|num|no|nr)s?)? (_e)? $
    | (^ | _) (mobile | tel | msisdn | fax | whatsapp) (_?(number|num|no|nr)s?)? (_e)? $
    | (^ | _) ( caller | called | calling | customer | callback | contact | from | to | dial(ed)?
      | destination | transfer | forward(ing)? | home | work | office | cell | recipient | sender
      | sms | twilio ) _?numbers? $
    | (^ | _) (caller_?id | ani | dnis) $
    """,
    re.VERBOSE,
)
# Whole numbers as long as a phone number under names with such a word are something else.
_NO_PHONE = {
    *("id", "ids", "order", "orders", "invoice", "ticket", "case", "reference", "ref", "serial"),
    *("sku", "version", "revision", "sequence", "seq", "index", "seed", "hash", "count", "total"),
    *("size", "bytes", "length", "offset", "limit", "max", "min", "amount", "price", "cost"),
    *("cents", "balance", "budget", "time", "times", "timestamp", "ts", "at", "date", "epoch"),
    *("ms", "millis", "seconds", "duration", "expires", "expiry", "exp", "iat", "nbf", "tokens"),
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is under a name: with `counted`, a secret only if it is not a number."""

    secret: bool = False
    counted: bool = False
    phone: bool = False

    def hides(self, value: Any) -> bool:
        """Whether `value` is a secret; one that is not set, and a switch, are none."""
        if not self.secret or isinstance(value, bool) or value in (None, "", [], {}):
            return False
        return not (self.counted and _is_count(value))


NOTHING = Meaning()


def meaning(name: str) -> Meaning:
    """What the field `name` holds, however its words are put together."""
    # Fields come again with every session. One word of a customer's may be kept among them.
    return _of_field(name) if name.isidentifier() and len(name) <= KEPT else _judged(name)


def _judged(name: str) -> Meaning:
    words = _words(name)
    if not words:
        return NOTHING
    snake = _TAIL.sub("", "_".join(words))
    plain = _HARMLESS.sub("", snake).replace("_", "")
    last = snake.rpartition("_")[2]
    secret = bool(
        _SECRET.search(plain)
        or last in _SECRET_WORDS
        or _SIGNED_URL.search(snake)
        or _SECRET_TOKENS.search(plain)
    )
    phone = bool(_PHONE.search(snake))
    if not (secret or phone):
        return NOTHING
    tokens = last in ("token", "tokens") and not _COUNTED.isdisjoint(words)
    return Meaning(secret, secret and (tokens or last == "pass"), phone)


_of_field = lru_cache(1024)(_judged)


def signs(name: str, value: str) -> bool:
    """Whether a parameter `name=value` in a URL makes the URL a key."""
    words = _words(name)
    signature = words[-1:] in (["signature"], ["sig"], ["hmac"], ["sas"])
    return signature or words in (["key"], ["auth"]) or meaning(name).hides(value)


def may_be_phone(name: str) -> bool:
    """Whether a long whole number under this name could be a phone number."""
    return _NO_PHONE.isdisjoint(_words(name))


def _words(name: str) -> list[str]:
    if len(name) > LONGEST:
        return []
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
    return [word.lower() for word in _WORDS.findall(name)]


def _is_count(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_number(item) for item in cast("list[Any]", value))
    return _is_number(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"[\d.,\s]+", value) is not None
    return isinstance(value, int | float)
