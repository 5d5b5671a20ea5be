"""handover init, on bots of other people: what it puts in, that it is enough, and that it goes out again."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from foreign_bots import BOTS, PLAIN
from ruamel.yaml import YAML
from typer.testing import CliRunner

from handover_channel.cli.main import app
from handover_channel.errors import HandoverError
from handover_channel.project_setup import folder, own_handoff, record
from handover_channel.project_setup.edits import Trace
from handover_channel.project_setup.phrases import PHRASES_OF_LANGUAGE
from handover_channel.settings import loader


@pytest.fixture
def project(tmp_path):
    """Make a bot's folder of its texts."""

    def make(texts):
        for path, text in texts.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(text.encode("utf-8"))
        return tmp_path

    return make


def files(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes().decode("utf-8")
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git/" not in str(path)
    }


def run(root, *arguments, fails=None, **more):
    """Run handover init, and return what it prints."""
    result = CliRunner().invoke(app, ["init", str(root), *arguments], **more)
    if fails is None:
        assert result.exit_code == 0, result.output + repr(result.exception)
        return result.output
    assert isinstance(result.exception, HandoverError), result.output
    assert fails in str(result.exception)
    return str(result.exception)


def load(text):
    return YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize("bot", BOTS)
def test_it_is_all_there_then_there_is_nothing_to_do_and_it_goes_out_again(project, bot):
    root = project(BOTS[bot])

    run(root, "--yes")
    after = files(root)

    assert set(after) >= {"handover.yml", "data/handover.yml", "tests/test_handover.yml", record.NAME}
    assert "handover_channel.HandoverPolicy" in after["config.yml"]
    assert run(root, "--yes") == "Nothing to do: handover is in this project.\n"
    assert run(root, "--check") == "Nothing to do: handover is in this project.\n"
    assert files(root) == after
    run(root, "--undo", "--yes")
    assert files(root) == BOTS[bot]
    assert not (root / "tests").exists() or any(path.startswith("tests/") for path in BOTS[bot])


@pytest.mark.parametrize("arguments", [["--dry-run"], ["--check"]])
def test_a_look_changes_nothing_and_ci_learns_that_something_lacks(project, arguments):
    root = project(PLAIN)

    result = CliRunner().invoke(app, ["init", str(root), *arguments])

    assert result.exit_code == (1 if "--check" in arguments else 0)
    assert "+  - name: handover_channel.HandoverPolicy" in result.output
    assert files(root) == PLAIN


def test_a_no_changes_nothing(project):
    root = project(PLAIN)

    run(root, input="en\ny\nn\n", fails="Nothing was changed.")

    assert files(root) == PLAIN


def test_rasas_own_facebook_channel_becomes_ours_and_keeps_its_keys_and_comments(project):
    root = project(BOTS["facebook with comments"])

    said = run(root, "--yes")
    text = files(root)["credentials.yml"]

    assert text.replace("handover_channel.MessengerInput:   # our page", "facebook:   # our page").startswith(
        BOTS["facebook with comments"]["credentials.yml"]
    )
    assert set(load(text)) == {"rest", "handover_channel.MessengerInput", "handover_channel.InboxInput"}
    assert "3e34709d01ea" not in said
    assert "EAAbHPa7" not in said
    assert "app_id: ${MESSENGER_APP_ID}" in files(root)["handover.yml"]
    assert "MESSENGER_APP_ID" in said


def test_a_request_for_people_is_never_the_value_of_a_slot(project):
    root = project(BOTS["forms with from_text"])

    run(root, "--yes")
    slots = load(files(root)["domain.yml"])["slots"]

    assert slots["address"]["mappings"][0]["not_intent"] == ["handover", "handover_returned"]
    assert slots["remark"]["mappings"][0]["not_intent"] == ["goodbye", "handover", "handover_returned"]
    assert "not_intent" not in slots["size"]["mappings"][0]


def test_every_form_is_interrupted_and_goes_on(project):
    root = project(BOTS["forms with from_text"])

    run(root, "--yes")
    rules = load(files(root)["data/handover.yml"])["rules"]

    conditions = [rule["condition"][0]["active_loop"] for rule in rules if "condition" in rule]
    assert conditions == ["pizza_form", "pizza_form", "remark_form", "remark_form"]
    assert all(rule["steps"][-1] == rule["condition"][0] for rule in rules if "condition" in rule)


