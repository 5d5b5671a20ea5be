"""Tests what the doctor finds at Meta: each finding provoked, each fix tried, and nothing else touched."""

from __future__ import annotations

import json
import re

import pytest
import sqlalchemy as sa
from doctor_page import APP, CALLBACK, NOW, OF_META, PAGE, SALES, SECRET, TOKEN, Bot
from documents import ROOT, documents

from handover_channel.doctor import meta_checks
from handover_channel.doctor.report import to_json
from handover_channel.doctor.run import chosen
from handover_channel.doctor.token_checks import ENDS_SOON
from handover_channel.doctor.webhook_checks import EMPTY_DELIVERY
from handover_channel.graph_api.errors import TAKE_REFUSED
from handover_channel.messenger import webhook_fields
from handover_channel.sentences import Sentence, kept, with_remedy
from handover_channel.simulator.connected_app import ALL_FIELDS
from handover_channel.store import evidence, findings, threads, transcript
from handover_channel.store.schema import threads as table

DAY = 24 * 3600
NO_ROUTING = "(#27) Take thread control is not supported when Conversation Routing is not enabled. (code 27)"
NO_SWITCH = "(#10) This app is not allowed to take control of conversations. (code 10)"
PAGE_INBOX = {"staff": {"kind": "page_inbox"}}
INBOX = {"inbox": {"kind": "inbox"}}


@pytest.fixture
def bot(tmp_path):
    return Bot(tmp_path)


def note(bot, *notes):
    """Note findings, as the bot does: (kind, subject, text)."""
    store = bot.store()
    with store.writing() as connection:
        for each in notes:
            findings.put(connection, *each, now=NOW - 60)
    store.close()


def thread(bot, psid="42", **values):
    """Have a thread in the bot's database."""
    store = bot.store()
    with store.writing() as connection:
        threads.get_or_add(connection, psid, channel="handover_messenger", page=PAGE, now=NOW - 60)
        if values:
            connection.execute(sa.update(table).where(table.c.id == psid).values(**values))
    store.close()


def line(bot, author, at=NOW - 60):
    store = bot.store()
    with store.writing() as connection:
        transcript.add(connection, "42", transcript.Line(author, "hello", int(at * 1000), mid="m_1"))
    store.close()


def take_refused(said):
    return kept(with_remedy(Sentence("%(said)s", said=said), TAKE_REFUSED))


# --- everything right -----------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [None, PAGE_INBOX, INBOX], ids=["app", "page_inbox", "inbox"])
def test_with_everything_right_nothing_is_said(tmp_path, targets):
    report = Bot(tmp_path, targets).examine()

    assert {each.status.value for each in report.results} == {"ok"}
    assert report.exit_code == 0
    assert {each.id for each in report.results} == {check.id for check in meta_checks.CHECKS}


def test_a_bot_that_has_seen_the_usual_is_well(bot):
    thread(bot)
    line(bot, "app")

    assert set(bot.statuses().values()) == {"ok"}


def test_looking_changes_nothing_at_meta_and_delivers_nothing(bot):
    bot.page(get_started=None)
    bot.app(fields=["messages"], page_fields=["messages"])
    before = bot.simulator.journal.after()

    bot.examine()

    journal = bot.simulator.journal.after()[len(before) :]
    assert {each["method"] for each in journal} == {"GET"}
    assert set(bot.network.delivered) == {EMPTY_DELIVERY}
    assert json.loads(EMPTY_DELIVERY)["entry"] == []
    assert not (bot.folder / "handover.db").exists()


def test_meta_is_asked_each_question_once(bot):
    bot.examine()

    asked = [path for method, path in bot.network.calls if path != "/me"]
    assert len(asked) == len(set(asked))


def test_a_bot_without_messenger_has_nothing_to_be_looked_at_there(bot):
    (bot.folder / "handover.yml").write_text("targets: {inbox: {kind: inbox}}\n")
    (bot.folder / "credentials.yml").write_text("handover_channel.InboxInput:\n")

    assert bot.examine().results == ()
    assert bot.network.calls == []


def test_without_settings_nothing_is_claimed(bot):
    (bot.folder / "handover.yml").unlink()

    report = bot.examine()

    assert {each.status.value for each in report.results} == {"could_not_look"}
    assert report.exit_code == 2


