"""The inbox on a real Sanic server, as a stranger, another site, or a person who writes scripts finds it."""

from __future__ import annotations

import html
import http.client
import re
import socket
import threading
import time
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
import requests
import sqlalchemy as sa
from served_inbox import BASE, PASSWORD, ServedInbox

from handover_channel.errors import HandoverRefused, StoreUnavailable
from handover_channel.inbox import media_links
from handover_channel.inbox.auth import Auth
from handover_channel.inbox.commands import Commands
from handover_channel.inbox.media_proxy import Fetched, MediaProxy
from handover_channel.inbox.sign_in_limits import OF_BOTH, SIGN_IN_WINDOW
from handover_channel.rules.limits import FIELDS, FILES_AT_ONCE
from handover_channel.store import agents, page_updates, transcript
from handover_channel.store.schema import metadata, people, threads
from handover_channel.store.transcript import PERSON, Line

pytestmark = pytest.mark.rasa

THREAD, SCRIPT = "7000000001", "<script>alert('x')</script><img src=x onerror=alert(1)>"
HOURS = 3600
BOUND = 10.0  # seconds, for what has to happen at some time


class Inbox(ServedInbox):
    """The inbox, and who asks it for anything."""

    @property
    def cookie_name(self):
        """What its cookie is called: with its port, as browsers do not tell ports apart."""
        return f"handover_inbox_{self.at.partition(':')[2]}"

    def raw(self, method, path, headers=(), body=b""):
        """Send a path as it is; returns status, headers and body."""
        connection = http.client.HTTPConnection(self.at, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": self.at, "Content-Length": str(len(body)), **dict(headers)}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()


class Browser:
    """Somebody's browser: keeps cookies, says where a form is from, follows nothing by itself."""

    def __init__(self, inbox):
        self.inbox = inbox
        self.http = requests.Session()
        self.http.trust_env = False
        self.csrf = ""

    def get(self, path="/", **headers):
        return self._ask("GET", path, headers)

    def post(self, path, fields, **headers):
        usual = {"Origin": f"http://{self.inbox.at}", "X_CSRF_Token": self.csrf, "HX_Request": "true"}
        return self._ask("POST", path, {**usual, **headers}, data=fields)

    def sign_in(self, name="kim", password=PASSWORD, **headers):
        answer = self.post("/sign-in", {"name": name, "password": password}, **headers)
        if answer.status_code == 303:
            self.look()
        return answer

    def look(self):
        """Open the page, and take its token."""
        page = self.get("/").text
        self.csrf = html.unescape(re.search(r'name="csrf" value="([^"]+)"', page).group(1))
        return page

    @property
    def cookie(self):
        return self.http.cookies.get(self.inbox.cookie_name)

    def _ask(self, method, path, headers, **given):
        given_headers = {
            name.replace("_", "-"): value for name, value in headers.items() if value is not None
        }
        return self.http.request(
            method, f"http://{self.inbox.at}{BASE}{path}",
            headers=given_headers, allow_redirects=False, timeout=60, **given,
        )  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Inbox(tmp_path_factory.mktemp("inbox")).running() as running:
        yield running


@pytest.fixture
def inbox(server):
    """The server, as if it were new."""
    with server.store.writing() as connection:
        for table in metadata.tables.values():
            connection.execute(sa.delete(table))
    server.clock.added = 0.0
    return server


@pytest.fixture
def browser(inbox):
    return Browser(inbox)


@pytest.fixture
def kim(inbox, browser):
    """A browser in which Kim is signed in."""
    inbox.add_agent("kim")
    inbox.add_agent("lee")
    assert browser.sign_in().status_code == 303
    return browser


def add_thread(inbox):
    """Add a conversation in the inbox with somebody who writes scripts."""
    now = inbox.clock()
    values = {column.name: "" if isinstance(column.type, sa.Text) else 0 for column in threads.c}
    values.update(
        id=THREAD, channel="facebook", page="1", control="inbox", target="inbox", reason="handed_over",
        changed_at=now, active_at=now, waiting_since=now, until=now + HOURS, person_at=int(now * 1000),
        version=1, context="{}",
    )  # fmt: skip
    with inbox.store.writing() as connection:
        connection.execute(sa.insert(threads).values(**values))
        name = {"thread": THREAD, "name": SCRIPT, "picture": "", "fetched_at": now}
        connection.execute(sa.insert(people).values(**name))
        transcript.add(connection, THREAD, Line(PERSON, SCRIPT, int(now * 1000), mid="m1"))


@pytest.fixture
def thread(inbox):
    add_thread(inbox)


def tags(text):
    """Return every tag of a page: name and attributes."""
    found = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attributes):
            found.append((tag, dict(attributes)))

    Parser().feed(text)
    assert found
    return found


