from __future__ import annotations

import hashlib
import hmac
import io
import json
import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPResponse
from urllib3.exceptions import NewConnectionError, ProtocolError, ReadTimeoutError

from handover_channel.errors import GraphError, GraphUnavailable, NotThreadOwner, TakeNotAllowed, TokenRefused
from handover_channel.graph_api.client import GraphApi, ThreadOwner, Upload, parse_thread_owner
from handover_channel.graph_api.retries import Retries
from handover_channel.graph_api.transport import pools_for

URL = "https://graph.facebook.com"
SUCCESS = {"success": True}


class FakeMeta:
    """Take the place of the network: note each request, give the next answer."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.requests = []
        self.options = []

    def urlopen(self, method, url, *, headers, body, **options):
        self.requests.append(SimpleNamespace(method=method, url=url, headers=headers, body=body))
        self.options.append(options)
        step = self.steps.pop(0) if self.steps else SUCCESS
        if isinstance(step, Exception):
            raise step
        status, content = step if isinstance(step, tuple) else (200, step)
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        return HTTPResponse(io.BytesIO(content), status=status)

    @property
    def body(self):
        return json.loads(self.requests[-1].body)


def refused(code, subcode=0, message="no"):
    return 400, {"error": {"message": message, "code": code, "error_subcode": subcode}}


def api(meta, **options):
    return GraphApi(URL, "v27.0", pools=meta, sleep=lambda pause: None, **options)


@pytest.mark.parametrize(
    ("call", "path", "body"),
    [
        (
            lambda graph: graph.send("tok", {"recipient": {"id": "P"}, "message": {"text": "hé"}}),
            "/me/messages",
            {"recipient": {"id": "P"}, "message": {"text": "hé"}},
        ),
        (
            lambda graph: graph.pass_thread_control("tok", "P", "2222", "from the shop bot"),
            "/me/pass_thread_control",
            {"recipient": {"id": "P"}, "target_app_id": 2222, "metadata": "from the shop bot"},
        ),
        (
            lambda graph: graph.pass_thread_control("tok", "P", ""),
            "/me/pass_thread_control",
            {"recipient": {"id": "P"}},
        ),
        (
            lambda graph: graph.take_thread_control("tok", "P", "why"),
            "/me/take_thread_control",
            {"recipient": {"id": "P"}, "metadata": "why"},
        ),
    ],
)
def test_a_call_is_posted_as_json_under_the_version(call, path, body):
    meta = FakeMeta()

    assert call(api(meta)) == SUCCESS
    assert [meta.requests[0].method, meta.requests[0].url] == ["POST", f"{URL}/v27.0{path}"]
    assert meta.requests[0].headers["Content-Type"] == "application/json"
    assert meta.body == body


def test_no_call_uses_what_graph_v27_refuses_to_new_apps():
    """https://developers.facebook.com/docs/graph-api/changelog/versions/"""
    meta = FakeMeta()
    graph = api(meta, app_secret="s")
    graph.send("tok", {"recipient": {"id": "P"}, "message": {"text": "hi"}})
    graph.pass_thread_control("tok", "P", "2222", "m")
    graph.take_thread_control("tok", "P")
    graph.thread_owner("tok", "P")
    graph.profile("tok", "P")
    graph.page_name("tok", "1717")
    graph.create_persona("tok", "Anna", "https://x/anna.png")
    graph.secondary_receivers("tok")
    graph.subscribed_apps("tok")
    graph.has_default_app("tok")

    calls = [name for name, found in vars(GraphApi).items() if callable(found) and not name.startswith("_")]
    assert len(meta.requests) == len(calls), "a call of the Graph API is missing here"
    for request in meta.requests:
        parts = urlsplit(request.url)
        query = parse_qs(parts.query)
        given = {*query, *json.loads(request.body or "{}")}
        assert parts.path.startswith("/v27.0/")
        assert not given & {"ids", "method", "callback", "batch", "asyncbatch"}, request.url
        assert not re.search(r"\.as\(", "".join(query.get("fields", []))), "a field alias"
        assert "x-http-method-override" not in {name.lower() for name in request.headers}


def test_the_token_travels_in_a_header_and_not_in_the_url():
    meta = FakeMeta()

    api(meta).take_thread_control("tok", "P")

    assert meta.requests[0].headers["Authorization"] == "Bearer tok"
    assert "tok" not in meta.requests[0].url


def test_a_password_in_the_url_does_not_replace_the_token():
    meta = FakeMeta()

    GraphApi("https://me:mine@graph.facebook.com", "v27.0", pools=meta).take_thread_control("tok", "P")

    assert meta.requests[0].headers["Authorization"] == "Bearer tok"