# --- the token ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "check", "status", "words"),
    [
        ({"valid": False}, "token.valid", "fail", "does not accept"),
        ({"expires_at": int(NOW) - DAY}, "token.valid", "fail", "does not accept"),
        ({"kind": "USER"}, "token.kind", "fail", "USER"),
        ({"page": "999"}, "token.page", "fail", "999"),
        ({"granted_for": "999"}, "token.page", "fail", "not granted for page"),
        ({"app": "999"}, "token.app", "fail", "another app made the token"),
        ({"app": "999"}, "token.proof", "fail", "app secret"),
        ({"expires_at": int(NOW) - DAY}, "token.expiry", "fail", "ended on"),
        ({"expires_at": int(NOW) + ENDS_SOON - 1}, "token.expiry", "warn", "ends on"),
        ({"expires_at": int(NOW) + ENDS_SOON + DAY}, "token.expiry", "ok", "ends on"),
        ({"data_access_expires_at": int(NOW) + DAY}, "token.expiry", "warn", "access to data"),
        ({"data_access_expires_at": int(NOW) + 90 * DAY}, "token.expiry", "ok", "no end"),
        ({"scopes": ["pages_manage_metadata"]}, "token.scopes", "fail", "pages_messaging"),
        ({"scopes": ["pages_messaging"]}, "token.scopes", "fail", "pages_manage_metadata"),
    ],
)
def test_what_is_wrong_with_the_token_is_found(bot, change, check, status, words):
    (bot.folder / "credentials.yml").write_text(
        f"handover_channel.MessengerInput: {{verify: v, secret: {SECRET}, "
        f"pages: [{{id: '{PAGE}', page-access-token: {TOKEN}}}]}}\n"
    )
    bot.token(**change)

    ((found, said),) = bot.found(check)

    assert found == status
    assert words in said


@pytest.mark.parametrize("check", ["token.kind", "token.page", "token.expiry", "token.scopes"])
def test_a_token_of_another_app_is_told_once_and_not_guessed_about(bot, check):
    bot.token(app="999")

    assert [status for status, _ in bot.found(check)] == ["could_not_look"]


def test_a_token_that_meta_does_not_know_is_refused(bot):
    bot.simulator.bot.token = "another"

    assert bot.statuses()["token.valid"] == "fail"
    assert bot.examine().exit_code == 1


def test_of_a_token_that_is_none_nothing_else_is_claimed(bot):
    told = b'{"data": {"error": {"code": 190, "message": "Invalid."}, "is_valid": false, "scopes": []}}'
    bot.network.answers = lambda method, path: (200, told) if path.endswith("/debug_token") else None

    report = bot.examine("token")

    found = {each.id: each for each in report.results}
    assert found["token.valid"].status.value == "fail"
    for check in ("token.kind", "token.page", "token.app", "token.expiry", "token.scopes"):
        assert found[check].status.value == "could_not_look"
        assert str(found[check].remedy) == "see the check `token.valid`"
    assert "token" not in str(found["token.proof"].found)


def test_a_wrong_app_secret_is_found(tmp_path):
    bot = Bot(tmp_path, secret="of-another-app")

    found = bot.statuses()

    assert found["token.proof"] == "fail"
    assert found["token.valid"] == "could_not_look"
    assert found["webhook.app"] == "could_not_look"


def test_a_wrong_app_id_is_found(tmp_path):
    bot = Bot(tmp_path, app_id="9999999999")

    assert bot.statuses("token")["token.proof"] == "fail"


def test_a_token_without_any_permission_makes_looking_impossible_and_says_which_lacks(bot):
    bot.token(scopes=[])

    found = bot.statuses()

    assert found["token.scopes"] == "fail"
    assert found["webhook.page"] == found["profile.get_started"] == "could_not_look"
    assert "pages_manage_metadata" in bot.found("webhook.page")[0][1]


def test_a_refusal_that_the_bot_remembers_is_told(bot):
    note(bot, (findings.TOKEN_REFUSED, PAGE, "the app is not live (code 200/2018028)"))

    assert [status for status, _ in bot.found("token.valid")] == ["ok", "warn"]


# --- the webhook ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", webhook_fields.SUBSCRIBED_FIELDS)
@pytest.mark.parametrize(("level", "check"), [("fields", "webhook.app"), ("page_fields", "webhook.page")])
def test_a_field_that_lacks_is_found_at_either_level(bot, level, check, name):
    bot.app(**{level: sorted(ALL_FIELDS - {name})})

    ((status, said),) = bot.found(check)

    assert status == ("fail" if name in webhook_fields.NEEDED_FIELDS else "warn")
    assert f"`{name}`" in said


def test_an_app_without_a_webhook_and_a_page_without_a_subscription_are_found(bot):
    bot.app(callback="", page_fields=[])

    found = bot.statuses("webhook")

    assert found == {
        "webhook.app": "fail",
        "webhook.page": "fail",
        "webhook.self_test": "could_not_look",
    }