def test_a_domain_in_a_folder_gets_a_file_and_nothing_else_changes(project):
    root = project(BOTS["domain folder"])

    said = run(root, "--yes")
    after = files(root)

    assert {path for path in after if path.startswith("domain/")} - set(BOTS["domain folder"]) == {
        "domain/handover.yml"
    }
    assert all(
        after[path] == BOTS["domain folder"][path] for path in BOTS["domain folder"] if "domain/" in path
    )
    assert "--domain domain" in said


def test_what_comes_next_names_the_places_that_rasa_does_not_look_into(project):
    texts = {path.replace("data/", "training/"): text for path, text in BOTS["domain folder"].items()}

    said = run(project(texts), "--yes", "--data", "training")

    assert "rasa data validate --domain domain --data training, " in said
    assert "rasa train --domain domain --data training, rasa test --stories tests\n" in said


def test_what_comes_next_are_the_servers_that_the_bot_needs(project):
    said = run(project(PLAIN), "--yes")

    assert "Next: rasa data validate, rasa train, rasa test --stories tests\n" in said
    assert "rasa run --enable-api, rasa run actions, handover simulate\n" in said


@pytest.mark.parametrize(
    ("secret", "named"),
    [('"a-secret-of-ours"', True), ("${MESSENGER_SECRET}", True), ("demo-app-secret", False)],
)
def test_a_bot_that_keeps_its_secret_is_told_what_the_simulator_needs(project, secret, named):
    block = f"facebook:\n  verify: a\n  secret: {secret}\n  page-access-token: b\n"

    said = run(project({**PLAIN, "credentials.yml": block}), "--yes")

    assert ("rasa run actions, handover simulate --any-secret\n" in said) is named
    assert ('handover.yml needs graph_api: {url: "http://127.0.0.1:8090"}' in said) is named


def test_without_messenger_there_is_nothing_to_simulate(project):
    said = run(project(PLAIN), "--yes", "--no-messenger")

    assert "rasa run --enable-api, rasa run actions\n" in said


def test_a_session_start_of_the_bots_own_stays_alone(project):
    root = project(BOTS["own session start"])

    run(root, "--yes")

    assert "ActionSessionStart" not in files(root)["actions/handover.py"]


def test_where_slots_are_not_carried_over_our_session_start_does_it(project):
    root = project(BOTS["slots are not carried over"])

    run(root, "--yes")

    assert "ActionSessionStart" in files(root)["actions/handover.py"]
    assert "action_session_start" in load(files(root)["domain.yml"])["actions"]


def test_one_file_of_actions_gets_one_import_behind_the_others(project):
    root = project(BOTS["actions.py"])

    run(root, "--yes")
    lines = files(root)["actions.py"].splitlines()

    assert lines[5].startswith("from handover_channel.actions import ActionHandover, ActionHandoverReturn")
    assert not (root / "actions").exists()


def test_an_intent_of_the_bots_own_is_used_and_its_stories_hand_over(project):
    root = project(BOTS["own hand-off with stories"])

    run(root, "--yes")
    after = files(root)
    visit, trouble = load(after["data/stories.yml"])["stories"]

    assert load(after["handover.yml"])["handover_intents"] == ["human_handoff"]
    assert "handover" not in load(after["domain.yml"])["intents"]
    assert "nlu" not in load(after["data/handover.yml"])
    assert [step["action"] for step in visit["steps"] if "action" in step] == [
        *("utter_greet", "utter_handover", "action_handover", "utter_goodbye")
    ]
    assert [step["action"] for step in trouble["steps"] if "action" in step] == [
        *("utter_ask_human", "utter_handover", "action_handover")
    ]
    assert load(after["tests/test_stories.yml"])["stories"][0]["steps"][3:5] == visit["steps"][3:5]


