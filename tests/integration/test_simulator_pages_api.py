"""The control API with several pages: a call may name its page, and need not where a person says which."""

from __future__ import annotations

import json

import pytest
import requests

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from served_simulator import api, bot, messenger, pauses, url  # noqa: E402, F401
from webhook_listener import until  # noqa: E402

from handover_channel.simulator import PAGE_INBOX  # noqa: E402

LAMPS, GARDEN, BOT = "1000000000000001", "2000", "1234567890"


@pytest.fixture(autouse=True)
def garden(api):
    """A further page, with Tom on it; Nadia is on the first."""
    page = {"id": GARDEN, "name": "Garden Shop", "token": "token-of-garden"}
    people = [{"id": "42", "name": "Nadia"}, {"id": "43", "name": "Tom", "page": "Garden Shop"}]
    api("seed", pages=[page], people=people)


def refused(url, path, **body):
    answer = requests.post(f"{url}/simulator/v1/{path}", json=body, timeout=10)
    assert answer.status_code == 400, answer.text
    return answer.json()["error"]


def owners(api):
    return {thread["psid"]: thread["owner"] for thread in api("snapshot", "GET")["threads"]}


def test_webhooks_of_both_pages_come_to_the_one_callback_of_the_bot(api, bot):
    api("say", person="42", text="to the lamps")
    api("say", person="43", text="to the garden")

    until(lambda: len(bot.bodies) == 2)
    entries = [json.loads(body)["entry"][0] for body in bot.bodies]
    assert [entry["id"] for entry in entries] == [LAMPS, GARDEN]


def test_a_handover_on_one_page_leaves_the_other_page_alone(api, url):
    there = api("new_person", same_as="42", page="Garden Shop")["person"]
    api("say", person="42", text="a human please")
    api("say", person=there, text="hello")
    api("pass", app="bot", person="42", to="Page inbox")

    assert (owners(api)["42"], owners(api)[there]) == (PAGE_INBOX, None)
    told = requests.get(f"{url}/{there}/ids_for_pages?access_token=token-of-garden", timeout=10).json()
    assert {each["page"]["id"]: each["id"] for each in told["data"]} == {LAMPS: "42", GARDEN: there}


def test_a_page_that_is_named_has_to_be_that_of_the_person(api, url):
    assert "43 is a person of the page Garden Shop" in refused(
        url, "say", person="43", text="hello", page=LAMPS
    )
    assert "no page 'Shoes' in this simulator (known: " in refused(
        url, "say", person="43", text="hello", page="Shoes"
    )
    api("say", person="44", text="hello", page=GARDEN)
    assert {thread["psid"] for thread in api("snapshot", "GET", page=GARDEN)["threads"]} == {"43", "44"}


def test_snapshot_and_journal_say_the_page_and_can_be_asked_for_one(api):
    api("say", person="42", text="hello")
    api("say", person="43", text="hello")
    everything = api("snapshot", "GET")

    assert [page["name"] for page in everything["pages"]] == ["Lamp & Leaf", "Garden Shop"]
    assert {thread["psid"]: thread["page"] for thread in everything["threads"]} == {"42": LAMPS, "43": GARDEN}
    of_garden = api("journal", "GET", page="Garden Shop", kind="webhook")["entries"]
    assert {(entry["page"], entry["psid"]) for entry in of_garden} == {(GARDEN, "43")}
    assert api("snapshot", "GET", page=GARDEN)["page"] == {"id": GARDEN, "name": "Garden Shop"}


def test_settings_default_app_and_token_are_those_of_the_page_that_is_named(api, url):
    api("default_app", app=None, page=GARDEN)
    api("settings", restricted=True, page=GARDEN)
    api("app_settings", app="sales_bot", may_take=False, page=GARDEN)
    token = api("token", app="bot", scopes=["pages_messaging"], page=GARDEN)["token"]

    here, there = api("settings", "GET"), api("settings", "GET", page=GARDEN)
    assert [(told["default_app"], told["restricted"]) for told in (here, there)] == [
        (BOT, False),
        (None, True),
    ]
    assert [each["name"] for each in here["pages"]] == ["Lamp & Leaf", "Garden Shop"]
    assert requests.get(f"{url}/me?access_token={token}", timeout=10).json()["id"] == GARDEN


def test_a_fault_may_be_bound_to_a_page(api):
    assert api("fault", name="drop_webhook", page="Garden Shop", count=None)["page"] == GARDEN
    api("say", person="42", text="hello")
    api("say", person="43", text="hello")

    dropped = [entry for entry in api("journal", "GET")["entries"] if entry.get("status") == "dropped"]
    assert {entry["page"] for entry in dropped} == {GARDEN}


def test_staff_and_apps_act_on_the_page_of_the_person(api):
    api("say", person="43", text="hello")
    assert "mid" in api("reply", app=PAGE_INBOX, person="43", text="Sam here")
    assert owners(api)["43"] == PAGE_INBOX
    api("done", person="43")
    assert owners(api)["43"] == BOT
    assert api("reply", app="bot", person="43", text="and me again")["status"] == 200


def test_a_seed_that_is_wrong_about_pages_changes_nothing(api, url):
    before = api("snapshot", "GET")
    for wrong, said in (
        ({"people": [{"id": "1", "page": "Shoes"}]}, "no page 'Shoes'"),
        ({"pages": [{"id": "3000", "name": "Garden Shop"}]}, "another page's id or name"),
        (
            {"people": [{"id": "1"}], "threads": [{"person": "1", "owner": "bot", "page": "Shoes"}]},
            "no page 'Shoes'",
        ),
        (
            {"people": [{"id": "1", "page": LAMPS}, {"id": "1", "page": GARDEN}]},
            "'1' is on two pages",
        ),
    ):
        assert said in refused(url, "seed", **wrong)

    after = api("snapshot", "GET")
    assert (after["pages"], after["threads"]) == (before["pages"], before["threads"])


def test_a_seed_may_say_who_has_which_thread_on_which_page(api):
    api(
        "seed",
        apps=[{"id": "7777", "name": "crm"}],
        pages=[{"id": GARDEN}, {"id": "3000", "name": "Second Hand"}],
        people=[{"id": "50", "page": "3000"}],
        threads=[{"person": "50", "owner": "crm", "page": "Second Hand"}, {"person": "43", "owner": "crm"}],
        default_app=None,
    )

    state = api("snapshot", "GET")
    assert [page["id"] for page in state["pages"]] == [LAMPS, GARDEN, "3000"]
    assert {page["default_app"] for page in state["pages"]} == {None}
    assert {thread["psid"]: (thread["page"], thread["owner"]) for thread in state["threads"]} == {
        "50": ("3000", "7777"),
        "43": (LAMPS, "7777"),
    }


def test_somebody_whom_no_page_knows_is_the_same_as_nobody(url):
    assert "'same_as' is '99', whom no page knows" in refused(url, "new_person", same_as="99", page=GARDEN)