def test_a_webhook_that_meta_has_switched_off_is_found(bot):
    told = {"object": "page", "callback_url": CALLBACK, "active": False, "fields": list(ALL_FIELDS)}
    bot.network.answers = lambda method, path: (
        (200, json.dumps({"data": [told]}).encode()) if path.endswith("/subscriptions") else None
    )

    assert [status for status, _ in bot.found("webhook.app")] == ["fail", "ok"]


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ((403, 403), "refuses what is signed"),
        ((502, 502), "answers 502"),
        ((200, 200), "accepts what Meta did not sign"),
    ],
)
def test_a_webhook_that_answers_otherwise_is_found(bot, statuses, words):
    given = iter(statuses)
    bot.network.webhook = lambda headers, body: next(given)

    ((status, said),) = bot.found("webhook.self_test")

    assert status == "fail"
    assert words in said


def test_a_webhook_out_of_reach_could_not_be_looked_at(bot):
    def lost(headers, body):
        raise ConnectionResetError

    bot.network.webhook = lost

    ((status, said),) = bot.found("webhook.self_test")
    assert status == "could_not_look"
    assert "ConnectionResetError" in said


@pytest.mark.parametrize("url", ["", "ftp://bot.example.org/", "no address", "http://[", None, 7])
def test_an_address_of_meta_s_that_is_none_is_not_called(bot, url):
    told = {"object": "page", "callback_url": url, "active": True, "fields": list(ALL_FIELDS)}
    bot.network.answers = lambda method, path: (
        (200, json.dumps({"data": [told]}).encode()) if path.endswith("/subscriptions") else None
    )

    assert [status for status, _ in bot.found("webhook.self_test")] == ["could_not_look"]
    assert bot.network.delivered == []


def test_a_fix_subscribes_what_lacks_at_both_levels_and_sets_the_button(bot):
    bot.app(fields=["messages", "feed"] if "feed" in ALL_FIELDS else ["messages"], page_fields=[])
    bot.page(get_started=None)
    assert bot.statuses()["webhook.page"] == "fail"

    report = bot.examine(fix=True)

    assert report.exit_code == 0
    assert set(bot.statuses().values()) == {"ok"}
    assert bot.simulator.bot.callback == CALLBACK
    posts = [path for method, path in bot.network.calls if method == "POST"]
    assert sorted(posts) == [f"/{APP}/subscriptions", "/me/messenger_profile", "/me/subscribed_apps"]


def test_a_fix_takes_no_field_away(bot):
    bot.simulator.bot.page_fields = {"messages", "feed"}

    bot.examine("webhook.page", fix=True)

    assert bot.simulator.bot.page_fields == {"feed", *webhook_fields.SUBSCRIBED_FIELDS}


def test_a_fix_changes_nothing_that_is_right(bot):
    bot.examine(fix=True)

    assert {method for method, _ in bot.network.calls} == {"GET"}


def test_a_fix_that_meta_refuses_is_told(bot):
    bot.app(callback="")

    report = bot.examine("webhook.app", fix=True)

    assert [each.status.value for each in report.results] == ["fail", "fail"]
    assert "only a person" in str(report.results[-1].found)


# --- routing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "status", "take"),
    [(None, "fail", "fail"), (PAGE_INBOX, "fail", "fail"), (INBOX, "warn", "ok")],
    ids=["app", "page_inbox", "inbox"],
)
def test_no_default_app_is_as_bad_as_the_targets_make_it(tmp_path, targets, status, take):
    bot = Bot(tmp_path, targets)
    bot.page(default_app=None)

    assert bot.statuses("routing") == {
        "routing.on": status,
        "routing.default_app": status,
        "routing.take": take,
    }


def test_another_default_app_shows_in_the_threads_that_somebody_has(bot):
    bot.simulator.person("42").says("hello")
    assert bot.simulator.app("bot").passes("42", SALES).status == 200
    thread(bot, control="app", owner=SALES)
    assert bot.found("routing.default_app")[0] == ("ok", f"page {PAGE}: this app is the default app")

    bot.page(default_app="sales_bot")
    bot.simulator.person("43").says("hello")
    bot.simulator.inbox.moves_to_main("43")
    thread(bot, "43", control="app", owner=SALES)

    ((status, said),) = bot.found("routing.default_app")
    assert status == "fail"
    assert "another app" in said


