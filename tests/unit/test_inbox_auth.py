from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handover_channel.errors import CsrfRefused, NotLetIn, TooManyAttempts, WrongPassword
from handover_channel.inbox import auth as auth_module
from handover_channel.inbox.auth import AT_MOST, COOKIE_SECONDS, LINK_FOR, Auth, Visitor
from handover_channel.inbox.passwords import Passwords
from handover_channel.inbox.sign_in_limits import OF_ADDRESS, OF_BOTH, OF_NAME, SIGN_IN_WINDOW
from handover_channel.store import agents, failed_sign_ins
from handover_channel.store.agents import ADMIN, Agent
from handover_channel.store.schema import metadata, sign_ins

PASSWORD, ADDRESS = "a long password", "203.0.113.7"
HERE = {"address": "127.0.0.1", "host": "localhost:5005", "headers": ["Host", "Accept", "Cookie"]}
FOREIGN = {
    "elsewhere": {**HERE, "address": "192.168.1.7"},
    "proxy": {**HERE, "headers": ["Host", "X-Forwarded-For"]},
    "host": {**HERE, "host": "evil.example"},
}
HOURS = 3600

passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def make(open_store, clock):
    """Make an Auth, as another worker has one of its own."""

    def make_one(**given):
        return Auth(open_store(), clock, **{"passwords": passwords, **given})

    return make_one


@pytest.fixture
def auth(make):
    return make()


@pytest.fixture
def add(store, clock):
    def add_one(name="kim", **given):
        agent = Agent(name, name.title(), passwords.hash(PASSWORD), created_at=clock(), **given)
        with store.writing() as connection:
            assert agents.add(connection, agent)

    return add_one


@pytest.fixture
def remove(store, clock):
    def remove_one(name="kim"):
        with store.writing() as connection:
            assert agents.remove(connection, name, now=clock())

    return remove_one


@pytest.fixture
def kim(add):
    add("kim")


def guess(auth, times=1, *, name="kim", address=ADDRESS, cookie=""):
    """Try wrong passwords; returns how many were looked at, and what was raised last."""
    error = None
    for number in range(times):
        try:
            auth.sign_in(name, f"wrong password {number}", address=address, cookie=cookie)
        except WrongPassword as wrong:
            error = wrong
        except TooManyAttempts as held_back:
            return number, held_back
    return times, error


def key_of(link):
    return link.rpartition("key=")[2]


def everything_kept(store):
    with store.reading() as connection:
        return repr([connection.execute(sa.select(table)).fetchall() for table in metadata.tables.values()])


# --- signing in -----------------------------------------------------------------------------------


def test_who_signs_in_is_known_by_the_cookie(auth, kim):
    cookie, visitor = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    assert (visitor.name, visitor.shown_name, visitor.is_admin, visitor.signed_in) == (
        "kim",
        "Kim",
        False,
        True,
    )
    assert auth.who(cookie) == visitor
    assert auth.admit(cookie, **FOREIGN["elsewhere"]) == visitor


def test_another_worker_knows_the_cookie_too(make, kim):
    cookie, visitor = make().sign_in("KIM ", PASSWORD, address=ADDRESS)

    assert make().who(cookie) == visitor


def test_an_admin_is_one(auth, add):
    add("ada", role=ADMIN)

    assert auth.sign_in("ada", PASSWORD, address=ADDRESS)[1].is_admin


def test_every_sign_in_has_a_new_value_and_the_earlier_one_of_that_browser_is_worth_nothing(auth, kim):
    fixed, before = auth.sign_in("kim", PASSWORD, address=ADDRESS)
    cookie, visitor = auth.sign_in("kim", PASSWORD, address=ADDRESS, cookie=fixed)

    assert cookie != fixed
    assert visitor.csrf != before.csrf
    assert auth.who(fixed) is None
    assert auth.who(cookie) == visitor