def is_harmless(text):
    """Tell whether nothing of SCRIPT has become a part of the page."""
    return not [tag for tag, given in tags(text) if given.get("src") == "x" or "onerror" in given] and (
        "<script>" not in text
    )


def rows(inbox, table):
    with inbox.store.reading() as connection:
        return connection.execute(sa.select(metadata.tables[table])).mappings().all()


ACTS = {
    "reply": {"text": "hello", "key": "k1"},
    "retry": {"reply": "1"},
    "drop": {"reply": "1"},
    "remark": {"text": "a note"},
    "tag": {"tag": "vip"},
    "claim": {"assignee_seen": ""},
    "assign": {"agent": "lee", "assignee_seen": ""},
    "take-over": {},
    "return": {"note": ""},
    "extend": {"by": "1 hour"},
    "typing": {},
}
POSTS = {
    **{f"/thread/{THREAD}/{act}": fields for act, fields in ACTS.items()},
    "/preferences": {"language": "ar"},
    "/sign-out": {},
}
GETS = ["/", f"/thread/{THREAD}", "/list", f"/thread/{THREAD}/panel", "/live?page=p&thread=", "/preferences",
        f"/picture/{THREAD}", "/file?of=https://example.org/a.png&proof=x"]  # fmt: skip


# --- who is signed in -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", GETS)
def test_without_a_sign_in_every_page_leads_to_the_sign_in(inbox, browser, thread, path):
    inbox.add_agent("kim")

    answer = browser.get(path)

    assert (answer.status_code, urlsplit(answer.headers["Location"]).path) == (303, f"{BASE}/sign-in")
    assert THREAD not in answer.text


def test_without_a_sign_in_nothing_can_be_done(inbox, browser, thread):
    inbox.add_agent("kim")

    for path, fields in POSTS.items():
        assert browser.post(path, fields).status_code == 401, path

    assert not rows(inbox, "remarks") + rows(inbox, "tags") + rows(inbox, "replies")


def test_the_cookie_is_for_this_page_alone_and_for_no_script(inbox, kim):
    answer = kim.sign_in()

    name_and_value, *flags = [part.strip() for part in answer.headers["Set-Cookie"].split(";")]
    flags = {flag.lower() for flag in flags}
    assert re.fullmatch(rf"{inbox.cookie_name}=[\w-]{{43}}", name_and_value)
    assert {"httponly", "samesite=strict", f"path={BASE}"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)
    assert "secure" not in flags


def test_behind_https_the_cookie_never_goes_over_anything_else(kim):
    form = {"name": "kim", "password": PASSWORD}
    answer = kim.post("/sign-in", form, X_Forwarded_Proto="https", Origin=f"https://{kim.inbox.at}")

    assert "secure" in answer.headers["Set-Cookie"].lower()


def test_a_cookie_put_into_a_browser_by_a_stranger_does_not_become_a_sign_in(inbox, browser):
    inbox.add_agent("kim")
    browser.http.cookies.set(inbox.cookie_name, "known-to-a-stranger", domain="127.0.0.1", path=BASE)

    browser.sign_in()

    assert browser.cookie != "known-to-a-stranger"
    stranger = Browser(inbox)
    stranger.http.cookies.set(inbox.cookie_name, "known-to-a-stranger")
    assert stranger.get().status_code == 303


def test_a_sign_in_on_top_of_another_ends_that_one(inbox, kim):
    stolen = Browser(inbox)
    stolen.http.cookies.set(inbox.cookie_name, kim.cookie)
    assert stolen.get().status_code == 200

    kim.sign_in("lee")

    assert stolen.get().status_code == 303
    assert "Lee" in kim.look()


def test_who_signs_out_is_out_also_with_a_copy_of_the_cookie(inbox, kim):
    copy = Browser(inbox)
    copy.http.cookies.set(inbox.cookie_name, kim.cookie)

    assert kim.post("/sign-out", {}).status_code == 303

    assert kim.get().status_code == 303
    assert copy.get().status_code == 303


def test_an_agent_who_is_removed_is_out_at_once(inbox, kim, thread):
    inbox.remove_agent("kim")

    assert kim.get(f"/thread/{THREAD}").status_code == 303
    assert kim.post(f"/thread/{THREAD}/remark", {"text": "still here"}).status_code == 401
    assert not rows(inbox, "remarks")