@pytest.mark.parametrize(
    ("said", "where", "word"),
    [(NO_ROUTING, "Conversation routing", "default app"), (NO_SWITCH, "Advanced messaging", "take control")],
)
def test_a_refusal_to_give_control_back_is_remembered(bot, said, where, word):
    thread(bot, wanted="button", refusal=take_refused(said))

    (result,) = bot.examine("routing.take").results

    assert result.status.value == "fail"
    assert where in result.where.name
    assert word in result.remedy


def test_an_old_refusal_counts_no_more(bot):
    thread(bot, wanted="button", refusal=take_refused(NO_SWITCH), active_at=NOW - 8 * DAY)

    assert bot.statuses("routing.take") == {"routing.take": "ok"}


def test_another_refusal_is_no_sign_of_the_switch(bot):
    thread(bot, wanted="button", refusal=kept(Sentence("Meta is down")))

    assert bot.statuses("routing.take") == {"routing.take": "ok"}


def test_where_meta_does_not_tell_of_routing_a_refusal_does(bot):
    bot.simulator.switches = bot.simulator.switches.with_changes({"tells_feature_status": False})
    assert bot.statuses("routing.on") == {"routing.on": "ok"}

    thread(bot, wanted="button", refusal=take_refused(NO_ROUTING))
    assert bot.statuses("routing.on") == {"routing.on": "fail"}


# --- targets --------------------------------------------------------------------------------------


def test_a_target_that_is_not_connected_is_found(bot):
    bot.app("sales_bot", connected=False)

    assert bot.statuses("targets") == {"targets.known": "ok", "targets.subscribed": "fail"}


def test_a_target_that_hears_nothing_is_found(bot):
    bot.app("sales_bot", page_fields=["messages"])

    ((status, said),) = bot.found("targets.subscribed")
    assert status == "warn"
    assert "messaging_handovers" in said


def test_a_target_that_nobody_knows_is_found(tmp_path):
    bot = Bot(tmp_path, {"sales": {"kind": "app", "app_id": "2223"}})

    assert bot.statuses("targets") == {"targets.known": "warn", "targets.subscribed": "fail"}


def test_a_target_that_was_seen_in_a_webhook_is_known(tmp_path):
    bot = Bot(tmp_path, {"sales": {"kind": "app", "app_id": "2223"}})
    thread(bot, control="app", owner="2223")

    assert bot.statuses("targets.known") == {"targets.known": "ok"}


def test_where_meta_lists_our_app_alone_nothing_is_held_against_a_target(bot):
    changes = {"lists_other_apps": False, "lists_secondary_receivers": False}
    bot.simulator.switches = bot.simulator.switches.with_changes(changes)

    assert bot.statuses("targets") == {"targets.known": "ok", "targets.subscribed": "ok"}


# --- what the bot has seen ------------------------------------------------------------------------


def test_our_own_echoes_under_another_id_are_found(bot):
    note(bot, (findings.APP_ID_DIFFERS, "1234567809", "echoes say otherwise"))

    ((status, said),) = bot.found("app_id.true")
    assert status == "fail"
    assert "1234567809" in said


def test_an_app_id_that_was_corrected_is_right_before_the_next_echo(bot):
    note(bot, (findings.APP_ID_DIFFERS, APP, "echoes say otherwise"))

    assert bot.statuses("app_id.true") == {"app_id.true": "ok"}


def test_human_agent_that_is_not_approved_is_found(bot):
    bot.app(human_agent=False)

    assert bot.statuses("human_agent") == {"human_agent": "warn"}


def test_a_refused_tag_is_remembered(bot):
    thread(bot, obstacle="no_tag")

    assert bot.statuses("human_agent") == {"human_agent": "warn"}


def test_human_agent_is_not_needed_where_agents_answer_elsewhere(tmp_path):
    bot = Bot(tmp_path, PAGE_INBOX)
    bot.app(human_agent=False)

    assert bot.statuses("human_agent") == {"human_agent": "ok"}


def test_a_policy_that_meta_enforces_is_found(bot):
    note(bot, (findings.POLICY_ENFORCED, PAGE, "Meta warns page 1: spam"))

    assert bot.found("page.restrictions") == [("fail", "Meta enforces a policy: Meta warns page 1: spam")]


def test_a_restriction_is_remembered(bot):
    thread(bot, obstacle="restricted")

    assert bot.statuses("page.restrictions") == {"page.restrictions": "fail"}


def test_a_page_that_is_not_published_is_found(bot):
    bot.page(published=False)

    assert bot.statuses("page.restrictions") == {"page.restrictions": "fail"}