def test_a_value_made_by_somebody_else_never_becomes_a_sign_in(auth, kim):
    auth.sign_in("kim", PASSWORD, address=ADDRESS, cookie="put into the browser by a stranger")

    assert auth.who("put into the browser by a stranger") is None


def test_a_value_is_long_and_random_and_not_kept(auth, store, kim):
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    assert len(cookie) == 43
    assert cookie not in everything_kept(store)
    assert PASSWORD not in everything_kept(store)


def test_a_wrong_password_and_an_unknown_name_are_refused_with_the_same_words(auth, kim):
    _, wrong = guess(auth)
    _, unknown = guess(auth, name="nobody")

    assert type(wrong) is type(unknown) is WrongPassword
    assert str(wrong) == str(unknown)
    assert "-> try again" in str(wrong)


def test_a_hash_with_older_parameters_is_renewed_at_the_sign_in(make, store, kim):
    newer = Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    cookie, _ = make(passwords=newer).sign_in("kim", PASSWORD, address=ADDRESS)

    with store.reading() as connection:
        kept = agents.get(connection, "kim").password
    assert not newer.outdated(kept)
    assert newer.match(kept, PASSWORD)
    assert make().who(cookie)


def removed(connection, now):
    agents.remove(connection, "kim", now=now)


def given_another_password(connection, now):
    agents.set_password(connection, "kim", passwords.hash("another password"), now=now)


@pytest.mark.parametrize("changed", [removed, given_another_password])
def test_an_agent_changed_while_signing_in_is_not_let_in(make, store, clock, kim, changed):
    class Slow(Passwords):
        def match(self, hashed, password):
            matched = passwords.match(hashed, password)
            with store.writing() as connection:
                changed(connection, clock())
            return matched

    with pytest.raises(WrongPassword):
        make(passwords=Slow(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))).sign_in(
            "kim", PASSWORD, address=ADDRESS
        )


def test_passwords_and_tokens_are_in_no_log_and_no_repr(auth, kim, caplog):
    caplog.set_level(logging.DEBUG)
    cookie, visitor = auth.sign_in("kim", PASSWORD, address=ADDRESS)
    guess(auth, OF_BOTH + 1)

    said = caplog.text + repr(auth.__dict__) + repr(visitor)
    assert "held back" in said
    assert not [secret for secret in (PASSWORD, "wrong password 0", cookie, visitor.csrf) if secret in said]


def test_many_at_the_same_moment_wait_for_their_turn_and_then_are_told(make, kim, monkeypatch):
    monkeypatch.setattr(auth_module, "HASH_WAITS_SECONDS", 0.01)
    monkeypatch.setattr(auth_module, "HASHES_AT_ONCE", 1)
    told = []

    class Busy(Passwords):
        def match(self, hashed, password):
            with pytest.raises(TooManyAttempts, match="right now -> try again") as refused:
                auth.sign_in("kim", PASSWORD, address=ADDRESS)
            told.append(refused.value.wait)
            return passwords.match(hashed, password)

    auth = make(passwords=Busy())

    assert auth.sign_in("kim", PASSWORD, address=ADDRESS)
    assert told == [0.01]


# --- how long -------------------------------------------------------------------------------------


def test_a_sign_in_ends_when_it_is_not_used(make, clock, kim):
    auth = make(sign_in_for=timedelta(hours=2))
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    clock.passes(2 * HOURS - 1)
    assert make().who(cookie, renew=False)
    clock.passes(1)
    assert auth.who(cookie) is None


def test_a_sign_in_that_is_used_goes_on_for_days_but_not_for_ever(auth, clock, kim):
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)
    started = clock()

    while auth.who(cookie):
        clock.passes(6 * HOURS)

    assert clock() - started == AT_MOST


def test_what_the_page_asks_by_itself_is_no_use(auth, clock, kim):
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    for _ in range(11):
        clock.passes(1 * HOURS)
        assert auth.who(cookie, renew=False)
    clock.passes(1 * HOURS)

    assert auth.who(cookie) is None


