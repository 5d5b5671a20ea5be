from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("jinja2")
pytest.importorskip("babel")

from babel import Locale
from jinja2 import UndefinedError

from handover_channel.control.person_data import Forgotten
from handover_channel.inbox import auth, bot_facts, labels, local_access, rendering, timeline, view_models
from handover_channel.inbox.admin.agent_accounts import AccountView, NewLink
from handover_channel.inbox.admin.canned_replies import CannedView
from handover_channel.inbox.auth import Visitor
from handover_channel.inbox.rendering import HERE, Pages, query, time_at, translations, zone
from handover_channel.inbox.view_models import (
    CardView,
    Colleague,
    ControlChange,
    Episode,
    Filters,
    Hit,
    Item,
    ListView,
    PersonView,
    PrivateNote,
    Said,
    ThreadView,
    Trouble,
)
from handover_channel.messenger.bubble import Button, Card, File
from handover_channel.messenger.events import PAGE_INBOX_APP_ID
from handover_channel.replies import sending_rules
from handover_channel.rules import control
from handover_channel.rules.control import Control
from handover_channel.rules.languages import LANGUAGES
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.search_words import Piece
from handover_channel.settings.automatic_replies import AUTOMATIC_REPLY, META_AI

BASE = "/webhooks/inbox"
NOW = 1_800_000_000.0
PAGES = Pages(BASE)
YOU = Visitor("mona", "Mona Saleh", True, "token-of-mona", "en", False, False)
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"

TEMPLATES = {path.name: path.read_text(encoding="utf-8") for path in (HERE / "templates").iterdir()}
STATIC = {
    path.name: path.read_text(encoding="utf-8") for path in (HERE / "static").iterdir() if path.is_file()
}
OURS = {name: text for name, text in STATIC.items() if not name.startswith("htmx.")}


def item(**given):
    values = {
        "thread": "psid 1/ä",
        "name": "Sara Haddad",
        "has_picture": False,
        "channel": "facebook",
        "page": "1000000000000001",
        "control": "inbox",
        "target": "inbox",
        "preview": "Where is my parcel?",
        "preview_author": "person",
        "unread": True,
        "waiting_since": NOW - 180,
        "active_at": NOW - 180,
        "until": NOW + 3600,
        "assignee": "",
        "is_mine": False,
        "tags": ("vip",),
    }
    return Item(**{**values, **given})


def list_view(*items, **given):
    values = {"filters": Filters(), "counts": {"waiting": 3}, "items": items or (item(),)}
    return ListView(**{**values, **given})


def thread_view(*entries, **given):
    values = {
        "thread": "psid 1/ä",
        "name": "Sara Haddad",
        "has_picture": False,
        "channel": "facebook",
        "page": "1000000000000001",
        "control": "inbox",
        "target": "inbox",
        "since": NOW - 600,
        "reason": "handed_over",
        "until": NOW + 3600,
        "refusal": "",
        "waiting_since": NOW - 180,
        "assignee": "",
        "assignee_shown": "",
        "is_mine": False,
        "can_reply": True,
        "can_return": True,
        "can_extend": True,
        "can_attach": True,
        "tags": ("vip",),
        "entries": entries,
        "earlier": "1799990000.5",
        "colleagues": (
            Colleague("mona", "Mona Saleh", here=True, is_you=True),
            Colleague("ali", "Ali Rahman", here=True, looking=True, typing=True),
        ),
        "canned": {"hello": "Hello, how can I help?"},
        "intents": ("track_order",),
    }
    return ThreadView(**{**values, **given})


def everything(text="plain"):
    """One of each thing that can be in a thread, with *text* wherever somebody outside has a say."""
    buttons = (Button(text, f"https://example.com/{text}"),)
    files = [
        File(type, f"{BASE}/file?of=1", text) for type in (*labels.FILES, "image", "audio", "video", "newest")
    ]
    speakers = [Said(f"said-{speaker}", NOW, speaker, text, text) for speaker in labels.SPEAKERS]
    marks = [
        Said(f"mark-{mark}", NOW, "agent", text, text, mark=mark, error=text, reply=7)
        for mark in labels.MARKS
    ]
    return (
        *speakers,
        *marks,
        Said(
            "with", NOW, "bot", "", text, files, buttons, buttons, [Card(text, text, f"{BASE}/file", buttons)]
        ),
        Said("missing", NOW, "person", text, files=[File("image", "", text)]),
        *(
            ControlChange(f"change-{reason}", NOW, "bot", "inbox", text, reason, text, text)
            for reason in (*labels.REASONS, "unheard-of")
        ),
        ControlChange("passing", NOW, "bot", "passing", text, "handed_over", text),
        PrivateNote("remark", NOW, text, text),
    )


