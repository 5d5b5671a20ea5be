"""Lists the webhook fields that the channel lives on: those that guides name, and that the doctor looks for.

A field is delivered if it is subscribed at both levels, that of the app and that of the page.
https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps
https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks
"""

from __future__ import annotations

from typing import Tuple

#: Without one of these, handing over or coming back does not work.
NEEDED_FIELDS: Tuple[str, ...] = (
    "messages",
    "messaging_postbacks",
    "messaging_handovers",
    "standby",
    "message_echoes",
)

#: Without one of these, agents see less, or nobody learns of trouble.
USEFUL_FIELDS: Tuple[str, ...] = (
    "message_deliveries",
    "message_reads",
    "messaging_referrals",
    "messaging_optins",
    "message_reactions",
    "messaging_account_linking",
    "message_edits",
    "messaging_policy_enforcement",
)

SUBSCRIBED_FIELDS: Tuple[str, ...] = NEEDED_FIELDS + USEFUL_FIELDS