def test_use_is_written_down_once_a_minute_at_most(auth, store, clock, kim):
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    def until():
        with store.reading() as connection:
            return connection.execute(sa.select(sign_ins.c.expires_at)).scalar()

    first = until()
    clock.passes(59)
    auth.who(cookie)
    assert until() == first
    clock.passes(1)
    auth.who(cookie)
    assert until() == first + 60


def test_knowing_a_visitor_takes_one_query(auth, kim):
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)
    asked = []

    def note(connection, cursor, statement, *rest):
        asked.append(statement)

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
    try:
        auth.admit(cookie, **HERE)
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)

    assert [text.split()[0] for text in asked if not text.startswith(("PRAGMA", "BEGIN"))] == ["SELECT"]


def test_who_signs_out_is_out_at_once(auth, kim):
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)
    other, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    auth.sign_out(cookie)

    assert auth.who(cookie) is None
    assert auth.who(other)


def test_who_is_removed_is_out_at_once(auth, add, kim, remove):
    add("lee")
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    remove("kim")

    assert auth.who(cookie) is None
    assert auth.admit(cookie, **HERE) is None


def test_with_a_new_password_the_old_sign_ins_end(auth, store, kim):
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    with store.writing() as connection:
        agents.set_password(connection, "kim", passwords.hash("another password"), now=0.0)

    assert auth.who(cookie) is None
    assert guess(auth)[0] == 1
    assert auth.sign_in("kim", "another password", address=ADDRESS)


# --- guessing -------------------------------------------------------------------------------------


def test_a_name_from_one_address_may_be_wrong_five_times_on_all_workers_together(make, clock, kim):
    for _ in range(OF_BOTH):
        assert guess(make())[0] == 1

    with pytest.raises(TooManyAttempts, match="-> try again in 15 minutes") as held_back:
        make().sign_in("kim", PASSWORD, address=ADDRESS)  # even the right one
    assert held_back.value.wait == SIGN_IN_WINDOW


def test_waiting_as_long_as_told_is_enough_and_asking_does_not_make_it_longer(auth, clock, kim):
    guess(auth, OF_BOTH)
    clock.passes(60)
    _, held_back = guess(auth)
    guess(auth, 50)

    clock.passes(held_back.wait - 1)
    assert isinstance(guess(auth)[1], TooManyAttempts)
    clock.passes(1)

    assert auth.sign_in("kim", PASSWORD, address=ADDRESS)


def test_the_right_password_clears_the_count(auth, kim):
    for _ in range(3):
        assert guess(auth, OF_BOTH - 1)[0] == OF_BOTH - 1
        auth.sign_in("kim", PASSWORD, address=ADDRESS)


def test_ones_own_right_password_does_not_clear_the_count_of_another_name(auth, add, kim):
    add("eve")
    guess(auth, OF_BOTH)
    auth.sign_in("eve", PASSWORD, address=ADDRESS)

    assert guess(auth)[0] == 0


def test_an_address_may_be_wrong_twenty_times_whatever_the_names(auth, kim):
    tried = sum(guess(auth, 2, name=f"name{number}")[0] for number in range(OF_ADDRESS))

    assert tried == OF_ADDRESS
    assert isinstance(guess(auth, name="one more")[1], TooManyAttempts)


@pytest.mark.parametrize("same", ["2001:db8:1:2::{:x}", "::ffff:203.0.113.7"])
def test_an_address_is_one_in_all_its_forms(auth, same, kim):
    tried = sum(guess(auth, address=same.format(number))[0] for number in range(2 * OF_BOTH))

    assert tried == OF_BOTH


def test_many_machines_together_may_be_wrong_a_hundred_times(auth, kim):
    tried = sum(guess(auth, 2, address=f"198.51.100.{number}")[0] for number in range(80))

    assert tried == OF_NAME


