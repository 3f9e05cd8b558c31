"""An HTML page, as a test reads it."""

from html.parser import HTMLParser


class HtmlPage(HTMLParser):
    """What a page loads and shows: its tags, its text by section, its examples."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.sections: dict[str, str] = {}
        self.examples: list[str] = []
        self._section = ""
        self._is_example = False
        self.feed(text)
        self.close()

    @property
    def text(self) -> str:
        """All that the page shows."""
        return "".join(self.sections.values())

    def values(self, *names: str) -> list[str]:
        """The values of all attributes of these names."""
        return [value for name, value in self.attributes if name in names]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "section":
            self._section = dict(attrs)["id"] or ""
        if tag == "pre":
            self._is_example = True
            self.examples.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self._section = ""
        if tag == "pre":
            self._is_example = False

    def handle_data(self, data: str) -> None:
        self.sections[self._section] = self.sections.get(self._section, "") + data
        if self._is_example:
            self.examples[-1] += data
