"""A page as its tags, its scripts and its words."""

from html.parser import HTMLParser


class Tags(HTMLParser):
    """Every start tag with its attributes, the content of scripts, and the text outside them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in ("script", "style"):
            if self.tags[-1][0] == "script":
                self.scripts[-1] += data
        else:
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(("/" + tag, {}))

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())