def test_nobody_is_locked_out_by_strangers_where_they_have_been_before(auth, clock, kim):
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)
    auth.sign_out(cookie)
    clock.passes(20 * 24 * HOURS)
    for number in range(30):
        guess(auth, OF_BOTH, address=f"198.51.100.{number}")
    guess(auth, OF_BOTH)  # the same address: behind a proxy, everybody has it
    for number in range(OF_ADDRESS):
        guess(auth, name=f"name{number}")

    with pytest.raises(TooManyAttempts):
        auth.sign_in("kim", PASSWORD, address="192.0.2.1")  # from a browser she never used
    assert auth.sign_in("kim", PASSWORD, address=ADDRESS, cookie=cookie)


def test_one_who_finds_an_old_cookie_gets_five_guesses_with_it(auth, kim):
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)
    auth.sign_out(cookie)

    tried = sum(
        guess(auth, address=f"198.51.100.{number}", cookie=cookie)[0] for number in range(4 * OF_BOTH)
    )

    assert tried == OF_BOTH


def test_a_cookie_of_another_agent_makes_no_browser_known(auth, add, kim):
    add("eve")
    cookie, _ = auth.sign_in("eve", PASSWORD, address=ADDRESS)
    guess(auth, OF_BOTH)

    assert guess(auth, cookie=cookie)[0] == 0


def test_a_browser_is_known_for_a_month(auth, add, clock, kim):
    add("lee")
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)
    clock.passes(COOKIE_SECONDS + 1)
    auth.sign_in("lee", PASSWORD, address="192.0.2.1")  # at a sign-in what is old is tidied away
    guess(auth, OF_BOTH)

    assert guess(auth, cookie=cookie)[0] == 0


def test_guesses_at_the_same_moment_are_not_more_than_one_after_the_other(make, kim, monkeypatch):
    at_once, looked_at, count = threading.Barrier(10), [], failed_sign_ins.nth_newest

    def count_slowly(*given, **named):
        found = count(*given, **named)
        time.sleep(0.02)  # so that others would count before this one is noted
        return found

    monkeypatch.setattr(failed_sign_ins, "nth_newest", count_slowly)

    def try_one(auth):
        at_once.wait(30)
        looked_at.append(guess(auth)[0])

    guessing = [threading.Thread(target=try_one, args=[make()]) for _ in range(10)]
    for thread in guessing:
        thread.start()
    for thread in guessing:
        thread.join(60)

    assert sum(looked_at) == OF_BOTH
    assert len(looked_at) == 10


def test_what_people_type_as_a_name_is_not_kept(auth, store, kim):
    guess(auth, name="oops my password")

    assert "oops my password" not in everything_kept(store)


def test_old_failures_are_tidied_away(auth, store, clock, kim):
    guess(auth, OF_BOTH)
    clock.passes(SIGN_IN_WINDOW)
    guess(auth, name="another")

    with store.reading() as connection:
        assert len(connection.execute(sa.text("SELECT id FROM failed_sign_ins")).fetchall()) == 1


# --- changes --------------------------------------------------------------------------------------


def test_the_pages_own_token_from_the_pages_own_origin_passes(auth, kim):
    _, visitor = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    auth.check_origin("https://inbox.example", "inbox.example")
    auth.check_token(visitor, visitor.csrf)


@pytest.mark.parametrize("token", ["", "wrong", "é", "\ud800"])
def test_any_other_token_is_refused_with_what_to_do(auth, kim, token):
    _, visitor = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    with pytest.raises(CsrfRefused, match="-> load it again"):
        auth.check_token(visitor, token)


def test_the_token_of_another_sign_in_is_refused(auth, kim):
    _, mine = auth.sign_in("kim", PASSWORD, address=ADDRESS)
    _, other = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    with pytest.raises(CsrfRefused):
        auth.check_token(mine, other.csrf)