@pytest.mark.parametrize(
    ("url", "past", "proxy", "bundle"),
    [
        (URL, "", "http://proxy:3128", "/ca.pem"),
        (URL, ".facebook.com", None, "/ca.pem"),
        ("https://localhost", "", None, DEFAULT_CA_BUNDLE_PATH),
    ],
)
def test_proxy_and_ca_bundle_are_the_machines_but_not_for_loopback(url, past, proxy, bundle, monkeypatch):
    for name, value in (("https_proxy", "http://proxy:3128"), ("no_proxy", past)):
        monkeypatch.setenv(name, value)  # in small letters it counts before the other
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/ca.pem")

    pools = pools_for(url)

    assert (str(pools.proxy) if pools.proxy else None) == proxy
    assert pools.connection_pool_kw["ca_certs"] == bundle
    assert pools.connection_pool_kw["cert_reqs"] == "CERT_REQUIRED"


def test_a_ca_bundle_may_be_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))

    pools = pools_for(URL)

    assert pools.connection_pool_kw["ca_cert_dir"] == str(tmp_path)
    assert "ca_certs" not in pools.connection_pool_kw


def test_every_call_carries_a_proof_of_the_app_secret():
    meta = FakeMeta({"data": []})
    proof = hmac.new(b"demo-app-secret", b"tok", hashlib.sha256).hexdigest()

    graph = api(meta, app_secret="demo-app-secret")
    graph.thread_owner("tok", "P")
    graph.take_thread_control("tok", "P")

    assert meta.requests[0].url == f"{URL}/v27.0/me/thread_owner?recipient=P&appsecret_proof={proof}"
    assert meta.requests[1].url == f"{URL}/v27.0/me/take_thread_control?appsecret_proof={proof}"


def test_without_an_app_secret_there_is_no_proof():
    meta = FakeMeta()

    api(meta).take_thread_control("tok", "P")

    assert "appsecret_proof" not in meta.requests[0].url


@pytest.mark.parametrize(("url", "version"), [(f"{URL}/", "/v27.0/"), (URL, "v27.0"), (f" {URL} ", " v27.0")])
def test_slashes_too_many_in_the_settings_do_no_harm(url, version):
    meta = FakeMeta()

    GraphApi(url, version, pools=meta).take_thread_control("tok", "P")

    assert meta.requests[0].url == f"{URL}/v27.0/me/take_thread_control"


def test_both_timeouts_are_given_and_redirects_not_followed():
    meta = FakeMeta((302, b""))

    with pytest.raises(GraphError, match=r"graph_api.url"):
        api(meta, retries=Retries(connect=1.5, read=4.0)).take_thread_control("tok", "P")
    timeout = meta.options[0]["timeout"]
    assert (timeout.connect_timeout, timeout.read_timeout) == (1.5, 4.0)
    assert (meta.options[0]["redirect"], meta.options[0]["retries"]) == (False, False)
    assert len(meta.requests) == 1


def test_a_transient_refusal_is_tried_again():
    meta = FakeMeta(refused(1200), (503, b"<html>"), {"message_id": "m"})

    assert api(meta).send("tok", {"recipient": {"id": "P"}, "message": {"text": "x"}}) == {"message_id": "m"}
    assert len(meta.requests) == 3


def test_typing_is_tried_once():
    meta = FakeMeta(refused(2))

    with pytest.raises(GraphUnavailable):
        api(meta).send("tok", {"recipient": {"id": "P"}, "sender_action": "typing_on"})
    assert len(meta.requests) == 1


def test_a_refused_take_says_which_switch():
    meta = FakeMeta(refused(27), refused(10))

    for _ in range(2):
        with pytest.raises(TakeNotAllowed, match="Allow this app to take control of conversations"):
            api(meta).take_thread_control("tok", "P")


@pytest.mark.parametrize(
    ("answer", "kind"), [(refused(190), TokenRefused), (refused(10, 2018300), NotThreadOwner)]
)
def test_other_refusals_of_a_take_stay_what_they_are(answer, kind):
    with pytest.raises(kind):
        api(FakeMeta(answer)).take_thread_control("tok", "P")


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>Sorry</html>", b"\xff\xfe", b"[]", b'"x"', b"null", b"NaN", b"[" * 9000],
    ids=lambda content: repr(content)[:20],
)
def test_an_answer_that_is_no_json_object_is_unavailable(content):
    with pytest.raises(GraphUnavailable, match="not a JSON object"):
        api(FakeMeta(*[(200, content)] * 4)).thread_owner("tok", "P")