def test_rules_and_stories_of_the_bots_own_hand_over_in_forms_too(project):
    root = project(BOTS["own hand-off by rules, in a form"])

    run(root, "--yes")
    after = files(root)
    in_form, anywhere = load(after["data/rules.yml"])["rules"][-2:]
    ours = [{"intent": "talk_to_human"}, {"action": "utter_handover"}, {"action": "action_handover"}]
    form = [{"action": "pizza_form"}, {"active_loop": "pizza_form"}]

    assert (in_form["steps"], anywhere["steps"]) == ([*ours, *form], ours)
    assert load(after["data/stories.yml"])["stories"][0]["steps"] == [
        {"intent": "order_pizza"},
        *form,
        *ours,
        *form,
    ]
    names = [rule["rule"] for rule in load(after["data/handover.yml"])["rules"]]
    assert [name for name in names if name.startswith("hand over")] == [
        "hand over in the middle of remark_form"
    ]


def test_the_reason_of_a_return_is_no_value_of_the_bots_own_slot(project):
    root = project(BOTS["a reason of its own"])

    said = run(root, "--yes")

    why = load(files(root)["domain.yml"])["slots"]["why"]["mappings"][0]
    assert why == {"type": "from_entity", "entity": "reason", "not_intent": ["handover_returned"]}
    assert "entity reason is there already" in said


@pytest.mark.parametrize("bot", BOTS)
def test_the_settings_that_are_written_can_be_used(project, bot):
    root = project(BOTS[bot])
    every = [option for language in PHRASES_OF_LANGUAGE for option in ("--language", language)]

    run(root, "--yes", *every)

    loaded = loader.load(str(root / "handover.yml"), environ={"MESSENGER_APP_ID": "4711"})
    assert loaded.target().kind is loader.TargetKind.INBOX
    assert len(loaded.handover_intents) == 1


@pytest.mark.parametrize("phrases", PHRASES_OF_LANGUAGE.values(), ids=PHRASES_OF_LANGUAGE)
def test_every_language_has_what_a_bot_needs(phrases):
    assert len(set(phrases.examples)) >= 20
    assert "{opens}" in phrases.closed
    assert len(phrases.button) <= 20


def test_an_action_that_the_developer_kept_is_not_asked_about_again(project):
    root = project(BOTS["own hand-off with stories"])
    run(root, input="en\ny\nn\ny\ny\n")

    assert "  - action: action_human_handoff" in files(root)["data/stories.yml"]
    assert run(root, "--check").startswith("Nothing to do")


@pytest.mark.parametrize("intent", ["order_pizza", "human_handoff"])
def test_an_intent_whose_stories_only_their_author_can_change_is_refused_if_it_is_asked_for(project, intent):
    shift = "stories:\n- story: a\n  steps:\n  - intent: human_handoff\n  - active_loop: pizza_form\n"
    bot = {**BOTS["forms with from_text"], "data/shift.yml": shift}
    root = project(bot)

    run(root, "--yes", "--intent", intent, fails=f"--intent {intent}: not only actions follow it in data/")

    assert files(root) == bot


def test_an_intent_of_a_bot_that_hands_over_may_come_into_any_story_later(project):
    root = project(BOTS["own hand-off with stories"])
    run(root, "--yes")
    later = "stories:\n- story: a\n  steps:\n  - intent: human_handoff\n  - intent: greet\n"
    (root / "data" / "later.yml").write_text(later)

    assert run(root, "--check").startswith("Nothing to do")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("config.yml", f"{PLAIN['config.yml']}---\nlanguage: en\n"),
        ("domain.yml", f"--- # first\n{PLAIN['domain.yml']}...\n---\nintents: [more]\n"),
        ("data/nlu.yml", f"{PLAIN['data/nlu.yml']}--- {{}}\n"),
    ],
)
def test_a_file_of_several_documents_which_rasa_does_not_read_either_is_refused(project, path, text):
    bot = {**PLAIN, path: text}
    root = project(bot)

    run(root, "--yes", fails=path)

    assert files(root) == bot


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", "# nothing\r\n", "---\n", "---\n...\n", "{}\n"])
@pytest.mark.parametrize("path", ["endpoints.yml", "credentials.yml", "data/more.yml", "tests/test_more.yml"])
def test_a_file_with_nothing_in_it_gets_what_it_lacks_and_is_as_it_was_afterwards(project, path, text):
    bot = {**PLAIN, path: text}
    root = project(bot)

    run(root, "--yes")
    for each in [name for name in files(root) if name.endswith((".yml", ".yaml"))]:
        load(files(root)[each])
    assert run(root, "--check").startswith("Nothing to do")

    run(root, "--undo", "--yes")
    assert files(root) == bot


