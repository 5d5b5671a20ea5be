"""Tests that links are made of all that can be opened in a text, and of nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.inbox.rendering import Pages
from handover_channel.messenger.linked_text import pieces
from handover_channel.messenger.links import safe

CHAIR = "https://shop.example/chair"
PHONE, SARA = "+966 50 123 4567", "sara.haddad+shop@mail.shop.example"

#: What people write, and what people write who mean no good.
FRAGMENTS = [
    CHAIR, "http://", "https://", "www.a.b", "//", "javascript:alert(1)", "data:text/html,", "mailto:",
    "tel:", SARA, "@", "a@b", "a@b.co", PHONE, "+1 (212) 555-0100", "+", "00966", "٠٥٠١٢٣٤", "+٩٦٦٥٠١٢٣٤٥٦٧",
    "<script>", "<b", ">", '"', "'", "`", "&", "&amp;", "&#106;", "%", "%0a", "?", "#", "\\", "{{", "}}",
    "(", ")", "[", "]", ".", ",", ";", ":", " ", "\n", "\t", "\x00", "\u202e", "\u2066", "\u200f", "\ud800",
    "ش", "كرسي", "،", "؟", "x", "1", "-",
]  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=3)), max_size=12).map("".join)
#: Every address that an agent may be given, and nothing that would be read as more than that.
GIVEN = re.compile(
    r"(?:https?://|mailto:[^?&]+@|tel:\+[0-9;=ext-]+\Z)[^\s\"<>`\x00-\x1f\x7f]*", re.IGNORECASE
)


def urls(text):
    return [piece.url for piece in pieces(text) if piece.url]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (f"look: {CHAIR}", CHAIR),
        (f"{CHAIR}.", CHAIR),
        (f"({CHAIR})", CHAIR),
        (f"[the chair]({CHAIR}).", CHAIR),
        (f"<{CHAIR}>", CHAIR),
        (f'"{CHAIR}",', CHAIR),
        (f"is it {CHAIR}?!", CHAIR),
        (f"«{CHAIR}»", CHAIR),
        (f"\u2066{CHAIR}\u2069", CHAIR),
        (
            "https://en.wikipedia.org/wiki/Chair_(furniture)",
            "https://en.wikipedia.org/wiki/Chair_(furniture)",
        ),
        (
            "(https://en.wikipedia.org/wiki/Chair_(furniture))",
            "https://en.wikipedia.org/wiki/Chair_(furniture)",
        ),
        (f"{CHAIR}?a=1&b=[2]#c, please", f"{CHAIR}?a=1&b=[2]#c"),
        (f"أريد هذا {CHAIR}، شكرا", CHAIR),
        (f"أريد هذا{CHAIR}شكرا", CHAIR),
        (f"هل هو {CHAIR}؟", CHAIR),
        (f"{CHAIR}.شكرا", CHAIR),
        ("https://ar.wikipedia.org/wiki/كرسي", "https://ar.wikipedia.org/wiki/كرسي"),
        ("see www.shop.example, please", "https://www.shop.example"),
        (f"https://shop.example/{PHONE.replace(' ', '')}", "https://shop.example/+966501234567"),
        (f"https://shop.example/?mail={SARA}", f"https://shop.example/?mail={SARA}"),
    ],
)
def test_an_address_in_a_text_is_a_link_without_what_stands_around_it(text, address):
    assert urls(text) == [address]


@pytest.mark.parametrize(
    ("text", "mail"),
    [
        (f"write to {SARA}, please", SARA),
        (f"<{SARA}>", SARA),
        (f"mailto:{SARA}?cc=x@evil.example", SARA),
        (f"راسلوني على {SARA}، شكرًا", SARA),
        (f"بريدي{SARA}.", SARA),
        ("mail me@www.shop.example", "me@www.shop.example"),
        ("100%@shop.example!", "100%25@shop.example"),
        ("o'neil@shop.example", "neil@shop.example"),
    ],
)
def test_an_e_mail_address_is_a_link(text, mail):
    assert urls(text)[0] == f"mailto:{mail}"


@pytest.mark.parametrize(
    ("number", "called"),
    [
        ("+966501234567", "tel:+966-50-123-4567"),
        (PHONE, "tel:+966-50-123-4567"),
        ("+٩٦٦٥٠١٢٣٤٥٦٧", "tel:+966-50-123-4567"),
        ("+49 (0)30 123-456", "tel:+49-30-123456"),
        ("+1.212.555.0100", "tel:+1-212-555-0100"),
        ("\uff0b1 212 555 0100", "tel:+1-212-555-0100"),
    ],
)
def test_a_telephone_number_with_its_country_is_a_link(number, called):
    found = pieces(f"وهاتفي {number}، شكرًا {CHAIR}")

    assert [(piece.text, piece.url) for piece in found if piece.url] == [(number, called), (CHAIR, CHAIR)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(document.cookie)",
        "data:text/html,<script>alert(1)</script>",
        "www.",
        "https://",
        "http//x",
        "https://a@b.example",
        "https://bank.example:pass@evil.example/",
        "a@b",
        "@sara",
        "sara@",
        "sara@-shop.example",
        "me@1.2.3.4",
        "a@@b.example",
        "x" * 65 + "@shop.example",
        "1 + 2",
        "+12",
        "10234",
        "0501234567",
        "C++ 11",
        "+",
    ],
)
def test_what_is_neither_stays_one_piece_of_words(text):
    assert pieces(text) == [(text, "")]


def test_a_wrapped_address_in_a_text_leads_to_what_is_behind_it():
    wrapped = "https://l.facebook.com/l.php?u=https%3A%2F%2Fshop.example%2Fchair"

    assert pieces(wrapped) == [(wrapped, CHAIR)]


@given(TEXTS)
def test_the_pieces_are_the_whole_text_and_their_addresses_are_safe(text):
    found = pieces(text)

    assert "".join(piece.text for piece in found) == text
    for url in filter(None, (piece.url for piece in found)):
        assert GIVEN.fullmatch(url), url
        assert safe(url) or not url.lower().startswith("http")


class _Drawn(HTMLParser):
    """What a browser makes of it: every tag with its attributes, and all the text."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.text = [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_comment(self, data):
        self.tags.append(("comment", {}))

    def handle_data(self, data):
        self.text += data


