"""S65: whatever is typed into a comment, the page gets text and nothing that runs."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from fairloop.server.pages.views.markdown import SCHEMES, TAGS, render

XSS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x](  javascript:alert(1))",
    "[x](file:///etc/passwd)",
    "![x](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    '[x](https://e.example "onmouseover=alert(1)")',
    '[x](https://e.example/" onmouseover="alert(1))',
    "<https://e.example/'onclick='alert(1)>",
    "<javascript:alert(1)>",
    "`<script>alert(1)</script>`",
    "```\n<script>alert(1)</script>\n```",
    "```html onload=alert(1)\nx\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "<iframe src=https://evil.example></iframe>",
    "<object data=x></object><embed src=x>",
    "<style>body{display:none}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<base href=//evil.example>",
    '<form action="https://evil.example"><input name=password></form>',
    '<div hx-get="/projects" hx-trigger="load">x</div>',
    '<b data-copy="x" style="position:fixed">x</b>',
    "<!--<img src=--><img src=x onerror=alert(1)//-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<a href=\"https://x\" onclick='alert(1)'>x</a>",
    "| a | <img src=x onerror=alert(1)> |\n|---|---|\n| x | <script>alert(1)</script> |",
    "[ref]\n\n[ref]: javascript:alert(1)",
    "# <script>alert(1)</script>",
    "@Maya <img src=x onerror=alert(1)>",
    "{{7*7}} {% raw %}",
    "\u202e<script>alert(1)</script>",
]
ATTRIBUTES = {"href", "title", "rel"}


class Seen(HTMLParser):
    """Every tag and attribute a browser would find."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.wrong.append(tag)
        for name, value in attrs:
            if name not in ATTRIBUTES:
                self.wrong.append(f"{tag} {name}")
            if name == "href" and (value or "").split(":")[0].lower() not in SCHEMES:
                self.wrong.append(f"{tag} {name}={value}")

    def handle_comment(self, data: str) -> None:
        self.wrong.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append("declaration")


@pytest.mark.parametrize("text", XSS)
def test_nothing_that_runs_gets_through(text: str) -> None:
    seen = Seen()
    seen.feed(render(text, ["Maya", "<script>", 'a" onclick="x']))
    assert seen.wrong == []


def test_markdown_is_shown() -> None:
    html = render("**bold** and `code`\n\n- one\n- two\n\n[policy](https://example.org)\n\n# head")
    for part in (
        "<strong>bold</strong>",
        "<code>code</code>",
        "<li>one</li>",
        'href="https://example.org"',
        "<h3>head</h3>",
    ):
        assert part in html
    assert 'rel="noopener noreferrer nofollow"' in html


def test_who_is_spoken_to_stands_out_but_not_in_code_or_addresses() -> None:
    names = ["Maya Lindqvist", "Maya", "<b>Eve"]
    assert "<b>@Maya Lindqvist</b> and <b>@maya</b>" in render("@Maya Lindqvist and @maya", names)
    assert "<b>" not in render("`@Maya` or mail@Maya", names)
    assert "<b>@&lt;b&gt;Eve</b>" in render("@<b>Eve says", names)


def test_deep_nesting_is_cut_and_quick() -> None:
    assert len(render(">" * 5000 + "x")) < 20_000
    assert len(render("[" * 4000 + "x")) < 20_000