def test_another_intent_is_taken_if_it_is_asked_for(project):
    root = project(BOTS["own hand-off with stories"])

    said = run(root, "--yes", "--intent", "handover")
    after = files(root)

    assert "handover" in load(after["domain.yml"])["intents"]
    assert '"I want to talk to a human" is left out, it is an example of the intent human_handoff' in said
    assert "    - I want to talk to a human\n" not in after["data/handover.yml"]


SPANISH = {
    **PLAIN,
    "domain.yml": PLAIN["domain.yml"].replace("  - goodbye\n", "  - goodbye\n  - pedir_persona\n"),
    "data/nlu.yml": PLAIN["data/nlu.yml"]
    + "- intent: pedir_persona\n  examples: |\n"
    + "".join(f"    - {said}\n" for said in PHRASES_OF_LANGUAGE["es"].examples[:3]),
}


def test_an_intent_that_asks_for_people_by_what_is_said_is_named(project):
    root = project(SPANISH)

    said = run(root, "--yes", "--language", "es")

    assert "are examples of the intent pedir_persona -> to use it: handover init --undo, then " in said
    assert "handover init --intent pedir_persona" in said
    assert "handover_intents" not in load(files(root)["handover.yml"])


def test_an_intent_that_asks_for_people_by_what_is_said_is_asked_about(project):
    root = project(SPANISH)

    said = run(root, input="es\ny\ny\ny\n")

    assert "People ask this bot for people by pedir_persona. Use it?" in said
    assert load(files(root)["handover.yml"])["handover_intents"] == ["pedir_persona"]


def test_an_intent_that_the_domain_has_not_is_created_and_that_is_said(project):
    assert "the domain has no intent nosuch, so it is created" in run(
        project(PLAIN), "--yes", "--intent", "nosuch"
    )


def test_stories_that_hand_over_from_now_on_are_named_with_what_no_longer_runs(project):
    said = run(project(PLAIN), "--dry-run", "--intent", "greet")

    assert "hand over, and no longer run utter_greet" in said
    assert "utter_goodbye" not in said.rpartition("no longer run")[2]
    assert "no longer run" not in run(project(PLAIN), "--dry-run")


def test_stories_that_nobody_can_change_for_their_author_are_named(project):
    texts = dict(BOTS["own hand-off with stories"])
    texts["data/stories.yml"] = texts["data/stories.yml"].replace(
        "  - action: action_human_handoff\n  - intent: goodbye\n",
        "  - slot_was_set:\n    - x: 1\n  - intent: goodbye\n",
    )
    root = project(texts)

    said = run(root, "--yes")

    assert "intent human_handoff is not used" in said
    assert "data/stories.yml, line 3" in said
    assert "handover" in load(files(root)["domain.yml"])["intents"]


def test_without_policies_rasas_defaults_are_written_out_first(project):
    for bot in ("no policies", "empty policies"):
        root = project(BOTS[bot])
        run(root, "--yes")

        names = [each["name"] for each in load(files(root)["config.yml"])["policies"]]
        assert names == [
            *("MemoizationPolicy", "RulePolicy", "UnexpecTEDIntentPolicy", "TEDPolicy"),
            "handover_channel.HandoverPolicy",
        ]
        run(root, "--undo", "--yes")


def test_a_bot_without_rules_gets_the_policy_that_reads_them(project):
    root = project(BOTS["stories without rules"])

    run(root, "--yes")

    names = [each["name"] for each in load(files(root)["config.yml"])["policies"]]
    assert names == ["AugmentedMemoizationPolicy", "RulePolicy", "handover_channel.HandoverPolicy"]


def test_a_bot_speaks_its_own_language(project):
    root = project(BOTS["another language"])

    said = run(root, "--yes")
    after = files(root)

    assert "ich möchte mit einem Menschen sprechen" in after["data/handover.yml"]
    assert "Zurück zum Bot" in after["domain.yml"]
    assert '"Mensch bitte" is left out, it is an example of the intent goodbye' in said