def test_no_token_is_ever_right_for_a_visitor_without_one(auth):
    nobody = Visitor("kim", "Kim", is_admin=False, csrf="")

    with pytest.raises(CsrfRefused):
        auth.check_token(nobody, "")


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example"])
def test_another_sites_origin_is_refused_with_what_to_do(auth, origin):
    with pytest.raises(CsrfRefused, match="let it pass the header Host on"):
        auth.check_origin(origin, "inbox.example")


# --- no agents ------------------------------------------------------------------------------------


def test_without_agents_a_link_lets_one_in_once(auth):
    link = auth.one_time_link("http://127.0.0.1:5005/webhooks/inbox/")
    assert link.startswith("http://127.0.0.1:5005/webhooks/inbox/enter?key=")

    cookie, visitor = auth.enter(key_of(link), **HERE)

    assert (visitor.name, visitor.is_admin, visitor.signed_in) == ("you", True, False)
    assert visitor.csrf
    assert auth.admit(cookie, **HERE) == visitor
    with pytest.raises(NotLetIn, match="was used already") as used:
        auth.enter(key_of(link), **HERE)
    assert used.value.reason == "used"


def test_a_link_is_good_for_fifteen_minutes(auth, clock):
    good, late = (auth.one_time_link("http://127.0.0.1:5005") for _ in range(2))

    clock.passes(LINK_FOR - 1)
    assert auth.enter(key_of(good), **HERE)
    clock.passes(1)

    with pytest.raises(NotLetIn):
        auth.enter(key_of(late), **HERE)


def test_the_key_of_a_link_is_not_kept(auth, store):
    assert key_of(auth.one_time_link("http://127.0.0.1:5005")) not in everything_kept(store)


def test_without_a_link_even_this_machine_is_told_to_use_one(auth):
    with pytest.raises(NotLetIn, match="by the link that was printed") as refused:
        auth.admit("", **HERE)
    assert refused.value.reason == "link"


@pytest.mark.parametrize("reason", FOREIGN)
def test_without_agents_nobody_else_is_let_in_and_all_are_told_why(auth, reason):
    link = auth.one_time_link("http://127.0.0.1:5005")
    cookie, _ = auth.enter(key_of(auth.one_time_link("http://127.0.0.1:5005")), **HERE)
    attempts = [
        lambda: auth.admit("", **FOREIGN[reason]),
        lambda: auth.admit(cookie, **FOREIGN[reason]),
        lambda: auth.enter(key_of(link), **FOREIGN[reason]),
    ]

    for attempt in attempts:
        with pytest.raises(NotLetIn, match="open only on the machine it runs on") as refused:
            attempt()
        assert refused.value.reason == reason

    assert auth.enter(key_of(link), **HERE)  # the link is not used up by strangers


def test_the_first_agent_ends_it(auth, add, remove):
    cookie, _ = auth.enter(key_of(auth.one_time_link("http://127.0.0.1:5005")), **HERE)
    link = auth.one_time_link("http://127.0.0.1:5005")
    add("kim")

    assert auth.who(cookie) is None
    assert auth.admit(cookie, **HERE) is None
    with pytest.raises(NotLetIn, match="sign in with username and password") as refused:
        auth.enter(key_of(link), **HERE)
    assert refused.value.reason == "agents"
    with pytest.raises(NotLetIn):
        auth.one_time_link("http://127.0.0.1:5005")

    remove("kim")
    assert auth.who(cookie) is None
    with pytest.raises(NotLetIn):
        auth.enter(key_of(link), **HERE)


def test_where_there_are_agents_an_unknown_visitor_has_to_sign_in_from_wherever(auth, kim):
    assert auth.admit("", **HERE) is None
    assert auth.admit("unknown", **FOREIGN["proxy"]) is None


def test_without_agents_no_name_and_password_lets_in(auth):
    for name in ("", "you", "kim"):
        assert isinstance(guess(auth, name=name)[1], WrongPassword)


def test_who_came_in_by_a_link_can_leave(auth):
    cookie, _ = auth.enter(key_of(auth.one_time_link("http://127.0.0.1:5005")), **HERE)

    auth.sign_out(cookie)

    assert auth.who(cookie) is None


