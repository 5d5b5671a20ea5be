"""Each kind of file on its own: what is looked for, what is put in, and where. Texts in, texts out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from handover_channel.project_setup import (
    actions,
    config,
    credentials,
    edits,
    endpoints,
    settings_file,
    stories,
    story_test,
    training_data,
    yaml_edits,
    yaml_text,
)
from handover_channel.project_setup.edits import Edit
from handover_channel.project_setup.phrases import PHRASES_OF_LANGUAGE
from handover_channel.project_setup.project import Choices


def document(text, name="file.yml"):
    return yaml_text.read(name, text)


def load(text):
    return YAML(typ="safe", pure=True).load(text)


def changed(text, planned, name):
    """The text with the only edits of a plan."""
    return edits.apply(text, planned.edits.get(name, ()))[0] if text else planned.created.get(name, "")


# Edits


def test_edits_in_one_place_stay_in_order_and_come_before_what_is_replaced():
    changed, traces = edits.apply(
        "abc", [Edit(1, "b", "B"), Edit(1, "", "x"), Edit(1, "", "y"), Edit(3, "", "!")]
    )

    assert changed == "axyBc!"
    assert edits.take_out(changed, traces, unchanged=True) == "abc"


@pytest.mark.parametrize(
    "given_edits", [[Edit(0, "b", "")], [Edit(0, "ab", ""), Edit(1, "b", "")], [Edit(9, "x", "")]]
)
def test_edits_that_do_not_fit_are_refused(given_edits):
    with pytest.raises(ValueError, match="does not fit"):
        edits.apply("abc", given_edits)


PIECES = st.text("ab\n", max_size=4)


@given(st.text("ab\n", max_size=12), st.lists(st.tuples(st.integers(0, 12), PIECES), max_size=5))
def test_whatever_is_put_in_comes_out_again(text, insertions):
    put = [Edit(min(at, len(text)), "", piece) for at, piece in insertions if piece]

    changed, traces = edits.apply(text, put)

    assert edits.take_out(changed, traces, unchanged=True) == text


def test_of_several_that_are_alike_the_right_one_comes_out():
    changed, traces = edits.apply("a: [x]\nb: [x]\nc: [y]\n", [Edit(12, "", ", x")])

    assert edits.take_out("# new\n" + changed, traces, unchanged=False) == "# new\na: [x]\nb: [x]\nc: [y]\n"


def test_what_was_written_over_is_not_guessed():
    changed, traces = edits.apply("a\n", [Edit(2, "", "b\n")])

    with pytest.raises(edits.ChangedSince, match="b"):
        edits.take_out("a\nB\n", traces, unchanged=False)


# YAML


@pytest.mark.parametrize(
    "value",
    ["yes", "No", "null", "a: b", "# c", "", " a", "- a", "{x}", 'say "hi"', "it's", "1", "1.5", "ä", "~"],
)
def test_a_text_is_written_so_that_it_is_read_as_the_same_text(value):
    for text in (
        f"k: {yaml_edits.scalar(value)}",
        f"k: [{yaml_edits.scalar(value)}]",
        f"{yaml_edits.scalar(value)}: k",
    ):
        read = load(text)
        assert read in ({"k": value}, {"k": [value]}, {value: "k"})


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc:#'\"", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc ", min_size=1, max_size=3), JSON, min_size=1, max_size=3))
def test_values_are_written_in_both_styles_so_that_they_are_read_as_they_were(value):
    assert load("\n".join(yaml_edits.block(value))) == value
    assert load(yaml_edits.flow(value)) == value


def test_an_anchored_list_is_added_to_and_its_alias_is_left():
    text = "intents: &all\n- a\nother: *all\n"

    after, _ = edits.apply(text, yaml_edits.add_items(document(text), "intents", ["b"]))

    assert after == "intents: &all\n- a\n- b\nother: *all\n"


def test_a_block_that_keeps_its_blank_lines_keeps_them():
    text = "slots:\n  a:\n    text: |+\n      x\n\n\nnext: 1\n"

    after, _ = edits.apply(text, yaml_edits.add_entries(document(text), "slots", {"b": 1}))

    assert load(after) == {"slots": {"a": {"text": "x\n\n\n"}, "b": 1}, "next": 1}


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "---\n", "a: 1\n...\n", "a: 1", "{a: 1}\n", "\ufeffa: 1\n"]
)
def test_a_new_key_goes_to_the_end_of_any_file(text):
    after, traces = edits.apply(text, [yaml_edits.add_keys(document(text), {"b": ["c"]})])

    assert load(after)["b"] == ["c"]
    assert edits.take_out(after, traces, unchanged=True) == text


# config.yml

POLICIES = [
    "",
    "policies:\n",
    "policies: null # later\n",
    "policies: []\n",
    "policies:\n- name: RulePolicy # first\n",
]
POLICIES += [
    "policies: [{name: RulePolicy}, {name: a.b.Mine}]\n",
    "policies:\n    - epochs: 1\n      name: 'TEDPolicy'\n\n",
]


@pytest.mark.parametrize("text", POLICIES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_policy_is_added_to_any_list_of_policies(text, end):
    text = f"language: en\n{text}\n# end".replace("\n", end)
    before = load(text).get("policies") or []

    planned = config.plan(document(text), config.look(document(text)))
    after = changed(text, planned, "config.yml")

    names = [each["name"] for each in load(after)["policies"]]
    assert names[-1] == "handover_channel.HandoverPolicy"
    assert "RulePolicy" in names
    assert load(after)["policies"][: len(before)] == before
    assert end == "\n" or "\n" not in after.replace("\r\n", "")


# credentials.yml


@pytest.mark.parametrize(
    "text",
    [
        "facebook:\n  verify: v\n  secret: s\n  page-access-token: t\n",
        "rest:\nfacebook: {verify: v, secret: s, page-access-token: t}",
    ],
)
def test_the_keys_of_facebook_are_taken_over(text):
    planned = credentials.plan(document(text), credentials.look(document(text)), Choices())
    after = load(changed(text, planned, "credentials.yml"))

    assert after["handover_channel.MessengerInput"] == {
        "verify": "v",
        "secret": "s",
        "page-access-token": "t",
    }
    assert after["handover_channel.InboxInput"] is None
    assert planned.remarks == ()


def test_keys_that_facebook_lacks_are_named():
    text = "facebook:\n  verify: v\n"

    planned = credentials.plan(document(text), credentials.look(document(text)), Choices())

    assert "no secret and no page-access-token" in planned.remarks[0]


# endpoints.yml


@pytest.mark.parametrize(
    ("text", "comes_from_the_comment"),
    [
        ("", False),
        ("# nothing\n", False),
        ('#action_endpoint:\n#  url: "http://localhost:5055/webhook"\n', True),
        ('# action_endpoint:\n#   url: "http://localhost:5055/webhook"\n\ntracker_store:\n  type: x\n', True),
        ("# action_endpoint: see the manual\n", False),
        ("action_endpoint:\ntracker_store: {type: x}\n", False),
    ],
)
def test_rasa_learns_where_the_action_server_is(text, comes_from_the_comment):
    planned = endpoints.plan(document(text), endpoints.look(document(text)))
    after = changed(text, planned, "endpoints.yml")

    assert load(after)["action_endpoint"] == {"url": "http://localhost:5055/webhook"}
    assert ("#" not in after) == (comes_from_the_comment or "#" not in text)


# actions

IMPORT = "from handover_channel.actions import ActionHandover, ActionHandoverReturn  # noqa: F401"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 0),
        ('"""Doc."""\n', 1),
        ("import a\n", 1),
        ("from a import (\n    b,\n)\nx = 1\n", 3),
        ("from __future__ import annotations\n\x0c\nx = 1\n", 1),
        ("import a", 1),
        ("import a\r\nx = 1\r\n", 1),
        ("this is no python\n", 0),
        ("\ufeffimport a\nx = 1\n", 1),
        ("import a; PAIRS = [\n    1,\n]; import b; x = [\n]\n", 4),
        ("#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nx = 1\n", 2),
    ],
)
def test_the_import_goes_behind_the_last_one(text, line):
    texts = {"actions.py": text}
    needed = ("action_handover", "action_handover_return")

    planned = actions.plan(texts, actions.look(texts), needed)
    after, traces = edits.apply(text, planned.edits["actions.py"])

    assert after.splitlines()[line] == IMPORT
    assert edits.take_out(after, traces, unchanged=True) == text
    assert (
        line == 0 or actions.plan({"actions.py": after}, actions.look({"actions.py": after}), needed).is_empty
    )


def test_a_module_whose_name_is_taken_is_called_otherwise():
    texts = {"actions/__init__.py": "", "actions/handover.py": "x = 1\n"}

    planned = actions.plan(texts, actions.look(texts), ("action_handover",))

    assert list(planned.created) == ["actions/handover_actions.py"]


# Training data


def test_examples_are_found_in_every_way_to_write_them():
    text = (
        "nlu:\n- intent: a\n  examples: |\n    - one [two](x)\n    - three\n"
        "- intent: b\n  examples:\n  - text: |\n      four\n    intent: x\n"
        "- synonym: s\n  examples: |\n    - five\n"
    )

    facts = training_data.look({"nlu.yml": document(text)})

    assert facts.examples == {"a": ("one two", "three"), "b": ("four",)}


def test_an_example_that_differs_in_capitals_and_punctuation_alone_collides():
    text = "nlu:\n- intent: contact\n  examples: |\n    - Human, please!\n"
    found = {"nlu.yml": document(text)}

    planned = training_data.plan(found, "data", training_data.look(found), Choices(), (), set())

    assert "    - human please\n" not in planned.created["data/handover.yml"].replace("      - ", "    - ")
    assert planned.remarks == ('NLU: "human please" is left out, it is an example of the intent contact',)


@pytest.mark.parametrize(("usual", "languages", "count"), [(4, 1, 8), (12, 1, 12), (99, 1, 25), (12, 2, 16)])
def test_a_request_gets_about_as_many_examples_as_the_bots_own_intents_have(usual, languages, count):
    own = {f"intent {each}": tuple(f"sentence {n}" for n in range(usual)) for each in "abc"}
    own = {**own, "large": tuple(f"another {n}" for n in range(200)), "without any": ()}

    kept, left_out = training_data.examples_beside(own, ("en", "tr")[:languages])

    assert len(kept) == len(set(kept)) == count
    assert not left_out


def test_an_example_that_is_left_out_leaves_its_place_to_another():
    first = PHRASES_OF_LANGUAGE["en"].examples[:2]

    kept, left_out = training_data.examples_beside({"contact": first, "robot": ("human agent!",)}, ("en",))

    assert len(kept) == training_data.ENOUGH
    assert left_out == {first[0]: "contact", first[1]: "contact", "human agent": "robot"}


def test_a_rule_that_is_there_is_not_written_again_and_one_that_does_something_else_is_named():
    text = "rules:\n- rule: x\n  steps:\n  - intent: handover\n  - action: utter_sorry\n"
    found = {"rules.yml": document(text)}

    planned = training_data.plan(found, "data", training_data.look(found), Choices(), (), set())
    rules = load(planned.created["data/handover.yml"])["rules"]

    assert [rule["rule"] for rule in rules] == ["come back"]
    assert "a rule for handover is there already" in planned.remarks[0]


# Stories

OWN = Choices(intents=("human",), own_actions=("action_handoff",))


@pytest.mark.parametrize(
    ("steps", "after"),
    [
        (
            "[{intent: human}, {action: a}, {action: b}]",
            "[{intent: human}, {action: utter_handover}, {action: action_handover}]",
        ),
        (
            "\n  - intent: human\n  - action: a\n  - intent: x",
            "\n  - intent: human\n  - action: utter_handover\n  - action: action_handover\n  - intent: x",
        ),
        (
            "\n  -   intent: human\n  -   action: a",
            "\n  -   intent: human\n  -   action: utter_handover\n  -   action: action_handover",
        ),
        (
            "\n  - intent: x\n  - action: action_handoff # !",
            "\n  - intent: x\n  - action: utter_handover\n  - action: action_handover # !",
        ),
        (
            "\n  - {intent: human}\n  - {action: a}\n  - {intent: x}",
            "\n  - {intent: human}\n  - action: utter_handover\n  - action: action_handover\n  - {intent: x}",
        ),
        (
            "\n  - intent: human\n  - # a-b\n    action: a",
            "\n  - intent: human\n  - # a-b\n    action: utter_handover\n  - action: action_handover",
        ),
        ("\n  - intent: x\n  - action: a", "\n  - intent: x\n  - action: a"),
    ],
)
def test_what_follows_a_request_for_people_hands_over(steps, after):
    text = f"stories:\n- story: s\n  steps: {steps}\n"

    planned, _ = stories.plan({"s.yml": document(text, "s.yml")}, OWN)

    assert changed(text, planned, "s.yml") == f"stories:\n- story: s\n  steps: {after}\n"


@pytest.mark.parametrize(
    ("steps", "blocked"),
    [
        ("[{intent: human}, {action: form}, {active_loop: form}]", True),
        ("[{intent: human}, {action: a}, {slot_was_set: [{b: c}]}]", True),
        ("[{intent: human}]", True),
        ("[{or: [{intent: human}, {intent: x}]}, {action: a}]", True),
        ("[{active_loop: form}, {intent: human}, {action: a}, {action: form}, {active_loop: form}]", False),
        ("[{intent: human}, {action: action_handover}, {slot_was_set: [{b: c}]}]", False),
        ("[{intent: x}, {action: a}]", False),
    ],
)
def test_what_only_the_author_can_change_is_known(steps, blocked):
    text = f"stories:\n- story: s\n  steps: {steps}\n"

    assert bool(stories.look({"s.yml": document(text, "s.yml")}, ("human",)).blocked) == blocked


# handover.yml and the test


def test_intents_are_added_to_settings_that_are_there():
    text = "app_id: 1 # ours\n"

    planned = settings_file.plan(
        document(text), settings_file.look(document(text)), OWN, simulated=False, on_messenger=True
    )

    assert load(changed(text, planned, "handover.yml")) == {"app_id": 1, "handover_intents": ["human"]}


def test_the_test_says_what_surely_means_the_intent():
    told = training_data.look(
        {"nlu.yml": document("nlu:\n- intent: human\n  examples: |\n    - a [b](c)\n    - a human\n")}
    )
    untold = training_data.look({})

    test = story_test.plan(story_test.look({}), OWN, told).created["tests/test_handover.yml"]
    bare = story_test.plan(story_test.look({}), OWN, untold).created["tests/test_handover.yml"]

    assert load(test)["stories"][0]["steps"][0] == {"user": "a human\n", "intent": "human"}
    assert load(bare)["stories"][0]["steps"][0] == {"user": "/human\n", "intent": "human"}
