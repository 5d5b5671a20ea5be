"""Several pages of one simulator: what each has of its own, and what all of them share."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from handover_channel.simulator import PAGE_INBOX, PageFacts, Simulator, Switches, graph, page_settings
from handover_channel.simulator.clock import Clock
from handover_channel.simulator.connected_app import App
from handover_channel.simulator.request import Request, Response

BOT, SALES = "1234567890", "2222"
LAMPS, GARDEN = "1000000000000001", "1000000000000002"
OF_LAMPS, OF_GARDEN = "token-of-lamps", "token-of-garden"
NADIA, TOM = "42", "43"  #: of the first page, of the second one
START = 1_700_000_000.0


@pytest.fixture
def messenger() -> Simulator:
    return Simulator(
        token=OF_LAMPS,
        apps={SALES: "sales_bot"},
        more_pages=[PageFacts(GARDEN, "Garden Shop", OF_GARDEN)],
        now=Clock(lambda: START),
        switches=Switches(receipts=False),
    )


def call(
    messenger: Simulator, path: str, token: str = OF_LAMPS, method: str = "GET", **given: Any
) -> Response:
    query, body = (given, {}) if method == "GET" else ({}, given)
    return graph.answer(messenger, Request(method, path, query, body, f"Bearer {token}"))


def refusal(response: Response) -> Any:
    assert response.status == 400, response.body
    return response.body["error"]["code"], response.body["error"].get("error_subcode")


def webhooks(messenger: Simulator, app: str = BOT) -> List[Dict[str, Any]]:
    lines = messenger.journal.after()
    return [line for line in lines if line["kind"] == "webhook" and line["app"] == app]


# --- whose is what --------------------------------------------------------------------------------


def test_a_webhook_carries_the_page_to_which_somebody_wrote(messenger: Simulator) -> None:
    messenger.person(NADIA).says("hello, lamps")
    messenger.page("Garden Shop").person(TOM).says("hello, garden")

    bodies = [line["body"]["entry"] for line in webhooks(messenger)]
    assert [(e["id"], e["messaging"][0]["recipient"]["id"]) for (e,) in bodies] == [
        (LAMPS, LAMPS),
        (GARDEN, GARDEN),
    ]
    assert [line["page"] for line in webhooks(messenger)] == [LAMPS, GARDEN]


def test_a_person_who_is_known_is_found_without_the_page(messenger: Simulator) -> None:
    messenger.page("Garden Shop").person(TOM).says("hello")
    messenger.person(TOM).says("hello again")

    assert [line["page"] for line in webhooks(messenger)] == [GARDEN, GARDEN]
    assert messenger.person(NADIA).says("I am new") in messenger.thread(NADIA).chat


def test_the_id_of_a_person_is_nobodys_on_another_page(messenger: Simulator) -> None:
    messenger.page(GARDEN).person(TOM).says("hello")

    with pytest.raises(KeyError, match="43 is a person of the page Garden Shop"):
        messenger.page(LAMPS).thread(TOM)
    assert refusal(say(messenger, TOM, OF_LAMPS)) == (100, 2018001)
    assert refusal(call(messenger, f"/{TOM}", OF_LAMPS)) == (100, 33)
    assert call(messenger, f"/{TOM}", OF_GARDEN).status == 200


def say(messenger: Simulator, psid: str, token: str, page: str = "me") -> Response:
    message = {"recipient": {"id": psid}, "messaging_type": "RESPONSE", "message": {"text": "hi"}}
    return call(messenger, f"/{page}/messages", token, "POST", **message)


def test_a_handover_on_one_page_leaves_the_same_person_on_the_other_with_the_bot(
    messenger: Simulator,
) -> None:
    nadia = messenger.person(NADIA)
    there = nadia.on("Garden Shop")
    nadia.says("a human please")
    there.says("hello")
    assert messenger.app("bot").passes(NADIA, to="Page inbox").status == 200

    assert messenger.owner(NADIA) == PAGE_INBOX
    garden = messenger.page("Garden Shop")
    assert (garden.owner(there.psid), garden.speaks(BOT, there.psid)) == ("", True)
    assert garden.app("bot").says(there.psid, "the bot is still here").status == 200
    assert messenger.app("bot").says(NADIA, "and not here").status == 400


def test_somebody_is_the_same_on_both_pages_by_another_id(messenger: Simulator) -> None:
    nadia = messenger.person(NADIA)
    there = nadia.on("Garden Shop")

    assert there.psid != NADIA
    assert nadia.on(GARDEN).psid == there.psid
    assert there.on(LAMPS).psid == NADIA
    assert messenger.page(GARDEN).thread(there.psid).name == messenger.thread(NADIA).name
    told = [call(messenger, f"/{psid}/ids_for_pages").body["data"] for psid in (NADIA, there.psid)]
    assert told[0] == told[1]
    assert {each["page"]["name"]: each["id"] for each in told[0]} == {
        "Lamp & Leaf": NADIA,
        "Garden Shop": there.psid,
    }


def test_those_who_are_there_at_first_are_the_same_people_on_each_page(messenger: Simulator) -> None:
    names = [[thread.name for thread in page.threads.values()] for page in messenger.pages]
    ids = [psid for page in messenger.pages for psid in page.threads]

    assert names[0] == names[1]
    assert len(set(ids)) == 6
    assert messenger.person(ids[0]).on("Garden Shop").psid == ids[3]


def test_somebody_elses_id_cannot_be_that_of_the_same_person(messenger: Simulator) -> None:
    messenger.page(GARDEN).person(TOM).says("hello")
    with pytest.raises(KeyError, match="43 is somebody else on the page Garden Shop"):
        messenger.person(NADIA).on(GARDEN, TOM)


# --- tokens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("token", "page"), [(OF_LAMPS, "Lamp & Leaf"), (OF_GARDEN, "Garden Shop")])
def test_me_is_the_page_that_the_token_is_for(messenger: Simulator, token: str, page: str) -> None:
    assert call(messenger, "/me", token).body["name"] == page
    own = messenger.page(page).page_id
    assert call(messenger, f"/v27.0/{own}", token).body["id"] == own


def test_the_token_of_a_page_opens_no_other_page(messenger: Simulator) -> None:
    garden = messenger.page(GARDEN)
    garden.person(TOM).says("hello")

    assert refusal(call(messenger, f"/{GARDEN}", OF_LAMPS)) == (100, 33)
    assert refusal(say(messenger, TOM, OF_LAMPS, page=GARDEN)) == (100, 33)
    assert say(messenger, TOM, OF_GARDEN, page=GARDEN).status == 200
    assert say(messenger, TOM, OF_GARDEN).status == 200
    assert [entry["author"] for entry in garden.thread(TOM).chat] == ["person", BOT, BOT]


def test_each_app_has_a_token_of_its_own_on_each_page(messenger: Simulator) -> None:
    tokens = [app.token for page in messenger.pages for app in page.apps.values()]
    assert len(set(tokens)) == len(tokens) == 6
    assert messenger.page(GARDEN).app("sales_bot").says(TOM, "hi").status == 400  # the bot is the default app


def test_a_token_is_told_with_its_page_and_replaced_on_this_page_alone(messenger: Simulator) -> None:
    app_itself = messenger.bot.access_token
    told = call(messenger, "/debug_token", app_itself, input_token=OF_GARDEN).body["data"]
    assert (told["profile_id"], told["is_valid"]) == (GARDEN, True)

    new = page_settings.new_token(messenger.page(GARDEN), "bot", ["pages_messaging"])
    assert call(messenger, "/me", new).body["id"] == GARDEN
    assert call(messenger, "/me", OF_LAMPS).body["id"] == LAMPS
    messenger.switches = Switches(strict=True)
    assert refusal(call(messenger, "/me", OF_GARDEN))[0] == 190


def test_a_caller_with_an_unknown_token_means_the_page_that_it_names(messenger: Simulator) -> None:
    messenger.page(GARDEN).person(TOM).says("hello")

    assert call(messenger, f"/{GARDEN}", "whatever").body["name"] == "Garden Shop"
    assert say(messenger, TOM, "whatever").status == 200
    assert call(messenger, "/me", "whatever").body["name"] == "Lamp & Leaf"
    assert [line["page"] for line in messenger.journal.after() if line["kind"] == "graph"] == [
        GARDEN,
        GARDEN,
        LAMPS,
    ]


def test_a_batch_may_call_for_several_pages(messenger: Simulator) -> None:
    calls = [{"method": "GET", "relative_url": f"me?access_token={token}"} for token in (OF_GARDEN, OF_LAMPS)]
    answers = call(messenger, "/", OF_LAMPS, "POST", batch=calls).body

    assert [f'"{name}"' in each["body"] for each, name in zip(answers, ("Garden Shop", "Lamp & Leaf"))] == [
        True,
        True,
    ]


# --- settings -------------------------------------------------------------------------------------


def test_settings_are_those_of_one_page(messenger: Simulator) -> None:
    garden = messenger.page("Garden Shop")
    page_settings.change_page(garden, {"default_app": None, "restricted": True, "published": False})
    page_settings.change_app(garden, "sales_bot", {"may_take": False})

    assert (garden.default_app, messenger.default_app) == ("", BOT)
    assert (messenger.restricted, messenger.published) == (False, True)
    assert messenger.apps[SALES].may_take
    told = [page_settings.described(page) for page in (messenger, garden)]
    assert [(each["page"]["id"], each["default_app"]) for each in told] == [(LAMPS, BOT), (GARDEN, None)]


def test_secret_webhook_and_review_of_an_app_are_the_same_on_every_page(messenger: Simulator) -> None:
    garden = messenger.page("Garden Shop")
    page_settings.change_app(garden, "bot", {"callback": "https://bot.example/", "human_agent": False})
    garden.bot.fields -= {"messages"}

    assert (messenger.bot.callback, messenger.bot.human_agent) == ("https://bot.example/", False)
    assert messenger.bot.secret == garden.bot.secret
    assert "messages" not in messenger.bot.fields


def test_an_app_subscribes_to_each_page_by_itself(messenger: Simulator) -> None:
    done = call(messenger, "/me/subscribed_apps", OF_GARDEN, "POST", subscribed_fields="messaging_postbacks")
    assert done.body == {"success": True}
    messenger.page(GARDEN).person(TOM).says("not for the bot")
    messenger.person(NADIA).says("for the bot")

    assert [line["page"] for line in webhooks(messenger)] == [LAMPS]
    assert call(messenger, "/me/subscribed_apps", OF_GARDEN).body["data"][0]["subscribed_fields"] == [
        "messaging_postbacks"
    ]


def test_personas_attachments_and_profile_are_those_of_one_page(messenger: Simulator) -> None:
    ids = [
        call(messenger, "/me/personas", token, "POST", name="Sam").body["id"]
        for token in (OF_LAMPS, OF_GARDEN)
    ]
    assert len(set(ids)) == 2
    call(messenger, "/me/messenger_profile", OF_GARDEN, "POST", get_started={"payload": "begin"})

    assert [each["id"] for each in call(messenger, "/me/personas", OF_LAMPS).body["data"]] == ids[:1]
    assert refusal(call(messenger, f"/{ids[1]}", OF_LAMPS)) == (100, 33)
    asked = {"fields": "get_started"}
    assert call(messenger, "/me/messenger_profile", OF_LAMPS, **asked).body == {"data": []}
    assert call(messenger, "/me/messenger_profile", OF_GARDEN, **asked).body["data"]


def test_conversations_are_those_of_the_page_of_the_token(messenger: Simulator) -> None:
    messenger.person(NADIA).says("hello")
    messenger.page(GARDEN).person(TOM).says("hello")

    found = [call(messenger, "/me/conversations", token).body["data"] for token in (OF_LAMPS, OF_GARDEN)]
    assert [[each["id"] for each in one] for one in found] == [["t_42"], ["t_43"]]


def test_an_app_may_be_connected_to_one_page_alone(messenger: Simulator) -> None:
    garden = messenger.page("Garden Shop")
    garden.connect(App("5555", "second", "token-5555"))
    garden.person(TOM).says("hello")
    messenger.person(NADIA).says("hello")

    assert [event["item"]["sender"]["id"] for event in garden.events_of("second")] == [TOM]
    with pytest.raises(KeyError, match="no app 'second' on this page"):
        messenger.app("second")


# --- what is one for all --------------------------------------------------------------------------


def test_a_held_event_comes_in_one_body_with_that_of_another_page(messenger: Simulator) -> None:
    messenger.fault("batch")
    messenger.person(NADIA).says("first")
    messenger.bot.callback, sent = "http://bot.example", []
    messenger.send_webhook = sent.append
    messenger.page(GARDEN).person(TOM).says("second")

    (delivery,) = sent
    assert [entry["page"] for entry in delivery.entries] == [LAMPS, GARDEN]
    assert delivery.body.count(b'"entry"') == 1
    assert all(f'"entry":[{{"id":"{LAMPS}"'.encode() in delivery.body for _ in delivery.entries)
    assert f'{{"id":"{GARDEN}","time"'.encode() in delivery.body


@pytest.mark.parametrize(("bound", "happens"), [("Garden Shop", [GARDEN]), ("", [LAMPS, GARDEN])])
def test_a_fault_happens_on_every_page_unless_it_is_bound_to_one(
    messenger: Simulator, bound: str, happens: List[str]
) -> None:
    messenger.fault("drop_webhook", page=bound, count=None)
    messenger.person(NADIA).says("hello")
    messenger.page(GARDEN).person(TOM).says("hello")

    assert [line["page"] for line in webhooks(messenger) if line["status"] == "dropped"] == happens


def test_a_fault_for_a_page_that_is_not_there_names_those_that_are(messenger: Simulator) -> None:
    with pytest.raises(KeyError, match=r"no page 'Shoes' .*Lamp & Leaf.*Garden Shop"):
        messenger.fault("drop_webhook", page="Shoes")


def test_a_rate_limit_is_told_for_the_page_of_the_call(messenger: Simulator) -> None:
    messenger.fault("rate_613")
    assert GARDEN in say(messenger, TOM, OF_GARDEN).headers["X-Business-Use-Case-Usage"]


def test_control_ends_on_every_page_when_the_clock_has_moved(messenger: Simulator) -> None:
    garden = messenger.page("Garden Shop")
    for page, psid in ((messenger, NADIA), (garden, TOM)):
        page.person(psid).says("hello")
        page.inbox.replies(psid, "Sam here")
    happened = messenger.clock.run("25 hours")

    assert happened == ["control of 42 has lapsed", "control of 43 has lapsed"]
    lapsed = [line["page"] for line in messenger.journal.after() if line["kind"] == "meta"]
    assert lapsed == [LAMPS, GARDEN]


def test_a_webhook_that_is_disabled_takes_its_app_off_every_page(messenger: Simulator) -> None:
    messenger.fault("webhook_down", count=None)
    messenger.person(NADIA).says("hello")
    messenger.clock.jump("2 hours")
    assert [page.bot.page_fields for page in messenger.pages] == [set(), set()]

    call(messenger, "/me/subscribed_apps", OF_GARDEN, "POST", subscribed_fields="messages")
    told = [
        page["apps"][0]["disabled"] for page in (messenger.state(page=LAMPS), messenger.state(page=GARDEN))
    ]
    assert told == [True, False]
    messenger.reset()
    assert all(page.bot.page_fields for page in messenger.pages)


def test_stamps_and_mids_are_no_pages_own(messenger: Simulator) -> None:
    entries = [messenger.person(NADIA).says("a"), messenger.page(GARDEN).person(TOM).says("b")]
    assert entries[0]["at"] < entries[1]["at"]
    assert entries[0]["mid"] != entries[1]["mid"]


# --- all of it ------------------------------------------------------------------------------------


def test_the_state_names_the_page_of_each_thread_and_may_be_that_of_one_page(messenger: Simulator) -> None:
    messenger.person(NADIA).says("hello")
    messenger.page(GARDEN).person(TOM).says("hello")
    everything, one = messenger.state(), messenger.state(page="Garden Shop")

    assert [page["name"] for page in everything["pages"]] == ["Lamp & Leaf", "Garden Shop"]
    assert {thread["psid"]: thread["page"] for thread in everything["threads"]}[TOM] == GARDEN
    assert len(everything["events"][BOT]) == 2
    assert (one["page"]["id"], {thread["page"] for thread in one["threads"]}) == (GARDEN, {GARDEN})
    assert [event["item"]["sender"]["id"] for event in one["events"][BOT]] == [TOM]


def test_a_reset_forgets_the_people_of_every_page_and_no_page(messenger: Simulator) -> None:
    messenger.page(GARDEN).person(TOM).says("hello")
    messenger.reset()

    assert [len(page.threads) for page in messenger.pages] == [3, 3]
    assert not webhooks(messenger)
    assert call(messenger, "/me", OF_GARDEN).body["id"] == GARDEN


def test_a_page_can_be_added_and_has_the_apps_of_the_first(messenger: Simulator) -> None:
    page = messenger.add_page(PageFacts(name="Second Hand"))

    assert messenger.page("Second Hand") is page
    assert list(page.apps) == list(messenger.apps)
    assert len({each.page_id for each in messenger.pages}) == 3
    page.person("44").says("hello")
    assert webhooks(messenger)[-1]["page"] == page.page_id


@pytest.mark.parametrize("facts", [PageFacts(GARDEN), PageFacts(name="Garden Shop")])
def test_an_id_or_a_name_that_another_page_has_is_refused(messenger: Simulator, facts: PageFacts) -> None:
    with pytest.raises(ValueError, match="there is a page .* already"):
        messenger.add_page(facts)


def test_an_app_that_a_page_admits_is_the_one_that_another_page_knows(messenger: Simulator) -> None:
    first = messenger.admit("7777")
    first.name = "a known app"

    assert messenger.page(GARDEN).admit("7777").name == "a known app"
    assert messenger.page(GARDEN).apps["7777"].token != first.token


def test_those_who_have_not_written_get_new_ids_and_stay_the_same_people(messenger: Simulator) -> None:
    first, there = ([*page.threads][0] for page in messenger.pages)
    tom = [*messenger.threads][1]
    messenger.person(tom).says("hello")
    messenger.meta.give_new_ids("3000000000000100")

    ids = [psid for page in messenger.pages for psid in page.threads]
    assert len(set(ids)) == 6
    assert tom in ids
    assert all(int(psid) > 3000000000000100 for psid in ids if psid != tom)
    assert {first, there}.isdisjoint(ids)
    nadia = messenger.person([*messenger.threads][0])
    assert nadia.on(GARDEN).psid == [*messenger.page(GARDEN).threads][0]
    assert messenger.person(tom).on(GARDEN).psid == [*messenger.page(GARDEN).threads][1]
