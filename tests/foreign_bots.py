"""Bots as other people write them, by the shapes that were met: name -> path -> text."""

from __future__ import annotations

from typing import Dict, Mapping

PIPELINE = """\
recipe: default.v1
assistant_id: a-bot
language: en

pipeline:
  - name: WhitespaceTokenizer
  - name: CountVectorsFeaturizer
  - name: CountVectorsFeaturizer
    analyzer: char_wb
    min_ngram: 1
    max_ngram: 4
  - name: LogisticRegressionClassifier
    max_iter: 200
    random_state: 42
  - name: FallbackClassifier
    threshold: 0.3
"""

RULES_ALONE = PIPELINE + "\npolicies:\n  - name: RulePolicy\n"

ENDPOINTS = 'action_endpoint:\n  url: "http://localhost:5055/webhook"\n'

DOMAIN = """\
version: "3.1"

intents:
  - greet
  - goodbye

responses:
  utter_greet:
  - text: "Hey!"

  utter_goodbye:
  - text: "Bye"

session_config:
  session_expiration_time: 60
  carry_over_slots_to_new_session: true
"""

NLU = """\
version: "3.1"

nlu:
- intent: greet
  examples: |
    - hello
    - hi
    - good morning
- intent: goodbye
  examples: |
    - bye
    - see you later
    - good night
"""

STORIES = """\
version: "3.1"

stories:

- story: a visit
  steps:
  - intent: greet
  - action: utter_greet
  - intent: goodbye
  - action: utter_goodbye
"""

RULES = """\
version: "3.1"

rules:

- rule: greet
  steps:
  - intent: greet
  - action: utter_greet

- rule: say goodbye
  steps:
  - intent: goodbye
  - action: utter_goodbye
"""

PLAIN = {
    "config.yml": RULES_ALONE,
    "domain.yml": DOMAIN,
    "data/nlu.yml": NLU,
    "data/rules.yml": RULES,
    "endpoints.yml": ENDPOINTS,
    "credentials.yml": "rest:\n",
}

FACEBOOK = """\
# Channels of the shop.
rest:

facebook:   # our page
  verify: "shop-verify"      # as at Meta
  secret: "3e34709d01ea89032asdebfe5a74518"
  # of the page "Shop"
  page-access-token: "EAAbHPa7H9rEBAAuFk4Q3gPKbDedQnx4djJJ1JmQ7CAqO4iJKrQcNT0wtD"
"""

FORM_DOMAIN = """\
version: '3.1'
intents: [greet, goodbye, order_pizza,
          inform]   # more to come
entities:
    - size
slots:
    size:
        type: text
        mappings:
            - type: from_entity
              entity: size
    address:
        type: text
        influence_conversation: true
        mappings:
            # whatever they write
            - type: from_text
              conditions:
                  - active_loop: pizza_form
                    requested_slot: address
    remark:
        type: text
        mappings:
            - type: from_text
              not_intent: goodbye
              conditions: [{active_loop: remark_form, requested_slot: remark}]
forms:
    pizza_form:
        required_slots: [size, address]
    remark_form:
        required_slots:
            - remark
responses:
    utter_greet: [{text: "Hey!"}]
    utter_goodbye: [{text: Bye}]
    utter_ask_size: [{text: "Which size?"}]
    utter_ask_address: [{text: "Where to?"}]
    utter_ask_remark: [{text: "Any remarks?"}]
    utter_ordered: [{text: "Ordered: {size}, to {address}"}]
actions:
    - validate_pizza_form
"""

FORM_NLU = (
    NLU
    + """\
- intent: order_pizza
  examples: |
    - I want a pizza
    - pizza please
    - order a [large](size) pizza
- intent: inform
  examples: |
    - [small](size)
    - a [large](size) one
"""
)

FORM_RULES = (
    RULES
    + """
- rule: order
  steps:
  - intent: order_pizza
  - action: pizza_form
  - active_loop: pizza_form

- rule: ordered
  condition:
  - active_loop: pizza_form
  steps:
  - action: pizza_form
  - active_loop: null
  - slot_was_set:
    - requested_slot: null
  - action: utter_ordered
  - action: remark_form
  - active_loop: remark_form
"""
)

ACTIONS = '''\
"""Actions of a bot."""
from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher


class ActionTime(Action):
    def name(self) -> str:
        return "action_time"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Any]:
        return []
'''

SESSION_START = ACTIONS.replace("action_time", "action_session_start").replace(
    "ActionTime", "ActionSessionStart"
)

OWN_DOMAIN = """\
version: "3.1"
intents:
- greet
- goodbye
- human_handoff
- affirm
- trouble
actions:
- action_human_handoff
responses:
  utter_greet:
  - text: Hey!
  utter_goodbye:
  - text: Bye
  utter_contact:
  - text: I can't transfer you to a human.
  utter_ask_human:
  - text: Shall I get somebody?
"""

OWN_NLU = (
    NLU
    + """\
- intent: human_handoff
  examples: |
    - let me talk to a person
    - I want to talk to a human
    - human
- intent: affirm
  examples: |
    - yes
    - sure
- intent: trouble
  examples: |
    - it does not work
    - something is broken
"""
)

