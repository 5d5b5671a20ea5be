from __future__ import annotations

import io

import pytest
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from handover_channel.errors import Refused
from handover_channel.inbox import media_proxy
from handover_channel.inbox.media_proxy import (
    FETCH_SECONDS,
    FILE_TOO_SLOW,
    GONE,
    LARGEST_DOWNLOAD,
    MOST_REDIRECTS,
    NOT_ALLOWED,
    TOO_LARGE,
    MediaProxy,
    content_type_of,
    is_public_address,
)

GRAPH = "http://127.0.0.1:8090"
PICTURE = "https://scontent.example.com/v/cat.png?sig=1"


class Web(BaseAdapter):
    """Address -> (status, headers, body); notes who asked for what."""

    def __init__(self, pages):
        super().__init__()
        self.pages = pages
        self.asked = []

    def send(self, request, **options):
        self.asked.append(request)
        page = self.pages[request.url]
        if isinstance(page, Exception):
            raise page
        status, headers, body = page
        response = requests.Response()
        response.status_code, response.url, response.request = status, request.url, request
        response.headers = CaseInsensitiveDict(headers)
        response.raw = HTTPResponse(io.BytesIO(body), headers=headers, status=status, preload_content=False)
        return response

    def close(self):
        pass


def fetch(address, *page, pages=None, graph=GRAPH, **more):
    web = Web(pages or {address: page})
    return MediaProxy(graph, adapter=web, **more).fetch(address), web


def refusal(address, *page, **more):
    with pytest.raises(Refused) as refused:
        fetch(address, *page, **more)
    return str(refused.value)


def test_a_picture_is_passed_on_to_be_shown():
    found, _ = fetch(PICTURE, 200, {"Content-Type": "image/PNG; charset=x"}, b"png")

    assert (found.content, found.type) == (b"png", "image/png")
    assert found.headers == {"Content-Disposition": "inline; filename*=UTF-8''cat.png"}


@pytest.mark.parametrize(
    "kind", ["image/png", "image/jpeg", "image/gif", "image/webp", "audio/mpeg", "video/mp4", "audio/x-m4a"]
)
def test_pictures_sounds_and_films_are_shown(kind):
    assert content_type_of(kind) == (kind, True)


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "application/pdf",
        "image/png/../../svg",
        "image/png\r\nX: y",
        "video/mp4, text/html",
        "text/javascript",
        "multipart/x-mixed-replace",
        "audio/xhtml+xml",
        "video/svg+xml",
        "audio/html",
        "video/x-anything",
        "image/svg",
    ],
)
def test_all_else_is_for_download(kind):
    found, _ = fetch("https://example.com/a.svg", 200, {"Content-Type": kind}, b"<svg onload=alert(1)>")

    assert found.type == "application/octet-stream"
    assert found.headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/b.pdf", "b.pdf"),
        ("/", "file"),
        ("/..", "file"),
        ("/a%22%0d%0aSet-Cookie: x", "a%22Set-Cookie%3A%20x"),
        ("/%D9%81.pdf", "%D9%81.pdf"),
        ("/" + "x" * 500, "x" * 100),
    ],
)
def test_a_name_of_a_file_is_a_name_and_nothing_else(path, name):
    address = requests.Request("GET", f"https://example.com{path}").prepare().url
    found, _ = fetch(f"https://example.com{path}", pages={address: (200, {}, b"")})

    assert found.headers["Content-Disposition"].endswith(f"''{name}")


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com/a.png",
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "data:text/html,hi",
        "//example.com/a.png",
        "",
        "https:///a.png",
        "https://127.0.0.1/a.png",
        "https://localhost/a.png",
        "https://10.1.2.3/",
        "https://192.168.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[2002:7f00:1::]/",
        "https://0.0.0.0/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://example.com:8443/a.png",
        "https://example.com:99999/",
        "https://somebody:secret@example.com/",
        "http://127.0.0.1:8091/a.png",
        "http://127.0.0.1:8090@example.com/",
        "http://user@127.0.0.1:8090/",
    ],
)
def test_nothing_but_https_of_the_public_internet_is_fetched(address):
    web = Web({})
    with pytest.raises(Refused) as refused:
        MediaProxy(GRAPH, adapter=web).fetch(address)

    assert str(refused.value) == NOT_ALLOWED
    assert not web.asked