def test_a_sign_in_that_has_expired_opens_nothing_and_does_nothing(inbox, kim, thread):
    inbox.clock.added += 12 * HOURS

    assert kim.get(f"/thread/{THREAD}").status_code == 303
    assert kim.post(f"/thread/{THREAD}/remark", {"text": "late"}).status_code == 401
    assert not rows(inbox, "remarks")


@pytest.mark.parametrize("busy", [False, True])
def test_an_open_page_is_told_when_its_sign_in_has_ended(inbox, kim, monkeypatch, busy):
    from handover_channel.inbox import server_sent_events

    monkeypatch.setattr(server_sent_events, "BEAT", 2.0 if busy else 0.2)
    url, heard = f"http://{inbox.at}{BASE}/live?page=p1&thread=", []
    with kim.http.get(url, stream=True, timeout=30) as stream:
        lines = stream.iter_lines()
        assert next(lines) == b"retry: 2000"
        inbox.remove_agent("kim")
        listening = threading.Thread(target=lambda: heard.extend(lines))  # until it is ended
        listening.start()
        for _ in range(100):
            if busy:
                with inbox.store.writing() as connection:
                    page_updates.add(connection, THREAD, now=inbox.clock())
            listening.join(0.2)
            if not listening.is_alive():
                break

        assert b"event: signed-out" in heard
        assert (b"event: list" in heard) == busy


def test_after_the_sign_in_only_pages_of_ours_are_opened(kim):
    for wanted in (
        "https://evil.example", "//evil.example", f"{BASE}//evil.example", "/\\evil.example", "javascript:x",
        f"{BASE}/\\evil.example", f"{BASE}/thread/1\r\nSet-Cookie: a=b",
    ):  # fmt: skip
        answer = kim.post("/sign-in", {"name": "kim", "password": PASSWORD, "next": wanted})

        assert answer.headers["Location"].startswith(f"{BASE}/")
        assert "\\" not in answer.headers["Location"]
        assert "a=b" not in answer.headers["Set-Cookie"]


# --- guessing -------------------------------------------------------------------------------------


def test_guessing_is_held_back_and_only_where_it_comes_from(inbox, kim):
    guesser = Browser(inbox)
    answers = [guesser.sign_in(password=f"wrong password {number}") for number in range(OF_BOTH + 1)]

    assert [answer.status_code for answer in answers] == [403] * OF_BOTH + [429]
    assert guesser.sign_in().status_code == 429  # with the right one
    assert "15 minutes" in answers[-1].text
    assert inbox.cookie_name not in guesser.http.cookies
    assert kim.sign_in().status_code == 303  # from the same address, in the browser she always uses

    inbox.clock.added += SIGN_IN_WINDOW
    assert guesser.sign_in().status_code == 303


def test_an_unknown_name_looks_like_a_wrong_password(inbox, browser):
    inbox.add_agent("kim")

    wrong, unknown = browser.sign_in(password="wrong"), browser.sign_in(name="nobody", password="wrong")

    assert wrong.status_code == unknown.status_code
    assert wrong.text.replace('value="kim"', "") == unknown.text.replace('value="nobody"', "")


def test_what_was_typed_comes_back_escaped_and_without_the_password(inbox, browser):
    inbox.add_agent("kim")

    answer = browser.sign_in(name=f'"{SCRIPT}', password="wrong-but-secret")

    assert SCRIPT not in answer.text
    assert "wrong-but-secret" not in answer.text


# --- another site ---------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "", "wrong", "é".encode().decode("latin-1")])
def test_without_the_token_of_the_sign_in_nothing_is_done(inbox, kim, thread, token):
    for path, fields in POSTS.items():
        assert kim.post(path, fields, X_CSRF_Token=token).status_code == 403, path

    assert not rows(inbox, "remarks") + rows(inbox, "tags") + rows(inbox, "replies")
    assert rows(inbox, "threads")[0]["assignee"] == ""
    assert kim.get().status_code == 200


def test_the_token_of_a_colleague_is_worth_nothing(inbox, kim, thread):
    lee = Browser(inbox)
    lee.sign_in("lee")

    answer = kim.post(f"/thread/{THREAD}/remark", {"text": "a note"}, X_CSRF_Token=lee.csrf)

    assert answer.status_code == 403
    assert not rows(inbox, "remarks")


