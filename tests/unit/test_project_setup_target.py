"""Adding a target to handover.yml: what is added means itself, and nothing else is another one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.project_setup import target
from handover_channel.project_setup.yaml_text import Unreadable
from handover_channel.settings import yaml_file

TARGETS = {
    "block": "targets:\n  inbox:   # people\n    kind: inbox\n\n  # the other bot\n"
    '  sales: {kind: app, app_id: "2222"}\n',
    "flow": 'targets: {inbox: {kind: inbox}, sales: {kind: app, app_id: "2222"}}  # two\n',
    "wide": "targets:\n      inbox: {kind: inbox}\n      sales:\n"
    '          kind: app\n          app_id: "2222"\n',
    "alone": "targets:\n  people:\n    kind: inbox\n    # hours: {timezone: Asia/Riyadh}\n",
    "empty": "targets:\n",
    "none": "",
}
BEFORE = st.sampled_from(
    ["", "# Ours.\n\n", 'app_id: "1234567890"  # the bot\'s\n', "\ufeff# marked\n", "---\n"]
)
AFTER = st.sampled_from(
    ["", "# The end.\n", "return:\n  keywords: [a, b]  # two\n", "\n\n", "default_target: inbox\n"]
)
VALUES = st.fixed_dictionaries(
    {"kind": st.just("app"), "app_id": st.from_regex(r"[1-9][0-9]{3,15}", fullmatch=True)},
    optional={
        "metadata": st.text(
            st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=30
        )
    },
)
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=12)


def parsed(text):
    value, problems = yaml_file.parse(text, {})
    assert not problems
    return value or {}


@given(BEFORE, st.sampled_from(sorted(TARGETS)), AFTER, NAMES, VALUES, st.booleans(), st.booleans())
def test_one_target_more_and_all_else_as_it_was(before, kind, after, name, values, crlf, cut):
    text = before + TARGETS[kind] + after
    text = text.rstrip("\n") if cut else text
    text = text.replace("\n", "\r\n") if crlf else text
    was = parsed(text)
    targets = was.get("targets") or {}
    default = was.get("default_target") or (next(iter(targets)) if len(targets) == 1 else "inbox")

    changed = target.add("handover.yml", text, name, values, default_target=default)

    now = parsed(changed)
    assert now.pop("targets") == {**(targets or {"inbox": {"kind": "inbox"}}), name: values}
    names = [*(targets or ["inbox"]), name]
    assert now.pop("default_target", "inbox" if "inbox" in names else None) == default
    assert now == {key: value for key, value in was.items() if key not in ("targets", "default_target")}
    lines = iter(changed.splitlines())
    kept = [each for each in text.splitlines() if not each.startswith("targets: {")]
    assert all(line in lines for line in kept)  # in this order
    assert crlf == ("\r\n" in changed) or "\n" not in text


def test_a_list_of_targets_is_no_place_for_one():
    with pytest.raises(Unreadable, match="handover.yml, line 1: targets is not names with values"):
        target.add("handover.yml", "targets: [a]\n", "x", {"kind": "app"}, default_target="inbox")
