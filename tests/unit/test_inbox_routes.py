"""Tests what the page answers (inbox/routes.py, auth_routes.py, file_routes.py), without a server."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from inbox_page import PASSWORD, SARA, add_agents, get, post, services_of
from play import NO_TAKING, PSID

from handover_channel.errors import (
    CsrfRefused,
    GraphError,
    HandoverRefused,
    InputRefused,
    NotAllowed,
    NotKnown,
    NotUsable,
    Refused,
    StoreUnavailable,
    TakeNotAllowed,
    TooLarge,
)
from handover_channel.inbox import auth_routes, file_routes, media_links, refusals, routes
from handover_channel.inbox.answer import HEADERS
from handover_channel.inbox.forms import Upload
from handover_channel.inbox.rendering import Pages
from handover_channel.inbox.request import BASE, Request, SignInFirst
from handover_channel.inbox.route import Who
from handover_channel.inbox.sign_in_limits import OF_BOTH
from handover_channel.inbox.view_models import Filters
from handover_channel.rules import limits
from handover_channel.rules.limits import FIELDS
from handover_channel.settings.inbox import InboxSettings
from handover_channel.store import conversation_lists, private_notes, profiles, replies
from handover_channel.store.profiles import Profile


@pytest.fixture
def services(play):
    add_agents(play, "sara", "omar")
    found = services_of(play)
    yield found
    found.pools.shutdown()


@pytest.fixture
def waiting(play):
    """A thread that waits for an agent."""
    play.hands_over()


def sent_by_agents(play):
    return [
        body["message"]["text"] for name, body in play.meta.calls if name == "messages" and "tag" not in body
    ]


# --- the table ---


def test_every_address_has_one_route_by_a_method():
    keys = [(route.method, route.path) for route in routes.ROUTES]

    assert len(keys) == len(set(keys))
    assert {method for method, _ in keys} == {"GET", "POST"}


def test_strangers_are_answered_where_they_come_in_and_nowhere_else():
    open_to_all = {(route.method, route.path) for route in routes.ROUTES if route.who is Who.ANYBODY}

    assert open_to_all == {
        ("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/enter"), ("GET", "/static/<name>"),
        ("GET", "/password"), ("POST", "/password"),
    }  # fmt: skip


def test_only_what_has_a_text_may_be_larger_than_other_forms():
    larger = {
        route.path: route.body for route in routes.ROUTES if route.body not in (limits.FORM, limits.SIGN_IN)
    }

    assert larger == {
        "/thread/<thread>/reply": limits.REPLY,
        "/thread/<thread>/remark": limits.NOTE,
        "/thread/<thread>/return": limits.NOTE,
        "/thread/<thread>/hand-on": limits.NOTE,
        "/thread/<thread>/tag": limits.NOTE,
        "/admin/agents/add": limits.NOTE,
        "/admin/canned/add": limits.NOTE,
        "/admin/canned/change": limits.NOTE,
        "/admin/tags/rename": limits.NOTE,
        "/canned/new": limits.NOTE,
    }


# --- pages ---


async def test_the_first_page_has_the_list_and_asks_for_profiles(play, services, waiting):
    answer = await routes.show_inbox(services, get())

    assert (answer.status, answer.headers) == (200, HEADERS)
    assert f"{BASE}/thread/{PSID}" in answer.content
    assert services.profiles.wanted == [PSID]


async def test_a_list_is_narrowed_by_the_address(services, waiting):
    all_of_it = await routes.show_list(services, get())
    narrowed = await routes.show_list(services, get(query="search=nobody+of+that+name"))

    assert f'data-thread="{PSID}"' in all_of_it.content
    assert f'data-thread="{PSID}"' not in narrowed.content


async def test_an_agent_sorts_a_list_and_finds_it_sorted_so(services, waiting):
    cookie, _ = services.auth.sign_in("sara", PASSWORD, address="203.0.113.9")

    answer = await auth_routes.sort_list(
        services, replace(post(list="waiting", order="newest"), cookie=cookie)
    )

    assert (answer.status, answer.headers["HX-Trigger"]) == (204, "changed")
    sara = await services.visitor(Request(cookie=cookie))
    assert sara.orders == {"waiting": "newest"}
    shown = await routes.show_list(services, get(visitor=sara))
    assert re.search('value="newest" aria-current="true"', shown.content)


@pytest.mark.parametrize("given", [{"list": "bot", "order": "longest"}, {"list": "x"}, {"order": "newest"}])
async def test_a_list_is_not_sorted_as_it_cannot_be(services, given):
    with pytest.raises(NotUsable, match="load the page anew"):
        await auth_routes.sort_list(services, post(**given))


async def test_a_thread_that_was_never_seen_is_no_page(services):
    assert (await routes.show_thread(services, get(thread="99"))).status == 404
    with pytest.raises(NotKnown, match="does not exist"):
        await routes.show_panel(services, get(thread="99"))


async def test_who_opens_a_thread_has_seen_what_the_person_wrote(play, services, waiting):
    play.says("Is anybody there?")

    answer = await routes.show_panel(services, get())

    assert "Is anybody there?" in answer.content
    with play.store.reading() as connection:
        assert conversation_lists.read_up_to(connection, PSID, "sara") == play.row.person_at


async def test_what_is_marked_as_unread_is_closed_and_new_for_that_agent_alone(play, services, waiting):
    for name in ("sara", "omar"):
        services.queries.looked_at(play.row, name)

    answer = await routes.mark_unread(services, post())

    assert (answer.status, answer.headers["HX-Trigger"]) == (200, "changed")
    assert "Choose a conversation." in answer.content
    assert [
        services.queries.list(Filters(list="waiting"), agent=name).items[0].unread
        for name in ("sara", "omar")
    ] == [True, False]
    await routes.show_panel(services, get())
    assert not services.queries.list(Filters(list="waiting"), agent="sara").items[0].unread


async def test_where_the_person_has_written_nothing_nothing_is_unread(play, services):
    play.thread_control.hand_over("silent", "inbox", channel="telegram")

    assert not (await services.thread(get(thread="silent"))).can_be_unread
    with pytest.raises(Refused, match="has written nothing here"):
        await routes.mark_unread(services, post(thread="silent"))
    with pytest.raises(NotKnown, match="does not exist"):
        await routes.mark_unread(services, post(thread="99"))


async def test_next_is_whoever_waits_longest_behind_what_is_shown_and_then_from_the_front(play, services):
    with pytest.raises(NotKnown, match="nobody else is waiting"):
        await routes.show_next(services, get())
    for name in ("first", "second", "third"):
        play.clock.passes(60)
        play.thread_control.hand_over(name, "inbox", channel="telegram")
    services.commands.assign("second", to="sara", seen="", by="sara")

    async def behind(shown):
        answer = await routes.show_next(
            services, get(query=f"thread={shown}", headers={"hx-request": "true"})
        )
        return answer.headers["HX-Push-Url"].rsplit("/", 1)[1]

    assert [await behind(shown) for shown in ("", "first", "third", "second", "99")] == [
        "first", "third", "first", "third", "first",
    ]  # fmt: skip
    services.commands.assign("third", to="sara", seen="", by="sara")
    with pytest.raises(NotKnown, match="nobody else"):
        await behind("first")


async def test_without_script_the_next_is_loaded_as_a_page(services, waiting):
    answer = await routes.show_next(services, get())

    assert (answer.status, answer.headers["Location"]) == (303, f"{BASE}/thread/{PSID}")


async def test_the_command_bar_gets_conversations_by_name(play, services, waiting):
    with play.store.writing() as connection:
        profiles.put(connection, Profile(PSID, "Nadia Farouk", "", play.clock()))

    answer = await routes.show_commands(services, get(query="search=nadi"))

    assert re.search(r'role="option".*?hx-get="[^"]*/thread/7001/panel', answer.content, re.S)
    assert "Nadia Farouk" in answer.content
    assert 'role="option"' not in (await routes.show_commands(services, get(query="search=omar"))).content


async def test_a_page_asked_for_by_nobody_is_not_drawn(services):
    with pytest.raises(SignInFirst):
        await routes.show_inbox(services, get(visitor=None))


# --- what agents do ---


async def test_a_reply_goes_out_and_the_thread_is_its_senders(play, services, waiting):
    answer = await routes.reply(services, post(text="Hello.\r\nHow are you?", key="k1"))

    assert (answer.status, answer.headers["HX-Trigger"]) == (204, "changed")
    assert sent_by_agents(play)[-1] == "Hello.\nHow are you?"
    assert play.row.assignee == "sara"


async def test_without_script_the_thread_is_loaded_anew(services, waiting):
    request = Request("POST", visitor=SARA, in_path={"thread": PSID}, form=post(text="x", key="k1").form)

    answer = await routes.reply(services, request)

    assert (answer.status, answer.headers["Location"]) == (303, f"{BASE}/thread/{PSID}")


async def test_a_reply_in_a_colleagues_thread_is_asked_about_first(play, services, waiting):
    await routes.assign(services, post(agent="omar", assignee_seen=""))

    with pytest.raises(Refused, match="Omar has this conversation"):
        await routes.reply(services, post(text="Hello.", key="k1"))
    await routes.reply(services, post(text="Hello.", key="k1", despite="omar"))

    assert sent_by_agents(play)[-1] == "Hello."
    assert play.row.assignee == "omar"


async def test_a_reply_that_failed_is_sent_again_or_dropped(play, services, waiting):
    with play.store.writing() as connection:
        kept = [
            replies.add(connection, PSID, key=key, agent="sara", text=key, file=None, now=play.clock())
            for key in ("one", "two")
        ]
        for each in kept:
            replies.failed(connection, each.id, "in vain")

    await routes.retry(services, post(reply=kept[0].id))
    await routes.drop(services, post(reply=kept[1].id))

    assert sent_by_agents(play)[-1] == "one"
    with play.store.reading() as connection:
        assert replies.unsent(connection, PSID, now=play.clock()) == []


async def test_a_reply_that_another_app_kept_from_going_is_sent_once_the_thread_is_taken_over(
    play, services, waiting
):
    play.page.app("sales_bot").takes(PSID)  # nobody tells us
    await routes.reply(services, post(text="Hello.", key="k1"))
    assert (play.control, play.row.state.target) == ("app", "sales_bot")
    with play.store.reading() as connection:
        (failed,) = replies.unsent(connection, PSID, now=play.clock())
    sent = sent_by_agents(play)

    again = post(reply=failed.id, take="1")
    await routes.retry(services, again)
    await routes.retry(services, again)  # a second click

    assert sent_by_agents(play) == [*sent, "Hello."]
    assert (play.control, play.row.assignee) == ("inbox", "sara")


async def test_where_meta_refuses_to_take_it_over_the_reply_stays_and_nothing_is_sent(
    play, services, waiting
):
    play.page.app("sales_bot").takes(PSID)
    await routes.reply(services, post(text="Hello.", key="k1"))
    play.meta.fails("take_thread_control", NO_TAKING)
    with play.store.reading() as connection:
        (failed,) = replies.unsent(connection, PSID, now=play.clock())
    sent = sent_by_agents(play)

    with pytest.raises(TakeNotAllowed):
        await routes.retry(services, post(reply=failed.id, take="1"))

    assert sent_by_agents(play) == sent
    with play.store.reading() as connection:
        assert [each.text for each in replies.unsent(connection, PSID, now=play.clock())] == ["Hello."]


async def test_notes_and_tags_are_kept(play, services, waiting):
    await routes.add_note(services, post(text="Calls\r\nback."))
    await routes.tag(services, post(tag="vip"))
    await routes.tag(services, post(tag="new"))
    await routes.tag(services, post(tag="new", remove="1"))

    with play.store.reading() as connection:
        notes = private_notes.of(connection, PSID, before=None, limit=9)
        assert [(each.agent, each.text) for each in notes] == [("sara", "Calls\nback.")]
        assert list(conversation_lists.tags_of(connection, [PSID])[PSID]) == ["vip"]


async def test_who_claims_a_thread_has_it(play, services, waiting):
    await routes.claim(services, post(assignee_seen=""))

    assert play.row.assignee == "sara"


async def test_a_thread_is_taken_over_put_off_and_returned_with_an_intent(play, services):
    play.says("hello")
    await routes.take_over(services, post())
    assert play.control == "inbox"

    before = play.row.until
    await routes.extend(services, post(by="1 hour"))
    assert play.row.until == before + 3600

    with pytest.raises(NotUsable, match="no intent 'sing'"):
        await routes.return_to_bot(services, post(intent="sing"))
    assert play.control == "inbox"
    await routes.return_to_bot(services, post(intent="opening_hours", note="All said."))
    assert play.control == "bot"


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Sara returned it to the bot, which went on with Opening hours"),
        ("ar", "إعادة إلى البوت: Sara، والموضوع التالي: أوقات العمل"),
    ],
)
async def test_the_divider_of_a_return_names_what_the_bot_went_on_with(make_play, language, told):
    titles = {"opening_hours": {"en": "Opening hours", "ar": "أوقات العمل"}}
    play = make_play(inbox=InboxSettings(continue_with=titles))
    add_agents(play, "sara")
    services = services_of(play)
    play.says("hello")
    await routes.take_over(services, post())
    await routes.return_to_bot(services, post(intent="opening_hours"))

    visitor = replace(SARA, language=language)
    drawn = (await routes.show_panel(services, get(visitor))).content
    beside = (await routes.show_person(services, get(visitor))).content

    for each in (drawn, beside):
        assert told in " ".join(re.sub("<[^>]+>", "", each).split())
    assert "/opening_hours" not in drawn
    services.pools.shutdown()


async def test_typing_changes_nothing_that_the_page_shows(services, waiting):
    answer = await routes.note_typing(services, post(page="p1"))

    assert (answer.status, dict(answer.headers)) == (204, dict(HEADERS))


async def test_nothing_is_done_under_an_unknown_name(services):
    request = Request("POST", visitor=SARA, in_path={"thread": PSID, "act": "explode"})

    with pytest.raises(NotKnown, match="nothing called 'explode'"):
        await routes.do_unknown(services, request)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], None),
        ([Upload("", "", b"")], None),
        ([Upload("C:\\Users\\a\\bill.pdf", "application/pdf", b"x")], ("bill.pdf", "application/pdf", b"x")),
        ([Upload("../../etc/passwd", "", b"x")], ("passwd", "application/octet-stream", b"x")),
        ([Upload("", "", b"x")], ("file", "application/octet-stream", b"x")),
    ],
)
def test_the_file_of_a_reply_has_a_name_without_a_path(given, expected):
    found = routes.only_file(given)

    assert (found and (found.name, found.type, found.content)) == expected


def test_a_reply_has_one_file():
    with pytest.raises(NotUsable, match="takes one file"):
        routes.only_file([Upload("a", "", b"a"), Upload("b", "", b"b")])


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "١", "9" * 19])
def test_what_is_no_number_is_no_reply(text):
    with pytest.raises(NotKnown, match="no such reply"):
        routes.reply_id(text)


# --- coming in and going ---


HERE = {"address": "127.0.0.1", "headers": {"host": "localhost"}}


async def test_who_signs_in_gets_a_cookie_and_the_page_they_wanted(services):
    wanted = f"{BASE}/thread/{PSID}"
    answer = await auth_routes.sign_in(services, post(None, name="Sara", password=PASSWORD, next=wanted))

    assert (answer.status, answer.headers["Location"]) == (303, wanted)
    assert services.auth.who(answer.cookie).name == "sara"


async def test_a_wrong_password_is_asked_for_again_and_too_many_later(services):
    wrong = post(None, name="sara", password="wrong", next="/x")
    answers = [await auth_routes.sign_in(services, wrong) for _ in range(OF_BOTH + 1)]

    assert [answer.status for answer in answers] == [403] * OF_BOTH + [429]
    assert 'value="sara"' in answers[0].content
    assert [answer.headers.get("Retry-After") for answer in answers] == [None] * OF_BOTH + ["900"]
    assert not any(answer.cookie for answer in answers)


async def test_who_is_signed_in_is_not_asked_again(services):
    cookie, _ = services.auth.sign_in("sara", PASSWORD, address="")

    assert (await auth_routes.show_sign_in(services, Request(cookie=cookie, **HERE))).status == 303
    assert (await auth_routes.show_sign_in(services, Request(query="next=/x", **HERE))).status == 200


async def test_who_signs_out_is_out(services):
    cookie, you = services.auth.sign_in("sara", PASSWORD, address="")

    answer = await auth_routes.sign_out(services, Request("POST", cookie=cookie, visitor=you))

    assert answer.headers["Location"] == f"{BASE}/sign-in"
    assert services.auth.who(cookie) is None


async def test_a_link_lets_in_where_there_are_no_agents(play):
    services = services_of(play)
    key = services.auth.one_time_link("").rpartition("key=")[2]

    answer = await auth_routes.enter(services, Request(query=f"key={key}", **HERE))

    assert services.auth.who(answer.cookie).signed_in is False
    services.pools.shutdown()


async def test_a_link_leads_on_and_who_is_in_already_stays_in_the_same_sign_in(play):
    services = services_of(play)
    keys = [services.auth.one_time_link("").rpartition("key=")[2] for _ in range(2)]
    there = f"{BASE}/thread/7001"

    first = await auth_routes.enter(services, Request(query=f"key={keys[0]}&next={there}", **HERE))
    again = [Request(query=f"key={key}&next={there}", cookie=first.cookie, **HERE) for key in keys]
    answers = [first, *[await auth_routes.enter(services, each) for each in again]]
    elsewhere = await auth_routes.enter(
        services, Request(query=f"key={keys[1]}&next=//example.com{BASE}/", **HERE)
    )

    assert [each.headers["Location"] for each in answers] == [there] * 3
    assert [each.cookie for each in answers[1:]] == ["", ""]
    assert elsewhere.headers["Location"] == f"{BASE}/"
    services.pools.shutdown()


async def test_a_language_is_that_of_the_page_at_once(services):
    cookie, you = services.auth.sign_in("sara", PASSWORD, address="")
    request = post(you, language="ar", sound="on")

    before = await auth_routes.show_preferences(services, request)
    after = await auth_routes.set_preferences(
        services, Request("POST", cookie=cookie, visitor=you, form=request.form)
    )

    assert ('lang="en"' in before.content, 'dir="rtl"' in after.content) == (True, True)
    assert services.auth.who(cookie).language == "ar"


@pytest.mark.parametrize(
    "path", ["", "/", "//evil.example", f"{BASE}//x", f"{BASE}/\\x", "https://evil.example"]
)
def test_only_pages_of_ours_are_opened(path):
    assert auth_routes.own_path(path) == f"{BASE}/"


def test_behind_a_prefix_the_page_is_opened_that_the_browser_knows():
    assert auth_routes.own_path(f"/bot{BASE}/thread/1", "/bot") == f"{BASE}/thread/1"
    assert auth_routes.own_path(f"{BASE}/thread/1", "/bot") == f"{BASE}/thread/1"
    assert auth_routes.own_path("/bot//evil.example", "/bot") == f"{BASE}/"


# --- files ---


async def test_a_file_of_ours_is_sent_once(services):
    first = await file_routes.show_static(services, Request(in_path={"name": "inbox.js"}))
    again = await file_routes.show_static(
        services, Request(in_path={"name": "inbox.js"}, headers={"if-none-match": first.headers["ETag"]})
    )

    assert (first.status, again.status, again.content) == (200, 304, "")
    assert "javascript" in first.type


@pytest.mark.parametrize("name", ["", "..", "../auth.py", "nothing.js", "inbox.css\0"])
async def test_no_other_file_is_sent(services, name):
    with pytest.raises(NotKnown, match="no such file"):
        await file_routes.show_static(services, Request(in_path={"name": name}))


async def test_a_file_of_elsewhere_is_fetched_for_who_was_given_its_address(services):
    address = "https://example.org/a b.png?x=1"
    services.media_proxy.known[address] = b"png"
    query = media_links.link(SARA, address).partition("?")[2]

    answer = await file_routes.show_file(services, get(query=query))

    assert (answer.content, answer.type) == (b"png", "image/png")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; sandbox")


@pytest.mark.parametrize(
    "query", ["", "of=https://example.org/a.png", "of=https://example.org/a.png&proof=00"]
)
async def test_no_other_address_is_fetched(services, query):
    with pytest.raises(NotKnown, match="not found in a conversation of yours"):
        await file_routes.show_file(services, get(query=query))

    assert services.media_proxy.fetched == []


async def test_a_picture_that_is_gone_is_nobodys(play, services, waiting):
    address = "https://example.org/sara.png"
    with play.store.writing() as connection:
        profiles.put(connection, Profile(PSID, "Sara", address, fetched_at=play.clock()))

    gone = await file_routes.show_picture(services, get())
    services.media_proxy.known[address] = b"png"
    there = await file_routes.show_picture(services, get())

    assert (gone.type, there.content) == ("image/svg+xml", b"png")


# --- refusals ---


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (NotUsable("the note is empty -> write something, or leave it"), 400, "The note is empty."),
        (NotAllowed("%(who)s answers this conversation", who="Sara"), 403, "Sara answers this conversation."),
        (CsrfRefused("the page is older than your sign-in"), 403, "The page is older"),
        (NotKnown("there is no such file"), 404, "There is no such file."),
        (Refused("somebody else was faster"), 409, "Somebody else was faster."),
        (HandoverRefused("handover.yml has no target of kind inbox -> add one"), 409, "Add one."),
        (GraphError("(#27) no", remedy="choose one"), 409, "Meta refused this: ask an admin"),
        (TooLarge("the file is too large"), 413, "The file is too large."),
        (
            InputRefused("the form has more fields than any of ours -> load the page anew", status=400),
            400,
            "fields",
        ),
        (StoreUnavailable("SQL: away"), 503, "The database cannot be reached."),
    ],
)
async def test_a_refusal_is_a_status_and_words(services, error, status, words):
    answer = await refusals.refusal(services, get(), error)

    assert answer.status == status
    assert words in answer.content
    assert "SQL" not in answer.content


async def test_a_refusal_is_a_page_of_its_own_where_no_script_puts_it_into_one(services):
    refused = NotKnown("there is no such file")

    alone = await refusals.refusal(services, get(), refused)
    within = await refusals.refusal(services, post(), refused)

    assert alone.content.lstrip().startswith("<!doctype html>")
    assert "<html" not in within.content
    assert all("There is no such file." in each.content for each in (alone, within))


async def test_a_fault_of_ours_is_told_in_words(services):
    answer = await refusals.fault(services, get())

    assert answer.status == 500
    assert "finds the reason in the log" in answer.content


async def test_a_refusal_is_read_in_the_language_that_the_agent_has_chosen(services):
    cookie, _ = services.auth.sign_in("sara", PASSWORD, address="127.0.0.1")
    services.auth.prefer(cookie, language="ar")
    refused = NotKnown("there is no such file")
    arabic = Pages().render("problem.html", "ar", text=refused.text)

    # Refused before anybody was looked up, and after.
    before = Request(cookie=cookie, headers={"accept-language": "en"})
    after = get(replace(SARA, language="ar"), headers={"accept-language": "en"})
    nobody = Request(cookie="nobody's", headers={"accept-language": "en"})

    assert [(await refusals.refusal(services, each, refused)).content for each in (before, after)] == [
        arabic
    ] * 2
    assert "There is no such file." in (await refusals.refusal(services, nobody, refused)).content


async def test_who_has_to_sign_in_comes_back_to_where_they_were(services):
    path = f"{BASE}/thread/{PSID}"
    page = await refusals.refusal(services, Request(path=path), SignInFirst())
    form = await refusals.refusal(services, Request("POST", path=path), SignInFirst())
    script = await refusals.refusal(
        services, Request(path=path, headers={"hx-request": "true"}), SignInFirst()
    )

    assert page.headers["Location"] == f"{BASE}/sign-in?next={path}"
    assert form.headers["Location"] == f"{BASE}/sign-in"
    assert (script.status, script.headers["HX-Redirect"]) == (401, f"{BASE}/sign-in")


async def test_a_field_that_is_too_long_is_refused_before_anything_is_done(play, services, waiting):
    with pytest.raises(InputRefused, match="'tag' has more than"):
        await routes.tag(services, post(tag="x" * (FIELDS["tag"].value + 1)))

    with play.store.reading() as connection:
        assert not conversation_lists.tags_of(connection, [PSID])