@pytest.mark.parametrize(
    "origin",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": None},
        {"Origin": None, "Referer": "https://evil.example/webhooks/inbox/"},
        {"Origin": "http://127.0.0.1"},
        {"Host": "evil.example"},
    ],
)
def test_another_sites_form_does_nothing_even_with_the_token(inbox, kim, thread, origin):
    # Under every name that it may have, and also where the browser takes us for another site.
    cookie = "; ".join(f"{name}={kim.cookie}" for name in (inbox.cookie_name, "handover_inbox"))
    for path, fields in {**POSTS, "/sign-in": {"name": "kim", "password": PASSWORD}}.items():
        assert kim.post(path, fields, Cookie=cookie, **origin).status_code == 403, path

    assert not rows(inbox, "remarks") + rows(inbox, "tags") + rows(inbox, "replies")


def test_a_page_of_ours_that_hides_its_origin_is_known_by_the_referer(kim, thread):
    referer = f"http://{kim.inbox.at}{BASE}/thread/{THREAD}"

    answer = kim.post(f"/thread/{THREAD}/remark", {"text": "a note"}, Origin=None, Referer=referer)

    assert answer.status_code == 204


def test_nothing_is_done_by_a_mere_link(inbox, kim, thread):
    for path, fields in POSTS.items():
        kim.http.get(f"http://{inbox.at}{BASE}{path}", params={**fields, "csrf": kim.csrf}, timeout=30)

    assert not rows(inbox, "remarks") + rows(inbox, "tags") + rows(inbox, "replies")
    assert rows(inbox, "threads")[0]["assignee"] == ""
    assert kim.get().status_code == 200


# --- what people write ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", f"/thread/{THREAD}", "/list", f"/thread/{THREAD}/panel"])
def test_a_script_in_a_name_or_a_message_is_text(kim, thread, path):
    text = kim.get(path).text

    assert "alert(" in text  # it is shown
    assert is_harmless(text)


def test_a_script_in_what_agents_write_is_text(kim, thread):
    for act, field in (("remark", "text"), ("tag", "tag")):
        assert kim.post(f"/thread/{THREAD}/{act}", {field: f"{act}<b onclick=x>"}).status_code == 204

    page = kim.get(f"/thread/{THREAD}").text

    assert "remark&lt;b onclick=x&gt;" in page
    assert "<b onclick" not in page


def test_a_script_in_what_is_asked_for_is_text(kim, thread):
    in_path, names = SCRIPT.replace("/", "%2F"), ("search", "tag", "page", "target", "list", "after")
    in_query = "&".join(f"{name}={SCRIPT}" for name in names)
    for path in (f"/?{in_query}", f"/list?{in_query}", f"/thread/{in_path}", f"/thread/x/{in_path}"):
        assert is_harmless(kim.get(path).text)


def test_no_page_has_a_script_or_a_style_in_it(kim, thread):
    for path in ("/", f"/thread/{THREAD}", "/preferences", f"/thread/{THREAD}/panel", "/list"):
        for tag, attributes in tags(kim.get(path).text):
            assert tag != "style", path
            assert tag != "script" or attributes.get("src", "").startswith(f"{BASE}/static/"), path
            assert not [name for name in attributes if name.startswith("on") or name == "style"], path
            loaded = [attributes.get(name) or "" for name in ("href", "src", "action", "hx-get", "hx-post")]
            assert all(address.startswith((f"{BASE}/", "#")) or not address for address in loaded), path


def test_only_files_that_we_offered_this_visitor_are_fetched(kim, thread):
    for address in (
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "https://example.org/a.png",
        "",
    ):
        answer = kim.get(f"/file?of={address}&proof={'0' * 64}")

        assert answer.status_code == 404
        assert "was not found in a conversation of yours" in html.unescape(answer.text)


# --- what open pages are told ---


def test_an_open_page_asks_for_its_list_seldom_where_only_others_look_and_type(tmp_path, monkeypatch):
    monkeypatch.setattr("handover_channel.inbox.server_sent_events.SELDOM", 3600.0)

    with Inbox(tmp_path).running() as inbox:
        inbox.add_agent("kim")
        add_thread(inbox)
        kim = Browser(inbox)
        kim.sign_in()

        def happens(**given):
            with inbox.store.writing() as connection:
                page_updates.add(connection, THREAD, now=inbox.clock(), **given)

        live = f"http://{inbox.at}{BASE}/live?page=p&thread={THREAD}"
        with kim.http.get(live, stream=True, timeout=BOUND) as answer:
            lines = (line for line in answer.iter_lines() if line.startswith(b"event:"))
            heard = [next(lines), next(lines)]  # it has come itself
            happens(kind=page_updates.LOOK)
            heard += [next(lines)]
            happens()
            heard += [next(lines), next(lines)]

    assert [line.decode().split()[1] for line in heard] == ["list", "thread", "thread", "list", "thread"]