def test_examples_come_in_as_many_languages_as_are_asked_for(project):
    root = project(PLAIN)

    run(root, "--yes", "--language", "ar", "--language", "en")
    after = files(root)

    assert "أريد التحدث مع موظف" in after["data/handover.yml"]
    assert "I want to talk to a human" in after["data/handover.yml"]
    assert load(after["handover.yml"])["return"]["button"] == ["العودة إلى البوت", "Back to Bot"]


def test_what_was_changed_since_stays_and_is_named(project):
    root = project(PLAIN)
    run(root, "--yes")
    (root / "handover.yml").write_text("app_id: 1\n")
    (root / "config.yml").write_text("# mine\n" + (root / "config.yml").read_text())

    said = run(root, "--undo", "--yes")

    assert "handover.yml was changed since, and stays." in said
    assert files(root) == {
        **PLAIN,
        "handover.yml": "app_id: 1\n",
        "config.yml": "# mine\n" + PLAIN["config.yml"],
    }


@pytest.mark.parametrize("bot", ["plain", "no policies", "carriage returns"])
def test_rasa_may_write_config_yml_anew_in_between(project, bot):
    """As `rasa train` does, to put an id in: with lists at the margin."""
    root = project(BOTS[bot])
    run(root, "--yes")
    yaml = YAML()
    config = yaml.load(files(root)["config.yml"])
    config["assistant_id"] = "new"
    with (root / "config.yml").open("w", newline="") as file:
        yaml.dump(config, file)

    run(root, "--undo", "--yes")

    policies = load(BOTS[bot]["config.yml"]).get("policies")
    assert load(files(root)["config.yml"]).get("policies") == policies


@pytest.mark.parametrize("line", ["  - handover\n", "  - handover_returned\n", "  handover_target:\n"])
def test_a_line_of_ours_that_is_gone_already_counts_as_taken_out(project, line):
    root = project(PLAIN)
    run(root, "--yes")
    text = files(root)["domain.yml"]
    assert line in text
    (root / "domain.yml").write_text(text.replace(line, "", 1))

    said = run(root, "--undo", "--yes")

    assert "Done: what handover init put in is out." in said
    assert files(root) == PLAIN


TAKEN_BACK = ("domain.yml", "config.yml", "credentials.yml", "data/stories.yml")


@pytest.mark.parametrize(
    ("bot", "path"), [(bot, path) for bot in BOTS for path in TAKEN_BACK if path in BOTS[bot]]
)
def test_a_file_that_was_taken_back_counts_as_taken_out(project, bot, path):
    root = project(BOTS[bot])
    run(root, "--yes")
    (root / path).write_bytes(BOTS[bot][path].encode("utf-8"))

    run(root, "--undo", "--yes")

    assert files(root) == BOTS[bot]


def test_what_was_changed_by_hand_is_named_and_the_rest_goes_out(project):
    root = project(PLAIN)
    run(root, "--yes")
    text = files(root)["domain.yml"]
    (root / "domain.yml").write_text(text.replace("  - handover\n", "  - handover: {use_entities: []}\n"))

    said = run(root, "--undo", "--yes")
    left = files(root)

    assert "domain.yml, line 6: handover is not as handover init wrote it, and stays" in said
    assert "the rest of what handover init put in is out" in said
    assert left.pop(record.NAME)
    assert left["domain.yml"].splitlines()[5] == "  - handover: {use_entities: []}"
    assert left == {
        **PLAIN,
        "domain.yml": PLAIN["domain.yml"].replace(
            "  - goodbye\n", "  - goodbye\n  - handover: {use_entities: []}\n"
        ),
    }
    before = files(root)
    again = run(root, "--undo", "--yes")
    assert "domain.yml, line 6: handover is not as handover init wrote it" in again
    assert "nothing was changed" in again
    assert files(root) == before
    (root / "domain.yml").write_text(PLAIN["domain.yml"])
    run(root, "--undo", "--yes")
    assert files(root) == PLAIN


