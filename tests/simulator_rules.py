"""The 27 rules of a faithful simulator, from which docs/simulator-spec.md is written.

A rule is CONFIRMED (a page of Meta's says so), REPORTED (practitioners do) or UNSURE (it follows from something
else, or Meta's pages contradict each other); what is not CONFIRMED in it has a switch, or is named below.
Its tests are called ``test_<number>_...``.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import List, Mapping, Tuple

from other_frameworks import NOTES, STEPS, versions

from handover_channel.simulator import Switches, switches

_MESSENGER = "https://developers.facebook.com/documentation/business-messaging/messenger-platform"
_INSTAGRAM = "https://developers.facebook.com/documentation/business-messaging/instagram-messaging"
_EVENTS = f"{_MESSENGER}/webhooks/webhook-events"

PAGES: Mapping[str, str] = {
    "routing": f"{_MESSENGER}/conversation-routing",
    "expiry": f"{_INSTAGRAM}/features/conversation-routing",
    "calls": f"{_INSTAGRAM}/features/conversation-routing/apis",
    "legacy": "https://developers.facebook.com/docs/messenger-platform/handover-protocol",
    "not the owner": "https://developers.facebook.com/docs/messenger-platform/instagram/features/handover-protocol",
    "pass": "https://developers.facebook.com/docs/messenger-platform/handover-protocol/pass-thread-control",
    "owner": "https://developers.facebook.com/docs/messenger-platform/handover-protocol/get-thread-owner",
    "standby": f"{_EVENTS}/standby",
    "subscribed_apps": "https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps",
    "postbacks": f"{_EVENTS}/messaging_postbacks",
    "sample": "https://github.com/fbsamples/messenger-platform-samples/blob/"
    "0abfc8edfdaefcdf1701d84e9fe6f59231057a90/handover_protocol/index.js",
    "echoes": f"{_EVENTS}/message-echoes",
    "handovers": f"{_EVENTS}/messaging_handovers",
    "webhooks": f"{_MESSENGER}/webhooks",
    "errors": f"{_MESSENGER}/error-codes",
    "buttons": f"{_MESSENGER}/send-messages/template/button",
    "quick replies": f"{_MESSENGER}/send-messages/quick-replies",
    "sending": f"{_MESSENGER}/send-messages",
    "rates": f"{_MESSENGER}/overview/rate-limiting",
    "ids": f"{_MESSENGER}/get-started",
    "secure": "https://developers.facebook.com/docs/graph-api/guides/secure-requests",
    "versions": "https://developers.facebook.com/docs/graph-api/changelog/versions",
    "profile": f"{_MESSENGER}/identity/user-profile",
    "personas": f"{_MESSENGER}/send-messages/personas",
    "menus": f"{_MESSENGER}/reference/messenger-profile-api",
    "conversations": f"{_MESSENGER}/conversations",
}


@dataclass(frozen=True)
class Rule:
    """One rule: what it says, where, how sure that is, the switches for what is open, the file of its tests."""

    number: int
    says: str
    pages: Tuple[str, ...]
    sure: str
    switches: Tuple[str, ...] = ()
    file: str = "unit/test_simulator_rules.py"


_CONTROL = "unit/test_simulator_thread_control.py"
_DELIVERY = "unit/test_simulator_delivery.py"

RULES: Tuple[Rule, ...] = (
    Rule(1, "A thread, that of a person with one page, has one owner, or none: then it is idle. With roles (v1) it is "
         "the primary receiver's until it is passed.", ("routing", "legacy"), "CONFIRMED", ("handover_protocol",), _CONTROL),
    Rule(2, "Control ends after 24 hours without activity; the owner may extend it, up to 7 days; pass and take "
         "begin a new day. No event says that it has ended. With roles it does not end.", ("routing", "expiry"),
         "CONFIRMED; from when an extension counts, and the new day of threads that no ad began: UNSURE",
         ("extend_from", "action_restarts_day", "handover_protocol"), _CONTROL),
    Rule(3, "With a default app: only that app may answer an idle thread, only the owner an owned one; others get "
         "400, 10/2018300. With roles either app may answer.", ("routing", "not the owner"), "CONFIRMED",
         ("handover_protocol",), _CONTROL),
    Rule(4, "Without a default app: every app hears and may answer an idle thread, only the owner an owned one.",
         ("routing",), "CONFIRMED; that an owned thread is closed to others: REPORTED; that an answer takes "
         "nothing: UNSURE", ("send_takes_idle",), _CONTROL),
    Rule(5, "pass: by the owner, or by any app while idle; to a connected app, the default app if none is named; "
         "never by the owner to itself.", ("calls", "errors"), "CONFIRMED; subcodes, an unknown target and a limit "
         "of the metadata: UNSURE", ("tells_not_owner", "refuses_unknown_target", "limits_metadata"), _CONTROL),
    Rule(6, "take: with a default app, by an app that the page allows to; otherwise code 27. The previous owner is "
         "told. With roles: by the primary alone; with idle threads (v2) by any app while idle.",
         ("calls", "routing", "legacy"), "CONFIRMED; code 27: REPORTED; who is told, and whether from idle: UNSURE",
         ("take_told_to", "take_event_from_idle", "handover_protocol"), _CONTROL),
    Rule(7, "request: without a default app; an idle thread is granted at once, otherwise the owner alone is asked. "
         "The Page inbox ignores it. With roles the primary is asked.", ("calls", "legacy"), "CONFIRMED; that the "
         "inbox ignores it: REPORTED", ("handover_protocol",), _CONTROL),
    Rule(8, "release: by the owner; the thread is idle then, and no app is told.", ("calls", "routing"), "CONFIRMED",
         ("handover_protocol",), _CONTROL),
    Rule(9, "thread_owner: owner and default app see owner and expiry, others the expiry, nobody an idle thread. "
         "With roles a secondary receiver is refused the sight of another one (100/2018234).", ("routing", "owner"),
         "CONFIRMED", ("handover_protocol",), _CONTROL),
    Rule(10, "The Page inbox takes control by an answer or a move to Main; the owner is told, all get the echo.",
         ("routing", "pass"), "CONFIRMED; without a default app, and what Done does today: UNSURE",
         ("done", "inbox_takes_idle", "handover_protocol"), _CONTROL),
    Rule(11, "thread_control on a send, with a default app: first the message, then control.", ("calls",),
         "CONFIRMED", (), _CONTROL),
    Rule(12, "The app that may answer gets events on messaging, the others on standby, if they subscribed, at app "
         "and at page level, to each page by itself.", ("standby", "subscribed_apps"), "CONFIRMED; the event's own field for standby, and "
         "other kinds of event there: UNSURE", ("standby_needs_own_field", "standby_of_every_kind"), _DELIVERY),
    Rule(13, "A postback goes with its payload, on messaging, to the app that sent the button; to the others on "
         "standby, without.", ("standby", "postbacks"), "CONFIRMED; taps on the menu: UNSURE", ("menu_tap",),
         _DELIVERY),
    Rule(14, "The payload of a quick reply stays visible on standby.", ("sample",), "CONFIRMED for the app that "
         "offered it; for others: UNSURE", ("standby_shows_quick_replies",), _DELIVERY),
    Rule(15, "Every message of the page is echoed to every subscribed app, with its author's app id; who has the "
         "thread when the echo is delivered decides its channel.", ("echoes",), "CONFIRMED; by ownership at "
         "delivery: REPORTED; the fault `late_echo` shows it", (), _DELIVERY),
    Rule(16, "Handover events come on messaging, with app ids as strings and as numbers; from idle the previous "
         "owner is null.", ("handovers",), "CONFIRMED; which id has which type: UNSURE", ("ids",), _DELIVERY),
    Rule(17, "The bytes that are sent are signed, in escaped ASCII.", ("webhooks",), "CONFIRMED; SHA-1 and escaped "
         "punctuation: UNSURE", ("signs_sha1", "escapes_punctuation"), _DELIVERY),
    Rule(18, "A webhook answers 200 within 5 seconds, or the delivery is repeated; after 15 minutes of failures the "
         "developer is alerted, after an hour the webhook is disabled and the app unsubscribed from its "
         "pages.", ("webhooks",),
         "CONFIRMED; when it is repeated: UNSURE", ("disable_webhooks",)),
    Rule(19, "Deliveries may be doubled, out of order, several in one body, late, without mids, of unknown kinds, "
         "of several pages, with standby alone: faults by name, and never by themselves.", ("webhooks",), "CONFIRMED"),
    Rule(20, "A callback is verified by a GET with hub.challenge before it is used.", ("webhooks",), "CONFIRMED", (),
         "integration/test_simulator_rules.py"),
    Rule(21, "Sends are checked: token (190), recipient (100/2018001), type, text 2000, 1-3 buttons, titles 20, "
         "template text 640, payloads 1000, 13 quick replies, message with action (100/2018014). A person's id is "
         "of one page: with the token of another one nobody has it (100/2018001).",
         ("errors", "buttons", "quick replies", "ids"), "CONFIRMED; the code for a person of another page: REPORTED; "
         "that messaging_type is required, which most clients leave out: UNSURE", ("needs_messaging_type", "strict")),
    Rule(22, "Sends are accepted 24 hours from the person's last act, 7 days with HUMAN_AGENT, if the app has the "
         "feature; otherwise 10/2018278. Retired tags: 100.", ("sending",), "CONFIRMED", ("window",)),
    Rule(23, "Ownership is checked before the window.", (), "UNSURE", ("ownership_first",)),
    Rule(24, "The message_id of the answer is the mid of the echo; delivery and read events follow, each on the "
         "app's channel.", ("sending", "standby"), "CONFIRMED; that the ids are always the same: REPORTED",
         ("receipts",)),
    Rule(25, "The rate limit is 613, with X-Business-Use-Case-Usage; what fails for the moment is code 2. Any "
         "other refusal is the fault `refused`.", ("rates", "errors"), "CONFIRMED; the header: REPORTED"),
    Rule(26, "Any version or none; /me is the page that the token is for, and it opens no other page; appsecret_proof is checked, and may be required. "
         "Young apps get no method override, no ?ids=, no aliases, no JSONP.", ("secure", "versions"),
         "CONFIRMED; the codes of the last: UNSURE", ("require_proof", "young_apps")),
    Rule(27, "Personas, profiles (also empty, or 100/2018218), Messenger profile, menus of people, subscriptions, "
         "messaging_feature_status, conversations with is_owner; each of one page. ids_for_pages: a person's id on "
         "every page.",
         ("personas", "profile", "menus", "subscribed_apps", "conversations"), "CONFIRMED; who sees which app "
         "listed, and what is left of the retired calls: UNSURE",
         ("profiles", "lists_other_apps", "lists_secondary_receivers", "tells_feature_status")),
)  # fmt: skip

NOT_SUPPORTED: Tuple[str, ...] = (
    "Instagram: its ids, fields and limits.",
    "Entry points: ads, `m.me` links and social entries that give a thread to an app of their own; threads of ads "
    "that last up to 30 days, and their window of 7 days; lead forms (2018321).",
    "An event when control ends: no page of Meta's names one.",
    "`app_roles` events, and what `pass_thread_metadata` does: the call is accepted, and does nothing.",
    "Limits by count: rate limits come as faults, never by themselves.",
    "Attachments are not fetched, and not checked for their type; a person cannot block the page.",
    "Versions that have ended are taken like the others; asynchronous batches are not known.",
    "Codes 551 and 1545041, 10/2018108, 200/2018028 and others that depend on a real account: the fault `refused` "
    "gives any of them.",
    "In a thread that is idle in the second version of the retired protocol every app may answer: what Meta did "
    "then is UNSURE.",
)


def written() -> str:
    """Return docs/simulator-spec.md."""
    rows = [_row(rule) for rule in RULES]
    found = versions()
    return "\n".join(
        [
            "# What the simulator does, rule by rule",
            "",
            "The rules by which Messenger gives threads to apps, as far as they are known, and how sure that is:",
            "CONFIRMED (a page of Meta's, or its sample code), REPORTED (practitioners), UNSURE. Where Meta's pages",
            "contradict each other or are silent there is a [switch](simulator.md), and both sides are tested: try",
            "your bot on both. Each rule has tests that begin with its number. Meta's pages change; these were read",
            "in autumn 2026.",
            "",
            "| | rule | source | how sure | switches | tests |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "The retired handover protocol is there for bots that were written for it: `handover_protocol` is `v1`",
            "(primary and secondary receivers, until 2020) or `v2` (idle threads, until 2025); the default app is the",
            "primary receiver then.",
            "",
            "## Switches",
            "",
            'In Python: `Simulator(switches=Switches(done="release"))`; over HTTP: `POST /simulator/v1/switches`.',
            "",
            "| switch | values, the default first | what it decides |",
            "|---|---|---|",
            *switch_rows(),
            "",
            "## Not supported",
            "",
            *[f"- {line}" for line in NOT_SUPPORTED],
            "",
            "## Bots of other frameworks",
            "",
            "Two bots from npm are a further app of a simulated page, in a test that CI runs: with a default app, and",
            "without. Another app passes the thread to them, and they pass it back.",
            "",
            "| what it does | " + " | ".join(f"{name} {found[name]}" for name in found) + " |",
            "|---|" + "---|" * len(found),
            *[f"| {step} |" + " yes |" * len(found) for step in STEPS.values()],
            "",
            *[f"- {name}: {NOTES[name]}" for name in found],
            "",
        ]
    )


def _row(rule: Rule) -> str:
    links = ", ".join(f"[{page}]({PAGES[page]})" for page in rule.pages) or "none"
    switches = ", ".join(f"`{name}`" for name in rule.switches)
    return f"| {rule.number} | {rule.says} | {links} | {rule.sure} | {switches} | `tests/{rule.file}` |"


def switch_rows() -> List[str]:
    """Return a row for each switch, by the comment above its field."""
    rows = []
    for comment, name in re.findall(r"((?: +#: .*\n)+) +(\w+): ", inspect.getsource(switches)):
        default = getattr(Switches(), name)
        values = switches.ACCEPTED.get(name, (True, False))
        ordered = [default, *(value for value in values if value != default)]
        shown = ", ".join(f"`{str(one).lower()}`" for one in ordered)
        says = " ".join(line.strip()[3:] for line in comment.splitlines())
        rows.append(f"| `{name}` | {shown} | {says} |")
    return rows


def named_switches() -> List[str]:
    """Return every switch that a rule names."""
    return [name for rule in RULES for name in rule.switches]