# --- preferences ----------------------------------------------------------------------------------


def test_what_an_agent_prefers_holds_in_every_browser(auth, add, kim):
    add("lee")
    cookie, before = auth.sign_in("kim", PASSWORD, address=ADDRESS)
    assert (before.language, before.sound, before.notifications) == ("", True, False)

    auth.prefer(cookie, language="ar", sound=False)
    after = auth.prefer(cookie, notifications=True)

    assert (after.language, after.sound, after.notifications) == ("ar", False, True)
    assert auth.who(cookie) == after
    elsewhere = auth.sign_in("kim", PASSWORD, address=ADDRESS)[1]
    assert (elsewhere.language, elsewhere.sound, elsewhere.notifications) == ("ar", False, True)
    assert auth.sign_in("lee", PASSWORD, address=ADDRESS)[1].language == ""


def test_who_came_in_by_a_link_prefers_something_too(auth):
    cookie, _ = auth.enter(key_of(auth.one_time_link("http://127.0.0.1:5005")), **HERE)

    after = auth.prefer(cookie, language="ar", notifications=True)

    assert (after.language, after.notifications) == ("ar", True)
    assert auth.who(cookie) == after


@pytest.mark.parametrize("language", ["", "xx", "<script>", "AR", None])
def test_a_language_there_is_not_changes_nothing(auth, kim, language):
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)
    auth.prefer(cookie, language="ar")

    assert auth.prefer(cookie, language=language).language == "ar"


def test_how_an_agent_sorts_each_list_is_kept_with_all_else_they_prefer(auth, kim):
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    auth.prefer(cookie, orders={"waiting": "newest"})
    auth.prefer(cookie, orders={"mine": "window"})
    after = auth.prefer(cookie, language="ar")

    assert (after.orders, after.language) == ({"waiting": "newest", "mine": "window"}, "ar")


def test_nobody_prefers_nothing(auth, kim):
    assert auth.prefer("unknown", language="ar") is None


def test_preferences_that_make_no_sense_are_the_usual_ones(auth, store, kim):
    with store.writing() as connection:
        agents.set_preferences(
            connection, "kim", {"language": 7, "sound": "x", "notifications": [], "more": 1}
        )

    _, visitor = auth.sign_in("kim", PASSWORD, address=ADDRESS)

    assert (visitor.language, visitor.sound, visitor.notifications) == ("", True, False)


# --- whatever is sent -----------------------------------------------------------------------------

_same_store = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_same_store
@given(value=st.text(st.characters(), max_size=60))
def test_no_made_up_cookie_or_key_opens_anything(auth, value):
    assert auth.who(value) is None
    auth.sign_out(value)
    with pytest.raises(NotLetIn) as refused:
        auth.enter(value, **HERE)
    assert refused.value.reason == "used"
    with pytest.raises(NotLetIn):
        auth.admit(value, **HERE)


@_same_store
@given(
    name=st.text(st.characters(), max_size=80),
    password=st.text(st.characters(), max_size=20),
    address=st.text(max_size=20),
)
def test_no_made_up_name_and_password_lets_in(auth, kim, name, password, address):
    with pytest.raises((WrongPassword, TooManyAttempts)):
        auth.sign_in(name, password, address=address, cookie=name)


@_same_store
@given(st.data())
def test_a_cookie_with_one_sign_changed_is_nobodys(auth, store, clock, data):
    with store.writing() as connection:
        agents.add(connection, Agent("kim", "Kim", passwords.hash(PASSWORD), created_at=clock()))
    cookie, _ = auth.sign_in("kim", PASSWORD, address=ADDRESS)
    at = data.draw(st.integers(0, len(cookie) - 1))
    sign = data.draw(st.characters().filter(lambda other: other != cookie[at]))

    assert auth.who(cookie[:at] + sign + cookie[at + 1 :]) is None
    assert auth.who(cookie)