def test_ours_with_a_key_of_the_persons_below_stays_and_is_named(project):
    root = project(PLAIN)
    run(root, "--yes")
    ours = "  - name: handover_channel.HandoverPolicy\n"
    (root / "config.yml").write_text(files(root)["config.yml"].replace(ours, f"{ours}    priority: 9\n"))
    before = files(root)["config.yml"]

    said = run(root, "--undo", "--yes")

    assert "handover_channel.HandoverPolicy is not as handover init wrote it, and stays" in said
    assert files(root)["config.yml"] == before
    assert files(root)["domain.yml"] == PLAIN["domain.yml"]


def test_a_policy_of_the_persons_behind_ours_stays_alone(project):
    root = project(PLAIN)
    run(root, "--yes")
    with (root / "config.yml").open("a") as file:
        file.write("  - name: TEDPolicy\n")

    run(root, "--undo", "--yes")

    assert files(root) == {**PLAIN, "config.yml": PLAIN["config.yml"] + "  - name: TEDPolicy\n"}


def test_a_file_that_could_not_be_read_without_ours_stays_and_is_named():
    put_in = record.Entry("x.yml", False, "", (Trace(0, "", "handover:\n", 0, 1),))

    undone = record.undo([record.Run((put_in,))], {"x.yml": "handover:\n- mine\n"})

    assert undone.left == ("x.yml: handover is part of what you have written there",)
    assert undone.texts == {}
    assert undone.runs == (record.Run((put_in,)),)


def test_a_form_that_came_later_is_added_and_all_goes_out_together(project):
    root = project(PLAIN)
    run(root, "--yes")
    for path in ("domain.yml", "data/rules.yml"):
        text, form = (root / path).read_text(), BOTS["forms with from_text"][path]
        (root / path).write_text(
            text + form[form.index("forms:") : form.index("responses:")] if "domain" in path else form
        )
    grown = {path: text for path, text in files(root).items() if path in ("domain.yml", "data/rules.yml")}

    said = run(root, "--yes")

    assert "hand over in the middle of pizza_form" in said
    assert [rule["rule"] for rule in load(files(root)["data/handover.yml"])["rules"]][:2] == [
        "hand over",
        "come back",
    ]
    assert run(root, "--check").startswith("Nothing to do")
    run(root, "--undo", "--yes")
    left = files(root)
    assert set(left) == set(PLAIN)
    assert (
        left["domain.yml"] == PLAIN["domain.yml"] + grown["domain.yml"][grown["domain.yml"].index("forms:") :]
    )


def test_there_is_nothing_to_do_in_the_example_bot():
    assert run(Path(__file__).parents[2], "--check") == "Nothing to do: handover is in this project.\n"


def test_undo_leaves_a_file_that_was_there_and_empty(project):
    bot = {**PLAIN, "credentials.yml": "", "endpoints.yml": ""}
    root = project(bot)

    run(root, "--yes")
    assert files(root)["endpoints.yml"].startswith("action_endpoint:")
    run(root, "--undo", "--yes")

    assert files(root) == bot


def test_undo_of_nothing_says_so(project):
    assert "Nothing to do" in run(project(PLAIN), "--undo")


