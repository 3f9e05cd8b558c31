"""Pages that quote what the server says, and which of it is really said."""

import re
from pathlib import Path


def quotes(page: Path) -> list[str]:
    """What the page quotes: each text in bold and in code at the beginning of a line."""
    text = page.read_text(encoding="utf-8")
    return [" ".join(quote.split()) for quote in re.findall(r"^\*\*`(.+?)`\*\*", text, re.M | re.S)]


def is_said(quote: str, varying: re.Pattern[str], said: list[str]) -> bool:
    """Whether the quote is part of something that is said; `varying` are words for any other."""
    parts = varying.split(quote)
    # Each second part is the name of what varies.
    pattern = "".join(".+?" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return any(re.search(pattern, each) for each in said)