def person_view(text="plain"):
    """Somebody of whom all is known, as far as people have a say in it with *text*."""
    titled = dict.fromkeys(LANGUAGES, text)
    return PersonView(
        thread=text,
        name=text,
        has_picture=True,
        channel="facebook",
        locale="ar_AR",
        timezone=3.0,
        first_seen=NOW - 86_400,
        slots=[(titled, text)],
        is_known=True,
        tags=(text,),
        episodes=[
            Episode(NOW - 600, None, text, "handed_over", "", "", ""),
            *(
                Episode(NOW - 900, NOW - 800, text, "handed_over", each, text, text)
                for each in labels.REASONS
            ),
        ],
    )


def card_view(text="plain"):
    """A card with all that one can have."""
    titled = dict.fromkeys(LANGUAGES, text)
    troubles = [Trouble(kind, 3, titled) for kind in labels.TROUBLES]
    return CardView(titled, (text, text), titled, titled, troubles, [(titled, text)])


def admin_pages(text):
    """The pages for admins, full and empty: what each is drawn with."""
    accounts = [
        AccountView(text, text, "admin", NOW, "ar", is_here=True),
        AccountView(f"{text}2", text, "agent", NOW, last_seen=NOW, has_password=False),
        AccountView(f"{text}3", text, "agent", NOW, link_until=NOW),
    ]
    link = NewLink(text, text, text, NOW)
    agents = {"template": "agents.html", "page": "agents"}
    yield {**agents, "agents": accounts, "link": link, "address": text, "error": text}
    replies = [CannedView(text, text, text, text, is_hidden=True), CannedView("b", text, text, is_fixed=True)]
    canned = {"template": "canned.html", "page": "canned", "given": {"canned": text, "title": text}}
    tags = {"template": "tags.html", "page": "tags", "given": {"tag": text, "title": text}}
    yield from ({**canned, "replies": replies, "error": text}, {**canned, "replies": []})
    yield from ({**tags, "tags": [(text, 1), ("b", 1100)]}, {**tags, "tags": []})
    data = {"template": "person_data.html", "page": "people", "thread": text, "name": text}
    yield {**data, "held": dict.fromkeys(labels.DATA, 1), "forgotten": None}
    yield {**data, "held": {}, "forgotten": None}
    yield {**data, "held": {}, "forgotten": Forgotten({"transcript": 2}, 3, [text])}
    for said in labels.ADMIN_SAID:
        yield {**agents, "agents": [], "link": None, "said": said}


def draw(template="inbox.html", language="en", **given):
    context = {"you": YOU, "now": NOW, "list": list_view(), "thread": None, "after": "", **given}
    return PAGES.render(template, language, **context)


def draw_thread(*entries, language="en", **given):
    return draw(language=language, thread=thread_view(*entries, **given))


@cache
def every_page(text="plain"):
    return list(_every_page(text))


def _every_page(text):
    """Every template in every state that matters, with *text* wherever somebody outside has a say."""
    you = replace(YOU, shown_name=text)
    hostile = item(name=text, preview=text, assignee=text, tags=(text,), target=text, control="app")
    rows = list_view(hostile, filters=Filters(search=text, tag=text), tags=(text,), targets=(text,))
    thread = thread_view(
        *everything(text),
        name=text,
        tags=(text,),
        refusal=text,
        hint=text,
        canned={text: text},
        intents=(text,),
        colleagues=(Colleague(text, text, looking=True), Colleague("b", text, looking=True, typing=True)),
    )
    closed = replace(thread, can_reply=False, why_not=text, can_take_over=True)
    for language in LANGUAGES:
        yield draw("inbox.html", language, you=you, list=rows)
        yield draw("inbox.html", language, you=you, list=rows, thread=thread)
        yield draw("inbox.html", language, you=you, list=rows, thread=closed)
        yield draw("_list.html", language, you=you, list=list_view(), after=text)
        yield draw("_person.html", language, you=you, person=person_view(text))
        yield draw("_person.html", language, you=you, person=replace(person_view(text), is_known=False))
        yield draw("_card.html", language, you=you, card=card_view(text))
        yield draw("_card.html", language, you=you, card=None)
        yield draw("sign_in.html", language, you=None, error=text, name=text, next=text)
        yield draw("sign_in.html", language, you=None, error="", no_password=True)
        yield draw("preferences.html", language, you=you, saved=True)
        for page in admin_pages(text):
            yield draw(language=language, you=you, **{"given": {"name": text}, **page})
        new = {"of": text, "given": {"title": text, "text": text}, "error": text}
        yield draw("new_canned.html", language, you=you, **new)
        yield draw("password.html", language, you=None, key=text, name=text, error=text)
        yield draw("password.html", language, you=None, key="", name="", error="")
        yield draw("_problem.html", language, text=text)
        yield draw("problem.html", language, text=text)
        for reason in labels.REFUSALS:
            yield draw("refused.html", language, you=None, reason=reason)


