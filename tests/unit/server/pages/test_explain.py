"""Short forms are explained at their first use, in text only."""

from __future__ import annotations

import time

from fairloop.server.pages.explain import explained


def test_the_first_use_is_explained_once() -> None:
    html = explained("<p>ROC AUC 0.9, and ROC again</p>")
    assert html.count("<abbr") == 2
    assert html.startswith('<p><abbr title="receiver operating characteristic')
    assert html.endswith("and ROC again</p>")


def test_code_fields_attributes_and_words_stay() -> None:
    for text in ('<code>ROC</code>', "<textarea>AUC</textarea>", '<a title="AUC">x</a>', "<title>AUC</title>", "<pre>AUC</pre>",
                 "<script>var AUC = 1</script>", "<option>AUC</option>", "<p>AUCTION eROC roc CPU_count API.md</p>",
                 '<abbr title="x">AUC</abbr>'):  # fmt: skip
        assert explained(text) == text


def test_text_after_code_is_explained_again() -> None:
    assert "<abbr" in explained("<code>x</code><p>AUC</p>")
    assert "<abbr" in explained('<svg><path d="M0"/></svg><p>AUC</p>')
    assert explained(explained("<p>AUC AUC</p>")).count("<abbr") <= 2


def test_a_large_page_takes_little_time() -> None:
    page = "<tr><td>ROC AUC 0.91</td><td><code>abc</code></td></tr>" * 4000
    start = time.process_time()
    explained(page)
    assert time.process_time() - start < 2.0
