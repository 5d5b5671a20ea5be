"""Whatever a project looks like: after handover init and --undo every file is as it was, byte by byte."""

from __future__ import annotations

import ast

from domain_shapes import domains
from hypothesis import assume, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from handover_channel.project_setup import git_ignore, plan, record
from handover_channel.project_setup.project import Choices, NoProject, Project

#: What stands between two parts of a file.
BETWEEN = st.sampled_from(
    ["", "# a comment", "   # - indented: comment", "#policies:", "  ", "# action_endpoint:", "# \ttab"]
)

CONFIG = (
    st.sampled_from(["recipe: default.v1", "recipe: 'default.v1'  # why", '"recipe": default.v1']),
    st.sampled_from(["language: en", "language: de # German", "language:", "language: ~", ""]),
    st.sampled_from(
        ['note: "a\tb"', "note: 'it''s: #1'", "note: >-\n  folded\n\n  \ttext", "note: |+\n  kept\n\n"]
    ),
    st.sampled_from(
        [
            "pipeline:",
            "pipeline: &all\n- &one {name: WhitespaceTokenizer}\n- name: FallbackClassifier  # last\n",
            "pipeline: [{name: WhitespaceTokenizer},\n  {name: X, path: 'a\tb'}]",
            "pipeline:\n  - name: RegexFeaturizer\n    options: &o {a: [1, 2]}\n  - name: X\n    options: *o",
        ]
    ),
    st.sampled_from(
        [
            "",
            "policies:",
            "policies: ~",
            "policies: []  # automatic",
            "policies: # none",
            "policies:\n# # No configuration for policies was provided. The\n#   - name: RulePolicy\n",
            "policies:\n- name: RulePolicy",
            "policies:\n  - name: RulePolicy   # rules\n    # of its own\n    restrict_rules: false\n\n",
            "policies:\n  - &p\n    name: RulePolicy\n    priority: 4\n  - <<: *p\n    name: TEDPolicy",
            "policies: [name: RulePolicy]",
            "policies: [ {name: MemoizationPolicy}, {name: RulePolicy, }, ]",
            "policies:\n  [\n    {name: rasa.core.policies.rule_policy.RulePolicy},\n    # more\n  ]",
            "policies: &mine\n    -   name: RulePolicy\n        core_fallback_threshold:   0.3",
            "policies:\n-\n  name: RulePolicy",
            'policies:\n- name: "TEDPolicy"\n  epochs: 1\n  label: "a\\\n    b"',
        ]
    ),
)

CREDENTIALS = (
    st.sampled_from(["", "rest:", "rest: {}", "rest: ~ # nothing", "socketio: {user_message_evt: u}"]),
    st.sampled_from(
        [
            "",
            "facebook:\n  verify: a-word\n  secret: s\n  page-access-token: t",
            "facebook:   # our page\n    verify: 'a\tb'\n    # of the page\n    page-access-token: ${TOKEN}",
            'facebook: {verify: "a", secret: "s",\n  page-access-token: "t"}  # flow',
            "facebook: &page {verify: a}",
            '"facebook":\n  verify: a',
            "facebook:",
        ]
    ),
    st.sampled_from(
        ["", "telegram:\n  access_token: >-\n    a\n    b", 'rasa:\n  url: "http://localhost/api"']
    ),
)

ENDPOINTS = (
    st.sampled_from(["", "tracker_store: {type: sql, url: ~}", "lock_store: &l\n  type: redis\nevents: *l"]),
    st.sampled_from(
        [
            "",
            "action_endpoint:",
            "action_endpoint: ~  # later",
            "action_endpoint: {}",
            'action_endpoint:\n  url: "http://localhost:5055/webhook"',
            '#action_endpoint:\n#  url: "http://localhost:5055/webhook"',
            '# action_endpoint:\n#   url: "http://localhost:5055/webhook"\n#   more: x',
        ]
    ),
    st.sampled_from(["", 'models:\n  url: "a\tb"', "nlg: {url: x}"]),
)

