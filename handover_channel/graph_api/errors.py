"""Tells what a refusal of Meta's means, and what a person can do about it. No I/O.

1. The subcode decides first, then the text where one code has several meanings (10 stands for ownership,
   window and permission alike), then the code, then the HTTP status.
2. Every meaning is a line of a table; an error that is in none of them is a plain `GraphError`.
3. Whatever the answer is (a list, a page of HTML, an error that is a string), the outcome is a `GraphError`.
4. Remedies are worded for whoever writes the bot's responses; remedies.py has those for other callers.
5. Meta repeats the access token in some of its messages: nothing that looks like one is kept.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, Mapping, NamedTuple, Optional, Tuple, Type

from handover_channel.errors import (
    GraphError,
    GraphUnavailable,
    HumanAgentRefused,
    NotThreadOwner,
    OutsideWindow,
    PersonUnavailable,
    TakeNotAllowed,
    TokenRefused,
)
from handover_channel.sentences import Sentence

_ROUTING = "Page settings > Conversation routing (facebook.com/settings?tab=msgr_conversation_routing)"
_TOGGLE = "Page settings > Advanced messaging"

OWNER_REMEDY = Sentence(
    "another app or the Page inbox has control of this thread: wait until it passes control back, or let "
    "this app take it (choose it as the default app in %(routing)s)",
    routing=_ROUTING,
)
TAKE_REFUSED = Sentence(
    "no default app is set for this page, or this app may not take control: open %(routing)s and choose this "
    "app as the default app; then switch on 'Allow this app to take control of conversations' in %(toggle)s",
    routing=_ROUTING,
    toggle=_TOGGLE,
)
WINDOW_REMEDY = Sentence(
    "the customer last wrote more than 24 hours ago: wait until they write again; until 7 days after their "
    "last message a person (never the bot) may still answer, with the HUMAN_AGENT tag"
)
PERSON_REMEDY = Sentence(
    "the customer blocked the page, closed the account or does not accept messages: nothing to do here"
)
WRONG_PERSON_REMEDY = Sentence(
    "this page does not know the customer: ids (PSID) hold for one page only; check that the thread belongs "
    "to the page of this page-access-token"
)
ANOTHER_REMEDY = Sentence(
    "make a new page access token (developers.facebook.com > your app > Messenger > Messenger API settings > "
    "Generate access tokens) and put it into credentials.yml as page-access-token"
)
PERMISSION_REMEDY = Sentence(
    "the token lacks a permission: make a page access token with pages_messaging, as somebody who has the "
    "Messages task on the page (Meta Business Suite > Settings > People)"
)
NOT_LIVE_REMEDY = Sentence(
    "the app is not live for everybody: ask for pages_messaging in App Review (developers.facebook.com > "
    "your app > App Review) and switch the app to Live; until then only people with a role on the app are "
    "reached"
)
PHONE_REMEDY = Sentence(
    "phone numbers need an agreement with Meta: send to the PSID that came with the customer's message"
)
WRONG_PROOF_REMEDY = Sentence(
    "Meta wants a proof made with the app secret: check that 'secret' in credentials.yml is the app secret "
    "of the app that made the token (developers.facebook.com > your app > App settings > Basic)"
)
RATE_REMEDY = Sentence("Meta limits the rate of calls: it is tried again by itself; if it lasts, send less")
LATER_REMEDY = Sentence(
    "a fault on Meta's side: it is tried again by itself; if it lasts, see metastatus.com"
)
PAGE_RESTRICTED_REMEDY = Sentence(
    "Meta has restricted the page or the app: see Page settings > Page quality and "
    "developers.facebook.com > your app > Alerts"
)
APP_REMEDY = Sentence(
    "no such app on this page: check app_id of the target in handover.yml, and that the other app is "
    "connected (%(toggle)s)",
    toggle=_TOGGLE,
)
MEDIA_UNUSABLE_REMEDY = Sentence(
    "Meta could not use the attachment: its URL must be public, answer within 10 seconds (video: 75) and "
    "hold at most 8 MB for an image, 25 MB for anything else"
)
MESSAGE_REMEDY = Sentence(
    "the message breaks a rule of the Send API: correct the response in domain.yml or in the action"
)
#: The same, where Meta says what is wrong with it.
FORM_REMEDY = Sentence(
    "the message is empty, too long, or text and action at once: correct the response in domain.yml or in "
    "the action"
)
TAG_REFUSED_REMEDY = Sentence(
    "this app may not use the tag HUMAN_AGENT, and a bot never may: take the tag out of the response; agents "
    "need the Human Agent feature (App Review > Permissions and features)"
)
PROFILE_REMEDY = Sentence(
    "the profile cannot be read: ask for Business Asset User Profile Access in App Review"
)
ROLES_REMEDY = Sentence(
    "a rule of the retired handover protocol: choose a default app in %(routing)s", routing=_ROUTING
)
UNKNOWN_REMEDY = Sentence(
    "Meta does not say why; often a missing permission: %(remedy)s", remedy=PERMISSION_REMEDY
)
LINKING_REMEDY = Sentence(
    "the account linking token is used up or too old (5 minutes): let the customer link the account again"
)
LEAD_AD_REMEDY = Sentence("Messenger asks the customer its own questions (lead ad): wait for it")
NO_GRAPH_REMEDY = Sentence(
    "what answers is not the Graph API: if this lasts, check graph_api.url in handover.yml"
)


class RefusalMeaning(NamedTuple):
    """The error class that a refusal stands for, and its remedy."""

    kind: Type[GraphError]
    remedy: str


def _rows(kind: Type[GraphError], remedy: str, *codes: int) -> Dict[int, RefusalMeaning]:
    return {code: RefusalMeaning(kind, remedy) for code in codes}


#: Meta's subcodes say more than its codes, and (from seven digits up) mean the same under each of them.
BY_SUBCODE: Mapping[int, RefusalMeaning] = {
    **_rows(NotThreadOwner, OWNER_REMEDY, 2018300, 2534037),
    # Messenger's own questions (lead ads) hold the thread until they are through, as an app of Meta's.
    # https://developers.facebook.com/documentation/business-messaging/messenger-platform/discovery/lead-generation-ads-in-messenger
    **_rows(NotThreadOwner, LEAD_AD_REMEDY, 2018321),
    **_rows(OutsideWindow, WINDOW_REMEDY, 2018278, 2018065, 2534022),
    **_rows(PersonUnavailable, PERSON_REMEDY, 2018108, 1545041),
    **_rows(PersonUnavailable, WRONG_PERSON_REMEDY, 2018001),
    **_rows(TokenRefused, NOT_LIVE_REMEDY, 2018028, 2018027),
    **_rows(TokenRefused, PHONE_REMEDY, 2018021),
    **_rows(GraphUnavailable, RATE_REMEDY, 2018338, 2534040),
    **_rows(GraphError, PAGE_RESTRICTED_REMEDY, 1893063),
    **_rows(HumanAgentRefused, TAG_REFUSED_REMEDY, 1893061),
    **_rows(GraphError, APP_REMEDY, 2018164),
    **_rows(GraphError, MEDIA_UNUSABLE_REMEDY, 2018008, 2018047, 2018109, 2018074, 2018294),
    **_rows(GraphError, FORM_REMEDY, 2018014, 2018034),
    **_rows(GraphError, PROFILE_REMEDY, 2018218, 2018247),
    **_rows(GraphError, ROLES_REMEDY, 2018171, 2018234),
}

#: (code, words of the message in lower case): where one code has several meanings and no subcode came.
BY_TEXT: Tuple[Tuple[int, str, RefusalMeaning], ...] = (
    (10, "another app is controlling", RefusalMeaning(NotThreadOwner, OWNER_REMEDY)),
    (10, "outside of allowed window", RefusalMeaning(OutsideWindow, WINDOW_REMEDY)),
    (10, "outside of the allowed window", RefusalMeaning(OutsideWindow, WINDOW_REMEDY)),
    (10, "receiving messages from you", RefusalMeaning(PersonUnavailable, PERSON_REMEDY)),
    (10, "cannot receive messages", RefusalMeaning(PersonUnavailable, PERSON_REMEDY)),
    (100, "not the thread owner", RefusalMeaning(NotThreadOwner, OWNER_REMEDY)),
    (100, "only the current thread owner", RefusalMeaning(NotThreadOwner, OWNER_REMEDY)),
    (100, "take thread control", RefusalMeaning(TakeNotAllowed, TAKE_REFUSED)),
    (100, "appsecret_proof", RefusalMeaning(TokenRefused, WRONG_PROOF_REMEDY)),
    (100, "no matching user", RefusalMeaning(PersonUnavailable, WRONG_PERSON_REMEDY)),
    (100, "invalid fbid", RefusalMeaning(PersonUnavailable, WRONG_PERSON_REMEDY)),
    (100, "missing permission", RefusalMeaning(TokenRefused, PERMISSION_REMEDY)),
    (100, "length of param", RefusalMeaning(GraphError, FORM_REMEDY)),
    (100, "human_agent", RefusalMeaning(HumanAgentRefused, TAG_REFUSED_REMEDY)),
    (100, "human agent", RefusalMeaning(HumanAgentRefused, TAG_REFUSED_REMEDY)),
    (10, "human agent", RefusalMeaning(HumanAgentRefused, TAG_REFUSED_REMEDY)),
    (200, "receiving messages from you", RefusalMeaning(PersonUnavailable, PERSON_REMEDY)),
)

BY_CODE: Mapping[int, RefusalMeaning] = {
    **_rows(TakeNotAllowed, TAKE_REFUSED, 27),
    **_rows(GraphUnavailable, LATER_REMEDY, 2, 1200),
    # 4 app, 17 user, 32 page, 341 app ("temporary"), 613 custom, 80001 and 80006 business use cases:
    # https://developers.facebook.com/docs/graph-api/overview/rate-limiting/
    **_rows(GraphUnavailable, RATE_REMEDY, 4, 17, 32, 341, 613, 80001, 80006),
    **_rows(PersonUnavailable, PERSON_REMEDY, 551),
    # 200-299 are permissions: https://developers.facebook.com/docs/graph-api/guides/error-handling/
    **_rows(TokenRefused, PERMISSION_REMEDY, 3, 10, *range(200, 300)),
    **_rows(TokenRefused, ANOTHER_REMEDY, 102, 190),
    **_rows(TokenRefused, WRONG_PROOF_REMEDY, 104),
    # 368 is a block for a breach of policy: trying again makes it longer.
    **_rows(GraphError, PAGE_RESTRICTED_REMEDY, 368),
    **_rows(GraphError, UNKNOWN_REMEDY, 1),
    **_rows(GraphError, MESSAGE_REMEDY, 100),
    **_rows(GraphError, LINKING_REMEDY, 10303),
}

_TRANSIENT_STATUS = frozenset({408, 425, 429})
_OTHER = RefusalMeaning(GraphError, "")
_LIKE_A_TOKEN = re.compile(r"[A-Za-z0-9_|\-]{32,}")
_LONGEST_MESSAGE = 300  # characters of Meta's text that we keep


def error_of(status: int, answer: Any, *, hide: Iterable[str] = ()) -> Optional[GraphError]:
    """Return the GraphError that an answer stands for, None for a good one. Never raises.

    *answer* is the decoded body, None where it was not JSON; *hide* are secrets to strike from Meta's text.
    """
    if not isinstance(answer, Mapping):
        return _not_the_graph_api(status)
    if "error" not in answer and status < 400:
        if str(answer.get("success", True)).lower() != "false":
            return None
        return GraphError(Sentence("Meta answered success: false"), status=status, remedy=UNKNOWN_REMEDY)
    said = answer.get("error")
    fields: Mapping[str, Any] = said if isinstance(said, Mapping) else {"message": said}
    code, subcode = _number(fields.get("code")), _number(fields.get("error_subcode"))
    text = fields.get("message") if isinstance(fields.get("message"), str) else ""
    meaning = _meaning(code, subcode, str(text).lower())
    if meaning.kind is GraphError and (_is_transient(status) or fields.get("is_transient") is True):
        meaning = RefusalMeaning(GraphUnavailable, LATER_REMEDY)
    return meaning.kind(
        _sentence(status, code, subcode, fields, hide),
        status=status,
        code=code,
        subcode=subcode,
        remedy=meaning.remedy,
    )


def _meaning(code: int, subcode: int, text: str) -> RefusalMeaning:
    if subcode in BY_SUBCODE:
        return BY_SUBCODE[subcode]
    for row_code, words, meaning in BY_TEXT:
        if code in (row_code, 0) and words in text:
            return meaning
    # Some answers carry the subcode where the code belongs.
    return BY_CODE.get(code) or BY_SUBCODE.get(code) or _OTHER


def _is_transient(status: int) -> bool:
    return status >= 500 or status in _TRANSIENT_STATUS


def _not_the_graph_api(status: int) -> GraphError:
    # A redirect is not followed: a POST would become a GET, and the token would go to another host.
    kind = GraphError if 300 <= status < 400 else GraphUnavailable
    said = Sentence("the answer is not a JSON object (HTTP %(status)s)", status=status)
    return kind(said, status=status, remedy=NO_GRAPH_REMEDY)


def _number(value: Any) -> int:
    """Return Meta's number, also where it came as text; 0 for anything else."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _sentence(status: int, code: int, subcode: int, fields: Mapping[str, Any], hide: Iterable[str]) -> str:
    message = " ".join(str(fields.get("message") or "Meta gave no reason").split())
    for secret in filter(None, hide):
        message = message.replace(secret, "***")
    facts = [f"code {code}/{subcode}" if subcode else f"code {code}" if code else "", f"HTTP {status}"]
    trace = fields.get("fbtrace_id")
    if isinstance(trace, str) and trace.isascii() and len(trace) <= 64:
        facts.append(f"fbtrace_id {trace}")
    return f"{_LIKE_A_TOKEN.sub('***', message)[:_LONGEST_MESSAGE]} ({', '.join(filter(None, facts))})"
