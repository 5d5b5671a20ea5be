from __future__ import annotations

import pytest

from handover_channel.messenger.links import LONGEST_FILE_NAME, file_name_in, host_of, opened, safe

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


def test_a_host_is_named_as_people_know_it():
    assert host_of("https://www.shop.example:8443/chair") == "shop.example"
    assert host_of("nothing") == ""


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://cdn.fbsbx.com/v/t59.2708-21/invoice.pdf?_nc_cat=1&oe=6", "invoice.pdf"),
        ("https://cdn.example/a/%D9%81%D8%A7%D8%AA%D9%88%D8%B1%D8%A9.pdf", "فاتورة.pdf"),
        ("https://cdn.example/My%20order.tar.gz#x", "My order.tar.gz"),
        ("https://cdn.example/", ""),
        ("https://cdn.example/invoice", ""),
        ("https://cdn.example/.hidden", ""),
        ("https://cdn.example/..", ""),
        ("https://cdn.example/photo%E2%80%AEgpj.exe", ""),
        ("https://cdn.example/a%0D%0Ab.pdf", ""),
        ("https://cdn.example/a%00.pdf", ""),
        ("https://cdn.example/%ff.pdf", "\ufffd.pdf"),
        (f"https://cdn.example/{'x' * LONGEST_FILE_NAME}.pdf", ""),
        ("http://[::1", ""),
        ("", ""),
    ],
)
def test_a_file_has_the_name_that_its_address_ends_in(address, name):
    assert file_name_in(address) == name
