from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.messenger.links import host_of, opened, pieces, safe

CHAIR = "https://shop.example/chair"


@pytest.mark.parametrize("address", [CHAIR, "http://shop.example", "HTTPS://shop.example/", f" {CHAIR} "])
def test_addresses_of_the_web_may_be_opened(address):
    assert safe(address) == address.strip()


@pytest.mark.parametrize(
    "address",
    [
        "",
        None,
        7,
        {"url": CHAIR},
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://shop.example",
        "//shop.example/chair",
        "shop.example/chair",
        "https://",
        "https:///chair",
        "http://[::1",
        "https://shop.example:port/",
        "https://bank.example@evil.example/",
        "https://bank.example\\@evil.example/",
        "https:\\\\evil.example",
        "https://shop.example/a b",
        "https://shop.example/\u202egnp.exe",
        "https://shop.example/\x00",
    ],
)
def test_nothing_else_may_be_opened(address):
    assert safe(address) == ""
    assert opened(address) == ""


@pytest.mark.parametrize(
    "wrapped",
    [
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fshop.example%2Fchair",
        "https://lm.facebook.com/l.php?u=https%3A%2F%2Fshop.example%2Fchair&h=AT0x&s=1",
        "https://www.facebook.com/l.php?u=https%3A%2F%2Fshop.example%2Fchair",
        "http://m.facebook.com/l.php?h=1&u=https%3A%2F%2Fshop.example%2Fchair",
        "https://l.messenger.com/l.php?u=https%3A%2F%2Fshop.example%2Fchair",
        "https://l.instagram.com/?u=https%3A%2F%2Fshop.example%2Fchair&e=AT",
        "https://l.facebook.com/l.php?u=https%3A%2F%2Flm.facebook.com%2Fl.php%3Fu%3Dhttps%253A%252F%252Fshop.example%252Fchair",
    ],
)
def test_what_facebook_wraps_is_the_address_behind_it(wrapped):
    assert opened(wrapped) == CHAIR


@pytest.mark.parametrize(
    "address",
    [
        "https://l.facebook.com/l.php?u=javascript%3Aalert(1)",
        "https://l.facebook.com/l.php",
        "https://l.facebook.com.evil.example/l.php?u=https%3A%2F%2Fshop.example",
        "https://evil.example/l.php?u=https%3A%2F%2Fshop.example",
        "https://www.facebook.com/shop?u=https%3A%2F%2Fshop.example",
    ],
)
def test_an_address_that_leads_nowhere_else_stays_itself(address):
    assert opened(address) == address


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
    ],
)
def test_an_address_in_a_text_is_a_link_without_what_stands_around_it(text, address):
    assert [piece.url for piece in pieces(text) if piece.url] == [address]


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "mail me@www.shop.example",
        "www.",
        "https://",
        "http//x",
        "https://a@b.example",
        "",
    ],
)
def test_a_text_without_an_address_stays_one_piece(text):
    assert pieces(text) == [(text, "", False)]


def test_a_wrapped_address_in_a_text_leads_to_what_is_behind_it():
    wrapped = "https://l.facebook.com/l.php?u=https%3A%2F%2Fshop.example%2Fchair"

    assert pieces(wrapped) == [(wrapped, CHAIR, False)]


@given(
    st.lists(st.sampled_from([CHAIR, "www.a.b", "(", ")", ".", " ", "ش", "،", "@", "<", "\n", "x"])).map(
        "".join
    )
)
def test_the_pieces_are_the_whole_text(text):
    found = pieces(text)

    assert "".join(piece.text for piece in found) == text
    assert all(safe(piece.url) for piece in found if piece.url)


def test_an_address_that_is_mostly_punctuation_is_cut_in_time():
    assert pieces("https://x" + ")" * 1_000_000)[0].url == "https://x"


@pytest.mark.parametrize("number", ["+966501234567", "+49 (0)30 123-456", "+1.212.555.0100"])
def test_a_telephone_number_with_its_country_is_a_piece_of_its_own(number):
    found = pieces(f"وهاتفي {number}، شكرًا https://shop.example/{number}")

    assert [piece.text for piece in found if piece.is_number] == [number]


@pytest.mark.parametrize("text", ["1 + 2", "+12", "10234", "C++ 11", "+", "+٩٦٦٥٠١٢٣٤٥٦٧"])
def test_other_numbers_stay_in_their_text(text):
    assert pieces(text) == [(text, "", False)]


def test_a_host_is_named_as_people_know_it():
    assert host_of("https://www.shop.example:8443/chair") == "shop.example"
    assert host_of("nothing") == ""
