"""Admins look after agents (inbox/admin/agent_accounts.py), and agents set passwords by links."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from inbox_page import ADMIN as MONA
from inbox_page import PASSWORD, PASSWORDS, add_agents, get, post, services_of

from handover_channel.errors import AgentRefused, NotKnown, NotUsable, Refused, WrongPassword
from handover_channel.inbox import auth_routes
from handover_channel.inbox.admin import agent_routes
from handover_channel.inbox.admin.agent_accounts import PASSWORD_LINK_FOR, AgentAccounts
from handover_channel.inbox.auth import Auth
from handover_channel.inbox.request import BASE, Request
from handover_channel.store import acts, agents, presence
from handover_channel.store.admin_schema import agent_links
from handover_channel.store.agents import ADMIN, AGENT, YOU

ANOTHER = "another long password"


@pytest.fixture
def accounts(play):
    return AgentAccounts(play.store, play.clock, PASSWORDS)


@pytest.fixture
def auth(play):
    return Auth(play.store, play.clock, passwords=PASSWORDS)


@pytest.fixture
def mona(play):
    """The only admin, with a password."""
    add_agents(play, "mona")
    with play.store.writing() as connection:
        agents.set_role(connection, "mona", ADMIN, now=play.clock())


@pytest.fixture
def omar(accounts, mona):
    """An agent who has a link, and no password yet."""
    return accounts.add("Omar", "Omar from the shop", AGENT, by="mona")


def logged(play):
    with play.store.reading() as connection:
        rows = connection.execute(sa.select(acts.acts).order_by(acts.acts.c.id)).mappings()
        return [(row["kind"], row["agent"], row["whom"]) for row in rows]


def view_of(accounts, name):
    return next(each for each in accounts.every() if each.name == name)


# --- links ---


def test_who_was_added_sets_a_password_by_the_link_and_signs_in(accounts, auth, omar):
    assert accounts.holder(omar.token).name == "omar"
    assert accounts.set_password(omar.token, PASSWORD, PASSWORD) == "omar"

    assert auth.sign_in("omar", PASSWORD, address="")[1].shown_name == "Omar from the shop"


def test_nobody_signs_in_as_one_who_has_not_set_a_password(auth, omar):
    for password in ("", PASSWORD):
        with pytest.raises(WrongPassword):
            auth.sign_in("omar", password, address="")


def test_a_link_is_good_once(accounts, auth, omar):
    accounts.set_password(omar.token, PASSWORD, PASSWORD)

    with pytest.raises(NotKnown, match="used already"):
        accounts.set_password(omar.token, ANOTHER, ANOTHER)
    assert auth.sign_in("omar", PASSWORD, address="")


def test_of_two_who_use_a_link_at_once_one_sets_the_password(accounts, omar, play):
    ready, done = threading.Barrier(2), []

    class Slow:
        def hash(self, password):
            ready.wait(timeout=10)
            return PASSWORDS.hash(password)

    def use(password):
        try:
            done.append(
                AgentAccounts(play.store, play.clock, Slow()).set_password(omar.token, password, password)
            )
        except NotKnown:
            done.append("")

    both = [threading.Thread(target=use, args=(each,)) for each in (PASSWORD, ANOTHER)]
    for each in both:
        each.start()
    for each in both:
        each.join(timeout=20)

    assert sorted(done) == ["", "omar"]


@pytest.mark.parametrize(("after", "is_good"), [(PASSWORD_LINK_FOR - 1, True), (PASSWORD_LINK_FOR, False)])
def test_a_link_is_good_until_the_time_that_is_said(accounts, omar, play, after, is_good):
    play.clock.now += omar.expires_at - PASSWORD_LINK_FOR - play.clock() + after

    if is_good:
        assert accounts.holder(omar.token).name == "omar"
    else:
        with pytest.raises(NotKnown, match="too old"):
            accounts.set_password(omar.token, PASSWORD, PASSWORD)
        assert view_of(accounts, "omar").link_until is None


@given(tampered=st.text(max_size=60))
def test_no_other_text_opens_what_the_link_does(accounts_of_module, tampered):
    accounts, link = accounts_of_module
    for token in (tampered, link.token + tampered, link.token[:-1] + tampered[:1], link.token.swapcase()):
        if token != link.token:
            with pytest.raises(NotKnown):
                accounts.holder(token)


@pytest.fixture(scope="module")
def accounts_of_module(tmp_path_factory):
    from handover_channel.store import Store

    store = Store(f"sqlite:///{tmp_path_factory.mktemp('links')}/a.db")
    accounts = AgentAccounts(store, lambda: 1.0, PASSWORDS)
    yield accounts, accounts.add("mona", "", ADMIN, by=YOU)
    store.close()


def test_the_database_has_the_hash_of_a_link_alone(omar, play):
    with play.store.reading() as connection:
        kept = connection.execute(sa.select(agent_links)).mappings().all()

    assert [len(row["key"]) for row in kept] == [64]
    assert omar.token not in repr(kept)
    assert omar.token not in repr(omar)


def test_a_newer_link_makes_the_older_one_worthless(accounts, omar):
    newer = accounts.new_link("omar", by="mona")

    with pytest.raises(NotKnown):
        accounts.holder(omar.token)
    assert accounts.holder(newer.token).name == "omar"


def test_until_the_link_is_used_the_password_of_before_is_good_and_then_every_sign_in_ends(
    accounts, auth, mona
):
    link = accounts.new_link("mona", by="mona")
    cookie, _ = auth.sign_in("mona", PASSWORD, address="")

    accounts.set_password(link.token, ANOTHER, ANOTHER)

    assert auth.who(cookie) is None
    with pytest.raises(WrongPassword):
        auth.sign_in("mona", PASSWORD, address="")


@pytest.mark.parametrize(
    ("password", "again", "error", "said"),
    [
        ("short", "short", AgentRefused, "at least 10 characters"),
        (PASSWORD, "a long passwort", NotUsable, "not the same"),
        ("1234567890", "1234567890", AgentRefused, "first that are tried"),
    ],
)
def test_a_password_that_cannot_be_uses_no_link_up(accounts, omar, password, again, error, said):
    with pytest.raises(error, match=said):
        accounts.set_password(omar.token, password, again)
    assert accounts.holder(omar.token).name == "omar"


@pytest.mark.parametrize("end", ["removed", "another_password"])
def test_a_link_ends_with_its_agent_and_with_a_password_set_by_command(accounts, omar, play, end):
    if end == "removed":
        accounts.remove("omar", by="mona")
        accounts.add("omar", "", AGENT, by="mona")
    else:
        with play.store.writing() as connection:
            agents.set_password(connection, "omar", PASSWORDS.hash(PASSWORD), now=play.clock())

    with pytest.raises(NotKnown):
        accounts.holder(omar.token)


# --- who can be added, changed, removed ---


@pytest.mark.parametrize("name", ["", "   ", "o mar", "x" * 65, "x" * 10_000, YOU, "a/b", "\u202eomar"])
def test_a_name_that_cannot_be_is_refused_and_nobody_is_added(accounts, mona, name):
    with pytest.raises(AgentRefused):
        accounts.add(name, "Omar", AGENT, by="mona")
    assert [each.name for each in accounts.every()] == ["mona"]


@pytest.mark.parametrize("shown", ["   ", "x" * 101, "Omar\x1b[31m", "\u200f\u200f"])
def test_a_shown_name_that_cannot_be_read_is_refused(accounts, mona, shown):
    with pytest.raises(AgentRefused, match="cannot be shown"):
        accounts.add("omar", shown, AGENT, by="mona")


@pytest.mark.parametrize(
    ("name", "shown"), [("عمر", "عمر من المتجر"), ("李雷", "李雷"), ("o-mar", "O'Mar & <b>")]
)
def test_names_of_any_language_are_taken(accounts, mona, name, shown):
    link = accounts.add(name, shown, AGENT, by="mona")

    assert (link.agent, link.shown_name) == (name, shown)


def test_a_name_is_taken_once_however_it_is_typed(accounts, omar):
    with pytest.raises(Refused, match="already -> take another name"):
        accounts.add(" OMAR", "", ADMIN, by="mona")
    assert view_of(accounts, "omar").role == AGENT


def test_the_first_one_is_an_admin(accounts):
    with pytest.raises(AgentRefused, match="first one has to be an admin"):
        accounts.add("omar", "", AGENT, by=YOU)
    assert accounts.every() == []
    assert accounts.add("mona", "", ADMIN, by=YOU).agent == "mona"


@pytest.mark.parametrize("by", ["mona", "lee"])
def test_the_last_admin_who_can_sign_in_stays_one(accounts, omar, by):
    accounts.add("lee", "", ADMIN, by="mona")  # has set no password: nobody could sign in as an admin

    with pytest.raises(Refused, match="only admin who can sign in"):
        accounts.remove("mona", by=by)
    with pytest.raises(Refused, match="only admin who can sign in"):
        accounts.set_role("mona", AGENT, by=by)
    assert view_of(accounts, "mona").role == ADMIN


def test_an_admin_goes_where_there_is_another(accounts, mona):
    accounts.set_password(accounts.add("lee", "", ADMIN, by="mona").token, PASSWORD, PASSWORD)

    accounts.set_role("mona", AGENT, by="mona")

    assert view_of(accounts, "mona").role == AGENT
    with pytest.raises(Refused):
        accounts.remove("lee", by="lee")


def test_of_two_admins_who_remove_each_other_at_once_one_stays(accounts, mona):
    accounts.set_password(accounts.add("lee", "", ADMIN, by="mona").token, PASSWORD, PASSWORD)
    ready = threading.Barrier(2)

    def remove(name):
        ready.wait(timeout=10)
        with contextlib.suppress(Refused):
            accounts.remove(name, by="x")

    both = [threading.Thread(target=remove, args=(name,)) for name in ("mona", "lee")]
    for each in both:
        each.start()
    for each in both:
        each.join(timeout=20)

    assert len(accounts.every()) == 1


def test_what_is_done_to_nobody_is_refused(accounts, mona):
    for act in (accounts.remove, accounts.sign_out, accounts.new_link):
        with pytest.raises(NotKnown, match="'zoe'"):
            act("zoe", by="mona")
    with pytest.raises(NotKnown):
        accounts.set_role("zoe", ADMIN, by="mona")
    with pytest.raises(AgentRefused, match="no such role"):
        accounts.set_role("mona", "owner", by="mona")


def test_signed_out_everywhere_one_signs_in_again_with_the_same_password(accounts, auth, mona):
    cookies = [auth.sign_in("mona", PASSWORD, address="")[0] for _ in range(2)]

    accounts.sign_out("mona", by="mona")

    assert [auth.who(cookie) for cookie in cookies] == [None, None]
    assert auth.sign_in("mona", PASSWORD, address="")


def test_who_is_here_and_who_was_is_told(accounts, auth, omar, play):
    accounts.set_password(omar.token, PASSWORD, PASSWORD)
    assert view_of(accounts, "omar").last_seen is None

    auth.sign_in("omar", PASSWORD, address="")
    signed_in = play.clock()
    assert (view_of(accounts, "omar").is_here, view_of(accounts, "omar").last_seen) == (False, signed_in)

    play.clock.now += 100
    with play.store.writing() as connection:
        presence.seen(connection, "page", agent="omar", thread="", now=play.clock())
    assert (view_of(accounts, "omar").is_here, view_of(accounts, "omar").last_seen) == (True, signed_in + 100)
    play.clock.now += presence.OPEN_FOR
    assert not view_of(accounts, "omar").is_here


def test_every_act_is_in_the_log_with_who_did_it(accounts, omar, play):
    accounts.set_password(omar.token, PASSWORD, PASSWORD)
    accounts.set_role("omar", ADMIN, by="mona")
    accounts.set_role("omar", ADMIN, by="mona")  # changes nothing
    accounts.sign_out("omar", by="mona")
    accounts.remove("omar", by="mona")

    assert [each for each in logged(play) if each[2] == "omar"] == [
        ("agent_added", "mona", "omar"),
        ("link_made", "mona", "omar"),
        ("password_set", "omar", "omar"),
        ("role_changed", "mona", "omar"),
        ("signed_out", "mona", "omar"),
        ("agent_removed", "mona", "omar"),
    ]


# --- the pages ---


@pytest.fixture
def services(play, mona):
    found = services_of(play)
    yield found
    found.pools.shutdown()


def form(visitor=MONA, **fields):
    return replace(post(visitor, **fields), headers={"host": "inbox.example"}, path=f"{BASE}/admin/agents/x")


def token_in(page):
    (address,) = [part for part in page.split('"') if part.startswith("http://inbox.example")]
    assert not urlsplit(address).query  # it would be in the log of every proxy
    return parse_qs(urlsplit(address).fragment)["key"][0]


async def test_the_link_is_in_the_answer_and_never_again(services):
    answer = await agent_routes.add_agent(services, form(name="omar", shown_name="", role="agent"))

    token = token_in(answer.content)
    assert answer.status == 200
    assert services.admin.agents.holder(token).name == "omar"
    assert token not in (await agent_routes.show_agents(services, get(MONA))).content


@pytest.mark.parametrize("name", ["  ", "x" * 10_000, "ع" * 10_000])
async def test_what_was_typed_is_in_the_form_again_where_it_cannot_be(services, name):
    answer = await agent_routes.add_agent(services, form(name=name, shown_name="Omar & Co", role="agent"))

    assert answer.status == 400
    assert 'role="alert"' in answer.content
    assert f'value="{name}"' in answer.content
    assert 'value="Omar &amp; Co"' in answer.content


async def test_what_was_done_is_said_on_the_page_that_follows(services):
    await agent_routes.add_agent(services, form(name="omar", role="agent"))

    answer = await agent_routes.change_role(services, form(agent="omar", role="admin"))

    assert (answer.status, answer.headers["Location"]) == (303, f"{BASE}/admin/agents?said=role")
    shown = await agent_routes.show_agents(services, get(MONA, query="said=role"))
    assert "The role is changed" in shown.content
    for act, said in ((agent_routes.sign_agent_out, "signed_out"), (agent_routes.remove_agent, "removed")):
        assert (await act(services, form(agent="omar"))).headers["Location"].endswith(f"?said={said}")
    assert [each.name for each in services.admin.agents.every()] == ["mona"]


async def test_the_last_admin_reads_on_the_page_why_they_stay(services):
    answer = await agent_routes.remove_agent(services, form(agent="mona"))

    assert answer.status == 409
    assert "only admin who can sign in" in answer.content


async def test_looking_at_a_link_does_not_use_it_up_and_setting_the_password_does(services):
    added = await agent_routes.add_agent(services, form(name="omar", role="agent"))
    key = token_in(added.content)
    asked = await agent_routes.show_password(services, Request())
    assert (asked.status, "handover agents password" in asked.content) == (200, True)  # without JavaScript
    for shown in (
        await agent_routes.set_password(services, form(None, key=key)),  # as the page's script posts it
        await agent_routes.show_password(services, Request(query=f"key={key}")),  # a link of before
    ):
        assert 'value="omar"' in shown.content

    short = await agent_routes.set_password(services, form(None, key=key, password="x", password_again="x"))
    assert (short.status, "too short" in short.content) == (400, True)
    done = await agent_routes.set_password(
        services, form(None, key=key, password=PASSWORD, password_again=PASSWORD)
    )

    assert (done.status, done.headers["Location"]) == (303, f"{BASE}/sign-in?name=omar&said=password")
    with pytest.raises(NotKnown, match="ask an admin"):
        await agent_routes.set_password(services, form(None, key=key))


async def test_without_agents_nobody_is_sent_to_set_a_password(play):
    services = services_of(play)

    wrong = await auth_routes.sign_in(services, form(None, name="omar", password="guessed"))

    assert (wrong.status, "handover agents password" in wrong.content) == (403, False)
    services.pools.shutdown()


async def test_until_somebody_has_a_password_the_page_says_how_to_set_one_without_the_link(play):
    services = services_of(play)
    you = replace(MONA, name="you", signed_in=False)
    command = "handover agents password"

    added = await agent_routes.add_agent(services, form(you, name="omar", role="admin"))

    assert f"{command} omar" in added.content
    assert command in (await auth_routes.show_sign_in(services, Request())).content
    wrong = await auth_routes.sign_in(services, form(None, name="omar", password="lost"))
    assert command in wrong.content
    services.admin.agents.set_password(token_in(added.content), PASSWORD, PASSWORD)
    assert command not in (await auth_routes.show_sign_in(services, Request())).content
    services.pools.shutdown()