BAD = {
    "no config.yml": ({"domain.yml": "x: 1\n"}, "holds no Rasa project, it has no config.yml"),
    "no domain": ({"config.yml": "language: en\n"}, "has no domain.yml and no folder domain"),
    "Rasa 2, by its version": (
        {**PLAIN, "domain.yml": 'version: "2.0"\nintents: [a]\n'},
        "rasa data migrate",
    ),
    "Rasa 2, by a policy": ({**PLAIN, "config.yml": "policies:\n- name: FormPolicy\n"}, "rasa data migrate"),
    "Rasa 2, by its slots": ({**PLAIN, "domain.yml": "slots: {a: {type: text}}\n"}, "rasa data migrate"),
    "Rasa 1": (
        {**{p: t for p, t in PLAIN.items() if "data" not in p}, "data/nlu.md": "# x"},
        "rasa data migrate",
    ),
    "no YAML": ({**PLAIN, "domain.yml": "intents:\n- a\n b: [\n"}, "domain.yml, line "),
    "what only libyaml refuses": ({**PLAIN, "domain.yml": "a: [{text: What?}]\n"}, "domain.yml, line 1"),
    "no keys": ({**PLAIN, "domain.yml": "- a\n"}, "domain.yml: holds no keys"),
    "a key twice": (
        {**PLAIN, "domain.yml": "intents: [a]\nintents: [b]\n"},
        'line 2: "intents" is there a second',
    ),
    "two documents": ({**PLAIN, "domain.yml": "a: 1\n---\nb: 1\n"}, "holds several documents"),
    "an alias": ({**PLAIN, "domain.yml": "x: &x [a]\nintents: *x\n"}, "intents is an alias"),
    "no list": ({**PLAIN, "domain.yml": "intents: a\n"}, "intents is not a list"),
    "a graph": ({**PLAIN, "config.yml": "recipe: graph.v1\n"}, "is a graph of your own"),
    "two channels": (
        {**PLAIN, "credentials.yml": "facebook: {a: b}\nhandover_channel.MessengerInput: {a: b}\n"},
        "take facebook out",
    ),
    "an action of that name": (
        {**PLAIN, "actions.py": 'class A:\n    def name(self):\n        return "action_handover"\n'},
        "has an action action_handover",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_it_cannot_be_put_into_is_told_in_a_sentence_and_stays_as_it_is(project, case):
    if "libyaml" in case and find_spec("_ruamel_yaml") is None:
        pytest.skip("ruamel.yaml has no libyaml here, and Rasa would have none either")
    texts, sentence = BAD[case]
    root = project(texts)

    run(root, "--yes", fails=sentence)

    assert files(root) == texts


def test_files_of_other_programs_among_the_tests_are_passed_over(project):
    root = project(
        {**PLAIN, "tests/test_api.yml": "- a list\n", "tests/test_load.yaml": "{{ template }}: [\n"}
    )

    run(root, "--yes")

    assert "tests/test_handover.yml" in files(root)


def test_a_file_that_is_no_utf_8_is_named(project):
    root = project(PLAIN)
    (root / "domain.yml").write_bytes("intents: [a] # café".encode("latin-1"))

    run(root, "--yes", fails="domain.yml: it is not UTF-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--language", "xx"], "there are en, ar, fr"),
        (["--app-id", "x1"], "digits only"),
        (["--data", "nope"], "name yours: handover init --data FOLDER"),
        (["--domain", "nope.yml"], "name yours: handover init --domain FILE_OR_FOLDER"),
    ],
)
def test_options_that_mean_nothing_are_refused(project, arguments, sentence):
    run(project(PLAIN), "--yes", *arguments, fails=sentence)


def test_when_a_file_cannot_be_written_all_are_as_they_were(project, monkeypatch):
    root = project(PLAIN)
    replace, calls = os.replace, []

    def fail_at_the_fourth(source, target):
        calls.append(target)
        if len(calls) == 4:
            raise PermissionError(13, "Permission denied", str(target))
        replace(source, target)

    monkeypatch.setattr(folder.os, "replace", fail_at_the_fourth)

    run(root, "--yes", fails="nothing was changed")

    assert files(root) == PLAIN
    assert not (root / "tests").exists()


def test_what_somebody_saves_meanwhile_is_not_overwritten(project, monkeypatch):
    root = project(PLAIN)

    def answer(question, **more):
        (root / "domain.yml").write_text("intents: [saved]\n")
        return True

    monkeypatch.setattr("typer.confirm", answer)

    run(root, input="en\n", fails="domain.yml: it was changed meanwhile")

    assert files(root) == {**PLAIN, "domain.yml": "intents: [saved]\n"}


def test_rights_and_links_stay(project, tmp_path):
    root = project(PLAIN)
    (root / "domain.yml").chmod(0o600)
    (root / "config.yml").rename(root / "real.yml")
    (root / "config.yml").symlink_to("real.yml")

    run(root, "--yes")

    assert (root / "domain.yml").stat().st_mode & 0o777 == 0o600
    assert (root / "config.yml").is_symlink()
    assert "HandoverPolicy" in (root / "real.yml").read_text()


def test_a_file_that_is_read_only_stops_everything(project):
    if os.geteuid() == 0:
        pytest.skip("root may write everything")
    root = project(PLAIN)
    (root / "domain.yml").chmod(0o444)

    run(root, "--yes", fails="domain.yml: it cannot be written")

    assert files(root) == PLAIN