@pytest.mark.parametrize("address", [f"{GRAPH}/simulator/files/1", "http://localhost:8090/simulator/files/1"])
def test_what_serves_our_graph_api_may_be_on_this_machine(address):
    found, _ = fetch(address, 200, {"Content-Type": "image/png"}, b"png")

    assert found.content == b"png"


def test_metas_graph_api_opens_no_http():
    assert refusal("http://graph.facebook.com/1", graph="https://graph.facebook.com") == NOT_ALLOWED


def test_a_redirect_is_followed_to_where_one_may_go():
    target = "https://scontent.example.com/2.png"
    pages = {PICTURE: (302, {"Location": "/2.png"}, b""), target: (200, {"Content-Type": "image/png"}, b"2")}

    assert fetch(PICTURE, pages=pages)[0].content == b"2"


@pytest.mark.parametrize("target", ["http://example.com/", "https://169.254.169.254/", "https://localhost/"])
def test_a_redirect_leads_nowhere_else(target):
    assert refusal(PICTURE, 302, {"Location": target}, b"") == NOT_ALLOWED


def test_redirects_come_to_an_end():
    web = Web({PICTURE: (302, {"Location": PICTURE}, b"")})
    with pytest.raises(Refused):
        MediaProxy(GRAPH, adapter=web).fetch(PICTURE)

    assert len(web.asked) == MOST_REDIRECTS + 1


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"],
)
def test_the_public_internet_is_public(address):
    assert is_public_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::a00:1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "64:ff9b:1::5db8:d822",
        "fec0::1",
        "feff::1",
        "::10.0.0.1",
        "::93.184.216.34",
        "::ffff:0:10.0.0.1",
        "2002:a00:1::",
        "2001:0:a00:1::",
        "100::1",
        "5f00::1",
        "ff0e::1",
        "192.0.0.8",
        "192.0.0.10",
        "192.0.0.170",
        "192.88.99.1",
        "198.18.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "fe80::1%eth0",
    ],
)
def test_what_leads_inside_by_another_name_is_not_public(address):
    assert not is_public_address(address)


@pytest.mark.parametrize("status", [403, 404, 410, 500, 304])
def test_what_is_gone_is_told_in_words(status):
    assert refusal(PICTURE, status, {}, b"") == GONE


@pytest.mark.parametrize("headers", [{}, {"Content-Length": str(LARGEST_DOWNLOAD + 1)}])
def test_what_is_too_large_is_given_up(headers, monkeypatch):
    monkeypatch.setattr(media_proxy, "LARGEST_DOWNLOAD", 1000)

    assert refusal(PICTURE, 200, headers, b"x" * 1001) == TOO_LARGE


def test_what_is_too_slow_is_given_up():
    times = iter([0.0, FETCH_SECONDS + 1])

    assert refusal(PICTURE, 200, {}, b"x", clock=lambda: next(times)) == FILE_TOO_SLOW


@pytest.mark.parametrize(
    "error", [requests.ConnectionError(PICTURE), requests.ReadTimeout(PICTURE), OSError()]
)
def test_an_outage_is_told_without_the_address(error):
    told = refusal(PICTURE, pages={PICTURE: error})

    assert "could not be fetched" in told
    assert "example.com" not in told


def test_nothing_goes_along_with_the_question(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine scontent.example.com login us password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    _, web = fetch(PICTURE, 200, {"Set-Cookie": "a=b", "Content-Type": "image/png"}, b"")

    assert {"Authorization", "Cookie"}.isdisjoint(web.asked[0].headers)
    assert web.asked[0].headers["Accept-Encoding"] == "identity"