TIMES_OUT = ReadTimeoutError(None, "/?appsecret_proof=deadbeef", "no")
BREAKS = ProtocolError("Connection aborted.", "tok")
UNREACHED = NewConnectionError(None, "no: /?appsecret_proof=deadbeef")


@pytest.mark.parametrize("failure", [TIMES_OUT, BREAKS, UNREACHED, OSError("tok")])
def test_a_network_that_fails_is_unavailable_and_tells_no_secret(failure, caplog):
    caplog.set_level(logging.DEBUG, "handover_channel")
    meta = FakeMeta(*[failure] * 4)

    with pytest.raises(GraphUnavailable) as raised:
        api(meta).send("tok", {"recipient": {"id": "P"}, "message": {"text": "secret words"}})
    assert len(meta.requests) == 4
    assert raised.value.__cause__ is None
    assert not [
        told for told in ("tok", "deadbeef", "secret words") if told in str(raised.value) + caplog.text
    ]


@pytest.mark.parametrize(
    ("failure", "level"), [(TIMES_OUT, "WARNING"), (BREAKS, "WARNING"), (UNREACHED, "INFO")]
)
def test_only_a_send_that_may_have_arrived_is_warned_of(failure, level, caplog):
    caplog.set_level(logging.INFO, "handover_channel")

    api(FakeMeta(failure)).send("tok", {"recipient": {"id": "P"}, "message": {"text": "x"}})

    assert [record.levelname for record in caplog.records] == [level]


def test_the_proof_stays_out_of_the_log_of_the_http_library(caplog):
    caplog.set_level(logging.DEBUG, "urllib3.connectionpool")
    api(FakeMeta(), app_secret="demo-app-secret")

    url = "/v27.0/me/thread_owner?appsecret_proof=deadbeef&recipient=P"
    logging.getLogger("urllib3.connectionpool").debug('"%s %s" %s', "GET", url, 200)

    assert caplog.messages == ['"GET /v27.0/me/thread_owner?appsecret_proof=***&recipient=P" 200']


@pytest.mark.parametrize("token", ["", "two words", "zeile\n", "tökén", "nul\x00"])
def test_a_token_that_cannot_be_one_is_refused_before_it_is_sent(token):
    meta = FakeMeta()

    with pytest.raises(TokenRefused, match="credentials.yml") as raised:
        api(meta).take_thread_control(token, "P")
    assert meta.requests == []
    assert not token.strip() or token.strip() not in str(raised.value)


@pytest.mark.parametrize("url", ["", "graph.facebook.com", "ftp://graph", "http://", "https://[::"])
def test_a_url_that_is_none_is_an_error_with_its_setting(url):
    with pytest.raises(GraphError, match="graph_api"):
        GraphApi(url, "v27.0", sleep=lambda pause: None).take_thread_control("tok", "P")


@pytest.mark.parametrize("text", [float("nan"), object(), {1, 2}])
def test_a_message_that_cannot_be_json_is_an_error_of_ours(text):
    with pytest.raises(GraphError, match="cannot be written as JSON"):
        api(FakeMeta()).send("tok", {"recipient": {"id": "P"}, "message": {"text": text}})


def test_half_an_emoji_is_sent_as_it_is():
    meta = FakeMeta()

    api(meta).send("tok", {"recipient": {"id": "P"}, "message": {"text": "\ud83d"}})

    assert meta.body["message"] == {"text": "\ud83d"}


def test_the_profile_is_asked_for_by_an_escaped_id():
    meta = FakeMeta({"first_name": "Amal", "id": "a/b?c"})

    assert api(meta).profile("tok", "a/b?c")["first_name"] == "Amal"
    assert meta.requests[0].url == f"{URL}/v27.0/a%2Fb%3Fc?fields=first_name%2Clast_name%2Cprofile_pic"