OWN_STORIES = """\
version: "3.1"
stories:
- story: somebody wants a human
  steps:
  - intent: greet
  - action: utter_greet
  - intent: human_handoff  # often
  - action: utter_contact
  # this fetched people
  - action: action_human_handoff
  - intent: goodbye
  - action: utter_goodbye
- story: trouble
  steps:
  - intent: trouble
  - action: utter_ask_human
  - intent: affirm
  - action: action_human_handoff
"""

FALLBACK_RULES = (
    RULES
    + """
- rule: ask again
  steps:
  - intent: nlu_fallback
  - action: action_two_stage_fallback
  - active_loop: action_two_stage_fallback

- rule: leave it
  condition:
  - active_loop: action_two_stage_fallback
  steps:
  - action: action_two_stage_fallback
  - active_loop: null
  - action: utter_goodbye
"""
)

GERMAN_NLU = """\
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hallo
    - guten Tag
    - grüß Gott
- intent: goodbye
  examples: |
    - tschüss
    - auf Wiedersehen
    - Mensch bitte!
"""

FORM_HANDOFF = """\
- rule: no human while ordering
  condition:
  - active_loop: pizza_form
  steps:
  - intent: talk_to_human
  - action: utter_goodbye
  - action: pizza_form
  - active_loop: pizza_form

- rule: somebody wants a human
  steps:
  - intent: talk_to_human
  - action: utter_goodbye
"""

FORM_STORY = """\
version: "3.1"
stories:
- story: a human while ordering
  steps: [{intent: order_pizza}, {action: pizza_form}, {active_loop: pizza_form},
          {intent: talk_to_human}, {action: utter_goodbye}]
- story: a human for remarks
  steps:
    - intent: greet
    - action: utter_greet
    - intent: talk_to_human
    - action: utter_goodbye
      # nothing else
    - intent: goodbye
    - action: utter_goodbye
"""

BOTS: Dict[str, Mapping[str, str]] = {
    "plain": PLAIN,
    "facebook with comments": {**PLAIN, "credentials.yml": FACEBOOK},
    "forms with from_text": {
        **PLAIN,
        "domain.yml": FORM_DOMAIN,
        "data/nlu.yml": FORM_NLU,
        "data/rules.yml": FORM_RULES,
    },
    "domain folder": {
        **{path: text for path, text in PLAIN.items() if path != "domain.yml"},
        "domain/intents.yml": 'version: "3.1"\nintents:\n- greet\n- goodbye\n',
        "domain/replies/small_talk.yml": DOMAIN.replace("intents:\n  - greet\n  - goodbye\n\n", ""),
        "data/nlu/nlu.yml": NLU,
        "data/nlu.yml": 'version: "3.1"\n',
    },
    "own session start": {
        **PLAIN,
        "domain.yml": DOMAIN.replace("_session: true", "_session: false")
        + "actions: [action_session_start]\n",
        "actions/__init__.py": "",
        "actions/start.py": SESSION_START,
    },
    "slots are not carried over": {
        **PLAIN,
        "domain.yml": DOMAIN.replace("_session: true", "_session: false"),
    },
    "actions.py": {**PLAIN, "actions.py": ACTIONS, "domain.yml": DOMAIN + "actions:\n- action_time\n"},
    "two-stage fallback": {**PLAIN, "data/rules.yml": FALLBACK_RULES},
    "own hand-off with stories": {
        **PLAIN,
        "config.yml": RULES_ALONE + "  - name: AugmentedMemoizationPolicy\n",
        "domain.yml": OWN_DOMAIN,
        "data/nlu.yml": OWN_NLU,
        "data/rules.yml": 'version: "3.1"\n',
        "data/stories.yml": OWN_STORIES,
        "tests/test_stories.yml": OWN_STORIES.replace("- intent: greet", "- user: hello\n    intent: greet"),
    },
    "own hand-off by rules, in a form": {
        **PLAIN,
        "config.yml": RULES_ALONE + "  - name: AugmentedMemoizationPolicy\n",
        "domain.yml": FORM_DOMAIN.replace("goodbye, order", "goodbye, talk_to_human, order"),
        "data/nlu.yml": FORM_NLU
        + "- intent: talk_to_human\n  examples: |\n    - human\n    - a human please\n",
        "data/rules.yml": FORM_RULES + FORM_HANDOFF,
        "data/stories.yml": FORM_STORY,
    },
    "a reason of its own": {
        **PLAIN,
        "domain.yml": DOMAIN
        + "entities: [reason]\nslots:\n  why:\n    type: text\n    mappings:\n"
        + "    - type: from_entity\n      entity: reason\n",
    },
    "stories without rules": {
        **{path: text for path, text in PLAIN.items() if path != "data/rules.yml"},
        "config.yml": PIPELINE + "\npolicies:\n- name: AugmentedMemoizationPolicy\n  max_history: 4",
        "data/stories.yml": STORIES,
    },
    "no policies": {**PLAIN, "config.yml": PIPELINE},
    "empty policies": {**PLAIN, "config.yml": PIPELINE + "\npolicies: []  # automatic\n"},
    "another language": {
        **PLAIN,
        "config.yml": RULES_ALONE.replace("language: en", "language: de"),
        "data/nlu.yml": GERMAN_NLU,
    },
    "carriage returns": {path: text.replace("\n", "\r\n") for path, text in PLAIN.items()},
    "no line at the end": {path: text.rstrip("\n") for path, text in PLAIN.items()},
}
