"""The control API without HTTP: its file, what it checks, and what each call does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.simulator import PAGE_INBOX, Simulator
from handover_channel.simulator.api_acts import ACTS, checked
from handover_channel.simulator.api_bodies import check, document, operations
from handover_channel.simulator.clock import Clock
from handover_channel.simulator.faults import FAULTS
from handover_channel.simulator.thread import FIRST_PEOPLE

START = 1_700_000_000.0
ROUTES = Path(__file__).parents[2] / "handover_channel" / "simulator" / "api_routes.py"
BUTTON = {"type": "postback", "title": "Back to Bot", "payload": "/back"}
TEMPLATE = {"template_type": "button", "text": "One moment", "buttons": [BUTTON]}


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(apps={"2222": "sales_bot"}, now=Clock(lambda: START))


def act(simulator: Simulator, call: str, **body: Any) -> Any:
    return ACTS[call](simulator, check(call, body))


# --- the file -------------------------------------------------------------------------------------


def test_the_file_is_openapi_3_1():
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is a tool")
    validate = getattr(validator, "validate", None) or validator.validate_spec

    assert document()["openapi"].startswith("3.1")
    validate(document())


def test_every_call_of_the_file_is_answered_and_no_other():
    names = [operation.name for operation in operations()]
    over_http = set(
        re.findall(r'^            "(\w+)": self\._', ROUTES.read_text(encoding="utf-8"), re.MULTILINE)
    )

    assert len(set(names)) == len(names)
    assert set(names) == set(ACTS) | over_http | {"events"}


def test_the_fault_call_has_every_option_of_a_fault():
    options = set(document()["components"]["schemas"]["Fault"]["properties"])

    assert options == {"name", "count", "call", "event", "thread", "app", "seconds", "takes_effect", "by"} | {
        "page",
        "code",
        "subcode",
        "message",
    }


# --- bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("say", {}, "the body lacks 'person'; the body lacks 'text'"),
        ("say", [], "the body is a list; it must be an object"),
        ("say", {"person": 42, "text": "hello"}, "'person' is 42; it must be a string"),
        ("say", {"person": "42", "text": ""}, "'text' is empty; it must be a text"),
        (
            "say",
            {"person": "42", "text": "a", "mod": 1},
            "'mod' is no key of this call (known: person, text, page)",
        ),
        ("tap", {"person": "42", "index": True}, "'index' is true; it must be a whole number"),
        ("tap", {"person": "42", "index": -1}, "'index' is -1; it must be 0 or more"),
        ("reply", {"app": "bot", "person": "42"}, "the body lacks 'text' or 'message'"),
        ("advance", {"by": None}, "'by' is null; it must be a string or a number"),
        ("advance", {"by": 5, "how": "walk"}, "'how' is 'walk'; it must be one of jump, run"),
        ("fault", {"name": "duplicate", "count": 0}, "'count' is 0; it must be 1 or more"),
        ("seed", {"people": [{"name": "Mia"}]}, "'people[0]' lacks 'id'"),
        (
            "seed",
            {"people": [{"id": "1", "nme": "Mia"}]},
            "'nme' is no key of people[0] (known: id, name, page)",
        ),
        ("reset", {"all": True}, "'all' is no key of this call (known: none)"),
        ("faults", {"all": True}, "'all' is no key of this call (known: none)"),
    ],
)
def test_a_wrong_body_is_refused_and_the_key_is_named(name, body, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        check(name, body)


@given(
    st.sampled_from([operation.name for operation in operations()]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["person", "text", "app", "by", "how", "name", "count", "people", "x"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    ),
)
def test_no_body_does_anything_but_what_it_should_or_is_refused_with_a_sentence(name: str, body: Any):
    simulator, said = Simulator(now=Clock(lambda: START)), "nothing is wrong"
    try:
        given_body = check(name, body)
        if name in ACTS:
            ACTS[name](simulator, given_body)
    except (ValueError, LookupError) as error:
        said = str(error)

    assert said


# --- acts -----------------------------------------------------------------------------------------


def test_a_handover_by_the_calls_of_the_api(simulator):
    assert set(act(simulator, "say", person="42", text="a human please")) == {"mid", "at", "kind"}
    sent = act(
        simulator,
        "reply",
        app="bot",
        person="42",
        message={"attachment": {"type": "template", "payload": TEMPLATE}},
    )
    assert sent["status"] == 200
    assert act(simulator, "pass", app="bot", person="42", to="Page inbox") == {
        "status": 200,
        "body": {"success": True},
    }
    assert act(simulator, "reply", app="Page inbox", person="42", text="Sam here")["kind"] == "message"
    refused = act(simulator, "reply", app="bot", person="42", text="beside it")
    assert (refused["status"], refused["body"]["error"]["error_subcode"]) == (400, 2018300)
    assert act(simulator, "tap", person="42", title="Back to Bot")["kind"] == "postback"
    assert act(simulator, "done", person="42") == {}
    assert simulator.owner("42") == simulator.bot.id


def test_a_button_that_is_not_there_is_answered_with_those_that_are(simulator):
    act(simulator, "say", person="42", text="hello")
    act(
        simulator,
        "reply",
        app="bot",
        person="42",
        message={"attachment": {"type": "template", "payload": TEMPLATE}},
    )

    with pytest.raises(LookupError, match=r"offers no such button .* \(there: 'Back to Bot'\)"):
        act(simulator, "tap", person="42", title="Back to Bott")


def test_a_new_person_has_the_name_language_and_gender_that_are_chosen(simulator):
    chosen = act(simulator, "newPerson", name="سلمى ناصر", locale="fr_FR", gender="female")
    profile = simulator.threads[chosen["person"]].profile()

    assert chosen == {"person": "3000000000000004", "name": "سلمى ناصر", "page": simulator.page_id}
    assert (profile["first_name"], profile["locale"], profile["gender"]) == ("سلمى", "fr_FR", "female")
    assert act(simulator, "newPerson")["person"] == "3000000000000005"
    with pytest.raises(ValueError, match=r"^'3000000000000004' is سلمى ناصر already$"):
        act(simulator, "newPerson", person="3000000000000004")


def test_no_two_people_have_the_same_name(simulator):
    names = [act(simulator, "newPerson")["name"] for _ in range(400)]

    assert len(set(names)) == 400
    assert not any(name in FIRST_PEOPLE.values() for name in names)


def test_a_seed_begins_with_people_apps_and_owners(simulator):
    act(simulator, "say", person="42", text="from before")
    act(
        simulator,
        "seed",
        people=[{"id": "7", "name": "Mia Novak"}],
        apps=[{"id": "5555", "name": "crm"}],
        threads=[{"person": "7", "owner": "crm", "expires_in": "2 hours"}],
        default_app="crm",
        switches={"done": "release"},
    )

    assert list(simulator.threads) == ["7"]
    assert (simulator.owner("7"), simulator.default_app, simulator.switches.done) == (
        "5555",
        "5555",
        "release",
    )
    simulator.clock.jump("2 hours")
    assert simulator.owner("7") == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"threads": [{"person": "7", "owner": "nobody"}]},
        {"default_app": "nobody"},
        {"switches": {"doen": "pass"}},
        {"threads": [{"person": "7", "owner": "bot", "expires_in": "soon"}]},
    ],
)
def test_a_seed_that_is_wrong_changes_nothing(simulator, wrong: Dict[str, Any]):
    act(simulator, "say", person="42", text="from before")

    with pytest.raises((ValueError, KeyError)):
        act(simulator, "seed", people=[{"id": "7"}], **wrong)
    assert "42" in simulator.threads
    assert "7" not in simulator.threads


def test_faults_are_ordered_listed_and_removed(simulator):
    ordered = act(simulator, "fault", name="drop_webhook", count=None, thread="42")
    act(simulator, "fault", name="code_2")
    listed = act(simulator, "faults")

    assert [each["name"] for each in listed["ordered"]] == ["drop_webhook", "code_2"]
    assert (ordered["count"], ordered["thread"], ordered["app"]) == (None, "42", simulator.bot.id)
    assert set(listed["known"]) == set(FAULTS)
    assert act(simulator, "removeFaults") == {"removed": 2}


def test_the_journal_tells_how_much_its_bound_has_dropped(simulator):
    journal = simulator.journal
    journal._entries = type(journal._entries)(maxlen=3)
    for number in range(5):
        act(simulator, "say", person=f"{number}", text="hello")

    entries, dropped = journal.read()
    assert [entry["n"] for entry in entries] == [journal.count - 2, journal.count - 1, journal.count]
    assert dropped == journal.count - 3
    assert journal.read(journal.count - 1) == (entries[-1:], 0)
    journal.clear()
    assert journal.read() == ([], 0)


_OF_A_THREAD = {
    "reply": {"app": "bot", "text": "hello"},
    "pass": {"app": "bot", "to": PAGE_INBOX},
    "take": {"app": "bot"},
    "request": {"app": "2222"},
    "release": {"app": "bot"},
    "extend": {"app": "bot", "seconds": 60},
    "done": {},
    "moveToMain": {},
    "tap": {},
    "choose": {},
    "react": {"mid": "m_1"},
    "read": {},
}


@pytest.mark.parametrize("call", _OF_A_THREAD)
def test_a_slip_in_an_id_is_told_and_makes_no_thread(simulator, call):
    with pytest.raises(ValueError, match="'person' is '4Z', who has not come to this page -> say, or new_pe"):
        act(simulator, call, person="4Z", **_OF_A_THREAD[call])

    assert "4Z" not in simulator.threads


def test_nobody_reacts_to_a_message_that_is_not_there(simulator):
    act(simulator, "say", person="42", text="hello")
    lines = simulator.journal.count
    with pytest.raises(LookupError, match="no message 'm_no' in the thread '42'"):
        act(simulator, "react", person="42", mid="m_no")

    assert simulator.journal.count == lines


def test_staff_answer_as_the_page_inbox(simulator):
    act(simulator, "say", person="42", text="hello")
    act(simulator, "reply", app=PAGE_INBOX, person="42", text="Sam here")

    assert simulator.owner("42") == PAGE_INBOX


@pytest.mark.parametrize("operation", [each for each in operations() if each.method == "POST"], ids=str)
def test_an_act_among_several_is_called_as_it_is_alone(operation):
    try:
        checked({"acts": [{"call": operation.path[1:]}]})
        said = ""
    except ValueError as error:
        said = str(error)

    acts = operation.name in ACTS and operation.name != "acts"
    assert ("which is no call that acts" not in said) == acts, said


@pytest.mark.parametrize("value", [None, True, False])
def test_a_wrong_value_is_told_as_json_has_it(value):
    with pytest.raises(ValueError, match=f"'text' is {json.dumps(value)}; it must be a string"):
        check("say", {"person": "42", "text": value})


def test_several_acts_are_carried_out_in_order_in_one_call(simulator):
    acts = [
        {"call": "say", "person": "42", "text": "one"},
        {"call": "pass", "app": "bot", "person": "42", "to": "2222"},
    ]
    answers = act(simulator, "acts", acts=acts)["answers"]

    assert [set(answer) for answer in answers] == [{"mid", "at", "kind"}, {"status", "body"}]
    assert simulator.owner("42") == "2222"


@pytest.mark.parametrize(
    ("last", "sentence", "done"),
    [
        ({"call": "dance"}, "'acts[1].call' is 'dance', which is no call that acts (known: ", False),
        ({"call": "acts", "acts": []}, "'acts[1].call' is 'acts', which is no call that acts", False),
        ({"call": "say", "person": "42"}, "acts[1], say: the body lacks 'text'", False),
        (
            {"call": "tap", "person": "42"},
            "acts[1], tap: no buttons in the thread '42' (those before it have been done)",
            True,
        ),
    ],
)
def test_an_act_that_is_wrong_is_named_and_none_is_carried_out_where_a_body_is(
    simulator, last, sentence, done
):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        act(simulator, "acts", acts=[{"call": "say", "person": "42", "text": "one"}, last])

    assert ("42" in simulator.threads) is done