def test_pages_of_one_worker_are_told_what_agents_do_on_another(tmp_path):
    with Inbox(tmp_path).running() as one, Inbox(tmp_path).running() as other:
        one.add_agent("kim")
        add_thread(one)
        kim = Browser(one)
        kim.sign_in()
        live = f"http://{other.at}{BASE}/live?page=p&thread={THREAD}"
        cookie = {"Cookie": f"{other.cookie_name}={kim.cookie}"}  # behind one name both have the same
        with kim.http.get(live, stream=True, timeout=BOUND, headers=cookie) as answer:
            lines = (line for line in answer.iter_lines() if line.startswith(b"event:"))
            assert [next(lines), next(lines)] == [b"event: list", b"event: thread"]  # it has come itself

            assert kim.post(f"/thread/{THREAD}/remark", {"text": "a note"}).status_code == 204

            assert [next(lines), next(lines)] == [b"event: list", b"event: thread"]


def test_without_a_database_the_stream_of_a_page_ends_and_nothing_else_does(inbox, kim, monkeypatch, caplog):
    def gone(*given, **named):
        raise StoreUnavailable("away")

    monkeypatch.setattr("handover_channel.inbox.server_sent_events.BEAT", 0.2)
    with kim.http.get(f"http://{inbox.at}{BASE}/live?page=p", stream=True, timeout=BOUND) as answer:
        lines = answer.iter_lines()
        next(lines)
        monkeypatch.setattr(Auth, "who", gone)
        assert b"event: signed-out" not in list(lines)

    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert kim.get("/").status_code == 503


def test_a_fault_of_ours_does_not_end_the_tidying(tmp_path, monkeypatch):
    tidied = threading.Semaphore(0)

    def fails(commands):
        tidied.release()
        raise ValueError("a fault of ours")

    monkeypatch.setattr("handover_channel.inbox.channel.TIDY_PRESENCE_EVERY", 0.01)
    monkeypatch.setattr(Commands, "tidy", fails)
    with Inbox(tmp_path).running():
        assert tidied.acquire(timeout=BOUND)
        assert tidied.acquire(timeout=BOUND)


# --- who lets us wait ---


@pytest.mark.parametrize(
    ("waits", "begun"),
    [
        ((Commands, "assign"), lambda kim: kim.post(f"/thread/{THREAD}/claim", {"assignee_seen": ""})),
        ((Commands, "return_to_bot"), lambda kim: kim.post(f"/thread/{THREAD}/return", {})),
        ((MediaProxy, "fetch"), lambda kim: kim.get(f"/picture/{THREAD}")),
        ((Auth, "sign_in"), lambda kim: kim.post("/sign-in", {"name": "lee", "password": "x"})),
    ],
    ids=["Meta", "Meta, at a return", "who keeps pictures", "a turn to sign in"],
)
def test_who_lets_one_visitor_wait_keeps_nobody_from_reading(inbox, kim, thread, monkeypatch, waits, begun):
    from handover_channel.inbox.channel import READ_THREADS

    go_on, waiting, over = threading.Event(), threading.Semaphore(0), []

    def wait(*given, **named):
        waiting.release()
        go_on.wait(BOUND)
        over.append(1)
        raise HandoverRefused("in vain")

    with inbox.store.writing() as connection:
        connection.execute(sa.update(people).values(picture="https://example.org/a.png"))
    monkeypatch.setattr(*waits, wait)
    visits = [threading.Thread(target=begun, args=[kim]) for _ in range(READ_THREADS + 1)]
    try:
        for visit in visits:
            visit.start()
        for _ in range(FILES_AT_ONCE.value if waits[0] is MediaProxy else READ_THREADS):
            assert waiting.acquire(timeout=BOUND)

        assert kim.get("/").status_code == 200
        assert not over
    finally:
        go_on.set()
        for visit in visits:
            visit.join()


