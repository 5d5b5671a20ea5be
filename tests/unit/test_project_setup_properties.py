"""Whatever a project's YAML looks like: what is put in is there, all else stays, and it can be taken out."""

from __future__ import annotations

from domain_shapes import domains
from hypothesis import assume, given
from ruamel.yaml import YAML

from handover_channel.project_setup import domain, edits, yaml_text
from handover_channel.project_setup.phrases import ENGLISH
from handover_channel.project_setup.project import Choices


def loaded(text):
    yaml = YAML(typ="safe", pure=True)
    return yaml.load(text)


def planned(text):
    document = yaml_text.read("domain.yml", text)
    found = {"domain.yml": document}
    facts = domain.look(found)
    actions = domain.needed_actions(facts, ())
    return domain.plan(found, "", facts, Choices(), actions, ENGLISH).edits.get("domain.yml", ())


def merged(before, after):
    """Whether *after* has all that *before* has."""
    if isinstance(before, dict) and isinstance(after, dict):
        return all(key in after and merged(each, after[key]) for key, each in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) <= len(after) and all(map(merged, before, after))
    return before is None or before == after or (isinstance(after, list) and before in after)


def names(items):
    return {each if isinstance(each, str) else next(iter(each)) for each in items}


@given(domains())
def test_a_domain_gets_what_it_lacks_keeps_what_it_has_and_gives_it_back(text):
    before = loaded(text)
    assume(before)

    changed, traces = edits.apply(text, planned(text))
    after = loaded(changed)

    assert {"handover", "handover_returned"} <= names(after["intents"])
    assert {"handover_target", "handover_until"} <= set(after["slots"])
    assert {"action_handover", "action_handover_return"} <= names(after["actions"])
    assert {"utter_handover", "utter_handover_returned"} <= set(after["responses"])
    assert merged(before, after)
    assert planned(changed) == ()
    assert edits.take_out(changed, traces, unchanged=True) == text
    assert edits.take_out("# above\n" + changed, traces, unchanged=False) == "# above\n" + text


@given(domains())
def test_no_line_that_was_there_is_written_anew(text):
    assume(loaded(text))
    changed, _ = edits.apply(text, planned(text))

    left = iter(changed.splitlines())
    kept = [line for line in text.splitlines() if "[" not in line and "{" not in line and "~" not in line]
    kept = [line for line in kept if "not_intent" not in line and "," not in line]

    assert all(line in left for line in kept)