_WRITTEN = (
    Pages()
    ._environments["ar"]
    .from_string('{% from "_parts.html" import written with context %}{{ written(text, wanted) }}')
)


@given(TEXTS, st.sampled_from([(), ("shop",), ("sara", "966")]))
def test_nothing_that_somebody_writes_is_markup_but_the_links_that_we_make_of_it(text, wanted):
    drawn = _Drawn(_WRITTEN.render(text=text, wanted=wanted))

    assert drawn.text == text
    made = {"bdi": {"dir": "ltr"}, "mark": {}}
    links = [attributes for tag, attributes in drawn.tags if tag == "a"]
    assert [each for each in drawn.tags if each[0] != "a"] == [
        (tag, made[tag]) for tag, _ in drawn.tags if tag != "a"
    ]
    for link in links:
        assert GIVEN.fullmatch(link.pop("href"))
        assert link == {"target": "_blank", "rel": "noopener noreferrer nofollow"}
    assert sum(tag == "bdi" for tag, _ in drawn.tags) == len(links)


@pytest.mark.parametrize(
    "unit",
    ["https://x)", "a@", "a.", "@", "+1 ", "+", "(1)", "www.", "x", "1-", "a@b.c", "mailto:", "http://a.b/("],
)
def test_a_long_text_of_one_thing_is_cut_and_put_together_again(unit):
    text = unit * (20_000 // len(unit))

    assert "".join(piece.text for piece in pieces(text)) == text
