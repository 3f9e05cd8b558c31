"""Names of hosts in the one form in which they are compared."""

import ipaddress
import re

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")


def normal_host(text: str) -> str:
    """A name or an address, with a port where it has one, as a Host header has it.

    Lower case, without a dot at the end, IPv6 in brackets and its shortest form. Raises
    ValueError for what no Host header can be: a URL, a wildcard, nothing.
    """
    bracketed = re.fullmatch(r"\[(.*)\](:[0-9]+)?", text)
    if bracketed or text.count(":") > 1:
        address, port = (bracketed[1], bracketed[2] or "") if bracketed else (text, "")
        return f"[{ipaddress.IPv6Address(address).compressed}]{port}"
    name, colon, port = text.lower().partition(":")
    name = name.removesuffix(".")
    if not _NAME.fullmatch(name) or bool(colon) != bool(re.fullmatch(r"[0-9]+", port)):
        raise ValueError(f"{text!r} is not the name of a host")
    return f"{name}{colon}{port}"