# --- paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize(
    "path",
    ["/static/../auth.py", "/static/..%2fauth.py", "/static/%2e%2e/auth.py", "/static/.",
     "/static/..%5cauth.py", "/static/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/static/",
     "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/static/....//auth.py", "/static/..",
     "/static/..%252fauth.py", "/static/inbox.css%00.py", "/static/../../../../handover.yml",
     "/picture/..%2f..%2fhandover.yml", "/static/%c0%ae%c0%ae/x"],
)  # fmt: skip
def test_no_path_leads_out_of_the_pages_own_files(inbox, kim, path, signed_in):
    cookie = {"Cookie": f"{inbox.cookie_name}={kim.cookie}"} if signed_in else {}

    status, _, body = inbox.raw("GET", f"{BASE}{path}", cookie)

    assert status < 500
    assert not re.search(r"root:|app_id|import annotations", body)


@pytest.mark.parametrize(
    "thread", ["%00", "a%00b", "%ff%fe", "%F0%9F%98%80", "..%2f..%2fetc", "%0d%0aSet-Cookie:a=b", "x" * 4000]
)
def test_a_thread_with_a_strange_name_is_none(inbox, kim, thread):
    cookie = {"Cookie": f"{inbox.cookie_name}={kim.cookie}"}
    for path in ("", "/panel"):
        status, headers, _ = inbox.raw("GET", f"{BASE}/thread/{thread}{path}", cookie)

        assert status == 404
        assert headers.get("Set-Cookie") is None


@pytest.mark.parametrize(("language", "words"), [("en", "There is no such page."), ("ar", "لا توجد صفحة")])
def test_an_address_of_no_page_is_told_in_the_visitors_language(inbox, kim, language, words):
    for path in ("/nothing", "/a/b/c", "/thread"):
        answer = kim.get(path, Accept_Language=language)

        assert answer.status_code == 404
        assert words in answer.text
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("language", "words"), [("en", "finds the reason in the log"), ("ar", "في السجل")])
def test_a_fault_of_ours_is_told_in_the_visitors_language(inbox, kim, monkeypatch, language, words):
    monkeypatch.setattr("handover_channel.inbox.listing.filters_of", lambda query: 1 / 0)

    answer = kim.get("/", Accept_Language=language)

    assert answer.status_code == 500
    assert words in answer.text


# --- headers --------------------------------------------------------------------------------------


def test_every_answer_forbids_what_the_page_does_not_need(inbox, kim, thread):
    stranger = Browser(inbox)
    answers = {path: kim.get(path) for path in GETS if "/live" not in path}
    answers.update({f"stranger {path}": stranger.get(path) for path in GETS})
    quick = {path: fields for path, fields in POSTS.items() if not path.endswith(("/sign-out", "/reply"))}
    answers.update({f"POST {path}": kim.post(path, fields) for path, fields in quick.items()})
    answers["form of a stranger"] = stranger.post(f"/thread/{THREAD}/remark", {"text": "x"}, HX_Request=None)
    answers["sign-in"] = stranger.get("/sign-in")
    answers["wrong password"] = stranger.sign_in(password="wrong")
    answers["no such page"] = kim.get("/nothing")
    answers["no such folder"] = kim.get("/nothing/at/all")
    answers["no such act"] = kim.post(f"/thread/{THREAD}/nothing", {})
    answers["no such file"] = kim.get("/static/nothing.js")
    answers["script"] = kim.get("/static/inbox.js")
    answers["script again"] = kim.get("/static/inbox.js", If_None_Match=answers["script"].headers["ETag"])
    answers["used link"] = stranger.get("/enter?key=x")
    answers["wrong method"] = kim.post("/list", {})
    answers["refused"] = kim.post("/sign-in", {}, Origin="https://evil.example")
    with kim.http.get(f"http://{inbox.at}{BASE}/live?page=p&thread=", stream=True, timeout=30) as stream:
        answers["live"] = stream
    answers["signed in"] = kim.sign_in()
    answers["signed out"] = kim.post("/sign-out", {})

    assert not [what for what, answer in answers.items() if "Content-Security-Policy" not in answer.headers]
    keeps = dict.fromkeys(("script", "script again"), "no-cache")
    for what, answer in answers.items():
        headers = answer.headers
        policy = [rule.split() for rule in headers["Content-Security-Policy"].split(";")]
        rules = {name: " ".join(values) for name, *values in policy}
        assert rules["default-src"] == "'none'", what
        assert rules["frame-ancestors"] == "'none'", what
        if "sandbox" in rules:  # what others made may do nothing at all
            assert set(rules) == {"default-src", "frame-ancestors", "sandbox"}
            continue
        assert rules["script-src"] == rules["connect-src"] == rules["form-action"] == "'self'", what
        assert "unsafe" not in headers["Content-Security-Policy"], what
        assert "http" not in headers["Content-Security-Policy"], what
        assert headers["X-Content-Type-Options"] == "nosniff", what
        assert headers["Referrer-Policy"] == "same-origin", what
        assert headers["Cache-Control"] == keeps.get(what, "no-store"), what
        assert answer.status_code < 500, what