@pytest.fixture
def wire():
    """A server that answers what is asked under /redirected with a redirect, and notes the headers."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.client_address, self.path, dict(self.headers)))
            moved = self.path.startswith("/redirected")
            content = b"" if moved else json.dumps(SUCCESS).encode()
            self.send_response(302 if moved else 200)
            for name, value in (
                ("Location", "/"),
                ("Set-Cookie", "who=me"),
                ("Content-Length", len(content)),
            ):
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *given):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}", seen=seen)
    server.shutdown()
    server.server_close()


def test_on_the_wire_the_token_stands_and_neither_cookies_nor_netrc_go_with_it(wire, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    graph = GraphApi(wire.url, "v27.0")

    for _ in range(2):
        assert graph.take_thread_control("tok", "P") == SUCCESS

    (one, _, _), (other, path, headers) = wire.seen
    assert one == other  # the connection was kept
    assert path == "/v27.0/me/take_thread_control"
    assert headers["Authorization"] == "Bearer tok"
    assert "Cookie" not in headers


def test_on_the_wire_a_redirect_is_not_followed(wire):
    with pytest.raises(GraphError, match=r"graph_api.url"):
        GraphApi(f"{wire.url}/redirected", "v27.0").take_thread_control("tok", "P")

    assert len(wire.seen) == 1


def test_many_threads_may_call_at_once():
    meta = FakeMeta()
    graph = api(meta)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: graph.take_thread_control(f"tok{n}", f"P{n}"), range(200)))

    sent = {
        (each.headers["Authorization"], json.loads(each.body)["recipient"]["id"]) for each in meta.requests
    }
    assert answers == [SUCCESS] * 200
    assert sent == {(f"Bearer tok{n}", f"P{n}") for n in range(200)}


@pytest.mark.parametrize(
    ("answer", "owner"),
    [
        (
            {"data": [{"thread_owner": {"app_id": 111, "expiration": 1700000000}}]},
            ThreadOwner("111", 1700000000),
        ),
        (
            {"data": [{"thread_owner": {"app_id": "111", "expiration": "1700000000"}}]},
            ThreadOwner("111", 1700000000),
        ),
        ({"data": [{"thread_owner": {"app_id": "263902037430900"}}]}, ThreadOwner("263902037430900")),
        ({"data": [{"thread_owner": {"app_id": 2.639020374309e14}}]}, ThreadOwner("263902037430900")),
        ({"data": {"thread_owner": {"app_id": "111"}}}, ThreadOwner("111")),
        ({"thread_owner": {"app_id": "111"}}, ThreadOwner("111")),
        ({"data": [{"thread_owner": {"expiration": 1700000000}}]}, ThreadOwner("", 1700000000)),
        ({"data": [{"thread_owner": {"app_id": None, "expiration": 1}}]}, ThreadOwner("", 1)),
        ({"data": []}, ThreadOwner()),
        ({"data": [{}]}, ThreadOwner()),
        ({"data": [{"thread_owner": None}]}, ThreadOwner()),
        ({"data": [None, 3, "x"]}, ThreadOwner()),
        ({"data": None}, ThreadOwner()),
        ({"data": [{"thread_owner": {"app_id": {}, "expiration": []}}]}, ThreadOwner()),
        ({}, ThreadOwner()),
    ],
)
def test_the_owner_is_read_from_every_shape_of_the_answer(answer, owner):
    assert parse_thread_owner(answer) == owner
    assert api(FakeMeta(answer)).thread_owner("tok", "P") == owner


@pytest.mark.parametrize(
    ("owner", "hidden"), [(ThreadOwner("111", 5), False), (ThreadOwner("", 5), True), (ThreadOwner(), False)]
)
def test_only_an_owner_whose_control_lapses_and_whom_meta_does_not_name_is_hidden(owner, hidden):
    assert owner.hidden is hidden


def test_a_file_goes_out_as_a_form_with_its_message():
    meta = FakeMeta({"message_id": "m_1"})
    body = {
        "recipient": {"id": "P"},
        "messaging_type": "RESPONSE",
        "message": {"attachment": {"type": "file"}},
    }
    api(meta).send("tok", body, Upload('a "b".pdf', "application/pdf", b"%PDF\r\n--"))

    (request,), (options,) = meta.requests, meta.options
    form = request.body.read()
    assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert int(request.headers["Content-Length"]) == len(form)
    for part in (
        b'name="recipient"\r\n\r\n{"id":"P"}\r\n',
        b'name="messaging_type"\r\n\r\nRESPONSE\r\n',
        b'name="filedata"; filename="a %22b%22.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n--\r\n',
    ):
        assert part in form
    assert options["timeout"].read_timeout >= 75


def test_an_upload_is_tried_again_whole():
    meta = FakeMeta((503, {}), {"message_id": "m_1"})
    bodies = []
    meta.urlopen = lambda *given, urlopen=meta.urlopen, **options: (
        bodies.append(options["body"].read()) or urlopen(*given, **options)
    )
    api(meta).send("tok", {"recipient": {"id": "P"}, "message": {}}, Upload("a", "image/png", b"png"))

    assert len(bodies) == 2
    assert all(b"png\r\n--" in body for body in bodies)


def test_a_persona_is_asked_for_once():
    meta = FakeMeta((503, {}))
    with pytest.raises(GraphUnavailable):
        api(meta).create_persona("tok", "Nour", "https://x.example/n.png")

    assert meta.body == {"name": "Nour", "profile_picture_url": "https://x.example/n.png"}
    assert len(meta.requests) == 1
