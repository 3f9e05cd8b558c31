"""What an agent must not get of a text: judged one character at a time, in the plainest way."""

from typing import Any, cast

# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt) without the joiners, the
# marks of direction, the Mongolian selectors and U+034F, and with the annotation characters.
HIDDEN = {
    *(0xAD, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x200B, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFFF0, 0xFFFC),
    *range(0x1BCA0, 0x1BCA4),
    *range(0x1D173, 0x1D17B),
    *range(0xE0000, 0xE0100),
    *range(0xE01F0, 0xE1000),
}


def hidden(text: str) -> list[str]:
    """The characters of `text` that are never to be seen, wherever they are."""
    return [character for character in text if ord(character) in HIDDEN]


def seen(value: Any) -> Any:
    """A JSON value without them, for texts without flags and variation selectors."""
    if isinstance(value, str):
        return "".join(character for character in value if ord(character) not in HIDDEN)
    if isinstance(value, dict):
        given = cast("dict[str, Any]", value)
        return {seen(name): seen(item) for name, item in given.items()}
    if isinstance(value, list):
        return [seen(item) for item in cast("list[Any]", value)]
    return value