def test_an_error_of_ours_tells_strangers_nothing(inbox, kim, monkeypatch):
    from handover_channel.inbox import listing

    def broken(*given, **named):
        raise RuntimeError("the secret in a traceback")

    monkeypatch.setattr(listing, "filters_of", broken)

    answer = kim.get("/")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["Content-Security-Policy"]


# --- what is read, and when -----------------------------------------------------------------------


def test_a_reply_is_not_read_before_its_sender_is_known(inbox, browser, kim, thread):
    def sent_without_its_body(*headers):
        with socket.create_connection(inbox.at.split(":"), timeout=30) as connection:
            head = [f"POST {BASE}/thread/{THREAD}/reply HTTP/1.1", f"Host: {inbox.at}", *headers]
            connection.sendall(("\r\n".join([*head, "Content-Length: 20000000"]) + "\r\n\r\n").encode())
            return int(connection.recv(65536).split(b" ")[1])

    cookie, origin = f"Cookie: {inbox.cookie_name}={kim.cookie}", f"Origin: http://{inbox.at}"
    assert sent_without_its_body(origin) == 303
    assert sent_without_its_body(cookie, "Origin: http://evil.example") == 403
    assert sent_without_its_body(cookie) == 403
    assert sent_without_its_body(cookie, origin, "X-CSRF-Token: another") == 403


def test_a_page_without_script_sends_its_token_in_the_form(inbox, kim, thread):
    form = {"text": "by hand", "csrf": kim.csrf}
    assert kim.post(f"/thread/{THREAD}/remark", {**form, "csrf": "x"}, X_CSRF_Token=None).status_code == 403

    answer = kim.post(f"/thread/{THREAD}/remark", form, X_CSRF_Token=None, HX_Request=None)

    assert answer.status_code == 303
    assert [row["text"] for row in rows(inbox, "remarks")] == ["by hand"]


@pytest.mark.parametrize("letter", ["a", "ف", "🙂"])
def test_a_note_may_have_all_its_characters_in_any_language(inbox, kim, thread, letter):
    assert kim.post(f"/thread/{THREAD}/remark", {"text": letter * 10_000}).status_code == 204

    answer = kim.post(f"/thread/{THREAD}/remark", {"text": letter * 10_001})

    assert answer.status_code == 413
    assert len(answer.text) < 2_000


@pytest.mark.parametrize("name", ["text", "tag", "by", "agent", "note", "intent", "reply", "page", "key"])
def test_a_field_that_is_too_long_is_refused_in_words(inbox, kim, thread, name):
    act = {"text": "reply", "key": "reply", "tag": "tag", "by": "extend", "agent": "assign", "note": "return",
           "intent": "return", "reply": "retry", "page": "typing"}[name]  # fmt: skip
    answer = kim.post(f"/thread/{THREAD}/{act}", {**ACTS[act], name: "x" * (FIELDS[name].value + 1)})

    assert answer.status_code == 400
    assert str(FIELDS[name].value) in answer.text
    assert len(answer.text) < 2_000


def test_files_of_a_slow_host_keep_nobody_from_those_of_another(inbox, kim, monkeypatch):
    lee = Browser(inbox)
    lee.sign_in("lee")
    at_once, most, free, slow = [], [], threading.Event(), "https://slow.example.org"

    def fetch(self, address):
        if address.startswith(slow):
            at_once.append(address)
            most.append(len(at_once))
            free.wait(BOUND)
            at_once.remove(address)
        return Fetched(b"png", "image/png", {})

    monkeypatch.setattr(MediaProxy, "fetch", fetch)
    monkeypatch.setattr(media_links, "is_proven", lambda *given: True)
    asking = [
        threading.Thread(target=who.get, args=(f"/file?of={slow}/{at}&proof=x",))
        for who in (kim, lee)
        for at in range(8)
    ]
    for each in asking:
        each.start()
    while len(at_once) < 4:
        time.sleep(0.01)
    for who in (kim, lee):
        answer = Browser(inbox)
        answer.http.cookies.set(inbox.cookie_name, who.cookie)
        assert answer.get("/file?of=https://quick.example.org/a&proof=x").content == b"png"
    assert len(at_once) == 4
    free.set()
    for each in asking:
        each.join()
    assert max(most) == 4  # two for each sign-in