STORIES = (
    st.sampled_from(['version: "3.1"', "version: '3.1'  # of the format", ""]),
    st.sampled_from(
        [
            "",
            "stories:",
            "stories: []",
            "stories:\n- story: a\n  steps:\n  - intent: greet\n  - action: utter_greet",
            "stories:\n  - story: a\n    steps:\n    - intent: human_handoff # often\n"
            "    - action: utter_greet\n    # fetched people\n"
            "    - action: action_human_handoff\n    - intent: greet",
            "stories:\n- story: 'a\tb'\n  steps: [{intent: human_handoff}, {action: utter_greet}]",
            "stories:\n-   steps:\n    -   intent: human_handoff\n    -   action: &a utter_x\n    story: b",
            "stories:\n- {story: c, steps: [intent: greet, action: action_human_handoff, ]}",
        ]
    ),
    st.sampled_from(
        [
            "",
            "rules: ~",
            "rules: # none",
            "rules: [{rule: a, steps: [{intent: greet}, {action: utter_greet}]}]",
            "rules:\n- rule: a\n  steps:\n  - intent: greet\n  - action: utter_greet  # hi",
            "rules:\n    - rule: a\n      steps:\n        - intent: human_handoff\n"
            "        - action: utter_greet\n\n",
        ]
    ),
    st.sampled_from(
        [
            "",
            "nlu:",
            "nlu: []",
            "nlu:\n- intent: human_handoff\n  examples: |\n    - human\tplease\n    - a human\n",
            "nlu:\n- intent: human_handoff\n  examples: |+\n    - human\n\n\n",
            "nlu:\n- intent: greet\n  examples: &e |-\n    - hi\n    - [a](b)",
            'nlu: [{intent: greet, examples: "- hi\\n- hello\\n"}]',
        ]
    ),
)

SETTINGS = (
    st.sampled_from(["", 'app_id: "1"', "app_id: ${APP_ID}  # ours"]),
    st.sampled_from(
        [
            "",
            "handover_intents: [handover]",
            "handover_intents:\n- handover  # ours",
            "handover_intents: ~",
            "return: {keywords: ['a\tb', \"main menu\"]}",
            "targets: &all\n  inbox: {kind: inbox}",
        ]
    ),
)

DOMAIN = (
    'version: "3.1"\nintents: [greet, human_handoff]\nactions: [action_human_handoff]\n'
    'responses:\n  utter_greet: [{text: "a\tb"}]\n'
)

PYTHON = (
    st.sampled_from(["", "#!/usr/bin/env python", "# -*- coding: utf-8 -*-", "\f"]),
    st.sampled_from(["", '"""Actions."""', "'''Actions,\n\n\tof a bot.\n'''  # so", "'a'; 'b'"]),
    st.sampled_from(["", "from __future__ import annotations"]),
    st.sampled_from(
        [
            "",
            "import os",
            "import os  # why",
            "import os; import json",
            "import os; PAIRS = [\n  1,\n]",
            "from typing import (\n    Any,  # all\n    Dict,\n)",
            "from os import path, \\\n    sep",
            "try:\n\timport os\nexcept ImportError:\n\tos = None",
            "import os\n\x0c\nimport json",
        ]
    ),
    st.sampled_from(
        ["", 'TEXT = "a\tb\x1c\u2028c"', "class A:\n\tdef name(self):\n\t\treturn 'a'\n\n", "# the end"]
    ),
)


@st.composite
def texts(draw, parts, shuffled=True, between=BETWEEN):
    """The text of a file: its parts, in any order, with any line ends, with or without one at the end."""
    chosen = [draw(part) for part in parts]
    chosen = draw(st.permutations(chosen)) if shuffled else chosen
    lines = [line for part in chosen if part for line in (draw(between), part)]
    text = "\n".join([*lines, *draw(st.sampled_from([(), ("",), ("", ""), ("# the end",)]))])
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    return draw(st.sampled_from(["", "", "", "\ufeff"])) + text


def files(paths, shapes):
    """None, one or more of these files, one of which may be empty."""
    return st.dictionaries(st.sampled_from(paths), st.one_of(shapes, st.just("")), max_size=len(paths))


