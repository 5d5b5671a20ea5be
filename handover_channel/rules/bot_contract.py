"""Names what this package and a bot's `domain.yml` share: intents, entities, slots, actions and responses.

A bot that hands over has these names in its domain and rules (docs/guides/set-up-handover.md). They are
spelled here and, in the payload of the button, in messenger/return_button.py; a test compares them. None of
them may change: they are in trained models, in the histories of conversations, and in buttons that people can
still tap. No I/O, no Rasa.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Optional

from handover_channel.rules.return_reasons import ReturnReason

#: The person asks for people. The default: a bot may have others instead (`handover_intents`).
HANDOVER_INTENT = "handover"
#: The thread is the bot's again. Nobody says this: the turn of a return begins with it.
RETURNED_INTENT = "handover_returned"

#: The name of a target in handover.yml, as the person says it.
TARGET_ENTITY = "handover_target"
#: Why the thread came back, with `RETURNED_INTENT`: the value of a `ReturnReason`.
REASON_ENTITY = "reason"

#: The name of the target that has the conversation. Null: the bot has control.
TARGET_SLOT = "handover_target"
#: Until when it has it, in seconds since the epoch. Null: without a limit, or the bot has control.
UNTIL_SLOT = "handover_until"
#: How the last human part went and ended (rules/human_part.py). Null, also where `summary` is off.
SUMMARY_SLOT = "handover_summary"

#: Hands the conversation over.
HANDOVER_ACTION = "action_handover"
#: Takes the conversation back where it is not back yet, and clears the slots.
RETURN_ACTION = "action_handover_return"
#: Rasa's own name: ours carries the slots into the new session.
SESSION_START_ACTION = "action_session_start"
#: Rasa's own: the bot waits for the person.
LISTEN_ACTION = "action_listen"

#: Tells the person of the handover. Messenger gets the "Back to Bot" button with it.
HANDOVER_RESPONSE = "utter_handover"
#: Tells the person that nobody could be reached.
FAILED_RESPONSE = "utter_handover_failed"
#: Tells the person when somebody is there: `{opens}`. A bot may do without it.
CLOSED_RESPONSE = "utter_handover_closed"
#: Tells the person that the bot is back.
RETURNED_RESPONSE = "utter_handover_returned"

#: The flow of a CALM bot that hands over.
HANDOVER_FLOW = "handover"
#: The flow of the turn of a return: Rasa's LLM does not know it (`if: False`), a command starts it.
RETURNED_FLOW = "handover_returned"
#: The key under which a turn of Rasa Pro's has what its command generators have understood.
COMMANDS = "commands"

#: Begins what Rasa takes for a payload that names an intent.
PAYLOAD_PREFIX = "/"

#: Begins the message ids of turns that Meta gives no id for.
OUR_MESSAGE_ID = "rasa-handover:"

#: The key of a message's metadata under which a turn of ours has what is known about the return.
HANDOVER_METADATA = "handover"


def returned_payload(reason: str) -> str:
    """Return the payload of a return: what a button sends, and the text of the turn."""
    return PAYLOAD_PREFIX + RETURNED_INTENT + json.dumps({REASON_ENTITY: reason})


def reason_of_payload(text: str) -> Optional[ReturnReason]:
    """Return the reason that *text* names if it is the payload of a return, None for any other text.

    A payload without a known reason is a tap on a button.
    """
    head = PAYLOAD_PREFIX + RETURNED_INTENT
    if not text.startswith(head):
        return None
    given = text[len(head) :].strip()
    if given and not given.startswith("{"):
        return None  # another intent, whose name begins like this one
    try:
        entities = json.loads(given or "{}")
        return ReturnReason(entities[REASON_ENTITY])
    except (ValueError, RecursionError, KeyError, TypeError):
        return ReturnReason.BUTTON


def returned_parse_data(reason: ReturnReason) -> Dict[str, Any]:
    """Return what Rasa's NLU would make of the payload of a return."""
    entity = {"entity": REASON_ENTITY, "value": reason.value, "start": 0, "end": 0}
    return {
        **intent_parse_data(RETURNED_INTENT),
        "text": returned_payload(reason.value),
        "entities": [entity],
    }


def intent_parse_data(name: str) -> Dict[str, Any]:
    """Return what Rasa's NLU would make of the payload of an intent."""
    intent = {"name": name, "confidence": 1.0}
    return {"text": PAYLOAD_PREFIX + name, "intent": intent, "intent_ranking": [intent], "entities": []}


def start_flow(flow: str) -> Dict[str, Any]:
    """Return the command that starts a flow, as Rasa Pro's command generators write it."""
    return {"command": "start flow", "flow": flow}