@pytest.mark.parametrize("path", [f"/picture/{THREAD}", "/file?of=https://example.org/a&proof=x"])
def test_what_others_made_may_do_nothing_in_the_browser(inbox, kim, thread, monkeypatch, path):
    monkeypatch.setattr(MediaProxy, "fetch", lambda self, address: Fetched(b"<svg/>", "image/png", {}))
    monkeypatch.setattr(media_links, "is_proven", lambda *given: True)

    answer = kim.get(path)

    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; sandbox")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# --- no agents ------------------------------------------------------------------------------------


@pytest.fixture
def link(inbox):
    """The path of a link."""
    return Auth(inbox.store).one_time_link("")


def test_a_server_without_agents_prints_a_link_that_lets_in(tmp_path, capfd):
    with Inbox(tmp_path).running() as inbox:
        printed = re.search(rf"http://localhost:\d+{BASE}(\S+)", capfd.readouterr().err).group(1)

        assert Browser(inbox).get(printed).status_code == 303


def test_a_server_whose_agents_have_no_password_prints_the_command_that_sets_one(tmp_path, capfd):
    unopened = Inbox(tmp_path)
    with unopened.store.writing() as connection:
        agents.add(connection, agents.Agent("mona", "Mona", agents.NO_PASSWORD, agents.ADMIN))
    with unopened.running():
        printed = "handover agents password NAME"
        assert printed in capfd.readouterr().err


def test_without_agents_a_link_lets_this_machine_in_once(inbox, link):
    browser, other = Browser(inbox), Browser(inbox)
    assert browser.get("/").status_code == 403

    assert browser.get(link).headers["Location"] == f"{BASE}/"

    assert browser.get("/").status_code == 200
    assert other.get(link).status_code == 403
    assert other.get("/").status_code == 403


@pytest.mark.parametrize(
    "foreign",
    [{"X-Forwarded-For": "203.0.113.7"}, {"Forwarded": "for=203.0.113.7"}, {"Via": "1.1 proxy"},
     {"X-Real-Ip": "127.0.0.1"}, {"Host": "evil.example"}, {"Host": "evil.example:5005"}],
)  # fmt: skip
def test_without_agents_nobody_else_is_let_in(inbox, link, foreign):
    browser = Browser(inbox)
    add_thread(inbox)

    for asked in ("/", link, f"/thread/{THREAD}", "/list", "/sign-in"):
        answer = browser.get(asked, **foreign)
        assert answer.status_code == 403, asked
        assert "handover agents add" in answer.text
        assert THREAD not in answer.text
    assert browser.get(link).status_code == 303  # nobody has used it up

    for asked in ("/", f"/thread/{THREAD}"):
        assert browser.get(asked, **foreign).status_code == 403, asked  # with the cookie
    answer = browser.post(f"/thread/{THREAD}/remark", {"text": "x"}, **foreign)
    assert answer.status_code == 403
    assert not rows(inbox, "remarks")


def test_without_agents_a_visitor_from_another_address_is_told_what_to_do(tmp_path):
    # A proxy that the server trusts says where the visitor is.
    with Inbox(tmp_path, PROXIES_COUNT=1).running() as inbox:
        answer = Browser(inbox).get("/", X_Forwarded_For="203.0.113.7")

    assert answer.status_code == 403
    assert "handover agents add" in answer.text


def test_behind_a_trusted_proxy_guesses_are_counted_by_visitor(tmp_path):
    with Inbox(tmp_path, PROXIES_COUNT=1).running() as inbox:
        inbox.add_agent("kim")
        guesser, kim = Browser(inbox), Browser(inbox)
        for number in range(OF_BOTH + 1):
            answer = guesser.sign_in(password=f"wrong {number}", X_Forwarded_For="203.0.113.7")
        assert answer.status_code == 429

        assert kim.sign_in(X_Forwarded_For="203.0.113.8").status_code == 303


def test_with_the_first_agent_the_link_and_who_came_by_it_are_out(inbox, link):
    browser = Browser(inbox)
    browser.get(link)
    assert browser.get("/").status_code == 200

    inbox.add_agent("kim")

    assert urlsplit(browser.get("/").headers["Location"]).path == f"{BASE}/sign-in"
    assert Browser(inbox).get(link).status_code == 403