def test_uncommitted_changes_are_mentioned(project):
    root = project(PLAIN)
    subprocess.run(["git", "init", "-q", str(root)], check=True)

    assert "git has uncommitted changes here" in run(root, "--yes")


def test_uncommitted_changes_are_asked_about(project):
    root = project(PLAIN)
    subprocess.run(["git", "init", "-q", str(root)], check=True)

    run(root, input="en\ny\nn\n", fails="commit or stash")

    assert files(root) == PLAIN


@pytest.mark.parametrize("text", ["models/", "models/\r\n.rasa/\r\n", "", "*.db\n"])
@pytest.mark.parametrize("has_git", [True, False])
def test_the_database_is_kept_out_of_commits(project, text, has_git):
    bot = {**PLAIN, ".gitignore": text}
    root = project(bot)
    if has_git:
        subprocess.run(["git", "init", "-q", str(root)], check=True)

    run(root, "--yes")
    lines = (root / ".gitignore").read_bytes().decode()

    assert lines.startswith(text)
    assert lines.splitlines()[-1] == "handover.db*"
    assert run(root, "--check").startswith("Nothing to do")
    run(root, "--undo", "--yes")
    assert files(root) == bot


def test_a_project_under_git_gets_a_gitignore_and_no_other_does(project):
    root = project(PLAIN)
    run(root, "--yes")
    assert ".gitignore" not in files(root)
    run(root, "--undo", "--yes")
    subprocess.run(["git", "init", "-q", str(root)], check=True)

    run(root, "--yes")

    assert files(root)[".gitignore"].splitlines()[-1] == "handover.db*"
    run(root, "--undo", "--yes")
    assert files(root) == PLAIN


def test_a_project_that_git_came_to_later_passes_the_check_and_gets_its_line_at_the_next_run(project):
    root = project(PLAIN)
    run(root, "--yes")
    subprocess.run(["git", "init", "-q", str(root)], check=True)

    assert "Handover is in this project; .gitignore does not cover" in run(root, "--check")

    run(root, "--yes")
    assert files(root)[".gitignore"].splitlines()[-1] == "handover.db*"


@pytest.mark.parametrize("line", ["handover.db*", "/handover.db*", "*.db*", "*"])
def test_a_database_that_is_no_part_of_commits_is_not_named_again(project, line):
    root = project({**PLAIN, ".gitignore": f"{line}\n"})

    run(root, "--yes")

    assert files(root)[".gitignore"] == f"{line}\n"


def test_a_database_elsewhere_is_not_looked_after(project):
    root = project({**PLAIN, ".gitignore": "", "handover.yml": "database: sqlite:///other.db\n"})

    run(root, "--yes")

    assert files(root)[".gitignore"] == ""


def test_a_bot_on_other_channels_alone_is_not_put_on_messenger(project):
    root = project({**PLAIN, "credentials.yml": "socketio:\n  user_message_evt: a\n"})

    run(root, "--yes")
    after = files(root)

    assert set(load(after["credentials.yml"])) == {"socketio", "handover_channel.InboxInput"}
    assert "app_id" not in load(after["handover.yml"])


@pytest.mark.parametrize(
    ("name", "asks"),
    [
        ("human_handoff", True),
        ("talk_to_human", True),
        ("talkToAgent", True),
        ("hand_over", True),
        ("contact_support_agent", True),
        ("handover_returned", False),
        ("are_you_human", False),
        ("handoff_reason", False),
        ("ask_agent_name", False),
        ("bot_challenge", False),
        ("human", True),
    ],
)
def test_intents_that_ask_for_people_are_known_by_their_names(name, asks):
    assert own_handoff.intents(["greet", name], ["greet", name]) == ((name,) if asks else ())


def test_ours_goes_before_intents_that_resemble_it():
    assert own_handoff.intents(["human_handoff", "handover"], ["human_handoff"]) == ("handover",)


def test_an_intent_that_nobody_says_is_triggered_by_something_else():
    assert own_handoff.intents(["human_handoff", "handoff"], ["human_handoff"]) == ("human_handoff",)


def test_actions_that_fetch_people_are_known_by_their_names():
    known = ["action_handoff", "action_handover", "action_human_handoff", "action_handoff_form_fill"]

    assert own_handoff.actions(known) == ("action_handoff", "action_human_handoff")