@pytest.mark.parametrize("author", ["automatic_reply", "meta_ai"])
def test_what_answers_by_itself_is_found_and_forgotten_after_a_week(bot, author):
    line(bot, author)
    assert bot.statuses("page.automatic_replies") == {"page.automatic_replies": "warn"}

    bot.now += 8 * DAY
    assert bot.statuses("page.automatic_replies") == {"page.automatic_replies": "ok"}


def test_a_page_without_a_first_button_is_found(bot):
    bot.page(get_started=None)

    assert bot.statuses("profile") == {"profile.get_started": "warn"}


def test_without_its_database_the_doctor_says_so(bot):
    (bot.folder / "handover.db").write_bytes(b"no database" * 100)

    assert bot.statuses("app_id")["app_id.true"] == "could_not_look"


def test_evidence_of_no_database_is_none(tmp_path):
    read = evidence.read(f"sqlite:///{tmp_path / 'none.db'}", now=NOW, authors=(), since=0)

    assert read == evidence.Evidence()
    assert not (tmp_path / "none.db").exists()


# --- several pages --------------------------------------------------------------------------------


def test_each_page_is_looked_at(bot):
    (bot.folder / "credentials.yml").write_text(
        f"handover_channel.MessengerInput: {{verify: v, secret: {SECRET}, pages: ["
        f"{{id: '{PAGE}', page-access-token: {TOKEN}}}, {{id: '999', page-access-token: other}}]}}\n"
    )
    assert [status for status, _ in bot.found("token.valid")] == ["ok", "fail"]
    for check in ("token.kind", "webhook.page", "routing.on", "profile.get_started"):
        assert [status for status, _ in bot.found(check)] == ["ok", "could_not_look"]


@pytest.mark.parametrize("verify", ["v", "messages", "page", "true"])
def test_a_verify_token_that_is_a_word_of_meta_s_changes_nothing(bot, verify):
    (bot.folder / "credentials.yml").write_text(
        f"handover_channel.MessengerInput: {{verify: '{verify}', secret: {SECRET}, "
        f"page-access-token: {TOKEN}}}\n"
    )

    assert set(bot.statuses().values()) == {"ok"}


def test_what_was_found_before_something_could_not_be_seen_stays_found(bot):
    bot.simulator.bot.token = "another"
    bot.page(published=False)
    (bot.folder / "handover.db").write_bytes(b"no database" * 100)

    assert [status for status, _ in bot.found("token.valid")] == ["fail", "could_not_look"]


# --- words ----------------------------------------------------------------------------------------


def test_no_secret_is_in_the_report(bot):
    bot.token(scopes=[], valid=False)
    report = json.dumps(to_json(bot.examine()))

    assert TOKEN not in report
    assert SECRET not in report


def test_whatever_is_wrong_comes_with_a_reason_and_a_remedy(bot):
    bot.app(fields=[], page_fields=[], human_agent=False)
    bot.app("sales_bot", connected=False)
    bot.page(default_app=None, published=False, get_started=None)
    note(bot, (findings.APP_ID_DIFFERS, "1", "x"), (findings.POLICY_ENFORCED, PAGE, "x"))

    bad = [each for each in bot.examine().results if each.status.value in ("warn", "fail")]

    assert len(bad) > 8
    assert not [each.id for each in bad if not (each.why and each.remedy)]


def test_the_guide_names_the_fields_that_the_doctor_looks_for():
    guide = (ROOT / "docs" / "guides" / "facebook-settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`(?:messag|standby).*?) \|", guide, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]

    assert sorted(named) == sorted(webhook_fields.SUBSCRIBED_FIELDS)
    assert set(named[:5]) == set(webhook_fields.NEEDED_FIELDS)


def test_the_simulator_knows_every_field():
    assert set(webhook_fields.SUBSCRIBED_FIELDS) == ALL_FIELDS


def test_a_check_of_meta_s_is_named_as_the_contract_says():
    assert {check.id.partition(".")[0] for check in meta_checks.CHECKS} == set(OF_META)


#: Guides about Meta's pages.
GUIDES = ("facebook-settings", "to-the-page-inbox", "to-another-bot", "to-hootsuite", "to-the-built-in-inbox")


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_about_meta_s_pages_ends_with_the_check_that_proves_it(name):
    text = (ROOT / "docs" / "guides" / f"{name}.md").read_text(encoding="utf-8")

    assert text.rstrip().rpartition("\n\n")[2].startswith("Check it: `handover doctor")


def test_every_check_that_the_documents_name_is_one():
    for path in documents():
        for command in re.findall(r"handover doctor[^`\n]*", path.read_text(encoding="utf-8")):
            assert chosen(re.findall(r"--only ([\w.]+)", command)), f"{path.name}: {command}"