class Document(HTMLParser):
    """What a browser makes of a page, as far as these tests ask."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.said = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.said.append(data)

    def all(self, tag, **wanted):
        return [attrs for name, attrs in self.tags if name == tag and wanted.items() <= attrs.items()]

    @property
    def text(self):
        return " ".join("".join(self.said).split())


# --- who the person is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "locale", "shown"),
    [("en", "ar_AR", "Arabic"), ("ar", "en_GB", "الإنجليزية (المملكة المتحدة)"), ("en", "xx_YY", "xx_YY")],
)
def test_a_locale_is_named_in_the_language_of_who_looks(language, locale, shown):
    person = replace(person_view(), locale=locale)

    assert shown in Document(draw("_person.html", language, person=person)).text


@pytest.mark.parametrize(
    ("hours", "name", "time"),
    [
        (3.0, "UTC+3", "03:00"),
        (-3.5, "UTC-3:30", "20:30"),
        (0.0, "UTC+0", "00:00"),
        (5.75, "UTC+5:45", "05:45"),
    ],
)
def test_the_persons_time_of_day_is_shown_with_the_zone(hours, name, time):
    assert (zone(hours), time_at(86_400.0 * 20_000, hours)) == (name, time)


def test_every_failure_has_words():
    kinds = {bot_facts.MISUNDERSTOOD, bot_facts.ANSWER_NOT_TAKEN, bot_facts.BROKE, bot_facts.NOBODY_THERE}

    assert kinds == set(labels.TROUBLES)


# --- nothing but text -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["plain", SCRIPT, "{{ 7 * 7 }} {% raw %} %(name)s 100%"])
def test_no_page_has_an_inline_script_or_style_whatever_people_write(text):
    for page in every_page(text):
        found = Document(page).tags
        assert not [tag for tag, attrs in found if tag == "script" and not attrs["src"].startswith(BASE)]
        assert not [tag for tag, attrs in found if tag == "style" or "style" in attrs]
        assert not [attrs for _, attrs in found for name in attrs if name.startswith(("on", "hx-on"))]
        assert not [attrs for tag, attrs in found if tag == "img" and not attrs["src"].startswith(BASE)]
        assert "49" not in page


def test_a_script_in_name_and_message_is_shown_as_it_was_written():
    page = Document(draw_thread(Said("1", NOW, "person", SCRIPT, SCRIPT), name=SCRIPT))

    assert page.text.count("<script>alert(1)</script>") >= 3


@given(st.text(min_size=1, max_size=80).filter(lambda text: "\x00" not in text))
def test_any_text_of_a_person_arrives_whole_and_as_text(text):
    drawn, plain = (_fragment(Said("1", NOW, "person", "Sara", each)) for each in (text, "x"))

    assert " ".join(text.split()) in drawn.text
    assert len(drawn.tags) == len(plain.tags)


def _fragment(*entries):
    thread = thread_view(*entries, canned={}, earlier="")
    return Document(PAGES.render("_thread.html", "en", you=YOU, now=NOW, thread=thread))


@given(st.text(min_size=1, max_size=40))
def test_a_thread_is_one_segment_of_its_address_whatever_its_id_is(thread):
    page = Document(draw("_list.html", list=list_view(item(thread=thread))))
    addresses = [attrs["href"] for attrs in page.all("a") if "data-thread" in attrs]

    assert len(addresses) == 1
    assert re.fullmatch(rf"{BASE}/thread/[^/?#]+", addresses[0])


def test_nothing_in_a_page_asks_another_host():
    elsewhere = re.compile(r"(?:https?:)?//[a-z]")
    allowed = ("http://www.w3.org/2000/svg", "http://localhost")
    for name, text in {**TEMPLATES, **OURS}.items():
        for line in text.splitlines():
            asked = line if not line.strip().startswith(("//", "{#")) else ""
            for known in allowed:
                asked = asked.replace(known, "")
            assert not elsewhere.search(asked), f"{name}: {line}"


def test_every_form_that_changes_something_carries_the_token():
    page = draw_thread(*everything(), can_take_over=True)
    forms = [form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if 'method="post"' in form]

    assert len(forms) >= 10
    assert all('name="csrf" value="token-of-mona"' in form for form in forms)
    assert '"X-CSRF-Token": "token-of-mona"' in page


def test_what_a_template_does_not_get_is_an_error():
    with pytest.raises(UndefinedError):
        PAGES.render("inbox.html", "en", you=YOU)


# --- what is there --------------------------------------------------------------------------------


def test_every_id_is_there_once():
    for page in every_page():
        ids = [attrs["id"] for _, attrs in Document(page).tags if "id" in attrs]
        assert len(ids) == len(set(ids))


def test_everything_that_is_clicked_or_filled_in_has_a_name():
    for page in every_page():
        named = {attrs["for"] for attrs in Document(page).all("label") if "for" in attrs}
        for tag, attrs in Document(page).tags:
            if tag in ("input", "select", "textarea") and attrs.get("type") not in ("hidden", "checkbox"):
                assert attrs.get("id") in named or "aria-label" in attrs, attrs


def test_every_icon_that_is_named_is_drawn():
    drawn = set(re.findall(r"\.icon-([a-z]+) \{ --icon", STATIC["icons.css"]))
    named = {name for page in every_page() for name in re.findall(r"icon icon-([a-z]+)", page)}

    assert named <= drawn


def test_every_file_that_a_page_or_a_script_loads_is_there():
    for page in every_page():
        assert set(re.findall(rf"{BASE}/static/([\w.]+)", page)) <= set(STATIC)
    for name, text in OURS.items():
        assert set(re.findall(r'from "\./(\w+\.js)"', text)) <= set(STATIC), name


def test_a_page_begins_to_load_every_part_of_its_script_at_once():
    loaded = set(re.findall(rf"{BASE}/static/(\w+\.js)", draw()))

    assert loaded == {name for name in OURS if name.endswith(".js")} - {
        "preferences.js",
        "password.js",
        "sign_in.js",
        "admin.js",
        "new_canned.js",
    }


def test_every_word_that_the_script_says_is_in_the_page():
    asked = {name for text in OURS.values() for name in re.findall(r'\bsays\("(\w+)"\)', text)}
    asked |= {"late", "offline"}  # chosen between
    body = Document(draw()).all("body")[0]

    assert {f"data-says-{name}" for name in asked} == {name for name in body if name.startswith("data-says-")}


def test_what_is_vendored_has_its_licence_beside_it():
    vendored = {name.split(".")[0] for name in STATIC if name.endswith(".min.js")}

    assert vendored == {name.split(".")[0] for name in STATIC if name.endswith(".LICENSE.txt")} == {"htmx"}


def test_a_fragment_of_a_thread_needs_no_list():
    drawn = PAGES.render("_thread.html", "en", you=YOU, now=NOW, thread=thread_view(*everything()))

    assert Document(drawn).all("article", id="thread", **{"data-thread": "psid 1/ä"})


# --- the list -------------------------------------------------------------------------------------


def test_an_item_says_who_waits_how_long_and_what_for():
    page = Document(draw())

    assert "Sara Haddad" in page.text
    assert "waiting 3 min" in page.text
    assert "Unread: Where is my parcel?" in page.text
    assert "vip" in page.text


def test_what_is_elsewhere_shows_who_has_it_and_when_it_ends():
    page = draw(list=list_view(item(control="app", target="hootsuite", waiting_since=None)))

    assert "hootsuite" in Document(page).text
    assert rendering.iso(NOW + 3600) in page


def test_the_address_of_a_list_leaves_out_what_filters_nothing():
    assert query(Filters()) == ""
    assert query(Filters(list="mine", search="a&b", tag="ü")) == "?list=mine&search=a%26b&tag=%C3%BC"
    assert query(Filters(list="mine"), list="waiting") == ""
    assert query(Filters(), after="1.5~x") == "?after=1.5~x"


def test_tabs_keep_the_filters_and_the_next_page_the_tab():
    page = Document(draw(list=list_view(filters=Filters(list="open", tag="vip"), after="2~b")))

    assert page.all("a", href=f"{BASE}/?list=mine&tag=vip")
    assert page.all("a", rel="next", href=f"{BASE}/?list=open&tag=vip&after=2~b")
    assert [attrs["data-list"] for attrs in page.all("a", **{"aria-current": "page"})] == ["open"]


def test_what_a_list_is_narrowed_to_stands_below_the_search_and_can_be_taken_away():
    filters = Filters(list="open", agent="~", channel="socketio", unread="1", tag="vip")
    page = Document(
        draw("_list.html", list=list_view(filters=filters, agents={"mona": "Mona", "ali": "Ali"}))
    )

    for told in ("Answered by: Nobody", "Channel: socketio", "Unread only", "Tag: vip"):
        assert told in page.text
    (chip,) = page.all("a", **{"aria-label": "Remove the filter Unread only"})
    assert chip["href"] == f"{BASE}/?list=open&tag=vip&agent=~&channel=socketio"


def test_a_window_that_ends_soon_is_told_with_the_time_that_is_left():
    rows = list_view(item(window="standard", window_left=5400.0), item(window="over"))
    page = Document(draw("_list.html", list=rows))

    assert "24 h window:" in page.text
    assert "Window closed" in page.text


def test_a_list_that_can_be_sorted_says_how_it_is():
    rows = list_view(order="window", orders=("longest", "newest", "window"))
    page = Document(draw("_list.html", list=rows))

    (chosen,) = (attrs for attrs in page.all("button", name="order") if attrs.get("aria-current"))
    assert chosen["value"] == "window"
    assert not Document(draw("_list.html", list=list_view(order="newest", orders=("newest",)))).all(
        "button", name="order"
    )


def test_a_count_beyond_what_is_counted_says_so():
    assert "99+" in draw(list=list_view(counts={"open": 1000}))


@pytest.mark.parametrize("name", view_models.LISTS)
def test_an_empty_list_says_what_that_means(name):
    page = Document(draw(list=ListView(Filters(list=name), {}, ())))

    assert labels.EMPTY[name] in page.text


# --- the thread -----------------------------------------------------------------------------------


def found_view(**given):
    hit = Hit("line-7", NOW - 60, "person", [Piece("my "), Piece("parcel", True)], more=2)
    people = (item(state="returned", named=[Piece("Sara", True), Piece(" Haddad")]),)
    values = {"filters": Filters(list="mine", search="wet parcel"), "people": people}
    return list_view(item(state="waiting", hit=hit), **{**values, **given})


def test_what_is_found_says_in_which_list_it_is_and_marks_the_words():
    page = draw("_list.html", list=found_view())

    assert "<mark>parcel</mark>" in page
    assert "<mark>Sara</mark> Haddad" in page
    for told in ("Customers", "Messages", "Waiting", "Returned", "2 more messages"):
        assert told in Document(page).text


def test_what_is_found_leads_to_its_place_and_keeps_the_words():
    page = Document(draw("_list.html", list=found_view()))
    (link,) = page.all("a", **{"data-found": "line-7"})

    place = "?list=mine&search=wet+parcel&found=line-7"
    assert link["href"] == f"{BASE}/thread/psid%201%2F%C3%A4{place}"
    assert link["hx-get"] == f"{BASE}/thread/psid%201%2F%C3%A4/panel?search=wet+parcel&found=line-7"


@pytest.mark.parametrize("only", ["list", "names"])
def test_a_search_of_less_than_everything_offers_everything_with_its_words(only):
    filters = Filters(list="mine", search="wet parcel", only=only)
    page = Document(draw("_list.html", list=found_view(filters=filters)))

    assert f"{BASE}/?list=mine&search=wet+parcel" in [attrs["href"] for attrs in page.all("a")]
    assert "Search everything" in page.text


def test_a_tab_narrows_a_search_to_its_list_and_is_current_only_then():
    everywhere = Document(draw("_list.html", list=found_view()))
    here = Document(draw("_list.html", list=found_view(filters=Filters("mine", "wet", only="list"))))

    assert everywhere.all("a", href=f"{BASE}/?list=open&search=wet+parcel&only=list")
    assert not everywhere.all("a", **{"aria-current": "page"})
    assert [attrs["data-list"] for attrs in here.all("a", **{"aria-current": "page"})] == ["mine"]


def test_a_search_that_finds_nothing_keeps_its_words_and_says_what_it_did():
    nothing = replace(found_view(people=()), items=())
    page = Document(draw("_list.html", list=nothing))
    signs = Document(draw("_list.html", list=replace(nothing, is_signs=True)))
    so_far = Document(draw("_list.html", list=replace(nothing, after="5~0")))
    early = Document(draw("_list.html", list=replace(nothing, missing_before=NOW)))

    assert "Nothing found." in page.text
    assert page.all("input", value="wet parcel")
    assert "Signs alone are not looked for" in signs.text
    assert "There are older messages" in so_far.text
    assert so_far.all("a", rel="next", href=f"{BASE}/?list=mine&search=wet+parcel&after=5~0")
    assert "The search is being built" in early.text


def test_the_entry_that_was_found_is_marked_with_the_words_in_it():
    entries = (
        Said("line-7", NOW, "person", "", "the wet Parcel"),
        Said("line-8", NOW, "person", "", "parcel"),
    )
    page = draw(thread=thread_view(*entries, found="line-7", wanted=("parcel",)))

    assert page.count("<mark>") == 1
    assert "the wet <mark>Parcel</mark>" in page
    assert Document(page).all("div", id="e-line-7", tabindex="-1")


def test_speakers_are_told_apart_by_words():
    page = Document(draw_thread(*(Said(name, NOW, name, "", "x") for name in labels.SPEAKERS)))

    assert all(title in page.text for title in labels.SPEAKERS.values())


def test_what_the_same_speaker_says_at_once_stands_together():
    said = [Said(str(number), NOW + number, "person", "Sara", "x") for number in range(3)]
    later = Said("later", NOW + 3600, "person", "Sara", "x")
    page = _fragment(*said, later)
    classes = [attrs["class"].split() for attrs in page.all("div") if attrs.get("id", "").startswith("e-")]

    assert ["follows" in each for each in classes] == [False, True, True, False]


def test_buttons_are_shown_and_cannot_be_clicked():
    page = draw_thread(Said("1", NOW, "bot", "", "x", buttons=[Button("Track", "https://example.com")]))

    assert "Track" in Document(page).text
    assert not Document(page).all("a", href="https://example.com")


def test_a_reply_that_failed_keeps_its_reason_and_can_be_retried_or_dropped():
    failed = Said("1", NOW, "agent", "Mona", "x", mark="failed", error="it is closed -> wait", reply=42)
    page = draw_thread(failed)

    assert "It is closed. Wait." in Document(page).text
    assert page.count('name="reply" value="42"') == 2


def test_where_nothing_can_be_sent_the_reason_stands_in_place_of_the_box():
    page = Document(draw_thread(can_reply=False, why_not=sending_rules.TOO_LATE))

    assert sending_rules.TOO_LATE in page.text
    assert not page.all("textarea", id="reply-text")
    assert page.all("textarea", id="remark-text")


def test_a_refusal_of_meta_is_shown():
    page = Document(draw_thread(refusal="(#27) no default app -> set one"))

    assert "Meta did not give control back. (#27) no default app. Set one." in page.text


@pytest.mark.parametrize(("before", "fell"), [("bot", True), ("inbox", False), ("app", False)])
def test_a_bot_that_was_silent_before_is_not_said_to_fall_silent(before, fell):
    change = ControlChange("1", NOW, before, "app", "sales_bot", control.STAFF_TOOK_OVER, "meta")
    page = Document(draw_thread(change))

    assert ("fell silent" in page.text) is fell
    assert "sales_bot" in page.text


@pytest.mark.parametrize(("language", "name"), [("en", "Page inbox"), ("ar", "صندوق وارد الصفحة")])
def test_the_page_inbox_is_called_so_where_no_target_has_a_name_for_it(language, name):
    said = Said("1", NOW, "app", PAGE_INBOX_APP_ID, "x")
    change = ControlChange("2", NOW, "bot", "app", PAGE_INBOX_APP_ID, control.STAFF_TOOK_OVER, "meta")
    page = Document(draw_thread(said, change, language=language, target=PAGE_INBOX_APP_ID, control="app"))

    assert page.text.count(name) >= 3
    assert PAGE_INBOX_APP_ID not in page.text


def test_a_conversation_that_was_never_seen_is_told_to_be_none():
    assert "This conversation does not exist, or not any more." in Document(draw(unknown=True)).text
    assert "Choose a conversation." in Document(draw()).text


def test_a_claim_says_who_had_it_when_it_was_made():
    page = draw_thread(assignee="ali", assignee_shown="Ali Rahman")

    assert 'name="assignee_seen" value="ali"' in page
    assert 'class="primary" data-does="claim"' not in page


def test_a_colleague_who_looks_or_types_is_named():
    looking = Colleague("a", "Ali", looking=True)
    typing = Colleague("b", "Ben", looking=True, typing=True)
    page = Document(draw_thread(colleagues=(looking, typing, Colleague("c", "Cem"))))

    assert "Ali is looking" in page.text
    assert "Ben is typing" in page.text
    assert "Cem is" not in page.text


# --- words ----------------------------------------------------------------------------------------


def test_every_reason_of_a_change_has_a_sentence():
    reasons = {reason.value for reason in ReturnReason}
    reasons |= {control.HANDED_OVER, control.REQUESTED, control.STAFF_TOOK_OVER}
    reasons |= {control.NOT_RELEASED, control.CHANNEL_CORRECTED}
    reasons |= {AUTOMATIC_REPLY, META_AI}
    reasons |= {control.TOOK_OVER, control.HANDED_ON, control.EXTENDED, "settled", "pass_refused"}

    assert reasons == set(labels.REASONS)


def test_every_control_has_its_words():
    assert {control.value for control in Control} == set(labels.SILENCE_LABELS)


def test_every_reason_not_to_be_let_in_is_explained():
    reasons = {auth.LINK, auth.USED, auth.AGENTS}
    reasons |= {local_access.ELSEWHERE, local_access.PROXY, local_access.HOST}

    assert reasons == set(labels.REFUSALS)


def test_what_the_table_of_extensions_offers_is_a_duration():
    from handover_channel.rules.durations import parse_duration

    assert all(parse_duration(by).total_seconds() > 0 for by in labels.EXTENSIONS)


# --- languages ------------------------------------------------------------------------------------


def test_plural_forms_of_arabic_are_those_of_cldr():
    forms = ("zero", "one", "two", "few", "many", "other")
    plural = translations("ar").plural
    ours = {number: forms[plural(number)] for number in range(1200)}

    assert ours == {number: Locale("ar").plural_form(number) for number in range(1200)}


def test_an_arabic_page_reads_from_right_to_left():
    page = Document(draw("inbox.html", "ar"))

    assert page.all("html", lang="ar", dir="rtl")
    assert "صندوق الوارد" in page.text
    assert "3 د" in page.text


def test_a_language_there_is_not_is_english():
    assert Document(draw("inbox.html", "xx")).all("html", lang="en", dir="ltr")


def test_the_preferences_offer_every_language_in_its_own_words():
    page = Document(draw("preferences.html", saved=False))

    assert all(page.all("option", lang=code, value=code) for code in LANGUAGES)
    assert all(language.title in page.text for language in LANGUAGES.values())


def test_every_language_but_english_has_a_catalogue():
    assert {path.parent.name for path in HERE.glob("locale/*/messages.po")} == set(LANGUAGES) - {"en"}


@pytest.mark.parametrize(
    ("seconds", "english", "arabic"),
    [
        (-5, ("less than a minute", "< 1 min"), ("أقل من دقيقة", "أقل من دقيقة")),
        (59.9, ("less than a minute", "< 1 min"), ("أقل من دقيقة", "أقل من دقيقة")),
        (90, ("1 minute", "1 min"), ("دقيقة", "1 د")),
        (180, ("3 minutes", "3 min"), ("3 دقائق", "3 د")),
        (91 * 60, ("1 hour 31 minutes", "1 h 31 min"), ("ساعة و31 دقيقة", "1 س و31 د")),
        (2 * 3600 + 59, ("2 hours", "2 h"), ("ساعتان", "2 س")),
        (86400 + 60, ("1 day", "1 d"), ("يوم", "1 ي")),
        (3 * 86400 + 23.99 * 3600, ("3 days 23 hours", "3 d 23 h"), ("3 أيام و23 ساعة", "3 ي و23 س")),
    ],
)
def test_every_language_says_how_long_something_lasts_rounded_down(seconds, english, arabic):
    for language, words in {"en": english, "ar": arabic}.items():
        lasting = rendering._formats(language, translations(language))["lasting"]
        assert (lasting(seconds), lasting(seconds, "short")) == words


# --- small things ---------------------------------------------------------------------------------


def test_times_are_written_in_utc():
    assert rendering.iso(0) == "1970-01-01T00:00:00Z"
    assert 'datetime="2027-01-15T08:00:00Z"' in draw_thread(Said("1", NOW, "person", "Sara", "x"))


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Sara Haddad", "SH"), ("sara", "S"), ("A B C", "AC"), ("ليلى منصور", "لم"), ("<b>", "?"), ("", "?")],
)
def test_who_has_no_picture_has_letters(name, letters):
    assert rendering.initials(name) == letters


@pytest.mark.parametrize(("language", "told"), [("en", "Test in rasa shell"), ("ar", "تجربة أجراها المطوّر")])
def test_a_conversation_of_rasa_shell_is_marked_as_a_test(language, told):
    drawn = draw(language=language, list=list_view(item(channel="cmdline"), item(channel="socketio")))
    seen = Document(drawn).text

    assert seen.count(told) == 1
    assert "cmdline" not in seen
    assert "socketio" in seen


# --- who speaks, and when ---------------------------------------------------------------------------


def said_by(speaker, name, *ats):
    return [Said(f"{speaker}-{at}", NOW + at, speaker, name, f"words {at}") for at in ats]


def classes_of(page):
    return {
        attrs["id"]: attrs["class"].split()
        for attrs in Document(page).all("div")
        if attrs.get("class", "").startswith("said")
    }


def test_of_several_messages_in_a_row_the_first_has_the_picture_and_the_last_the_time():
    page = draw_thread(*said_by("person", "Sara Haddad", 0, 10, 20), *said_by("agent", "Ali", 30))

    first, second, third, other = classes_of(page).values()
    assert "leads" in first
    assert "leads" in second
    assert "follows" in second
    assert "follows" in third
    assert not {"leads", "follows"} & {*other}
    assert "leads" not in third
    assert "follows" not in first
    entries = page[page.index('id="entries"') : page.index("</article>")]
    assert entries.count('class="picture small') == 2


def test_a_message_that_failed_or_was_edited_tells_its_time_also_within_a_row():
    row = [replace(each, mark="failed", error="refused") for each in said_by("agent", "Ali", 0, 10)]
    edited = [replace(each, former=("before",)) for each in said_by("person", "Sara Haddad", 20, 30)]

    assert not any("leads" in each for each in classes_of(draw_thread(*row, *edited)).values())


def test_names_are_shown_of_colleagues_and_outsiders_alone():
    given = [
        *said_by("person", "Sara Haddad", 0),
        *said_by("agent", YOU.shown_name, 400),
        *said_by("agent", "Ali", 800),
        *said_by("app", "hootsuite", 1200),
    ]

    page = draw_thread(*given)

    shown = [attrs["class"] for attrs in Document(page).all("p") if "speaker" in attrs.get("class", "")]
    assert ["unseen" in each for each in shown] == [True, True, False, False]


@pytest.mark.parametrize("where", ["buttons", "quick_replies"])
def test_the_button_that_was_taken_is_marked_and_no_other(where):
    both = (Button("Opening hours"), Button("My order"))
    asked = replace(said_by("bot", "", 0)[0], **{where: both}, chosen="My order")

    page = Document(draw_thread(asked))

    assert len(page.all("li", **{"class": "chosen"})) == 1
    assert "Chosen:My order" in page.text


def test_what_the_person_took_are_the_next_words_that_are_a_title():
    asked = replace(said_by("bot", "", 0)[0], buttons=(Button("A"), Button("B")))
    tapped = replace(said_by("person", "x", 20)[0], text="B")
    other = replace(said_by("person", "x", 20)[0], text="neither")

    chosen = [
        timeline.with_choices(entries)[0].chosen
        for entries in ([asked, *said_by("bot", "", 5), tapped], [asked, other, tapped], [asked])
    ]

    assert chosen == ["B", "", ""]