PROJECTS = st.builds(
    lambda yaml, domain, data, tests, python, git: Project(
        yaml=yaml,
        domain={"domain.yml": domain} if isinstance(domain, str) else domain,
        domain_folder="" if isinstance(domain, str) else "domain",
        data=data,
        data_folder="data",
        tests=tests,
        python=python,
        git=git,
        commits_database=True,
    ),
    st.fixed_dictionaries(
        {"config.yml": texts(CONFIG)},
        optional={
            "credentials.yml": texts(CREDENTIALS),
            "endpoints.yml": texts(ENDPOINTS),
            "handover.yml": texts(SETTINGS),
        },
    ),
    st.one_of(
        texts((st.just(DOMAIN),)),
        domains(),
        st.fixed_dictionaries(
            {"domain/a.yml": texts((st.just(DOMAIN),))}, optional={"domain/more/b.yml": st.just("")}
        ),
    ),
    files(["data/stories.yml", "data/handover.yml", "data/more/nlu.yml"], texts(STORIES)),
    files(["tests/test_stories.yml", "tests/test_handover.yml"], texts(STORIES)),
    st.one_of(st.just({}), st.builds(lambda text: {"actions.py": text}, texts(PYTHON, False, st.just("")))),
    files([".gitignore"], texts((st.sampled_from(["models/", "*.pyc  # compiled", "!keep", "/.rasa"]),))),
)
CHOICES = st.sampled_from(
    [
        Choices(),
        Choices(messenger=False),
        Choices(("ar", "en"), ("human_handoff",), ("action_human_handoff",)),
        Choices(intents=("human_handoff", "handover")),
        Choices(intents=("greet",)),
    ]
)


def with_texts(project, changed):
    """The project after handover init has written these texts."""

    def of(kind, *more):
        return {path: changed.get(path, text) for path, text in kind.items()} | {
            path: text for path, text in changed.items() if path in more or path.startswith(more)
        }

    return Project(
        yaml=of(project.yaml, "handover.yml", "credentials.yml", "endpoints.yml"),
        domain=of(project.domain, *(["domain/"] if project.domain_folder else [])),
        domain_folder=project.domain_folder,
        data=of(project.data, "data/"),
        data_folder="data",
        tests=of(project.tests, "tests/"),
        python=of(project.python, "actions/"),
        git=of(project.git, ".gitignore"),
        commits_database=git_ignore.lacks(changed.get(".gitignore", "")),
    )


def load(text):
    return YAML(typ="safe", pure=True).load(text)


def carried_out(project, choices):
    """Put it in; returns the texts and the record. Projects that are refused count for nothing here."""
    try:
        planned = plan.plan(plan.look(project), choices)
    except NoProject as refused:
        if "not only actions follow it" not in str(refused):
            raise
        assume(False)
    return record.carry_out(planned, plan.texts_of(project), ())


@given(PROJECTS, CHOICES)
def test_what_was_put_in_comes_out_and_every_byte_is_as_it_was(project, choices):
    before = plan.texts_of(project)

    changed, run = carried_out(project, choices)
    undone = record.undo([run], changed)

    assert "config.yml" in changed
    assert any(path.startswith("domain") for path in changed)
    assert undone.kept == ()
    assert dict(undone.texts) == {path: before.get(path) for path in changed}


@given(PROJECTS, CHOICES)
def test_a_second_run_finds_nothing_to_do(project, choices):
    changed, _ = carried_out(project, choices)

    assert plan.plan(plan.look(with_texts(project, changed)), choices).is_empty


@given(texts(PYTHON, False, st.just("")))
def test_a_python_file_gets_an_import_and_means_the_same_as_before(text):
    project = Project(
        {"config.yml": "a: 1"}, {"domain.yml": DOMAIN}, "", {}, "data", {}, {"actions.py": text}
    )

    changed, _ = record.carry_out(plan.plan(plan.look(project), Choices()), plan.texts_of(project), ())

    # As Python reads files: without the mark of UTF-8.
    after = ast.parse(changed["actions.py"].encode()).body
    ours = [
        node
        for node in after
        if isinstance(node, ast.ImportFrom) and node.module == "handover_channel.actions"
    ]
    assert len(ours) == 1
    kept = ast.Module([node for node in after if node is not ours[0]], [])
    assert ast.dump(kept) == ast.dump(ast.Module(ast.parse(text.encode()).body, []))
    assert ast.get_docstring(ast.Module(after, [])) == ast.get_docstring(ast.parse(text.encode()))
